"""A room of Tencent Cloud's classroom: hearing it, speaking in it, and what is told when it does not work."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.tencent_classroom import KIND, TencentOptions, classroom
from bot.connectors.tencent_classroom.classroom import ABILITIES, Classroom, Voice
from bot.connectors.tencent_classroom.mapper import Heard, heard, message
from bot.errors import ConnectorError, Refused, SettingsError, TryLater
from bot.fitting import measure
from bot.kinds import Surroundings
from bot.model import Address, Delivery, Message, Unit
from tests.bot.connectors.listening import posted, running
from tests.fake_floor import FakeFloor
from tests.fake_tencent import ACCOUNT, APP, ROOM, SECRET_ID, SECRET_KEY, FakeTencent, cut_off, html, lcic, mute, refuse

AROUND = Surroundings(time.time, "", "zh", lambda _: b"k" * 32)


@pytest.fixture
async def server() -> AsyncIterator[FakeTencent]:
    """Whatever a test is about, no more than 20 calls a second are made."""
    async with FakeTencent() as fake:
        yield fake
    assert fake.violations == []


def answer(text: str, key: str = "k", room: int = ROOM) -> Delivery:
    return Delivery(key, "talk", Address("tencent_classroom", str(room), "101", "u1", private=False), text)


async def why(made: Classroom) -> str:
    """What `run` says of its end."""
    try:
        with pytest.raises(ConnectorError) as caught:
            await made.run(FakeFloor())
        assert "\n" not in str(caught.value)
        assert SECRET_KEY not in str(caught.value)
        return f"{type(caught.value).__name__}: {caught.value}"
    finally:
        await made.close()


async def test_a_message_arrives_with_what_is_known_of_it(server: FakeTencent) -> None:
    """Text, account, time and where to reply; pictures and what the bot said are left out."""
    server.says("u1", "有回放吗")
    server.says(ACCOUNT, "已收到")
    server.says("u2", "x", MessageBody=[{"MessageType": 1, "ImageMessage": "https://x/y.png"}])
    floor = FakeFloor()
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    (only,) = floor.messages
    assert (only.text, only.author, only.external_id, only.explicit) == ("有回放吗", "u1", f"{ROOM}:101", False)
    assert only.address == Address("tencent_classroom", str(ROOM), "101", "u1", private=False)
    assert abs(only.at - time.time()) < 5
    assert floor.heard == ["connected, complete"]
    assert floor.cursors == {"tencent_classroom": f"{ROOM}:103"}


async def test_pages_are_turned_back_to_what_is_known(server: FakeTencent) -> None:
    """After an outage everything between is fetched, oldest first, and nothing beyond what is known."""
    for n in range(95):
        server.says("u1", f"line {n}")
    floor = FakeFloor()
    floor.cursors["tencent_classroom"] = f"{ROOM}:130"
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert floor.texts[-65:] == [f"line {n}" for n in range(30, 95)]
    assert len(floor.texts) < 75
    assert floor.heard[0] == "connected, complete"


async def test_the_first_time_all_that_is_kept_is_heard(server: FakeTencent) -> None:
    """Who starts the program during the class misses nothing that was said before."""
    for n in range(35):
        server.says("u1", f"line {n}")
    floor = FakeFloor()
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert floor.texts == [f"line {n}" for n in range(35)]
    assert floor.heard == ["connected, complete"]


async def test_what_is_gone_for_ever_is_not_called_complete(server: FakeTencent) -> None:
    """After more than seven days the pages end before what is known: that is said."""
    server.says("u1", "new")
    floor = FakeFloor()
    floor.cursors["tencent_classroom"] = f"{ROOM}:7"
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert (floor.texts, floor.heard[0]) == (["new"], "connected")


async def test_a_cursor_of_another_room_is_none(server: FakeTencent) -> None:
    """Numbers count anew in each room."""
    for n in range(15):
        server.says("u1", f"line {n}")
    floor = FakeFloor()
    floor.cursors["tencent_classroom"] = "99:5000"
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert floor.texts == [f"line {n}" for n in range(15)]


async def test_what_follows_at_once_on_what_is_known_leaves_no_gap(server: FakeTencent) -> None:
    """Also where what is known has been deleted meanwhile."""
    server.says("u1", "next")
    floor = FakeFloor()
    floor.cursors["tencent_classroom"] = f"{ROOM}:100"
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert (floor.texts, floor.heard[0]) == (["next"], "connected, complete")


async def test_a_message_that_comes_after_a_later_one_is_heard(server: FakeTencent) -> None:
    """The newest number says nothing about those before it, and the cursor does not go back."""
    floor = FakeFloor()
    server.hidden.add(server.says("u1", "late")["Seq"])
    server.says("u1", "early")
    async with running(lcic(server), floor):
        await server.until(lambda: floor.texts)
        server.hidden.clear()
        await server.until(lambda: len(floor.texts) == 2)
    assert floor.texts == ["early", "late"]
    assert floor.cursors == {"tencent_classroom": f"{ROOM}:102"}


async def test_the_limit_of_calls_holds_for_all_of_them_together(server: FakeTencent) -> None:
    """Answers that leave at the same moment wait for each other (the fixture looks for violations)."""
    made = lcic(server)
    await asyncio.gather(*(made.send(answer(f"n {n}", f"k{n}")) for n in range(25)))
    await made.close()
    assert len(server.wrote()) == 25


async def test_more_than_a_page_between_two_looks_is_heard(server: FakeTencent) -> None:
    """A burst does not hide its beginning, in whatever order the pages come."""
    floor = FakeFloor()
    server.order = lambda page: page
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
        for n in range(60):
            server.says(f"u{n}", f"burst {n}")
        await server.until(lambda: len(floor.texts) >= 60)
        await asyncio.sleep(0.2)
    assert floor.texts == [f"burst {n}" for n in range(60)]


async def test_pages_that_never_end_are_given_up(server: FakeTencent, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many messages are taken and no more, and the gap is told."""
    monkeypatch.setattr(classroom, "MOST_PAGES", 3)
    for n in range(95):
        server.says("u1", f"line {n}")
    floor = FakeFloor()
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert floor.texts == [f"line {n}" for n in range(55, 95)]
    assert floor.heard == ["connected"]


async def test_who_speaks_to_the_bot_asks(server: FakeTencent) -> None:
    """/ask and @nickname make a question of what follows; /ask alone is told how to ask."""
    for text in ("/ask 有回放吗", "/ask有课件吗", "@Floormic 几点结束", "/askew", "/ask"):
        server.says("u1", text)
    floor = FakeFloor()
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert [(m.text, m.explicit) for m in floor.messages] == [
        ("有回放吗", True),
        ("有课件吗", True),
        ("几点结束", True),
        ("/askew", False),
    ]
    assert ["/ask" in delivery.text for delivery in floor.deliveries.values()] == [True]


async def test_answers_are_said_by_the_account_and_not_heard_again(server: FakeTencent) -> None:
    """`SendRoomNormalMessage` with account and nickname; the message's number is the request's."""
    floor = FakeFloor()
    async with running(lcic(server), floor) as made:
        assert await made.send(answer("有，会后发布 😀")) == "r-1" or server.asked("SendRoomNormalMessage")
        server.says("u1", "谢谢")
        await server.until(lambda: floor.texts)
    (asked,) = server.asked("SendRoomNormalMessage")
    assert asked == {
        "SdkAppId": APP,
        "RoomId": ROOM,
        "FromAccount": ACCOUNT,
        "NickName": "Floormic",
        "MsgBody": [{"MsgType": "TIMTextElem", "TextMsgContent": {"Text": "有，会后发布 😀"}}],
    }
    assert floor.texts == ["谢谢"]


async def test_answers_may_be_notices_of_the_room(server: FakeTencent) -> None:
    """They come back from an account that is not ours, and are no question either."""
    floor = FakeFloor()
    async with running(lcic(server, voice=Voice("", "Floormic", notices=True)), floor) as made:
        await made.send(answer("会后发布"))
        server.says("u1", "谢谢")
        await server.until(lambda: floor.texts)
    assert server.asked("SendRoomNotificationMessage") == [{"SdkAppId": APP, "RoomId": ROOM, "MsgContent": "会后发布"}]
    assert floor.texts == ["谢谢"]


async def test_notices_are_no_questions_after_a_restart_either(server: FakeTencent) -> None:
    """The account that they come from is learnt from the first that comes back, and kept; so is known what was said
    as the program ended."""
    floor, voice = FakeFloor(), Voice("", "Floormic", notices=True)
    async with running(lcic(server, voice=voice), floor) as made:
        assert made.abilities.together
        await made.send(answer("会后发布"))
        server.says("u1", "谢谢")
        await server.until(lambda: floor.texts)
    server.says("system", "已收到您的问题：有回放吗")
    async with running(lcic(server, voice=voice), floor):
        server.says("u1", "再见")
        await server.until(lambda: len(floor.texts) >= 2)
    assert floor.texts == ["谢谢", "再见"]


async def test_who_repeats_the_words_of_a_notice_is_heard_on(server: FakeTencent) -> None:
    """Somebody who says them again is not taken for the account that notices come from."""
    floor = FakeFloor()
    async with running(lcic(server, voice=Voice("", "Floormic", notices=True)), floor) as made:
        await made.send(answer("会后发布"))
        server.says("u1", "会后发布")
        server.says("u1", "什么时候")
        await server.until(lambda: floor.texts)
        await made.send(answer("晚上", "k2"))
        server.says("u2", "好")
        await server.until(lambda: len(floor.texts) == 2)
    assert floor.texts == ["什么时候", "好"]


async def test_an_answer_that_was_said_though_no_word_of_it_came_is_not_said_twice(server: FakeTencent) -> None:
    """The next try looks whether it stands in the room."""
    made = lcic(server)
    server.will("SendRoomNormalMessage", cut_off(), cut_off(0), html(), mute(0))
    for key in ("k1", "k2"):
        with pytest.raises(ConnectorError):
            await made.send(answer(f"answer {key}", key))
        assert await made.send(answer(f"answer {key}", key)) == ""
    with pytest.raises(ConnectorError):
        await made.send(answer("answer k3", "k3"))
    await made.close()
    assert server.wrote() == ["answer k1", "answer k2"]


async def test_the_same_words_said_before_are_not_taken_for_the_answer(server: FakeTencent) -> None:
    """An answer that was not done is said, though the bot said the same earlier; giving up counts as no word."""
    floor = FakeFloor()
    server.says(ACCOUNT, "已收到")
    async with running(lcic(server), floor) as made:
        await server.until(lambda: floor.heard)
        server.will("SendRoomNormalMessage", html())
        with pytest.raises(ConnectorError):
            await made.send(answer("已收到"))
        await made.send(answer("已收到"))
        server.will("SendRoomNormalMessage", mute(5))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.send(answer("会后发布", "k2")), 0.3)
        assert await made.send(answer("会后发布", "k2")) == ""
    assert server.wrote() == ["已收到", "已收到", "会后发布"]


async def test_a_text_of_full_length_fits(server: FakeTencent) -> None:
    """Its limit counts bytes, as the platform does, and leaves room for what surrounds the text."""
    assert ABILITIES.unit is Unit.BYTES
    made = lcic(server)
    text = "界" * (ABILITIES.length // 3)
    assert measure(text, Unit.BYTES) <= ABILITIES.length
    await made.send(answer(text))
    await made.close()
    assert server.wrote() == [text]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("RequestLimitExceeded", TryLater),
        ("RequestLimitExceeded.UinLimitExceeded", TryLater),
        ("InternalError", ConnectorError),
        ("AuthFailure.SignatureFailure", ConnectorError),
        ("FailedOperation.ClassEnded", Refused),
        ("ResourceNotFound.User", Refused),
        ("InvalidParameter.Content", Refused),
    ],
)
async def test_what_the_platform_says_to_an_answer(server: FakeTencent, code: str, error: type[ConnectorError]) -> None:
    """Wait, try again, or give it up; a wrong key can be put right, so the answer waits for that."""
    made = lcic(server)
    server.will("SendRoomNormalMessage", refuse(code))
    with pytest.raises(error) as caught:
        await made.send(answer("x"))
    assert type(caught.value) is error
    with pytest.raises(Refused, match="another room"):
        await made.send(answer("x", room=7))
    await made.close()
    assert server.wrote() == []


async def test_a_wrong_key_is_told_and_not_tried_again(server: FakeTencent) -> None:
    """`AuthFailure.SignatureFailure`: one line that says where to copy it, without the key."""
    assert (await why(lcic(server, key="another"))).startswith("Refused: Tencent Cloud does not accept the key: copy")
    server.will("GetRoomMessage", refuse("AuthFailure.SecretIdNotFound"))
    assert (await why(lcic(server))).startswith("Refused: Tencent Cloud does not accept the key")
    server.will("GetRoomMessage", refuse("UnauthorizedOperation"))
    assert "let their user use LCIC" in await why(lcic(server))


async def test_a_clock_that_is_off_is_told_with_how_much(server: FakeTencent) -> None:
    """`AuthFailure.SignatureExpire`: it is asked again, for a clock can be set."""
    line = await why(lcic(server, now=lambda: time.time() - 3600))
    assert line.startswith("ConnectorError: the clock of this machine is 60 minutes behind: let it be set")
    server.will("GetRoomMessage", refuse("AuthFailure.SignatureExpire"))
    assert "more than five minutes off" in await why(lcic(server))


async def test_other_troubles_have_a_line_each(server: FakeTencent) -> None:
    """An unknown room, too many calls, an answer of a proxy, nobody there."""
    assert "Refused: Tencent Cloud knows no such room: check room" in await why(lcic(server, room=1))
    server.will("GetRoomMessage", refuse("RequestLimitExceeded"))
    assert "TryLater: Tencent Cloud was asked too often" in await why(lcic(server))
    server.will("GetRoomMessage", refuse("FailedOperation.ClassExpired"))
    assert "Refused: the class has expired" in await why(lcic(server))
    server.will("GetRoomMessage", html())
    assert "something else than JSON (HTTP 502)" in await why(lcic(server))
    server.will("GetRoomMessage", refuse("Strange <b>Code</b>\n"))
    assert (
        await why(lcic(server)) == "ConnectorError: Tencent Cloud answered an error without a code; it is asked again"
    )
    gone = lcic(server)
    await server.__aexit__(None, None, None)
    assert "cannot be reached" in await why(gone)


def options(**changed: Any) -> TencentOptions:
    given = {"secret_id": SECRET_ID, "secret_key": SECRET_KEY, "sdk_app_id": APP, "room": ROOM, "account": ACCOUNT}
    return TencentOptions.model_validate({"session": "talk", **given, **changed})


async def test_trying_out_asks_the_platform(server: FakeTencent) -> None:
    """It says that the room can be read, or why not."""
    server.says("u1", "hello")
    assert "lets us read room 352320437" in await KIND.try_out(options(lcic_url=server.url), AROUND)
    with pytest.raises(Refused, match="no such room"):
        await KIND.try_out(options(lcic_url=server.url, room=5), AROUND)


def test_what_is_missing_is_named() -> None:
    """Each way needs its own settings, and says so before it connects."""
    bare = TencentOptions(session="talk")  # type: ignore[call-arg]
    assert [key for key, _ in bare.problems("")] == ["secret_id", "sdk_app_id", "room", "account"]
    with pytest.raises(SettingsError, match=r"room: is needed for way = \"lcic\""):
        KIND.make(bare, AROUND)
    after = {"way": "meeting", "token": "t", "meetings": ["abc"]}
    assert [key for key, _ in options(**after).problems("")] == ["app_id", "operator_id", "meetings", "token"]
    assert options(reply_as="notice", account="").problems("") == []
    assert set(KIND.guide) == set(KIND.titles) == {"zh", "en"}


async def test_it_has_no_way_in(server: FakeTencent) -> None:
    """Nobody posts to a room that is polled."""
    made = lcic(server)
    assert (await made.hook(posted({}, b"{}"))).status == 404
    await made.close()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Seq", "FromAccount", "Timestamp", "MessageBody", "MessageType", "TextMessage"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.lists(ANY, max_size=5))
def test_any_page_is_read(page: list[Any]) -> None:
    """Whatever a page holds, what is no message is skipped and the rest can be stored."""
    for one in heard(page, 1_800_000_000.0):
        made = message(one, "s", "talk", ROOM, "Floormic")
        assert abs(one.at - 1_800_000_000.0) <= 8 * 86400
        if isinstance(made, Message):
            "".join((made.text, made.author, made.external_id)).encode()


@given(st.text(max_size=50))
def test_no_text_gets_lost_by_commands(text: str) -> None:
    """What is said is what is heard, but for what addresses the bot."""
    made = message(Heard(1, "u", text, 1.0), "s", "talk", ROOM, "")
    if isinstance(made, Message):
        assert made.explicit or made.text == text.strip()
    else:
        assert made or not text.strip()
