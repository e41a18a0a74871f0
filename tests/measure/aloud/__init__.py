"""How well it is found where questions were answered aloud: two spoken talks of ours, written for this."""
