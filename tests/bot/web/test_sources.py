"""How the sources are, over the API."""

from bot.errors import StoreError
from bot.model import Outage, SourceHealth, SourceReport, SourceState
from tests.bot.web.hall import Hall

HOUR = 3600.0


def report(hall: Hall, source: str, *outages: Outage, **health: object) -> SourceReport:
    now = hall.clock()
    values = {"state": SourceState.CONNECTED, "since": now - HOUR, "alive_at": now, "connects": 3, **health}
    return SourceReport(SourceHealth(source, **values), 12, now - 60, outages)  # type: ignore[arg-type]


async def test_a_source_says_what_it_missed_and_what_was_fetched(hall: Hall) -> None:
    """Seconds within the last hours only, what lasts counted until now, what was fetched beside it."""
    now = hall.clock()
    hall.sources = [
        report(
            hall,
            "talk-chat",
            Outage("talk-chat", now - 9 * HOUR, now - 8 * HOUR, "long ago"),
            Outage("talk-chat", now - 4.5 * HOUR, now - 3.5 * HOUR, "cut", filled=True),
            Outage("talk-chat", now - 100, None, "away"),
            trouble="away",
            chat_minute=2,
            chat_limits=(20, 0),
            watched_since=now - 5 * HOUR,
        )
    ]
    moderator = await hall.signed_in("moderator")
    found = await moderator.json("/api/v1/sources")
    assert (found["at"], found["hours"]) == (now, 4.0)
    [source] = found["sources"]
    assert (source["kind"], source["session"], source["state"]) == ("chat", "talk", "connected")
    assert (source["missed"], source["filled"], source["reconnects"]) == (100.0, HOUR / 2, 2)
    assert source["sending"] == {"minute": 2, "minute_limit": 20, "hour": 0, "hour_limit": 0}
    assert [outage["why"] for outage in source["outages"]] == ["cut", "away"]
    assert source["trouble"] == "away"


async def test_a_session_has_its_own_sources_and_those_of_nobody(hall: Hall) -> None:
    """A moderator of one session sees its sources there, and neither another's nor the page of all."""
    hall.sources = [report(hall, name) for name in ("talk-chat", "other-chat", "unknown")]
    here = await hall.signed_in("moderator", "talk")
    found = await here.json("/api/v1/sessions/talk/sources")
    assert [source["source"] for source in found["sources"]] == ["talk-chat", "unknown"]
    assert found["sources"][1]["kind"] == ""
    assert found["sources"][0]["sending"] is None
    for refused in ("/sources", "/api/v1/sources", "/s/other/sources", "/api/v1/sessions/other/sources"):
        assert (await here.get(refused)).status == 403
    everywhere = await hall.signed_in("organiser")
    assert len((await everywhere.json("/api/v1/sources"))["sources"]) == 3


async def test_experts_and_viewers_see_no_sources(hall: Hall) -> None:
    """Neither the pages nor the JSON, and the board of an expert has no link to them."""
    expert = await hall.signed_in("expert")
    for browser in (hall.client(), expert):
        for path in ("/sources", "/s/talk/sources", "/api/v1/sources", "/api/v1/sessions/talk/sources"):
            assert (await browser.get(path)).status == 403
    board = await (await expert.get("/s/talk/board")).text()
    assert 'data-i18n="board.link.sources"' not in board
    moderator = await (await (await hall.signed_in("moderator")).get("/s/talk/board")).text()
    assert 'data-i18n="board.link.sources"' in moderator


async def test_the_pages_are_served_with_the_words_of_the_chats(hall: Hall) -> None:
    """Both pages carry the names of the chats and lead back to where one came from."""
    moderator = await hall.signed_in("moderator")
    for path, back in (("/sources", 'href="/"'), ("/s/talk/sources", 'href="/s/talk/board"')):
        answer = await moderator.get(path)
        assert answer.status == 200
        page = await answer.text()
        assert back in page
        assert "The chat" in page


async def test_a_store_that_cannot_be_read_is_told_as_busy(hall: Hall) -> None:
    """While the sources cannot be read, the answer is 503 and says when to ask again."""

    class Broken(list[SourceReport]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            raise StoreError("the disk does not read")

    hall.sources = Broken()
    answer = await (await hall.signed_in("moderator")).get("/api/v1/sources")
    assert answer.status == 503
    assert "Retry-After" in answer.headers
