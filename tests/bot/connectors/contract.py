"""What every connector has to bear: the shape of a fake platform (`Rig`) and the stage on which one is tried.

`test_contract.py` runs every rig of its `RIGS` through all misfortunes. A rig belongs beside its fake platform
(`tests/fake_NAME.py`) and derives from `Rig`; a connector with several ways in has a rig for each.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, NamedTuple, Protocol

from bot.model import Delivery, Message, Outage, SourceHealth, SourceReport, SourceState
from bot.outbox import Outbox
from bot.ports import Connector
from bot.supervisor import Supervisor
from tests.fake_floor import FakeDeliveries, FakeFloor
from tests.waiting import until

LONGEST = 240.0
"""Seconds that a connector may be on the stage."""


class Line(NamedTuple):
    """What a person says. `id` names the line for the rig; platforms that give ids of their own translate it."""

    user: str
    text: str
    id: str


class Rig(Protocol):
    """A fake platform that can misbehave on demand, used as `async with SomeRig() as rig`.

    `kind` is the name of the connector's `Kind` and of the connector it makes; `way` tells several rigs of one kind
    apart. `cannot` names each of the methods below that this platform cannot do, with the reason: the suite skips
    these tests and shows the reason. Everything else must be overridden.

    `keeps`: what is said while nobody listens, or could not be stored, is delivered later, as the real platform does.
    Where it is False, `say` and `feed` wait until somebody listens. `secrets` must never be in a log or an error.
    `states` are the moments in which the connection can break, for `disconnect`. `hostile` are payloads for `feed`
    that are wrong in ways of this platform only; the suite adds those of `HOSTILE`.
    """

    kind: ClassVar[str]
    way: ClassVar[str] = ""
    cannot: ClassVar[Mapping[str, str]] = {}
    keeps: ClassVar[bool] = True
    secrets: ClassVar[Sequence[str]] = ()
    states: ClassVar[Sequence[str]] = ()
    hostile: ClassVar[Sequence[bytes]] = ()

    async def __aenter__(self) -> "Rig":
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    def connector(self) -> Connector:
        """A new connector to this platform for the session "talk", as after a restart of the program. Waiting times of
        its own (heartbeats, polls) as short as a test wants them."""
        raise NotImplementedError

    async def say(self, line: Line) -> None:
        """A person says something that the connector has to hear (in a group: by what it listens to there)."""
        raise NotImplementedError

    async def say_again(self, id: str) -> None:
        """The platform delivers that line once more, as it was."""
        raise NotImplementedError

    async def say_out_of_order(self, lines: Sequence[Line]) -> None:
        """The platform delivers these in another order than that of their times and ids."""
        raise NotImplementedError

    async def cut(self, line: Line) -> None:
        """A person says it, but the frame, body or answer that carries it ends in the middle (once)."""
        raise NotImplementedError

    async def oversized(self) -> None:
        """The platform sends more at once than any connector should take."""
        raise NotImplementedError

    async def feed(self, payload: bytes) -> None:
        """The platform sends these very bytes as a frame, body or answer: genuine (signed, framed), but wrong."""
        raise NotImplementedError

    async def disconnect(self, state: str) -> None:
        """The connection breaks once, the next time it is in this state (now, if it is)."""
        raise NotImplementedError

    def slow(self, seconds: float) -> None:
        """From now on everything takes so much longer on the network."""
        raise NotImplementedError

    def clock_off(self, seconds: float) -> None:
        """From now on the platform's clock is ahead of ours by so much (behind, where negative)."""
        raise NotImplementedError

    async def echo_own(self, text: str) -> None:
        """The platform shows us a line that the bot itself said."""
        raise NotImplementedError

    # Sending; not asked of a connector without `abilities.reply`. Each concerns the next message only.

    def refuse_send(self) -> None:
        """It will never be taken (blocked, deleted)."""
        raise NotImplementedError

    def limit_send(self, seconds: float) -> None:
        """It is too much now; the platform says to wait so long."""
        raise NotImplementedError

    def time_out_after_send(self) -> None:
        """It is said in the chat, but the answer to us does not come within any time."""
        raise NotImplementedError

    def sent(self) -> list[str]:
        """What the bot said, as it stands in the chat now (an edited message has its last wording)."""
        raise NotImplementedError


MISFORTUNES = tuple(
    name for name in vars(Rig) if not name.startswith("_") and callable(getattr(Rig, name)) and name != "connector"
)
"""The methods of a rig that may stand in its `cannot`."""

HOSTILE: Mapping[str, bytes] = {
    "nothing": b"",
    "zeros": bytes(4096),
    "noise": bytes(range(256)) * 16,
    "html": b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    "half": b'{"data": {"text": "hal',
    "null": b"null",
    "number": b"7",
    "text": b'"text"',
    "list": b"[]",
    "list of anything": b'[null, 1, "x", [], {}, true]',
    "empty": b"{}",
    "deep list": b"[" * 100_000,
    "deep object": b'{"data":' * 20_000 + b"1" + b"}" * 20_000,
    "long number": b'{"data": {"id": ' + b"9" * 6000 + b"}}",
    "no number": b'{"data": {"at": NaN, "timestamp": 1e999}}',
    "half a character": b'{"text": "\\ud800", "user": "\\udfff"}',
    "not utf-8": b'{"text": "\xff\xfe\xc0\x80"}',
    "wrong types": b'{"cmd": [], "data": "x", "event": {}, "headers": 7, "body": null, "events": {"a": 1}, "op": "0"}',
    "gzip that is none": b"\x1f\x8b\x08\x00 not gzip at all",
}
"""What no platform would send."""


class FakeSources:
    """`Sources` in memory."""

    def __init__(self) -> None:
        self.healths: dict[str, SourceHealth] = {}
        self.outages: dict[tuple[str, float], Outage] = {}

    async def keep_sources(self, healths: Sequence[SourceHealth], outages: Sequence[Outage] = ()) -> None:
        self.healths |= {health.source: health for health in healths}
        self.outages |= {(outage.source, outage.began): outage for outage in outages}

    async def sources(self) -> list[SourceReport]:
        kept = sorted(self.outages.values(), key=lambda outage: outage.began)
        return [
            SourceReport(health, 0, None, tuple(o for o in kept if o.source == health.source))
            for _, health in sorted(self.healths.items())
        ]


@dataclass
class Stage:
    """A connector that runs under a supervisor and an outbox, as in the program, but without its waiting times."""

    rig: Rig
    floor: FakeFloor
    connector: Connector
    sources: FakeSources
    supervisor: Supervisor
    outgoing: FakeDeliveries
    outbox: Outbox

    async def until(self, condition: Callable[[], object], what: str = "it") -> None:
        await until(condition, why=lambda: f"{what}; heard {self.floor.texts}, {self.sources.healths}")

    async def heard(self, *texts: str) -> None:
        """Until all of these were heard."""
        await self.until(lambda: set(texts) <= set(self.floor.texts), f"hearing {texts}")

    async def hears(self, text: str) -> Message:
        """Somebody says it, and it arrives."""
        await self.rig.say(Line("ann", text, f"id-{text}"))
        await self.heard(text)
        return next(message for message in self.floor.messages if message.text == text)

    async def connected(self) -> None:
        async def are() -> bool:
            return (await self.report()).health.state is SourceState.CONNECTED

        await until(are)

    async def report(self) -> SourceReport:
        (report,) = await self.supervisor.reports()
        return report

    async def says(self, text: str, message: Message, key: str = "") -> Delivery:
        """The bot replies to a message; what became of it in the end."""
        assert message.address, "a connector that can reply gives its messages an address"
        key = key or text
        await self.outgoing.deliver([Delivery(key, "talk", message.address, text)])
        self.outbox.wake()
        over = ("sent", "failed")
        await self.until(lambda: self.outgoing.rows[key].state in over, f"sending {text!r}")
        return self.outgoing.rows[key]


@asynccontextmanager
async def staged(rig: Rig, floor: FakeFloor | None = None) -> AsyncIterator[Stage]:
    """The rig's connector, running. With the `floor` of an earlier stage it is a restart."""
    floor, made, sources, outgoing = floor or FakeFloor(), rig.connector(), FakeSources(), FakeDeliveries()
    supervisor = Supervisor(floor, sources, [made], wait=lambda _: 0.05)
    outbox = Outbox(outgoing, {made.name: made}, patience=3.0, wait=lambda _: 0.05, finish=0.1)
    tasks = [asyncio.create_task(supervisor.run()), asyncio.create_task(outbox.run())]
    try:
        await asyncio.sleep(0)  # until the supervisor runs, but before the connector does
        async with asyncio.timeout(LONGEST):
            yield Stage(rig, floor, made, sources, supervisor, outgoing, outbox)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await made.close()


def told(records: Sequence[logging.LogRecord]) -> str:
    """All that the program itself logged, with tracebacks."""
    form = logging.Formatter()
    return "\n".join(form.format(record) for record in records if record.name.startswith("bot."))
