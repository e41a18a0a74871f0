"""To how many of those who asked an answer came: the rule of `bot.reach` over what reports are counted from."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.model import GONE, Delivery, Heard
from bot.reach import FORGOTTEN
from bot.report.model import Line, Reach

PAGE = "web"
"""The chat whose people read the answer on the page."""

Chat = tuple[str, str]


def reach(
    lines: Iterable[Line],
    own: Mapping[str, Sequence[Heard]],
    deliveries: Iterable[Delivery],
    merged: Mapping[str, str],
    replying: Callable[[str], bool],
) -> Reach:
    """`own` are the messages of each question, `merged` maps an id to that of the final group, `replying` says of a
    connector whether it can say something in its chats. Of several askings of one human the best outcome counts; who
    was forgotten before the answer came is not waited for."""
    said: dict[tuple[str, str, Chat], set[str]] = defaultdict(set)
    for one in (one for one in deliveries if one.error != FORGOTTEN):
        kind, _, rest = one.key.partition(":")
        question = rest.partition(":")[0]
        said[kind, merged.get(question, question), (one.address.connector, one.address.chat)].add(one.state)
    outcomes: dict[str, int] = defaultdict(int)
    for line in lines:
        best: dict[tuple[str, str], str] = {}
        for heard in own.get(line.id, ()):
            states = _states(line, heard.chat, said) if heard.chat and replying(heard.chat[0]) else None
            if states == set() and heard.author.startswith(GONE):
                continue
            now = _outcome(heard, states)
            best[heard.human] = min(best.get(heard.human, now), now, key=RANK.index)
        for outcome in best.values():
            outcomes[outcome] += 1
    return Reach(**outcomes)


RANK = ("told", "underway", "page", "failed", "silent")
"""The fields of `Reach`, the best first."""


def _states(line: Line, chat: Chat, said: Mapping[tuple[str, str, Chat], set[str]]) -> set[str]:
    kinds = ("answer", "course") if line.by_course else ("answer",)
    return {state for kind in kinds for state in said.get((kind, line.id, chat), ())}


def _outcome(heard: Heard, states: set[str] | None) -> str:
    """`states` of what was said about it in the chat; None where the chat cannot be told."""
    if states is None:
        return "page" if heard.source == PAGE else "silent"
    if "sent" in states:
        return "told"
    return "underway" if states & {"waiting", "sending"} else "failed"
