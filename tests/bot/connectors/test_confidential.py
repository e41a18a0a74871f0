"""What people say, who they are and what lets us in stays out of the log, whatever goes wrong on a platform."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from tests.bot.connectors.contract import HOSTILE, Line, Rig, Stage, staged
from tests.bot.connectors.test_contract import RIGS, name_of
from tests.fake_floor import FakeFloor
from tests.logged import Log, logged

WHO = "zephyrine-quokkabottom"
WORDS = "xyzzy-plugh +86 139 5550 4417 zephyrine.q@wombat.example"
ANSWER = "an answer for nobody but the wombat 44771199"
PRIVATE = (WHO, "xyzzy-plugh", "5550 4417", "wombat.example", "wombat 44771199")
ODD = json.dumps({
    "text": WORDS, "user": WHO, "name": [WHO], "content": {"text": WORDS}, "data": {"msg": WORDS, "uname": WHO},
    "event": {"message": {"content": WORDS}}, "message": {"text": WORDS, "from": {"first_name": WHO}}, "cmd": WORDS,
    "op": WORDS, "type": WORDS, "headers": {"topic": WORDS}, "Response": {"Error": {"Code": WORDS, "Message": WHO}},
}).encode()  # fmt: skip
"""Something private in every place where a platform may put it, and in none as it should be."""


@pytest.fixture
def log() -> Iterator[Log]:
    """All that is logged at the default level: ours from "info" on, of libraries what they warn of."""
    with logged() as found:
        yield found


@pytest.fixture(params=RIGS, ids=name_of)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with request.param() as made:
        yield made


async def test_nothing_of_people_is_in_the_log(rig: Rig, log: Log) -> None:
    """Through every misfortune that this platform knows: doubled, disordered, cut and foreign lines, a store that
    fails, broken connections, and answers that are refused, put off, or of unknown outcome."""
    floor = FakeFloor()
    async with staged(rig, floor) as stage:
        await _listens(stage, rig, floor)
        if stage.connector.abilities.reply:
            await _answers(stage, rig)
    assert log.events
    assert [one for one in (*PRIVATE, *rig.secrets) if one in log.text] == [], log.text


async def _listens(stage: Stage, rig: Rig, floor: FakeFloor) -> None:
    await rig.say(Line(WHO, f"{WORDS} first", "first"))
    await stage.heard(f"{WORDS} first")
    if "say_again" not in rig.cannot:
        await rig.say_again("first")
    if "cut" not in rig.cannot:
        await rig.cut(Line(WHO, f"{WORDS} cut", "cut"))
    if "say_out_of_order" not in rig.cannot:
        await rig.say_out_of_order([Line(WHO, f"{WORDS} {n}", f"odd-{n}") for n in (2, 1)])
    for payload in (ODD, HOSTILE["half a character"], HOSTILE["wrong types"]) if "feed" not in rig.cannot else ():
        await rig.feed(payload)
    floor.fail_next = 1
    with suppress(AssertionError):  # a rig that needs an answer sees that it was not taken
        await rig.say(Line(WHO, f"{WORDS} not kept", "not-kept"))
    await stage.until(lambda: not floor.fail_next, "the failure of the store")
    for state in rig.states[:2]:
        await rig.disconnect(state)
    await rig.say(Line(WHO, f"{WORDS} after", "after"))
    await stage.heard(f"{WORDS} after")


async def _answers(stage: Stage, rig: Rig) -> None:
    message = next(one for one in stage.floor.messages if one.text.endswith("after"))
    if "refuse_send" not in rig.cannot:
        rig.refuse_send()
        await stage.says(f"{ANSWER} refused", message)
    if "limit_send" not in rig.cannot:
        rig.limit_send(0.1)
        await stage.says(f"{ANSWER} later", message)
    if "time_out_after_send" not in rig.cannot:
        rig.time_out_after_send()
        await stage.says(f"{ANSWER} unknown", message)
    await stage.says(ANSWER, message)
