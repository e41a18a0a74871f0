"""A report that names nobody: not who asked, not who answered, and none of them inside a text.

What cannot be known to be a name stays: how somebody is called in a text alone. Addresses and numbers with which one
reaches a person go as well.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from bot.accounts import ROLES
from bot.model import COURSE, SOMEBODY, Session
from bot.report.model import Line, Report
from bot.report.series import Compared, SeriesReport
from knowledge.text import LETTER

HIDDEN = "…"
"""Stands where a name was."""
A_WORD = 6
"""A short name of the audience that stands in so many questions is a word of the language ("data", "小白")."""

Blank = Callable[[str], str]
T = TypeVar("T")

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?<![A-Za-z0-9_.])\+?\d(?:[ -]?\d){9,14}(?![A-Za-z0-9_])")
_MENTION = re.compile(r"[@＠][\w.\-·]{1,20}")
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_LETTER = re.compile(LETTER)
_TITLES = ("老师", "教授", "博士", "先生", "女士", "院士", "主任", "总", "工", "哥", "姐", "同学")


def nameless(report: Report, audience: Iterable[str], staff: Iterable[str]) -> Report:
    """`audience` and `staff` are all names that anybody of the session goes by."""
    blank = blanker(audience, (*staff, report.session.speaker), [line.title for line in report.lines])
    return blanked(report, blank)


def blanked(report: Report, blank: Blank) -> Report:
    """With what `blank` makes of every text, and without the names that have a place of their own."""
    lines = tuple(_line(line, blank) for line in report.lines)
    rest = {name: _texts(getattr(report, name), blank) for name in ("topics", "polls", "feedback")}
    return replace(report, session=session_blanked(report.session, blank), lines=lines, named=False, **rest)


def series_nameless(report: SeriesReport, audience: Iterable[str], staff: Iterable[str]) -> SeriesReport:
    """The same for a series."""
    speakers = {one.session.speaker for one in report.evenings}
    asked = (*report.recurring, *report.wanted)
    blank = blanker(audience, (*staff, *speakers), [one.title for one in asked])
    return replace(
        report,
        name=blank(report.name),
        evenings=tuple(replace(one, session=session_blanked(one.session, blank)) for one in report.evenings),
        recurring=tuple(replace(one, title=blank(one.title)) for one in report.recurring),
        wanted=tuple(replace(one, title=blank(one.title)) for one in report.wanted),
        polls=tuple(_compared(one, blank) for one in report.polls),
        feedback=tuple(_compared(one, blank) for one in report.feedback),
        rates=tuple(replace(one, title=blank(one.title)) for one in report.rates),
        named=False,
    )


def _compared(compared: Compared, blank: Blank) -> Compared:
    tallies = tuple((session, _texts(tally, blank)) for session, tally in compared.tallies)
    return replace(compared, title=blank(compared.title), tallies=tallies)


def session_blanked(session: Session, blank: Blank) -> Session:
    return replace(session, title=blank(session.title), series=blank(session.series), speaker="")


def _line(line: Line, blank: Blank) -> Line:
    answer = line.answer and replace(_texts(line.answer, blank), by=COURSE if line.answer.by == COURSE else SOMEBODY)
    plain = _texts(replace(line, answer=None, first_by=""), blank)
    return replace(plain, id=line.id, chats=line.chats, answer=answer)


def _texts(value: T, blank: Blank) -> T:
    """The same value with every text in it blanked; names of chats and kinds are no texts of people."""
    made: Any = value
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        made = blank(value)
    elif isinstance(value, tuple):
        made = tuple(_texts(one, blank) for one in value)
    elif is_dataclass(value) and not isinstance(value, type):
        made = replace(
            value,
            **{one.name: _texts(getattr(value, one.name), blank) for one in fields(value) if one.name != "chats"},
        )
    return made  # type: ignore[no-any-return]


def blanker(audience: Iterable[str], staff: Iterable[str], texts: Sequence[str]) -> Blank:
    """What blanks a text. `texts` show which short names are words of the language as well; those go where they are
    addressed ("@data")."""
    own = {name for name in map(_tidy, staff) if _is_name(name)}
    others = {name for name in map(_tidy, audience) if _is_name(name)} - own
    known = _Names(_folded(name) for name in own | others)
    words = {_folded(name) for name in others if _short(name) and _is_word(name, texts)}
    parts = _Names(part for name in own for part in _parts(name))

    def names_in(text: str) -> str:
        text = re.sub(r"[^\S\n]+", " ", text)
        folded, kept, at = _folded(text).replace("\n", " "), [], 0
        while at < len(text):
            addressed = text[at] in "@＠"
            begin = at + addressed
            end = known.at(folded, begin) or parts.at(text, begin)
            if end and (addressed or folded[begin:end] not in words):
                kept.append(HIDDEN)
                at = end
            else:
                kept.append(text[at])
                at += 1
        return "".join(kept)

    return lambda text: _MENTION.sub(HIDDEN, names_in(_ADDRESS.sub(HIDDEN, text)))


class _Names:
    """Finds names in texts, in the same time however many there are."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._lengths = sorted({len(name) for name in self._names}, reverse=True)

    def at(self, text: str, begin: int) -> int:
        """Where the longest name that begins there ends; 0 where none does, or it is within a longer word."""
        for length in self._lengths:
            end = begin + length
            if end <= len(text) and text[begin:end] in self._names and _parted(text, begin) and _parted(text, end):
                return end
        return 0


def _parted(text: str, at: int) -> bool:
    """Whether no word goes on at this place. Chinese has no gaps, so that there every place is good."""
    return at in {0, len(text)} or not (_LETTER.match(text[at - 1]) and _LETTER.match(text[at]))


def _folded(text: str) -> str:
    """In small letters, of the same length."""
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _is_name(name: str) -> bool:
    """One letter names nobody, and a role is no name."""
    return len(name) > 1 and name.casefold() not in {*ROLES, COURSE}


def _short(name: str) -> bool:
    return bool(re.fullmatch(rf"[{_CJK}]{{1,2}}|[A-Za-z]{{1,6}}", name))


def _is_word(name: str, texts: Sequence[str]) -> bool:
    small = _folded(name)
    one = _Names([small])
    near = (text for text in map(_folded, texts) if small in text)
    return sum(any(one.at(text, at) for at in range(len(text))) for text in near) >= A_WORD


def _parts(name: str) -> set[str]:
    """How else one speaks of somebody who was announced: "Lin" of "Dr. Lin", "林老师" of "林小明"."""
    parts = set(re.findall(r"[A-Z][\w-]{2,}", name)) if " " in name or "." in name else set()
    if re.fullmatch(rf"[{_CJK}]{{2,4}}", name):
        parts |= {f"{name[0]}{title}" for title in _TITLES}
    return parts
