"""What is told by itself after a talk, over a real store, with a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.app.floor import Unwatched
from bot.desk import Desk
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.fitting import measure
from bot.model import Abilities, Address, CourseMatch, Delivery, Message, Mode, Person, Session, Status, Unit
from bot.outbox import Outbox
from bot.quiet import DAY, Hours, when_of
from bot.reach import TAKEN_BACK
from bot.replies import course_answer
from bot.rounds import Duty, Round, Rounds, Telling
from bot.storage.sqlite import SqliteStore, open_store
from tests.bot.chats import Chat
from tests.bot.storage.acts import ask

HOURS = Hours(zone=ZoneInfo("Asia/Shanghai"))
TALK = Session("talk", "Queues", series="Evenings", language="en", ended_at=0.0, digest=Mode.AUTO)
ABLE = Abilities(reply=True, private=True, edit=True)
STAFF = Address("telegram", "-99", private=False)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=HOURS.zone).timestamp()


EVENING, NIGHT, MORNING = at("2026-12-01 20:30"), at("2026-12-01 23:00"), at("2026-12-02 09:00")


@dataclass
class Hall:
    """A talk that ended at half past eight in the evening. `time` moves by hand."""

    store: SqliteStore
    time: float = EVENING
    told: list[str] = field(default_factory=list)
    able: dict[str, Abilities] = field(default_factory=lambda: {"telegram": ABLE})

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after a start: nothing is remembered."""
        now = lambda: self.time  # noqa: E731
        telling = Telling(
            self.store,
            now,
            HOURS,
            digest_at=when_of("+30"),
            report_at=when_of("21:45"),
            able=lambda: self.able,
            staff=lambda chat: chat.chat == STAFF.chat,
            organisers=self._organisers,
            page=lambda session: f"https://floor.example.org/s/{session}",
            summary=self._summary,
        )
        self.rounds = Rounds(
            self.store, now, HOURS, changed=lambda _, topic: self.told.append(topic), planners=[telling.plan]
        )
        self.desk = Desk(self.store, lambda _: None, now)
        self.floor = Unwatched(self.store, self.desk, lambda _: None, lambda: None, now=now)

    async def _organisers(self, session: str) -> Sequence[Address]:
        return [STAFF]

    async def _summary(self, session: Session) -> str:
        return f"{session.title}: in figures"

    async def set(self, **more: Any) -> None:
        await self.store.save_session(replace(TALK, ended_at=EVENING, **more))

    async def go(self, time: float) -> None:
        self.time = time
        await self.rounds.step()

    async def said(self, begins: str = "") -> list[Delivery]:
        return [one for one in await self.store.deliveries("talk") if one.key.startswith(begins)]

    async def chats(self, begins: str) -> list[str]:
        return [one.address.chat for one in await self.said(begins)]

    async def shown(self) -> dict[str, str]:
        return {look.duty.name: look.shown for look in await self.rounds.look("talk") or ()}

    async def answer(self, id: str, text: str = "Yes, on Friday.") -> None:
        await self.desk.answer("Ann", id, text)

    async def hear(self) -> None:
        """All that is to be said to this point was said."""
        for one in await self.store.due(self.time + 60, 1000):
            await self.store.settle(replace(one, state="sent", sent_id="1"))


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    store = await open_store(tmp_path / "hall.db")
    made = Hall(store)
    await made.set()
    yield made
    await store.close()


async def in_group(hall: Hall, question: str, user: str, **more: Any) -> Message:
    return await ask(hall.store, question, user, chat="-7", private=False, **more)


# -- in every chat -----------------------------------------------------------------------------------------------------


async def test_every_chat_gets_the_digest_once_when_it_is_due(hall: Hall) -> None:
    """Half an hour after the end, in every chat that can be posted to and none of the staff's; later rounds and a
    restart say nothing more."""
    await in_group(hall, "q1", "u1")
    await ask(hall.store, "q2", "u2", chat="-8", private=False)
    await ask(hall.store, "q2", "u3", source="bilibili", chat="5", private=False)
    await ask(hall.store, "q2", "u4", chat=STAFF.chat, private=False)
    await hall.answer("q1")
    await hall.go(EVENING + 1799)
    assert await hall.said("digest:") == []
    assert (await hall.shown())["digest"] == "planned"
    await hall.go(EVENING + 1801)
    hall.restart()
    await hall.go(EVENING + 3600)
    assert await hall.chats("digest:") == ["-7", "-8"]
    assert (await hall.shown())["digest"] == "sent"
    text = (await hall.said("digest:"))[0].text
    assert text == (
        "“Queues” is over. Thank you for taking part! 2 questions were asked, 1 of them are answered.\n\n"
        "What most people wanted to know:\n1. Is there a recording?\n   Yes, on Friday.\n\n"
        "All questions and answers: https://floor.example.org/s/talk\n"
        "To get no more of these messages, reply “stop”."
    )


async def test_a_digest_names_the_next_evening_of_the_series(hall: Hall) -> None:
    """The next that is to come, with its day and time; other series and evenings that are over are none."""
    await hall.set(language="zh")
    for id, series, starts, ended in (
        ("a", "Evenings", "2026-12-15 19:30", None),
        ("b", "Evenings", "2026-12-08 19:30", None),
        ("c", "Others", "2026-12-03 19:30", None),
        ("d", "Evenings", "2026-12-05 19:30", EVENING),
    ):
        await hall.store.save_session(Session(id, f"Talk {id}", series, starts_at=at(starts), ended_at=ended))
    await in_group(hall, "q1", "u1")
    await hall.go(EVENING + 1801)
    assert "下一场：《Talk b》，12月8日（周二）19:30\n" in (await hall.said("digest:"))[0].text


@pytest.mark.parametrize("length", [60, 120, 250, 400, 600])
@pytest.mark.parametrize("unit", [Unit.BYTES, Unit.CHARACTERS])
async def test_a_digest_fits_its_chat_and_keeps_its_end(hall: Hall, length: int, unit: Unit) -> None:
    """Where there is little room there are fewer answers; the way to hear no more of it goes last."""
    hall.able = {"telegram": replace(ABLE, length=length, unit=unit)}
    for number in range(7):
        await in_group(hall, f"q{number}", f"u{number}", text="为什么" * 40)
        await hall.answer(f"q{number}", "因为" * 200)
    await hall.go(EVENING + 1801)
    (said,) = await hall.said("digest:")
    assert measure(said.text, unit) <= length
    assert length < 250 or "reply “stop”" in said.text
    assert length < 600 or said.text.count("1. ") == 1


async def test_a_digest_waits_for_a_person_where_it_is_only_suggested(hall: Hall) -> None:
    """A moderator sees it, words it otherwise and sends it; what is worded so goes to every chat, and undo within the
    pause holds it back."""
    await hall.set(digest=Mode.SUGGEST)
    await in_group(hall, "q1", "u1")
    await hall.go(EVENING + 3600)
    assert (await hall.said("digest:"), (await hall.shown())["digest"]) == ([], "waiting")
    assert "Thank you" in (await hall.rounds.preview("talk", "digest"))[1].text
    await hall.rounds.word("Ann", "talk", "digest", "  See you on Friday!  ")
    action = await hall.rounds.send("Ann", "talk", "digest")
    assert [one.text for one in await hall.said("digest:")] == ["See you on Friday!"]
    await hall.desk.undo("Ann", "talk", action.id)
    assert [one.state for one in await hall.said("digest:")] == ["failed"]
    assert (await hall.shown())["digest"] == "waiting"
    await hall.rounds.send("Ann", "talk", "digest")
    assert [one.state for one in await hall.said("digest:")] == ["waiting"]
    assert [one.change.what for one in await hall.store.actions("talk")][:4] == [
        "after_send", "undo", "after_send", "after_word",
    ]  # fmt: skip


async def test_a_sent_digest_is_corrected_by_sending_it_again(hall: Hall) -> None:
    """The same delivery in other words: chats that can edit show the new ones, unless that is taken back in time."""
    await in_group(hall, "q1", "u1")
    await hall.go(EVENING + 1801)
    await hall.hear()
    await hall.rounds.word("Ann", "talk", "digest", "The slides are online.")
    await hall.rounds.send("Ann", "talk", "digest")
    (said,) = await hall.said("digest:")
    assert (said.text, said.state, said.sent_id) == ("The slides are online.", "waiting", "1")
    await hall.desk.undo("Ann", "talk")
    assert [one.state for one in await hall.said("digest:")] == ["failed"]


async def test_what_is_cancelled_is_not_said(hall: Hall) -> None:
    """Until somebody plans it again; what was said cannot be cancelled."""
    await in_group(hall, "q1", "u1")
    await hall.rounds.cancel("Ann", "talk", "digest")
    await hall.go(EVENING + 3600)
    assert (await hall.said("digest:"), (await hall.shown())["digest"]) == ([], "cancelled")
    await hall.rounds.plan("Ann", "talk", "digest")
    await hall.go(EVENING + 3700)
    assert await hall.chats("digest:") == ["-7"]
    with pytest.raises(Conflict):
        await hall.rounds.cancel("Ann", "talk", "digest")


async def test_what_cannot_be_done_says_so(hall: Hall) -> None:
    """A talk that is not over, a duty that there is not, nothing to say, too many words, words for a personal one."""
    with pytest.raises(NotAllowed):
        await hall.rounds.send("Ann", "talk", "digest")
    with pytest.raises(NotFound):
        await hall.rounds.send("Ann", "talk", "nothing")
    with pytest.raises(BadInput):
        await hall.rounds.word("Ann", "talk", "digest", "x" * 5000)
    with pytest.raises(NotAllowed):
        await hall.rounds.word("Ann", "talk", "personal", "x")
    await hall.store.save_session(replace(TALK, ended_at=None))
    assert await hall.rounds.look("talk") is None
    with pytest.raises(NotFound):
        await hall.rounds.cancel("Ann", "talk", "digest")


# -- when --------------------------------------------------------------------------------------------------------------


async def test_what_falls_into_the_night_comes_in_the_morning(hall: Hall) -> None:
    """The talk ended at 21:45: half an hour later it is night, and nine o'clock is early enough."""
    await hall.store.save_session(replace(TALK, ended_at=at("2026-12-01 21:45")))
    await in_group(hall, "q1", "u1")
    for time in (NIGHT, at("2026-12-02 03:00"), at("2026-12-02 08:59")):
        await hall.go(time)
        assert await hall.said("digest:") == []
    await hall.go(MORNING)
    assert await hall.chats("digest:") == ["-7"]


async def test_after_a_downtime_it_comes_late_but_not_at_night_and_not_absurdly_late(hall: Hall) -> None:
    """The program was away from half past eight on: at night it waits, the next day it tells, three days later not."""
    await in_group(hall, "q1", "u1")
    await hall.go(NIGHT)
    assert await hall.said() == []
    await hall.go(MORNING + 3600)
    assert await hall.chats("digest:") == ["-7"]
    await hall.store.save_session(Session("other", "O", ended_at=EVENING, digest=Mode.AUTO))
    await in_group(hall, "q9", "u1", session="other")
    await hall.go(EVENING + 3 * DAY)
    assert await hall.store.deliveries("other") == []
    shown = {look.duty.name: look.shown for look in await hall.rounds.look("other") or ()}
    assert shown == {"digest": "dropped", "personal": "dropped", "report": "dropped"}


async def test_a_click_at_night_sends_in_the_morning(hall: Hall) -> None:
    """A moderator who sends at eleven wakes nobody."""
    await in_group(hall, "q1", "u1")
    hall.time = NIGHT
    action = await hall.rounds.send("Ann", "talk", "digest")
    assert [one.not_before for one in action.change.deliveries] == [MORNING]


async def test_the_organisers_chat_gets_the_report_at_its_time(hall: Hall) -> None:
    """At a quarter to ten, in that chat alone."""
    await in_group(hall, "q1", "u1")
    await hall.go(at("2026-12-01 21:44"))
    assert await hall.said("report:") == []
    await hall.go(at("2026-12-01 21:45"))
    assert [(one.address, one.text) for one in await hall.said("report:")] == [(STAFF, "Queues: in figures")]


async def test_another_planner_is_asked_too_and_one_that_fails_stops_nobody(hall: Hall) -> None:
    """As surveys do it: a duty of its own, done once, beside one that breaks until it does not any more."""
    acts: list[str] = []
    broken = True

    async def compose(text: str) -> Round:
        if broken:
            raise OSError("no network")
        return Round("x", (Delivery("survey:talk:1", "talk", Address("telegram", "-7"), "How was it?"),))

    async def act() -> None:
        acts.append("opened")

    async def plan(session: Session) -> Sequence[Duty]:
        return [Duty("survey", EVENING + 60, Mode.AUTO, compose, act=act)]

    hall.rounds = Rounds(hall.store, lambda: hall.time, HOURS, planners=[plan])
    await hall.go(EVENING + 61)
    assert await hall.said() == []
    broken = False
    await hall.go(EVENING + 62)
    await hall.go(EVENING + 63)
    assert ([one.text for one in await hall.said()], acts) == (["How was it?"], ["opened", "opened"])


# -- to everybody who asked --------------------------------------------------------------------------------------------


async def test_whoever_asked_hears_in_private_what_became_of_it(hall: Hall) -> None:
    """Answered, dismissed with its reason, still open; and nothing of anybody else's."""
    await in_group(hall, "q1", "u1", text="Is it recorded?")
    await in_group(hall, "q2", "u1", text="Who pays for it?")
    await in_group(hall, "q3", "u1", text="Does it scale?")
    await in_group(hall, "q4", "u2", text="Somebody else's question?")
    await ask(hall.store, "q1", "u1", chat="u1", text="And where is the recording?")
    await hall.answer("q1")
    await hall.desk.dismiss("Ann", ["q2"], "Not a matter of this talk.", shown=True)
    await hall.go(EVENING + 1801)
    (said,) = await hall.said("personal:")
    assert said.address == Address("telegram", "u1", user="u1")
    assert said.text.startswith(
        "“Queues” is over. Your questions:\n\n"
        "• Is it recorded?\n  Answered: Yes, on Friday.\n"
        "• Who pays for it?\n  Not taken into the talk. The reason: Not a matter of this talk.\n"
        "• Does it scale?\n  Not answered yet. An expert will be asked, and you will be told.\n\n"
    )
    assert await hall.chats("digest:") == ["-7"]  # who gets one of their own gets no other one there


async def test_whose_own_digest_did_not_reach_them_gets_that_of_everybody(hall: Hall) -> None:
    """It was taken back, or the chat did not take it, before that of everybody was worded."""
    await hall.set(personal=Mode.AUTO)
    for user in ("u1", "u2"):
        await ask(hall.store, f"q{user}", user, chat=user)
    personal = Delivery("personal:talk:telegram:u1", "talk", Address("telegram", "u1", private=True), "Yours.")
    other = replace(personal, key="personal:talk:telegram:u2", address=Address("telegram", "u2", private=True))
    await hall.store.deliver([personal, other])
    await hall.store.withhold(personal, TAKEN_BACK)
    await hall.store.save_session(replace((await hall.store.sessions())[0], personal=Mode.OFF))
    await hall.go(EVENING + 1801)
    assert await hall.chats("digest:") == ["u1"]


async def test_nobody_is_told_what_they_heard_already(hall: Hall) -> None:
    """Whose questions were all answered where they asked hears nothing personal, and the digest like everybody."""
    await ask(hall.store, "q1", "u1", chat="u1")
    await ask(hall.store, "q2", "u2", chat="u2")
    await hall.answer("q1")
    await hall.hear()
    await hall.go(EVENING + 1801)
    assert (await hall.chats("personal:"), await hall.chats("digest:")) == (["u2"], ["u1"])


async def test_what_the_course_told_is_known_whatever_a_message_is_called(hall: Hall) -> None:
    """QQ's messages are named with all that a reply to them needs: that holds colons."""
    address = Address("telegram", "u1", '1 {"msg_id":"a:b"}', "u1", private=True)
    asked = await ask(hall.store, "q1", "u1", address=address)
    told = course_answer(TALK, "q1", asked, CourseMatch("faq.md#1", 0.9, "sent", "Yes."), "FAQ")
    assert told is not None
    await hall.store.deliver([told])
    await hall.hear()
    await hall.answer("q1", "Yes.")
    await hall.go(EVENING + 1801)
    assert await hall.said("personal:") == []


async def test_a_group_never_shows_what_is_personal(hall: Hall) -> None:
    """Who only asked in the group is told nothing of their own."""
    await in_group(hall, "q1", "u1")
    await hall.go(EVENING + 1801)
    assert await hall.said("personal:") == []


# -- who wants to hear nothing -----------------------------------------------------------------------------------------


async def says(hall: Hall, text: str, user: str = "u1", chat: str = "u1", number: int = 1) -> None:
    address = Address("telegram", chat, f"{chat}:{number}", user, private=chat == user)
    await hall.floor.receive([Message("talk", "telegram", f"{chat}:{number}", user, "", text, hall.time, address)])


@pytest.mark.parametrize("chat", ["u1", "-7"])
async def test_who_says_stop_hears_nothing_but_answers(hall: Hall, chat: str) -> None:
    """In private or in the group; it is confirmed once and is no question. The answer to their own question comes."""
    await ask(hall.store, "q1", "u1", chat="u1")
    await in_group(hall, "q2", "u2")
    await says(hall, "退订", chat=chat)
    await says(hall, "退订", chat=chat)  # the platform tells it again
    assert [one.text[:9] for one in await hall.said("opt:")] == ["All right"]
    assert await hall.store.pending("talk", 10) == []
    await hall.go(EVENING + 1801)
    assert (await hall.chats("personal:"), await hall.chats("digest:")) == ([], ["-7"])
    await hall.answer("q1")
    assert await hall.chats("answer:q1") == ["u1"]


async def test_who_says_start_hears_it_again(hall: Hall) -> None:
    """It is confirmed; where nobody was out it is a message like others."""
    await ask(hall.store, "q1", "u1", chat="u1")
    await says(hall, "stop")
    await says(hall, "订阅", number=2)
    await says(hall, "订阅", "u2", "u2")
    assert [one.text.count("again") for one in await hall.said("opt:")] == [1, 1]
    assert [one.text for one in await hall.store.pending("talk", 10)] == ["订阅"]
    await hall.go(EVENING + 1801)
    assert await hall.chats("personal:") == ["u1"]


async def test_an_old_wish_that_is_told_again_does_not_undo_a_newer_one(hall: Hall) -> None:
    """Whoever listens along and sends a signed "stop" once more silences nobody who has said "start" since; nor does
    an old "start" end a newer "stop"."""
    u1 = Person("telegram", "u1")
    wishes = ("start", "stop", "start", "stop")
    for number, text in enumerate(wishes[:3], 1):
        await says(hall, text, number=number)
    await says(hall, "stop", number=2)
    assert not await hall.store.is_out(u1)
    await says(hall, wishes[3], number=4)
    for number, text in enumerate(wishes[:3], 1):
        await says(hall, text, number=number)
    assert await hall.store.is_out(u1)
    assert [one.text for one in await hall.store.pending("talk", 10)] == ["start"]  # nobody was out then


# -- a crash -----------------------------------------------------------------------------------------------------------


class Phones(Chat):
    """Many private chats; `silent` is set once it has told so many, and then every call hangs."""

    def __init__(self, name: str, until: int) -> None:
        super().__init__(name, abilities=Abilities(reply=True, private=True, rate=100_000, chat_rate=1000))
        self.until, self.heard, self.silent = until, list[str](), asyncio.Event()

    async def send(self, delivery: Delivery) -> str:
        if len(self.heard) >= self.until:
            await asyncio.Event().wait()
        self.heard.append(delivery.address.chat)
        if len(self.heard) == self.until:
            self.silent.set()
        return str(len(self.heard))


async def tell(store: SqliteStore, *phones: Phones) -> None:
    """Until each has told what it will; then the process dies, whatever is under way."""
    hall = Hall(store, able={phone.name: ABLE for phone in phones})
    await hall.go(EVENING + 1801)
    outbox = Outbox(store, {phone.name: phone for phone in phones}, lambda: hall.time, finish=0)
    task = asyncio.ensure_future(outbox.run())
    async with asyncio.timeout(30):
        await asyncio.gather(*(phone.silent.wait() for phone in phones))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_crash_between_deliveries_tells_nobody_twice_and_forgets_nobody(tmp_path: Path) -> None:
    """The program dies while it tells sixty people in two chats, some are told and some not; after the start each was
    told once."""
    store = await open_store(tmp_path / "hall.db")
    await Hall(store).set()
    for number in range(60):
        await ask(store, "q1", f"u{number}", source="ab"[number % 2], chat=f"u{number}")
    before, after = [Phones("a", 11), Phones("b", 17)], [Phones("a", 19), Phones("b", 13)]
    await tell(store, *before)
    await store.close()
    store = await open_store(tmp_path / "hall.db")
    await tell(store, *after)
    heard = [chat for phone in (*before, *after) for chat in phone.heard]
    left = await store.due(EVENING + 1801, 100)
    await store.close()
    assert (sorted(heard), left) == (sorted(f"u{number}" for number in range(60)), [])


async def test_nobody_who_is_out_is_asked_again_on_another_linked_chat(hall: Hall) -> None:
    """They said so in one chat, and their private chat on the other is silent too."""
    await ask(hall.store, "q1", "w1", source="web", chat="talk")
    await ask(hall.store, "q2", "u1", chat="u1")
    await hall.store.offer_link("h", Person("web", "w1"), EVENING + 900)
    await hall.store.link("h", Person("telegram", "u1"), EVENING)
    await hall.store.opt_out(Person("web", "w1"), EVENING)
    await hall.go(EVENING + 1801)
    assert await hall.said("personal:") == await hall.said("digest:") == []
    assert (await hall.store.question("q1")).status is Status.NEW
