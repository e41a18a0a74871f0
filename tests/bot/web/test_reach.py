"""Whom answers reached, over the API and on the board."""

import json
from dataclasses import replace

from bot.storage.sqlite import SqliteStore
from tests.bot.values import message
from tests.bot.web.hall import Hall, open_hall

BASE = "/api/v1/sessions/talk"


async def given_up(hall: Hall, error: str = "Telegram: this person has blocked the bot") -> None:
    """Two asked, of whom one was told and one could not be."""
    await hall.store.receive([message(1, "Recorded?", "u1"), message(2, "Replay?", "u2", author_name="Bo")])
    await hall.place("q1")
    await hall.desk.answer("Li", "q1", "Yes.")
    first, second = await hall.store.answering("talk")
    await hall.store.settle(replace(first, state="sent", sent_id="1"))
    await hall.store.settle(replace(second, state="failed", error=error))


async def test_staff_see_whom_an_answer_did_not_reach_and_try_again(store: SqliteStore) -> None:
    """Figures for each question, the persons with their reason in the reader's language, and a second try that the
    ledger knows; of a question without an answer there is nothing."""
    async with open_hall(store, replying=frozenset({"telegram"})) as hall:
        await given_up(hall)
        expert = await hall.signed_in("expert", "talk")
        figures = {"reached": 1, "waiting": 0, "failed": 1, "page": 0}
        assert (await expert.json(f"{BASE}/reach"))["questions"] == {"q1": figures}
        found = await expert.json(f"{BASE}/questions/q1/reach?lang=zh")
        missed = {"source": "telegram", "name": "Bo", "heard": "failed", "why": "Telegram：对方屏蔽了机器人"}
        assert found["askers"][1] == missed
        assert (await expert.post(f"{BASE}/questions/q1/reach")).status == 200
        assert (await expert.json(f"{BASE}/questions/q1/reach"))["waiting"] == 1
        assert (await hall.store.actions("talk"))[0].change.what == "tell_again"
        assert (await expert.post(f"{BASE}/questions/q1/reach")).status == 403
        await hall.asks("Open?", "q2")
        assert (await expert.json(f"{BASE}/questions/q2/reach"))["askers"] == []
        assert (await expert.get(f"{BASE}/questions/q9/reach")).status == 404


async def test_the_topic_names_nobody_and_is_for_staff(store: SqliteStore) -> None:
    """What streams to the board are figures of the questions that did not reach everybody; viewers get none of it."""
    async with open_hall(store, replying=frozenset({"telegram"})) as hall, hall.live.watch("talk"):
        await given_up(hall)
        hall.live.changed("talk", "reach")
        await hall.live.view("talk")
        async with hall.live.watch("talk") as feed:
            staff, viewers = dict(feed.told(-1, True)), dict(feed.told(-1, False))
        assert json.loads(staff["reach"])["questions"]["q1"]["failed"] == 1
        assert b"Bo" not in staff["reach"]
        assert "reach" not in viewers
