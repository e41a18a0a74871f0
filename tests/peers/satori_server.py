"""A Satori server made of `satori-python-server`. What comes on stdin (an event's fields as JSON, one a line) happens,
and what it is asked is printed as JSON. Arguments: port, token."""

import asyncio
import json
import sys
from datetime import datetime
from typing import ClassVar

from satori import Api, EventType, Login, LoginStatus, MessageObject, User
from satori.model import Channel, ChannelType, Event
from satori.server import Adapter, Request, Server

PORT, TOKEN = int(sys.argv[1]), sys.argv[2]
ME = Login(sn=0, status=LoginStatus.ONLINE, adapter="peer", platform="peer", user=User("bot-1", name="Floormic"))


class Peer(Adapter):
    required: ClassVar[set[str]] = set()
    stages: ClassVar[set[str]] = {"blocking"}

    def get_platform(self):
        return "peer"

    def ensure(self, platform, self_id):
        return (platform, self_id) == ("peer", "bot-1")

    async def handle_internal(self, request, path):
        raise NotImplementedError

    async def get_logins(self):
        return [ME]

    async def publisher(self):
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            given = json.loads(line)
            yield Event(
                EventType.MESSAGE_CREATED,
                datetime.now(),
                ME,
                channel=Channel("c1", ChannelType.TEXT),
                user=User(given["user"], name=given["user"]),
                message=MessageObject(given["id"], given["content"]),
            )

    async def launch(self, manager):
        async with self.stage("blocking"):
            await manager.status.wait_for_sigexit()


server = Server(host="127.0.0.1", port=PORT, token=TOKEN)
peer = Peer()
server.apply(peer)


@peer.route(Api.MESSAGE_CREATE)
async def create(request: Request):
    print(json.dumps({"create": request.params}), flush=True)
    return [MessageObject("s1", request.params["content"])]


@peer.route(Api.MESSAGE_UPDATE)
async def update(request: Request):
    print(json.dumps({"update": request.params}), flush=True)


server.run()
