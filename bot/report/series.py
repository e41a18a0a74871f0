"""A whole series as one report: each evening's report is folded in and forgotten, so that a hundred fit."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.model import PollKind, Session, Status
from bot.report.building import Human, Material, build_report
from bot.report.model import Audience, Feedback, Headline, Reach, Report, Tally, Waits
from bot.report.pictures import thinned
from knowledge.text import normalise

SPARK = 32
"""Steps of an evening's small picture."""
MOST = 30
"""Questions of a list, or polls that are compared."""


@dataclass(frozen=True, slots=True)
class EveningFigures:
    """One evening of a series. `at` is when it began (None: nobody can say); `messages` and `asked` its timeline in at
    most `SPARK` steps; `missed` the seconds that its sources did not hear, all together."""

    session: Session
    at: float | None
    headline: Headline
    waits: Waits
    audience: Audience
    reach: Reach
    messages: tuple[int, ...]
    asked: tuple[int, ...]
    missed: float

    @property
    def coverage(self) -> float | None:
        """Of the questions that were not dismissed, the part that the course answered; None without such a question."""
        wanted = self.headline.groups - self.headline.dismissed
        return self.headline.by_course / wanted if wanted else None


@dataclass(frozen=True, slots=True)
class Recurring:
    """What was asked on several evenings, or is open: the sessions where it was asked, in order of time, and those
    where it was answered; `people` of all evenings, where somebody who came twice counts twice."""

    title: str
    people: int
    sessions: tuple[str, ...]
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """The same thing asked of everybody on several evenings: what was said, by session, in order of time."""

    title: str
    kind: PollKind
    tallies: tuple[tuple[str, Tally], ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """How many filled in an evening's questionnaire, of how many who were asked (None: not known)."""

    session: str
    title: str
    n: int
    asked: int | None


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """`evenings` in order of time. `people` are humans, each once however often they came, as far as their chat keeps
    their id; `recurring` and `wanted` (open, and answered on no evening) the most wanted first."""

    name: str
    language: str
    made_at: float
    evenings: tuple[EveningFigures, ...]
    people: int
    waits: Waits
    recurring: tuple[Recurring, ...]
    wanted: tuple[Recurring, ...]
    polls: tuple[Compared, ...]
    feedback: tuple[Compared, ...]
    rates: tuple[Rate, ...]
    named: bool = True

    @property
    def total(self) -> Headline:
        """The figures of all evenings together; people and askers of each evening added up."""
        sums = {name: sum(getattr(one.headline, name) for one in self.evenings) for name in Headline.__slots__}
        return Headline(**sums)


@dataclass(slots=True)
class _Group:
    """Questions of several evenings that ask the same."""

    title: str = ""
    most: int = -1
    people: int = 0
    sessions: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    open: bool = False


class SeriesCount:
    """Takes one evening's material after the other, in any order. `roots`: questions of other evenings that ask the
    same, as far as that is known: from a question's id to that of the first. `lasting` as in `Material`."""

    def __init__(self, roots: Mapping[str, str], lasting: Callable[[str], bool]) -> None:
        self._roots, self._lasting = roots, lasting
        self.answerers: set[str] = set()
        self._evenings: list[EveningFigures] = []
        self._humans: dict[str, frozenset[Human]] = {}
        self._questions: dict[str, list[tuple[str, str, int, Status]]] = {}
        self._polls: dict[str, tuple[Tally, ...]] = {}
        self._feedback: dict[str, tuple[Feedback, ...]] = {}

    def add(self, material: Material, now: float) -> None:
        report = build_report(material, now)
        id = report.session.id
        self.answerers |= {line.answer.by for line in report.lines if line.answer and not line.by_course}
        first = min((one.at for one in material.heard), default=None)
        self._evenings.append(_figures(report, report.session.starts_at or first))
        self._humans[id] = frozenset(one.human for one in material.heard)
        self._questions[id] = [(line.id, line.title, line.people, line.status) for line in report.lines]
        self._polls[id], self._feedback[id] = report.polls, report.feedback

    def report(self, name: str, language: str, now: float) -> SeriesReport:
        self._evenings.sort(key=lambda one: (one.at is None, one.at or 0.0))
        order = [one.session.id for one in self._evenings]
        groups = self._groups(order)
        seconds = [one.waits for one in self._evenings]
        return SeriesReport(
            name=name,
            language=language,
            made_at=now,
            evenings=tuple(self._with_audience()),
            people=len(set().union(*self._humans.values())),
            waits=Waits(
                tuple(sorted(s for one in seconds for s in one.course)),
                tuple(sorted(s for one in seconds for s in one.people)),
            ),
            recurring=_listed((one for one in groups if len(one.sessions) > 1), lambda one: len(one.sessions)),
            wanted=_listed((one for one in groups if one.open and not one.answered), lambda one: 0),
            polls=_compared((id, self._polls[id]) for id in order),
            feedback=_compared((id, tuple(i for one in self._feedback[id] for i in one.items)) for id in order),
            rates=tuple(Rate(id, one.title, one.n, one.asked) for id in order for one in self._feedback[id]),
        )

    def _with_audience(self) -> Iterator[EveningFigures]:
        seen: set[Human] = set()
        for earlier, evening in enumerate(self._evenings):
            humans = self._humans[evening.session.id]
            known = {human for human in humans if self._lasting(human[0])}
            new, unknown = len(known - seen), len(humans) - len(known)
            yield replace(evening, audience=Audience(new, len(known) - new, unknown, earlier))
            seen |= known

    def _groups(self, order: Sequence[str]) -> list[_Group]:
        """By what is known to be the same, and else by the same words."""
        by_words: dict[str, str] = {}
        groups: dict[str, _Group] = defaultdict(_Group)
        for session in order:
            for id, title, people, status in self._questions[session]:
                root, words = self._roots.get(id, id), normalise(title).strip("?!. ") or id
                key = root if root in groups else by_words.get(words, root)
                by_words.setdefault(words, key)
                if status is not Status.DISMISSED:
                    _file(groups[key], session, title, people, status)
        return list(groups.values())


def _file(group: _Group, session: str, title: str, people: int, status: Status) -> None:
    if people > group.most:
        group.title, group.most = title, people
    group.people += people
    if session not in group.sessions[-1:]:
        group.sessions.append(session)
    if status is not Status.ANSWERED:
        group.open = True
    elif session not in group.answered[-1:]:
        group.answered.append(session)


def _listed(groups: Iterable[_Group], first: Callable[[_Group], int]) -> tuple[Recurring, ...]:
    ordered = sorted(groups, key=lambda one: (-first(one), -one.people, one.title))[:MOST]
    return tuple(Recurring(one.title, one.people, tuple(one.sessions), tuple(one.answered)) for one in ordered)


def _figures(report: Report, at: float | None) -> EveningFigures:
    return EveningFigures(
        session=report.session,
        at=at,
        headline=report.headline,
        waits=report.waits,
        audience=report.audience,
        reach=report.reach,
        messages=thinned(report.timeline.messages, SPARK),
        asked=thinned(report.timeline.asked, SPARK),
        missed=sum(one.seconds for one in report.missed),
    )


def _compared(tallies: Iterable[tuple[str, Sequence[Tally]]]) -> tuple[Compared, ...]:
    """What was asked in the same words on at least two evenings, in the order in which it came first."""
    found: dict[tuple[str, PollKind], list[tuple[str, Tally]]] = defaultdict(list)
    for session, own in tallies:
        for one in own:
            found[normalise(one.title), one.kind].append((session, one))
    several = [rows for rows in found.values() if len({session for session, _ in rows}) > 1]
    return tuple(Compared(rows[0][1].title, rows[0][1].kind, tuple(rows)) for rows in several[:MOST])
