"""Halls of an installation under load: what is said in them, when boards and viewers know it, what it costs."""

import asyncio
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.installation import ROOT, Installation, cpu, hall
from tests.measure.crowd import Crowd, Place, Seen
from tests.torture._posting import Load, Result, line, post, signed

AFTERWARDS = 0.7
"""Seconds in which what was placed last is told."""

MOST = 4_000
"""Viewers that one process of ours holds."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was posted: `at`, Unix time at which each accepted message was due, by its id; `refused` of them in all."""

    at: Mapping[str, float]
    refused: int


@dataclass(slots=True)
class Loaded:
    """One step of load. `boards`, `viewers`: seconds from when each message was due until it stood there. `busy`:
    seconds of processor by part, in all of `seconds`; `said`: the seconds in which messages were sent. `messages`
    accepted, `shown` on boards; `late`: seconds until all were placed after the last one was sent; `came` bytes and
    `told` events of viewers."""

    messages: int = 0
    refused: int = 0
    shown: int = 0
    seconds: float = 0.0
    said: float = 0.0
    late: float = 0.0
    boards: list[float] = field(default_factory=list)
    viewers: list[float] = field(default_factory=list)
    busy: dict[str, float] = field(default_factory=dict)
    came: int = 0
    told: int = 0
    lost: int = 0
    joined: float = 0.0

    @property
    def cores(self) -> float:
        """Processors in use while messages came, of all parts."""
        return sum(self.busy.values()) / (self.said + self.late)


def texts() -> list[str]:
    """What is said in the sample chat, line by line."""
    rows = (ROOT / "knowledge" / "sample" / "zh" / "chat.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(row)["text"] for row in rows]


def p(values: Sequence[float], percent: int) -> float:
    """Milliseconds; infinite without any."""
    if len(values) < 2:
        return float("inf")
    return 1000 * statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def requests(step: str, count: int, halls: Sequence[int], said: Sequence[str]) -> list[tuple[str, bytes]]:
    """Signed messages by their ids, from ever new people, to these halls in turn; each hall hears the whole chat."""
    made = []
    for n in range(count):
        id, number = f"{step}-{n}", halls[n % len(halls)]
        text = said[(n // len(halls)) % len(said)]
        made.append((id, signed(line(id, f"{step}{n}", text), f"lobby{number}")))
    return made


async def send(ports: Sequence[int], all: Sequence[tuple[str, bytes]], rate: float) -> Sent:
    """Post at a steady rate, the processes at these ports in turn, from a process of ours for each of them."""
    results: list[tuple[Sequence[str], Sequence[float], Result]] = []

    async def some(port: int, first: int) -> None:
        mine = all[first :: len(ports)]
        due = [1.0 + (first + n * len(ports)) / rate for n in range(len(mine))]
        load = Load(port, [request for _, request in mine], 16, due, until=len(all) / rate + 40)
        results.append(([id for id, _ in mine], due, await post(load)))

    await asyncio.gather(*(some(port, n) for n, port in enumerate(ports)))
    ahead = time.time() - time.monotonic()
    at = {ids[n]: result.began + ahead + due[n] for ids, due, result in results for n in result.accepted}
    return Sent(at, len(all) - len(at))


async def count_accepted(ports: Sequence[int], all: Sequence[tuple[str, bytes]], connections: int = 32) -> float:
    """Messages accepted a second, as fast as it goes, while all of our processes were posting."""
    loads = [
        Load(port, [request for _, request in all[n :: len(ports)]], max(4, connections // len(ports)), until=60)
        for n, port in enumerate(ports)
    ]
    results = await asyncio.gather(*(post(load) for load in loads))
    began, ended = max(r.began for r in results), min(r.ended for r in results)
    within = sum(r.within(began - r.began, ended - r.began) for r in results)
    return within / (ended - began) if ended > began else 0.0


def placed(inst: Installation) -> list[tuple[str, str, str]]:
    """Session, id and question of every message that asks, in the order in which they came."""
    query = """
        SELECT messages.session, messages.external_id, placements.question FROM messages
        JOIN placements ON placements.message = messages.id
        WHERE placements.question IS NOT NULL ORDER BY messages.id
    """
    return [(str(a), str(b), str(c)) for a, b, c in inst.rows(query)]


def shown(rows: Sequence[tuple[str, str, str]], seen: Sequence[Seen]) -> dict[str, tuple[float, int]]:
    """When each message stood on its hall's board, by its id, and at which revision: the first time that its question
    had as many messages as there were with it."""
    first: dict[tuple[str, str, int], tuple[float, int]] = {}
    for one in seen:
        for session, events in one.questions.items():
            for at, question, messages, revision in events:
                for n in range(messages, 0, -1):
                    if (session, question, n) in first:
                        break
                    first[session, question, n] = at, revision
    count: dict[tuple[str, str], int] = defaultdict(int)
    found = {}
    for session, id, question in rows:
        count[session, question] += 1
        if (there := first.get((session, question, count[session, question]))) is not None:
            found[id] = there
    return found


def viewer_delays(seen: Seen, sent: Mapping[str, float], at: Mapping[str, tuple[float, int]]) -> list[float]:
    """For each viewer, seconds from sending each message of any session of theirs to the bytes with its revision."""
    wanted = sorted((revision, sent[id]) for id, (_, revision) in at.items() if id in sent)
    found = []
    for viewers in seen.revisions.values():
        for known in viewers:
            place = 0
            for revision, when in wanted:
                while place < len(known) and known[place][0] < revision:
                    place += 1
                if place < len(known):
                    found.append(known[place][1] - when)
    return found


class Meter:
    """Seconds of processor by part, since it was made or read last."""

    def __init__(self, parts: Mapping[str, Callable[[], float]]) -> None:
        self._parts = parts
        self._before = {name: read() for name, read in parts.items()}

    def read(self) -> dict[str, float]:
        now = {name: read() for name, read in self._parts.items()}
        used = {name: now[name] - self._before[name] for name in now}
        self._before = now
        return used


def meter(inst: Installation, more: Mapping[str, int]) -> Meter:
    """Of all processes of an installation, by name, and of these others, by their process ids."""
    pids = {name: process.pid for name, process in inst.processes.items()} | dict(more)
    return Meter({name: (lambda pid=pid: cpu(pid)) for name, pid in pids.items()})


async def step(
    inst: Installation,
    name: str,
    halls: Sequence[int],
    rate: float,
    seconds: float,
    counting: Meter,
    *,
    viewers: int = 0,
    boards: int = 1,
    cookie: str = "",
    watched: Sequence[int] = (),
    posted: Sequence[int] = (),
) -> Loaded:
    """`rate` messages a second in each of these halls for so long, `viewers` pages and `boards` in each. `watched` and
    `posted`: ports of the processes that serve pages and take messages (none: all of them, in turn)."""
    ports = [web.port for web in inst.webs]
    watched, posted = watched or ports, posted or ports
    places = [
        Place(watched[n % len(watched)], hall(number), boards=boards, cookie=cookie) for n, number in enumerate(halls)
    ]
    crowds = [Crowd(places), *_viewers(watched, halls, viewers)]
    try:
        took = Loaded(joined=max([await crowd.join() for crowd in crowds]))
        count = max(1, round(rate * seconds * len(halls)))
        before = len(inst.rows("SELECT id FROM messages WHERE part = 1"))
        all = await asyncio.to_thread(requests, name, count, halls, texts())
        for crowd in crowds:
            await crowd.seen()
        counting.read()
        began = time.monotonic()
        sent = await send(posted, all, rate * len(halls))
        took.late = await inst.placed(before + len(sent.at))
        took.busy, took.seconds = counting.read(), time.monotonic() - began
        took.messages, took.refused, took.said = len(sent.at), sent.refused, count / (rate * len(halls))
        await asyncio.sleep(AFTERWARDS)
        seen = [await crowd.seen() for crowd in crowds]
    finally:
        for crowd in crowds:
            crowd.leave()
    there = shown(await asyncio.to_thread(placed, inst), seen[:1])
    mine = {id: known for id, known in there.items() if id in sent.at}
    took.boards = [at - sent.at[id] for id, (at, _) in mine.items()]
    took.shown = len(mine)
    if len(halls) == 1:  # revisions belong to a session
        took.viewers = [one for crowd in seen[1:] for one in viewer_delays(crowd, sent.at, mine)]
    took.came, took.told = sum(one.came for one in seen[1:]), sum(one.told for one in seen[1:])
    took.lost = sum(one.lost for one in seen)
    return took


def _viewers(ports: Sequence[int], halls: Sequence[int], viewers: int) -> list[Crowd]:
    """So many of each hall, spread over the processes."""
    places = [
        Place(port, hall(number), viewers=viewers // len(ports) + (n < viewers % len(ports)))
        for number in halls
        for n, port in enumerate(ports)
    ]
    crowds, full = [], 0
    mine: list[Place] = []
    for place in places:
        left = place.viewers
        while left:
            some = min(left, MOST - full)
            mine.append(Place(place.port, place.session, viewers=some))
            left, full = left - some, full + some
            if full == MOST:
                crowds.append(Crowd(mine))
                mine, full = [], 0
    return [*crowds, *([Crowd(mine)] if mine else [])]
