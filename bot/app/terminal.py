"""How things read in a terminal."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime

from bot.fitting import one_line as plain

__all__ = ["clock", "lasted", "plain", "steps"]


def steps(text: str, width: int) -> str:
    """Numbered steps on lines of that many cells, whatever lines they are written in; one that begins with blanks goes
    on with the one before."""
    joined = re.sub(r"\n +", "\n ", text)
    joined = re.sub(r"(?<=[^\x00-\x7f])\n (?=[^\x00-\x7f])", "", joined).replace("\n ", " ")
    return "\n".join(row for line in joined.split("\n") for row in _rows(line, width))


def _rows(line: str, width: int) -> Iterator[str]:
    """A line broken between words, or between Chinese characters, but never before a closing mark."""
    number = re.match(r"\d+\. ", line)
    hang = " " * (number.end() if number else 0)
    row = ""
    for word in re.findall(r"[!-~]+[，。；：、）”]* ?|[“（]?[^ ][，。；：、）”]* ?", line):
        if row.strip() and cells(row + word.rstrip()) > width:
            yield row.rstrip()
            row = hang
        row += word
    yield row.rstrip()


def cells(text: str) -> int:
    """How wide it is where Chinese characters take two cells."""
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)


def lasted(seconds: float) -> str:
    """How long, for people: "40 s", "3 min 20 s", "12 min", "1 h 12 min", "3 days"."""
    whole = max(0, round(seconds))
    minutes = round(whole / 60)
    if whole < 60:
        return f"{whole} s"
    if whole < 600 and whole % 60:
        return f"{whole // 60} min {whole % 60} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{round(minutes / 1440)} days"


def clock(at: float, now: float) -> str:
    """The local time of a moment, with its day where that is not today."""
    moment = datetime.fromtimestamp(at).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return f"{moment:%H:%M}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"
