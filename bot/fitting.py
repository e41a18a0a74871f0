"""How long a text may be in a chat, and where it is cut when it is longer; and what may be a name."""

import re
from collections.abc import Callable

from bot.model import Abilities, Unit

SENTENCE_ENDS = "。！？.!?\n；;"
ELLIPSIS = "…"
STEERING = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters but for ends of lines, and marks that turn the text around them."""


def measure(text: str, unit: Unit) -> int:
    """The length of a text as a chat counts it."""
    match unit:
        case Unit.UTF16:
            return len(text.encode("utf-16-le", "surrogatepass")) // 2
        case Unit.BYTES:
            return len(text.encode("utf-8", "surrogatepass"))
        case Unit.CHARACTERS:
            return len(text)


def cut(text: str, length: int, unit: Unit = Unit.UTF16) -> str:
    """At most `length` of the unit, ending at a sentence where one ends in the last half, and "…" where cut."""
    if measure(text, unit) <= length:
        return text
    room = length - measure(ELLIPSIS, unit)
    if room <= 0:
        return ""
    head = text[:room]
    while (over := measure(head, unit) - room) > 0:
        # No character is more than four of any unit, so this never takes too much.
        head = head[: len(head) - max(1, over // 4)]
    end = max(head.rfind(mark) for mark in SENTENCE_ENDS)
    return (head[: end + 1] if end >= len(head) // 2 else head).rstrip() + ELLIPSIS


def fit_marked(text: str, marked: Callable[[str], str], length: int, unit: Unit) -> str:
    """The text as `marked` writes it, cut where the signs that this takes make it longer than that."""
    shown, room = marked(text), length
    while (over := measure(shown, unit) - length) > 0:
        room -= max(1, over // 3)
        shown = marked(cut(text, room, unit))
    return shown


def one_line(text: str) -> str:
    """What of a name or a remark can stand in a line of a page, a terminal or a chat and change nothing around it."""
    kept = text if text.isprintable() and text.isascii() else STEERING.sub("", text)
    return " ".join(kept.split())


def fit(text: str, abilities: Abilities, more: str) -> str:
    """The text as the chat takes it; where it is too long, cut, with `more` (where all of it stands) on a last line."""
    if measure(text, abilities.unit) <= abilities.length:
        return text
    tail = f"\n{more}" if more and measure(more, abilities.unit) < abilities.length // 2 else ""
    return cut(text, abilities.length - measure(tail, abilities.unit), abilities.unit) + tail
