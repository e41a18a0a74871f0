"""How commands are understood, and what the bot answers to them."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.commands import (
    NOTHING,
    WORDS,
    Command,
    Said,
    Texts,
    help_text,
    read,
    reply,
    told_choice,
    understood,
    words,
)
from bot.connectors.dingtalk import OWN as DINGTALK
from bot.connectors.intake import OWN as INTAKE
from bot.connectors.slack import OWN as SLACK
from bot.connectors.telegram.words import OWN as TELEGRAM
from bot.connectors.tencent_classroom.classroom import own as lcic
from bot.connectors.wecom.words import OWN as WECOM
from bot.errors import NotFound, StoreError
from bot.fitting import measure
from bot.model import (
    Abilities,
    Address,
    Answer,
    Delivery,
    Message,
    Person,
    PollKind,
    PollState,
    Question,
    QuestionState,
    Status,
    Unit,
)
from tests.fake_floor import FakeFloor, question

FULL = Abilities(reply=True, private=True, edit=True, buttons=True)
BARE = Abilities(reply=True)
GROUP = Address("telegram", "-1001", "9", "11", private=False)
PRIVATE = Address("telegram", "11", "9", "11", private=True)


async def told(
    what: str, floor: FakeFloor, address: Address = PRIVATE, language: str = "en", abilities: Abilities = FULL
) -> Delivery:
    command = Command(what, f"{address.chat}:9", address, Person("telegram", "11", "Ann"))
    return await reply(command, floor, "talk", language, abilities)


def asked(text: str, state: QuestionState | None, chat: str = "11") -> tuple[Message, QuestionState | None]:
    return Message("talk", "telegram", text, "11", "Ann", text, 0.0, Address("telegram", chat)), state


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/questions", "top"),
        (" /Questions ", "top"),
        ("/mine", "mine"),
        ("/mine please", "mine"),
        ("/help", "help"),
        ("/start", "start"),
        ("/排行", "top"),
        ("/ask", "hint"),
        ("/ASK: ", "hint"),
    ],
)
def test_what_begins_with_a_slash_is_a_command_anywhere(text: str, command: str) -> None:
    """In a group as well, without a mention of the bot."""
    assert read(text, addressed=False) == read(text, addressed=True) == Said(command=command)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("排行", "top"),
        ("我的问题。", "mine"),
        ("帮助！", "help"),
        ("幫助", "help"),
        ("提问", "hint"),
        ("Questions", "top"),
        ("my questions", "mine"),
        ("help?", "help"),
        ("/anything else", "help"),
    ],
)
def test_plain_words_are_commands_where_the_bot_is_spoken_to(text: str, command: str) -> None:
    """Said to nobody in particular, they are a line like any other."""
    assert read(text, addressed=True) == Said(command=command)
    assert read(text, addressed=False) == Said(text)


@pytest.mark.parametrize(
    ("text", "addressed", "said"),
    [
        ("/ask why?", False, Said("why?", explicit=True)),
        ("/ask为什么？", False, Said("为什么？", explicit=True)),
        ("/ask two\nlines", False, Said("two\nlines", explicit=True)),
        ("提问：为什么？", True, Said("为什么？", explicit=True)),
        ("提问：为什么？", False, Said("提问：为什么？")),
        ("提问环节几点开始？", True, Said("提问环节几点开始？")),
        ("排行榜在哪里？", True, Said("排行榜在哪里？")),
        ("/askew", False, Said("/askew")),
        ("/etc/fstab 怎么写？", True, Said("/etc/fstab 怎么写？")),
        ("help me with this", True, Said("help me with this")),
        ("/link K7Q2-9MXT", False, Said("link K7Q2-9MXT", explicit=True)),
        ("绑定 K7Q29MXT", False, Said("绑定 K7Q29MXT")),
        ("", True, Said()),
    ],
)
def test_what_is_no_command_stays_what_it_is(text: str, addressed: bool, said: Said) -> None:
    """/ask and 提问 are taken off what is asked, and a code for the web page is for the floor to read."""
    assert read(text, addressed) == said


@given(st.text(alphabet="/ask questionsmine提问排行 ：:\n@。"), st.booleans())
def test_a_text_is_a_command_or_something_said(text: str, addressed: bool) -> None:
    """Never both, and nothing is lost."""
    said = read(text, addressed)
    assert not (said.text and said.command)
    assert said.text or said.command or not text.strip()


def line(text: str, address: Address | None, explicit: bool = False) -> Message:
    return Message("talk", "telegram", "9", "11", "Ann", text, 0.0, address, explicit)


def test_a_line_is_a_message_or_a_command() -> None:
    """A private chat speaks to the bot; where nobody can be answered a command is nothing; other lines can be left."""
    assert understood(line("/mine", GROUP)) == Command("mine", "9", GROUP, Person("telegram", "11", "Ann"))
    assert understood(line("排行", PRIVATE)) == Command("top", "9", PRIVATE, Person("telegram", "11", "Ann"))
    assert understood(line("/mine", None)) is None
    assert understood(line(" ", GROUP, explicit=True)) is None
    assert understood(line("/ask why?", GROUP)) == line("why?", GROUP, explicit=True)
    assert understood(line("why?", GROUP)) == line("why?", GROUP)
    assert understood(line("why?", GROUP), every_message=False) is None
    assert understood(line("why?", GROUP, explicit=True), every_message=False) == line("why?", GROUP, explicit=True)


async def test_the_top_has_a_button_for_each_question() -> None:
    """/questions lists what most people want to know, each with how many, and a button that votes for it."""
    floor = FakeFloor(question("q1", "Why?\nReally?", 8), question("q2", "How?", 2))
    delivery = await told("top", floor, GROUP, "zh")
    assert delivery.text.splitlines()[1:] == ["1. Why? Really?（8 人想知道）", "2. How?（2 人想知道）"]
    assert [(b.act, b.question) for b in delivery.buttons] == [("vote", "q1"), ("vote", "q2")]
    assert (delivery.key, delivery.address) == ("reply:telegram:-1001:9", GROUP)
    assert "Nobody" in (await told("top", FakeFloor())).text
    assert (await told("top", floor, GROUP, abilities=BARE)).buttons == ()


async def test_very_long_titles_fit_into_one_message() -> None:
    """Titles are shortened, so that five of them always fit."""
    floor = FakeFloor(*[question(f"q{n}", "😀 long " * 500) for n in range(9)])
    delivery = await told("top", floor)
    assert measure(delivery.text, Unit.UTF16) < 4096
    assert len(delivery.buttons) == 5


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (None, "received"),
        ({"status": Status.NEW}, "received"),
        ({"status": Status.QUEUED}, "in the queue"),
        ({"status": Status.ON_STAGE}, "being answered on stage"),
        ({"status": Status.ANSWERED, "answer": Answer("Because of it.", "Bo", 1.0)}, "answered: Because of it."),
        ({"status": Status.DISMISSED, "reason": "off topic", "reason_shown": True}, "not taken up: off topic"),
        ({"status": Status.DISMISSED, "reason": "rude"}, "not taken up"),
        ({"status": Status.DISMISSED}, "not taken up"),
        ({"status": Status.MERGED}, "merged with the same question"),
    ],
)
async def test_mine_says_what_became_of_each(state: dict[str, Any] | None, says: str) -> None:
    """/mine names every state a question can have, with the answer, or with the reason where the moderator lets it."""
    floor = FakeFloor()
    known = replace(question("q1").state, **state) if state else None
    floor.asked = [asked("Why?", known)]
    first, second = (await told("mine", floor)).text.splitlines()[1:]
    assert first == "• Why?"
    assert second.strip() == says


async def test_mine_in_a_group_shows_nothing_from_elsewhere() -> None:
    """What somebody asked in private is not read out in a group."""
    floor = FakeFloor()
    floor.asked = [asked("in private", None), asked("in the group", None, "-1001"), asked("elsewhere", None, "-5")]
    text = (await told("mine", floor, GROUP)).text
    assert "in the group" in text
    assert "in private" not in text.replace("write to me in private", "")
    assert "elsewhere" not in text
    assert "in private" in (await told("mine", floor, PRIVATE)).text
    floor.asked = [asked("secret", None)]
    assert "secret" not in (await told("mine", floor, GROUP)).text
    assert "not asked anything" in (await told("mine", FakeFloor(), GROUP)).text


async def test_what_the_floor_refuses_becomes_a_text_but_a_full_disk_is_tried_again() -> None:
    """A vanished session is told to the person; a store that cannot answer now is left to the one who redelivers."""

    class Broken(FakeFloor):
        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

        async def top(self, session: str, limit: int = 5) -> list[Question]:
            raise self.error

    assert "later" in (await told("top", Broken(NotFound("no session")))).text
    with pytest.raises(StoreError):
        await told("top", Broken(StoreError("disk full")))


def test_help_says_what_the_chat_can_do() -> None:
    """Nobody is told of buttons or of private chats where there are none."""
    assert "vote" in help_text("en", FULL)
    assert "In private" in help_text("en", FULL)
    assert "vote" not in help_text("en", BARE)
    assert "private" not in help_text("en", BARE)
    assert "我的问题" in help_text("zh", BARE)


@pytest.mark.parametrize(
    ("language", "told"), [("zh", "已记下您的选择：Redis；Kafka"), ("en", "Your choice counts: Redis; Kafka")]
)
def test_several_choices_are_parted_by_a_mark_of_the_language(language: str, told: str) -> None:
    """Chinese has its own."""
    poll = PollState("p", "talk", PollKind.MULTIPLE, "Which?", options=("Redis", "Kafka"))
    assert told_choice(poll, ["1", "2"], words(language)) == told


@pytest.mark.parametrize("own", [NOTHING, DINGTALK, INTAKE, SLACK, TELEGRAM, WECOM, lcic("Bo"), lcic("")])
def test_both_languages_say_the_same_things(own: Texts) -> None:
    """Every text exists in both languages with the same places to fill in, what only one chat says included."""
    zh, en = words("zh", own), words("en", own)
    assert zh.keys() == en.keys()
    for key in zh:
        assert sorted(re.findall(r"{\w*}", zh[key])) == sorted(re.findall(r"{\w*}", en[key])), key
    assert WORDS["zh"].keys() == WORDS["en"].keys()
