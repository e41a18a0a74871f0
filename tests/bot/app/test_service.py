"""The program as a service: what it is handed, what it tells the service manager, how it stops."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.app.service import handed_over
from bot.errors import SettingsError

CONFIG = '[web]\nport = 0\n\n[[session]]\nid = "talk"\ntitle = "A talk"\nlanguage = "en"\n'
PATIENCE = 120  # seconds until it has started, on a machine that has other things to do
EVENTS = "/api/v1/sessions/talk/events"

# As a service manager does it: the socket becomes descriptor 3 of the very process that is started.
HANDING = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=sys.argv[2])
os.execv(sys.executable, [sys.executable, "-c", "from bot.cli import main; main()", "run"])
"""


class Manager:
    """What the program tells us, as systemd hears it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(PATIENCE)

    def hears(self, state: str) -> float:
        """When it was told that."""
        while state not in self.socket.recv(4096).decode().splitlines():
            pass
        return time.monotonic()


@contextmanager
def manager(folder: Path) -> Iterator[Manager]:
    managing = Manager(folder)
    try:
        yield managing
    finally:
        managing.socket.close()


@contextmanager
def running(
    folder: Path, listening: socket.socket, managing: Manager, config: str = CONFIG, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """The program under a manager, with a socket that was opened for it."""
    (folder / "floormic.toml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-c", HANDING, str(listening.fileno()), "1"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "NOTIFY_SOCKET": str(managing.path), **more},
        pass_fds=[listening.fileno()],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def port() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


async def stopped(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its status and what it said, after SIGTERM."""
    process.send_signal(signal.SIGTERM)
    said, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
    return process.returncode, said


async def test_it_is_ready_when_its_pages_answer_and_says_that_it_turns(tmp_path: Path) -> None:
    """READY=1 comes once a page is there, WATCHDOG=1 again and again, STOPPING=1 before it goes."""
    with (
        manager(tmp_path) as managing,
        port() as listening,
        running(tmp_path, listening, managing, WATCHDOG_USEC="400000") as process,
    ):
        await asyncio.to_thread(managing.hears, "READY=1")
        async with aiohttp.ClientSession() as client, client.get(url(listening) + "/healthz") as reply:
            assert reply.status == 200
        for _ in range(3):
            await asyncio.to_thread(managing.hears, "WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(managing.hears, "STOPPING=1")
        assert (await stopped(process))[0] == 0


async def test_who_comes_while_it_is_restarted_waits_and_is_served(tmp_path: Path) -> None:
    """A question that is sent between the end of one process and the beginning of the next is accepted, not refused."""
    with manager(tmp_path) as managing, port() as listening:
        with running(tmp_path, listening, managing) as process:
            await asyncio.to_thread(managing.hears, "READY=1")
            assert (await stopped(process))[0] == 0
        async with aiohttp.ClientSession(url(listening)) as client:
            headers = {"Origin": url(listening)}
            path = "/api/v1/sessions/talk/messages"
            asking = asyncio.create_task(client.post(path, json={"text": "Is it recorded?"}, headers=headers))
            with running(tmp_path, listening, managing):
                async with await asyncio.wait_for(asking, PATIENCE) as reply:
                    assert reply.status == 202, await reply.text()


async def test_it_stops_in_order_within_five_seconds(tmp_path: Path) -> None:
    """While the model is loaded, too: open streams, which know when to come again, are ended as HTTP wants it;
    a post whose end never comes is let go. Nothing that it says to a log signs anybody in."""
    with manager(tmp_path) as managing, port() as listening, running(tmp_path, listening, managing) as process:
        await asyncio.to_thread(managing.hears, "READY=1")
        async with aiohttp.ClientSession(url(listening)) as client, client.get(EVENTS) as stream:
            first = await stream.content.readuntil(b"\n\n")
            assert 1000 <= int(re.findall(rb"^retry: (\d+)\n", first)[0]) < 5000
            _, posting = await half_a_post(listening)
            began = time.monotonic()
            ending = asyncio.create_task(stopped(process))
            await stream.content.read()  # raises where the stream breaks off
            status, said = await ending
            assert (status, time.monotonic() - began < 5) == (0, True), said
            posting.close()
    assert "Traceback" not in said
    assert "/signin/" not in said  # a log is read by others


async def half_a_post(
    listening: socket.socket, body: bytes = b"nothing more"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Somebody sends a question, and the last byte of it does not come."""
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    head = f"POST /api/v1/sessions/talk/messages HTTP/1.1\r\nHost: {url(listening)[7:]}\r\nOrigin: {url(listening)}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    writer.write(body[:-1])
    await writer.drain()
    return reader, writer


async def test_it_serves_on_for_as_long_as_a_proxy_takes_to_notice(tmp_path: Path) -> None:
    """With `drain`, after it was told to stop, /readyz says at once that it is stopping, and pages are served until
    that time is over."""
    with manager(tmp_path) as managing, port() as listening:
        config = CONFIG.replace("port = 0\n", "port = 0\ndrain = 2\n")
        with running(tmp_path, listening, managing, config) as process:
            await asyncio.to_thread(managing.hears, "READY=1")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(managing.hears, "STOPPING=1")
            async with aiohttp.ClientSession(url(listening)) as client:
                async with client.get("/readyz") as reply:
                    assert (reply.status, (await reply.json())["reasons"]) == (503, ["stopping"])
                async with client.get("/s/talk") as reply:
                    assert reply.status == 200
            assert (await stopped(process))[0] == 0
            assert time.monotonic() - began >= 2


async def test_who_leaves_in_the_midst_of_a_post_is_no_fault(tmp_path: Path) -> None:
    """A client that is gone before its post is whole leaves nothing in the log."""
    with manager(tmp_path) as managing, port() as listening, running(tmp_path, listening, managing) as process:
        await asyncio.to_thread(managing.hears, "READY=1")
        _, posting = await half_a_post(listening)
        posting.transport.abort()
        async with aiohttp.ClientSession(url(listening)) as client, client.get("/healthz") as reply:
            assert reply.status == 200
        status, said = await stopped(process)
    assert (status, "Traceback" in said, "error" in said) == (0, False, False), said


async def test_a_post_under_way_is_finished(tmp_path: Path) -> None:
    """What is half sent when the program is told to stop is accepted and kept, and found by the next process."""
    body = json.dumps({"text": "Is it recorded?"}).encode()
    with manager(tmp_path) as managing, port() as listening:
        with running(tmp_path, listening, managing) as process:
            await asyncio.to_thread(managing.hears, "READY=1")
            reader, writer = await half_a_post(listening, body)
            async with aiohttp.ClientSession() as client, client.get(url(listening) + "/healthz"):
                pass  # what came before it was read, too
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(managing.hears, "STOPPING=1")
            writer.write(body[-1:])
            reply = await asyncio.wait_for(reader.read(), PATIENCE)
            cookie = re.search(rb"Set-Cookie: ([^;]+)", reply)
            assert reply.startswith(b"HTTP/1.1 202 "), reply
            assert cookie
            writer.close()
        with running(tmp_path, listening, managing):
            headers = {"Cookie": cookie[1].decode()}
            path = url(listening) + "/api/v1/sessions/talk/mine"
            async with aiohttp.ClientSession() as client, client.get(path, headers=headers) as mine:
                assert [one["text"] for one in (await mine.json())["messages"]] == ["Is it recorded?"]


@pytest.mark.parametrize(
    ("count", "says"),
    [("2", "hands over 2 sockets; one with one ListenStream= is needed"), ("1", "no listening TCP socket")],
)
def test_what_it_cannot_listen_on_is_refused_in_clear_words(tmp_path: Path, count: str, says: str) -> None:
    """Two sockets, or one of another kind, are a mistake of the unit that the log names."""
    (tmp_path / "floormic.toml").write_text(CONFIG, encoding="utf-8")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        command = [sys.executable, "-c", HANDING, str(other.fileno()), count]
        done = subprocess.run(command, cwd=tmp_path, pass_fds=[other.fileno()], capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert says in done.stderr


def test_what_was_handed_to_another_process_is_none_of_ours() -> None:
    """The variables of a parent count for nothing, and are taken away so that no child trusts them."""
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web", "HOME": "/"}
    assert handed_over(environ) is None
    assert environ == {"HOME": "/"}


def test_no_socket_at_all_is_said() -> None:
    """Where the descriptor is closed or a file, the mistake names the line to write."""
    taken = os.dup(3) if os.path.exists("/proc/self/fd/3") else None
    file = os.open("/dev/null", os.O_RDONLY)
    os.dup2(file, 3)
    try:
        with pytest.raises(SettingsError, match="no socket; see ListenStream="):
            handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
    finally:
        os.close(file) if file != 3 else None
        os.dup2(taken, 3) if taken is not None else os.close(3)
        if taken is not None:
            os.close(taken)
