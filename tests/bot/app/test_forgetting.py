"""Forgetting people: what is theirs is gone, down to the bytes of the file, and every figure stays as it was."""

import asyncio
import io
import json
import logging
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.accounts import Actor
from bot.app.forgetting import DAY, export, forget, forget_daily, forget_old
from bot.app.reporting import Reporting
from bot.desk import Desk
from bot.errors import BadInput, NotFound, StoreError
from bot.forgetting import REMOVED, Scrubbing
from bot.handover import to_html, to_json
from bot.model import (
    GONE,
    Abilities,
    Address,
    Answer,
    Change,
    CourseMatch,
    Delivery,
    DutyState,
    Forgotten,
    Known,
    Message,
    Mood,
    Person,
    Placed,
    Placement,
    PollKind,
    PollState,
    PollStatus,
    PollVote,
    Promotion,
    PromotionStage,
    Proposal,
    Pulse,
    Session,
    Status,
    SurveyState,
    title_of,
)
from bot.outbox import Outbox
from bot.polls import Polls
from bot.promoting import entry_of, removed
from bot.reach import reach
from bot.replies import acknowledgement, late_answer, opt_reply
from bot.report.model import Reach
from bot.reviewing import Hearers, hearers
from bot.settings import Settings
from bot.storage import forgetting
from bot.storage.database import Database
from bot.storage.sqlite import SqliteStore, open_store
from bot.web.site import ReportWish
from knowledge.aloud import Passage
from knowledge.material import Course
from tests.bot.chats import Chat
from tests.bot.storage.acts import VECTOR, ask
from tests.bot.values import TALK, message, state

ANN = Person("telegram", "778899001", "Anneliese Zweig")
ON_PAGE = Person("web", "a1b2c3d4e5f60718293a")
HERS = ("778899001", "Anneliese", "Zweig", "a1b2c3d4e5f60718293a", "zucchini", "Zucchini", "56789", "hers-7")
"""What must not be found anywhere once she is forgotten: her ids, her name, her words, her chat and its messages."""

CHATS = frozenset({"telegram"})
OLD = replace(TALK, ended_at=300.0)


async def evening(store: SqliteStore) -> None:
    """Ann asks in private, in a group and on the page, as one human; Bob asks the same and something else. It is
    voted, answered, merged, polled and disputed."""
    hers: dict[str, Any] = {"user": ANN.id, "author_name": ANN.name, "external_id": "hers-7"}
    private = message(1, "Do zucchini slides exist?", chat="56789", **hers)
    await ask_one(store, "q1", private)
    await ask(store, "q1", "bob", text="Where are the slides?", author_name="Bob Bright")
    await ask_one(store, "q2", replace(private, external_id="hers-71", text="Zucchini recorded?", address=replace(
        private.address, chat="-100", private=False, message="hers-71")))  # fmt: skip
    on_page = message(4, "zucchini on the page?", ON_PAGE.id, source="web", author_name="", chat="talk")
    await ask_one(store, "q3", on_page)
    await ask(store, "q2", "bob", text="Is it recorded?", author_name="Bob Bright", chat="-100", private=False)
    await store.offer_link("code", ON_PAGE, 900.0)
    await store.link("code", ANN, 100.0)
    await store.offer_link("code2", ON_PAGE, 900.0)
    await store.vote("q3", ANN, True, 150.0)
    await store.vote("q3", Person("telegram", "bob", "Bob Bright"), True, 151.0)
    await polled(store)
    session = (await store.sessions())[0]
    told = acknowledgement(session, (await store.question("q1")).state, message(2, user="bob"), 2)
    assert told
    await store.deliver([told])
    desk = Desk(store, lambda _: None, lambda: 200.0, replying=lambda: CHATS)
    await desk.answer("Li", "q1", "In the course folder.")
    await desk.answer("Li", "q2", "Yes.")
    await desk.not_answered("talk", "q3", ON_PAGE)
    await store.apply(Change("talk", 210.0, f"telegram:{ANN.name}", "not_answered"))
    heard = Passage(2.0, 30.0, "They exist.", 0.9, asked="Do zucchini slides exist?")
    await store.keep_proposal("talk", Proposal("q1", heard, (replace(heard, asked="Where are the slides?"), heard)))
    for one in await store.answering("talk"):
        await store.settle(replace(one, state="sent", sent_id="hers-7" if one.address.user == ANN.id else "s1"))


async def ask_one(store: SqliteStore, question: str, one: Message) -> None:
    """She founds it, in her words, or joins it."""
    values = {name: getattr(one, name) for name in ("text", "author_name", "external_id", "address", "source")}
    await ask(store, question, one.author, founds=state(question, title=one.text), **values)


async def polled(store: SqliteStore) -> None:
    for id, kind in (("p1", PollKind.SINGLE), ("p2", PollKind.OPEN)):
        state = PollState(id, "talk", kind, "Which?", ("a", "b"), status=PollStatus.OPEN, round=1)
        await store.apply(Change("talk", 120.0, "Mo", "poll_make", polls=((None, state),)))
    await store.apply(Change("talk", 121.0, "Mo", "pulse_on", pulse=True))
    for person, text in ((ANN, "more zucchini please"), (Person("telegram", "bob"), "less")):
        await store.vote_poll(PollVote("p1", person, ("1",)))
        await store.vote_poll(PollVote("p2", person, (text,)))
        await store.feel(Pulse("talk", person, Mood.GREAT, 130.0))


async def figures(store: SqliteStore) -> dict[str, Any]:
    """Everything that is counted."""
    questions = sorted(await store.questions("talk"), key=lambda one: one.id)
    counted = [
        (q.id, q.status, q.people, q.askers, q.votes, q.messages, q.chats, q.first_at, q.last_at) for q in questions
    ]
    polls = [(poll.people, poll.counts, [text.people for text in poll.texts]) for poll in await store.polls("talk")]
    heard = [
        sorted(one.heard for one in reach(q.state, await store.asked(q.id), await store.answering("talk"), CHATS))
        for q in questions
    ]
    report = json.loads((await reporting(store).session("talk", ReportWish("json")))[0])
    return {
        "questions": counted,
        "polls": polls,
        "pulse": await store.pulse("talk", 0.0),
        "heard": heard,
        **numbers(report),
    }


def numbers(report: Any, at: str = "") -> dict[str, Any]:
    """Every number of a report, by where it stands; texts and names are not figures."""
    if isinstance(report, dict):
        return {k: v for key, one in report.items() for k, v in numbers(one, f"{at}.{key}").items()}
    if isinstance(report, list):
        return {k: v for n, one in enumerate(report) for k, v in numbers(one, f"{at}.{n}").items()}
    return {at: report} if isinstance(report, int | float) else {}


def reporting(store: SqliteStore) -> Reporting:
    return Reporting(store, {}, lambda: 10_000.0)


def left(path: Path, *more: str) -> set[str]:
    """Which of what was hers is still in the files of the database."""
    stored = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    return {one for one in (*HERS, *more) if one.encode() in stored}


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return tmp_path / "hall.sqlite3"


@pytest.fixture
async def full(path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(path)
    await store.save_session(OLD)
    await evening(store)
    yield store
    await store.close()


@pytest.fixture
async def bare(path: Path) -> AsyncIterator[SqliteStore]:
    """With a session, and nothing in it."""
    store = await open_store(path)
    await store.save_session(OLD)
    yield store
    await store.close()


async def test_who_is_forgotten_is_a_number_and_nothing_else(full: SqliteStore, path: Path) -> None:
    """No byte of her is left in the database or its log, while the store is open; not one figure moved; what Bob said
    stands."""
    assert left(path) == set(HERS)
    before = await figures(full)
    done = await full.forget(ON_PAGE, Actor("o", "Olga"), 500.0)
    assert (done.persons, done.messages) == (2, 3)
    assert left(path) == set()
    assert await figures(full) == before
    (heard,) = await full.proposals("talk")
    assert [one.asked for one in (heard.passage, *heard.others)] == ["", "Where are the slides?", ""]
    assert {m.author_name for m, _ in await full.placements("talk")} == {"", "Bob Bright"}
    assert (await full.known(ON_PAGE)).anything is False
    deed = (await full.deeds())[0]
    assert (deed.who, deed.what, deed.whom) == ("Olga", "forget", "")


@pytest.mark.parametrize("taken_out", [False, True], ids=["asked", "taken out"])
async def test_a_question_in_her_words_gets_those_of_another_asker(full: SqliteStore, taken_out: bool) -> None:
    """Whoever else asked it gives the title, also where a moderator said that her wording asks nothing; where nobody
    did it says that it was removed; and undo still works on what was done to it."""
    if taken_out:
        (hers,) = [one.message.id for one in await full.asked("q1") if one.message.author == ANN.id]
        await Desk(full, lambda _: None, lambda: 400.0).not_asking("Li", "q1", [hers])
    revision = max(q.revision for q in await full.questions("talk"))
    await full.forget(ON_PAGE, None, 500.0)
    titles = {q.id: (q.title, q.state.original) for q in await full.questions("talk")}
    assert titles["q1"] == ("Where are the slides?", "Where are the slides?")
    assert titles["q3"] == (REMOVED, REMOVED)
    assert {q.id for q in await full.questions("talk", revision)} >= {"q3"}
    answered = next(one for one in await full.actions("talk") if one.change.what == "answer")
    undone = await Desk(full, lambda _: None, lambda: 600.0).undo("Li", "talk", answered.id)
    assert undone.change.undoes == answered.id


async def test_nothing_is_ever_sent_to_who_was_forgotten(full: SqliteStore) -> None:
    """A correction goes to those who are still known, and no announcement to her chat."""
    await full.forget(ON_PAGE, None, 500.0)
    await Desk(full, lambda _: None, lambda: 600.0, replying=lambda: CHATS).answer("Li", "q1", "On the page.")
    due = await full.due(10_000.0)
    assert {one.address.chat for one in due} == {"bob"}
    assert not any(chat.chat.startswith(GONE) for chat in await full.chats("talk"))


async def test_old_evenings_forget_everybody_and_keep_their_figures(full: SqliteStore, path: Path) -> None:
    """Names, ids and addresses go, and texts that founded nothing; questions, answers and figures stay; an evening on
    which something was said since is left alone."""
    await full.save_session(Session("later", "Later"))
    await ask(full, "q9", "carl", session="later", author_name="Carl", text="New?", at=9_000.0)
    before, titles = await figures(full), {q.title for q in await full.questions("talk")}
    assert (await full.forget_before(50.0)).messages == 0
    done = await full.forget_before(5_000.0)
    assert (done.persons, done.messages) == (3, 5)
    assert await figures(full) == before
    assert left(path) <= {"zucchini", "Zucchini"}
    assert {m.author_name for m, _ in await full.placements("talk")} == {""}
    assert {m.author_name for m, _ in await full.placements("later")} == {"Carl"}
    assert {q.title for q in await full.questions("talk")} == titles
    stored = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert b"Bob Bright" not in stored
    assert b"Where are the slides?" not in stored
    assert (await full.forget_before(5_000.0)).messages == 0


async def test_old_evenings_are_forgotten_one_after_the_other(
    bare: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in a transaction of its own, so that nobody waits for all of them; what a crash leaves out the next run
    forgets, and who was at several of those it forgets together stays one person there."""
    for session in ("talk", "later", "last"):
        await ask(bare, f"q-{session}", ANN.id, session=session, text=f"In {session}?", author_name=ANN.name)
    evening = forgetting.forget_evening

    def until_the_second(db: Database, session: str, *arguments: Any) -> int:
        if session != min("talk", "later", "last"):
            raise StoreError("the disk is full")
        return evening(db, session, *arguments)

    monkeypatch.setattr(forgetting, "forget_evening", until_the_second)
    with pytest.raises(StoreError, match="full"):
        await bare.forget_before(5_000.0)
    monkeypatch.undo()
    assert len((await bare.known(ANN)).messages) == 2
    assert await bare.forget_before(5_000.0) == Forgotten(1, 2)
    names = [{m.author for m, _ in await bare.placements(session)} for session in ("last", "later", "talk")]
    assert names[1] == names[2] != names[0]


async def test_what_is_known_of_a_person_is_all_that_is_theirs(full: SqliteStore) -> None:
    """Every message with what became of it, votes, votes in polls, moods, what they were told, and who is linked; and
    nothing of anybody else."""
    known = await full.known(ON_PAGE)
    assert {one.id for one in known.persons} == {ANN.id, ON_PAGE.id}
    assert [one["text"] for one in known.messages] == [
        "Do zucchini slides exist?", "Zucchini recorded?", "zucchini on the page?",
    ]  # fmt: skip
    assert known.messages[0]["answer"] == "In the course folder."
    assert len(known.votes) == len(known.pulse) == 1
    assert len(known.poll_votes) == 2
    assert any("In the course folder." in one["text"] for one in known.told)
    assert "Bob" not in str(known.messages) + str(known.votes) + str(known.poll_votes)
    assert [one[0].id for one in await full.whoever("zweig")] == [ANN.id]


@pytest.mark.parametrize("format", ["html", "md", "csv", "json", "xlsx"])
async def test_no_report_tells_the_id_of_anybody(full: SqliteStore, format: str) -> None:
    """Who is anonymous on the page stays so in every file; without names the names are left out as well."""
    for names in (True, False):
        body, _ = await reporting(full).session("talk", ReportWish(format, names=names))
        if format == "xlsx":
            with zipfile.ZipFile(io.BytesIO(body)) as packed:
                body = b"".join(packed.read(name) for name in packed.namelist())
        assert ON_PAGE.id.encode() not in body
        assert ANN.id.encode() not in body
        assert names or (b"Zweig" not in body and b"Bob Bright" not in body)


async def test_no_log_tells_who_somebody_is_or_what_they_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the level of debugging, over a whole evening, sending included: no name, no id, no word of theirs."""
    caplog.set_level(logging.DEBUG)
    store = await open_store(path)
    await store.save_session(OLD)
    await evening(store)
    await store.deliver([replace(one, key=f"{one.key}:again") for one in await store.answering("talk")])
    chat = Chat("telegram", abilities=Abilities(reply=True, rate=1000.0, chat_rate=1000.0, group_rate=1000.0))
    outbox = asyncio.create_task(Outbox(store, {"telegram": chat}, lambda: 10_000.0).run())
    async with asyncio.timeout(10):
        while await store.due(10_000.0):  # noqa: ASYNC110 (a look)
            await asyncio.sleep(0.01)
    outbox.cancel()
    await asyncio.gather(outbox, return_exceptions=True)
    await store.forget(ON_PAGE, None, 500.0)
    await store.close()
    assert {one for one in HERS if one in caplog.text} == set()


def test_the_page_for_people_says_moods_and_outcomes_in_their_language() -> None:
    """In Chinese as the pages call them; the file for programs keeps the names that the interface has."""
    known = Known((), pulse=({"mood": "great"},), told=({"text": "From noon.", "state": "sent"},))
    page = to_html(known, "zh")
    for said in ("讲得好", "已发送", "不再主动通知您：否"):
        assert said in page
    assert '<td dir="auto">sent</td>' in to_html(known, "en")
    assert json.loads(to_json(known))["pulse"] == [{"mood": "great"}]


async def test_the_commands_forget_and_export(tmp_path: Path) -> None:
    """`export` hands over what is known as JSON and as a page in the reader's language, in which no markup of theirs
    runs; `forget` forgets; each says so where nothing is known."""
    settings = Settings(data=tmp_path)
    store = await open_store(settings.database)
    await store.save_session(OLD)
    await ask(store, "q1", "u<1>", text="<script>alert(1)</script>?", author_name="Zoë")
    await store.close()
    told = json.loads(await export(settings, "telegram:u<1>", "json", "en", lambda: 1.0))
    assert told["messages"][0]["text"] == "<script>alert(1)</script>?"
    page = await export(settings, "telegram:u<1>", "html", "zh", lambda: 1.0)
    assert "<script>" not in page
    assert "我们保存的关于您的数据" in page
    done = await forget(settings, "telegram:u<1>", None, lambda: 1.0)
    assert done.messages == 1
    for again in (
        forget(settings, "telegram:u<1>", None, lambda: 1.0),
        export(settings, "web:x", "json", "en", time.time),
    ):
        with pytest.raises(NotFound, match="nothing is kept"):
            await again
    with pytest.raises(BadInput, match="SOURCE:ID"):
        await forget(settings, "Zoë", None, lambda: 1.0)


async def test_who_only_said_stop_or_linked_themselves_is_forgotten_by_the_command(tmp_path: Path) -> None:
    """Who asked and voted nothing is known all the same: by what they were told, or by the link alone."""
    settings = Settings(data=tmp_path)
    store = await open_store(settings.database)
    await store.save_session(OLD)
    stop = message(1, "stop", ANN.id, author_name=ANN.name, chat="56789")
    said = [opt_reply(stop, on, "en") for on in (False, True)]
    await store.deliver([one for one in said if one])
    await store.offer_link("code", ON_PAGE, 900.0)
    await store.link("code", Person("bilibili", "889900112", "Zweig"), 100.0)
    await store.close()
    assert left(settings.database, "889900112") == {ANN.id, "56789", "889900112", "Zweig", ON_PAGE.id}
    for person in (f"telegram:{ANN.id}", "bilibili:889900112", f"web:{ON_PAGE.id}"):
        assert json.loads(await export(settings, person, "json", "en", lambda: 1.0))["linked"] == ("tele" not in person)
        await forget(settings, person, None, lambda: 1.0)
    assert left(settings.database, "889900112") == set()


async def test_the_hall_forgets_by_itself_what_is_old_enough(full: SqliteStore) -> None:
    """With a setting of days, at the start and from then on daily; without one never."""
    await forget_daily(full, 0, lambda: 20 * DAY)
    assert "Bob Bright" in {m.author_name for m, _ in await full.placements("talk")}
    daily = asyncio.create_task(forget_daily(full, 10, lambda: 20 * DAY))
    async with asyncio.timeout(10):
        while {m.author_name for m, _ in await full.placements("talk")} != {""}:  # noqa: ASYNC110 (a look)
            await asyncio.sleep(0.01)
    daily.cancel()


@pytest.mark.parametrize("ran_before", [True, False])
async def test_a_clock_that_is_far_ahead_forgets_nobody_until_somebody_could_see_it(
    full: SqliteStore, ran_before: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at the start and not within a day of it, whatever is said meanwhile; it is told each time. Put right, it is
    as if nothing had been: what is old enough by then is forgotten at once, and nothing else."""
    if ran_before:
        await forget_old(full, 30, lambda: 20 * DAY)
    for ahead in (385 * DAY, 385.9 * DAY):
        await forget_old(full, 30, lambda: ahead)  # noqa: B023 (awaited here)
        await full.receive([message(7, "Now?", "carl", at=ahead, session="later")])
        assert "days went by" in caplog.messages[-1]
        assert "not forgotten before 19" in caplog.messages[-1]
    await forget_old(full, 30, lambda: 21 * DAY)
    assert {m.author_name for m, _ in await full.placements("talk")} == {"Anneliese Zweig", "", "Bob Bright"}
    await forget_old(full, 30, lambda: 31 * DAY)
    assert {m.author_name for m, _ in await full.placements("talk")} == {""}


async def test_a_program_that_was_off_for_a_year_forgets_after_a_day(full: SqliteStore) -> None:
    """Also where it runs for an evening only, each week: the day goes by all the same."""
    for at, names in ((385.0, 3), (385.5, 3), (392.0, 1)):
        await forget_old(full, 30, lambda: at * DAY)  # noqa: B023 (awaited here)
        assert len({m.author_name for m, _ in await full.placements("talk")}) == names


async def group_answered(store: SqliteStore, *, others: bool = True) -> Desk:
    """Ann asks something in a group, Bob the same; an expert answers them both in one message, which waits."""
    await ask_one(store, "q5", message(1, "Zucchini forever?", ANN.id, author_name=ANN.name, external_id="hers-75",
        chat="-100", private=False))  # fmt: skip
    if others:
        await ask(store, "q5", "bob", text="For ever?", author_name="Bob Bright", chat="-100", private=False)
    desk = Desk(store, lambda _: None, lambda: 200.0, replying=lambda: CHATS)
    await desk.answer("Li", "q5", "Yes.")
    return desk


async def test_a_group_still_hears_the_answer_that_waited_for_whoever_asked_first(bare: SqliteStore) -> None:
    """Who else asked there hears it, without a word of hers; taking the answer back still stops it. Where nobody else
    asked, nobody waits for it."""
    desk = await group_answered(bare)
    await bare.forget(ANN, None, 300.0)
    (waits,) = await bare.due(1e9)
    assert (waits.address.chat, waits.address.private) == ("-100", False)
    assert not any(one in str(waits) for one in HERS)
    assert "Bob Bright" in waits.text
    assert "Yes." in waits.text
    await desk.undo("Li", "talk")
    assert await bare.due(1e9) == []
    await bare.forget(Person("telegram", "bob"), None, 300.0)
    await group_answered(bare, others=False)
    await bare.forget(ANN, None, 300.0)
    assert await bare.due(1e9) == []


async def test_nobody_is_told_what_all_who_waited_for_it_took_along(bare: SqliteStore) -> None:
    """The group hears it while one of them is there, and nothing once the last one is forgotten."""
    await group_answered(bare)
    await bare.forget(ANN, None, 300.0)
    assert len(await bare.due(1e9)) == 1
    await bare.forget(Person("telegram", "bob"), None, 301.0)
    assert await bare.due(1e9) == []


async def late(store: SqliteStore, user: str, id: str) -> None:
    """Somebody asks in the group what is answered there, and their own answer waits."""
    address = Address("telegram", "-100", id, user, private=False)
    one = await ask(store, "q5", user, author_name=user, external_id=id, address=address)
    said = late_answer(OLD, (await store.question("q5")).state, one, 250.0)
    assert said
    await store.deliver([said])


async def test_who_was_told_waits_for_no_late_answer(bare: SqliteStore) -> None:
    """Neither who heard the answer before she asked, nor who asked after her and is told in a message of their own."""
    await ask(bare, "q5", "bob", author_name="Bob Bright", chat="-100", private=False)
    await Desk(bare, lambda _: None, lambda: 200.0, replying=lambda: CHATS).answer("Li", "q5", "Yes.")
    (heard,) = await bare.due(1e9)
    await bare.settle(replace(heard, state="sent", sent_id="s1"))
    await late(bare, ANN.id, "hers-7")
    await late(bare, "carl", "c8")
    await bare.forget(ANN, None, 300.0)
    assert [one.address.user for one in await bare.due(1e9)] == ["carl"]


async def test_a_late_answer_still_reaches_who_is_told_with_her(bare: SqliteStore) -> None:
    """Whose questions were merged into one that was answered hear it together: she is the first of them."""
    await ask(bare, "q5", "bob", author_name="Bob Bright", chat="-100", private=False)
    desk = Desk(bare, lambda _: None, lambda: 200.0, replying=lambda: CHATS)
    await desk.answer("Li", "q5", "Yes.")
    (heard,) = await bare.due(1e9)
    await bare.settle(replace(heard, state="sent", sent_id="s1"))
    for user in (ANN.id, "carl"):
        await ask(bare, "q6", user, text=f"And {user}?", author_name=user, chat="-100", private=False)
    await desk.merge("Mo", ["q6"], "q5")
    await bare.forget(ANN, None, 300.0)
    (waits,) = await bare.due(1e9)
    assert "carl" in waits.text
    assert ANN.id not in str(waits)
    await bare.forget(Person("telegram", "carl"), None, 301.0)
    assert await bare.due(1e9) == []


async def test_an_answer_that_failed_is_tried_again_in_words(bare: SqliteStore) -> None:
    """What a group could not be told, and whose first asker was forgotten since, is worded anew for the others; an
    empty message is never sent."""
    desk = await group_answered(bare)
    (waits,) = await bare.due(1e9)
    await bare.settle(replace(waits, state="failed", error="kicked out"))
    await bare.forget(ANN, None, 300.0)
    await desk.tell_again("Mo", "q5")
    (again,) = await bare.due(1e9)
    assert "Bob Bright" in again.text
    assert "Yes." in again.text


async def test_a_number_that_somebody_wrote_is_no_option(bare: SqliteStore, path: Path) -> None:
    """Digits as an open answer, in a poll or a survey, are her words and go; the number of an option stays."""
    one, open_ = (PollState(f"p{n}", "talk", kind, "?", ("a", "b"), status=PollStatus.OPEN, round=1)
        for n, kind in enumerate((PollKind.SINGLE, PollKind.OPEN)))  # fmt: skip
    await bare.apply(Change("talk", 120.0, "Mo", "poll_make", polls=((None, one), (None, open_))))
    items = (replace(one, id="survey-1"), replace(open_, id="survey-2"))
    survey = SurveyState("talk", "How was it?", items, status=PollStatus.OPEN, opened_at=120.0, closes_at=900.0)
    await bare.apply(Change("talk", 121.0, "Mo", "survey_make", surveys=((None, survey),)))
    await bare.vote_poll(PollVote("p0", ANN, ("2",)))
    await bare.vote_poll(PollVote("p1", ANN, ("13800138000",)))
    await bare.answer_survey("talk", PollVote("survey-1", ANN, ("1",)))
    await bare.answer_survey("talk", PollVote("survey-2", ANN, ("13800138001",)))
    await bare.forget(ANN, None, 500.0)
    assert left(path, "1380013800") == set()
    assert [poll.counts for poll in await bare.polls("talk")] == [{2: 1}, {}]
    assert [poll.people for poll in await bare.survey_results("talk")] == [1, 1]


async def test_her_words_leave_a_cloud_and_what_was_told_of_it(bare: SqliteStore, path: Path) -> None:
    """Of somebody who only voted: a word that staff hid, what chats were told that came of the poll, and the ledger of
    both. What is hidden stays so, Bob's words stand, and undo still works."""
    await ask(bare, "q1", "bob", author_name="Bob Bright", chat="-100", private=False)
    cloud = PollState("p1", "talk", PollKind.WORDS, "How?", most=3, status=PollStatus.OPEN, round=1)
    await bare.apply(Change("talk", 120.0, "Mo", "poll_make", polls=((None, cloud),)))
    await bare.vote_poll(PollVote("p1", ON_PAGE, ("Zucchini", "56789", "fast")))
    await bare.vote_poll(PollVote("p1", Person("telegram", "bob"), ("fast", "less")))
    polls = Polls(bare, lambda *_: None, lambda: 200.0, replying=lambda: CHATS)
    await polls.mute("Mo", "talk", "p1", "zucchini")
    closed = await polls.close("Mo", "talk", "p1")
    (told,) = await bare.due(1e9)
    assert "56789 × 1" in told.text
    await polls.start("Mo", "talk", "p1")
    assert left(path) == {ON_PAGE.id, "Zucchini", "zucchini", "56789"}
    await bare.forget(ON_PAGE, None, 500.0)
    assert left(path) == set()
    told = next(one for one in await bare.due(1e9) if ":result:" in one.key)
    assert "fast × 2, [removed] × 1, less × 1" in told.text
    now = await bare.poll("p1")
    assert [text.text for text in now.texts if text.key in now.state.muted] == [REMOVED]
    desk = Desk(bare, lambda _: None, lambda: 600.0)
    await desk.undo("Mo", "talk")
    await desk.undo("Mo", "talk", closed.id)
    assert not any(":result:" in one.key for one in await bare.due(1e9))


async def test_what_is_hidden_of_one_who_is_forgotten_hides_nothing_of_another(bare: SqliteStore) -> None:
    """A word of Yve's that staff hid stays hidden, and Ann's counts and is shown without its words, also where both are
    forgotten."""
    cloud = PollState("p1", "talk", PollKind.WORDS, "How?", most=3, status=PollStatus.OPEN, round=1)
    await bare.apply(Change("talk", 120.0, "Mo", "poll_make", polls=((None, cloud),)))
    yve = Person("telegram", "yve")
    await bare.vote_poll(PollVote("p1", yve, ("rude",)))
    await bare.vote_poll(PollVote("p1", ANN, ("zucchini",)))
    await Polls(bare, lambda *_: None, lambda: 200.0).mute("Mo", "talk", "p1", "rude")
    await bare.forget(yve, None, 500.0)
    await bare.forget(ANN, None, 501.0)
    now = await bare.poll("p1")
    assert [(one.text, one.people, one.key in now.state.muted) for one in now.texts] == [
        (REMOVED, 1, True),
        (REMOVED, 1, False),
    ]


async def wrote(path: Path, count: int) -> float:
    """Seconds of the processor's until somebody is forgotten who asked so many questions, each told to a group and
    answered."""
    store = await open_store(path)
    await store.save_session(OLD)
    texts = [f"How is zucchini {n} done?" for n in range(count)]
    await store.receive([message(n, text, ANN.id, author_name=ANN.name) for n, text in enumerate(texts)])
    new = [(one, state(f"q{one.id}", title=one.text)) for one, _ in await store.placements("talk")]
    placed = [Placed(Placement(one.id, True, 0.9, founds.id), VECTOR, founds) for one, founds in new]
    await store.place("talk", placed)
    given = Answer("So.", "Li", 200.0)
    answered = [(one, replace(one, status=Status.ANSWERED, answer=given)) for _, one in new]
    await store.apply(Change("talk", 200.0, "Li", "answer", tuple(answered)))
    group = Address("telegram", "-100", private=False)
    said = [(f"answer:{one.id}:telegram:-100", f"{ANN.name} asked: “{one.title}”\n\nSo.") for _, one in new]
    await store.deliver([Delivery(key, "talk", group, text) for key, text in said])
    began = time.process_time()
    await store.forget(ANN, None, 300.0)
    took = time.process_time() - began
    assert {one.text for one in await store.answering("talk")} == {f"{REMOVED} asked: “{REMOVED}”\n\nSo."}
    await store.close()
    return took


def test_what_was_cut_is_found_among_thousands_that_begin_alike() -> None:
    """In hardly more time than among a few: each place is looked up, not held against each of the texts."""

    def seconds(many: int) -> float:
        texts = [
            f"请问主持人老师，第{n}路网关的历史数据能保留多久，能不能导出来给我们的老系统用？" for n in range(many)
        ]
        scrubbing = Scrubbing(ANN, "gone", texts, [])
        said = [f"1. {text[:39]}…\n2. 请问主持人老师，{'别的问题' * 9}…" for text in texts[:: many // 200]]
        began = time.perf_counter()
        assert all(scrubbing.text(one).startswith(f"1. {REMOVED}\n2. 请问主持人老师") for one in said)
        return (time.perf_counter() - began) / len(said)

    few = min(seconds(400) for _ in range(3))
    assert min(seconds(8000) for _ in range(3)) < 6 * few


async def test_who_wrote_much_is_forgotten_in_little_more_time(tmp_path: Path) -> None:
    """Ten times as many wordings take about ten times as long, not a hundred times."""
    few, many = [await wrote(tmp_path / f"{count}.sqlite3", count) for count in (200, 2000)]
    assert many < 40 * few


async def test_no_entry_for_an_faq_keeps_her_words(bare: SqliteStore, path: Path) -> None:
    """Escaped, or without whom she spoke to, they are hers all the same: they go from what was proposed, decided,
    taken back and written."""
    texts = {"q1": "Who_is the #1 zucchini?", "q2": "@Li Do zucchini [slides] exist?", "q3": "Zucchini?"}
    stages = dict(zip(texts, (PromotionStage.ACCEPTED, PromotionStage.PROPOSED, PromotionStage.PROPOSED), strict=True))
    for id, text in texts.items():
        await ask_one(bare, id, message(1, text, ANN.id, author_name=ANN.name, chat="56789", external_id=id))
        await ask(bare, id, "bob", text=f"And slide {id}?")
        answered = state(id, Status.ANSWERED, title=text, answer=Answer("So.", "Li", 200.0))
        await bare.apply(Change("talk", 200.0, "Li", "answer", (((await bare.question(id)).state, answered),)))
        entry = entry_of(answered, await bare.asked(id), Course((), (), ()), "en")
        written = entry if stages[id] is PromotionStage.ACCEPTED else ""
        kept = Promotion(id, "talk", stages[id], entry, 200.0, 200.0, written=written)
        await bare.keep_promotion(None, kept if id == "q2" else replace(kept, decided_at=210.0, decided_by="Olga"))
    assert "ucchini" in left(path, "ucchini")
    await bare.forget(ANN, None, 500.0)
    assert left(path, "ucchini") == set()
    assert {one.question: one.entry.splitlines()[:2] for one in await bare.promotions("talk")} == {
        "q1": [f"## {REMOVED}", "- also: And slide q1?"],
        "q2": [f"## {REMOVED}", "- also: And slide q2?"],
        "q3": [f"## {REMOVED}", "- also: And slide q3?"],
    }


async def test_old_evenings_leave_no_wording_in_an_entry_for_an_faq(bare: SqliteStore, path: Path) -> None:
    """What founded the question stays its heading; how others asked it goes from what was proposed and written."""
    await ask(bare, "q1", "bob", text="How is it set up?", founds=state("q1", title="How is it set up?"))
    await ask(bare, "q1", ANN.id, text="@Li Where do I begin with zucchini_1?", author_name=ANN.name)
    await accepted(bare, "Run the installer.")
    assert "zucchini" in left(path)
    await bare.forget_before(5_000.0)
    assert left(path) == set()
    (kept,) = await bare.promotions("talk")
    assert kept.entry.splitlines()[:2] == ["## How is it set up?", f"- also: {REMOVED}"]
    assert (kept.written, kept.answered_at) == (kept.entry, 200.0)


async def test_old_evenings_leave_no_answer_that_waits_for_nobody(bare: SqliteStore, path: Path) -> None:
    """A group whose first asker was forgotten before waits for the others, and for nothing once the evening is
    forgotten; what waits for a group as a whole loses the wordings of its audience."""
    await group_answered(bare)
    await bare.forget(ANN, None, 300.0)
    assert len(await bare.due(1e9)) == 1
    await ask(bare, "q5", "bob", text="And with slides?", author_name="Bob Bright", chat="-100", private=False)
    group = Address("telegram", "-200", private=False)
    await bare.deliver([Delivery("digest:talk", "talk", group, "Open:\nBob Bright asked: “And with slides?”")])
    await bare.forget_before(5_000.0)
    assert [one.text for one in await bare.due(1e9)] == [f"Open:\n{REMOVED} asked: “{REMOVED}”"]
    await bare.close()
    assert left(path, "Bob Bright", "And with slides?") == set()


async def test_old_evenings_leave_no_address_of_who_wrote_elsewhere(bare: SqliteStore, path: Path) -> None:
    """Somebody who wrote on another evening was told something on this one, and somebody only typed "stop", which is no
    message: nothing says who they are, and the staff's chat stays."""
    await ask(bare, "q1", "bob", text="How do I reset it?", founds=state("q1", title="How do I reset it?"))
    staff = Address("telegram", "-200", private=False)
    await bare.deliver(
        [
            Delivery("missed:q9:telegram:ann-alone", "talk", Address("telegram", "ann-alone", user="ann-1"), "Hello"),
            Delivery(
                "opt:telegram:cat-alone:cat-1:True:1", "talk", Address("telegram", "cat-alone", user="cat-1"), "Bye"
            ),
            Delivery("poll:p1:telegram:dan-alone", "talk", Address("telegram", "dan-alone"), "Vote"),
            Delivery("digest:talk", "talk", staff, "Nothing open"),
        ]
    )
    await bare.opt_out(Person("telegram", "cat-1"), 2.0)
    await bare.forget_before(5_000.0)
    assert (await bare.deliveries("talk"))[-1].address == staff
    await bare.close()
    assert left(path, "ann-alone", "ann-1", "cat-alone", "cat-1", "dan-alone") == set()


async def accepted(store: SqliteStore, answer: str) -> str:
    """What q1 asks and this answer stand in the FAQ; the entry."""
    answered = replace((await store.question("q1")).state, status=Status.ANSWERED, answer=Answer(answer, "Li", 200.0))
    await store.apply(Change("talk", 200.0, "Li", "answer", (((await store.question("q1")).state, answered),)))
    entry = entry_of(answered, await store.asked("q1"), Course((), (), ()), "en")
    kept = Promotion("q1", "talk", PromotionStage.ACCEPTED, entry, 200.0, 200.0, "", entry, 210.0, "Olga")
    await store.keep_promotion(None, kept)
    return entry


async def test_an_entry_keeps_what_another_asked_who_spoke_to_nobody(bare: SqliteStore) -> None:
    """Without whom she spoke to, her words are Bob's, who is not forgotten."""
    await ask(bare, "q1", "bob", text="How do I reset it?", founds=state("q1", title="How do I reset it?"))
    await ask(bare, "q1", ANN.id, text="@Li How do I reset it?")
    entry = await accepted(bare, "Hold the button.")
    await bare.forget(ANN, None, 500.0)
    (kept,) = await bare.promotions("talk")
    assert (kept.entry, kept.written) == (entry, entry)


async def test_long_words_are_gone_wherever_they_were_cut(bare: SqliteStore, path: Path) -> None:
    """Each place cuts what was asked at a length of its own: what is told to staff and to a group, the ledger, and what
    is said after the talk. What begins otherwise stays, also where it was cut."""
    text = f"Where do I find\nthe zucchini {'of last week ' * 60}"
    line = title_of(text)
    founds = state("q1", title=line)
    await ask(bare, "q1", ANN.id, text=text, chat="56789", external_id="hers-7", founds=founds)
    group, others = Address("telegram", "-100", "m1", "", False), f"Where do I find the folder {'of today ' * 9}"[:79]
    cuts = [line, *(f"{line[: most - 1].rstrip()}…" for most in (40, 60, 80, 160)), f"{others}…"]
    said = [Delivery(f"orders:{n}", "talk", group, f"1. {cut} (3)\nAll: a…") for n, cut in enumerate(cuts)]
    await bare.apply(Change("talk", 200.0, "Mo", "tell_again", deliveries=tuple(said)))
    nothing = DutyState("talk", "digest")
    duties = ((nothing, replace(nothing, text=f"Open: {cuts[2]}")),)
    await bare.apply(Change("talk", 201.0, "Mo", "after_time", duties=duties))
    await bare.forget(ANN, None, 500.0)
    assert left(path) == set()
    told = [one.text for one in await bare.deliveries("talk")]
    assert told == [*[f"1. {REMOVED} (3)\nAll: a…"] * 5, f"1. {others}… (3)\nAll: a…"]


@pytest.mark.parametrize(
    "text",
    [
        f"I wonder about… whether the zucchini {'is ripe ' * 20}",
        f"那个……我想问一下zucchini{'的历史数据能保留多久' * 9}",
    ],
)
async def test_words_with_an_ellipsis_of_their_own_are_gone_too(bare: SqliteStore, path: Path, text: str) -> None:
    """Where they were cut at another one. What somebody else says that begins with the same few words stays."""
    await ask(
        bare, "q1", ANN.id, text=text, chat="56789", external_id="hers-7", founds=state("q1", title=title_of(text))
    )
    group = Address("telegram", "-100", "m1", "", False)
    told = [f"Li: {text[:59]}…", f"Bo: {text[:12]}… well", f"Bo: {text[:9]}"]
    said = [Delivery(f"orders:{n}", "talk", group, one) for n, one in enumerate(told)]
    await bare.deliver(said)
    await bare.forget(ANN, None, 500.0)
    assert left(path) == set()
    assert [one.text for one in await bare.deliveries("talk")] == [f"Li: {REMOVED}", *told[1:]]


async def test_an_experts_answer_that_holds_her_words_can_still_be_taken_back(bare: SqliteStore) -> None:
    """What an expert wrote is theirs, whoever asked just that elsewhere: the entry is found in the FAQ as it stands."""
    await ask(bare, "q1", "bob", text="How is it set up?", founds=state("q1", title="How is it set up?"))
    await ask(bare, "q2", ANN.id, text="pip install floormic")
    entry = await accepted(bare, "Run pip install floormic on Linux.")
    await bare.forget(ANN, None, 500.0)
    (kept,) = await bare.promotions("talk")
    assert removed(f"## Is it free?\n\nYes.\n\n{entry}\n", kept.written) == "## Is it free?\n\nYes.\n"


async def test_a_button_leaves_no_other_name_of_hers(bare: SqliteStore, path: Path) -> None:
    """A chat may tell another name with a press than with a message: the ledger has the one that goes with her."""
    sent = CourseMatch("faq.md#slides", 0.9, "sent", "In the folder.")
    await ask_one(bare, "q1", message(1, "Zucchini?", ANN.id, author_name=ANN.name, chat="56789", external_id="hers-7"))
    await ask(bare, "q1", ANN.id, text="Zucchini then?", author_name=ANN.name, answer=sent)
    desk = Desk(bare, lambda _: None, lambda: 200.0)
    await desk.not_answered("talk", "q1", Person(ANN.source, ANN.id, "azweig77"))
    assert (await bare.actions("talk"))[0].change.who == f"telegram:{ANN.name}"
    await bare.forget(ANN, None, 500.0)
    assert left(path, "azweig77") == set()
    assert (await bare.actions("talk"))[0].change.who == f"telegram:{REMOVED}"


async def test_nobody_waits_for_who_was_forgotten(bare: SqliteStore) -> None:
    """Neither an answer that is given then, nor one that was on its way, nor a digest, a survey or an expert's card
    counts them as somebody who has to be reached."""
    for question in ("q1", "q2"):
        await ask(bare, question, ANN.id, author_name=ANN.name, chat="56789", founds=state(question))
    desk = Desk(bare, lambda _: None, lambda: 200.0, replying=lambda: CHATS)
    await desk.answer("Li", "q1", "Yes.")
    await bare.forget(ANN, None, 300.0)
    await desk.answer("Li", "q2", "Yes.")
    for id in ("q1", "q2"):
        asked, said = await bare.asked(id), await bare.answering("talk")
        assert reach((await bare.question(id)).state, asked, said, CHATS) == ()
        assert hearers(asked, CHATS) == Hearers(0, 0)
    assert (await reporting(bare).report("talk", False, "en")).reach == Reach()
    assert await bare.hearings("talk") == []
    assert await bare.silent("talk") == []
    assert [one.chat for one in await bare.askers("talk")] == [None]


@pytest.mark.parametrize(
    ("name", "written"),
    [("Björn Ångström", "ÅNGSTRÖM"), ("BJÖRN ÅNGSTRÖM", "ångström"), ("Ангстрем", "АНГ"), ("Ｚｏë", "ZOË")],
)
async def test_a_name_is_found_in_whatever_capitals(bare: SqliteStore, name: str, written: str) -> None:
    """Of any language, and in any width."""
    await ask(bare, "q1", "u7", author_name=name)
    await ask(bare, "q1", "u8", author_name="Bo")
    assert [one[0].id for one in await bare.whoever(written)] == ["u7"]
    assert await bare.whoever("\u200b") == []


async def test_old_evenings_are_worded_without_their_audience(bare: SqliteStore, path: Path) -> None:
    """Names leave what staff wrote in the place of a digest, also where it was written before; what staff did can still
    be taken back, and a word that begins like a name stays."""
    await ask(bare, "q1", "bob", author_name="Bob Bright")
    await bare.vote("q1", Person("telegram", "u9", "Nettie"), True, 150.0)
    nothing = DutyState("talk", "digest")
    first, second = (
        replace(nothing, text=f"Thanks to Bob Bright, {name}! Bob Brightness.") for name in ("Nettie", "all")
    )
    for before, after in ((nothing, first), (first, second)):
        done = await bare.apply(Change("talk", 200.0, "Mo", "after_word", duties=((before, after),)))
    await bare.forget_before(5_000.0)
    assert left(path, "Bob Bright,", "Nettie") == set()
    assert [one.text for one in await bare.duties("talk")] == [f"Thanks to {REMOVED}, all! Bob Brightness."]
    await Desk(bare, lambda _: None, lambda: 600.0).undo("Mo", "talk", done.id)
    assert [one.text for one in await bare.duties("talk")] == [f"Thanks to {REMOVED}, {REMOVED}! Bob Brightness."]
