"""To how many of those who asked an answer came."""

from collections.abc import Mapping, Sequence

from bot.model import Delivery, Heard
from bot.report.model import Reach

PAGE = "web"
"""The chat whose people read the answer on the page."""
ANSWERS = frozenset({"answer", "course"})
"""What the keys of deliveries begin with that carry an answer; the id of the question comes next."""


def reach(answered: Mapping[str, Sequence[Heard]], deliveries: Sequence[Delivery], merged: Mapping[str, str]) -> Reach:
    """`answered` are the messages of each answered question; `merged` maps an id to that of the final group."""
    outcomes: dict[tuple[str, tuple[str, str]], set[str]] = {}
    for delivery in deliveries:
        kind, _, rest = delivery.key.partition(":")
        if kind in ANSWERS:
            question = rest.partition(":")[0]
            where = (merged.get(question, question), (delivery.address.connector, delivery.address.chat))
            outcomes.setdefault(where, set()).add(delivery.state)
    told = page = underway = lost = 0
    for question, heard in answered.items():
        best: dict[tuple[str, str], set[str]] = {}
        for one in heard:
            states = outcomes.get((question, one.chat), set()) if one.chat else set()
            best.setdefault(one.human, set()).update(states, {PAGE} if one.source == PAGE else set())
        for states in best.values():
            if "sent" in states:
                told += 1
            elif PAGE in states:
                page += 1
            elif states & {"waiting", "sending"}:
                underway += 1
            else:
                lost += 1
    return Reach(told, page, underway, lost)
