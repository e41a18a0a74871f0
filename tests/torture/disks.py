"""Misfortunes of disks: whatever the disk refuses is refused, nothing that was acknowledged is lost, and the program
goes on by itself."""

import asyncio
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.torture import _strace
from tests.torture._audience import Audience, marks_in
from tests.torture._hall import Program
from tests.torture._recording import FETCHED, Recording, kept, watched
from tests.torture._small_disks import small_disk
from tests.torture.scenario import Run, scenario

ERRORS = {
    "a sync": ("fsync:error=EIO:when=2+{0}", "fdatasync:error=EIO:when=2+{0}"),
    "a write": ("pwrite64:error=EIO:when=20+6{0}",),
    "room for a write": ("pwrite64:error=ENOSPC:when=30+9{0}",),
    "a reading": ("pread64:error=EIO:when=3+2{0}",),
}
"""What fails, and how strace is told so: in each thread the second call and then every third one, for example."""


@scenario("io-errors", seconds=50, needs="strace", daily=False)
async def disk_fails(run: Run) -> None:
    """Whatever call to the disk fails, nobody is told that it worked, and the program goes on by itself."""
    _strace.require()
    failed = early = acknowledged = lost = damaged = cuts = 0
    async with watched(run) as (program, audience):
        for number, (what, failing) in enumerate(ERRORS.items()):
            file = run.folder / f"trace{number}.txt"
            async with _strace.traced(program, file, [one.format(3) for one in failing]) as trace:
                said = audience.chat(5)
                await audience.say(30 if run.short else 200, together=4)
                await audience.until_confirmed(said, FETCHED)
            recording = Recording(program, trace, {id: mark for id, mark in audience.updates().items() if mark in said})
            verdict = recording.verdict()
            run.say(f"{what} fails: {recording.failed} times, {verdict.by}")
            failed, acknowledged = failed + recording.failed, acknowledged + verdict.acknowledged
            early += len(verdict.too_early)
            more = 4 if run.short else 15
            missing, unsound = recording.cuts(more, run.dice, run.folder / f"after{number}")
            lost, damaged, cuts = lost + missing, damaged + unsound, cuts + more
        run.figure("calls to the disk that failed", failed, least=12 if run.short else 60)
        run.figure("acknowledged after a commit that failed", early, f"of {acknowledged}", most=0)
        run.figure("acknowledged messages lost", lost, f"over {cuts} power cuts", most=0)
        run.figure("databases damaged", damaged, f"of {cuts}", most=0)
        await resumes(run, program, audience)
        await accounted(run, program, audience)


async def resumes(run: Run, program: Program, audience: Audience) -> None:
    """The disk refuses everything for a while, then nothing."""
    stop = asyncio.Event()
    async with _strace.traced(program, run.folder / "dead.txt", ["fsync:error=EIO", "fdatasync:error=EIO"]):
        before = len(audience.acknowledged)
        saying = asyncio.ensure_future(audience.insist(stop, together=4))
        await asyncio.sleep(1 if run.short else 5)
        run.figure("acknowledged while every sync fails", len(audience.acknowledged) - before, most=0)
    run.figure("accepting again after", await audience.until_accepted(FETCHED), "s", most=5)
    stop.set()
    await saying


LOCKING = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    """Another program holds the database."""
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", LOCKING, database, stdin=pipe, stdout=pipe)
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"locked\n"
        yield
    finally:
        other.kill()
        await other.wait()


@scenario("database-locked", seconds=50, daily=False)
async def database_locked(run: Run) -> None:
    """While another program holds the database nothing is lost, pages go on, and the event loop does not stall."""
    async with watched(run) as (program, audience):
        await audience.say(40)
        await audience.until_understood(FETCHED)
        usual = await audience.read(2, ["/healthz"])
        stop = asyncio.Event()
        saying = asyncio.ensure_future(audience.insist(stop, together=20))
        async with locked(program.database):
            accepted, said = len(audience.acknowledged), audience.chat(10)
            took = await audience.read(9 if run.short else 30, ["/healthz"])
            run.figure("accepted meanwhile", len(audience.acknowledged) - accepted)
            run.figure("refused meanwhile", len(audience.refusals), least=1)
        run.figure("pages that could not be read meanwhile", took.count(math.inf), f"of {len(took)}", most=0)
        run.figure("longest answer of /healthz before", max(usual) * 1000, "ms", timing=True)
        run.figure("longest answer of /healthz meanwhile", max(took) * 1000, "ms", most=100, timing=True)
        run.figure("accepting again after", await audience.until_accepted(FETCHED), "s", most=5)
        run.figure("Telegram's lines fetched after", await audience.until_confirmed(said, FETCHED), "s", most=5)
        stop.set()
        await saying
        await accounted(run, program, audience)


async def accounted(run: Run, program: Program, audience: Audience) -> None:
    """Killed, started again and compared with what was acknowledged."""
    wrong = [one for one in audience.refusals if one.status != 503 or not one.told]
    run.figure("refused by 503 with Retry-After", len(audience.refusals) - len(wrong))
    run.figure("refused in another way", len(wrong) + audience.cut, most=0)
    run.figure("faults of the program in its log", len(program.faults()), most=0)
    await program.end()
    await program.start()
    run.figure("ready again after kill -9 in", await program.ready(), "s", timing=True)
    await program.end()
    found = kept(program.database)
    counted = marks_in(found.texts)
    acknowledged = audience.acknowledged.keys() | audience.confirmed()
    run.figure("acknowledged messages missing", len(acknowledged - counted.keys()), f"of {len(acknowledged)}", most=0)
    run.figure("messages doubled", sum(times > 1 for times in counted.values()), most=0)
    run.figure("databases damaged", not found.sound, most=0)


@scenario("disk-full", seconds=35)
async def disk_full(run: Run) -> None:
    """While a disk is full what cannot be kept is refused, pages go on, and with room again all comes in by itself."""
    disk = small_disk(run.folder / "hall" / "data")
    run.say(disk.what)
    async with watched(run) as (program, audience):
        await audience.say(40)
        disk.fill(program)
        stop = asyncio.Event()
        saying = asyncio.ensure_future(audience.insist(stop, together=4))
        await audience.until_refused(FETCHED)
        said = audience.chat(10)
        pages = await audience.read(2 if run.short else 15)
        run.figure("pages that could not be read meanwhile", pages.count(math.inf), f"of {len(pages)}", most=0)
        run.figure("refused", len(audience.refusals), "messages", least=10)
        disk.make_room(program)
        run.figure("accepting again after", await audience.until_accepted(FETCHED), "s", most=5)
        run.figure("Telegram's lines fetched after", await audience.until_confirmed(said, FETCHED), "s", most=5)
        stop.set()
        await saying
        await accounted(run, program, audience)
