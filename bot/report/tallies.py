"""Polls and the survey as a report shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.model import Poll, PollKind
from bot.polling.rules import CHOICE
from bot.report.model import Feedback, Tally
from bot.surveying import Feedback as Brought

TEXTS = 30
"""Words or texts of one poll that a report shows."""


def tallied(polls: Iterable[Poll]) -> tuple[Tally, ...]:
    """Those that were ever opened. Words and texts that staff muted are in no report."""
    return tuple(_tally(poll) for poll in polls if poll.state.round)


def _tally(poll: Poll) -> Tally:
    state = poll.state
    bars: tuple[tuple[str, int], ...] = ()
    if state.kind in CHOICE:
        bars = tuple((option, poll.counts.get(n, 0)) for n, option in enumerate(state.options, 1))
    elif state.kind is PollKind.SCALE:
        bars = tuple((str(n), poll.counts.get(n, 0)) for n in range(state.low, state.high + 1))
    return Tally(
        title=state.title,
        kind=state.kind,
        people=poll.people,
        bars=bars,
        mean=mean_of(bars) if state.kind is PollKind.SCALE else None,
        ends=state.ends,
        texts=tuple((one.text, one.people) for one in poll.texts if one.key not in state.muted)[:TEXTS],
    )


def feedback_of(brought: Brought, results: Sequence[Poll]) -> Feedback:
    """A survey, from what it brought and the results of its items: texts by their groups, each as most people wrote it.
    A chat's are those who took part there and answered; who only answered counts in all."""
    groups = {item.id: tuple((group.title, group.people) for group in item.groups) for item in brought.items}
    return Feedback(
        title=brought.title,
        n=brought.people,
        items=tuple(replace(_tally(poll), texts=groups[poll.state.id][:TEXTS]) for poll in results),
        chats=tuple((chat.source, chat.answered, chat.took_part) for chat in brought.chats if chat.took_part),
    )


def mean_of(bars: Iterable[tuple[str, int]]) -> float | None:
    """Of the numbers of a scale; None where nobody chose one."""
    pairs = [(float(number), people) for number, people in bars]
    total = sum(people for _, people in pairs)
    return sum(number * people for number, people in pairs) / total if total else None
