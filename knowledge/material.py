"""The values that course material is read into."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """A question of an FAQ with its answer (plain text); `source` names the place for a human: "faq.md:12"."""

    id: str
    question: str
    phrasings: tuple[str, ...]
    answer: str
    source: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of notes, slides, glossary or transcript; `source` is for a human: "slides.pdf, page 3"."""

    id: str
    heading: str
    text: str
    source: str

    @property
    def is_term(self) -> bool:
        """Of a glossary in Markdown, in whatever folder."""
        name = self.source.rpartition(":")[0].rpartition("/")[2].lower()
        return name.startswith("glossary") and name.endswith((".md", ".markdown"))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the course folder that its author should mend; `message` says what it is and what to do."""

    file: str
    line: int | None
    message: str

    @property
    def place(self) -> str:
        """The file, and the line where it has one."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Course:
    """Everything that was read, in the order of file names; ids are unique over entries and passages. `there`: false
    where nothing could be read, for the folder is gone."""

    entries: tuple[Entry, ...]
    passages: tuple[Passage, ...]
    problems: tuple[Problem, ...]
    there: bool = True

    @property
    def says(self) -> str:
        """Stands for everything that is in it: another one where an entry or passage is; "" where there is none."""
        pieces = (self.entries, self.passages)
        return hashlib.sha256(repr(pieces).encode(errors="replace")).hexdigest() if any(pieces) else ""


@dataclass(slots=True)
class Found:
    """What one file holds, while it is being read."""

    file: str
    entries: list[Entry] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, message: str, line: int | None = None) -> None:
        self.problems.append(Problem(self.file, line, message))
