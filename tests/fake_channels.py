"""Listeners in the broadcaster's browser: they forward the comments of WeChat Channels until these are taken."""

import asyncio
import gzip
import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, ClassVar

from bot.connectors.channels import Channels
from bot.connectors.channels.codec import LONGEST_INFLATED
from bot.ports import HookReply
from tests.bot.connectors.contract import Line, Rig
from tests.bot.connectors.listening import posted

SECRET = "0123456789abcdef-secret"
Json = dict[str, Any]


class ChannelsRig(Rig):
    """Our own listener: it posts the console's answers as they came, and speaks up though nothing was said."""

    kind = "channels"
    way = "our listener"
    cannot: ClassVar = {"clock_off": "the console's answers carry no times; the time of arrival is taken"}
    secrets = (SECRET,)
    states = ("listening",)
    hostile = (
        b'{"listener": 1, "live_id": [], "answer": {"errCode": "x", "data": {"msgList": [{"type": 1, "seq": {}}]}}}',
        b'{"listener": 1, "answer": {"data": {"respJsonStr": "{\\"msg_list\\": 7"}}}',
        b'{"listener": 1, "answer": {"data": {"msgList": {"type": 1}}}}',
        gzip.compress(b"[" * LONGEST_INFLATED, mtime=0),
    )
    quiet = 1.0

    def __init__(self) -> None:
        self._delay = self._ahead = 0.0
        self._items: dict[str, Json] = {}
        self._made: Channels | None = None

    async def __aenter__(self) -> "ChannelsRig":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def connector(self) -> Channels:
        self._made = Channels("channels", SECRET, "talk", now=time.time, quiet=self.quiet)
        return self._made

    async def say(self, line: Line) -> None:
        await self._until_taken(self.body([self._written(line)]))

    async def say_again(self, id: str) -> None:
        await self._until_taken(self.body([self._items[id]]))

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        await self._until_taken(self.body([self._written(line) for line in lines][::-1]))

    async def cut(self, line: Line) -> None:
        body = self.body([self._written(line)])
        packed = gzip.compress(body)
        assert (await self._post(body[: len(body) // 2])).status == 400
        assert (await self._post(packed[: len(packed) // 2])).status == 400
        await self._until_taken(packed)

    async def oversized(self) -> None:
        assert (await self._post(gzip.compress(bytes(LONGEST_INFLATED + 1)))).status == 413

    async def feed(self, payload: bytes) -> None:
        assert (await self._post(payload)).status in (200, 400, 413)

    async def disconnect(self, state: str) -> None:
        await self._until_taken(self.body([]))
        await asyncio.sleep(self.quiet + 0.2)

    def slow(self, seconds: float) -> None:
        self._delay = seconds

    def clock_off(self, seconds: float) -> None:
        self._ahead = seconds

    async def echo_own(self, text: str) -> None:
        own = {**self._written(Line("broadcaster", text, "own")), "isSelf": True}
        await self._until_taken(self.body([own]))

    def item(self, line: Line) -> Json:
        return {
            "type": 1,
            "clientMsgId": f"comment_{line.id}",
            "seq": str(len(self._items)),
            "content": line.text,
            "nickname": line.user,
            "username": f"v8_{line.user}",
        }

    def body(self, items: Sequence[Json]) -> bytes:
        data = {"liveInfo": {"liveId": "77", "onlineCnt": 3}, "msgList": items, "appMsgList": []}
        return json.dumps({"listener": 1, "live_id": "77", "answer": {"errCode": 0, "data": data}}).encode()

    def _written(self, line: Line) -> Json:
        return self._items.setdefault(line.id, self.item(line))

    async def _post(self, body: bytes) -> HookReply:
        assert self._made
        await asyncio.sleep(self._delay)
        return await self._made.hook(posted({"X-Floormic-Secret": SECRET}, body))

    async def _until_taken(self, body: bytes) -> None:
        while (reply := await self._post(body)).status != 200:
            assert reply.status == 503, reply
            await asyncio.sleep(0.02)


class ForwardedChannelsRig(ChannelsRig):
    """A listener that others wrote: events with times, and silence while nobody says anything."""

    way = "forwarded"
    cannot: ClassVar = {"disconnect": "such a listener posts only what was said; nobody can tell that it is gone"}
    states = ()
    hostile = (
        b'{"events": [{"decoded_type": "comment", "msg_id": [], "content": {}, "msg_time": "x"}]}',
        b'{"events": {"decoded_type": "comment"}, "decoded_data": []}',
        b'{"decoded_data": {"events": [7, null, {"decoded_type": 1}], "live_info": []}}',
    )

    def item(self, line: Line) -> Json:
        return {
            "decoded_type": "comment",
            "msg_sub_type": 1,
            "msg_id": f"finderlive_usermsg_comment_{line.id}",
            "seq": str(len(self._items)),
            "msg_time": round((time.time() + self._ahead) * 1000),
            "sec_openid": f"v8_{line.user}@flstranger",
            "nickname": line.user,
            "content": line.text,
        }

    def body(self, items: Sequence[Json]) -> bytes:
        host = {"finder_username": "v2_060000231003b203@finder"}
        return json.dumps({"host_info": host, "live_info": {"live_id": "77"}, "events": items}).encode()
