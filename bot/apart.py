"""Which questions a person keeps apart: the rules of `QuestionState.apart`. Decides; calls nothing.

A question names those that it is not; it is enough that one of two names the other. One that was named by two acts is
named twice, so that undo of one of them leaves what the other said.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from bot.model import Change, QuestionState

Pair = tuple[QuestionState | None, QuestionState | None]
"""A question before and after an act."""


def together(id: str, known: Iterable[QuestionState]) -> list[str]:
    """The questions that are one with this one: the final one and all that is merged into it."""
    states = list(known)
    final = next((state.merged_into or id for state in states if state.id == id), id)
    return [state.id for state in states if final in (state.id, state.merged_into)]


def kept_apart(known: Collection[QuestionState]) -> dict[str, frozenset[str]]:
    """Which groups (final ids) a person keeps apart from which, both ways: what is merged counts with its group."""
    final = {state.id: state.merged_into or state.id for state in known}
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in ((final[state.id], final[other]) for state in known for other in state.apart if other in final):
        if one != other:
            found[one].add(other)
            found[other].add(one)
    return {id: frozenset(others) for id, others in found.items()}


def apart_from(state: QuestionState, others: Iterable[str]) -> QuestionState:
    """The question, said once more to be none of the others."""
    return replace(state, apart=(*state.apart, *(id for id in others if id != state.id)))


def rejected(state: QuestionState, known: Iterable[QuestionState]) -> set[str]:
    """The sources that somebody called no answer to this question, or to one that is part of it."""
    states = list(known)
    whole = set(together(state.id, states))
    return {source for one in states if one.id in whole for source in one.rejected}


def left_behind(state: QuestionState, known: Sequence[QuestionState]) -> tuple[str, ...]:
    """What a wording that leaves this question's group is kept apart from: the group, and what that is kept apart from.
    Each with all that is merged into it, for a merge may end."""
    final = state.merged_into or state.id
    others = (final, *sorted(kept_apart(known).get(final, ())))
    return tuple(id for other in others for id in together(other, known))


def taken_back(change: Change, known: Sequence[QuestionState]) -> tuple[Pair, ...]:
    """From what a change left to what was before it; `known` is what stands now.

    What was kept apart meanwhile stays so, and what was merged is kept apart from what it leaves. Where more than that
    changed, the pair is as the change left it, and the store refuses it.
    """
    now = {state.id: state for state in known}
    leaving = [after for before, after in change.questions if before and after and _merged(before, after)]
    left = {into for after in leaving for into in together(after.merged_into, known)} - {q.id for q in leaving}
    pairs: list[Pair] = []
    for before, after in reversed(change.questions):
        stands = now.get(after.id) if after else None
        if after is None or stands is None or replace(stands, apart=after.apart) != after:
            pairs.append((after, before))
        elif before is None:
            pairs.append((stands, None))
        else:
            kept = _without(stands.apart, before.apart, after.apart)
            others = sorted(left) if _merged(before, after) else ()
            pairs.append((stands, apart_from(replace(before, apart=kept), others)))
    return tuple(pairs)


def _without(now: Iterable[str], before: Iterable[str], after: Iterable[str]) -> tuple[str, ...]:
    """`now`, less what came between `before` and `after`."""
    added, taken = Counter(after) - Counter(before), Counter(before) - Counter(after)
    return tuple((Counter(now) - added + taken).elements())


def _merged(before: QuestionState, after: QuestionState) -> bool:
    return bool(after.merged_into) and after.merged_into != before.merged_into
