"""What stood in the chat before a message, as far as it tells whether the message asks.

`Recent` keeps the last lines of a session; what it says of a line depends on those alone, in their order of arrival.
"""

import math
import unicodedata
from collections import Counter, deque
from dataclasses import astuple, dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from knowledge.text import normalise
from knowledge.wording import pieces

KEPT = 200
"""Lines of a session that are remembered."""

NEAR = 30.0
"""Seconds after which what was said before counts a third."""

LONGEST_NAME = 24


@dataclass(frozen=True, slots=True)
class Context:
    """All 0..1; 0 where nothing stood before.

    `named`: it begins with the name of another viewer. `after_asking`: how shortly ago another viewer of the chat asked
    something, by seconds and lines between; `answers`: the same where this line has no question mark; `echo`: the share
    of its words that are in those askings, without a question mark. `goes_on`: how shortly ago its author asked;
    `says_more`: how shortly ago its author said something that asks nothing. `repeats_asking`, `repeats_other`: its
    author said the very same before, and it asked something, or did not.
    """

    SIZE: ClassVar[int]
    NAMES: ClassVar[tuple[str, ...]]

    named: float = 0.0
    after_asking: float = 0.0
    answers: float = 0.0
    echo: float = 0.0
    goes_on: float = 0.0
    says_more: float = 0.0
    repeats_asking: float = 0.0
    repeats_other: float = 0.0

    def features(self) -> NDArray[np.float64]:
        """Shape (SIZE,), in the order of NAMES."""
        return np.array(astuple(self), dtype=np.float64)


Context.NAMES = tuple(field.name for field in fields(Context))
Context.SIZE = len(Context.NAMES)

EMPTY = Context()


@dataclass(frozen=True, slots=True)
class Line:
    """A message as this module sees it. `at` in seconds."""

    chat: str
    author: str
    name: str
    text: str
    at: float


class Recent:
    """The last lines of one session with what was decided about them."""

    def __init__(self) -> None:
        self._lines: deque[tuple[Line, bool]] = deque()
        self._names: Counter[tuple[str, str]] = Counter()

    def add(self, line: Line, asks: bool) -> None:
        """The next line in order of arrival, and whether it asks."""
        self._lines.append((line, asks))
        self._names[_plain(line.name), line.author] += 1
        if len(self._lines) > KEPT:
            old, _ = self._lines.popleft()
            self._names -= Counter([(_plain(old.name), old.author)])

    def before(self, line: Line) -> Context:
        """The context of a line that is not added yet."""
        plain = normalise(line.text)
        own = [(other, asks) for other, asks in self._lines if other.author == line.author and other.chat == line.chat]
        others = [one for one in self._lines if one[0].author != line.author and one[0].chat == line.chat]
        asked = [(other, len(others) - at) for at, (other, asks) in enumerate(others) if asks][-3:]
        after = max((_nearness(line.at - other.at, lines) for other, lines in asked), default=0.0)
        unmarked = "?" not in plain
        same = [asks for other, asks in own if normalise(other.text) == plain]
        last = own[-1:] if own else []
        near = _nearness(line.at - last[0][0].at, 1) if last else 0.0
        return Context(
            named=float(self._named(line)),
            after_asking=after,
            answers=after * unmarked,
            echo=_echo(plain, [other for other, _ in asked], line.at) * unmarked,
            goes_on=near if last and last[0][1] else 0.0,
            says_more=near if last and not last[0][1] else 0.0,
            repeats_asking=float(bool(same) and same[-1]),
            repeats_other=float(bool(same) and not same[-1]),
        )

    def _named(self, line: Line) -> bool:
        text = _plain(line.text).lstrip("@ ")
        known = {name for name, author in self._names if author != line.author}
        return any(text[:length] in known for length in range(2, min(len(text), LONGEST_NAME) + 1))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:200]).lower().strip()


def _nearness(seconds: float, lines: int) -> float:
    return math.exp(-max(seconds, 0.0) / NEAR) / max(lines, 1) ** 0.5


def _echo(plain: str, asked: list[Line], at: float) -> float:
    words = set(pieces(plain))
    if not words:
        return 0.0
    shared = (len(words & set(pieces(normalise(other.text)))) for other in asked if at - other.at < 4 * NEAR)
    return max(shared, default=0) / len(words)
