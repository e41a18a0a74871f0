"""From what the store kept to a report. Counts; decides nothing else."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.model import Delivery, Heard, Mood, Poll, Question, Session, SourceReport, Status
from bot.report.model import (
    Audience,
    Chat,
    Feedback,
    Headline,
    Line,
    Moods,
    Reach,
    Report,
    Timeline,
    Topic,
)
from bot.report.reaching import reach
from bot.report.sources import missed
from bot.report.tallies import tallied

MANY = 2
"""From so many people on who wait for an answer, a question is a gap of the course."""
WORDINGS = 5
MOST_STEPS = 120
"""Steps of the timeline that a page's width can show; a longer session gets longer steps."""
MOST_MOODS = 60

Human = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Material:
    """What a session's report is made of, as the store gives it.

    `heard` in order of arrival; `questions` all of them, merged ones included; `pulse` as (minute, mood, people);
    `sources` those that the session listened to. `before` are the humans of the `earlier` evenings of the series,
    `lasting` says of a chat whether it keeps a person's id from one evening to the next, `replying` whether it can be
    told something; `deliveries` are those that answer. `topics` maps a question's id
    to what it is about; where it is empty, labels are the topics.
    """

    session: Session
    heard: Sequence[Heard]
    questions: Sequence[Question]
    polls: Sequence[Poll] = ()
    pulse: Sequence[tuple[int, str, int]] = ()
    deliveries: Sequence[Delivery] = ()
    sources: Sequence[SourceReport] = ()
    feedback: tuple[Feedback, ...] = ()
    before: Collection[Human] = ()
    earlier: int = 0
    lasting: Callable[[str], bool] = lambda _: True
    replying: Callable[[str], bool] = lambda _: True
    topics: Mapping[str, Sequence[str]] | None = None


def build_report(material: Material, now: float) -> Report:
    """Count the material."""
    own = defaultdict(list)
    for one in material.heard:
        if one.question:
            own[one.question].append(one)
    whole = _whole(material.heard)
    standing = [question for question in material.questions if question.status is not Status.MERGED]
    # What is pinned is pinned for the stage; a report orders by demand alone.
    standing.sort(key=lambda q: (-q.people, q.first_at, q.id))
    lines = tuple(_line(question, own[question.id]) for question in standing)
    losses = missed(material.session, material.heard, material.sources, now)
    return Report(
        session=material.session,
        made_at=now,
        headline=_headline(whole, lines),
        lines=lines,
        chats=tuple(replace(chat, missed=losses.get(chat.source)) for chat in _chats(whole, lines)),
        timeline=_timeline(whole),
        gaps=tuple(question.id for question in standing if question.waiting >= MANY),
        topics=_topics(lines, material.topics),
        polls=tallied(material.polls),
        moods=_moods(material.pulse),
        feedback=material.feedback,
        audience=_audience(material),
        reach=_reach(lines, own, material),
        missed=tuple(losses.values()),
    )


def _whole(heard: Sequence[Heard]) -> list[Heard]:
    """Each line of a chat once, whatever parts it has; it asks where one of them does."""
    found: dict[int, Heard] = {}
    for one in heard:
        if one.line not in found or (one.asks and not found[one.line].asks):
            found[one.line] = one
    return list(found.values())


def _line(question: Question, own: Sequence[Heard]) -> Line:
    state = question.state
    return Line(
        id=state.id,
        title=state.title,
        status=state.status,
        people=question.people,
        askers=question.askers,
        votes=question.votes,
        messages=question.messages,
        chats=tuple(sorted(question.chats.items(), key=lambda pair: (-pair[1], pair[0]))),
        first_at=question.first_at,
        last_at=question.last_at,
        first_by=own[0].name if own else "",
        answer=state.answer,
        reason=state.reason,
        labels=state.labels,
        wordings=_different((one.text for one in own), WORDINGS, besides=state.title),
    )


def _different(texts: Iterable[str], most: int, besides: str) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for text in texts:
        short = " ".join(text.split())
        if len(found) < most and short and short != " ".join(besides.split()):
            found.setdefault(short.casefold(), short)
    return tuple(found.values())


def _headline(whole: Sequence[Heard], lines: Sequence[Line]) -> Headline:
    answered = sum(line.answered for line in lines)
    by_course = sum(line.by_course for line in lines)
    return Headline(
        messages=len(whole),
        people=len(_people(whole)),
        asked=sum(one.asks for one in whole),
        askers=len(_people(one for one in whole if one.asks)),
        groups=len(lines),
        by_course=by_course,
        by_people=answered - by_course,
        open=sum(line.open for line in lines),
        dismissed=sum(line.status is Status.DISMISSED for line in lines),
        chats=len({one.source for one in whole}),
        unread=sum(not one.placed for one in whole),
    )


def _chats(whole: Sequence[Heard], lines: Sequence[Line]) -> list[Chat]:
    by_source = defaultdict(list)
    for one in whole:
        by_source[one.source].append(one)
    groups: dict[str, int] = defaultdict(int)
    answered: dict[str, int] = defaultdict(int)
    for line in lines:
        for source, _ in line.chats:
            groups[source] += 1
            answered[source] += line.answered
    chats = [
        Chat(
            source=source,
            messages=len(own),
            people=len(_people(own)),
            asked=sum(one.asks for one in own),
            groups=groups[source],
            answered=answered[source],
        )
        for source, own in by_source.items()
    ]
    return sorted(chats, key=lambda chat: (-chat.messages, chat.source))


def _timeline(whole: Sequence[Heard]) -> Timeline:
    if not whole:
        return Timeline(0.0, 60.0)
    times = [one.at for one in whole]
    minutes = (max(times) - min(times)) / 60
    step = 60.0 * max(1, math.ceil((minutes + 1) / MOST_STEPS))
    start = math.floor(min(times) / step) * step
    count = int((max(times) - start) // step) + 1
    said, asked = [0] * count, [0] * count
    for one in whole:
        at = int((one.at - start) // step)
        said[at] += 1
        asked[at] += one.asks
    return Timeline(start, step, tuple(said), tuple(asked))


def _topics(lines: Sequence[Line], named: Mapping[str, Sequence[str]] | None) -> tuple[Topic, ...]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.status is not Status.DISMISSED:
            for name in named.get(line.id, ()) if named else line.labels:
                found[name].append(line)
    topics = [
        Topic(name, len(own), sum(line.people for line in own), sum(line.answered for line in own))
        for name, own in found.items()
    ]
    return tuple(sorted(topics, key=lambda topic: (-topic.people, topic.name)))


def _moods(pulse: Sequence[tuple[int, str, int]]) -> Moods | None:
    if not pulse:
        return None
    first, last = min(minute for minute, _, _ in pulse), max(minute for minute, _, _ in pulse)
    step = max(1, math.ceil((last - first + 1) / MOST_MOODS))
    count = (last - first) // step + 1
    counts = {mood: [0] * count for mood in Mood}
    for minute, mood, people in pulse:
        counts[Mood(mood)][(minute - first) // step] += people
    return Moods(first * 60.0, step * 60.0, {mood: tuple(row) for mood, row in counts.items()})


def _audience(material: Material) -> Audience:
    humans = {one.human for one in material.heard}
    known = {human for human in humans if material.lasting(human[0])}
    returning = sum(human in material.before for human in known)
    return Audience(len(known) - returning, returning, len(humans) - len(known), material.earlier)


def _reach(lines: Sequence[Line], own: Mapping[str, Sequence[Heard]], material: Material) -> Reach:
    merged = {q.id: q.state.merged_into for q in material.questions if q.state.merged_into}
    answered = (line for line in lines if line.answered)
    return reach(answered, own, material.deliveries, merged, material.replying)


def _people(heard: Iterable[Heard]) -> set[Human]:
    return {(one.source, one.author) for one in heard}
