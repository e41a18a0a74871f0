"""WeCom calls us: what comes sealed, what goes back within the call, and what goes to the address for answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.wecom import WeComCallback
from bot.connectors.wecom.crypto import Seal
from bot.errors import ConnectorError, Refused, TryLater
from bot.model import Address, Button, Delivery
from bot.ports import HookReply
from tests.bot.connectors.listening import posted, running
from tests.fake_floor import FakeFloor, question
from tests.fake_wecom import AES_KEY, GROUP, TOKEN, Caller, FakeWeCom, Json

NOT_ANSWERED = (Button("not_answered", "q1", "没有回答我的问题"),)
ME_TOO = (Button("vote", "q1", "我也想知道"),)


@pytest.fixture
async def wecom() -> AsyncIterator[FakeWeCom]:
    """Whatever a test is about, the bot sends nothing that WeCom would not take."""
    async with FakeWeCom() as fake:
        yield fake
    assert fake.faults == []


@asynccontextmanager
async def called(wecom: FakeWeCom, floor: FakeFloor, **options: Any) -> AsyncIterator[tuple[WeComCallback, Caller]]:
    options = {"base_url": wecom.base_url, "answer_within": 0.2, "patience": 1.0, "language": "zh", **options}
    made = WeComCallback("wecom", TOKEN, AES_KEY, "talk", **options)
    async with running(made, floor):
        await wecom.until(lambda: floor.heard)
        yield made, Caller(wecom, made.hook)


def asks(wecom: FakeWeCom, text: str = "为什么？", user: str = "ann", group: str = "", **more: Any) -> Json:
    chat = f"group:{group}" if group else f"single:{user}"
    return wecom.text(text, user, group, **{"response_url": wecom.response_url(chat), **more})


async def answered(floor: FakeFloor, made: WeComCallback, caller: Caller, body: Json, text: str) -> HookReply:
    """The call, with an answer that is ready in time."""
    call = asyncio.create_task(caller.calls(body))
    await caller.wecom.until(lambda: any(m.external_id == body["msgid"] for m in floor.messages))
    await made.send(reply(floor, text))
    return await call


def reply(floor: FakeFloor, text: str, buttons: tuple[Button, ...] = (), key: str = "course:k") -> Delivery:
    address = floor.messages[-1].address
    assert address
    return Delivery(key, "talk", address, text, buttons)


# The address


async def test_the_address_is_checked(wecom: FakeWeCom) -> None:
    """WeCom's check is answered with what it sealed, as it is, before anything else runs."""
    made = WeComCallback("wecom", TOKEN, AES_KEY, "talk")
    answer = await Caller(wecom, made.hook).checks("1616140317555161061")
    assert (answer.status, answer.body, answer.content_type) == (200, b"1616140317555161061", "text/plain")
    await made.close()


async def test_what_is_not_wecom_s_is_turned_away(wecom: FakeWeCom) -> None:
    """Without a signature, with another's, with another body under the same signature."""
    floor = FakeFloor()
    async with called(wecom, floor) as (made, caller):
        sealed = caller.seal.close(json.dumps(asks(wecom)).encode())
        genuine = caller.request("POST", sealed, json.dumps({"encrypt": sealed}).encode())
        other = json.dumps({"encrypt": caller.seal.close(b"{}")}).encode()
        stranger = Caller(wecom, made.hook, Seal("another token", AES_KEY))
        for request in (
            posted({}, genuine.body),
            posted({}, genuine.body, **{**genuine.query, "msg_signature": "0" * 40}),
            posted({}, genuine.body, **{**genuine.query, "nonce": "another"}),
            posted({}, other, **genuine.query),
            posted({}, b'{"encrypt": 7}', **genuine.query),
        ):
            assert (await made.hook(request)).status == 403
        assert (await stranger.checks()).status == 403
        assert (await stranger.calls(asks(wecom))).status == 403
        assert (await made.hook(posted({}, b"<xml></xml>"))).status == 403
        assert (await made.hook(posted({}, b"x" * 300_000))).status == 403
    assert not floor.messages
    assert floor.heard == ["connected"]


@pytest.mark.parametrize("off", [-400, 400, 86_400])
async def test_a_clock_that_is_off(wecom: FakeWeCom, off: float) -> None:
    """What is too old or too new is turned away, and people are told of the clock."""
    floor = FakeFloor()
    async with called(wecom, floor) as (_, caller):
        caller.clock_off = off
        assert (await caller.calls(asks(wecom))).status == 403
    assert "Set the clock" in floor.heard[1]
    assert not floor.messages


@pytest.mark.parametrize("timestamp", ["", "x", "1e9", "-1", "９９", "1" * 30])
async def test_a_time_that_is_none(wecom: FakeWeCom, timestamp: str) -> None:
    """It is turned away, though it be signed."""
    async with called(wecom, FakeFloor()) as (made, caller):
        sealed = caller.seal.close(b"{}")
        query = {"msg_signature": caller.seal.signature(timestamp, "n", sealed), "timestamp": timestamp, "nonce": "n"}
        assert (await made.hook(posted({}, json.dumps({"encrypt": sealed}).encode(), **query))).status == 403


async def test_another_key(wecom: FakeWeCom) -> None:
    """With the right token and a wrong EncodingAESKey people are told which one to copy again."""
    floor = FakeFloor()
    async with called(wecom, floor) as (made, _):
        assert (await Caller(wecom, made.hook, Seal(TOKEN, "A" * 43)).calls(asks(wecom))).status == 403
    assert "EncodingAESKey" in floor.heard[1]


@given(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["msg_signature", "timestamp", "nonce", "echostr"]), st.text()),
)
def test_any_request_is_answered(body: bytes, query: dict[str, str]) -> None:
    """Whatever comes, the answer is no."""

    async def ask() -> None:
        made = WeComCallback("wecom", TOKEN, AES_KEY, "talk")
        for method in ("GET", "POST"):
            assert (await made.hook(posted({}, body, method, **query))).status in (400, 403)

    asyncio.run(ask())


# Hearing


async def test_what_is_said_is_stored_before_it_is_acknowledged(wecom: FakeWeCom) -> None:
    """200 once it is written; while it cannot be, WeCom is told to try again."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0) as (_, caller):
        floor.fail_next = 1
        body = asks(wecom)
        assert (await caller.calls(body)).status == 503
        assert not floor.messages
        accepted = await caller.calls(body)
        assert (accepted.status, accepted.body) == (200, b"")
        assert (await caller.calls(body)).status == 200
    assert floor.texts == ["为什么？"]
    early = WeComCallback("wecom", TOKEN, AES_KEY, "talk")
    assert (await Caller(wecom, early.hook).calls(body)).status == 503


async def test_a_chat_that_is_opened_is_greeted(wecom: FakeWeCom) -> None:
    """Within the call."""
    async with called(wecom, FakeFloor()) as (_, caller):
        await caller.calls(wecom.event("enter_chat"))
    assert "收集大家的提问" in wecom.texts("single:ann")[0]


async def test_what_needs_no_answer(wecom: FakeWeCom) -> None:
    """Pictures, likes and refreshes of streams get an empty answer."""
    async with called(wecom, FakeFloor()) as (_, caller):
        for body in (
            wecom.body("ann", msgtype="image", image={"url": "https://a.example"}),
            wecom.event("feedback_event"),
            wecom.body("ann", msgtype="stream", stream={"id": "s"}),
        ):
            answer = await caller.calls(body)
            assert (answer.status, answer.body) == (200, b"")


async def test_what_is_sealed_but_no_json(wecom: FakeWeCom) -> None:
    """It is turned away."""
    async with called(wecom, FakeFloor()) as (_, caller):
        assert (await caller.calls_with(b"<xml>")).status == 400


# Answering


async def test_an_answer_that_is_ready_goes_back_with_the_call(wecom: FakeWeCom) -> None:
    """And the address for answers is left for the next."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=2.0) as (made, caller):
        await answered(floor, made, caller, asks(wecom), "已收到：*为什么*")
        await made.send(reply(floor, "因为…", key="answer:k"))
    assert [call.cmd for call in wecom.calls] == ["passive", "response_url"]
    assert wecom.texts() == ["已收到：*为什么*", "因为…"]


async def test_a_repeated_call_gets_the_same_answer(wecom: FakeWeCom) -> None:
    """WeCom repeats a call whose answer it did not get: nothing is heard twice, and the answer is not lost."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=2.0) as (made, caller):
        body = asks(wecom)
        await answered(floor, made, caller, body, "已收到")
        await caller.calls(body)
    first, second = wecom.told("passive")
    assert first.body == second.body
    assert len(floor.messages) == 1


async def test_each_address_takes_one_answer(wecom: FakeWeCom) -> None:
    """A second answer takes that of another message of the same chat, and where there is none it is given up."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0) as (made, caller):
        await caller.calls(asks(wecom, "somebody else", user="bob"))
        await caller.calls(asks(wecom, "first"))
        await caller.calls(asks(wecom, "second"))
        for n in range(2):
            await made.send(reply(floor, f"answer {n}", key=f"answer:{n}"))
        with pytest.raises(Refused, match="none is left"):
            await made.send(reply(floor, "answer 3", key="answer:3"))
    assert wecom.texts("single:ann") == ["answer 0", "answer 1"]
    assert wecom.texts("single:bob") == []


async def test_a_late_acknowledgement_leaves_the_address_to_the_answer(wecom: FakeWeCom) -> None:
    """That a question was heard is worth less than what answers it."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0) as (made, caller):
        await caller.calls(asks(wecom))
        with pytest.raises(Refused, match="none is left"):
            await made.send(reply(floor, "已收到", ME_TOO, key="ack:q1:wecom:single:ann"))
        await made.send(reply(floor, "因为…", key="answer:q1"))
    assert wecom.texts() == ["因为…"]


async def test_an_hour_later_there_is_no_way_left(wecom: FakeWeCom) -> None:
    """The answer is given up with a line that says why."""
    clock, floor = [1_700_000_000.0], FakeFloor()
    wecom.now = lambda: clock[0]
    async with called(wecom, floor, answer_within=0.0, now=lambda: clock[0]) as (made, caller):
        await caller.calls(asks(wecom))
        clock[0] += 3601
        with pytest.raises(Refused, match="within the hour"):
            await made.send(reply(floor, "因为…"))
    assert not wecom.calls


async def test_an_address_elsewhere_is_not_followed(wecom: FakeWeCom) -> None:
    """Whoever holds the key cannot make us call what WeCom does not own."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0) as (made, caller):
        for url in ("http://169.254.169.254/", f"{wecom.base_url}.evil.example/", 7, "x" * 5000):
            await caller.calls(asks(wecom, response_url=url))
            with pytest.raises(Refused):
                await made.send(reply(floor, "因为…"))


async def test_cards_go_where_they_may(wecom: FakeWeCom) -> None:
    """Within the call anywhere; by the address to private chats only, and a long text before its card."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0) as (made, caller):
        await caller.calls(asks(wecom))
        await made.send(reply(floor, "短", NOT_ANSWERED))
        await caller.calls(asks(wecom))
        await made.send(reply(floor, "长" * 200, NOT_ANSWERED))
        await caller.calls(asks(wecom, "@RobotA why?", group=GROUP))
        await made.send(reply(floor, "短", NOT_ANSWERED))
    kinds = [call.body["msgtype"] for call in wecom.told("response_url")]
    assert kinds == ["template_card", "markdown", "markdown"]
    assert wecom.texts() == ["短", "长" * 200, "短"]


async def test_commands_are_answered_within_the_call(wecom: FakeWeCom) -> None:
    """排行 lists the questions with their buttons; a press counts and the card changes within its own call."""
    floor = FakeFloor(question("q1", "为什么天是蓝的？", people=3))
    async with called(wecom, floor, answer_within=2.0) as (made, caller):
        call = asyncio.create_task(caller.calls(asks(wecom, "@RobotA 排行", group=GROUP)))
        await wecom.until(lambda: floor.deliveries)
        await made.send(next(iter(floor.deliveries.values())))
        await call
        card = next(iter(wecom.cards.values()))
        await caller.calls(wecom.press(card, "我也想知道 1", "bob", GROUP))
    assert floor.votes == {("q1", "bob")}
    update = wecom.told("passive")[-1].body
    assert update["userids"] == ["bob"]
    assert update["template_card"]["button_list"][0]["text"] == "已计入，共 4 人"


async def test_a_vote_that_could_not_be_written(wecom: FakeWeCom) -> None:
    """It is not confirmed."""
    floor = FakeFloor(question("q1"))
    async with called(wecom, floor) as (made, caller):
        await caller.calls(asks(wecom))
        await made.send(reply(floor, "短", ME_TOO))
        floor.fail_next = 1
        answer = await caller.calls(wecom.press(next(iter(wecom.cards.values())), "我也想知道"))
    assert answer.status == 503
    assert not floor.votes


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def gives(body: Any, status: int = 200) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status)

    return answer


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (gives({"errcode": 45009}), TryLater, "wait"),
        (gives({"errcode": 93008}), Refused, "not in this group"),
        (gives({"errcode": -1}), ConnectorError, "e=-1"),
        (gives({"errcode": "x"}), ConnectorError, "e=-1"),
        (gives("<html>Please sign in</html>"), ConnectorError, "no JSON"),
        (gives("[]"), ConnectorError, "no JSON"),
        (gives("<html>", 502), ConnectorError, "no JSON"),
    ],
)
async def test_an_answer_that_is_not_taken_is_tried_again(
    wecom: FakeWeCom, answer: Answer, error: type[ConnectorError], says: str
) -> None:
    """The address is not used up by it."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0) as (made, caller):
        await caller.calls(asks(wecom))
        wecom.posts.append(answer)
        with pytest.raises(error, match=says):
            await made.send(reply(floor, "因为…"))
        await made.send(reply(floor, "因为…"))
    assert wecom.texts() == ["因为…"]


async def test_an_address_that_wecom_knows_no_more(wecom: FakeWeCom) -> None:
    """It is not tried for ever: the next try finds no way and gives up."""
    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0) as (made, caller):
        await caller.calls(asks(wecom, response_url=f"{wecom.base_url}/cgi-bin/aibot/response?response_code=gone"))
        with pytest.raises(ConnectorError, match="60140"):
            await made.send(reply(floor, "因为…"))
        with pytest.raises(Refused):
            await made.send(reply(floor, "因为…"))


async def test_an_answer_whose_outcome_is_unknown_is_not_said_twice(wecom: FakeWeCom) -> None:
    """The address takes one answer: where the second try finds it used up, the first had arrived."""

    async def hung(request: web.Request) -> web.StreamResponse:
        wecom.respond(request, await request.json())
        await asyncio.sleep(5)
        return web.Response()

    floor = FakeFloor()
    async with called(wecom, floor, answer_within=0.0, patience=0.2) as (made, caller):
        await caller.calls(asks(wecom))
        wecom.posts.append(hung)
        with pytest.raises(ConnectorError, match="no answer"):
            await made.send(reply(floor, "因为…"))
        await made.send(reply(floor, "因为…"))
    assert wecom.texts() == ["因为…"]


async def test_after_a_restart_there_is_no_way_left() -> None:
    """The addresses are not kept over a restart: they are as good as a key."""
    made = WeComCallback("wecom", TOKEN, AES_KEY, "talk")
    with pytest.raises(Refused, match="none is left"):
        await made.send(Delivery("k", "talk", Address("wecom", "single:ann", "m1"), "x"))
    await made.close()
