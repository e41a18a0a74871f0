"""Backups of a program that is at work, and what comes back from them."""

import asyncio
import contextlib
import hashlib
import shutil
import sqlite3
import tarfile
import time
from collections import Counter
from pathlib import Path

import aiohttp

from bot.app.keeping import look_through
from bot.model import Message
from bot.storage.sqlite import open_store
from tests.torture._hall import free_port
from tests.torture._installed import SAME_SITE, Installed, Ledger, post_until
from tests.torture.scenario import Run, scenario


@scenario("backup while live", seconds=120, daily=False)
async def backup_while_live(run: Run) -> None:
    """Backups are taken one after the other while lines come in over the signed intake, and the program is killed:
    whatever was acknowledged before a backup began is in it once, comes back elsewhere, and accepting goes on."""
    here = Installed(run.folder / "here", free_port())
    here.found()
    await fill(here.database, 2_000 if run.short else 60_000)
    ledger, over = Ledger(), asyncio.Event()
    jar = aiohttp.CookieJar(unsafe=True)
    async with here.running() as link, aiohttp.ClientSession(cookie_jar=jar, headers=SAME_SITE) as browser:
        await arrive(browser, here.url, link)
        posting = asyncio.create_task(post_until(over, here.url, 40 if run.short else 120, ledger))
        calm = time.monotonic()
        await asyncio.sleep(1 if run.short else 20)  # the time in which the base is measured
        backups: list[Path] = []
        first = time.monotonic()
        while not backups or (not run.short and time.monotonic() < first + 20):
            backups.append(here.folder / f"backup{len(backups)}.tar")
            await here.floormic("backup", backups[-1])
        last = time.monotonic()
        over.set()
        await posting
    began = {backup: look_through(backup).made_at for backup in backups}
    lost, wrong = compared(run, began, ledger)
    run.figure("backups taken while it accepted", len(began), least=1 if run.short else 2)
    run.figure("acknowledged before a backup began and not in it", lost, most=0)
    run.figure("in a backup twice, or in other words", wrong, most=0)
    run.figure("lines that got no answer", ledger.unanswered, most=0)
    run.figure("accepting, p99 without backups", ledger.p99(calm, first), "ms", timing=True)
    run.figure("accepting, p99 during backups", ledger.p99(first, last), "ms", timing=True)
    ratio = ledger.p99(first, last) / ledger.p99(calm, first)
    run.figure("p99 during backups against before", ratio, "times", most=2, timing=True)
    await come_back(run, here, *max(began.items(), key=lambda one: one[1]), ledger, jar)


@scenario("copying the file of a live program", seconds=30, control=True)
async def copying_the_file(run: Run) -> None:
    """What some do instead of a backup: the database's file is copied while lines come in, without its log. What was
    acknowledged last is not in the copy."""
    here = Installed(run.folder / "here", free_port())
    here.found()
    ledger, over, began = Ledger(), asyncio.Event(), {}
    async with here.running():
        posting = asyncio.create_task(post_until(over, here.url, 40, ledger))
        for number in range(3):
            await ledger.until(20 * (number + 1))
            target, moment = run.folder / f"copy{number}.sqlite3", time.time()
            await asyncio.to_thread(shutil.copyfile, here.database, target)
            began[target] = moment
        over.set()
        await posting
    lost = 0
    for copy, moment in began.items():
        found = words(copy)
        lost += sum(id not in found for id in ledger.before(moment))
    run.figure("acknowledged before a copy began and not in it", lost, most=0)


async def come_back(
    run: Run, here: Installed, backup: Path, moment: float, ledger: Ledger, jar: aiohttp.CookieJar
) -> None:
    there = Installed(run.folder / "there", here.port)
    there.folder.mkdir()
    began = time.monotonic()
    await there.floormic("restore", backup)
    run.figure("restored elsewhere in", time.monotonic() - began, "s", timing=True)
    found = words(there.database)
    kept = ledger.before(moment)
    run.figure("acknowledged before it and not there", sum(id not in found for id in kept), most=0)
    run.figure("there twice", sum(len(said) > 1 for said in found.values()), most=0)
    async with there.running(), aiohttp.ClientSession(cookie_jar=jar, headers=SAME_SITE) as browser:
        failed = 0
        for page in ("/s/talk", "/s/talk/stage", "/healthz", "/api/v1/sessions/talk/questions"):
            async with browser.get(there.url + page) as reply:
                failed += reply.status != 200
        run.figure("pages that do not come back", failed, most=0)
        async with browser.get(f"{there.url}/s/talk/board") as board:
            signed_in = board.status == 200 and not board.history
        async with browser.get(f"{there.url}/api/v1/sessions/talk/mine") as mine:
            known = "is there a recording" in (await mine.text()).lower()
        run.figure("people who are not known any more", (not signed_in) + (not known), most=0)


async def arrive(browser: aiohttp.ClientSession, url: str, link: str) -> None:
    """Somebody asks on the page and signs in as organiser; the cookies stay in the browser."""
    async with browser.post(f"{url}/api/v1/sessions/talk/messages", json={"text": "Is there a recording?"}) as asked:
        assert asked.status == 202, await asked.text()
    async with browser.post(link) as entered:
        assert entered.status == 200, entered.status
    async with browser.get(f"{url}/s/talk/board") as board:
        assert board.status == 200
        assert not board.history


async def fill(database: Path, count: int) -> None:
    """So many lines of an earlier evening."""
    store = await open_store(database)
    for first in range(0, count, 1000):
        await store.receive(
            [
                Message(
                    "talk", "earlier", f"e{n}", f"u{n % 700}", "", f"said on an earlier evening, number {n}", 1e9 + n
                )
                for n in range(first, min(first + 1000, count))
            ]
        )
    await store.close()


def compared(run: Run, began: dict[Path, float], ledger: Ledger) -> tuple[int, int]:
    """How much is missing from these backups, and how much of them is not as it was said."""
    lost = wrong = 0
    for number, (backup, moment) in enumerate(began.items()):
        database = run.folder / f"look{number}.sqlite3"
        with tarfile.open(backup) as tar, database.open("wb") as file:
            stream = tar.extractfile("data/floormic.sqlite3")
            assert stream
            file.write(stream.read())
        found = words(database)
        kept = ledger.before(moment)
        lost += sum(id not in found for id in kept)
        wrong += sum(found[id] != Counter([digest]) for id, digest in kept.items() if id in found)
        run.say(f"{backup.name}: {len(kept)} were acknowledged before, {len(found)} are in it")
    return lost, wrong


def words(database: Path) -> dict[str, Counter[str]]:
    """The hashes of what was said over the intake, by the id of the line."""
    db = sqlite3.connect(f"file:{database}?immutable=1", uri=True)
    found: dict[str, Counter[str]] = {}
    with contextlib.closing(db), contextlib.suppress(sqlite3.DatabaseError):  # where not even the tables are in it
        for id, text in db.execute("SELECT external_id, text FROM messages WHERE source GLOB 'lobby*'"):
            found.setdefault(id, Counter())[hashlib.sha256(text.encode()).hexdigest()] += 1
    return found
