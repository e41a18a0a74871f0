"""The queue that one process makes of the same messages, in the same order, on SQLite."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.app import open_hall
from bot.model import Message, Placement, Status
from bot.ports import Store
from bot.settings import SessionSettings, Settings, WebSettings
from tests.bot.encoders import SameWords
from tests.torture._hall import TALK

Placements = Sequence[tuple[Message, Placement | None]]
Groups = list[frozenset[int]]
"""For each message, by its place in the order of arrival, with which others it asks the same; itself alone or with
none at all (empty) where it asks nothing."""


async def replayed(folder: Path, messages: Sequence[Message]) -> Placements:
    """What becomes of these when one process has them."""
    talk = SessionSettings(id=TALK, title="Torture", language="en")
    settings = Settings(data=folder, web=WebSettings(port=0), session=(talk,))
    async with open_hall(settings, encoder=SameWords()) as hall:
        await hall.loaded()
        for message in messages:
            await hall.floor.receive([replace(message, id=0)])
        await hall.drained()
        return await hall.store.placements(TALK)


async def grouped_otherwise(folder: Path, store: Store) -> int:
    """Messages that ask the same as others do in a replay, or not at all. What people merged counts as merged in both.

    `store` is at rest; it is compared as it stands."""
    ours = await store.placements(TALK)
    theirs = await replayed(folder, [message for message, _ in ours])
    merged = {question.id: question.state.merged_into for question in await store.questions(TALK)}
    place = {f"q{message.id}": number for number, (message, _) in enumerate(ours)}
    merges = [(place[one], place[into]) for one, into in merged.items() if into]
    found, wanted = _groups(ours, merges), _groups(theirs, merges)
    return abs(len(found) - len(wanted)) + sum(one != other for one, other in zip(found, wanted, strict=False))


def _groups(placements: Placements, merges: Sequence[tuple[int, int]]) -> Groups:
    """`merges`: places of the messages that founded two questions."""
    place = {f"q{message.id}": number for number, (message, _) in enumerate(placements)}
    asked = [placement.question if placement else None for _, placement in placements]
    into: dict[int, int] = {}

    def final(number: int) -> int:
        while number in into:
            number = into[number]
        return number

    founders = [None if question is None else place[question] for question in asked]
    for one, other in merges:
        first, second = (final(founder if (founder := founders[n]) is not None else n) for n in (one, other))
        if first != second:
            into[first] = second
    return _together([None if founder is None else final(founder) for founder in founders])


def _together(groups: Sequence[int | None]) -> Groups:
    members: Mapping[int, set[int]] = {group: set() for group in groups if group is not None}
    for number, group in enumerate(groups):
        if group is not None:
            members[group].add(number)
    return [frozenset() if group is None else frozenset(members[group]) for group in groups]


async def standing_otherwise(store: Store) -> int:
    """Questions that do not stand as the last act on them left them; new where nobody did anything."""
    last = {}
    for action in reversed(await store.actions(TALK, limit=1_000_000)):
        last |= {after.id: after for _, after in action.change.questions if after}
    return sum(
        question.status is not (last[question.id].status if question.id in last else Status.NEW)
        for question in await store.questions(TALK)
    )
