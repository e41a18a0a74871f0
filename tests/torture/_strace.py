"""strace beside the running program: what it asks of the kernel, written down, and some of it failing."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture._hall import Program
from tests.torture._traces import CALLS, LONGEST, Call, calls
from tests.torture.scenario import LeftOut

ATTACHED = 20.0
"""Seconds that it may take to stop the program and read where it is."""


@dataclass(slots=True)
class Trace:
    """`before`: the files of the data folder as they were when it began, by path."""

    file: Path
    before: dict[str, bytes] = field(default_factory=dict)

    def calls(self) -> Iterator[Call]:
        with self.file.open(encoding="ascii", errors="replace") as lines:
            yield from calls(lines)


def require() -> None:
    """Raises `LeftOut` where one process may not look into another."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as probe:
        try:
            tried = subprocess.run(
                ["strace", "-f", "-o", os.devnull, "-e", "trace=none", sys.executable, "-c", ""],
                capture_output=True,
                text=True,
                timeout=30,
            )
            attaching = subprocess.Popen(
                ["strace", "-p", str(probe.pid), "-o", os.devnull], stderr=subprocess.PIPE, text=True
            )
            assert attaching.stderr is not None
            said = attaching.stderr.readline()
            attaching.terminate()
            attaching.wait()
        finally:
            probe.kill()
    if tried.returncode or "attached" not in said:
        raise LeftOut(f"strace may not look into other processes here: {(said or tried.stderr).strip()}")


@asynccontextmanager
async def traced(program: Program, file: Path, failing: Sequence[str] = ()) -> AsyncIterator[Trace]:
    """Trace all threads of the program until the block ends. `failing`: what is to fail, as strace's `inject` takes it,
    such as "fsync:error=EIO:when=3+5" (in each thread the third and from then on every fifth).

    The program stands still while its files are read, so that `before` and the calls fit together.
    """
    assert program.process is not None
    pid = program.process.pid
    os.kill(pid, signal.SIGSTOP)
    injecting = [part for one in failing for part in ("-e", f"inject={one}")]
    looked_at = ",".join([CALLS, *(one.partition(":")[0] for one in failing)])
    strace = await asyncio.create_subprocess_exec(
        *(
            "strace",
            "-f",
            "-xx",
            "-yy",
            "-s",
            str(LONGEST),
            "-e",
            "signal=none",
            "-e",
            f"trace={looked_at}",
            *injecting,
        ),
        *("-o", file, "-p", str(pid)),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert strace.stderr is not None
        said = await asyncio.wait_for(strace.stderr.readline(), ATTACHED)
        if b"attached" not in said:
            raise RuntimeError(f"strace: {said.decode()}")
        before = {str(path): path.read_bytes() for path in program.database.parent.iterdir() if _is_database(path)}
        os.kill(pid, signal.SIGCONT)
        yield Trace(file, before)
    finally:
        if strace.returncode is None:
            strace.send_signal(signal.SIGINT)  # it lets go of the program
            await strace.communicate()
        if not program.gone:
            os.kill(pid, signal.SIGCONT)


def _is_database(path: Path) -> bool:
    return path.name.endswith((".sqlite3", ".sqlite3-wal"))
