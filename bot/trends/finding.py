"""From what the store kept to topics, gaps, and the counts of each evening."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bot.model import Person, Question, Remembered, Session, Status
from bot.queueing import OPEN
from bot.trends.model import Cell, Evening, Gap, Point, Row, Trends
from bot.trends.sober import change_of, changes, leaning, runs
from knowledge.maps import lay_out
from knowledge.topics import Raised, Topic, find_topics

MANY = 2
"""People who wait, those of each evening counted anew, from which on something unanswered is a gap."""

MAPPED = 400
"""Questions on the map: more of them are a cloud."""

WORDINGS = 6
"""Of one question, that its topic is told by."""


def in_order(series: str, sessions: Iterable[Session]) -> list[Session]:
    """The evenings of a series: by when they start; those that do not say so stay where they are among the others."""
    found = [session for session in sessions if series and session.series == series]
    times, latest = [], float("-inf")
    for session in found:
        latest = session.starts_at if session.starts_at is not None else latest
        times.append(latest)
    return [session for _, session in sorted(zip(times, found, strict=True), key=lambda pair: pair[0])]


def find_trends(series: str, evenings: Sequence[Evening], glossary: Sequence[str] = ()) -> Trends:
    """`evenings` in order of time."""
    size = next((len(one.vector) for evening in evenings for one in evening.remembered), 1)
    asked = [_asked(evening, size) for evening in evenings]
    raised = [[one for one, _, _ in evening] for evening in asked]
    topics = find_topics(raised, glossary)
    held = {id: at for at, topic in enumerate(topics) for id in topic.members}
    first = _first_asked(evenings)
    points = [
        Point(question, at, persons, one.vector, held.get(one.id), first.get(one.id, one.id), one.id in first)
        for at, evening in enumerate(asked)
        for one, question, persons in evening
    ]
    return _counted(series, tuple(evening.session for evening in evenings), topics, points)


def _first_asked(evenings: Sequence[Evening]) -> dict[str, str]:
    """By each question that was asked before, the one that asked it first."""
    into = {q.id: q.state.merged_into for evening in evenings for q in evening.questions if q.state.merged_into}
    sure = [one for evening in evenings for one in evening.recurrences if one.sure]
    return {one.question: into.get(one.root, one.root) for one in sure}


_Asked = tuple[Raised, Question, frozenset[Person]]


def _asked(evening: Evening, size: int) -> list[_Asked]:
    """The questions of an evening in the order in which they came up, with who asked."""
    into = {q.id: q.state.merged_into or q.id for q in evening.questions}
    said: dict[str, list[Remembered]] = {}
    for one in evening.remembered:
        said.setdefault(into.get(one.question, one.question), []).append(one)
    found = []
    for question in sorted(evening.questions, key=lambda q: (q.first_at, q.id)):
        if question.status not in {Status.MERGED, Status.DISMISSED}:
            own = said.get(question.id, [])
            persons = frozenset(Person(one.person.source, one.person.id) for one in own)
            found.append((_raised(question, own, evening.headings, size), question, persons))
    return found


def _raised(question: Question, said: Sequence[Remembered], headings: Mapping[str, str], size: int) -> Raised:
    """What was asked without a vector has the vector zero, which is near nothing."""
    mean = np.mean([one.vector for one in said], axis=0) if said else np.zeros(size)
    vector = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)
    texts = dict.fromkeys([question.title, *(one.text for one in said)])
    parts = Counter(heading for one in said if one.source and (heading := headings.get(one.source)))
    heading = min(parts, key=lambda name: (-parts[name], name), default="")
    return Raised(question.id, "\n".join(list(texts)[:WORDINGS]), vector, max(1, question.people), heading)


def _counted(series: str, evenings: tuple[Session, ...], topics: Sequence[Topic], points: list[Point]) -> Trends:
    of_topic = [[point for point in points if point.topic == at] for at in range(len(topics))]
    order = sorted(range(len(topics)), key=lambda at: (-len(_persons(of_topic[at])), at))
    place: dict[int | None, int | None] = {None: None, **{before: now for now, before in enumerate(order)}}
    points = [replace(point, topic=place[point.topic]) for point in points]
    people = tuple(len(_persons(p for p in points if p.evening == at)) for at in range(len(evenings)))
    rows = _rows([topics[at] for at in order], points, people)
    return Trends(series, evenings, people, tuple(points), rows, _gaps(points), _places(points))


def _persons(points: Iterable[Point]) -> set[tuple[int, Person]]:
    """Who asked any of these, each once an evening."""
    return {(point.evening, person) for point in points for person in point.persons}


def _rows(topics: Sequence[Topic], points: Sequence[Point], people: tuple[int, ...]) -> tuple[Row, ...]:
    if not topics:
        return ()
    own = [[point for point in points if point.topic == at] for at in range(len(topics))]
    asked = np.array([[len(_persons(p for p in of if p.evening == at)) for at in range(len(people))] for of in own])
    all_ = np.array(people)
    changed, run = changes(asked, all_), runs(asked, all_)
    sources = sorted({person.source for point in points for person in point.persons})
    by_chat = np.array([[sum(p.source == source for _, p in _persons(of)) for source in sources] for of in own])
    everybody = _persons(points)
    leans = leaning(by_chat, np.array([sum(p.source == source for _, p in everybody) for source in sources]))
    half = (len(people) + 1) // 2
    rows = []
    for at, (topic, of) in enumerate(zip(topics, own, strict=True)):
        cells = [
            _cell([p for p in of if p.evening == n], asked[at, n], people[n], changed[at, n])
            for n in range(len(people))
        ]
        rows.append(
            Row(
                topic=topic,
                example=next(point.question for point in of if point.question.id == topic.members[0]),
                cells=tuple(cells),
                people=int(asked[at].sum()),
                run=change_of(run[at]),
                first=_share(asked[at, :half].sum(), all_[:half].sum()),
                last=_share(asked[at, half:].sum(), all_[half:].sum()),
                chats={source: int(n) for source, n in zip(sources, by_chat[at], strict=True) if n},
                leaning={source: change_of(n) for source, n in zip(sources, leans[at], strict=True) if n},
            )
        )
    return tuple(rows)


def _cell(own: Sequence[Point], asked: int, people: int, change: int) -> Cell:
    return Cell(
        questions=len(own),
        people=int(asked),
        share=_share(asked, people),
        again=sum(point.again for point in own),
        answered=sum(point.answered for point in own),
        change=change_of(change),
    )


def _share(part: float, whole: float) -> float:
    return round(float(part / whole), 4) if whole else 0.0


def _places(points: Sequence[Point]) -> tuple[tuple[float, float] | None, ...]:
    """On the map are those with most people, of equals those of a topic and the first ones."""

    def order(at: int) -> tuple[int, bool, int]:
        return -points[at].question.people, points[at].topic is None, at

    shown = sorted(sorted(range(len(points)), key=order)[:MAPPED])
    vectors = np.array([points[at].vector for at in shown], dtype=np.float32)
    found = dict(zip(shown, lay_out(vectors, [points[at].topic for at in shown]), strict=False))
    return tuple(found.get(at) for at in range(len(points)))


def _gaps(points: Sequence[Point]) -> tuple[Gap, ...]:
    same: dict[str, list[Point]] = {}
    for point in points:
        same.setdefault(point.same, []).append(point)
    found = []
    for own in same.values():
        people = sum(point.question.waiting for point in own)
        if people >= MANY and all(point.question.status in OPEN for point in own):
            first = max(own, key=lambda point: (point.question.waiting, -point.evening))
            topic = next((point.topic for point in own if point.topic is not None), None)
            suggested = any(p.question.suggested_answer or p.question.suggested_memory for p in own)
            found.append(Gap(first.question, tuple(own), people, topic, suggested))
    return tuple(sorted(found, key=lambda gap: (-gap.people, gap.points[0].evening, gap.question.id)))
