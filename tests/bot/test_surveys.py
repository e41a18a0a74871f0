"""What staff, people and the clock do with surveys, over a real store and the real floor."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path

import pytest

from bot.app.floor import Unwatched
from bot.desk import Desk
from bot.errors import Conflict, NotAllowed
from bot.model import Address, Delivery, Message, Person, Poll, PollKind, PollState, Session, SurveyState, SurveyWhen
from bot.polls import Polls
from bot.quiet import Hours, held_until
from bot.storage.sqlite import SqliteStore, open_store
from bot.surveying import tag
from bot.surveys import ITSELF, Surveys

DAY = 86_400.0
GROUP = Address("telegram", "-7", private=False)


@dataclass
class Room:
    """A floor with its desk, polls and surveys. `time` moves by hand, `night` says whether it is quiet."""

    store: SqliteStore
    time: float = 1000.0
    night: bool = False
    said: int = 0
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = lambda: self.time  # noqa: E731
        replying = lambda: {"telegram", "staff"}  # noqa: E731
        self.surveys = Surveys(
            self.store,
            lambda _, topic: self.told.append(topic),
            now,
            replying=replying,
            staff=lambda chat: chat.chat == "the staff's",
            page=lambda session: f"http://hall/s/{session}/feedback",
            quiet=lambda _: self.night,
        )
        self.polls = Polls(self.store, lambda *_: None, now, replying=replying, also=self.surveys.asks)
        self.desk = Desk(self.store, lambda _: None, now, polls_changed=self.surveys.changed)
        self.floor = Unwatched(
            self.store, self.desk, lambda _: None, lambda: None, polls=self.polls, surveys=self.surveys, now=now
        )

    async def says(self, text: str, who: str = "t1", *, private: bool = True, source: str = "telegram") -> None:
        self.said += 1
        chat = f"chat of {who}" if private else GROUP.chat
        address = Address(source, chat, f"m{self.said}", who, private)
        await self.floor.receive([Message("talk", source, f"m{self.said}", who, who, text, self.time, address)])

    async def chats(self, *who: str) -> None:
        """These people said something in private during the talk."""
        for one in who:
            await self.says("Is there a recording?", one)

    async def results(self) -> list[Poll]:
        return await self.store.survey_results("talk")

    async def deliveries(self, key: str) -> list[Delivery]:
        return [one for one in await self.store.deliveries("talk") if one.key.startswith(key)]

    async def chats_told(self, key: str) -> list[str]:
        return [one.address.chat for one in await self.deliveries(key)]

    async def answered(self) -> int:
        return (await self.store.turnout("talk"))[0]

    async def acts(self) -> list[tuple[str, str]]:
        return [(one.change.who, one.change.what) for one in await self.store.actions("talk")]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    store = await open_store(tmp_path / "hall.db")
    await store.save_session(Session("talk", "A talk", language="en"))
    yield Room(store)
    await store.close()


async def test_every_chat_that_can_be_written_to_hears_of_it_once(room: Room) -> None:
    """Groups and private chats, not the staff's and not those without a way back; the first rating with its buttons and
    the link to the rest. Opened again it is not said again; taken back before it was sent it is not said at all."""
    await room.chats("t1")
    await room.says("When is it?", "t2", private=False)
    await room.says("Hello?", "b1", source="bilibili")
    room.said += 1
    staff = Address("telegram", "the staff's", "m", "s", private=False)
    await room.store.receive([Message("talk", "telegram", "s", "s", "", "hi", 1.0, staff)])
    opened = await room.surveys.open("Ann", "talk")
    assert await room.chats_told("survey:") == ["chat of t1", "-7"]
    (first, _) = await room.deliveries("survey:")
    assert "Just reply with a number from 1 to 5." in first.text
    assert first.text.endswith("http://hall/s/talk/feedback")
    assert [button.label for button in first.buttons] == ["1", "2", "3", "4", "5"]
    assert first.not_before > room.time
    await room.desk.undo("Ann", "talk", opened.id)
    assert {one.state for one in await room.deliveries("survey:")} == {"failed"}
    await room.surveys.open("Ann", "talk")
    for one in await room.deliveries("survey:"):
        assert one.state == "waiting"
        await room.store.settle(replace(one, state="sent", sent_id="1"))
    await room.surveys.close("Ann", "talk")
    await room.surveys.open("Bob", "talk")
    assert [one.state for one in await room.deliveries("survey:")] == ["sent", "sent"]
    assert [what for _, what in await room.acts()][:2] == ["survey_reopen", "survey_close"]


async def test_what_still_waits_is_not_said_after_the_end(room: Room) -> None:
    """A chat that would hear of it in the morning hears nothing where it was closed in the night."""
    await room.chats("t1")
    await room.surveys.open("Ann", "talk")
    await room.surveys.close("Ann", "talk")
    assert [one.state for one in await room.deliveries("survey:")] == ["failed"]


async def test_a_closing_that_is_taken_back_keeps_the_invitations(room: Room) -> None:
    """Closed by a slip in the night: whoever was to hear of the survey in the morning hears of it."""
    await room.chats("t1")
    await room.surveys.open("Ann", "talk")
    waiting = await room.deliveries("survey:")
    await room.surveys.close("Bo", "talk")
    await room.desk.undo("Bo", "talk")
    assert await room.deliveries("survey:") == waiting


async def test_a_number_typed_in_a_group_is_the_rating(room: Room) -> None:
    """Only there where it was asked, and only the number; the last one counts, a question stays a question."""
    await room.says("When is it?", "t2", private=False)
    await room.surveys.open("Ann", "talk")
    await room.says("4", "t3", private=False)
    await room.says("5分", "t3", private=False)
    await room.says("9", "t4", private=False)
    await room.says("5", "b1", source="bilibili", private=False)
    await room.says("Is 5 the best?", "t4", private=False)
    rated, *_ = await room.results()
    assert rated.counts == {5: 1}
    assert await room.deliveries("feedback:") == []
    assert [message.text for message in await room.store.pending("talk", 9)][-3:] == ["9", "5", "Is 5 the best?"]


async def test_in_private_the_items_come_one_after_the_other(room: Room) -> None:
    """Each once, typed or pressed; after the last one thanks. An answer may be changed later."""
    await room.chats("t1")
    await room.surveys.open("Ann", "talk")
    rating, _, missing = [one.state.id for one in await room.results()]
    await room.says("3")
    poll, chosen = await room.floor.press_poll("talk", rating, Person("telegram", "t1"), "4")
    assert (poll.counts, chosen) == ({4: 1}, ("4",))
    (asked,) = await room.deliveries("feedback:")
    assert "What should come next?" in asked.text
    assert "Reply “answer: …”." in asked.text
    await room.says("answer: More Kafka")
    await room.says("answer: Nothing")
    assert await room.chats_told(f"feedback:talk:{missing}") == ["chat of t1"]
    assert "thank you" in (await room.deliveries("feedback:talk:thanks"))[0].text
    await room.says("2")
    results = await room.results()
    assert results[0].counts == {2: 1}
    assert [one.texts[0].text for one in results[1:]] == ["More Kafka", "Nothing"]
    assert len(await room.deliveries("feedback:")) == 3
    await room.says("What is a partition?")
    assert [message.text for message in await room.store.pending("talk", 9)][-1] == "What is a partition?"


async def test_a_poll_that_is_opened_later_has_the_number(room: Room) -> None:
    """Of what is open at the same time the one that was asked last is meant."""
    await room.chats("t1")
    await room.surveys.open("Ann", "talk")
    room.time += 60
    wish = PollState("", "", PollKind.SINGLE, "Which?", ("Redis", "Kafka"))
    made = await room.polls.make("Ann", "talk", wish)
    await room.polls.start("Ann", "talk", made.state.id)
    await room.says("2")
    assert (await room.store.poll(made.state.id)).counts == {2: 1}
    assert await room.answered() == 0
    await room.says("5")
    assert (await room.results())[0].counts == {5: 1}


async def test_it_opens_and_closes_by_itself(room: Room) -> None:
    """When the talk has ended, in the language of the talk; closed after its days. One that a person took back does not
    come again, and who was faster has done it."""
    await room.store.save_session(Session("talk", "A talk", language="zh", ended_at=1000.0, survey=SurveyWhen.AT_END))
    room.time = 1100.0
    await room.surveys.look()
    assert await room.store.survey("talk") is None
    room.time = 1200.0
    await room.surveys.look()
    await room.surveys.look()
    survey = await room.store.survey("talk")
    assert survey is not None
    assert (survey.title, survey.closes_at) == ("今天的讲座怎么样？", 1200.0 + 3 * DAY)
    assert await room.acts() == [(ITSELF, "survey_open")]
    (opened,) = await room.store.actions("talk")
    await room.desk.undo("Ann", "talk", opened.id)
    await room.surveys.look()
    assert await room.store.survey("talk") is None
    await room.surveys.open("Ann", "talk")
    room.time += 3 * DAY
    await room.surveys.look()
    await room.surveys.look()
    assert (await room.acts())[0] == (ITSELF, "survey_close")
    with pytest.raises(Conflict):
        await room.surveys.close("Ann", "talk")


async def test_who_has_not_answered_is_reminded_by_day_and_once(room: Room) -> None:
    """In their private chat, after half of the time; not who answered, and not at night. A program that did not run
    then says it later, but not twice."""
    await room.chats("t1", "t2")
    await room.says("When?", "t3", private=False)
    await room.surveys.open("Ann", "talk")
    room.time += 1.4 * DAY
    await room.surveys.look()
    assert await room.deliveries("survey:talk:remind") == []
    room.time += 0.2 * DAY
    room.night = True
    await room.surveys.look()
    assert await room.deliveries("survey:talk:remind") == []
    await room.says("4", "t1")
    room.night = False
    await room.surveys.look()
    await room.chats("t4")
    await room.surveys.look()
    assert await room.chats_told("survey:talk:remind") == ["chat of t2"]
    assert "stop" in (await room.deliveries("survey:talk:remind"))[0].text


async def test_who_wants_to_hear_nothing_hears_nothing(room: Room) -> None:
    """Neither that it is open nor a reminder, on none of the chats that they linked; a group hears of it as ever."""
    await room.chats("t1", "t2", "t3")
    await room.says("When?", "t1", private=False)
    await room.says("stop", "t1")
    await room.store.offer_link("hash", Person("telegram", "t1"), 9e9)
    await room.store.link("hash", Person("telegram", "t2"), room.time)
    await room.surveys.open("Ann", "talk")
    assert await room.chats_told("survey:") == ["chat of t3", "-7"]
    room.time += 2 * DAY
    await room.surveys.look()
    assert await room.chats_told("survey:talk:remind") == ["chat of t3"]


async def test_only_what_comes_by_itself_waits_for_the_morning(room: Room) -> None:
    """That it is open and reminders are held in the quiet hours; what follows an answer goes at once."""
    night = Hours(0, 24 * 60 - 1, 24 * 60 - 1, UTC)
    await room.chats("t1", "t2")
    await room.surveys.open("Ann", "talk")
    await room.says("4", "t1")
    room.time += 2 * DAY
    await room.surveys.look()
    held = {
        one.key.split(":")[0]: held_until(one, one.not_before, night) > one.not_before
        for one in await room.store.deliveries("talk")
    }
    assert held == {"survey": True, "feedback": False}


async def test_what_staff_does_can_be_taken_back(room: Room) -> None:
    """Making, changing, copying and removing; two who change it at once do not overwrite each other."""
    wish = SurveyState("talk", "How was it?", (PollState("", "", PollKind.OPEN, "Well?"),))
    await room.surveys.save("Ann", wish, tag(None))
    made = await room.store.survey("talk")
    with pytest.raises(Conflict):
        await room.surveys.save("Bob", wish, tag(None))
    await room.surveys.save("Ann", replace(wish, days=9), tag(made))
    await room.desk.undo("Ann", "talk")
    assert await room.store.survey("talk") == made
    await room.store.save_session(Session("other", "Another"))
    await room.surveys.open("Ann", "other")
    await room.surveys.copy("Ann", "talk", "other")
    copied = await room.store.survey("talk")
    assert copied is not None
    assert len(copied.items) == 3
    await room.surveys.remove("Ann", "talk")
    await room.desk.undo("Ann", "talk")
    assert await room.store.survey("talk") == copied
    await room.surveys.open("Ann", "talk")
    with pytest.raises(NotAllowed):
        await room.surveys.remove("Ann", "talk")
    with pytest.raises(NotAllowed):
        await room.surveys.copy("Ann", "talk", "other")
    short = await room.store.survey("talk")
    assert short is not None
    room.time += 2 * DAY
    with pytest.raises(NotAllowed):
        await room.surveys.save("Ann", replace(short, days=1), tag(short))
    assert "survey" in room.told


async def test_undo_takes_no_answers_away(room: Room) -> None:
    """An item that was added and answered stays, and so does a survey that was opened and answered; without answers
    both acts are taken back."""
    opened = await room.surveys.open("Ann", "talk")
    stands = await room.store.survey("talk")
    assert stands is not None
    more = replace(stands, items=(*stands.items, PollState("", "", PollKind.OPEN, "And lunch?")))
    added = await room.surveys.save("Ann", more, tag(stands))
    lunch = (await room.results())[-1].state.id
    await room.surveys.say("talk", lunch, Person("web", "w1"), ["Cold"])
    for act in (added, opened):
        with pytest.raises(Conflict):
            await room.desk.undo("Bo", "talk", act.id)
    assert [text.text for text in (await room.results())[-1].texts] == ["Cold"]
    await room.surveys.answer("talk", lunch, Person("web", "w1"), [])
    await room.desk.undo("Bo", "talk", added.id)
    await room.desk.undo("Bo", "talk", opened.id)
    assert await room.store.survey("talk") is None


async def test_undo_of_an_opening_keeps_what_was_answered(room: Room) -> None:
    """The questionnaire that is ready to use was opened and answered: undo would take it away with its answers."""
    opened = await room.surveys.open("Ann", "talk")
    first = (await room.results())[0].state.id
    await room.surveys.say("talk", first, Person("web", "w1"), ["5"])
    with pytest.raises(Conflict, match="people answered"):
        await room.desk.undo("Bo", "talk", opened.id)
    assert (await room.results())[0].people == 1
