"""Our own Tencent: the classroom's API (LCIC) and Tencent Meeting's, as documented, and able to misbehave.

The classroom's side is checked by Tencent's own SDK for Python.
"""

import asyncio
import base64
import csv
import hashlib
import hmac
import io
import json
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, ClassVar

from aiohttp import web

from bot.connectors.tencent_classroom import Classroom, Meetings
from bot.connectors.tencent_classroom.classroom import Voice
from bot.connectors.tencent_classroom.client import Lcic, Meeting
from tests.bot.connectors.contract import Line, Rig
from tests.bot.connectors.listening import posted
from tests.waiting import until

SECRET_ID, SECRET_KEY = "AKIDfake0000000000000000", "fake-secret-key-of-tencent"
APP, ROOM = 3520371, 352320437
ACCOUNT = "floormic-bot"
APP_ID, SDK_ID, ADMIN = "2000000001", "1500000002", "admin"
MEETING, NUMBER = "13339451618278424869", "445999969"
TOKEN = "TokenOfTheWebhook12345678"
LONGEST = 12 * 1024
Json = dict[str, Any]
Do = Callable[[], Awaitable[web.Response]]
Mood = Callable[[web.Request, Do], Awaitable[web.StreamResponse]]


class No(Exception):
    """An error of Tencent Cloud, or of Tencent Meeting where the code is a number."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def html(status: int = 502) -> Mood:
    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return web.Response(status=status, text="<html>Bad Gateway</html>", content_type="text/html")

    return mood


def raw(payload: bytes) -> Mood:
    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return web.Response(body=payload, content_type="application/json")

    return mood


def refuse(code: str) -> Mood:
    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        return cloud_error(code)

    return mood


def mute(seconds: float) -> Mood:
    """Done, but no answer comes."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        await do()
        await asyncio.sleep(seconds)
        return web.Response(status=504)

    return mood


def cut_off(share: float = 0.5) -> Mood:
    """Done, but the connection breaks in the middle of the answer; at 0 before it."""

    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        body = bytes((await do()).body or b"")  # type: ignore[arg-type]
        answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
        if share:
            await answer.prepare(request)
            await answer.write(body[: int(len(body) * share)])
        if request.transport:
            request.transport.close()
        return answer

    return mood


def endless(size: int) -> Mood:
    async def mood(request: web.Request, do: Do) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        for _ in range(size // 65536):
            await answer.write(b" " * 65536)
        return answer

    return mood


def cloud_error(code: str) -> web.Response:
    error = {"Code": code, "Message": f"refused: {code}"}
    return web.json_response({"Response": {"Error": error, "RequestId": "r-0"}})


class FakeTencent:
    """`says` is what a person says in the classroom's room, `wrote` what the bot did there, `calls` all that was asked.

    `exports` are the files of meetings: (begins, ends, path); `files` what lies at a path. `will(what, *moods)` makes
    the next calls of an action, "im-details" or "file" misbehave. More than 20 calls a second are refused and noted in
    `violations`. `ahead` is how far the platform's clock is ahead of ours.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.violations: list[str] = []
        self.room: list[Json] = []
        self.hidden: set[int] = set()
        self.exports: dict[str, list[tuple[str, str, str]]] = {}
        self.files: dict[str, bytes] = {}
        self.order: Callable[[list[Json]], list[Json]] = lambda page: page[::-1]
        self.ahead = self.delay = 0.0
        self._moods: dict[str, deque[Mood]] = {}
        self._recent: deque[float] = deque()
        self._seq = 100

    async def __aenter__(self) -> "FakeTencent":
        app = web.Application()
        app.router.add_post("/", self._cloud)
        app.router.add_get("/v1/meeting/{meeting}/im-details", self._details)
        app.router.add_get("/files/{path}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._runner.addresses[0][1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def now(self) -> float:
        return time.time() + self.ahead

    def will(self, what: str, *moods: Mood) -> None:
        self._moods.setdefault(what, deque()).extend(moods)

    def waiting(self, what: str) -> int:
        return len(self._moods.get(what, ()))

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition, why=lambda: f"asked: {self.calls[-10:]}")

    # The classroom

    def says(self, account: str, text: str, **fields: Any) -> Json:
        self._seq += 1
        body = [{"MessageType": 0, "TextMessage": text}]
        said = {"Timestamp": int(self.now()), "FromAccount": account, "Seq": self._seq, "MessageBody": body, **fields}
        self.room.append(said)
        return said

    def asked(self, action: str) -> list[Json]:
        return [wanted for what, wanted in self.calls if what == action]

    def wrote(self) -> list[str]:
        return [one["MessageBody"][0]["TextMessage"] for one in self.room if one["FromAccount"] in (ACCOUNT, "system")]

    async def _cloud(self, request: web.Request) -> web.StreamResponse:
        action = request.headers.get("X-TC-Action", "")
        await asyncio.sleep(self.delay)

        async def do() -> web.Response:
            try:
                await self._allowed(request, await request.read())
                wanted = json.loads(await request.read())
                self.calls.append((action, wanted))
                answer = self._act(action, wanted)
            except No as error:
                return self._dated(cloud_error(error.code))
            return self._dated(web.json_response({"Response": {**answer, "RequestId": f"r-{len(self.calls)}"}}))

        return await self._moody(action, request, do)

    async def _moody(self, what: str, request: web.Request, do: Do) -> web.StreamResponse:
        moods = self._moods.get(what)
        return await (moods.popleft()(request, do) if moods else do())

    def _dated(self, answer: web.Response) -> web.Response:
        # As Tencent has it: its SDK looks for errors in this very type only.
        answer.headers["Content-Type"] = "application/json"
        answer.headers["Date"] = format_datetime(datetime.fromtimestamp(self.now(), UTC), usegmt=True)
        return answer

    async def _allowed(self, request: web.Request, body: bytes) -> None:
        """As the document checks a request: signature, clock, then how many there were."""
        headers = request.headers
        stamp = headers.get("X-TC-Timestamp", "0")
        if abs(self.now() - int(stamp)) > 300:
            raise No("AuthFailure.SignatureExpire")
        if headers.get("Authorization") != expected_tc3(headers, body):
            raise No("AuthFailure.SignatureFailure")
        if headers.get("X-TC-Version") != "2022-08-17":
            raise No("NoSuchVersion")
        now = time.monotonic()
        self._recent.append(now)
        while now - self._recent[0] > 1:
            self._recent.popleft()
        if len(self._recent) > 20:
            self.violations.append("more than 20 calls in a second")
            raise No("RequestLimitExceeded")

    def _act(self, action: str, wanted: Json) -> Json:
        if wanted.get("SdkAppId") != APP:
            raise No("InvalidParameter.SdkAppId")
        if wanted.get("RoomId") != ROOM:
            raise No("ResourceNotFound.Room")
        if action == "GetRoomMessage":
            before = wanted.get("Seq") or 2**62
            shown = [one for one in self.room if one["Seq"] < before and one["Seq"] not in self.hidden]
            return {"Messages": self.order(sorted(shown, key=lambda one: one["Seq"])[-wanted.get("Limit", 10) :])}
        if action == "SendRoomNormalMessage":
            if len(json.dumps(wanted["MsgBody"], ensure_ascii=False).encode()) > LONGEST:
                raise No("InvalidParameterValue")
            if not wanted.get("FromAccount"):
                raise No("MissingParameter")
            self.says(wanted["FromAccount"], "".join(part["TextMsgContent"]["Text"] for part in wanted["MsgBody"]))
            return {}
        if action == "SendRoomNotificationMessage":
            self.says("system", wanted["MsgContent"])
            return {}
        raise No("InvalidAction")

    # The meetings

    def export(self, begins: str, ends: str, name: str, data: bytes, meeting: str = MEETING) -> None:
        self.files[name] = data
        kept = [one for one in self.exports.get(meeting, []) if one[2] != name]
        self.exports[meeting] = [*kept, (begins, ends, name)]

    async def _details(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)

        async def do() -> web.Response:
            try:
                files = self._listed(request)
            except No as error:
                info = {"error_code": int(error.code), "new_error_code": int(error.code), "message": "refused"}
                return self._dated(web.json_response({"error_info": info}, status=400))
            return self._dated(web.json_response({"download_file": files}))

        return await self._moody("im-details", request, do)

    def _listed(self, request: web.Request) -> list[Json]:
        headers, meeting = request.headers, request.match_info["meeting"]
        self.calls.append(("im-details", {"meeting": meeting, **request.query}))
        if headers.get("AppId") != APP_ID or headers.get("X-TC-Key") != SECRET_ID or headers.get("SdkId") != SDK_ID:
            raise No("190303")
        stamp = headers.get("X-TC-Timestamp", "0")
        lines = f"X-TC-Key={SECRET_ID}&X-TC-Nonce={headers.get('X-TC-Nonce')}&X-TC-Timestamp={stamp}"
        to_sign = f"GET\n{lines}\n{request.raw_path}\n"
        digest = hmac.new(SECRET_KEY.encode(), to_sign.encode(), "sha256").hexdigest()
        if headers.get("X-TC-Signature") != base64.b64encode(digest.encode()).decode():
            raise No("200003")
        if abs(self.now() - int(stamp)) > 300:
            raise No("190302")
        if request.query.get("operator_id") != ADMIN or request.query.get("operator_id_type") != "1":
            raise No("500133")
        if meeting not in self.exports:
            raise No("201003")
        return [
            {
                "start_time": begins,
                "end_time": ends,
                "download_url": path if "://" in path else f"{self.url}/files/{path}",
            }
            for begins, ends, path in self.exports[meeting]
        ]

    async def _file(self, request: web.Request) -> web.StreamResponse:
        async def do() -> web.Response:
            data = self.files.get(request.match_info["path"])
            return web.Response(status=404) if data is None else web.Response(body=data)

        await asyncio.sleep(self.delay)
        return await self._moody("file", request, do)


def expected_tc3(headers: Mapping[str, str], body: bytes) -> str:
    """The header that a request should have had, made step by step as the document does, from the headers it names."""
    given = headers.get("Authorization", "")
    names = given.partition("SignedHeaders=")[2].partition(",")[0]
    canonical = "".join(f"{name}:{headers.get(name, '').strip().lower()}\n" for name in names.split(";"))
    digest = hashlib.sha256(body).hexdigest()
    request = f"POST\n/\n\n{canonical}\n{names}\n{digest}"
    stamp = int(headers.get("X-TC-Timestamp", "0"))
    date = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/lcic/tc3_request"
    to_sign = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = ("TC3" + SECRET_KEY).encode()
    for step in (date, "lcic", "tc3_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{scope}, SignedHeaders={names}, Signature={signature}"


def event(name: str = "meeting.end", meeting: str = MEETING, number: str = NUMBER) -> bytes:
    """An event as the documents show it."""
    info = {"meeting_id": meeting, "meeting_code": number, "subject": "MES", "start_time": 1608522626}
    part = {"operate_time": 1609313201465, "meeting_end_type": 0, "meeting_info": info}
    return json.dumps({"event": name, "trace_id": "e7aa65dd", "payload": [part]}).encode()


def hooked(data: str, at: float | None = None, token: str = TOKEN) -> dict[str, str]:
    """The headers of a webhook that carries `data`."""
    stamp, nonce = str(int((time.time() if at is None else at) * 1000)), str(random.randrange(10**8))
    signature = hashlib.sha1("".join(sorted([token, stamp, nonce, data])).encode()).hexdigest()
    return {"timestamp": stamp, "nonce": nonce, "signature": signature}


def lcic(server: FakeTencent, **changed: Any) -> Classroom:
    key, room = changed.pop("key", SECRET_KEY), changed.pop("room", ROOM)
    options: Json = {"every": 0.05, "page": 10, "now": time.time, "voice": Voice(ACCOUNT, "Floormic"), **changed}
    client = Lcic(server.url, SECRET_ID, key, APP, room, options["now"])
    return Classroom("tencent_classroom", "talk", client, room, options.pop("voice"), **options)


def meetings(server: FakeTencent, *wanted: str, **changed: Any) -> Meetings:
    key, operator = changed.pop("key", SECRET_KEY), changed.pop("operator", ADMIN)
    hosts, token = changed.pop("hosts", (server.url,)), changed.pop("token", TOKEN)
    options: Json = {"every": 0.05, "soon": 0.05, "now": time.time, **changed}
    client = Meeting(server.url, SECRET_ID, key, APP_ID, SDK_ID, operator, hosts, options["now"])
    return Meetings("tencent_classroom", "talk", client, wanted or (MEETING,), token, **options)


class LcicRig(Rig):
    """A room of the classroom."""

    kind = "tencent_classroom"
    way = "lcic"
    secrets = (SECRET_KEY,)
    states = ("greeting", "listening")
    hostile = (
        b'{"Response": {}}',
        b'{"Response": {"Messages": {"Seq": 1}}}',
        b'{"Response": {"Error": "x"}}',
        b'{"Response": {"Error": {"Code": ["a"], "Message": 7}}}',
        b'{"Response": {"Messages": [null, {"Seq": "1"}, {"Seq": 1e400}, {"Seq": -5, "FromAccount": "a"}, [[]]]}}',
        b'{"Response": {"Messages": [{"Seq": 1, "FromAccount": "a", "Timestamp": "x", "MessageBody": [7, {}]}]}}',
    )
    cannot: ClassVar = {}

    def __init__(self) -> None:
        self.server = FakeTencent()
        self._lines: dict[str, Json] = {}

    async def __aenter__(self) -> "LcicRig":
        await self.server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)
        assert not self.server.violations

    def connector(self) -> Classroom:
        return lcic(self.server)

    async def say(self, line: Line) -> None:
        self._lines[line.id] = self.server.says(line.user, line.text)

    async def say_again(self, id: str) -> None:
        self.server.room.append(self._lines[id])

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        said = [self.server.says(line.user, line.text)["Seq"] for line in lines]
        self.server.hidden.update(said)
        for seq in reversed(said):
            self.server.hidden.discard(seq)
            await self._polled()

    async def cut(self, line: Line) -> None:
        self.server.will("GetRoomMessage", cut_off())
        await self.say(line)

    async def oversized(self) -> None:
        await self._next(endless(16 * 1024 * 1024))

    async def feed(self, payload: bytes) -> None:
        await self._next(raw(payload))

    async def disconnect(self, state: str) -> None:
        await self._next(cut_off(0))

    def slow(self, seconds: float) -> None:
        self.server.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.server.ahead = seconds

    async def echo_own(self, text: str) -> None:
        self.server.says(ACCOUNT, text)

    def refuse_send(self) -> None:
        self.server.will("SendRoomNormalMessage", refuse("FailedOperation.ClassEnded"))

    def limit_send(self, seconds: float) -> None:
        self.server.will("SendRoomNormalMessage", refuse("RequestLimitExceeded"))

    def time_out_after_send(self) -> None:
        self.server.will("SendRoomNormalMessage", mute(5))

    def sent(self) -> list[str]:
        return self.server.wrote()

    async def _next(self, mood: Mood) -> None:
        self.server.will("GetRoomMessage", mood)
        await self.server.until(lambda: not self.server.waiting("GetRoomMessage"))

    async def _polled(self) -> None:
        count = len(self.server.calls)
        await self.server.until(lambda: len(self.server.calls) >= count + 2)


OVER = "nothing can be said in a meeting that is over"


class MeetingRig(Rig):
    """A meeting whose chat grows in one file."""

    kind = "tencent_classroom"
    way = "meeting"
    secrets = (SECRET_KEY, TOKEN)
    states = ("greeting", "listening")
    cannot: ClassVar = {
        "echo_own": "the bot says nothing in a meeting that is over",
        "say_out_of_order": "a file has its lines in one order, and its end grows",
        **dict.fromkeys(("refuse_send", "limit_send", "time_out_after_send", "sent"), OVER),
    }
    hostile = (
        b'{"download_file": {"a": 1}}',
        b'{"download_file": [null, {"download_url": 7}, {"download_url": "ht!tp://[::1"}, {}]}',
        b'{"download_file": [{"download_url": "http://169.254.169.254/latest", "start_time": 7}]}',
        b'{"error_info": "x"}',
        b'{"error_info": {"error_code": [7]}}',
    )

    def __init__(self) -> None:
        self.server = FakeTencent()
        self._rows: list[tuple[str, str, str]] = []
        self._again = 0

    async def __aenter__(self) -> "MeetingRig":
        await self.server.__aenter__()
        self.server.exports[MEETING] = []
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    def connector(self) -> Meetings:
        return meetings(self.server)

    async def say(self, line: Line) -> None:
        self._rows.append((str(int(self.server.now())), line.user, line.text))
        self._publish()

    async def say_again(self, id: str) -> None:
        self._publish()

    async def cut(self, line: Line) -> None:
        self.server.will("file", cut_off())
        await self.say(line)

    async def oversized(self) -> None:
        await self._next(endless(16 * 1024 * 1024))

    async def feed(self, payload: bytes) -> None:
        await self._next(raw(payload))

    async def disconnect(self, state: str) -> None:
        await self._next(cut_off(0))

    def slow(self, seconds: float) -> None:
        self.server.delay = seconds

    def clock_off(self, seconds: float) -> None:
        self.server.ahead = seconds

    async def ended(self, made: Meetings) -> int:
        """The webhook says so; the status that it gets."""
        data = base64.b64encode(event()).decode().rstrip("=")
        return (await made.hook(posted(hooked(data), json.dumps({"data": data}).encode()))).status

    def _publish(self) -> None:
        """The file as it is now, under a later end."""
        self._again += 1
        text = io.StringIO()
        csv.writer(text).writerows([("发送时间", "昵称", "内容"), *self._rows])
        begins = int(time.time())
        self.server.exports[MEETING] = []
        self.server.export(str(begins), str(begins + self._again), "chat.csv", text.getvalue().encode("utf-8-sig"))

    async def _next(self, mood: Mood) -> None:
        self.server.will("im-details", mood)
        await self.server.until(lambda: not self.server.waiting("im-details"))
