"""Cells of a spreadsheet: what people wrote must not be calculated, nor turn round the text beside it."""

import re

_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
# The full-width signs count too: spreadsheets in Chinese and Japanese take them for the same.
_CALCULATED = re.compile(r"\s*[=+\-@＝＋－＠\t\r|%]")


def plain(text: str) -> str:
    """Without control characters, those that no XML can hold, and those that turn the direction of the text around
    them."""
    return _UNSHOWN.sub("", text)


def cell(value: str | float) -> str | float:
    """A text that a spreadsheet would calculate begins with an apostrophe, which it shows as text."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if _CALCULATED.match(text) else text
