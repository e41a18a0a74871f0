"""Whom an answer reached: over the askings of a question and what was said about it in chats. Pure.

Nobody is counted twice: of several askings of one person the best outcome counts, for one who heard it in private need
not hear it in the group as well.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.model import COURSE, GONE, Address, Asked, Delivery, Person, QuestionState, Status

ANSWERING = ("answer:", "course:")
"""How the keys of deliveries begin that answer a question."""

CUT_OFF = "the program ended while this was being sent"
TWICE = "its first try was cut off, so this chat may have heard it twice"
"""The `error` of a delivery that was sent all the same."""

SILENCE = "told to wait"
"""How the `error` of a delivery begins whose chat wants to hear nothing until its `not_before`; see `TryLater`."""

TAKEN_BACK = "taken back before it was sent"
"""The `error` of a delivery that is not to be said any more."""

FORGOTTEN = "the person was forgotten"
"""The `error` of a delivery that still waited then."""

NEVER_SENT = "nothing was ever sent to this chat"
NO_WAY_BACK = "this chat cannot be replied to"


class Heard(StrEnum):
    """What became of an answer for one asker; the best first. `PAGE`: it stands on the session's page, and the chat
    cannot be told."""

    REACHED = "reached"
    WAITING = "waiting"
    FAILED = "failed"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Told:
    """One asker of an answered question. `why`: what is in the way, in words for people ("": nothing). `delivery` is
    the key of what was said to them ("": nothing was)."""

    person: Person
    heard: Heard
    why: str = ""
    delivery: str = ""


def reach(
    question: QuestionState, asked: Sequence[Asked], said: Iterable[Delivery], replying: Container[str]
) -> tuple[Told, ...]:
    """Every asker in order of their first asking, each once; nobody where the question has no answer. Who was forgotten
    before it came is not waited for. `replying` names the connectors that can say something in their chats."""
    if question.status is not Status.ANSWERED or question.answer is None:
        return ()
    chats = _by_chat(question, asked, said)
    best: dict[tuple[str, str], Told] = {}
    for one in asked:
        if (now := _told(one, chats, replying)) is None:
            continue
        key = (now.person.source, now.person.id)
        if key not in best or _RANK[now.heard] < _RANK[best[key].heard]:
            best[key] = now
    return tuple(best.values())


def counts(told: Iterable[Told]) -> dict[str, int]:
    """How many persons there are of each outcome."""
    found = Counter(one.heard for one in told)
    return {heard.value: found[heard] for heard in Heard}


_RANK = {heard: rank for rank, heard in enumerate(Heard)}

Chat = tuple[str, str]


def _by_chat(
    question: QuestionState, asked: Sequence[Asked], said: Iterable[Delivery]
) -> defaultdict[Chat, list[Delivery]]:
    """What of the answer was said in each chat, in order. The course answered under the question that a message joined
    when it came, which may be another one since."""
    prefixes = {f"answer:{question.id}:"}
    if question.answer and question.answer.by == COURSE:
        prefixes |= {f"course:{id}:" for one in asked if (id := one.placement.question)}
    begins = tuple(prefixes)
    chats: defaultdict[Chat, list[Delivery]] = defaultdict(list)
    for one in said:
        if one.key.startswith(begins):
            chats[one.address.connector, one.address.chat].append(one)
    return chats


def _told(one: Asked, chats: defaultdict[Chat, list[Delivery]], replying: Container[str]) -> Told | None:
    person, address = one.message.person, one.message.address
    if address is None or address.connector not in replying:
        return Told(person, Heard.PAGE, "" if person.source == "web" else NO_WAY_BACK)
    delivery = _own(address, chats[address.connector, address.chat])
    if address.user.startswith(GONE) and (delivery is None or delivery.error == FORGOTTEN):
        return None
    if delivery is None:
        return Told(person, Heard.FAILED, NEVER_SENT)
    match delivery.state:
        case "sent":
            return Told(person, Heard.REACHED, delivery.error, delivery.key)
        case "failed":
            return Told(person, Heard.FAILED, delivery.error, delivery.key)
        case _:
            return Told(person, Heard.WAITING, delivery.error, delivery.key)


def _own(address: Address, said: Sequence[Delivery]) -> Delivery | None:
    """What was said in reply to this asking, else what was said first in its chat, where it can be read."""
    return next((one for one in said if one.address.message == address.message), said[0] if said else None)
