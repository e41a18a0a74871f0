"""What a series was about, over HTTP."""

import csv
import io
from dataclasses import replace
from urllib.parse import quote

import numpy as np

from bot.model import Placed, Placement, Session
from bot.storage.sqlite import SqliteStore
from tests.bot.values import message, state
from tests.bot.web.hall import Hall, open_hall

NAME = "工业/互联网 & co?"
ADDRESS = quote(NAME, safe="")
URL = f"/api/v1/series/{ADDRESS}/trends"


async def asked(store: SqliteStore, session: str, themes: dict[str, int], people: int = 2) -> None:
    """Of each theme so many questions, each by two people."""
    for at, (theme, count) in enumerate(themes.items()):
        for n in range(count):
            id = f"{session}-{theme}-{n}"
            text = f"How is the {theme} {id}?"
            sent = [
                replace(message(0, text, f"{id}-{k}"), session=session, external_id=f"{id}-{k}") for k in range(people)
            ]
            await store.receive(sent)
            drawn = np.random.default_rng([at, n, len(session)]).standard_normal(256).astype(np.float32)
            drawn = drawn / np.linalg.norm(drawn)
            drawn[at] += 1.5
            vector = (drawn / np.linalg.norm(drawn)).astype(np.float32)
            first = replace(state(id, title=text), session=session)
            for k, one in enumerate(await store.pending(session, 10)):
                placed = Placed(Placement(one.id, True, 0.9, id), vector, first if k == 0 else None)
                await store.place(session, [placed])


async def a_series(hall: Hall) -> None:
    for at, session in enumerate(("one", "evening-two")):
        await hall.store.save_session(Session(session, f"Evening {at}", series=NAME, starts_at=1000.0 * at))
    await asked(hall.store, "one", {"cloud": 6, "price": 5})
    await asked(hall.store, "evening-two", {"cloud": 5, "price": 5})


async def test_the_trends_of_a_series_whatever_its_name(hall: Hall) -> None:
    """Topics by evening, map and gaps, of a name with slashes, marks and Chinese; found anew once something changed."""
    await a_series(hall)
    mo = await hall.signed_in("moderator")
    found = await mo.json(URL)
    assert found["series"] == NAME
    assert [(one["session"], one["people"]) for one in found["evenings"]] == [("one", 22), ("evening-two", 20)]
    assert [(one["words"], [cell["people"] for cell in one["cells"]]) for one in found["topics"]] == [
        (["cloud"], [12, 10]),
        (["price"], [10, 10]),
    ]
    assert all(0 <= one["x"] <= 1 and one["topic"] is not None for one in found["questions"])
    assert len(found["gaps"]) == 21
    first = found["gaps"][0]["id"]
    assert first.startswith("one-cloud")
    await hall.desk.answer("Ann", first, "It is safe.")
    after = await mo.json(URL)
    assert first not in [gap["id"] for gap in after["gaps"]]
    assert sum(topic["answered"] for topic in after["topics"]) == 1


async def test_the_same_as_csv(hall: Hall) -> None:
    """One line a question, a topic on an evening or a gap; another wish is refused with what there is."""
    await a_series(hall)
    mo = await hall.signed_in("moderator")
    for rows, lines in (("questions", 21), ("topics", 4), ("gaps", 21)):
        answer = await mo.get(f"/series/{ADDRESS}/trends.csv?rows={rows}")
        assert answer.content_type == "text/csv"
        assert quote(f"{NAME}-{rows}.csv", safe="") in answer.headers["Content-Disposition"]
        read = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
        assert len(read) == lines
        assert {one["series"] for one in read} == {NAME}
    refused = await mo.get(f"/series/{ADDRESS}/trends.csv?rows=people")
    assert refused.status == 400
    assert "questions, topics, gaps" in await refused.text()


async def test_a_series_without_sessions_is_said_so(hall: Hall) -> None:
    """A name that no session has is not found, in the language of the reader, and what there is is named."""
    await a_series(hall)
    mo = await hall.signed_in("moderator")
    answer = await mo.get("/api/v1/series/none/trends", headers={"Accept-Language": "zh"})
    assert answer.status == 404
    assert (await answer.json())["error"] == f"没有讲座属于系列 'none'；现有的系列：{NAME}"
    assert (await mo.get("/series/none/trends.csv")).status == 404
    page = await mo.get("/series/none", headers={"Accept-Language": "zh"})
    assert page.status == 404
    assert "没有讲座属于这个系列" in await page.text()
    assert f'href="/series/{ADDRESS}"' in await page.text()


async def test_only_who_moderates_every_session_sees_it(store: SqliteStore) -> None:
    """It shows what all evenings brought: a moderator of one of them, an expert and a viewer do not see it."""
    async with open_hall(store) as hall:
        await a_series(hall)
        people = [hall.client(), await hall.signed_in("expert"), await hall.signed_in("moderator", "one", "Em")]
        for browser in people:
            assert (await browser.get(URL)).status in {401, 403}
            assert (await browser.get(f"/series/{ADDRESS}/trends.csv")).status in {401, 403}
