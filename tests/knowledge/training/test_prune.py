import pytest

from knowledge.training import prune

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁the",
    "▁recording",
    "▁quill",
    "xylem",
    "回放",
    "证书",
    "ครับ",
    "การ",
    "โรง",
    "▁привет",
    "▁пока",
    "ก",
    "я",
    "q",
    "<mask>",
]


def test_of_each_script_the_likeliest_pieces_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many of Latin, of Thai and of other letters, the likeliest first; all of Han, every single letter, what marks
    texts, and whatever the topics use."""
    monkeypatch.setattr(prune, "LATIN", 6)  # four of them are the marks
    monkeypatch.setattr(prune, "THAI", 1)
    monkeypatch.setattr(prune, "OTHER", 1)
    vocabulary = [[piece, -float(at)] for at, piece in enumerate(PIECES)]
    kept = [PIECES[at] for at in prune._kept(vocabulary, {PIECES.index("xylem")})]
    assert kept == [piece for piece in PIECES if piece not in ("▁quill", "การ", "โรง", "▁пока")]
