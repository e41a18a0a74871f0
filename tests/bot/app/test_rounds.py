"""What a talk tells when it is over, with the whole program and a chat behind it."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.app import Hall, open_hall
from bot.app.rounding import make_rounds
from bot.connectors.telegram import TelegramOptions
from bot.model import Abilities, Address, Delivery, Message, Mode, Session
from bot.ports import Store
from bot.quiet import DAY, is_quiet
from bot.rounds import Rounds
from bot.settings import AfterSettings, Settings
from bot.storage.sqlite import open_store
from tests.bot.app.test_hall import settings, signed_in, until
from tests.bot.chats import Chat
from tests.fake_telegram import ANN, BOB, GROUP, TOKEN, FakeTelegram, Json
from tests.fakes import HashEncoder

STAFF: Json = {"id": -1009, "type": "supergroup", "title": "Staff"}


def private(user: Json) -> Json:
    """The chat of the bot with somebody."""
    return {"id": user["id"], "type": "private", "first_name": user["first_name"]}


async def test_a_telegram_evening_ends_with_a_digest_and_a_report(tmp_path: Path) -> None:
    """The group gets the digest, the staff's chat the report, and who said /stop in private no digest of their own;
    /start gives it back."""
    after = AfterSettings(quiet="", digest=Mode.AUTO, digest_at="+0", report_at="+0")
    async with FakeTelegram() as telegram:
        base = telegram.base_url.rsplit("/bot", 1)[0]
        bot = TelegramOptions(token=TOKEN, session="talk", base_url=base, staff_chat=str(STAFF["id"]))
        async with open_hall(settings(tmp_path, sources=(bot,), after=after), encoder=HashEncoder()) as hall:
            await hall.loaded()
            for who in (ANN, BOB):
                telegram.says("Is there a recording?", who, private(who))
            telegram.says("/ask And slides?", ANN, GROUP)
            telegram.says("/list", ANN, STAFF)
            await until(lambda: _chats(hall, 3))
            telegram.says("/stop", BOB, private(BOB))
            await telegram.until(lambda: any("no more digests" in text for text in telegram.texts(BOB["id"])))
            await hall.desk.set_up("Ann", "talk", {"ended_at": hall.now()})
            await telegram.until(lambda: any("is over" in text for text in telegram.texts(GROUP["id"])))
            await telegram.until(lambda: any("/s/talk/report" in text for text in telegram.texts(STAFF["id"])))
            await telegram.until(lambda: any("Your questions" in text for text in telegram.texts(ANN["id"])))
            assert not any("is over" in text for text in telegram.texts(BOB["id"]))
            assert not any("is over" in text for text in telegram.texts(STAFF["id"]))
            telegram.says("/start", BOB, private(BOB))
            await telegram.until(lambda: any("come to you again" in text for text in telegram.texts(BOB["id"])))
        assert not telegram.faults


async def _chats(hall: Hall, number: int) -> bool:
    return len(await hall.store.chats("talk")) == number


class Phone(Chat):
    """A private chat that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__("phone", abilities=Abilities(reply=True, private=True))
        self.told: list[Delivery] = []

    async def send(self, delivery: Delivery) -> str:
        self.told.append(delivery)
        return str(len(self.told))


async def test_an_answer_at_night_waits_for_the_morning_and_says_so(tmp_path: Path) -> None:
    """An expert answers at half past eleven what was asked at eight: the page is told when it goes out, and it is not
    sent before that."""
    zone = ZoneInfo("Asia/Shanghai")
    after, phone = AfterSettings(zone="Asia/Shanghai"), Phone()
    time = [datetime(2026, 12, 1, 20, 0, tzinfo=zone).timestamp()]
    morning = datetime(2026, 12, 2, 8, 0, tzinfo=zone).timestamp()
    async with open_hall(
        settings(tmp_path, after=after), encoder=HashEncoder(), now=lambda: time[0], extra=lambda _: [phone]
    ) as hall:
        await hall.loaded()
        address = Address("phone", "u1", "m1", "u1")
        asked = Message("talk", "phone", "m1", "u1", "Zoe", "Is there a recording?", time[0], address, explicit=True)
        await hall.floor.receive([asked])
        await hall.drained()
        (question,) = await hall.store.questions("talk")
        await hall.desk.set_up("Ann", "talk", {"ended_at": time[0] + 5400, "personal": "off"})
        time[0] += 3.5 * 3600
        assert is_quiet(time[0], after.hours)
        async with signed_in(hall) as client:
            body = {"do": "answer", "questions": [question.id], "text": "Yes, on Friday."}
            reply = await client.post("/api/v1/sessions/talk/actions", json=body)
            assert (await reply.json())["goes_at"] == morning
        time[0] = morning - 60
        assert await hall.store.due(time[0], 10) == []
        time[0] = morning + 1
        await until(lambda: _told(phone, "Friday"))


@pytest.mark.parametrize("at_night", [False, True])
async def test_an_answer_that_a_chat_was_down_for_waits_for_the_morning_unless_answers_go_at_night(
    tmp_path: Path, at_night: bool
) -> None:
    """The program comes back at half past eleven with what was due two evenings ago."""
    zone = ZoneInfo("Asia/Shanghai")
    after, phone = AfterSettings(zone="Asia/Shanghai", answers_at_night=at_night), Phone()
    night = datetime(2026, 12, 2, 23, 30, tzinfo=zone).timestamp()
    made = settings(tmp_path, after=after)
    async with open_hall(made, encoder=HashEncoder(), now=lambda: night, extra=lambda _: [phone]) as hall:
        late = Delivery("answer:q1:phone:u1", "talk", Address("phone", "u1"), "On Friday.", not_before=night - 2 * DAY)
        direct = replace(late, key="answer:q1:phone:u2", address=Address("phone", "u2"), text="Yes.", not_before=night)
        await hall.store.deliver([late, direct])
        hall._outbox.wake()
        await until(lambda: _told(phone, "Yes"))

        async def settled() -> bool:
            first, _ = await hall.store.deliveries("talk")
            return first.state == "sent" or first.not_before > night

        await until(settled)
        assert await _told(phone, "Friday") == at_night


async def _told(phone: Phone, word: str) -> bool:
    return any(word in one.text for one in phone.told)


def rounds_of(made: Settings, store: Store, time: list[float]) -> Rounds:
    """What the sources' hall tells by itself, while all of them feed the next talk; a report is its talk's title."""

    async def summary(session: Session) -> str:
        return f"{session.title}: in figures"

    return make_rounds(
        made,
        store,
        lambda: time[0],
        able=lambda: {source.name: Abilities(reply=True) for source in made.sources},
        staff=lambda chat: chat.chat == "-9",
        feeds=lambda _: "b",
        page=lambda _: "",
        summary=summary,
        changed=lambda *_: None,
        sending=lambda: None,
    )


async def test_a_report_is_due_only_where_somebody_gets_it(tmp_path: Path) -> None:
    """A talk on the page alone has none, though another one of this hall has a staff's chat: what nobody was to be sent
    is not said to have come too late."""
    bot = TelegramOptions(name="here", token=TOKEN, session="b", staff_chat="-9")
    store, time = await open_store(tmp_path / "hall.db"), [1000.0]
    for id in ("web", "a", "b"):
        await store.save_session(Session(id, id, ended_at=900.0))
    await store.receive([Message("web", "web", "m1", "w1", "Zoe", "Well?", 800.0)])
    await store.receive([Message("a", "here", "m2", "u1", "Zoe", "Well?", 800.0, Address("here", "-7", private=False))])
    rounds = rounds_of(settings(tmp_path, sources=(bot,)), store, time)
    elsewhere = rounds_of(settings(tmp_path, sources=(bot,), after=AfterSettings(report_to="here")), store, time)
    try:
        for those, expected in ((rounds, {"a", "b"}), (elsewhere, {"web", "a", "b"})):
            looks = {id: await those.look(id) or () for id in ("web", "a", "b")}
            assert {id for id, found in looks.items() if "report" in {look.duty.name for look in found}} == expected
    finally:
        await store.close()


async def test_the_report_reaches_the_organisers_though_the_next_talk_has_begun(tmp_path: Path) -> None:
    """The source was pointed at the next talk before the report of this one was due: its staff's chat gets it all the
    same, and that of a source which brought nothing of this talk does not."""
    tokens = (TelegramOptions(name=name, token=TOKEN, session="b", staff_chat="-9") for name in ("here", "there"))
    made = settings(tmp_path, sources=tuple(tokens), after=AfterSettings(quiet="", report_at="+15"))
    store, time = await open_store(tmp_path / "hall.db"), [1000.0]
    await store.save_session(Session("a", "The first", ended_at=900.0))
    await store.receive([Message("a", "here", "m1", "u1", "Zoe", "Well?", 800.0, Address("here", "-7", private=False))])
    rounds = rounds_of(made, store, time)
    try:
        await rounds.step()
        time[0] = 900.0 + 16 * 60
        await rounds.step()
        told = [one for one in await store.deliveries("a") if one.key.startswith("report:")]
        assert [(one.key, one.text) for one in told] == [("report:a:here:-9", "The first: in figures")]
    finally:
        await store.close()
