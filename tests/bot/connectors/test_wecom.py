"""The bot's WebSocket against a server that behaves as WeCom documents, and one that does not."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from bot.connectors.wecom import KIND, WeCom, WeComCallback, WeComOptions
from bot.errors import ConnectorError, Refused, TryLater
from bot.kinds import Surroundings
from bot.model import Address, Button, Delivery, Unit
from tests.bot.connectors.listening import posted, running
from tests.fake_floor import FakeFloor, question
from tests.fake_wecom import (
    BAD_CARD,
    BOT,
    GROUP,
    INVALID_REQ_ID,
    LONGEST,
    NOT_SUBSCRIBED,
    QUOTA,
    SECRET,
    FakeWeCom,
    Json,
    done_in_silence,
    refuse,
    rendered,
    silent,
)

ME_TOO = (Button("vote", "q1", "我也想知道"),)
NOT_ANSWERED = (Button("not_answered", "q1", "没有回答我的问题"),)


@pytest.fixture
async def wecom() -> AsyncIterator[FakeWeCom]:
    """Whatever a test is about, the bot sends nothing that WeCom would not take."""
    async with FakeWeCom() as fake:
        yield fake
    assert fake.faults == []


def connector(wecom: FakeWeCom, secret: str = SECRET, **options: Any) -> WeCom:
    options = {"socket_url": wecom.socket_url, "patience": 1.0, "language": "zh", **options}
    return WeCom("wecom", BOT, secret, "talk", **options)


@asynccontextmanager
async def listening(wecom: FakeWeCom, floor: FakeFloor, **options: Any) -> AsyncIterator[WeCom]:
    before = len(wecom.told("aibot_subscribe"))
    async with running(connector(wecom, **options), floor) as made:
        await wecom.until(lambda: len(wecom.told("aibot_subscribe")) > before)
        await wecom.listening()
        yield made


async def heard(wecom: FakeWeCom, floor: FakeFloor, text: str = "为什么？", **more: Any) -> Address:
    """Somebody says something; where to answer."""
    body = await wecom.says(text, **more)
    await wecom.until(lambda: any(m.external_id == body["msgid"] for m in floor.messages))
    address = floor.messages[-1].address
    assert address
    return address


def delivery(address: Address, text: str = "因为…", buttons: tuple[Button, ...] = (), key: str = "k") -> Delivery:
    return Delivery(key, "talk", address, text, buttons)


# Hearing


async def test_it_subscribes_and_hears(wecom: FakeWeCom) -> None:
    """Once WeCom has taken the keys it is connected, and what people say in private and in groups arrives."""
    floor = FakeFloor()
    async with listening(wecom, floor):
        await wecom.until(lambda: floor.heard == ["connected"])
        await wecom.says("为什么天是蓝的？")
        await wecom.says("@RobotA why?", user="bob", group=GROUP)
        await wecom.until(lambda: len(floor.messages) == 2)
    assert floor.texts == ["为什么天是蓝的？", "why?"]
    assert [m.address.private for m in floor.messages if m.address] == [True, False]


async def test_what_comes_at_once_is_written_at_once(wecom: FakeWeCom) -> None:
    """A burst costs few transactions."""
    floor = FakeFloor()
    async with listening(wecom, floor):
        for n in range(200):
            await wecom.says(f"question {n}")
        await wecom.until(lambda: len(floor.messages) == 200)
    assert floor.texts == [f"question {n}" for n in range(200)]
    assert floor.received < 200


async def test_what_could_not_be_written_is_kept(wecom: FakeWeCom) -> None:
    """WeCom sends nothing twice: a disk that is full while the connection breaks as well loses nothing."""
    floor = FakeFloor()
    async with listening(wecom, floor):
        floor.fail_next = 3
        await wecom.says("first")
        await wecom.until(lambda: floor.fail_next < 3)
        await wecom.cut_off(await wecom.listening())
        await wecom.says("second")
        await wecom.until(lambda: floor.texts == ["first", "second"])


async def test_a_message_that_breaks_us_breaks_us_once(wecom: FakeWeCom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours ends the connection, and the next one does not stumble over the same message."""
    made, floor = connector(wecom), FakeFloor()

    async def broken(*given: object) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(floor, "receive", broken)
        with pytest.raises(ZeroDivisionError):
            await asyncio.gather(made.run(floor), wecom.says("first"))
    async with running(made, floor):
        await wecom.says("second")
        await wecom.until(lambda: floor.texts == ["second"])


async def test_a_chat_that_is_opened_is_greeted(wecom: FakeWeCom) -> None:
    """Who opens the chat is told within 5 s what the bot is for, even while the store is slow."""
    floor = FakeFloor()
    async with listening(wecom, floor):
        floor.fail_next = 1000
        await wecom.says("something")
        await wecom.enters("bob")
        await wecom.until(lambda: wecom.texts("single:bob"))
        floor.fail_next = 0
    assert "收集大家的提问" in wecom.texts("single:bob")[0]


async def test_it_stays_alive(wecom: FakeWeCom) -> None:
    """It pings; one ping without an answer is forgiven, and after two the connection is made anew."""
    floor = FakeFloor()
    wecom.will("ping", silent(), refuse(0, "ok"), silent(), silent())
    async with listening(wecom, floor, ping_every=0.02, patience=0.1):
        await wecom.until(lambda: len(wecom.told("ping")) >= 6)
    assert floor.heard[:3] == [
        "connected",
        "lost: WeCom: the connection answers no more; it is made anew by itself.",
        "connected",
    ]


async def test_a_newer_connection_is_not_fought(wecom: FakeWeCom) -> None:
    """Thrown out by another program it says so, and does not come back by itself."""
    first, floor = connector(wecom), FakeFloor()
    task = asyncio.create_task(first.run(floor))
    await wecom.until(lambda: floor.heard)
    async with listening(wecom, FakeFloor()):
        with pytest.raises(Refused, match="another program has connected as this bot"):
            await task
    assert len(wecom.told("aibot_subscribe")) == 2
    await first.close()


# What can go wrong with the connection


async def test_wrong_keys(wecom: FakeWeCom, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong secret is refused for good, in a line that says what to do and does not quote it."""
    made = connector(wecom, secret="wrong-secret")
    with pytest.raises(Refused, match="id and secret") as refused:
        await made.run(FakeFloor())
    await made.close()
    assert "wrong-secret" not in str(refused.value) + caplog.text


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (45009, "freq", TryLater),
        (-1, "system busy", ConnectorError),
        (7, "unknown", ConnectorError),
        (40001, "", Refused),
        (93019, "", Refused),
        (12345, "invalid secret", Refused),
    ],
)
async def test_a_subscription_that_is_not_taken(
    wecom: FakeWeCom, code: int, message: str, error: type[ConnectorError]
) -> None:
    """Keys that are wrong stop it; what may pass is tried again."""
    wecom.will("aibot_subscribe", refuse(code, message))
    made = connector(wecom)
    with pytest.raises(ConnectorError) as raised:
        await made.run(FakeFloor())
    await made.close()
    assert isinstance(raised.value, error)
    assert isinstance(raised.value, Refused) == (error is Refused)


async def test_an_address_that_is_not_wecom(wecom: FakeWeCom) -> None:
    """A sign-in page of the hall's network, an address that nobody listens at: each has its line."""

    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>Please sign in</html>", content_type="text/html")

    wecom.handshakes.append(page)
    made = connector(wecom)
    with pytest.raises(ConnectorError, match="HTTP 200 and opens no WebSocket"):
        await made.run(FakeFloor())
    nobody = connector(wecom, socket_url="ws://127.0.0.1:9")
    with pytest.raises(ConnectorError, match="cannot be reached"):
        await nobody.run(FakeFloor())
    await made.close()
    await nobody.close()


async def test_a_server_that_never_answers(wecom: FakeWeCom) -> None:
    """It does not wait for ever, neither for the connection nor for the keys to be taken."""

    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3)
        return web.Response()

    wecom.handshakes.append(hang)
    made = connector(wecom, patience=0.1)
    with pytest.raises(ConnectorError, match="no answer within"):
        await made.run(FakeFloor())
    wecom.will("aibot_subscribe", silent())
    with pytest.raises(ConnectorError, match="no answer within"):
        await made.run(FakeFloor())
    await made.close()


# Answering


async def test_a_message_is_answered_itself(wecom: FakeWeCom) -> None:
    """The first answer is the whole stream at once, in reply to the message; the next is pushed to the same chat."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        await made.send(delivery(address, "一"))
        await made.send(delivery(address, "二", key="k2"))
    replied, pushed = wecom.told("aibot_respond_msg", "aibot_send_msg")
    assert replied.body["msgtype"] == "stream"
    assert replied.body["stream"]["finish"] is True
    assert pushed.body == {"chatid": "ann", "chat_type": 1, "msgtype": "markdown", "markdown": {"content": "二"}}
    assert wecom.texts("single:ann") == ["一", "二"]


async def test_a_group_is_answered(wecom: FakeWeCom) -> None:
    """In the group where it was asked, by reply and by push."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor, "@RobotA why?", group=GROUP)
        await made.send(delivery(address, "一"))
        await made.send(delivery(address, "二", key="k2"))
    assert wecom.texts(f"group:{GROUP}") == ["一", "二"]


@pytest.mark.parametrize("after", [301.0, 100_000.0])
async def test_an_answer_that_comes_late_is_pushed(wecom: FakeWeCom, after: float) -> None:
    """After the time in which a stream is taken, and after a day."""
    floor, clock = FakeFloor(), [1_700_000_000.0]
    wecom.now = lambda: clock[0]
    async with listening(wecom, floor, now=lambda: clock[0]) as made:
        address = await heard(wecom, floor)
        clock[0] += after
        await made.send(delivery(address))
    assert [call.cmd for call in wecom.calls[1:]] == ["aibot_send_msg"]
    assert wecom.texts() == ["因为…"]


@pytest.mark.parametrize("error", [INVALID_REQ_ID, (846608, "stream message update expired")])
async def test_where_wecom_takes_no_reply_any_more_it_is_pushed(wecom: FakeWeCom, error: tuple[int, str]) -> None:
    """Should WeCom's time be shorter than we think, the answer arrives all the same."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        wecom.will("aibot_respond_msg", refuse(*error))
        await made.send(delivery(address))
    assert wecom.texts() == ["因为…"]


async def test_after_a_reconnect_it_is_pushed(wecom: FakeWeCom) -> None:
    """WeCom knows a message only on the connection that brought it."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        await wecom.cut_off(await wecom.listening())
        await wecom.listening()
        await made.send(delivery(address))
    assert not wecom.told("aibot_respond_msg")
    assert wecom.texts() == ["因为…"]


async def test_an_answer_whose_outcome_is_unknown_is_not_shown_twice(wecom: FakeWeCom) -> None:
    """Tried again, it takes the place of the one that had arrived after all."""
    floor = FakeFloor()
    async with listening(wecom, floor, patience=0.1) as made:
        address = await heard(wecom, floor)
        wecom.will("aibot_respond_msg", done_in_silence())
        with pytest.raises(ConnectorError, match="no answer"):
            await made.send(delivery(address))
        await made.send(delivery(address))
    assert wecom.texts() == ["因为…"]


async def test_what_people_wrote_is_no_markup(wecom: FakeWeCom) -> None:
    """Neither in a reply nor in a push does a text call everybody or hide a link."""
    text = "<@all> [click](https://evil.example) **now**\n# 1 < 2"
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        for key in ("k1", "k2"):
            await made.send(delivery(address, text, key=key))
    assert wecom.texts() == [text.replace("<@", "＜@")] * 2


async def test_the_longest_text(wecom: FakeWeCom) -> None:
    """What is as long as WeCom takes arrives whole; what its signs make longer is cut."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        await made.send(delivery(address, "界" * (LONGEST // 3)))
        await made.send(delivery(address, "*" * LONGEST, key="k2"))
    assert wecom.texts()[0] == "界" * (LONGEST // 3)
    assert wecom.texts()[1].endswith("…")


def test_what_it_can() -> None:
    """The abilities are those that the document gives."""
    can = WeCom.abilities
    assert (can.reply, can.private, can.edit, can.buttons) == (True, True, False, True)
    assert (can.length, can.unit) == (LONGEST, Unit.BYTES)
    assert (can.chat_rate * 60, can.group_rate * 60, can.hourly) == (30, 30, 1000)


# What WeCom refuses


@pytest.mark.parametrize(
    ("code", "says"),
    [(93001, "may not speak first"), (93006, "does not exist"), (93008, "not in this group")],
)
async def test_a_chat_that_takes_nothing(wecom: FakeWeCom, code: int, says: str) -> None:
    """It is given up with a line that says what to do."""
    async with listening(wecom, FakeFloor()) as made:
        wecom.will("aibot_send_msg", refuse(code))
        with pytest.raises(Refused, match=says):
            await made.send(delivery(Address("wecom", "single:ann", "m1", "ann")))


async def test_where_nobody_wrote_it_may_not_speak(wecom: FakeWeCom) -> None:
    """WeCom's own order of errors: nobody spoke there, no such chat, no longer in the group."""
    wecom.spoke.add("group:left")
    wecom.left.add("group:left")
    async with listening(wecom, FakeFloor()) as made:
        for chat, says in (("single:bob", "speak first"), ("group:unknown", "not exist"), ("group:left", "group any")):
            with pytest.raises(Refused, match=says):
                await made.send(delivery(Address("wecom", chat)))


async def test_a_quota_that_is_used_up(wecom: FakeWeCom) -> None:
    """That chat has to wait, and only that one."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        for cmd in ("aibot_respond_msg", "aibot_send_msg"):
            wecom.will(cmd, refuse(*QUOTA))
            with pytest.raises(TryLater) as told:
                await made.send(delivery(address if cmd == "aibot_respond_msg" else replace(address, message="old")))
            assert (told.value.chat, told.value.seconds) == ("single:ann", 60.0)
        await made.send(delivery(address))
    assert wecom.texts() == ["因为…"]


async def test_the_fake_counts_as_wecom_does(wecom: FakeWeCom) -> None:
    """30 in a minute in one conversation, and the 31st is turned away until the minute is over."""
    clock = [1_700_000_000.0]
    wecom.now = lambda: clock[0]
    wecom.spoke.add("single:ann")
    async with listening(wecom, FakeFloor(), now=lambda: clock[0]) as made:
        for n in range(30):
            await made.send(delivery(Address("wecom", "single:ann"), key=f"k{n}"))
        with pytest.raises(TryLater):
            await made.send(delivery(Address("wecom", "single:ann")))
        clock[0] += 61
        await made.send(delivery(Address("wecom", "single:ann")))


async def test_another_error_is_tried_again(wecom: FakeWeCom) -> None:
    """An error that we do not know is named with the place where WeCom explains it."""
    async with listening(wecom, FakeFloor()) as made:
        wecom.will("aibot_send_msg", refuse(40058, "secret words"))
        with pytest.raises(ConnectorError, match=r"query\?e=40058") as raised:
            await made.send(delivery(Address("wecom", "single:ann")))
    assert not isinstance(raised.value, Refused | TryLater)
    assert "secret words" not in str(raised.value)


async def test_a_subscription_that_wecom_forgot_is_made_anew(wecom: FakeWeCom) -> None:
    """Told that nobody is subscribed, it connects again instead of talking on."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        wecom.will("aibot_respond_msg", refuse(*NOT_SUBSCRIBED))
        with pytest.raises(ConnectorError):
            await made.send(delivery(address))
        await wecom.until(lambda: len(wecom.told("aibot_subscribe")) == 2)
        await wecom.until(lambda: floor.heard[-1] == "connected")
        await made.send(delivery(address))
    assert wecom.texts() == ["因为…"]


async def test_without_a_connection_nothing_is_sent(wecom: FakeWeCom) -> None:
    """It is worth another try."""
    made = connector(wecom)
    with pytest.raises(ConnectorError) as raised:
        await made.send(delivery(Address("wecom", "single:ann")))
    assert not isinstance(raised.value, Refused)
    with pytest.raises(Refused, match="no WeCom chat"):
        await made.send(delivery(Address("wecom", "somewhere")))
    await made.close()


async def test_who_waits_for_an_answer_learns_that_the_connection_broke(wecom: FakeWeCom) -> None:
    """At once, not after the time that an answer may take."""
    floor = FakeFloor()
    async with listening(wecom, floor, patience=30.0) as made:
        address = await heard(wecom, floor)
        wecom.will("aibot_respond_msg", silent())
        sending = asyncio.create_task(made.send(delivery(address)))
        await wecom.until(lambda: wecom.told("aibot_respond_msg"))
        await wecom.cut_off(await wecom.listening())
        async with asyncio.timeout(2):
            with pytest.raises(ConnectorError, match="lost"):
                await sending


# Buttons


def cards(wecom: FakeWeCom) -> list[Json]:
    return list(wecom.cards.values())


async def test_a_short_text_with_a_button_is_one_card(wecom: FakeWeCom) -> None:
    """An acknowledgement takes one message, as a reply and as a push."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        await made.send(delivery(address, "已收到您的问题：*为什么*", ME_TOO))
        await made.send(delivery(address, "已收到您的问题：*为什么*", ME_TOO, key="k2"))
    assert wecom.texts() == ["已收到您的问题：*为什么*"] * 2
    assert [card["main_title"]["title"] for card in cards(wecom)] == ["您也想知道吗？"] * 2


async def test_a_long_text_with_a_button_keeps_its_words(wecom: FakeWeCom) -> None:
    """In reply the text and the card are one message; pushed they are two."""
    text = "因为瑞利散射。" * 40
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        await made.send(delivery(address, text, NOT_ANSWERED))
        await made.send(delivery(address, text, NOT_ANSWERED, key="k2"))
    kinds = [call.body["msgtype"] for call in wecom.told("aibot_respond_msg", "aibot_send_msg")]
    assert kinds == ["stream_with_template_card", "markdown", "template_card"]
    assert wecom.texts()[:2] == [text, text]


async def test_a_pushed_text_is_not_said_again_for_its_card(wecom: FakeWeCom) -> None:
    """Where the card of a pushed text is turned away, the text counts as said."""
    async with listening(wecom, FakeFloor()) as made:
        wecom.spoke.add("single:ann")
        wecom.will("aibot_send_msg", refuse(0), refuse(*QUOTA))
        await made.send(delivery(Address("wecom", "single:ann"), "x" * 200, ME_TOO))


async def test_where_no_card_is_taken_the_text_goes_alone(wecom: FakeWeCom) -> None:
    """An answer is not lost for its buttons."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        wecom.will("aibot_respond_msg", refuse(*BAD_CARD))
        await made.send(delivery(address, "因为…", ME_TOO))
    assert wecom.texts() == ["因为…"]
    assert not cards(wecom)


async def test_a_vote_in_a_group(wecom: FakeWeCom) -> None:
    """It counts once for each person, and the card changes for who pressed alone."""
    floor = FakeFloor(question("q1", people=2))
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor, "@RobotA why?", group=GROUP)
        await made.send(delivery(address, "已收到", ME_TOO))
        for user in ("bob", "bob", "eve"):
            await wecom.presses(cards(wecom)[0], "我也想知道", user, GROUP)
            await asyncio.sleep(0.05)
        await wecom.until(lambda: len(wecom.told("aibot_respond_update_msg")) == 3)
    assert floor.votes == {("q1", "bob"), ("q1", "eve")}
    update = wecom.told("aibot_respond_update_msg")[0].body
    assert update["userids"] == ["bob"]
    assert update["template_card"]["sub_title_text"] == "已收到"
    assert update["template_card"]["button_list"] == [{"text": "已计入，共 3 人", "style": 4, "key": "v:q1"}]


async def test_not_answered_in_private(wecom: FakeWeCom) -> None:
    """The question goes to the queue, and the card says so."""
    floor = FakeFloor(question("q1"))
    async with listening(wecom, floor) as made:
        address = await heard(wecom, floor)
        await made.send(delivery(address, "因为…", NOT_ANSWERED))
        await wecom.presses(cards(wecom)[0], "没有回答我的问题")
        await wecom.until(lambda: wecom.told("aibot_respond_update_msg"))
    assert [(id, person.id) for id, person in floor.not_answered_by] == [("q1", "ann")]
    assert wecom.told("aibot_respond_update_msg")[0].body["template_card"]["button_list"][0]["text"] == "已转给讲者"


async def test_a_card_from_before_a_restart(wecom: FakeWeCom) -> None:
    """Its button still counts; the card then shows the question's title."""
    floor = FakeFloor(question("q1", "为什么天是蓝的？"))
    async with listening(wecom, floor) as made:
        await made.send(delivery(await heard(wecom, floor), "已收到", ME_TOO))
    async with listening(wecom, floor):
        await wecom.presses(cards(wecom)[0], "我也想知道", "bob")
        await wecom.until(lambda: wecom.told("aibot_respond_update_msg"))
    assert floor.votes == {("q1", "bob")}
    card = wecom.told("aibot_respond_update_msg")[0].body["template_card"]
    assert card["sub_title_text"] == "为什么天是蓝的？"


async def test_a_question_that_is_gone(wecom: FakeWeCom) -> None:
    """Who presses a button of a question that is no longer there is told."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        await made.send(delivery(await heard(wecom, floor), "已收到", ME_TOO))
        await wecom.presses(cards(wecom)[0], "我也想知道", "bob")
        await wecom.until(lambda: wecom.told("aibot_respond_update_msg"))
    assert wecom.told("aibot_respond_update_msg")[0].body["template_card"]["button_list"][0]["text"] == "已不在队列里"


async def test_a_vote_that_could_not_be_written_is_not_confirmed(wecom: FakeWeCom) -> None:
    """The card stays as it is, so that it can be pressed again, and then it counts."""
    floor = FakeFloor(question("q1"))
    async with listening(wecom, floor) as made:
        await made.send(delivery(await heard(wecom, floor), "已收到", ME_TOO))
        floor.fail_next = 1
        await wecom.presses(cards(wecom)[0], "我也想知道", "bob")
        await wecom.until(lambda: not floor.fail_next)
        await asyncio.sleep(0.05)
        assert not wecom.told("aibot_respond_update_msg")
        await wecom.presses(cards(wecom)[0], "我也想知道", "bob")
        await wecom.until(lambda: wecom.told("aibot_respond_update_msg"))
    assert floor.votes == {("q1", "bob")}


# Commands


async def test_the_queue_can_be_asked_for_and_voted_on(wecom: FakeWeCom) -> None:
    """排行 lists the questions with a button each; a second press on the same card works as well."""
    titles = [f"为什么 {n}？" + "很长的问题" * 10 for n in range(1, 4)]
    floor = FakeFloor(*(question(f"q{n}", title, people=n) for n, title in enumerate(titles, 1)))
    async with listening(wecom, floor) as made:
        await wecom.says("@RobotA 排行", group=GROUP)
        await wecom.until(lambda: floor.deliveries)
        await made.send(next(iter(floor.deliveries.values())))
        for label in ("我也想知道 1", "我也想知道 3"):
            await wecom.presses(cards(wecom)[0], label, "bob", GROUP)
        await wecom.until(lambda: len(wecom.told("aibot_respond_update_msg")) == 2)
    assert floor.votes == {("q1", "bob"), ("q3", "bob")}
    assert f"3. {titles[2]}（3 人想知道）" in wecom.texts()[0]
    last = wecom.told("aibot_respond_update_msg")[1].body["template_card"]
    assert [button["text"] for button in last["button_list"]] == ["我也想知道 1", "我也想知道 2", "已计入，共 4 人"]


async def test_my_questions_and_help(wecom: FakeWeCom) -> None:
    """Both are answered in the chat, once for each command, and in a group nothing from elsewhere is shown."""
    floor = FakeFloor()
    async with listening(wecom, floor) as made:
        await heard(wecom, floor, "private question")
        floor.asked = [(floor.messages[0], None)]
        command = await wecom.says("我的问题")
        await wecom.again(command)
        await wecom.says("@RobotA 我的问题", group=GROUP)
        await wecom.says("/help")
        await wecom.until(lambda: len(floor.deliveries) == 3)
        for one in floor.deliveries.values():
            await made.send(one)
    mine, in_group, help_text = (d.text for d in floor.deliveries.values())
    assert "private question" in mine
    assert "private question" not in in_group
    assert "排行" in help_text
    assert len(wecom.texts()) == 3


# Hostile


async def test_a_connection_full_of_nonsense(wecom: FakeWeCom, caplog: pytest.LogCaptureFixture) -> None:
    """Frames that are none are skipped, and nothing of them is logged."""
    caplog.set_level(logging.DEBUG, "bot")
    floor = FakeFloor()
    async with listening(wecom, floor):
        for frame in (
            "private-words",
            "[]",
            '{"cmd": 1}',
            '{"cmd": "aibot_msg_callback", "body": "private-words"}',
            b"\xff",
        ):
            await wecom.feed(frame)
        await wecom.says("still there?")
        await wecom.until(lambda: floor.texts == ["still there?"])
    assert "private-words" not in caplog.text
    assert floor.heard == ["connected"]


async def test_a_frame_that_is_too_large_breaks_only_the_connection(wecom: FakeWeCom) -> None:
    """A megabyte is no message; the next connection hears again."""
    floor = FakeFloor()
    async with listening(wecom, floor):
        await wecom.feed(json.dumps({"cmd": "aibot_msg_callback", "body": {"text": "x" * 2_000_000}}))
        await wecom.until(lambda: len(floor.heard) == 3)
        await wecom.says("still there?")
        await wecom.until(lambda: floor.texts == ["still there?"])


async def test_by_the_socket_nobody_calls_us(wecom: FakeWeCom) -> None:
    """In this mode a request to our address is nobody's."""
    made = connector(wecom)
    assert (await made.hook(posted({}, b"{}"))).status == 403
    await made.close()


# Options


def around(public_url: str = "") -> Surroundings:
    return Surroundings(lambda: 1.0, public_url, "en", lambda purpose: b"x" * 32)


def options(**given: Any) -> WeComOptions:
    return WeComOptions.model_validate({"bot_id": BOT, "secret": SECRET, **given})


def test_options_that_are_missing() -> None:
    """Each mode says what it lacks."""
    assert [field for field, _ in options(bot_id="", secret="").problems("")] == ["bot_id", "secret"]
    assert options().problems("") == []
    callback = options(mode="callback")
    assert [field for field, _ in callback.problems("")] == ["token", "encoding_aes_key", "mode"]
    whole = options(mode="callback", token="t", encoding_aes_key="A" * 43)
    assert whole.problems("https://a.example") == []
    assert [field for field, _ in whole.problems("http://a.example")] == ["mode"]


async def test_trying_out(wecom: FakeWeCom) -> None:
    """It says whether WeCom takes the keys; by callback WeCom itself is the one that tries."""
    text = await KIND.try_out(options(socket_url=wecom.socket_url), around())
    assert "accepts the bot" in text
    with pytest.raises(Refused, match="Copy both again"):
        await KIND.try_out(options(socket_url=wecom.socket_url, secret="wrong"), around())
    given = options(mode="callback", token="t", encoding_aes_key="A" * 43)
    assert "https://a.example/in/wecom" in await KIND.try_out(given, around("https://a.example"))
    assert isinstance(KIND.make(given, around()), WeComCallback)


def test_a_card_reads_as_plain_text() -> None:
    """The fake reads what people would read."""
    assert rendered("a\\*b") == "a*b"
    assert rendered("*a*") == "<em>a</em>"
