"""The staff's own chat: what stands there, and what its buttons and replies do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from unittest.mock import AsyncMock

import pytest

from bot.accounts import may_be_called
from bot.desk import Desk
from bot.errors import StoreError
from bot.live import Live
from bot.model import Address, Button, CourseMatch, Delivery, Likely, Person, Placed, Placement, Status
from bot.queueing import FOLLOWS
from bot.staffroom import StaffRoom
from bot.staffroom.cards import LISTED, card_sheet, list_sheet
from bot.storage.sqlite import SqliteStore
from tests.bot.values import TALK, message, question, state
from tests.waiting import until

ANN = Person("telegram", "11", "Ann")
STAFF = Address("telegram", "-1009", private=False)
OVERTAKEN = "This has an answer by now"
Ask = Callable[..., Awaitable[str]]


class Clock:
    """The room's; moved by hand."""

    now = 1000.0


@pytest.fixture
def live(store: SqliteStore) -> Live:
    return Live(store, pause=0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def nothing_is(session: str, question: str, messages: Collection[int]) -> Sequence[Likely]:
    """Likely the same as another one."""
    return []


@pytest.fixture
def room(store: SqliteStore, live: Live, clock: Clock) -> StaffRoom:
    desk = Desk(store, live.changed, lambda: 1000.0)
    return StaffRoom("talk", STAFF, store, desk, live, likely=nothing_is, now=lambda: clock.now, pace=0.0)


@pytest.fixture
async def running(room: StaffRoom, store: SqliteStore) -> AsyncIterator[StaffRoom]:
    task = asyncio.create_task(room.run())
    yield room
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def ask(store: SqliteStore, live: Live) -> Ask:
    async def put(text: str, id: str, session: str = "talk", **more: object) -> str:
        n = len(await store.placements(session)) + 1
        await store.receive([replace(message(n, text, f"u{n}"), session=session)])
        (one,) = await store.pending(session, 10)
        founds = replace(state(id, title=text), session=session)
        placement = Placement(one.id, True, 0.9, id, **more)  # type: ignore[arg-type]
        await store.place(session, [Placed(placement, None, founds)])
        live.changed(session)
        return id

    return put


async def said(store: SqliteStore) -> list[Delivery]:
    """What was said in the staff's chat, in order."""
    return [d for d in await store.deliveries("talk") if d.address == STAFF]


async def card(store: SqliteStore, id: str = "q1") -> Delivery:
    return next(d for d in reversed(await said(store)) if f":card:{id}" in d.key)


async def status(store: SqliteStore, id: str = "q1") -> Status:
    return (await store.question(id)).status


async def notice_sent(store: SqliteStore, key: str) -> None:
    """What somebody was told in reply to what they wrote reached the chat."""
    told = Delivery(key, "talk", STAFF, OVERTAKEN)
    await store.deliver([told])
    await store.settle(replace(told, state="sent", sent_id=key))


def acts(buttons: tuple[Button, ...]) -> list[str]:
    return [button.act.removeprefix("staff_") for button in buttons]


# -- what stands there ----------------------------------------------------------------------------------------------


def test_the_list_names_the_most_wanted_first_each_with_its_number() -> None:
    """The text counts what waits; pressing a number names the question, whatever the list shows by then."""
    asked = [question(f"q{n}", people=n, title=f"Question {n}?") for n in range(1, LISTED + 4)]
    text, buttons = list_sheet("A talk", asked, "en")
    assert text.splitlines()[1] == f"Open {LISTED + 3} · on stage 0 · answered 0"
    assert text.splitlines()[3] == f"1. Question {LISTED + 3}? ({LISTED + 3} · new)"
    assert [button.question for button in buttons] == [f"q{n}" for n in range(LISTED + 3, 3, -1)]
    assert [button.label for button in buttons] == [str(n) for n in range(1, LISTED + 1)]


def test_an_empty_list_says_so_in_both_languages() -> None:
    """Nobody wonders whether it works before the first question came."""
    assert list_sheet("T", [], "zh") == ("T\n待处理 0 · 台上 0 · 已回答 0\n\n还没有问题。", ())
    assert list_sheet("T", [], "en")[0].endswith("No questions yet.")


@pytest.mark.parametrize("standing", [s for s in Status if s is not Status.MERGED])
def test_a_card_offers_what_may_follow(standing: Status) -> None:
    """No button leads to a refusal: each act on a card is one that the queue's rules allow from there."""
    leads = {
        "approve": Status.QUEUED,
        "stage": Status.ON_STAGE,
        "unstage": Status.QUEUED,
        "aloud": Status.ANSWERED,
        "dismiss": Status.DISMISSED,
        "reopen": Status.QUEUED,
        "merge": Status.MERGED,
    }
    _, buttons = card_sheet(question("q1", status=standing), {}, {}, "en")
    assert buttons
    for act in acts(buttons):
        assert act == "pin" or leads[act] in FOLLOWS[standing], act


def test_a_card_tells_how_many_have_an_answer_already() -> None:
    """Eight asked and the course answered seven: one wants to know, and seven more are named beside."""
    text, _ = card_sheet(replace(question("q1", 8), waiting=1), {}, {}, "en")
    assert text.startswith("new · 1 want to know (7 more have an answer) · ")
    assert "7" not in card_sheet(replace(question("q1", 8), waiting=8), {}, {}, "en")[0]


def test_what_people_wrote_is_cut_and_never_changes_the_buttons() -> None:
    """A pasted novel with line breaks leaves a card that a phone can show."""
    text, buttons = card_sheet(question("q1", title="a\n" * 5000), {}, {}, "en")
    assert len(text) < 1500
    assert acts(buttons)[:2] == ["approve", "stage"]


# -- what it does ---------------------------------------------------------------------------------------------------


async def test_the_list_is_there_at_once_and_kept_up_to_date(running: StaffRoom, store: SqliteStore, ask: Ask) -> None:
    """One message that is edited, not one for each question."""
    await until(lambda: said(store))
    await ask("Is there a recording?", "q1")
    await until(lambda: _holds(store, "1. Is there a recording?"))
    assert len(await said(store)) == 1


async def _holds(store: SqliteStore, text: str) -> bool:
    return any(text in d.text for d in await said(store))


async def test_a_number_opens_a_card_and_its_buttons_act(room: StaffRoom, store: SqliteStore, ask: Ask) -> None:
    """Approve, stage, answered aloud: done as on the board, under the name of who pressed, and undone."""
    await ask("Is there a recording?", "q1")
    assert await room.pressed("staff_open", "q1", ANN) == "It is below"
    assert acts((await card(store)).buttons) == ["approve", "stage", "aloud", "dismiss", "pin", "merge"]
    assert await room.pressed("staff_approve", "q1", ANN) == "Approved"
    assert await status(store) is Status.QUEUED
    assert await room.pressed("staff_stage", "q1", ANN) == "On stage"
    shown = await card(store)
    assert shown.text.startswith("on stage · 1 want to know")
    (undo,) = [button for button in shown.buttons if button.act == "staff_undo"]
    assert await room.pressed(undo.act, undo.question, ANN) == "Undone"
    assert await status(store) is Status.QUEUED
    assert await room.pressed("staff_aloud", "q1", ANN) == "Answer sent"
    answered = (await store.question("q1")).state.answer
    assert answered is not None
    assert (answered.by, answered.text) == ("Ann · telegram", "This was answered aloud during the talk.")
    assert {a.change.who for a in await store.actions("talk")} == {"Ann · telegram"}


async def test_nobody_in_the_chat_is_the_course_or_an_account(room: StaffRoom, store: SqliteStore, ask: Ask) -> None:
    """Whatever they call themselves there: what somebody called "course" answers is a person's answer, and in the
    ledger stands a name that no account may have."""
    await ask("Is there a recording?", "q1")
    await room.pressed("staff_open", "q1", ANN)
    await room.pressed("staff_aloud", "q1", replace(ANN, name="course"))
    answer = (await store.question("q1")).state.answer
    assert answer is not None
    assert (answer.by, answer.by_itself) == ("course · telegram", False)
    (action,) = await store.actions("talk")
    assert not may_be_called(action.change.who)
    assert await room.pressed("staff_undo", f"q1>{action.id}", replace(ANN, name="")) == "Undone"
    assert {a.change.who for a in await store.actions("talk")} == {"course · telegram", f"{ANN.id} · telegram"}


async def test_a_reply_to_a_card_is_the_answer(room: StaffRoom, store: SqliteStore, ask: Ask) -> None:
    """What is written under a card goes to everyone who asked; under anything else it is only talk."""
    await ask("Is there a recording?", "q1")
    await room.post_list()
    await room.pressed("staff_open", "q1", ANN)
    for n, delivery in enumerate(await said(store)):
        await store.settle(replace(delivery, state="sent", sent_id=str(100 + n)))
    assert await room.said("thanks all", "", ANN, "n") == ""
    assert await room.said("thanks", "55", ANN, "n") == ""
    assert (
        await room.said("Tomorrow?", "100", ANN, "n")
        == "Reply to the card of a question: press its number in the list first."
    )
    assert await status(store) is Status.NEW
    assert await room.said("Tomorrow at noon.", "101", ANN, "n") == ""
    assert await status(store) is Status.ANSWERED
    assert "Answered by Ann · telegram:\nTomorrow at noon." in (await card(store)).text
    assert any("Tomorrow at noon." in d.text and d.address.chat == "u1" for d in await store.deliveries("talk"))


async def test_an_answer_that_is_too_long_says_how_long_it_may_be(
    room: StaffRoom, store: SqliteStore, ask: Ask
) -> None:
    """Nothing is cut in silence."""
    await ask("Is there a recording?", "q1")
    await room.pressed("staff_open", "q1", ANN)
    await store.settle(replace((await said(store))[0], state="sent", sent_id="7"))
    assert "at most 4,000 characters, yours has 5,000" in await room.said("x" * 5000, "7", ANN, "n")
    assert await status(store) is Status.NEW


async def test_a_dismissal_asks_why_and_one_may_think_better_of_it(
    room: StaffRoom, store: SqliteStore, ask: Ask
) -> None:
    """The card turns to the reasons and back; a chosen one is kept with the question."""
    await ask("Who wins tonight?", "q1")
    await room.pressed("staff_open", "q1", ANN)
    await room.pressed("staff_dismiss", "q1", ANN)
    assert acts((await card(store)).buttons) == ["why"] * 5 + ["back"]
    await room.pressed("staff_back", "q1", ANN)
    assert "approve" in acts((await card(store)).buttons)
    assert await room.pressed("staff_why", "q1>topic", ANN) == "Dismissed"
    assert (await store.question("q1")).state.reason == "Off topic"


async def test_questions_are_merged_or_kept_apart(room: StaffRoom, store: SqliteStore, ask: Ask) -> None:
    """A proposed merge is accepted or refused with one press, any other is chosen from the most wanted."""
    await ask("Is there a recording?", "q1")
    await ask("Will it be recorded?", "q2", similarity=0.4, suggested="q1")
    await ask("Are there slides?", "q3")
    await room.pressed("staff_open", "q2", ANN)
    shown = await card(store, "q2")
    assert "May be the same (40% sure): Is there a recording?" in shown.text
    assert [b.question for b in shown.buttons if b.act in {"staff_same", "staff_apart"}] == ["q2>q1", "q2>q1"]
    await room.pressed("staff_apart", "q2>q1", ANN)
    assert "May be the same" not in (await card(store, "q2")).text
    await room.pressed("staff_merge", "q3", ANN)
    await room.pressed("staff_into", "q3>q2", ANN)
    assert (await store.question("q3")).state.merged_into == "q2"
    await ask("Will there be a video?", "q4", similarity=0.4, suggested="q1")
    assert await room.pressed("staff_same", "q4>q1", ANN) == "Merged"
    assert (await store.question("q1")).state.merged_into == "q4"


async def test_the_likeliest_questions_to_merge_into_are_offered_first(
    store: SqliteStore, live: Live, ask: Ask
) -> None:
    """Before those that more people want to know; each once, and none that was merged."""

    async def likely(session: str, question: str, messages: Collection[int]) -> Sequence[Likely]:
        assert (session, question, list(messages)) == ("talk", "q1", [])
        return [Likely("q3", 0.6), Likely("q4", 0.2), Likely("q9", 0.1)]

    desk = Desk(store, live.changed, lambda: 1000.0)
    room = StaffRoom("talk", STAFF, store, desk, live, likely=likely, now=lambda: 1000.0, pace=0.0)
    for n, text in enumerate(("Is there a recording?", "Are there slides?", "Will it be recorded?", "Where is it?"), 1):
        await ask(text, f"q{n}")
    await ask("And slides?", "q2")
    await desk.merge("Ann", ["q4"], "q2")
    await room.pressed("staff_open", "q1", ANN)
    await room.pressed("staff_merge", "q1", ANN)
    assert [b.question for b in (await card(store)).buttons if b.act == "staff_into"] == ["q1>q3", "q1>q2"]


async def test_the_courses_suggestion_is_sent_with_one_press(room: StaffRoom, store: SqliteStore, ask: Ask) -> None:
    """The card shows what would be said and how sure that is."""
    await ask("Is there a recording?", "q1", answer=CourseMatch("faq.md#1", 0.83, "suggested", "Yes, on the page."))
    await room.pressed("staff_open", "q1", ANN)
    assert "83% sure" in (await card(store)).text
    assert await room.pressed("staff_accept", "q1", ANN) == "Course answer sent"
    assert await status(store) is Status.ANSWERED


async def test_a_second_press_tells_that_somebody_was_first(room: StaffRoom, store: SqliteStore, ask: Ask) -> None:
    """Two moderators press the same button: it happens once, and the second one is told."""
    await ask("Is there a recording?", "q1")
    await room.pressed("staff_open", "q1", ANN)
    assert await room.pressed("staff_stage", "q1", ANN) == "On stage"
    assert "Somebody changed it" in await room.pressed("staff_stage", "q1", ANN)
    assert len(await store.actions("talk")) == 1


@pytest.mark.parametrize("about", ["q9", "other1", "", ">", "q1>q9"])
async def test_a_button_reaches_no_other_session(room: StaffRoom, store: SqliteStore, ask: Ask, about: str) -> None:
    """A forged or stale name of a question does nothing."""
    await store.save_session(replace(TALK, id="other"))
    await ask("Is there a recording?", "q1")
    await ask("Elsewhere?", "other1", "other")
    for act in ("open", "stage", "same", "into", "apart", "undo", "nonsense"):
        assert await room.pressed(f"staff_{act}", about, ANN) in {
            "This question is not here any more.",
            "This is not possible now.",
            "On stage",
            "It is below",
        }
    assert await status(store, "other1") is Status.NEW
    assert await store.actions("other") == []


async def test_a_card_follows_what_the_board_does(running: StaffRoom, store: SqliteStore, live: Live, ask: Ask) -> None:
    """Somebody stages it on the board: the open card says so."""
    await ask("Is there a recording?", "q1")
    await running.pressed("staff_open", "q1", ANN)
    await Desk(store, live.changed, lambda: 1000.0).stage("Bob", "q1")

    async def staged() -> bool:
        return (await card(store)).text.startswith("on stage")

    await until(staged)


async def test_after_a_restart_the_same_list_goes_on(room: StaffRoom, store: SqliteStore, live: Live, ask: Ask) -> None:
    """The program that comes back edits the list that stands there."""
    first = asyncio.create_task(room.run())
    await until(lambda: said(store))
    first.cancel()
    await asyncio.wait({first})
    again = StaffRoom(
        "talk",
        STAFF,
        store,
        Desk(store, live.changed, lambda: 2000.0),
        live,
        likely=nothing_is,
        now=lambda: 2000.0,
        pace=0.0,
    )
    task = asyncio.create_task(again.run())
    try:
        await ask("Is there a recording?", "q1")
        await until(lambda: _holds(store, "1. Is there a recording?"))
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert len([d for d in await said(store) if ":list:" in d.key]) == 1


async def test_who_stages_beside_somebody_is_told_what_is_on_stage(
    room: StaffRoom, store: SqliteStore, live: Live, ask: Ask
) -> None:
    """Somebody stages another one on the board: the press in the chat does nothing but show that; pressed again, it
    counts."""
    await ask("Is there a recording?", "q1")
    await ask("Are there slides?", "q2")
    await room.pressed("staff_open", "q1", ANN)
    await Desk(store, live.changed, lambda: 1000.0).stage("Bob", "q2")
    assert "Somebody changed it" in await room.pressed("staff_stage", "q1", ANN)
    assert (await status(store), await status(store, "q2")) == (Status.NEW, Status.ON_STAGE)
    assert "On stage: Are there slides?" in (await card(store)).text
    assert await room.pressed("staff_stage", "q1", ANN) == "On stage"
    assert (await status(store), await status(store, "q2")) == (Status.ON_STAGE, Status.QUEUED)


async def test_an_answer_that_was_given_elsewhere_is_not_overwritten_by_an_old_card(
    room: StaffRoom, store: SqliteStore, live: Live, ask: Ask, clock: Clock
) -> None:
    """An expert answers while somebody in the chat writes, or looks at the card as it was: neither a reply nor a button
    changes that answer; who was told of it and replies again replaces it."""
    suggestion = CourseMatch("faq.md#1", 0.83, "suggested", "On the page.")
    await ask("Is there a recording?", "q1", answer=suggestion)
    await ask("Are there slides?", "q2")
    await room.pressed("staff_open", "q1", ANN)
    await store.settle(replace(await card(store), state="sent", sent_id="7"))
    await Desk(store, live.changed, lambda: 1001.0).answer("Eva", "q1", "Tomorrow.")
    for act in ("approve", "stage", "unstage", "aloud", "accept", "why", "into"):
        about = {"why": "q1>topic", "into": "q1>q2"}.get(act, "q1")
        assert "Somebody changed it" in await room.pressed(f"staff_{act}", about, ANN), act
    assert acts((await card(store)).buttons) == ["reopen"]
    assert OVERTAKEN in await room.said("Never.", "7", ANN, "n1")
    answered = (await store.question("q1")).state
    assert answered.answer is not None
    assert (answered.status, answered.answer.by, answered.answer.text) == (Status.ANSWERED, "Eva", "Tomorrow.")
    assert "Answered by Eva:\nTomorrow." in (await card(store)).text
    await notice_sent(store, "n1")
    clock.now += 60
    assert OVERTAKEN in await room.said("No.", "7", Person("telegram", "12", "Bob"), "n2")
    assert await room.said("Never.", "7", ANN, "n3") == ""
    assert "Answered by Ann · telegram:\nNever." in (await card(store)).text
    assert await room.said("Never, sorry.", "7", ANN, "n4") == "", "who corrects their own answer knows it"
    assert "Never, sorry." in (await card(store)).text


async def test_only_what_is_written_after_the_notice_replaces_the_answer(
    room: StaffRoom, store: SqliteStore, live: Live, ask: Ask, clock: Clock
) -> None:
    """Two replies on their way, one that the platform brings again, and one while the notice could not be sent know
    nothing of the answer: each is refused, until somebody who read the notice replies anew."""
    await ask("Is there a recording?", "q1")
    await room.pressed("staff_open", "q1", ANN)
    await store.settle(replace(await card(store), state="sent", sent_id="7"))
    await Desk(store, live.changed, lambda: 1001.0).answer("Eva", "q1", "Tomorrow.")
    assert OVERTAKEN in await room.said("Never.", "7", ANN, "n1")
    clock.now += 60  # the notice waits all the time
    assert OVERTAKEN in await room.said("I am sure.", "7", ANN, "n2")
    await notice_sent(store, "n2")
    assert OVERTAKEN in await room.said("Quite sure.", "7", ANN, "n3"), "nobody reads and writes as fast"
    clock.now += 60
    for key in ("n1", "n2", "n3"):
        assert OVERTAKEN in await room.said("Brought again.", "7", ANN, key)
    answer = (await store.question("q1")).state.answer
    assert answer is not None
    assert answer.text == "Tomorrow."
    assert await room.said("Never, whatever Eva says.", "7", ANN, "n4") == ""
    assert "Never, whatever Eva says." in (await card(store)).text


async def test_a_refusal_that_could_not_be_told_is_one_when_it_comes_again(
    room: StaffRoom, store: SqliteStore, live: Live, ask: Ask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store fails between the refusal and its notice, and the platform brings the same reply again: it replaces
    nothing."""
    await ask("Is there a recording?", "q1")
    await room.pressed("staff_open", "q1", ANN)
    await store.settle(replace(await card(store), state="sent", sent_id="7"))
    await Desk(store, live.changed, lambda: 1001.0).answer("Eva", "q1", "Tomorrow.")
    with monkeypatch.context() as broken:
        broken.setattr(room, "_deliver", AsyncMock(side_effect=StoreError("the disk is full")))
        with pytest.raises(StoreError):
            await room.said("Never.", "7", ANN, "n1")
    clock.now += 60
    assert OVERTAKEN in await room.said("Never.", "7", ANN, "n1")
    answer = (await store.question("q1")).state.answer
    assert answer is not None
    assert answer.text == "Tomorrow."
