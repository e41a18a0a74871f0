"""One encoder for several processes against one each: `python -m tests.measure.encoders`.

Each of `--halls` processes encodes lines of recorded talks as a pipeline does, first at full speed and then one line at
a time at a hall's pace; all of them with a model of their own, then all with one `floormic encoder`. Rounds by turns.
"""

import argparse
import json
import multiprocessing
import random
import statistics
import subprocess
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

from knowledge.encoder import load_encoder

TALKS = Path(__file__).parents[2] / "knowledge" / "talks"
BATCH = 8
"""Lines that a pipeline finds waiting in a busy hall."""


def _lines() -> list[str]:
    return [
        json.loads(line)["text"]
        for file in sorted(TALKS.glob("*/chat.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def _hall(model: str, number: int, seconds: float, pace: float, ready: Barrier, told: "multiprocessing.Queue") -> None:
    """Texts a second at full speed, seconds of each single line, and the memory of this process in MB."""
    encoder = load_encoder(model, threads=1)
    dice = random.Random(number)
    lines = _lines()
    encoder.encode(lines[:4])
    ready.wait()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        encoder.encode(dice.sample(lines, BATCH))
        count += BATCH
    full = count / (time.perf_counter() - began)
    ready.wait()
    waits, began = [], time.perf_counter()
    due = began + dice.random() / pace
    while due < began + seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        encoder.encode([dice.choice(lines)])
        waits.append(time.perf_counter() - due)
        due += 1 / pace
    told.put((full, waits, _memory()))


def _memory(process: str = "self") -> float:
    """Megabytes that are this process's alone, so that what all share is not counted again."""
    rows = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith(("Private_Clean", "Private_Dirty"))) / 1024


def _round(model: str, halls: int, seconds: float, pace: float) -> tuple[float, list[float], float]:
    spawn = multiprocessing.get_context("spawn")
    ready, told = spawn.Barrier(halls), spawn.Queue()
    running = [spawn.Process(target=_hall, args=(model, n, seconds, pace, ready, told)) for n in range(halls)]
    for one in running:
        one.start()
    found = [told.get() for _ in running]
    for one in running:
        one.join()
    waits = [wait for _, those, _ in found for wait in those]
    return sum(full for full, _, _ in found), waits, sum(memory for *_, memory in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--halls", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--pace", type=float, default=5.0, help="Lines a second of each hall.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="Of the service; 0: as many as it takes by itself.")
    wanted = parser.parse_args()
    found: dict[str, list[tuple[float, float, float, float]]] = {"own": [], "shared": []}
    with TemporaryDirectory(prefix="fm") as folder:
        socket = Path(folder, "encoder.sock")
        command = [sys.executable, "-c", "from bot.cli import main; main()", "encoder", "--socket", str(socket)]
        command += ["--threads", str(wanted.threads)]
        for _ in range(wanted.rounds):
            for kind in found:
                service = subprocess.Popen(command, stdout=subprocess.DEVNULL) if kind == "shared" else None
                model = f"unix:{socket}" if service else "bundled"
                full, waits, memory = _round(model, wanted.halls, wanted.seconds, wanted.pace)
                if service:
                    memory += _memory(str(service.pid))
                    service.terminate()
                    service.wait()
                p99 = statistics.quantiles(waits, n=100)[98]
                found[kind].append((full, statistics.median(waits) * 1000, p99 * 1000, memory))
    print(f"{wanted.halls} halls, medians of {wanted.rounds} rounds by turns")
    middle = {kind: [statistics.median(column) for column in zip(*rows, strict=True)] for kind, rows in found.items()}
    for at, name in enumerate(("texts a second", "one line, median ms", "one line, p99 ms", "memory MB")):
        own, shared = middle["own"][at], middle["shared"][at]
        print(f"{name:22} one each {own:8.1f}   shared {shared:8.1f}   ratio {shared / own:.2f}")


if __name__ == "__main__":
    main()
