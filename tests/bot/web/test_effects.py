"""What each mode would have done, over HTTP."""

import asyncio
from dataclasses import replace
from typing import Any

from bot.model import CourseMatch, Person, Placed, Placement
from bot.storage.sqlite import SqliteStore
from tests.bot.storage.acts import ask
from tests.bot.values import message, state
from tests.bot.web.hall import Hall, open_hall

URL = "/api/v1/sessions/talk/effects"
MATCH = CourseMatch("faq#1", 0.9, "suggested", "On the course page.", sure=True)


async def asked(store: SqliteStore, count: int) -> None:
    """`count` messages, each a question of its own; the machine takes the even ones for the first one."""
    await store.receive([replace(message(n, f"Recording {n}?", f"u{n}"), id=0) for n in range(1, count + 1)])
    for one in await store.pending("talk", count):
        even = one.id % 2 == 0
        decided = Placement(
            one.id, True, 0.9, f"q{one.id}", 0.7, "q1" if even else None, MATCH, same="q1" if even else None
        )
        decided = replace(decided, joins=even, acknowledges=True)
        await store.place("talk", [Placed(decided, founds=state(f"q{one.id}", title=one.text))])


async def test_moderators_see_what_each_mode_would_have_done(hall: Hall) -> None:
    """Counts by ability and mode, with what people judged and the wordings they disagreed about."""
    await asked(hall.store, 6)
    mo = await hall.signed_in("moderator")
    nobody_yet = await mo.json(URL)
    assert nobody_yet["askings"] == 6
    assert nobody_yet["answers"]["auto"]["unjudged"] == 6
    assert (await mo.act("apart", ["q2"], into="q1")).status == 200
    assert (await mo.act("merge", ["q4"], into="q1")).status == 200
    assert (await mo.act("answer", ["q3"], text="No.")).status == 200
    found = await mo.json(URL)
    grouping, answers = found["grouping"]["auto"], found["answers"]["auto"]
    assert [grouping[k] for k in ("acts", "confirmed", "against", "unjudged")] == [3, 1, 1, 1]
    assert [(one["text"], one["key"]) for one in grouping["examples"]] == [("Recording 2?", "q1")]
    assert [answers[k] for k in ("acts", "confirmed", "against", "unjudged")] == [6, 0, 1, 5]
    assert found["answers"]["off"]["acts"] == 0
    assert set(found["acknowledgements"]) == {"off", "auto"}
    assert found["acknowledgements"]["auto"]["chats"] == 6
    assert 0.5 < found["precision"] <= 1


async def test_it_is_counted_once_for_each_revision(hall: Hall, monkeypatch: Any) -> None:
    """Twenty moderators who look at the same state cost one reading; the next change is counted again."""
    await asked(hall.store, 4)
    reads = []
    askings = hall.store.askings

    async def counted(session: str, limit: int) -> Any:
        reads.append(limit)
        return await askings(session, limit)

    monkeypatch.setattr(hall.store, "askings", counted)
    mo = await hall.signed_in("moderator")
    await asyncio.gather(*(mo.json(URL) for _ in range(20)))
    assert reads == [100]
    assert (await mo.act("apart", ["q2"], into="q1")).status == 200
    assert (await mo.json(URL))["grouping"]["suggest"]["against"] == 1
    assert reads == [100, 100]


async def test_no_wording_stays_of_who_was_forgotten(hall: Hall) -> None:
    """Who only joined a question, so that nothing else of it changed, is no example any more."""
    await asked(hall.store, 1)
    await ask(hall.store, "q1", "ann", text="And the tape?", answer=MATCH)
    mo = await hall.signed_in("moderator")
    assert (await mo.act("answer", ["q1"], text="No.")).status == 200
    assert "And the tape?" in str(await mo.json(URL))
    await hall.store.forget(Person("telegram", "ann"), None, 500.0)
    hall.live.changed("talk")
    assert "And the tape?" not in str(await mo.json(URL))


async def test_experts_and_viewers_do_not_see_it(store: SqliteStore) -> None:
    """It names what people asked and what moderators decided."""
    async with open_hall(store) as hall:
        assert (await hall.client().get(URL)).status in {401, 403}
        assert (await (await hall.signed_in("expert")).get(URL)).status == 403
