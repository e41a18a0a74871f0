"""A whole hall for the tests of the web side: a real store, a real desk, and clients with their own cookies."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from numpy.typing import NDArray

from bot.accounts import Actor, Grant
from bot.app.trends import SeriesTrends
from bot.courses import Courses
from bot.desk import Desk
from bot.errors import StoreError
from bot.live import Live
from bot.model import (
    Abilities,
    CourseMatch,
    Delivery,
    Likely,
    Message,
    Placed,
    Placement,
    Preview,
    Session,
    SourceReport,
)
from bot.polls import Polls
from bot.ports import Floor, HookReply, HookRequest
from bot.storage.sqlite import SqliteStore
from bot.transcripts import Transcripts
from bot.trying import Tryouts
from bot.web.limits import Limits
from bot.web.server import make_web
from bot.web.signin import SignIn
from bot.web.site import ReportWish
from bot.web.source_json import Configured
from tests.bot.encoders import SameWords
from tests.bot.values import state

SECRET = b"a secret for the tests only"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Clock:
    """Time that tests move."""

    time: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Echo:
    """A connector that answers its hook with what it got."""

    name: str = "echo"
    abilities: Abilities = field(default_factory=Abilities)
    failure: Exception | None = None

    async def run(self, floor: Floor) -> None: ...

    async def send(self, delivery: Delivery) -> str:
        return ""

    async def hook(self, request: HookRequest) -> HookReply:
        if self.failure is not None:
            raise self.failure
        return HookReply(202, request.body + request.headers.get("x-mark", "").encode(), "text/plain")

    async def close(self) -> None: ...


class Files:
    """Reports that say how they were wanted."""

    async def session(self, id: str, wanted: ReportWish) -> tuple[bytes, str]:
        return repr((id, wanted)).encode(), "text/plain; charset=utf-8"

    async def series(self, name: str, wanted: ReportWish) -> tuple[bytes, str]:
        return await self.session(name, wanted)


@dataclass
class Hall:
    """`client()` is somebody with an own cookie jar; `sign_in` makes links."""

    store: SqliteStore
    live: Live
    desk: Desk
    sign_in: SignIn
    clock: Clock
    server: TestServer
    echo: Echo
    courses: Courses
    tryouts: Tryouts
    transcripts: Transcripts
    full: bool = False  # the store cannot take anything
    likely: Preview = field(default_factory=Preview)  # what would become of any text
    same: dict[tuple[str | int, ...], list[Likely]] = field(
        default_factory=dict
    )  # by question and some of its wordings
    sources: list[SourceReport] = field(default_factory=list)
    clients: list[TestClient[Any, Any]] = field(default_factory=list)
    root: Actor = field(default_factory=lambda: Actor("", "the test"))

    def client(self) -> "Browser":
        client = TestClient(self.server)
        self.clients.append(client)
        return Browser(client)

    async def signed_in(self, role: str, session: str = "", name: str = "Mo") -> "Browser":
        browser = self.client()
        token = self.sign_in.link(role, name, session)
        entered = await browser.post(f"/signin/{token}")
        assert entered.status == 303, await entered.text()
        return browser

    async def raw(self, path: str, header: bytes) -> int:
        """The status for somebody who sends this header as it is."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(b"GET %s HTTP/1.0\r\nHost: x\r\n%s\r\n\r\n" % (path.encode(), header))
        status = int((await reader.readline()).split()[1])
        writer.close()
        return status

    async def person(self, *grants: Grant, name: str = "Pat") -> "Browser":
        """Somebody new with these roles, signed in."""
        token, _ = await self.sign_in.invite(grants, name, 3600, self.root)
        browser = self.client()
        entered = await browser.post(f"/signin/{token}")
        assert entered.status == 303, await entered.text()
        return browser

    async def asks(
        self,
        text: str = "Is there a recording?",
        question: str = "q1",
        session: str = "talk",
        answer: CourseMatch | None = None,
    ) -> None:
        """Somebody asks in a chat, and it becomes a question, to which the course says so."""
        n = len(await self.store.placements(session)) + 1
        await self.store.receive([Message(session, "chat", f"{question}-{n}", f"u{n}", f"U{n}", text, 100.0 + n)])
        await self.place(question, session, answer)

    async def place(self, question: str, session: str = "talk", answer: CourseMatch | None = None) -> None:
        """What waits becomes `question`, or joins it."""
        standing = {q.id for q in await self.store.questions(session)}
        for one in await self.store.pending(session, 100):
            first = state(question, title=one.text)
            founds = None if question in standing else replace(first, session=session)
            placement = Placement(one.id, True, 0.9, question, answer=answer)
            await self.store.place(session, [Placed(placement, founds=founds)])
            standing.add(question)
        self.live.changed(session)


@dataclass
class Browser:
    """Sends what a browser sends from our own pages."""

    client: TestClient[Any, Any]

    async def get(self, path: str, **more: Any) -> ClientResponse:
        return await self.client.get(path, allow_redirects=False, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> ClientResponse:
        return await self.send("POST", path, body, **more)

    async def send(self, method: str, path: str, body: Any = None, **more: Any) -> ClientResponse:
        headers = {**SAME_SITE, **more.pop("headers", {})}
        return await self.client.request(method, path, json=body, headers=headers, allow_redirects=False, **more)

    async def ask(self, text: str, **more: Any) -> ClientResponse:
        return await self.post("/api/v1/sessions/talk/messages", {"text": text, **more})

    async def act(self, do: str, questions: Sequence[str], **more: Any) -> ClientResponse:
        return await self.post("/api/v1/sessions/talk/actions", {"do": do, "questions": list(questions), **more})

    async def queue(self, since: int = 0) -> dict[str, Any]:
        answer = await self.get(f"/api/v1/sessions/talk/questions?since={since}")
        assert answer.status == 200
        return dict(await answer.json())

    async def json(self, path: str) -> Any:
        answer = await self.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    def cookie(self, name: str) -> Any:
        return self.client.session.cookie_jar.filter_cookies(self.client.make_url("/")).get(name)


@asynccontextmanager
async def open_hall(
    store: SqliteStore,
    *,
    public_url: str = "",
    trusted: Sequence[str] = (),
    limits: Limits | None = None,
    prepare: Callable[[web.Application], None] = lambda app: None,
    replying: frozenset[str] = frozenset(),
    zone: tzinfo = UTC,
    **watched: Any,
) -> AsyncIterator[Hall]:
    """A served hall; `prepare` may change the application before it starts; these chats can be replied to. `watched`:
    what `make_web` takes of condition, observer and metrics."""
    clock, live, echo = Clock(), Live(store, pause=0.005), Echo()
    polls = Polls(store, live.changed, clock)
    desk = Desk(
        store,
        live.changed,
        clock,
        settled=lambda id: live.changed(id, "session"),
        polls_changed=polls.changed,
        replying=lambda: replying,
    )
    sign_in = SignIn(SECRET, store, clock)

    async def receive(messages: Sequence[Message]) -> int:
        if hall.full:
            raise StoreError("the disk is full")
        return await store.receive(messages)

    async def look_up(session: str, text: str) -> Preview:
        return hall.likely

    async def likely(session: str, question: str, messages: Collection[int]) -> Sequence[Likely]:
        return hall.same.get((question, *messages), [])

    async def sources_now() -> Sequence[SourceReport]:
        return hall.sources

    async def encode(texts: Sequence[str], told: Callable[[int, int], None]) -> NDArray[np.float32]:
        return SameWords().encode(texts)

    async def put(who: str, session: Session, folder: str) -> int | None:
        await store.save_session(replace(session, course=folder))
        return 1

    folder = tempfile.TemporaryDirectory()
    courses = Courses(
        Path(folder.name), store.sessions, clock, put=put, changed=lambda session: live.changed(session, "course")
    )
    tryouts = Tryouts(clock, lambda session: live.changed(session, "tryout"))

    transcripts = Transcripts(
        store, clock, encode=encode, put=desk.aloud, changed=lambda session: live.changed(session, "transcript")
    )

    app = make_web(
        store=store,
        desk=desk,
        polls=polls,
        live=live,
        receive=receive,
        look_up=look_up,
        likely=likely,
        hooks={"echo": echo},
        sign_in=sign_in,
        now=clock,
        zone=zone,
        public_url=public_url,
        trusted_proxies=trusted,
        reports=Files(),
        trends=SeriesTrends(store).of,
        sources_now=sources_now,
        courses=courses,
        tryouts=tryouts,
        transcripts=transcripts,
        configured={"talk-chat": Configured("chat", "talk"), "other-chat": Configured("chat", "other")},
        sources={"chat": {"zh": "聊天", "en": "The chat"}},
        limits=limits,
        replying=lambda: replying,
        **watched,
    )
    prepare(app)
    server = TestServer(app)
    hall = Hall(store, live, desk, sign_in, clock, server, echo, courses, tryouts, transcripts)
    await store.save_session(Session("other", "Another talk", language="zh"))
    await server.start_server()
    try:
        yield hall
    finally:
        await transcripts.close()
        for client in hall.clients:
            await client.close()
        await server.close()
        folder.cleanup()
