"""Every method of the store meets the same misfortunes, and says so as `StoreError`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.accounts import Actor, Device, Entry, Grant, Invitation
from bot.errors import StoreError
from bot.model import (
    Address,
    Change,
    Cursor,
    Delivery,
    Draft,
    DutyState,
    Feed,
    LookedUp,
    Mood,
    Person,
    Placed,
    Placement,
    PollVote,
    Promotion,
    PromotionStage,
    Proposal,
    Pulse,
    Recurrence,
    Session,
    SourceHealth,
    SourceState,
    Stage,
    Transcript,
)
from bot.ports import Store
from bot.storage.connection import connect
from bot.storage.sqlite import SqliteStore, open_store
from knowledge.aloud import Passage
from tests.bot.storage.acts import ask
from tests.bot.storage.test_polls import poll
from tests.bot.storage.test_surveys import survey
from tests.bot.values import message

SAID = Delivery("k", "talk", Address("web", "c"), "x")
UNDER_WAY = Delivery("under way", "talk", Address("web", "d"), "x")
ZOE = Person("web", "zoe")
HEARING = SourceHealth("web", SourceState.CONNECTED, 1.0, 2.0)
BOB = Actor("b", "Bob")
DEVICE = Device("d", "Firefox", 99.0)
SURVEY = survey()
RATING = SURVEY.items[0].id
PROMISE = Invitation("i", (Grant("moderator"),), "Zoe", 99.0)

WRITES: dict[str, Callable[[SqliteStore], Awaitable[Any]]] = {
    "receive": lambda s: s.receive([message(9)], Cursor("web", "9")),
    "look_up": lambda s: s.look_up("talk", [LookedUp(1, None, ())], Cursor("course of talk", "x")),
    "place": lambda s: s.place("talk", [Placed(Placement(1, False, 0.0))]),
    "save_session": lambda s: s.save_session(Session("talk", "T")),
    "keep_feed": lambda s: s.keep_feed(Feed("web", "talk", "other"), BOB, 1.0),
    "configure_session": lambda s: s.configure_session(Session("talk", "T")),
    "vote": lambda s: s.vote("q1", ZOE, True, 1.0),
    "apply": lambda s: s.apply(Change("talk", 1.0, "ann", "nothing")),
    "keep_encoder": lambda s: s.keep_encoder("a"),
    "reencode": lambda s: s.reencode("a", []),
    "deliver": lambda s: s.deliver([SAID]),
    "settle": lambda s: s.settle(SAID),
    "send_again": lambda s: s.send_again("web"),
    "withhold": lambda s: s.withhold(SAID, "why"),
    "admit": lambda s: s.admit(Entry("t", "Zoe", "", DEVICE, PROMISE), 1.0),
    "open_login": lambda s: s.open_login("p", DEVICE, 1.0),
    "used": lambda s: s.used("t", 1.0),
    "close_login": lambda s: s.close_login("t"),
    "close_logins": lambda s: s.close_logins("p"),
    "set_password": lambda s: s.set_password("p", "x", BOB, 1.0),
    "rename": lambda s: s.rename("p", "Zoe", BOB, 1.0),
    "give_role": lambda s: s.give_role("p", Grant("expert"), BOB, 1.0),
    "take_role": lambda s: s.take_role("p", "", BOB, 1.0),
    "remove_person": lambda s: s.remove_person("p", BOB, 1.0),
    "sign_out": lambda s: s.sign_out("p", BOB, 1.0),
    "invite": lambda s: s.invite("t", PROMISE, BOB, 1.0),
    "revoke": lambda s: s.revoke("i0", BOB, 1.0),
    "keep_recurrences": lambda s: s.keep_recurrences("talk", [Recurrence("q1", "q0", 0.9, True)]),
    "recall": lambda s: s.recall("talk", "other"),
    "keep_duty": lambda s: s.keep_duty(DutyState("talk", "digest"), DutyState("talk", "digest", at=1.0)),
    "opt_out": lambda s: s.opt_out(ZOE, 1.0),
    "opt_in": lambda s: s.opt_in(ZOE),
    "keep_transcript": lambda s: s.keep_transcript(Transcript("talk", "a.vtt", "Ann", 1.0)),
    "drop_transcript": lambda s: s.drop_transcript("talk"),
    "keep_proposal": lambda s: s.keep_proposal("talk", Proposal("q1", Passage(0.0, 1.0, "so"))),
    "keep_promotion": lambda s: s.keep_promotion(None, Promotion("q1", "talk", PromotionStage.PROPOSED, "E", 1.0, 2.0)),
    "forget_promotion": lambda s: s.forget_promotion("q1"),
    "probe": lambda s: s.probe(),
    "keep_stage": lambda s: s.keep_stage("talk", Stage(60, True)),
    "restart_stage": lambda s: s.restart_stage("talk", 1.0),
    "offer_link": lambda s: s.offer_link("h", ZOE, 99.0),
    "link": lambda s: s.link("offered", ZOE, 1.0),
    "unlink": lambda s: s.unlink(ZOE, Person("telegram", "t")),
    "vote_poll": lambda s: s.vote_poll(PollVote("p1", ZOE, ("1",))),
    "unvote_poll": lambda s: s.unvote_poll("p1", ZOE),
    "feel": lambda s: s.feel(Pulse("talk", ZOE, Mood.GREAT, 60.0)),
    "answer_survey": lambda s: s.answer_survey("talk", PollVote(RATING, ZOE, ("4",))),
    "unanswer_survey": lambda s: s.unanswer_survey("talk", RATING, ZOE),
    "remind": lambda s: s.remind("talk", 1, [SAID]),
    "keep_draft": lambda s: s.keep_draft(Draft("q1", "p", "About 16 GB"), 0.0),
    "decline": lambda s: s.decline("q1", "p", True, 1.0),
    "keep_sources": lambda s: s.keep_sources([HEARING]),
    "forget": lambda s: s.forget(ZOE, BOB, 1.0),
    "look_to_forget": lambda s: s.look_to_forget(1.0),
    "forget_before": lambda s: s.forget_before(1e9),
}
READS: dict[str, Callable[[SqliteStore], Awaitable[Any]]] = {
    "cursor": lambda s: s.cursor("web"),
    "pending": lambda s: s.pending("talk", 1),
    "remembered": lambda s: s.remembered("talk"),
    "told": lambda s: s.told("talk"),
    "latest": lambda s: s.latest("talk", 1),
    "texts": lambda s: s.texts("talk", [1]),
    "asked_with": lambda s: s.asked_with("talk", "hm"),
    "unasked": lambda s: s.unasked("talk", 1, "hm"),
    "sessions": lambda s: s.sessions(),
    "feeds": lambda s: s.feeds(),
    "configured_sessions": lambda s: s.configured_sessions(),
    "questions": lambda s: s.questions("talk"),
    "question": lambda s: s.question("q1"),
    "asked": lambda s: s.asked("q1"),
    "placements": lambda s: s.placements("talk"),
    "asked_by": lambda s: s.asked_by("talk", ZOE),
    "askings": lambda s: s.askings("talk", 10),
    "transcript": lambda s: s.transcript("talk"),
    "proposals": lambda s: s.proposals("talk"),
    "promotions": lambda s: s.promotions("talk"),
    "answered": lambda s: s.answered("talk"),
    "answering": lambda s: s.answering("talk"),
    "whoever": lambda s: s.whoever("zoe"),
    "known": lambda s: s.known(ZOE),
    "votes_of": lambda s: s.votes_of("talk", ZOE),
    "actions": lambda s: s.actions("talk"),
    "revisions": lambda s: s.revisions(),
    "recurrences": lambda s: s.recurrences(["talk"]),
    "duties": lambda s: s.duties("talk"),
    "hearings": lambda s: s.hearings("talk"),
    "brought": lambda s: s.brought("talk", ["web"]),
    "askers": lambda s: s.askers("talk"),
    "is_out": lambda s: s.is_out(ZOE),
    "encoder": lambda s: s.encoder(),
    "encoded": lambda s: s.encoded(),
    "due": lambda s: s.due(1.0),
    "deliveries": lambda s: s.deliveries("talk"),
    "login": lambda s: s.login("t", 1.0),
    "logins": lambda s: s.logins("p", 1.0),
    "people": lambda s: s.people(1.0),
    "person": lambda s: s.person("p", 1.0),
    "password_of": lambda s: s.password_of("zoe"),
    "invitation": lambda s: s.invitation("t", 1.0),
    "invitations": lambda s: s.invitations(1.0),
    "deeds": lambda s: s.deeds(),
    "sources": lambda s: s.sources(),
    "heard": lambda s: s.heard("talk"),
    "humans": lambda s: s.humans("talk"),
    "names": lambda s: s.names("talk"),
    "backlog": lambda s: s.backlog(1.0),
    "stage": lambda s: s.stage("talk"),
    "linked": lambda s: s.linked(ZOE),
    "polls": lambda s: s.polls("talk"),
    "poll": lambda s: s.poll("p1"),
    "poll_votes_of": lambda s: s.poll_votes_of("talk", ZOE),
    "chats": lambda s: s.chats("talk"),
    "pulse_on": lambda s: s.pulse_on("talk"),
    "pulse": lambda s: s.pulse("talk", 0.0),
    "surveys": lambda s: s.surveys(),
    "survey": lambda s: s.survey("talk"),
    "survey_results": lambda s: s.survey_results("talk"),
    "survey_answers_of": lambda s: s.survey_answers_of("talk", ZOE),
    "turnout": lambda s: s.turnout("talk"),
    "silent": lambda s: s.silent("talk"),
    "private_chat": lambda s: s.private_chat("talk", ZOE),
    "reminded": lambda s: s.reminded("talk"),
    "draft": lambda s: s.draft("q1", "p"),
    "drafts": lambda s: s.drafts("talk"),
    "declined": lambda s: s.declined("talk"),
    "done": lambda s: s.done("talk", "once"),
}
ALL = WRITES | READS


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(tmp_path / "hall.db", patience=0.05)
    await ask(opened, "q1")
    await opened.apply(
        Change("talk", 1.0, "ann", "test", polls=((None, poll()),), surveys=((None, SURVEY),), pulse=True)
    )
    await opened.offer_link("offered", Person("web", "phone"), 99.0)
    await opened.deliver([UNDER_WAY])
    await opened.settle(replace(UNDER_WAY, state="sending"))
    other = connect(tmp_path / "hall.db")
    other.execute("INSERT INTO people VALUES ('p', 'Pat', 'pat', '', 0)")
    other.execute("INSERT INTO roles VALUES ('p', '', 'expert', 0, NULL)")
    other.execute("INSERT INTO invitations VALUES ('i0', 'h', '', '', '[]', 'Bob', 0, 99, NULL, NULL)")
    other.conn.close()
    yield opened
    await opened.close()


def test_every_method_is_here() -> None:
    """A method that the port gains must be added above."""
    port = {name for part in Store.__mro__ for name in vars(part) if not name.startswith("_")}
    assert set(ALL) == port - {"close", "waiting"}  # these do not ask the database


async def complaint(name: str, store: SqliteStore) -> str:
    """What the method says where it cannot do its work."""
    try:
        await ALL[name](store)
    except StoreError as error:
        return str(error)
    return ""


async def test_closed(store: SqliteStore) -> None:
    """A closed store says that it is closed, whatever is wanted of it."""
    await store.close()
    assert [name for name in ALL if "closed" not in await complaint(name, store)] == []


async def test_tables_gone(store: SqliteStore, tmp_path: Path) -> None:
    """A foreign hand in the file gives an error in words, and everything goes on failing cleanly."""
    other = connect(tmp_path / "hall.db")
    other.execute("PRAGMA foreign_keys = OFF")
    for table in other.table_names():
        if not table.startswith("sqlite_"):
            other.execute(f"DROP TABLE {table}")
    other.conn.close()
    for _ in range(2):
        said = {name: await complaint(name, store) for name in ALL if name != "probe"}  # it reads no table
        assert [name for name, words in said.items() if "no such table" not in words] == []


@pytest.mark.parametrize("name", ALL)
async def test_locked(name: str, store: SqliteStore, tmp_path: Path) -> None:
    """While another program holds the write lock, writing fails in words, reading goes on, and then all is well: the
    calls of these tables are good ones, so what fails in the other tests fails for the misfortune."""
    other = connect(tmp_path / "hall.db")
    other.conn.execute("BEGIN EXCLUSIVE")
    assert ("another program has the database locked" in await complaint(name, store)) == (name in WRITES)
    other.conn.execute("ROLLBACK")
    other.conn.close()
    await ALL[name](store)
