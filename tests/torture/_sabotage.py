"""Takes out of the program what protects it, in the child process of a negative control, before the program starts."""

import time
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bot.app.following import Following
from bot.leasing import Keeper
from bot.storage import postgres, sqlite
from bot.storage.writer import Writer


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
    real = Writer._attempt

    def attempt(self: Writer, db: Any, call: Any, hopeful: bool) -> None:
        real(self, db, call, hopeful)
        call.loop.call_soon_threadsafe(lambda: call.future.done() or call.future.set_result(call.result))
        time.sleep(0.002)

    Writer._attempt = attempt  # type: ignore[method-assign]


def careless() -> None:
    """Nobody stops their work when a lease of theirs is over, nor reads anew what they missed: what remains is the
    fence."""
    Following.forget = lambda _: None  # type: ignore[method-assign]
    Keeper._lost = lambda *_: None  # type: ignore[method-assign]
    Keeper._arm = lambda *_: None  # type: ignore[method-assign]


def unfenced() -> None:
    """A write does not look whether its lease still stands."""
    postgres._check = lambda *_: None  # type: ignore[assignment]
