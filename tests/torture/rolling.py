"""Every process of an installation is restarted, one after the other, while people ask and watch."""

import asyncio
import contextlib
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from tests.installation import Installation, Process, encoder, hall, postgres
from tests.torture._posting import SECRET
from tests.torture.scenario import Run, scenario

RATE = 5.0
"""Messages a second."""

STREAMS = 6
AGAIN = 0.3
"""Seconds after which a sender tries once more what was not accepted."""

SETTLES = 2.5
"""Seconds after which the proxy has seen that a process is back."""

TOPICS = (
    "Will the talk be recorded?", "Are there slides?", "Is there homework?", "When is the next evening?",
    "How do I install it?", "Which book do you recommend?", "Can I ask in English?", "Is there a certificate?",
)  # fmt: skip


@dataclass
class Front:
    """The proxy before the web processes, as somebody outside sees it."""

    client: aiohttp.ClientSession

    async def post(self, id: str, text: str) -> int:
        """The status of a signed message, 0 where there was no answer."""
        from bot.connectors.intake import signature

        body = json.dumps({"id": id, "user": f"user {id}", "text": text}).encode()
        stamp = str(int(time.time()))
        headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(SECRET.encode(), stamp, body)}
        try:
            async with self.client.post("/in/lobby0", data=body, headers=headers) as reply:
                await reply.read()
                return reply.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return 0


@dataclass
class Sender:
    """Says something at a steady rate, and what was not accepted again until it is, as docs/intake.md asks."""

    front: Front
    said: dict[str, str] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    again: int = 0
    longest: float = 0.0

    async def run(self, over: asyncio.Event) -> None:
        began, pending = time.monotonic(), set()
        for number in range(1_000_000):
            if over.is_set():
                break
            pending.add(asyncio.ensure_future(self._say(number)))
            await asyncio.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))
        await asyncio.gather(*pending)

    async def _say(self, number: int) -> None:
        id, text = f"m{number}", TOPICS[number % len(TOPICS)] if number % 3 else f"Thanks for number {number}"
        self.said[id] = text
        began = time.monotonic()
        while (status := await self.front.post(id, text)) != 200:
            if status not in (0, 429, 502, 503, 504):
                raise RuntimeError(f"a message was answered with {status}")
            self.again += 1
            await asyncio.sleep(AGAIN)
        self.accepted.append(id)
        self.longest = max(self.longest, time.monotonic() - began)


@dataclass
class Page:
    """An open event stream that comes again as a browser does. `closed`: the longest that it was not open, in seconds;
    `questions`: what it was told, by id; `times`: how often it was open."""

    front: Front
    last: str = ""
    closed: float = 0.0
    times: int = 0
    retry: float = 1.0
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    _left: float = 0.0

    async def run(self) -> None:
        while True:
            headers = {"Last-Event-ID": self.last} if self.last else {}
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with self.front.client.get(f"/api/v1/sessions/{hall(0)}/events", headers=headers) as stream:
                    if stream.status == 200:
                        await self._listen(stream)
            self._left = self._left or time.monotonic()
            await asyncio.sleep(self.retry)

    async def _listen(self, stream: aiohttp.ClientResponse) -> None:
        self.times += 1
        while block := (await stream.content.readuntil(b"\n\n")).decode():
            if self._left:
                self.closed, self._left = max(self.closed, time.monotonic() - self._left), 0.0
            if found := re.search(r"^retry: (\d+)$", block, re.MULTILINE):
                self.retry = int(found[1]) / 1000
            if "event: questions" in block:
                (self.last,) = re.findall(r"^id: (\d+)$", block, re.MULTILINE)
                (data,) = re.findall(r"^data: (.*)$", block, re.MULTILINE)
                self.questions |= {one["id"]: one for one in json.loads(data)["questions"]}


@contextlib.asynccontextmanager
async def installed(run: Run, folder: Path) -> AsyncIterator[tuple[Installation, Process, Front]]:
    """PostgreSQL, an encoder, two web processes behind Caddy, two pipelines, connectors and an outbox."""
    from tests.bot.app.behind import HERE, Behind, caddy, free_ports, make_certificate, proxying

    port, plain = free_ports(2)
    files = await asyncio.to_thread(make_certificate, folder)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(postgres())
        service = await stack.enter_async_context(encoder(folder, light=run.short))
        outside = Behind("caddy", folder, port, plain, 0, files[0])
        web = f'public_url = "{outside.url}"\ntrusted_proxies = ["{HERE}"]\ndrain = 2\n'
        inst = Installation(
            folder, database=server.url(), model=f"unix:{folder / 'encoder.sock'}", language="en", web=web
        )
        for name in ("web0", "web1", "pipeline0", "pipeline1", "connectors", "outbox"):
            inst.add(name, name.rstrip("01"))
        stack.push_async_callback(inst.stop)
        await inst.start()
        command = caddy(folder, "Caddyfile-many", [one.port for one in inst.webs], port, plain, files)
        await stack.enter_async_context(proxying(command, folder, port))
        yield inst, service, Front(await stack.enter_async_context(outside.client()))


async def replayed(inst: Installation, said: Mapping[str, str], short: bool) -> int:
    """Of all questions, how many a plain replay of the same messages, in the same order, has otherwise."""
    from bot.app import load, open_hall
    from bot.app.stores import open_configured
    from bot.settings import SessionSettings, Settings, WebSettings
    from tests.bot.encoders import SameWords

    store = await open_configured(load(inst.folder / "web0.toml"))
    try:
        messages = [message for message, _ in await store.placements(hall(0)) if message.part == 1]
        queue = await _queue(store)
    finally:
        await store.close()
    with tempfile.TemporaryDirectory() as folder:
        talk = SessionSettings(id=hall(0), title="Hall 0", language="en")
        plain = Settings(data=Path(folder), web=WebSettings(port=0), session=(talk,))
        async with open_hall(plain, encoder=SameWords() if short else None) as again:
            await again.loaded()
            for message in messages:
                await again.floor.receive([replace(message, id=0, text=said[message.external_id])])
            await again.drained()
            other = await _queue(again.store)
    return sum(queue.get(question) != other.get(question) for question in queue.keys() | other.keys())


async def _queue(store: Any) -> Mapping[str, object]:
    """Each question by its title and time: how it stands and who asks it."""
    return {
        f"{one.title} {one.first_at}": (
            one.status,
            one.people,
            sorted(asked.message.external_id for asked in await store.asked(one.id)),
        )
        for one in await store.questions(hall(0))
    }


@scenario("rolling", seconds=240, needs="caddy", daily=False)
async def rolling(run: Run) -> None:
    """Each process is stopped and started again, while messages come in and pages are open: none is lost or doubled, no
    page hears nothing for more than five seconds, and the queue is that of a plain replay."""
    async with installed(run, run.folder) as (inst, service, front):
        sender, over = Sender(front), asyncio.Event()
        pages = [Page(front) for _ in range(STREAMS)]
        watching = [asyncio.ensure_future(page.run()) for page in pages]
        sending = asyncio.ensure_future(sender.run(over))
        await asyncio.sleep(2.0)
        for process in _in_turn(inst, service, run.short):
            began = time.monotonic()
            await process.stop()
            run.say(f"{process.name} has stopped after {time.monotonic() - began:.1f} s")
            await process.start()
            await process.ready()
            run.say(f"{process.name} is back after {time.monotonic() - began:.1f} s")
            await asyncio.sleep(SETTLES)
        over.set()
        await sending
        await inst.placed(len(sender.accepted))
        await asyncio.sleep(1.0)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        now = await _questions(front)
        there = [id for (id,) in inst.rows("SELECT external_id FROM messages WHERE part = 1 ORDER BY id")]
        await inst.stop()
        same = await replayed(inst, sender.said, run.short)
    run.figure("messages accepted", len(sender.accepted), least=1)
    run.figure("accepted and not there", len(set(sender.accepted) - set(there)), most=0)
    run.figure("there twice", len(there) - len(set(there)), most=0)
    run.figure("sent once more, for nobody took it", sender.again)
    run.figure("the longest until a message was accepted", sender.longest, "s")
    run.figure("pages that came again", sum(page.times > 1 for page in pages))
    closed = max(page.closed for page in pages)
    run.figure("the longest that a page was closed", closed, "s", most=5, timing=True)
    run.figure("pages that know another queue in the end", sum(_known(page) != now for page in pages), most=0)
    run.figure("questions that a plain replay has otherwise", same, most=0)
    faults = [process for process in inst.processes.values() if "Traceback" in process.said()]
    for process in faults:
        run.say(f"{process.name}: …{process.said().partition('Traceback')[2][:3000]}")
    run.figure("processes with a fault in their log", len(faults), most=0)


def _in_turn(inst: Installation, service: Process, short: bool) -> Sequence[Process]:
    if short:
        return [inst.processes[name] for name in ("web0", "pipeline0", "pipeline1")]
    return [service, *(inst.processes[name] for name in reversed(inst.processes))]


async def _questions(front: Front) -> dict[str, tuple[str, int]]:
    async with front.client.get(f"/api/v1/sessions/{hall(0)}/questions") as reply:
        return {one["id"]: (one["title"], one["people"]) for one in (await reply.json())["questions"]}


def _known(page: Page) -> dict[str, tuple[str, int]]:
    return {id: (one["title"], one["people"]) for id, one in page.questions.items()}
