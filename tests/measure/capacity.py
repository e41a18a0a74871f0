"""What so many halls and watchers need, reckoned from measured costs: `python -m tests.measure.capacity FIGURES`.

`FIGURES` is what `tests.measure.scale --out` wrote: seconds of processor for a message, a silent hall, an event told to
a watcher, by part. The model adds them up; `tests.measure.many_halls` checks it. It knows nothing of bursts: what it
says holds for a steady evening, and `FULL` leaves room for the rest.
"""

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FULL = 0.6
"""Share of a core that a process may use on average: one that uses more makes whoever comes wait."""

MOST_EVENTS = 5.0
"""Events a second that a viewer is told at most, however much happens."""

MOST_STREAMS = 20_000
"""Open pages of one web process: files, memory, and how long all take to come in again when it is started anew."""

PARTS = ("web", "pipeline", "encoder", "outbox", "connectors", "postgres")

POSTGRES_CORES = 32.0
POSTGRES_CONNECTIONS = 500.0
NETWORK = 10e9
"""What one large machine has for a database: processors, connections without a pooler before it; bits a second."""


@dataclass(frozen=True, slots=True)
class Evening:
    """What goes on at the same time. `watchers` in all halls together; `rate`: messages a second of each hall."""

    halls: int
    watchers: int
    rate: float

    @property
    def messages(self) -> float:
        return self.halls * self.rate


@dataclass(frozen=True, slots=True)
class Need:
    """What that takes. `cores` by part, `processes` by part; a second: `commits` that notify, `notices` heard in all
    processes together, bytes of `wal` and bits of `network`; `memory` of the web processes in bytes."""

    cores: Mapping[str, float]
    processes: Mapping[str, int]
    connections: int
    commits: float
    notices: float
    wal: float
    network: float
    memory: float

    @property
    def all_cores(self) -> float:
        return sum(self.cores.values())

    def strain(self, units: Mapping[str, float]) -> list[tuple[str, float]]:
        """What there is only one of, and how much of it is used (1: all), the fullest first."""
        parts = {
            "commits that notify": self.commits / units["commits.notifying"],
            "processors of PostgreSQL": self.cores["postgres"] / POSTGRES_CORES,
            "connections of PostgreSQL": self.connections / POSTGRES_CONNECTIONS,
            "network": self.network / NETWORK,
        }
        return sorted(parts.items(), key=lambda one: -one[1])


def busy(units: Mapping[str, float], evening: Evening, webs: int, processes: int) -> dict[str, float]:
    """Processors in use by part, with so many web processes among so many processes in all."""
    a_hall = evening.watchers / evening.halls
    reading = min(webs, 1 + a_hall)  # processes that somebody watches this hall at, the board among them
    events = min(MOST_EVENTS, units["events"] * evening.rate)
    shares = processes / units["processes"]
    return {
        "web": webs * units["web.idle"]
        + evening.halls * webs * units["web.hall"]
        + evening.messages * (units["web.accept"] + webs * units["web.notice"] + reading * units["web.board"])
        + evening.watchers * events * units["web.event"],
        "pipeline": units["pipeline.idle"]
        + evening.halls * units["pipeline.hall"]
        + evening.messages * units["pipeline.message"],
        "encoder": units["encoder.idle"] + evening.messages * units["encoder.message"],
        "outbox": units["outbox.idle"]
        + evening.halls * units["outbox.hall"]
        + evening.messages * units["outbox.message"],
        "connectors": units["connectors.idle"]
        + evening.halls * units["connectors.hall"]
        + evening.messages * units["connectors.message"],
        "postgres": units["postgres.idle"] * shares
        + evening.halls * units["postgres.hall"] * shares
        + evening.messages * units["postgres.message"]
        + evening.messages * units["commits.message"] * (processes - units["processes"]) * units["postgres.notice"],
    }


def need(units: Mapping[str, float], evening: Evening) -> Need:
    """The fewest processes that are not too full."""
    counts = {"web": max(2, math.ceil(evening.watchers / MOST_STREAMS)), "pipeline": 2, "outbox": 1, "connectors": 1}
    while True:
        cores = busy(units, evening, counts["web"], sum(counts.values()))
        enough = {part: max(least, math.ceil(cores[part] / FULL)) for part, least in counts.items()}
        if enough == counts or sum(enough.values()) > 5_000:
            break
        counts = enough
    processes = sum(counts.values())
    commits = evening.messages * units["commits.message"] + processes * units["commits.idle"] / units["processes"]
    events = min(MOST_EVENTS, units["events"] * evening.rate)
    return Need(
        cores,
        counts | {"encoder": max(1, math.ceil(cores["encoder"] / FULL))},
        math.ceil(processes * units["connections"] / units["processes"]),
        commits,
        commits * processes,
        evening.messages * units["wal.message"],
        8 * evening.watchers * events * units["bytes.event"],
        evening.watchers * units["memory.watcher"] * 2**20,
    )


def read(figures: Path) -> dict[str, float]:
    """Exits where the figures are those of some kinds alone."""
    made = json.loads(figures.read_text(encoding="utf-8"))
    if not made["units"]:
        raise SystemExit(f"{figures} does not say what the parts cost: python -m tests.measure.scale --only --out FILE")
    return {**made["units"], **made["commits"]}


def _row(units: Mapping[str, float], evening: Evening) -> str:
    found = need(units, evening)
    first, share = found.strain(units)[0]
    cells = [
        f"{evening.halls:,} of {evening.watchers // evening.halls:,}",
        f"{evening.messages:,.0f}",
        f"{found.all_cores:.1f}",
        f"{found.processes['web']}, {found.processes['pipeline']}, {found.processes['encoder']}",
        f"{found.cores['postgres']:.1f}",
        f"{found.connections:,}",
        f"{found.commits:,.0f}",
        f"{found.notices:,.0f}",
        f"{found.wal / 2**20:.2f} MB",
        f"{found.network / 1e6:,.0f} Mbit",
        f"{found.memory / 2**30:.1f} GB",
        f"{first}: {share:.0%}",
    ]
    return "| " + " | ".join(cells) + " |"


def table(units: Mapping[str, float], rate: float, watchers: int) -> str:
    """Markdown: ever more halls, each with so many watchers and messages a second."""
    head = (
        "halls of watchers", "messages a second", "cores", "web, pipeline, encoder", "of them PostgreSQL",
        "connections", "commits a second", "notices heard a second", "WAL a second", "network", "memory of pages",
        "fullest",
    )  # fmt: skip
    rows = [_row(units, Evening(halls, halls * watchers, rate)) for halls in (1, 10, 50, 200, 1_000)]
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *rows])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--rate", type=float, default=0.5, help="messages a second of each hall")
    parser.add_argument("--watchers", type=int, default=1_000, help="of each hall")
    chosen = parser.parse_args()
    print(table(read(chosen.figures), chosen.rate, chosen.watchers))
