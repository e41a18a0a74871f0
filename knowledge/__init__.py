"""What Floormic understands and knows. Texts and vectors in, scores and keys out; it knows nothing of chats."""
