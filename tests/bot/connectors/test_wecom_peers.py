"""Our fake WeCom against WeCom's own SDKs, and our seal against those of others."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aibot.ws
import pytest
from aibot import WSClient, WSClientOptions
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto
from wx_crypt import WXBizMsgCrypt, WxChannel_WecomAiBot

from bot.connectors.wecom import WeCom, WeComCallback
from bot.connectors.wecom.crypto import Seal
from tests.bot.connectors.listening import posted, running
from tests.fake_floor import FakeFloor
from tests.fake_wecom import AES_KEY, BOT, GROUP, SECRET, TOKEN, FakeWeCom, Json

pytestmark = pytest.mark.peer
PEERS = Path(__file__).parents[2] / "peers"


class Quiet:
    """Their logger prints what people say."""

    def __getattr__(self, name: str) -> Any:
        return lambda *words: None


@pytest.fixture
async def wecom() -> AsyncIterator[FakeWeCom]:
    async with FakeWeCom() as fake:
        yield fake
    assert fake.faults == []


def card(task: str, label: str) -> Json:
    buttons = [{"text": label, "style": 1, "key": "v:q1"}]
    return {"card_type": "button_interaction", "main_title": {"title": "x"}, "button_list": buttons, "task_id": task}


def official(wecom: FakeWeCom, monkeypatch: pytest.MonkeyPatch, secret: str = SECRET) -> WSClient:
    monkeypatch.setattr(aibot.ws, "_SSL_CONTEXT", None)  # it would insist on wss
    given: Json = {"ws_url": wecom.socket_url, "heartbeat_interval": 50, "logger": Quiet(), "max_reconnect_attempts": 0}
    return WSClient(WSClientOptions(bot_id=BOT, secret=secret, **given))


async def test_the_official_python_sdk_talks_to_the_fake(wecom: FakeWeCom, monkeypatch: pytest.MonkeyPatch) -> None:
    """It subscribes, pings, hears, answers, pushes, greets and updates a card, and all of it is taken."""
    client, heard, codes = official(wecom, monkeypatch), [], []

    @client.on("message.text")
    async def said(frame: Json) -> None:
        heard.append((frame["body"]["text"]["content"], frame["body"].get("chatid", "")))
        codes.append((await client.reply_stream(frame, "s1", "half", False))["errcode"])
        codes.append(
            (await client.reply_stream_with_card(frame, "s2", "whole", True, template_card=card("t1", "Press")))[
                "errcode"
            ]
        )
        markdown = {"msgtype": "markdown", "markdown": {"content": "pushed"}}
        codes.append((await client.send_message(GROUP, markdown))["errcode"])

    @client.on("event.enter_chat")
    async def entered(frame: Json) -> None:
        codes.append(
            (await client.reply_welcome(frame, {"msgtype": "text", "text": {"content": "welcome"}}))["errcode"]
        )

    @client.on("event.template_card_event")
    async def pressed(frame: Json) -> None:
        users = [frame["body"]["from"]["userid"]]
        codes.append((await client.update_template_card(frame, card("t1", "Pressed"), users))["errcode"])

    client.on("error", lambda error: None)
    await client.connect()
    await wecom.says("@RobotA why?", group=GROUP)
    await wecom.until(lambda: len(codes) == 3)
    await wecom.enters("bob")
    await wecom.presses(wecom.cards["t1"], "Press", "bob", GROUP)
    await wecom.until(lambda: len(codes) == 5 and len(wecom.told("ping")) > 2)
    client.disconnect()
    assert heard == [("@RobotA why?", GROUP)]
    assert codes == [0] * 5
    assert wecom.texts("single:bob") == ["welcome"]
    assert wecom.texts(f"group:{GROUP}")[-2:] == ["whole", "pushed"]


async def test_the_official_python_sdk_is_told_of_wrong_keys(wecom: FakeWeCom, monkeypatch: pytest.MonkeyPatch) -> None:
    """It understands the fake's refusal as one."""
    client, errors = official(wecom, monkeypatch, "wrong"), []
    client.on("error", lambda error: errors.append(str(error)))
    await client.connect()
    await wecom.until(lambda: errors)
    client.disconnect()
    assert "853000" in errors[0]


async def test_the_official_node_sdk_talks_to_the_fake(wecom: FakeWeCom) -> None:
    """It subscribes, hears, answers, pushes, greets, updates a card, and understands that it is thrown out."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (PEERS / "node_modules" / "@wecom" / "aibot-node-sdk").is_dir():
        pytest.skip("@wecom/aibot-node-sdk is not installed: run npm ci in tests/peers")
    command = (node, str(PEERS / "wecom_client.js"), wecom.socket_url, BOT, SECRET)
    bot = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert bot.stdout

    async def told() -> list[Any]:
        async with asyncio.timeout(15):
            words: list[Any] = json.loads(await bot.stdout.readline())
            return words

    try:
        assert await told() == ["authenticated"]
        await wecom.says("why?")
        assert await told() == ["heard", "why?", "ann", ""]
        assert await told() == ["pushed", 0]
        await wecom.says("card", user="bob")
        await wecom.until(lambda: "node-1" in wecom.cards)
        await wecom.enters("eve")
        await wecom.presses(wecom.cards["node-1"], "Press", "bob")
        await wecom.until(lambda: wecom.told("aibot_respond_update_msg") and wecom.texts("single:eve"))
        assert await told() == ["heard", "card", "bob", ""]
        async with asyncio.timeout(10):
            ours = WeCom("wecom", BOT, SECRET, "talk", socket_url=wecom.socket_url)
            task = asyncio.create_task(ours.run(FakeFloor()))
            assert await told() == ["thrown out"]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await ours.close()
    finally:
        with suppress(ProcessLookupError):
            bot.kill()
        await bot.wait()
    assert wecom.texts("single:ann") == ["echo why?", "pushed"]


# Seals of others


def wx_crypt() -> WXBizMsgCrypt:
    return WXBizMsgCrypt(TOKEN, AES_KEY, "", WxChannel_WecomAiBot)


@given(st.text(max_size=300))
def test_wx_crypt_opens_what_we_close_and_we_what_it_closes(text: str) -> None:
    """In WeCom's JSON form for AI bots, whose receive id is empty."""
    message, seal = text.encode("utf-8", "replace"), Seal(TOKEN, AES_KEY)
    _, theirs = wx_crypt().EncryptMsg(message, "nonce", "1700000000")
    envelope = json.loads(theirs)
    assert seal.signed(envelope["msgsignature"], "1700000000", "nonce", envelope["encrypt"])
    assert seal.open(envelope["encrypt"]) == message
    ours = seal.close(message)
    body = json.dumps({"encrypt": ours})
    assert wx_crypt().DecryptMsg(body, seal.signature("1", "n", ours), "1", "n") == (0, message)


@given(st.text(min_size=1, max_size=300), st.sampled_from(["", "wx5823bf96d3bd56c7"]))
def test_wechatpy_opens_what_we_close_and_we_what_it_closes(text: str, receive_id: str) -> None:
    """With an id of a company and without."""
    text = text.encode("utf-8", "replace").decode()
    seal, theirs = Seal(TOKEN, AES_KEY, receive_id), WeChatCrypto(TOKEN, AES_KEY, receive_id)
    closed = PrpCrypto(theirs.key).encrypt(text, receive_id).decode()
    assert seal.open(closed).decode() == text
    ours = seal.close(text.encode())
    signature = seal.signature("1", "n", ours)
    assert theirs.decrypt_message({"Encrypt": ours}, signature, "1", "n") == text


async def test_a_call_that_wx_crypt_sealed_is_answered_for_it(wecom: FakeWeCom) -> None:
    """WeCom's check and a message, closed and opened by a library of others."""
    floor, theirs = FakeFloor(), wx_crypt()
    made = WeComCallback("wecom", TOKEN, AES_KEY, "talk", now=lambda: 1_700_000_000.0, answer_within=2.0)
    async with running(made, floor):
        await wecom.until(lambda: floor.heard)
        sealed = json.loads(theirs.EncryptMsg(b"12345", "n", "1700000000")[1])
        query = {"timestamp": "1700000000", "nonce": "n", "msg_signature": sealed["msgsignature"]}
        assert (await made.hook(posted({}, b"", "GET", echostr=sealed["encrypt"], **query))).body == b"12345"

        said = json.dumps(wecom.event("enter_chat")).encode()
        sealed = json.loads(theirs.EncryptMsg(said, "n", "1700000000")[1])
        query["msg_signature"] = sealed["msgsignature"]
        answer = await made.hook(posted({}, json.dumps({"encrypt": sealed["encrypt"]}).encode(), **query))
        given = json.loads(answer.body)
        code, opened = theirs.DecryptMsg(answer.body, given["msgsignature"], str(given["timestamp"]), given["nonce"])
    assert code == 0
    assert json.loads(opened)["msgtype"] == "text"
