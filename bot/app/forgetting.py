"""The commands `forget` and `export`, and what is forgotten by itself every day."""

import asyncio
import logging
from datetime import datetime

from bot.app.stores import open_configured
from bot.app.terminal import clock, lasted
from bot.errors import BadInput, NotFound, StoreBusy, StoreError
from bot.forgetting import GRACE
from bot.handover import to_html, to_json
from bot.model import Forgotten, Person
from bot.ports import Forgetting, Now
from bot.settings import Settings
from bot.storage.store import SharedStore

log = logging.getLogger(__name__)

DAY = 86_400.0
EVERY = DAY / 4
"""Seconds until the next look."""

RETRY = 600.0
"""Seconds until it is tried again where the store could not."""


async def forget_daily(store: Forgetting, days: int, now: Now) -> None:
    """Forget what is older than so many days, now and a few times a day, until cancelled; 0: nothing, ever."""
    while days:
        try:
            await forget_old(store, days, now)
        except StoreError as error:
            log.warning("what is older than %d days could not be forgotten now (%s); trying again", days, error)
            await asyncio.sleep(RETRY)
        else:
            await asyncio.sleep(EVERY)


async def forget_old(store: Forgetting, days: int, now: Now) -> None:
    """Forget what is older than so many days, now; 0: nothing. Where the clock may be wrong it only says so. Raises
    `StoreError`."""
    if not days:
        return
    at = now()
    looked = await store.look_to_forget(at)
    if looked.held is not None:
        log.warning("%s", doubted(looked.at, looked.held, days, at))
        return
    done = await store.forget_before(at - days * DAY)
    if done.persons:
        log.info("forgot %d persons of evenings more than %d days ago", done.persons, days)


def doubted(last: float, held: float, days: int, now: float) -> str:
    """Why nothing is forgotten since `held`, and until when; `last`: the look before that."""
    return (
        f"by the clock {lasted(now - last)} went by since the program last forgot old evenings: is it right? "
        f"What is older than {days} days is not forgotten before {clock(held + GRACE, now)}"
    )


async def forget(settings: Settings, person: str, before: datetime | None, now: Now) -> Forgotten:
    """Forget a person (SOURCE:ID), or everybody of evenings that were over before a time. Raises `StoreBusy` while the
    program runs, `NotFound` where nothing is known of the person."""
    store = await _open(settings, now)
    try:
        if before is not None:
            return await store.forget_before(before.timestamp())
        whom = person_of(person)
        if not (await store.known(whom)).anything:
            raise NotFound(f"nothing is kept of {person}")
        return await store.forget(whom, None, now())
    finally:
        await store.close()


async def export(settings: Settings, person: str, format: str, language: str, now: Now) -> str:
    """What is known of a person (SOURCE:ID), as "json" or "html". Raises as `forget`."""
    store = await _open(settings, now)
    try:
        known = await store.known(person_of(person))
    finally:
        await store.close()
    if not known.anything:
        raise NotFound(f"nothing is kept of {person}")
    return to_json(known) if format == "json" else to_html(known, language)


def person_of(text: str) -> Person:
    """Raises `BadInput` for what is not SOURCE:ID."""
    source, colon, id = text.partition(":")
    if not colon or not source or not id:
        raise BadInput(f"{text}: write a person as SOURCE:ID, as in telegram:12345")
    return Person(source, id)


async def _open(settings: Settings, now: Now) -> SharedStore:
    if not settings.postgres and not settings.database.exists():
        raise NotFound(f"there is no database yet at {settings.database}")
    try:
        return await open_configured(settings, now=now)
    except StoreBusy:
        raise StoreBusy(
            "the program is running and has the database: stop it first, or do it on its page of people"
        ) from None
