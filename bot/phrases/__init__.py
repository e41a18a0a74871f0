"""What the program says to people, in the language they read.

Errors, notices, questions and descriptions are written in English where they arise, and are kept and logged so. Whoever
shows them looks them up here, in a book of English lines with a `{}` for each part that differs, `{#}` where it is a
number (`zh.txt`). What a part says is looked up too, and what follows a name and a colon. A line that is not in the
book is shown as it is.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LONGEST = 2000
"""Characters. Nothing that is said to people is longer, and what is need not be searched."""

DEEPEST = 5
"""So often a part may have parts."""


def in_language(text: str, language: str) -> str:
    """The text in "zh"; as it is in any other language. Several lines are looked up one by one."""
    if language != "zh" or len(text) > LONGEST:
        return text
    return "\n".join(_said(line, DEEPEST) for line in text.split("\n"))


@cache
def chinese() -> Mapping[str, str]:
    """The whole book: English lines and the same in Chinese."""
    text = files("bot.phrases").joinpath("zh.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(zip(lines[::2], lines[1::2], strict=True))


def _said(text: str, deep: int) -> str:
    if known := chinese().get(text):
        return known
    if not deep:
        return text
    for pattern, words in _patterns():
        if found := pattern.fullmatch(text):
            parts = [_said(part, deep - 1) for part in found.groups()]
            # Marks alone, such as "{} ({})", are no words: then a part has to be known.
            if re.search(r"\w", words.replace("{}", "")) or parts != list(found.groups()):
                return words.format(*parts)
    head, colon, tail = text.partition(": ")
    said = _said(tail, deep - 1) if colon else tail
    return text if said == tail else f"{_said(head, deep - 1)}：{said}"


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The lines with parts, those first that say most themselves."""
    found = []
    for line in sorted((line for line in chinese() if "{" in line), key=len, reverse=True):
        text = re.escape(line).replace(r"\{\}", "(.+?)").replace(r"\{\#\}", r"(\d[\d,.]*)")
        found.append((re.compile(text), chinese()[line]))
    return found
