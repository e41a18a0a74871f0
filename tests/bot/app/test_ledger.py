"""The ledger of the whole program: each privileged act is in it, once, and nothing takes it out again."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import Hall, open_hall
from bot.connectors.intake import IntakeOptions
from bot.connectors.telegram import TelegramOptions
from bot.model import Address, Message, Session
from bot.settings import AfterSettings
from bot.storage.connection import Failure, connect
from bot.web.acts import ACTS
from tests.bot.app.test_hall import settings, until
from tests.bot.app.test_staff_chat import STAFF
from tests.bot.encoders import SameWords
from tests.fake_telegram import ANN, TOKEN, FakeTelegram

SESSION = "/api/v1/sessions/{session}"
NO_ACT = {
    f"POST {SESSION}/hands": "who has what open: kept nowhere, told for fifteen seconds",
    f"PUT {SESSION}/questions/{{question}}/draft": "one's own, until it is sent",
    f"PUT {SESSION}/questions/{{question}}/declined": "what one sees oneself",
    f"DELETE {SESSION}/questions/{{question}}/declined": "what one sees oneself",
    f"POST {SESSION}/transcript/search": "reckoned anew from what is there",
}
"""What staff alone may send and is no act upon others, each with the reason."""

TWO = {f"POST {SESSION}/promotions/{{question}}": "what was decided, and the version of the course that it makes"}
"""Acts that are two rows where the course was sent: the second is a setting, which is taken back by itself."""

VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:09.000\nQuestion one? Yes, on the page from Monday on.\n"
FAQ = "# FAQ\n\n## Is it free?\n\nYes.\n"
DAY = 86_400.0


@dataclass
class Walk:
    """An organiser's way through everything. `counted`: the rows that each act left; `acts`: which of `ACTS`."""

    hall: Hall
    client: aiohttp.ClientSession
    database: Path
    values: dict[str, str]
    counted: dict[str, list[int]] = field(default_factory=dict)
    acts: set[str] = field(default_factory=set)
    asked: int = 0

    def rows(self) -> int:
        query = "SELECT (SELECT COUNT(*) FROM actions) + (SELECT COUNT(*) FROM deeds)"
        with closing(connect(self.database, reading=True).conn) as db:
            return int(db.execute(query).fetchone()[0])

    async def does(self, method: str, path: str, body: object = None, data: str = "", **values: str) -> Any:
        """One request, which must succeed; counts the rows that it leaves."""
        more: dict[str, Any] = {"data": data.encode()} if data else {} if body is None else {"json": body}
        before, query = self.rows(), "?name=faq.md" if data else ""
        async with self.client.request(method, path.format(**{**self.values, **values}) + query, **more) as answer:
            text = await answer.text()
            assert answer.status < 300, (method, path, text)
            self.counted.setdefault(f"{method} {path}", []).append(self.rows() - before)
            return await answer.json()

    async def acts_on(self, do: str, *questions: str, **more: object) -> int:
        self.acts.add(do)
        done = await self.does("POST", SESSION + "/actions", {"do": do, "questions": list(questions), **more})
        return int(done["action"])

    async def question(self, session: str = "talk", text: str = "") -> str:
        """Somebody asks something new; its id."""
        self.asked += 1
        text = text or f"Question {self.asked}?"
        now = self.hall.now()
        await self.hall.floor.receive(
            [Message(session, "chat", f"c{self.asked}", f"u{self.asked}", "U", text, now, explicit=True)]
        )

        async def there() -> str:
            found = [q for q in await self.hall.store.questions(session) if q.title == text]
            return found[0].id if found else ""

        return str(await until(there))


async def stage_and_queue(walk: Walk) -> None:
    q = [await walk.question() for _ in range(16)]
    await walk.does("PATCH", SESSION, {"review": True})
    new = await walk.question()
    await walk.acts_on("approve", new)
    await walk.does("PATCH", SESSION, {"review": False})
    for do, more in (("assign", {"name": "Bo"}), ("label", {"labels": ["a"]}), ("edit", {"title": "Slides?"})):
        await walk.acts_on(do, q[0], **more)
    for do in ("pin", "unpin", "dismiss", "reopen"):
        await walk.acts_on(do, q[1], q[2])
    await walk.acts_on("apart", q[3], into=q[4])
    await walk.acts_on("merge", q[5], into=q[6])
    last = max(one.message.id for one in await walk.hall.store.asked(q[6]))
    await walk.acts_on("confirm", q[6], messages=[last])
    taken = await walk.acts_on("not_asking", q[6], messages=[last])
    await walk.does("POST", SESSION + "/undo", {"action": taken})
    await walk.acts_on("move", q[6], messages=[last], into=q[7])
    await walk.acts_on("split", q[7], messages=[last])
    await walk.acts_on("stage", q[8])
    await walk.acts_on("next", q[8], into=q[9])
    await walk.acts_on("unstage", q[9])
    await walk.acts_on("answer", q[10], text="Yes.")
    undone = await walk.acts_on("dismiss", q[11])
    await walk.does("POST", SESSION + "/undo", {"action": undone})
    for body in ({"blank": True}, {"blank": False}, {"limit": 60}, {"restart": True, "limit": 120}):
        await walk.does("POST", SESSION + "/stage", body)
    seen = {"status": "new", "title": "Question 13?"}
    body = {"id": "once-only-1", "text": "Yes.", "seen": seen}
    done = await walk.does("POST", SESSION + "/questions/{question}/answer", body, question=q[12])
    await walk.does("POST", SESSION + "/experts/undo", {"action": done["action"]})
    await walk.does("POST", SESSION + "/questions/{question}/together", {"into": q[14]}, question=q[13])
    await walk.does("POST", SESSION + "/experts/call")
    await walk.does("POST", SESSION + "/experts/invitations", {"name": "Cy"})
    for path, body in (("draft", {"text": "Perhaps"}), ("declined", None)):
        await walk.does("PUT", f"{SESSION}/questions/{{question}}/{path}", body, question=q[15])
    await walk.does("DELETE", SESSION + "/questions/{question}/declined", question=q[15])
    await walk.does("POST", SESSION + "/hands", {"page": "page-number-1"})
    now = walk.hall.now()
    await walk.hall.floor.receive([Message("talk", "chat", "line", "u0", "U", "666", now)])

    async def placed() -> int:
        rows = await walk.hall.store.placements("talk")
        return next((message.id for message, found in rows if found and message.external_id == "line"), 0)

    line = int(await until(placed))
    await walk.does("POST", SESSION + "/lines", {"message": line})
    await walk.does("POST", SESSION + "/remote")
    await walk.does("POST", SESSION + "/tryout")


async def earlier_evenings(walk: Walk) -> None:
    """What a person answered on another evening of the series is taken, and said to be the same or not."""
    store, text = walk.hall.store, "Was this asked before?"
    before = await walk.question("e1", text)
    await walk.hall.desk.answer("Lin", before, "It was.")
    for do in ("recall", "not_again", "again"):
        here = await walk.question(text=text) if do == "recall" else here  # noqa: F821 (the first is "recall")
        await walk.acts_on(do, here, earlier=before)
    assert await store.questions("e1")


async def answered_in_vain(walk: Walk) -> None:
    """Somebody whom the answer did not reach is told again."""
    store, at = walk.hall.store, Address("telegram", "77", "1", "77", private=True)
    await walk.hall.floor.receive(
        [Message("talk", "telegram", "77:1", "77", "Flo", "Where is it?", walk.hall.now(), at, explicit=True)]
    )

    async def asked() -> str:
        return next((q.id for q in await store.questions("talk") if q.title == "Where is it?"), "")

    question = str(await until(asked))
    await walk.acts_on("answer", question, text="Here.")
    (said,) = [one for one in await store.answering("talk") if one.address.chat == "77"]
    await store.settle(replace(said, state="failed", error="Telegram: this person has blocked the bot"))
    await walk.does("POST", SESSION + "/questions/{question}/reach", question=question)


async def course_and_talks(walk: Walk) -> None:
    await walk.does("PATCH", SESSION, {"answers": "suggest"})
    sent = await walk.does("POST", SESSION + "/course", data=FAQ)
    await walk.does("POST", SESSION + "/course/use", {"version": sent["version"]["id"]})
    (talk,) = [one for one in await walk.hall.store.sessions() if one.id == "talk"]

    async def taught() -> bool:
        return walk.hall.following.taught["talk"][0] == talk.course

    await until(taught)
    free = await walk.question(text="Is it free?")
    await walk.acts_on("accept", free)
    other = await walk.question()
    await walk.acts_on("answer", other, text="From noon, on the page.")
    await walk.does("POST", SESSION + "/promotions", {"question": other})
    for do in ("accept", "undo", "decline"):
        await walk.does("POST", SESSION + "/promotions/{question}", {"do": do}, question=other)
    await answered_in_vain(walk)
    await walk.does("POST", "/api/v1/sessions", {"title": "The next one", "id": "next"})
    await walk.does("POST", SESSION + "/duplicate", {"id": "again"})
    await walk.does("PUT", "/api/v1/sources/{source}", {"session": "next"})


async def polls_and_survey(walk: Walk) -> None:
    polls, poll = SESSION + "/polls", SESSION + "/polls/{poll}"
    scale = {"kind": "scale", "title": "How clear?"}
    made = (await walk.does("POST", polls, scale))["id"]
    await walk.does("PUT", poll, {**scale, "title": "How clear was it?"}, poll=made)
    for do in ("start", "hide", "show", "close"):
        await walk.does("POST", poll + "/actions", {"do": do}, poll=made)
    words = (await walk.does("POST", polls, {"kind": "words", "title": "In a word?"}))["id"]
    await walk.does("POST", poll + "/actions", {"do": "start"}, poll=words)
    for do in ("mute", "unmute"):
        await walk.does("POST", poll + "/actions", {"do": do, "key": "dull"}, poll=words)
    await walk.does("POST", poll + "/actions", {"do": "close"}, poll=words)
    await walk.does("DELETE", poll, poll=words)
    await walk.does("POST", polls + "/copies", {"session": "talk"}, session="next")
    await walk.does("PUT", SESSION + "/pulse", {"on": True})
    async with walk.client.get("/api/v1/sessions/talk/survey/results") as answer:
        seen = (await answer.json())["tag"]
    survey = {"title": "And?", "items": [{"kind": "open", "title": "What else?"}], "seen": seen}
    await walk.does("PUT", SESSION + "/survey", survey)
    await walk.does("POST", SESSION + "/survey/copies", {"session": "talk"}, session="next")
    for do in ("open", "close"):
        await walk.does("POST", SESSION + "/survey/actions", {"do": do})
    await walk.does("DELETE", SESSION + "/survey", session="next")


async def what_was_said(walk: Walk) -> None:
    at = SESSION + "/transcript"
    question = await walk.question(text="Is it on the page?")
    await walk.does("POST", at, data=VTT)
    await walk.hall.transcripts.searched("talk")
    await walk.does("PATCH", at, {"offset": 5, "recording": ""})
    await walk.does("POST", at + "/search")
    await walk.hall.transcripts.searched("talk")
    await walk.does("POST", at + "/confirm", {"questions": [{"question": question, "start": 1.0}]})
    await walk.does("POST", at + "/refuse", {"question": question})
    await walk.does("DELETE", at)


async def people_and_audience(walk: Walk) -> None:
    people = "/api/v1/people"
    made = await walk.does("POST", people + "/invitations", {"role": "expert", "name": "Di"})
    await walk.does("DELETE", people + "/invitations/{invitation}", invitation=made["invitation"])
    made = await walk.does("POST", people + "/invitations", {"role": "expert", "name": "Zoe"})
    token = made["link"].rpartition("/")[2]
    assert await walk.hall.sign_in.enter(token, name="Zoe")
    (zoe,) = [one.id for one in await walk.hall.store.people(walk.hall.now()) if one.name == "Zoe"]
    await walk.does("POST", people + "/{person}/link", person=zoe)
    await walk.does("PUT", people + "/{person}/roles", {"role": "moderator"}, person=zoe)
    await walk.does("DELETE", people + "/{person}/roles", {"session": ""}, person=zoe)
    await walk.does("DELETE", people + "/{person}/logins", person=zoe)
    await walk.does("DELETE", people + "/{person}", person=zoe)
    await walk.does("DELETE", "/api/v1/audience/data", {"source": "chat", "id": "u1"})


async def afterwards(walk: Walk) -> None:
    await walk.does("PATCH", SESSION, {"ended": True})
    for body in ({"do": "cancel"}, {"do": "plan"}, {"do": "word", "text": "It was good."}):
        await walk.does("POST", SESSION + "/after/{duty}/actions", body, duty="digest")


@asynccontextmanager
async def walking(folder: Path) -> AsyncIterator[Walk]:
    after = AfterSettings(quiet="", digest_at="+60")
    async with FakeTelegram() as telegram:
        base = telegram.base_url.rsplit("/bot", 1)[0]
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=base, staff_chat=str(STAFF["id"]))
        lobby = IntakeOptions(name="lobby", session="talk", secret="a-shared-secret-of-the-hall-42")
        known = settings(folder, sources=(bot, lobby), after=after)
        async with (
            open_hall(known, encoder=SameWords()) as hall,
            aiohttp.ClientSession(
                hall.url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": hall.url}
            ) as client,
        ):
            await hall.loaded()
            async with client.post(hall.link("organiser", "Ann")) as entered:
                assert entered.status == 200
            telegram.says("/list", ANN, STAFF)
            await hall.desk.open_session("Lin", Session("e1", "Before", "autumn", starts_at=hall.now() - DAY))
            await hall.desk.set_up("Lin", "talk", {"series": "autumn", "starts_at": hall.now()})
            yield Walk(hall, client, known.database, {"session": "talk", "source": "lobby"})


WAYS: list[Callable[[Walk], Any]] = [
    stage_and_queue,
    earlier_evenings,
    course_and_talks,
    polls_and_survey,
    what_was_said,
    people_and_audience,
    afterwards,
]


async def test_each_privileged_act_is_one_row(tmp_path: Path) -> None:
    """Every unsafe address that needs a role, and every act on questions: each success is one row of a ledger, no more
    and no less; an address that is in nobody's way here fails."""
    async with walking(tmp_path) as walk:
        for way in WAYS:
            await way(walk)
        async with walk.client.get("/api/v1/openapi.json") as answer:
            paths = (await answer.json())["paths"]
        privileged = {
            f"{method.upper()} {path}"
            for path, item in paths.items()
            for method, operation in item.items()
            if method != "get" and operation["x-least-role"] != "viewer"
        }
    assert privileged - walk.counted.keys() == set()
    assert set(ACTS) - walk.acts == set()
    assert walk.counted.keys() - privileged == set()
    due = {way: {0} if way in NO_ACT else {1, 2} if way in TWO else {1} for way in walk.counted}
    assert {way: rows for way, rows in walk.counted.items() if set(rows) != due[way]} == {}
    assert set(NO_ACT) <= privileged


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {table} WHERE id = 1",
        "UPDATE {table} SET at = 0 WHERE id = 1",
        "UPDATE {table} SET what = 'nothing' WHERE id = 1",
        "UPDATE {table} SET id = 99 WHERE id = 1",
        "DELETE FROM {table}",
    ],
)
async def test_no_row_of_a_ledger_is_changed_or_taken_out(tmp_path: Path, statement: str) -> None:
    """The database itself refuses it, whoever asks."""
    async with walking(tmp_path) as walk:
        await walk.acts_on("pin", await walk.question())
        with closing(connect(walk.database).conn) as db:
            for table in ("actions", "deeds"):
                with pytest.raises(Failure, match="append-only"):
                    db.execute(statement.format(table=table))
        assert walk.rows() >= 3
