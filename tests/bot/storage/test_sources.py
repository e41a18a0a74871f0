"""Contract of `ports.Sources`."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model import Outage, SourceHealth, SourceState
from bot.ports import Store
from bot.storage import sources
from tests.bot.storage.conftest import Open
from tests.bot.values import message

HEALTH = SourceHealth("chat", SourceState.CONNECTED, 10.5, 20.25, 3, "the clock is off", 7, 40, (20, 1000), 5.0)


async def test_how_a_source_stands_is_kept_whole(store: Store) -> None:
    """Every field comes back; the next note takes its place."""
    await store.keep_sources([HEALTH])
    assert [report.health for report in await store.sources()] == [HEALTH]
    other = SourceHealth("chat", SourceState.REFUSED, 11.0, 21.0, 4, "", 0, 0, (0, 0), 6.0)
    await store.keep_sources([other])
    assert [report.health for report in await store.sources()] == [other]


async def test_sources_come_by_name_and_one_that_is_not_named_stays(store: Store) -> None:
    """A note of some says nothing about the others."""
    await store.keep_sources([replace(HEALTH, source=name) for name in ("wecom", "bilibili")])
    await store.keep_sources([replace(HEALTH, source="telegram")])
    assert [report.health.source for report in await store.sources()] == ["bilibili", "telegram", "wecom"]


async def test_nothing_was_kept_yet(store: Store) -> None:
    """A new store has no sources, and a note of none changes nothing."""
    await store.keep_sources([])
    assert await store.sources() == []


async def test_an_outage_is_one_from_its_beginning_on(store: Store) -> None:
    """The same (source, began) again says how it ended; another beginning is another outage."""
    lasting = Outage("chat", 100.0, None, "gone")
    ended = replace(lasting, ended=160.0, filled=True)
    await store.keep_sources([HEALTH], [lasting])
    assert [report.outages for report in await store.sources()] == [(lasting,)]
    later = Outage("chat", 200.0, 230.0, "silent")
    await store.keep_sources([HEALTH], [ended, later])
    await store.keep_sources([HEALTH])
    assert [report.outages for report in await store.sources()] == [(ended, later)]


async def test_outages_come_in_order_of_time_each_with_its_source(store: Store) -> None:
    """Whatever the order of the notes; two sources may lose their chats in the same moment."""
    other = replace(HEALTH, source="other")
    outages = [Outage(source, began, began + 1, "gone") for began in (3.0, 1.0, 2.0) for source in ("chat", "other")]
    await store.keep_sources([HEALTH, other], outages)
    for report in await store.sources():
        assert [(o.source, o.began) for o in report.outages] == [(report.health.source, at) for at in (1.0, 2.0, 3.0)]


async def test_messages_are_counted_by_source(store: Store) -> None:
    """In all sessions, each line once though it asks several things; the last is the last by its own time."""
    await store.receive([message(1, source="chat"), message(7, source="chat"), message(3, source="other")])
    await store.receive([message(7, source="chat"), message(2, source="chat", session="second")])
    await store.receive([message(4, source="chat"), message(4, source="chat", part=2)])
    await store.keep_sources([HEALTH, replace(HEALTH, source="other"), replace(HEALTH, source="quiet")])
    found = {report.health.source: (report.messages, report.last_at) for report in await store.sources()}
    assert found == {"chat": (4, 107.0), "other": (1, 103.0), "quiet": (0, None)}


async def test_what_was_counted_is_not_counted_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every open board asks every few seconds: of a series with millions of messages only the newest are looked at, and
    the counts and the last time stay right."""
    monkeypatch.setattr(sources, "OPEN", 0.0)
    await store.keep_sources([HEALTH])
    for n in range(1, 12):
        await store.receive([message(n if n != 2 else 50, source="chat")])
        (report,) = await store.sources()
        assert (report.messages, report.last_at) == (n, 150.0 if n > 1 else 101.0)
    (counted, last_at) = store._counted.heard["chat"]  # type: ignore[attr-defined]
    assert (counted, last_at) == (10, 150.0)


async def test_it_outlives_a_restart(opening: Open) -> None:
    """What was noted is there when the store is opened again."""
    store = await opening()
    await store.keep_sources([HEALTH], [Outage("chat", 1.0, None, "gone")])
    before = await store.sources()
    await store.close()
    store = await opening()
    assert await store.sources() == before
    await store.close()


times = st.floats(0, 1e5, allow_nan=False).map(lambda at: round(at, 3))
outages = st.builds(
    lambda source, began, lasted, why, filled: Outage(source, began, began + lasted, why, filled),
    st.sampled_from(["chat", "other"]),
    times,
    times,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.booleans(),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(outages, max_size=4), max_size=4))
async def test_notes_fold_into_what_a_plain_dictionary_says(opening: Open, notes: list[list[Outage]]) -> None:
    """The last note of each (source, began) stands."""
    expected: dict[tuple[str, float], Outage] = {}
    store = await opening()
    known = {(o.source, o.began): o for report in await store.sources() for o in report.outages}
    for note in notes:
        await store.keep_sources([HEALTH, replace(HEALTH, source="other")], note)
        expected |= {(o.source, o.began): o for o in note}
    kept = {(o.source, o.began): o for report in await store.sources() for o in report.outages}
    await store.close()
    assert kept == known | expected
