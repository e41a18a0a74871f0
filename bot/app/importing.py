"""A chat that was exported to a file, into the inbox of a session. The program understands it when it next runs."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from bot.app.floor import Unwatched
from bot.app.stores import open_configured
from bot.connectors.tencent_classroom import KIND
from bot.connectors.tencent_classroom.clock import CHINA, day_of
from bot.connectors.tencent_classroom.exported import (
    LARGEST_FILE,
    ROLES,
    Guess,
    Said,
    messages,
    read_export,
    said,
)
from bot.connectors.tencent_classroom.tables import Problem
from bot.desk import Desk
from bot.errors import BadInput, NotFound, StoreBusy
from bot.model import Message
from bot.ports import Now
from bot.settings import SessionSettings, Settings

SOURCE = KIND.name
SHOWN = 5
AT_ONCE = 1000
SURE = 0.4
"""With less, nobody but a person may say that the columns are right."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person confirms: `columns` (counted from 0) as they would be read, and the first messages,
    whose times are understood in `zone`."""

    guess: Guess
    columns: Mapping[str, int]
    first: Sequence[Said]
    zone: tzinfo

    @property
    def sure(self) -> bool:
        return self.guess.confidence >= SURE


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: `messages` it holds, `new` ones among them, and the rows that were skipped."""

    messages: int
    new: int
    skipped: tuple[Problem, ...]


async def import_chat(
    settings: Settings,
    file: Path,
    session: str,
    columns: Mapping[str, int] | None,
    confirm: Callable[[Preview], bool],
    *,
    now: Now = time.time,
) -> Imported | None:
    """Read an exported chat into a session; None where `confirm` said no. A second import of a file adds nothing.

    `session` "" is the only one there is. `columns` (time, text, name, user; counted from 1) go before what is guessed.
    Times without a day are those of the day on which the session starts, else on which the file was last changed; those
    without a zone have the zone in which the session's start is written, else China's.
    Raises `BadInput`, `NotFound` for an unknown session, and `StoreBusy` while the program runs.
    """
    chosen = _session(settings, session)
    data, changed = await asyncio.to_thread(_read, file)
    try:
        guess = await asyncio.to_thread(read_export, data, file.name)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None
    used = _columns(file, guess, columns)
    begins = chosen.starts_at.timestamp() if chosen.starts_at else changed
    zone = (chosen.starts_at and chosen.starts_at.tzinfo) or CHINA
    lines, skipped = said(guess, used, day_of(begins, zone), zone)
    if not confirm(Preview(guess, used, lines[:SHOWN], zone)):
        return None
    new = await _store(settings, chosen.id, messages(lines, SOURCE, chosen.id, begins), now)
    return Imported(len(lines), new, tuple(skipped))


def _session(settings: Settings, id: str) -> SessionSettings:
    found = [one for one in settings.sessions if one.id == id or (not id and len(settings.sessions) == 1)]
    if not found:
        known = ", ".join(one.id for one in settings.sessions)
        raise NotFound(f"there is no session {id!r} in the configuration; say one with --session: {known}")
    return found[0]


def _read(file: Path) -> tuple[bytes, float]:
    """What is in it, and when it was last changed."""
    try:
        about = file.stat()
        if about.st_size > LARGEST_FILE:
            raise BadInput(f"{file}: is larger than {LARGEST_FILE // 1024**2} MB; split it")
        return file.read_bytes(), about.st_mtime
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error


def _columns(file: Path, guess: Guess, wanted: Mapping[str, int] | None) -> dict[str, int]:
    """What was said goes before what was guessed; a column that was said is nothing else any more."""
    said_so = {role: column - 1 for role, column in (wanted or {}).items()}
    if unknown := set(said_so) - set(ROLES):
        raise BadInput(f"there is no such column as {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}")
    if any(not 0 <= column < guess.width for column in said_so.values()):
        raise BadInput(f"{file}: has {guess.width} columns, counted from 1")
    taken = set(said_so.values())
    guessed = {role: column for role, column in guess.columns.items() if column not in taken}
    used = guessed | said_so
    if "text" not in used:
        raise BadInput(f"{file}: which column holds the texts? Say it, as in --columns time=1,name=2,text=3")
    return used


async def _store(settings: Settings, session: str, found: Sequence[Message], now: Now) -> int:
    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        store = await open_configured(settings, now=now)
    except StoreBusy:
        raise StoreBusy(
            "the program is running and has the database: stop it and import then, or post the messages to it through "
            "a signed intake ([intake])"
        ) from None
    try:
        await store.configure_session(_session(settings, session).session(settings.after))
        floor = Unwatched(store, Desk(store, lambda _: None, now), lambda _: None, lambda: None)
        return sum([await floor.receive(found[n : n + AT_ONCE]) for n in range(0, len(found), AT_ONCE)])
    finally:
        await store.close()
