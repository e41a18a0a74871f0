"""Many votes at once: one person counts once, before and after a merge, and is not many at any pace."""

import asyncio
from typing import Any

import aiohttp

from tests.torture._posting import Load, post
from tests.torture._serving import Server, serving
from tests.torture.scenario import Run, scenario

SAME = {"Sec-Fetch-Site": "same-origin"}
AT_ONCE = 100
PEOPLE = 1_000
"""As `people` of the settings has it."""


@scenario("votes", seconds=30)
async def votes(run: Run) -> None:
    """A hundred votes of one person at once count as one, also over two questions that are merged and after the merge
    was taken back; whoever clears cookies for each vote counts no more often than people fit behind an address."""
    people = 100 if run.short else PEOPLE
    async with serving(run.folder, proxies=("127.0.0.1",), people=people) as server:
        site = f"http://127.0.0.1:{server.port}"
        async with aiohttp.ClientSession(site, headers=SAME) as asker, _browser(site) as voter, _browser(site) as staff:
            entered = await staff.post(f"/signin/{server.organiser.rpartition('/')[2]}", allow_redirects=False)
            assert entered.status == 303, await entered.text()
            first, second = await _two_questions(asker)
            await voter.get("/api/v1/sessions/talk/mine")  # from now on it is one person
            statuses = await _vote(voter, first)
            run.figure("100 votes of one person at once: failed", sum(s not in (200, 429) for s in statuses), most=0)
            run.figure("they count as", await _votes(staff, first), "vote", least=1, most=1)
            await _vote(voter, second)
            merge = await _act(staff, {"do": "merge", "questions": [first, second], "into": first})
            run.figure(
                "voted for both, and both are merged: they count as",
                await _votes(staff, first),
                "vote",
                least=1,
                most=1,
            )
            await _vote(voter, first)
            run.figure("after 100 more: they count as", await _votes(staff, first), "vote", least=1, most=1)
            await staff.post("/api/v1/sessions/talk/undo", json={"action": merge})
            both = [await _votes(staff, first), await _votes(staff, second)]
            run.figure("the merge taken back: votes of both", sum(both), "votes", least=2, most=2)
            await _many(run, server, staff, second, people)


def _browser(site: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(site, headers=SAME, cookie_jar=aiohttp.CookieJar(unsafe=True))


async def _two_questions(asker: aiohttp.ClientSession) -> tuple[str, str]:
    for text in ("Is there a recording of the talk?", "How much does the sensor cost?"):
        answer = await asker.post("/api/v1/sessions/talk/messages", json={"text": text})
        assert answer.status == 202, await answer.text()
    async with asyncio.timeout(20):
        while len(shown := await _queue(asker)) < 2:  # noqa: ASYNC110 (the program is looked at from outside)
            await asyncio.sleep(0.05)
    first, second = list(shown)
    return first, second


async def _queue(browser: aiohttp.ClientSession) -> dict[str, dict[str, Any]]:
    answer = await browser.get("/api/v1/sessions/talk/questions")
    return {one["id"]: one for one in (await answer.json())["questions"]}


async def _vote(voter: aiohttp.ClientSession, question: str) -> list[int]:
    async def once() -> int:
        async with voter.put(f"/api/v1/sessions/talk/questions/{question}/vote") as answer:
            return answer.status

    statuses = await asyncio.gather(*(once() for _ in range(AT_ONCE)))
    while not any(status == 200 for status in statuses):  # so fast nobody votes: it waits as it is told
        await asyncio.sleep(1.0)
        statuses = [await once()]
    return list(statuses)


async def _votes(browser: aiohttp.ClientSession, question: str) -> int:
    """Votes beside the one who asked."""
    return int((await _queue(browser))[question]["votes"])


async def _act(staff: aiohttp.ClientSession, act: dict[str, Any]) -> int:
    answer = await staff.post("/api/v1/sessions/talk/actions", json=act)
    assert answer.status == 200, await answer.text()
    return int((await answer.json())["action"])


async def _many(run: Run, server: Server, staff: aiohttp.ClientSession, question: str, people: int) -> None:
    """Somebody without cookies votes on and on, from one address."""
    count = 3 * people
    before = await _votes(staff, question)
    head = (
        f"PUT /api/v1/sessions/talk/questions/{question}/vote HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Sec-Fetch-Site: same-origin\r\nX-Forwarded-For: 192.0.2.7\r\nContent-Length: 0\r\n\r\n"
    )
    result = await post(Load(server.port, [head.encode()] * count, 16, until=30))
    counted = await _votes(staff, question) - before
    # Two a second more while it lasts.
    run.figure(
        f"votes that {count:,} cleared browsers of one address got", counted, most=people + 3 * result.seconds + 1
    )
    run.figure("told that it was too fast", len(result.refused))
