"""Whatever people do and however often a page is cut off: what it had and was told is what a newcomer gets."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bot.storage.sqlite import open_store
from bot.web.limits import Limits, Rate
from tests.bot.values import TALK
from tests.bot.web.hall import Browser, Hall, open_hall

T = TypeVar("T")
API = "/api/v1/sessions/talk"
QUESTIONS = [f"q{n}" for n in range(1, 6)]
WATCHERS = ["viewer", "another viewer", "moderator", "another moderator"]
FAST = Rate(1e6, 1e6)
PATIENCE = 10.0
"""Seconds within which every page must hear what was done."""


class Page:
    """What a browser's page keeps of a session (`static/live.js`): its questions and the last word of every topic."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.questions: dict[str, Any] = {}
        self.topics: dict[str, Any] = {}
        self.revision = 0
        self._set: Any = None
        self._first = True
        self._reading: asyncio.Task[None] | None = None
        self.heard = asyncio.Event()

    async def start(self) -> None:
        """Everything anew, then whatever is told."""
        await self.cut()
        view = await self._browser.queue()
        self.questions = {q["id"]: q for q in view["questions"] if not q.get("gone")}
        self.revision = view["revision"]
        await self.listen()

    async def listen(self, by_header: bool = False) -> None:
        """Go on from what it knows: as the address says, or as browsers say it that connect again by themselves."""
        headers = {"Last-Event-ID": str(self.revision)} if by_header else {}
        path = f"{API}/events?since={0 if by_header else self.revision}"
        response = await self._browser.get(path, headers=headers)
        assert response.status == 200
        self._first = True
        self._reading = asyncio.create_task(self._read(response))
        # Looked at, or Python tells of it when it tidies up, in the middle of another test (where `ast.parse` of 3.11
        # fails then). `is_whole` raises it.
        self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def cut(self) -> None:
        """The network is gone."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    @property
    def is_cut(self) -> bool:
        return self._reading is None

    @property
    def is_whole(self) -> bool:
        """Whether it has heard how things stand. Raises what broke it."""
        if self._reading is not None and self._reading.done():
            self._reading.result()
        return bool(self.topics)

    async def _read(self, response: Any) -> None:
        buffer = b""
        try:
            while data := await response.content.readany():
                *blocks, buffer = (buffer + data).split(b"\n\n")
                for block in blocks:
                    fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if ": " in line)
                    if "event" in fields and not self._take(fields["event"], json.loads(fields["data"])):
                        self._reading = asyncio.create_task(self._anew())
                        return
                self.heard.set()
        finally:
            response.close()
            self.heard.set()

    async def _anew(self) -> None:
        self._reading = None
        await self.start()

    def _take(self, event: str, said: Any) -> bool:
        """False where all must be read anew: what is to be seen changed while nobody listened."""
        if event == "questions":
            for question in said["questions"]:
                self._put(question)
            self.revision = max(self.revision, said["revision"])
            return True
        self.topics[event] = said
        if event != "session":
            return True
        before, self._set = self._set, (said["review"], said["ledger"])
        first, self._first = self._first, False
        return not first or before in (None, self._set)

    def _put(self, question: Any) -> None:
        known = self.questions.get(question["id"])
        if known and known["revision"] > question["revision"]:
            return
        if question.get("gone"):
            self.questions.pop(question["id"], None)
        else:
            self.questions[question["id"]] = question

    def shows(self) -> Mapping[str, Any]:
        return {"questions": self.questions, "topics": self.topics}


class Watching(RuleBasedStateMachine):
    """What may happen while four pages are open."""

    @initialize()
    def begin(self) -> None:
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.run(self._open())

    async def _open(self) -> None:
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        store = await open_store(Path(folder) / "hall.db")
        self.stack.push_async_callback(store.close)
        limits = Limits(viewer_pause=0.01, messages=FAST, votes=FAST, writes=FAST)
        await store.save_session(TALK)
        self.hall: Hall = await self.stack.enter_async_context(open_hall(store, limits=limits))
        self.moderator = await self.hall.signed_in("organiser")
        self.pages = {name: Page(await self._browser(name)) for name in WATCHERS}
        for page in self.pages.values():
            await page.start()

    async def _browser(self, name: str) -> Browser:
        return await self.hall.signed_in("moderator", name=name) if "moderator" in name else self.hall.client()

    def run(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.runner.run(wait())

    async def _does(self, method: str, path: str, body: Any = None, browser: Browser | None = None) -> None:
        """Done, or refused as the rules want it."""
        answer = await (browser or self.moderator).send(method, API + path, body)
        assert answer.status < 500, await answer.text()

    @rule(question=st.sampled_from(QUESTIONS), more=st.integers(1, 3))
    def ask(self, question: str, more: int) -> None:
        for _ in range(more):
            self.run(self.hall.asks(f"What about {question}?", question))

    @rule(
        do=st.sampled_from(["approve", "dismiss", "reopen", "stage", "unstage", "pin", "unpin", "next"]),
        question=st.sampled_from(QUESTIONS),
    )
    def act(self, do: str, question: str) -> None:
        self.run(self._does("POST", "/actions", {"do": do, "questions": [question]}))

    @rule(
        do=st.sampled_from(["merge", "apart"]),
        question=st.sampled_from(QUESTIONS),
        into=st.sampled_from(QUESTIONS),
    )
    def act_on_two(self, do: str, question: str, into: str) -> None:
        self.run(self._does("POST", "/actions", {"do": do, "questions": [question], "into": into}))

    @rule(question=st.sampled_from(QUESTIONS), text=st.sampled_from(["Yes.", "No."]))
    def answer(self, question: str, text: str) -> None:
        self.run(self._does("POST", "/actions", {"do": "answer", "questions": [question], "text": text}))

    @rule(question=st.sampled_from(QUESTIONS), title=st.sampled_from(["Really?", "How so?"]))
    def edit(self, question: str, title: str) -> None:
        self.run(self._does("POST", "/actions", {"do": "edit", "questions": [question], "title": title}))

    @rule(message=st.integers(1, 8))
    def split(self, message: int) -> None:
        self.run(self._split(message))

    async def _split(self, message: int) -> None:
        lines = await self.hall.store.placements("talk")
        if message <= len(lines):
            held = [q.id for q in await self.hall.store.questions("talk") for a in await self.hall.store.asked(q.id)
                    if a.message.id == message]  # fmt: skip
            await self._does("POST", "/actions", {"do": "split", "questions": held[:1], "messages": [message]})

    @rule()
    def undo(self) -> None:
        self.run(self._does("POST", "/undo", {}))

    @rule(question=st.sampled_from(QUESTIONS), method=st.sampled_from(["PUT", "DELETE"]))
    def vote(self, question: str, method: str) -> None:
        self.run(self._does(method, f"/questions/{question}/vote", None, self.pages["viewer"]._browser))

    @rule(change=st.sampled_from([{"review": True}, {"review": False}, {"ledger": True}, {"title": "Another"}]))
    def set_up(self, change: Mapping[str, Any]) -> None:
        self.run(self._does("PATCH", "", dict(change)))

    @rule(change=st.sampled_from([{"limit": 60}, {"limit": 0}, {"blank": True}, {"blank": False}, {"restart": True}]))
    def change_the_stage(self, change: Mapping[str, Any]) -> None:
        self.run(self._does("POST", "/stage", dict(change)))

    @rule(on=st.booleans())
    def switch_the_pulse(self, on: bool) -> None:
        self.run(self._does("PUT", "/pulse", {"on": on}))

    @rule(do=st.sampled_from(["make", "start", "close", "show", "hide", "vote"]))
    def poll(self, do: str) -> None:
        self.run(self._poll(do))

    async def _poll(self, do: str) -> None:
        polls = await self.hall.store.polls("talk")
        if do == "make":
            await self._does("POST", "/polls", {"kind": "single", "title": "Which?", "options": ["A", "B"]})
        elif polls and do == "vote":
            path = f"/polls/{polls[-1].state.id}/vote"
            await self._does("PUT", path, {"choices": ["1"]}, self.pages["viewer"]._browser)
        elif polls:
            await self._does("POST", f"/polls/{polls[-1].state.id}/actions", {"do": do})

    @rule(name=st.sampled_from(WATCHERS))
    def cut(self, name: str) -> None:
        self.run(self.pages[name].cut())

    @rule(name=st.sampled_from(WATCHERS), by_header=st.booleans())
    def come_back(self, name: str, by_header: bool) -> None:
        if self.pages[name].is_cut:
            self.run(self.pages[name].listen(by_header))

    @rule()
    def compare(self) -> None:
        self.run(self._compare())

    async def _compare(self) -> None:
        """Those that were cut off come back first."""
        fresh = {kind: Page(await self._browser(kind)) for kind in ("viewer", "moderator")}
        for page in fresh.values():
            await page.start()
        for name, page in self.pages.items():
            if page.is_cut:
                await page.listen()
            await _same(page, fresh["moderator" if "moderator" in name else "viewer"])
        for page in fresh.values():
            await page.cut()

    def teardown(self) -> None:
        if hasattr(self, "pages"):
            try:
                self.run(self._compare())
            finally:
                self.run(self._close())
        if hasattr(self, "runner"):
            self.runner.close()

    async def _close(self) -> None:
        for page in self.pages.values():
            await page.cut()
        await self.stack.aclose()


async def _same(page: Page, fresh: Page) -> None:
    """Within our patience they show the same."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not (page.is_whole and fresh.is_whole and page.shows() == fresh.shows()):
                page.heard.clear()
                fresh.heard.clear()
                waits = [asyncio.ensure_future(one.heard.wait()) for one in (page, fresh)]
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for wait in waits:
                        wait.cancel()
    assert fresh.is_whole
    assert page.shows() == fresh.shows()


def test_snapshot_and_events_give_what_a_newcomer_gets() -> None:
    """Questions, stage, polls, pulse and settings, for viewers and for staff, through disconnects of every kind."""
    run_state_machine_as_test(
        Watching,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
