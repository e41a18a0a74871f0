"""Tencent's own SDK against our fake classroom: what the fake takes and gives is what Tencent's program expects."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.bot.connectors.listening import running
from tests.fake_floor import FakeFloor
from tests.fake_tencent import ACCOUNT, APP, ROOM, SECRET_ID, SECRET_KEY, FakeTencent, lcic

pytestmark = pytest.mark.peer
credential = pytest.importorskip("tencentcloud.common.credential")

from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # noqa: E402
from tencentcloud.common.profile.client_profile import ClientProfile  # noqa: E402
from tencentcloud.common.profile.http_profile import HttpProfile  # noqa: E402
from tencentcloud.lcic.v20220817 import lcic_client, models  # noqa: E402

Ask = Callable[..., Any]


@pytest.fixture
async def server() -> AsyncIterator[FakeTencent]:
    async with FakeTencent() as fake:
        yield fake


def sdk(server: FakeTencent, key: str = SECRET_KEY) -> Ask:
    """Asks for an action with the SDK; an attribute that its models do not know is an error."""
    http = HttpProfile(endpoint=server.host, protocol="http", reqTimeout=5)
    client = lcic_client.LcicClient(credential.Credential(SECRET_ID, key), "", ClientProfile(httpProfile=http))

    def call(action: str, wanted: dict[str, Any]) -> Any:
        request = getattr(models, f"{action}Request")()
        request.from_json_string(json.dumps(wanted))
        return getattr(client, action)(request)

    async def ask(action: str, **wanted: Any) -> Any:
        return await asyncio.to_thread(call, action, {"SdkAppId": APP, "RoomId": ROOM, **wanted})

    return ask


@pytest.mark.filterwarnings("error:.*fileds are useless")
async def test_the_sdk_reads_and_writes_the_fake_classroom(server: FakeTencent) -> None:
    """Its signature is accepted, its models know every field that we give, and pages turn as it documents."""
    ask = sdk(server)
    for n in range(5):
        server.says("u1", f"line {n}")
    newest = await ask("GetRoomMessage", Limit=2)
    assert [m.MessageBody[0].TextMessage for m in newest.Messages] == ["line 4", "line 3"]
    older = await ask("GetRoomMessage", Limit=2, Seq=newest.Messages[-1].Seq)
    assert [m.MessageBody[0].TextMessage for m in older.Messages] == ["line 2", "line 1"]
    text = [{"MsgType": "TIMTextElem", "TextMsgContent": {"Text": "from the SDK"}}]
    assert (await ask("SendRoomNormalMessage", FromAccount="teacher", MsgBody=text)).RequestId
    assert (await ask("SendRoomNotificationMessage", MsgContent="a notice")).RequestId
    floor = FakeFloor()
    async with running(lcic(server), floor):
        await server.until(lambda: floor.heard)
    assert floor.texts[-2:] == ["from the SDK", "a notice"]


@pytest.mark.filterwarnings("error:.*fileds are useless")
async def test_the_sdk_reads_what_the_connector_said(server: FakeTencent) -> None:
    """The body that we send is one that the SDK's model of the request knows, and comes back as a text."""
    made = lcic(server)
    await made._client.say("会后发布 😀", ACCOUNT, "Floormic")
    await made.close()
    (asked,) = server.asked("SendRoomNormalMessage")
    models.SendRoomNormalMessageRequest().from_json_string(json.dumps(asked))
    (said,) = (await sdk(server)("GetRoomMessage")).Messages
    assert (said.FromAccount, said.MessageBody[0].MessageType, said.MessageBody[0].TextMessage) == (
        ACCOUNT,
        0,
        "会后发布 😀",
    )


async def test_the_sdk_understands_the_fakes_refusals(server: FakeTencent) -> None:
    """A wrong key, an unknown room and too many calls are what the SDK calls them."""

    async def code(ask: Ask, **wanted: Any) -> str:
        with pytest.raises(TencentCloudSDKException) as caught:
            await ask("GetRoomMessage", **wanted)
        return str(caught.value.get_code())

    assert await code(sdk(server, "another")) == "AuthFailure.SignatureFailure"
    assert await code(sdk(server), RoomId=1) == "ResourceNotFound.Room"
    server.ahead = 1000
    assert await code(sdk(server)) == "AuthFailure.SignatureExpire"
    server.ahead = 0
    ask = sdk(server)
    results = await asyncio.gather(*(ask("GetRoomMessage") for _ in range(60)), return_exceptions=True)
    codes = {r.get_code() for r in results if isinstance(r, TencentCloudSDKException)}
    assert codes == {"RequestLimitExceeded"}
