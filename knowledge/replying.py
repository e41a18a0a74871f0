"""Viewers reply to each other in words that sound like a question ("the course page, under tools"), and what the course
says of it is then sent to somebody who knows it.

That is looked for where it does harm, before something is sent: does the line tell somebody who asked what the same
part of the course answers? To read every line that seems to ask beside the last two askings in its chat, and to weigh
that beside the detector's signs, was tried too: F1 of asking .940 to .941 (talks) for twice as many pairs.
"""

from collections import deque
from collections.abc import Sequence

from knowledge.context import KEPT, Line
from knowledge.encoder import REPLIES, Encoder
from knowledge.neighbours import DIGITS

WITHIN = 600.0
"""Seconds within which a reply is typed."""

LAST = 3
"""Askings that a line may reply to: the last of them."""

LIKELY = 0.0
"""Log odds from which on a line is taken for a reply."""


class Overheard:
    """The last lines of one session, with the part of the course that fits those best which ask. Not `Recent`, which is
    told of a line before the course is searched for it.
    """

    def __init__(self) -> None:
        self._lines: deque[tuple[Line, str, str]] = deque(maxlen=KEPT)

    def add(self, line: Line, text: str, source: str) -> None:
        """The next line in order of arrival; `source` is "" where it asks nothing, or where nothing fits."""
        self._lines.append((line, text, source))

    def asked(self, line: Line, source: str) -> list[str]:
        """What others asked shortly before in this chat that `source` fits, the latest first."""
        found = [
            text
            for other, text, about in reversed(self._lines)
            if about == source
            and text  # nothing of somebody who was forgotten
            and other.chat == line.chat
            and other.author != line.author
            and line.at - other.at <= WITHIN
        ]
        return found[:LAST]


def replies(encoder: Encoder, text: str, asked: Sequence[str]) -> float:
    """The greatest log odds that a line tells one of those what he asked; -inf where nobody asked, or the
    encoder reads nothing."""
    if not asked or not encoder.reading:
        return float("-inf")
    read = encoder.read([(text, other) for other in asked])
    return round(float(read[:, REPLIES].max()), DIGITS)
