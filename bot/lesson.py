"""What could be said to a message: by the course, or as it was answered on an earlier evening of the series."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.model import EARLIER, CourseMatch, Vector
from knowledge.answering import Answering, Evidence, Match
from knowledge.grouping import Anchor
from knowledge.reasons import Reason


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a session can be answered from: the course by itself, and the course with what was answered on earlier
    evenings of the series (None: nothing was). So what the course says does not depend on what is remembered."""

    course: Answering | None
    series: Answering | None = None

    @property
    def anchor(self) -> Anchor | None:
        """What helps to tell questions apart; what is empty anchors nothing."""
        found = self.series or self.course
        return found if found is not None and len(found) else None

    def fits(self, texts: Sequence[str], vectors: Sequence[Vector]) -> list[Evidence | None]:
        """How well the best part of the course fits each of these; None where there is none."""
        return self.course.fits(texts, vectors) if self.course is not None else [None] * len(texts)

    def match(self, text: str, vector: Vector) -> "Told":
        """What the course says, and what an earlier evening says that fits better than anything in the course."""
        return self.matches([text], [vector])[0]

    def matches(self, texts: Sequence[str], vectors: Sequence[Vector]) -> list["Told"]:
        """The same of several texts, which takes less time than one after the other."""
        course, best = (
            found.matches(texts, vectors) if found is not None else [None] * len(texts)
            for found in (self.course, self.series)
        )
        return [
            Told(one, other if other is not None and other.source.startswith(EARLIER) else None)
            for one, other in zip(course, best, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Told:
    """What could be said to a message."""

    course: Match | None
    earlier: Match | None

    @property
    def offered(self) -> str | None:
        """What is sent or suggested, if anything, of which the messages of a question have the same."""
        return next((match.offered for match in (self.earlier, self.course) if match and match.offered), None)


@dataclass(frozen=True, slots=True)
class Found:
    """What comes of `Told` for one message in this session, and why."""

    course: CourseMatch | None
    earlier: CourseMatch | None
    reasons: tuple[Reason, ...] = ()

    @property
    def sent(self) -> CourseMatch | None:
        """The one of both that is said without a human."""
        return next((match for match in (self.course, self.earlier) if match and match.state == "sent"), None)

    @property
    def source(self) -> str | None:
        best = self.earlier or self.course
        return best.source if best else None
