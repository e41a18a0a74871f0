"""Contract of `ports.Surveys`: one survey a session, one answer a human, who answered of whom, and who is reminded."""

from dataclasses import replace

import pytest

from bot.errors import Conflict, NotAllowed, NotFound
from bot.model import (
    Address,
    Change,
    Delivery,
    Message,
    Person,
    PollKind,
    PollState,
    PollStatus,
    PollText,
    PollVote,
    Session,
    SurveyState,
    SurveyWhen,
    Turnout,
)
from bot.ports import Store
from bot.surveying import checked, opened
from bot.surveying.form import asked

WEB = Person("web", "w1")
ANN = Person("telegram", "t1", "Ann")
BOB = Person("telegram", "t2", "Bob")


def survey(session: str = "talk", *, open: bool = True) -> SurveyState:
    items = (
        PollState("", "", PollKind.SCALE, "How was it?", ends=("bad", "good")),
        PollState("", "", PollKind.OPEN, "What next?"),
    )
    made = checked(SurveyState(session, "How was the talk?", items))
    return opened(made, 50.0) if open else made


async def change(store: Store, before: SurveyState | None, after: SurveyState | None) -> None:
    session = next(state.session for state in (before, after) if state)
    await store.apply(Change(session, 1.0, "Ann", "test", surveys=((before, after),)))


async def made(store: Store, *, open: bool = True) -> tuple[SurveyState, str, str]:
    """A survey with the ids of its rating and its text."""
    state = survey(open=open)
    await change(store, None, state)
    return state, state.items[0].id, state.items[1].id


def said(person: Person, id: str, *, private: bool = True, text: str = "hello", chat: str = "") -> Message:
    address = Address(person.source, chat or f"chat of {person.id}", f"m{id}", person.id, private)
    return Message(
        "talk", person.source, id, person.id, person.name, text, 10.0, None if person.source == "web" else address
    )


async def test_a_survey_is_kept_as_it_was_made(store: Store) -> None:
    """Every field; removed and brought back with its answers; of two who change it at once the later is refused."""
    state, rating, _ = await made(store)
    assert await store.survey("talk") == state
    assert await store.surveys() == [state]
    assert await store.survey("other") is None
    await store.answer_survey("talk", PollVote(rating, WEB, ("4",)))
    with pytest.raises(Conflict):
        await change(store, replace(state, title="Another"), None)
    await change(store, state, None)
    assert (await store.survey("talk"), await store.surveys(), await store.survey_results("talk")) == (None, [], [])
    with pytest.raises(NotFound):
        await store.answer_survey("talk", PollVote(rating, WEB, ("4",)))
    await change(store, None, state)
    assert (await store.survey_results("talk"))[0].counts == {4: 1}


async def test_a_survey_that_is_closed_invites_nobody(store: Store) -> None:
    """What waits is given up, and waits again where that is undone; not what failed before, nor another session's."""
    state, _, _ = await made(store)
    chats = ("survey:talk:open:c1", "survey:talk:open:c2", "survey:talk2:open:c1")
    waits, failed, other = (Delivery(key, "talk", Address("telegram", "c"), "How was it?") for key in chats)
    await store.deliver([waits, failed, other])
    await store.settle(replace(failed, state="failed", error="blocked"))
    closed = replace(state, status=PollStatus.CLOSED)
    action = await store.apply(Change("talk", 1.0, "Ann", "survey_close", surveys=((state, closed),)))
    assert await store.due(9.0) == [other]
    await store.apply(Change("talk", 2.0, "Ann", "undo", surveys=((closed, state),), undoes=action.id))
    assert await store.due(9.0) == [waits, other]


async def test_a_setting_says_whether_it_opens_by_itself(store: Store) -> None:
    """Kept with the session."""
    await store.save_session(Session("talk", "T", survey=SurveyWhen.AT_END))
    await store.save_session(Session("other", "T"))
    assert [one.survey for one in await store.sessions()] == [SurveyWhen.AT_END, SurveyWhen.OFF]


async def test_the_last_answer_of_a_human_counts(store: Store) -> None:
    """However often, and on whichever of their linked chats; taken back it is none."""
    state, rating, text = await made(store)
    await store.answer_survey("talk", PollVote(rating, WEB, ("2",)))
    await store.answer_survey("talk", PollVote(rating, WEB, ("4",)))
    await store.answer_survey("talk", PollVote(rating, ANN, ("5",)))
    await store.answer_survey("talk", PollVote(text, ANN, ("Kafka!",)))
    await store.answer_survey("talk", PollVote(text, BOB, ("kafka",)))
    first, second = await store.survey_results("talk")
    assert first.state == asked(state)[0]
    assert (first.people, first.counts) == (2, {4: 1, 5: 1})
    assert second.texts == (PollText("kafka", "Kafka!", 2),)
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", ANN, 50.0)
    assert (await store.survey_results("talk"))[0].counts == {5: 1}
    assert await store.survey_answers_of("talk", WEB) == {rating: ("5",), text: ("Kafka!",)}
    await store.unanswer_survey("talk", rating, WEB)
    assert (await store.survey_results("talk"))[0].people == 0


async def test_only_an_open_survey_takes_answers(store: Store) -> None:
    """Not a draft, not a closed one, and not an item of another session's."""
    state, rating, _ = await made(store, open=False)
    for standing, says in (
        (state, "not been opened"),
        (replace(opened(state, 50.0), status=PollStatus.CLOSED), "closed"),
    ):
        if standing != state:
            await change(store, state, standing)
        with pytest.raises(NotAllowed, match=says):
            await store.answer_survey("talk", PollVote(rating, WEB, ("4",)))
        with pytest.raises(NotAllowed, match=says):
            await store.unanswer_survey("talk", rating, WEB)
    await change(store, None, survey("other"))
    for session, item in (("other", rating), ("talk", "s0"), ("nowhere", rating)):
        with pytest.raises(NotFound):
            await store.answer_survey(session, PollVote(item, WEB, ("4",)))


async def test_what_is_typed_counts_with_its_message_or_not_at_all(store: Store) -> None:
    """A redelivery changes nothing, and the pipeline does not see it; after the survey was closed it is a message."""
    state, rating, _ = await made(store)
    vote = PollVote(rating, ANN, ("4",), "1")
    assert await store.receive([said(ANN, "1", text="4")], votes=[vote]) == 1
    assert await store.receive([said(ANN, "1", text="4")], votes=[vote]) == 0
    assert (await store.survey_results("talk"))[0].counts == {4: 1}
    assert await store.pending("talk", 10) == []
    await change(store, state, replace(state, status=PollStatus.CLOSED))
    await store.receive([said(ANN, "2", text="5")], votes=[replace(vote, choices=("5",), message="2")])
    assert [message.text for message in await store.pending("talk", 10)] == ["5"]


async def test_the_response_rate_counts_those_who_took_part(store: Store) -> None:
    """By chat, whoever asked, voted or said something there; who only answered stands beside. Answering on one chat
    answers for the chats that are linked with it."""
    _, rating, _ = await made(store)
    await store.receive([said(ANN, "1"), said(ANN, "2"), said(BOB, "3")])
    await store.receive([said(WEB, "w")])
    await store.answer_survey("talk", PollVote(rating, WEB, ("4",)))
    await store.answer_survey("talk", PollVote(rating, Person("web", "late"), ("4",)))
    assert await store.turnout("talk") == (2, [Turnout("telegram", 2, 0), Turnout("web", 1, 1, 1)])
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", ANN, 50.0)
    assert await store.turnout("talk") == (2, [Turnout("telegram", 2, 1), Turnout("web", 1, 1, 1)])
    await store.receive([said(BOB, "4", text="5")], votes=[PollVote(rating, BOB, ("5",), "4")])
    assert (await store.turnout("talk"))[1][0] == Turnout("telegram", 2, 2)
    cat = Person("telegram", "t3")
    await store.receive([said(cat, "5", text="5")], votes=[PollVote(rating, cat, ("5",), "5")])
    assert (await store.turnout("talk"))[1][0] == Turnout("telegram", 2, 2, 1)


async def test_only_silent_people_in_private_chats_are_reminded(store: Store) -> None:
    """Once a human; not in groups, not who answered on another chat."""
    _, rating, _ = await made(store)
    away = Person("feishu", "f1")
    group = said(Person("telegram", "t9"), "9", private=False, chat="a group")
    await store.receive([said(ANN, "1"), said(BOB, "2"), said(BOB, "3", chat="again"), said(away, "4"), group])
    assert [chat.chat for chat in await store.silent("talk")] == ["chat of t1", "again", "chat of f1"]
    assert await store.private_chat("talk", BOB) == Address("telegram", "again", user="t2")
    assert await store.private_chat("talk", Person("telegram", "t9")) is None
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", ANN, 50.0)
    await store.answer_survey("talk", PollVote(rating, WEB, ("4",)))
    assert [chat.chat for chat in await store.silent("talk")] == ["again", "chat of f1"]


async def test_who_opted_out_is_not_reminded(store: Store) -> None:
    """Whichever of their linked chats they said so on; back in they are."""
    await made(store)
    await store.receive([said(ANN, "1"), said(BOB, "2")])
    await store.offer_link("hash", WEB, 100.0)
    await store.link("hash", ANN, 50.0)
    await store.opt_out(WEB, 1.0)
    assert [chat.chat for chat in await store.silent("talk")] == ["chat of t2"]
    await store.opt_in(ANN)
    assert len(await store.silent("talk")) == 2


async def test_a_reminder_is_said_once(store: Store) -> None:
    """The same number again says nothing, also to those who came meanwhile; opened again it may be said again."""
    state, _, _ = await made(store)

    def reminder(n: int) -> Delivery:
        return Delivery(f"survey:talk:remind:{n}", "talk", Address("telegram", str(n)), "Well?")

    assert await store.reminded("talk") == 0
    await store.remind("talk", 1, [reminder(1)])
    await store.remind("talk", 1, [reminder(2)])
    assert [one.key for one in await store.deliveries("talk")] == ["survey:talk:remind:1"]
    assert await store.reminded("talk") == 1
    closed = replace(state, status=PollStatus.CLOSED)
    await change(store, state, closed)
    await store.remind("talk", 2, [reminder(2)])  # it was closed while those who are silent were looked for
    assert len(await store.deliveries("talk")) == 1
    await change(store, closed, opened(closed, 5000.0))
    assert await store.reminded("talk") == 0
