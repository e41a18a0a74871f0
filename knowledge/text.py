"""One normal form of a message."""

import unicodedata


def normalise(text: str) -> str:
    """NFKC width; deterministic, any input."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
