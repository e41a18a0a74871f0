"""From what the store kept to a report. Counts; decides nothing else."""

import math
from collections.abc import Iterable, Mapping, Sequence

from bot.model import COURSE, Asked, Message, Person, Placement, Question, Session, Status
from bot.report.model import Chat, Headline, Line, Report, Timeline

MANY = 2
"""From so many people on, an unanswered question is a gap of the course."""
WORDINGS = 5
MOST_STEPS = 120
"""Steps of the timeline that a page's width can show; a longer session gets longer steps."""

Placed = Sequence[tuple[Message, Placement | None]]


def build_report(
    session: Session,
    messages: Placed,
    questions: Sequence[Question],
    asked: Mapping[str, Sequence[Asked]],
    now: float,
) -> Report:
    """`messages` are all of the session with their placements (None: not yet placed), `questions` all of them, merged
    ones included, `asked` the wordings of each question by its id, in order of arrival."""
    messages = _whole(messages)
    standing = [question for question in questions if question.status is not Status.MERGED]
    # What is pinned is pinned for the stage; a report orders by demand alone.
    standing.sort(key=lambda q: (-q.people, q.first_at, q.id))
    lines = tuple(_line(question, asked.get(question.id, ())) for question in standing)
    return Report(
        session=session,
        made_at=now,
        headline=_headline(messages, lines),
        lines=lines,
        chats=_chats(messages, lines),
        timeline=_timeline(messages),
        gaps=tuple(line.id for line in lines if line.people >= MANY and line.open),
    )


def _whole(messages: Placed) -> Placed:
    """Each line of a chat once, whatever parts it has; it asks where one of them does."""
    found: dict[int, tuple[Message, Placement | None]] = {}
    for message, placement in messages:
        first = message.id - message.part
        if first not in found or (_asks(placement) and not _asks(found[first][1])):
            found[first] = (message, placement)
    return list(found.values())


def _line(question: Question, asked: Sequence[Asked]) -> Line:
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
        first_by=asked[0].message.author_name if asked else "",
        answer=state.answer,
        reason=state.reason,
        labels=state.labels,
        wordings=_different((one.message.text for one in asked), WORDINGS, besides=state.title),
    )


def _different(texts: Iterable[str], most: int, besides: str) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for text in texts:
        short = " ".join(text.split())
        if len(found) < most and short and short != " ".join(besides.split()):
            found.setdefault(short.casefold(), short)
    return tuple(found.values())


def _headline(messages: Placed, lines: Sequence[Line]) -> Headline:
    answered = [line for line in lines if line.answered]
    by_course = sum(line.answer is not None and line.answer.by == COURSE for line in answered)
    return Headline(
        messages=len(messages),
        people=len(_people(message for message, _ in messages)),
        asked=sum(_asks(placement) for _, placement in messages),
        askers=len(_people(message for message, placement in messages if _asks(placement))),
        groups=len(lines),
        by_course=by_course,
        by_people=len(answered) - by_course,
        open=sum(line.open for line in lines),
        dismissed=sum(line.status is Status.DISMISSED for line in lines),
        chats=len({message.source for message, _ in messages}),
        unread=sum(placement is None for _, placement in messages),
    )


def _chats(messages: Placed, lines: Sequence[Line]) -> tuple[Chat, ...]:
    by_source: dict[str, list[tuple[Message, Placement | None]]] = {}
    for message, placement in messages:
        by_source.setdefault(message.source, []).append((message, placement))
    chats = [
        Chat(
            source=source,
            messages=len(own),
            people=len(_people(message for message, _ in own)),
            asked=sum(_asks(placement) for _, placement in own),
            groups=sum(source in dict(line.chats) for line in lines),
        )
        for source, own in by_source.items()
    ]
    return tuple(sorted(chats, key=lambda chat: (-chat.messages, chat.source)))


def _timeline(messages: Placed) -> Timeline:
    if not messages:
        return Timeline(0.0, 60.0)
    times = [message.at for message, _ in messages]
    minutes = (max(times) - min(times)) / 60
    step = 60.0 * max(1, math.ceil((minutes + 1) / MOST_STEPS))
    start = math.floor(min(times) / step) * step
    count = int((max(times) - start) // step) + 1
    said, asked = [0] * count, [0] * count
    for message, placement in messages:
        at = int((message.at - start) // step)
        said[at] += 1
        asked[at] += _asks(placement)
    return Timeline(start, step, tuple(said), tuple(asked))


def _asks(placement: Placement | None) -> bool:
    return placement is not None and placement.asking


def _people(messages: Iterable[Message]) -> set[Person]:
    return {Person(message.source, message.author) for message in messages}
