"""Takes out of the program what protects it, in the child process of a negative control, before the program starts."""

import time
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bot.storage import sqlite, writer


def synchronous_normal() -> None:
    """A commit does not wait for the disk."""
    real = sqlite.connect

    def connect(path: Path, **more: Any) -> Database:
        db = real(path, **more)
        if not more.get("reading"):
            db.execute("PRAGMA synchronous = NORMAL")
        return db

    sqlite.connect = connect  # type: ignore[assignment]


def acknowledged_early() -> None:
    """Callers are told before the commit."""
    real = writer._attempt

    def attempt(db: Database, call: Any) -> None:
        real(db, call)
        call.loop.call_soon_threadsafe(lambda: call.future.done() or call.future.set_result(call.result))
        time.sleep(0.002)

    writer._attempt = attempt
