"""Sessions in the store: what the configuration said, what pages changed, and the ledger of both."""

import asyncio
import threading
from dataclasses import replace

import pytest
from sqlite_utils import Database

from bot.errors import Conflict, NotFound
from bot.model import Change, Mode, Session, Setting
from bot.ports import Store
from bot.storage import sessions
from tests.bot.storage.conftest import Open

SAID = Session("evening", "An evening", language="en")
TITLE = Setting("title", "An evening", "Another title")


async def test_a_change_on_a_page_outlives_a_restart(opening: Open) -> None:
    """The same configuration read again takes nothing back; a new word in it counts, and only that."""
    for says, stands in [
        (SAID, replace(SAID, title="Another title", grouping=Mode.OFF, review=True)),
        (replace(SAID, review=True), replace(SAID, title="Another title", grouping=Mode.OFF, review=True)),
        (replace(SAID, title="The newest"), replace(SAID, title="The newest", grouping=Mode.OFF)),
    ]:
        store = await opening()
        assert await store.configure_session(says) == (stands if says is not SAID else SAID)
        if says is SAID:
            settings = (TITLE, Setting("grouping", "auto", "off"), Setting("review", False, True))
            await store.apply(Change("evening", 1.0, "Ann", "set_up", settings=settings))
        assert await store.sessions() == [stands]
        await store.close()


async def test_the_ledger_keeps_who_set_what(store: Store) -> None:
    """A change of settings is read back as it was written."""
    await store.configure_session(SAID)
    change = Change("evening", 1.0, "Ann", "set_up", settings=(TITLE, Setting("starts_at", None, 5.0)))
    await store.apply(change)
    assert [action.change for action in await store.actions("evening")] == [change]


async def test_two_who_set_the_same_do_not_overwrite_each_other(store: Store) -> None:
    """A change that was decided on an older value is refused whole; one of another field is not."""
    await store.configure_session(SAID)
    await store.apply(Change("evening", 1.0, "Ann", "set_up", settings=(TITLE,)))
    with pytest.raises(Conflict, match="title"):
        await store.apply(Change("evening", 2.0, "Bo", "set_up", settings=(Setting("speaker", "", "Bo"), TITLE)))
    await store.apply(Change("evening", 3.0, "Bo", "set_up", settings=(Setting("language", "en", "zh"),)))
    evening = next(one for one in await store.sessions() if one.id == "evening")
    assert (evening.title, evening.speaker, evening.language) == ("Another title", "", "zh")


async def test_a_session_is_opened_once(store: Store) -> None:
    """An id that is taken is refused, and what stands there stays; what does not exist cannot be set."""
    await store.apply(Change("evening", 1.0, "Ann", "open", opens=SAID))
    with pytest.raises(Conflict, match="already"):
        await store.apply(Change("evening", 2.0, "Bo", "open", opens=replace(SAID, title="Mine")))
    assert SAID in await store.sessions()
    with pytest.raises(NotFound):
        await store.apply(Change("nowhere", 3.0, "Bo", "set_up", settings=(TITLE,)))


async def test_what_a_configuration_named_is_known(store: Store) -> None:
    """Sessions made on a page are told from those that a file named, also when it names them no longer."""
    known = await store.configured_sessions()
    await store.apply(Change("made", 1.0, "Ann", "open", opens=replace(SAID, id="made")))
    await store.configure_session(SAID)
    assert await store.configured_sessions() == [*known, "evening"]


async def test_many_who_ask_cost_one_reading_and_see_each_change_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request asks for the sessions: they are read after each change, not by each who asks, and never older than
    the change."""
    readings: list[int] = []
    real = sessions.all_
    monkeypatch.setattr(sessions, "all_", lambda db: readings.append(1) or real(db))
    for title in ("One", "Another", "A third"):
        await store.save_session(replace(SAID, title=title))
        found = await asyncio.gather(*(store.sessions() for _ in range(20)))
        found.append(await store.sessions())
        assert all(replace(SAID, title=title) in some for some in found)
    assert len(readings) in {3, 4}  # of 63 who asked; on PostgreSQL what was read is also read anew after a while


async def test_a_list_of_sessions_belongs_to_who_asked(store: Store) -> None:
    """What one does to it nobody else sees."""
    await store.save_session(SAID)
    (await store.sessions()).clear()
    assert await store.sessions()


async def test_a_reading_that_began_before_a_change_is_not_shown_after_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks once the change is acknowledged does not get what another one had begun to read before."""
    begun, go, real = threading.Event(), threading.Event(), sessions.all_

    def slowly(db: Database) -> list[Session]:
        found = real(db)
        begun.set()
        go.wait(5)
        return found

    monkeypatch.setattr(sessions, "all_", slowly)
    early = asyncio.create_task(store.sessions())
    await asyncio.to_thread(begun.wait, 5)
    monkeypatch.setattr(sessions, "all_", real)
    await store.save_session(SAID)
    assert SAID in await store.sessions()
    go.set()
    assert SAID not in await early
