"""`floormic transcript`: what was said aloud, into a session of a program that does not run just now."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.aloud import read_offset
from bot.app.minds import minds_of
from bot.app.reencoding import keep_apart
from bot.app.stores import open_configured
from bot.desk import Desk
from bot.errors import BadInput, NotFound, StoreBusy, StoreError
from bot.model import Proposal, Question, Session, Transcript
from bot.ports import Now, Store
from bot.queueing import rank
from bot.settings import Settings
from bot.transcripts import Transcripts
from knowledge.captions import LARGEST
from knowledge.encoder import Encoder

BY = "floormic transcript"
"""Who sent it, where it is shown."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    """What was read, and what was found in it, in order of demand."""

    transcript: Transcript
    proposals: tuple[tuple[Proposal, Question], ...]


async def transcribe(
    settings: Settings,
    session: str,
    file: Path,
    offset: str = "",
    recording: str = "",
    progress: Callable[[int, int], None] = lambda done, of: None,
    *,
    now: Now = time.time,
    encoder: Encoder | None = None,
) -> Transcribed:
    """Keep a VTT or SRT file as the transcript of a session, and look for answers in it.

    Raises `BadInput`, `NotFound` for an unknown session, and `StoreBusy` while the program runs.
    """
    seconds = read_offset(offset) if offset else None
    data = await asyncio.to_thread(_read, file)
    store = await _open(settings, now)
    minds = minds_of(settings, encoder)

    def told(_: str) -> None:
        if far := transcripts.searching(session):
            progress(far.done, far.texts)

    desk = Desk(store, lambda _: None, now)
    transcripts = Transcripts(store, now, encode=minds.encode, put=desk.aloud, changed=told)
    try:
        chosen = await _session(settings, store, session)
        await keep_apart(store, await minds.load())
        try:
            await transcripts.take(chosen, file.name, data, BY, seconds, recording)
        except BadInput as error:
            raise BadInput(f"{file}: {error}") from error
        await transcripts.searched(session)
        if failed := transcripts.failed(session):
            raise StoreError(failed)
        kept = await store.transcript(session)
        found = await transcripts.proposals(session)
    finally:
        await transcripts.close()
        minds.close()
        await store.close()
    if kept is None:
        raise NotFound("this session has no transcript yet")
    return Transcribed(kept, tuple(sorted(found, key=lambda pair: rank(pair[1]))))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error


async def _open(settings: Settings, now: Now) -> Store:
    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        return await open_configured(settings, now=now)
    except StoreBusy:
        raise StoreBusy(
            "the program is running and has the database: send the transcript on the session's page /transcript instead"
        ) from None


async def _session(settings: Settings, store: Store, id: str) -> Session:
    for one in settings.sessions:
        if one.id == id:
            return await store.configure_session(one.session(settings.after))
    found = {one.id: one for one in await store.sessions()}
    if id not in found:
        raise NotFound(f"there is no session {id!r}; there are: {', '.join(found) or 'none'}")
    return found[id]
