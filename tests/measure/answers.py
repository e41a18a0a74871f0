"""A program that is killed again and again in the middle of sending answers: how often each asker hears theirs.

`python -m tests.measure.answers` prints a table: for each chat platform how many heard it not at all, once, or more
often. The platforms are the fakes of the tests, with the keys against repetition that the real ones document; the
program is the real outbox with the real connectors on a real database, in a process that is killed with SIGKILL.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.connectors.dingtalk import DingTalk
from bot.connectors.discord import Discord
from bot.connectors.feishu import Feishu
from bot.connectors.intake import Intake
from bot.connectors.satori import Satori
from bot.connectors.slack import Slack
from bot.connectors.telegram import Telegram
from bot.desk import Desk
from bot.model import Address, Message, Placed, Placement, QuestionState, Session
from bot.outbox import Outbox
from bot.ports import Connector
from bot.storage.sqlite import open_store
from tests import fake_dingtalk, fake_discord, fake_feishu, fake_intake, fake_satori, fake_slack, fake_telegram
from tests.fake_floor import FakeFloor

KEYED = ("feishu", "discord", "slack", "intake")
"""Where a message that is sent again is known for the same one."""

KEYLESS = ("telegram", "satori", "dingtalk")
OF_A_QUESTION = 20  # askers
LONGEST = 120.0  # seconds until a run is given up
Fakes = dict[str, Any]

OPENED: dict[str, Callable[[], Any]] = {
    "feishu": fake_feishu.FakeFeishu,
    "discord": fake_discord.FakeDiscord,
    "slack": fake_slack.FakeSlack,
    "intake": fake_intake.FakeChat,
    "telegram": fake_telegram.FakeTelegram,
    "satori": fake_satori.FakeSatori,
    "dingtalk": fake_dingtalk.FakeDingTalk,
}
SAID: dict[str, Callable[[Any], Sequence[str]]] = {
    "feishu": lambda fake: [card["elements"][0]["text"]["content"] for card in fake.cards.values()],
    "discord": lambda fake: [message["content"] for message in fake.messages.values()],
    "slack": lambda fake: list(fake.messages.values()),
    "intake": lambda fake: fake.texts,
    "telegram": lambda fake: [message["text"] for message in fake.messages.values()],
    "satori": lambda fake: list(fake.messages.values()),
    "dingtalk": lambda fake: [text for _, text in fake.said],
}
CHAT: dict[str, Callable[[int], str]] = {
    "feishu": lambda n: f"oc_{n}",
    "discord": lambda n: str(70_000 + n),
    "slack": lambda n: f"D{n}",
    "intake": lambda n: f"user:u{n}",
    "telegram": lambda n: str(1000 + n),
    "satori": lambda n: f"discord/{fake_satori.ME['id']}/{n}",
    "dingtalk": lambda n: f"user/u{n}",
}


def reached(name: str, fake: Any) -> dict[str, str]:
    """What a connector has to know of its fake."""
    match name:
        case "discord":
            return {"base_url": fake.base_url, "gateway": fake.gateway}
        case "intake" | "satori":
            return {"url": fake.url}
        case _:
            return {"base_url": fake.base_url}


def connector(name: str, at: dict[str, str]) -> Connector:
    match name:
        case "feishu":
            return Feishu(name, fake_feishu.APP, fake_feishu.SECRET, "talk", **at)
        case "discord":
            return Discord(name, fake_discord.TOKEN, "talk", **at)
        case "slack":
            return Slack(name, fake_slack.TOKEN, fake_slack.APP_TOKEN, "talk", **at)
        case "intake":
            return Intake(name, fake_intake.SECRET, "talk", time.time, at["url"])
        case "telegram":
            base = at["base_url"]
            return Telegram(name, fake_telegram.TOKEN, "talk", base_url=base, base_file_url=base)
        case "satori":
            return Satori(name, at["url"], fake_satori.TOKEN, "talk")
        case _:
            return DingTalk(name, fake_dingtalk.CLIENT, fake_dingtalk.SECRET, "talk", **at)


async def prepare(path: Path, names: Sequence[str], askers: int) -> None:
    """A database in which so many askers of each chat, in private, wait for the answers to their questions."""
    store = await open_store(path)
    session = Session("talk", "A talk", language="en")
    await store.save_session(session)
    people = [(name, n) for n in range(askers) for name in names]
    await store.receive(
        [
            Message(
                "talk", name, f"{name}{n}", f"u{n}", f"U{n}", f"asker {name}-{n}!", 100.0 + n,
                Address(name, CHAT[name](n), "", f"u{n}"),
            )
            for name, n in people
        ]
    )  # fmt: skip
    placed = []
    for number, one in enumerate(await store.pending("talk", len(people))):
        id = f"q{number // OF_A_QUESTION}"
        founds = None if number % OF_A_QUESTION else QuestionState(id, "talk", one.text, one.text)
        placed.append(Placed(Placement(one.id, True, 0.9, id), founds=founds))
    await store.place("talk", placed)
    desk = Desk(store, lambda _: None, lambda: 100.0)
    for question in await store.questions("talk"):
        await desk.answer("Li", question.id, f"The answer to {question.id}.")
    await store.close()


async def send(path: Path, at: dict[str, dict[str, str]], fast: bool) -> None:
    """The program, as far as it sends; ends when there is nothing left. `fast`: within no limits of a chat."""
    store = await open_store(path)
    connectors = {name: connector(name, where) for name, where in at.items()}
    for one in connectors.values() if fast else ():
        one.abilities = replace(one.abilities, rate=10_000.0, chat_rate=10_000.0)
    listening = [asyncio.create_task(connectors["discord"].run(FakeFloor()))] if "discord" in connectors else []
    outbox = Outbox(store, connectors, wait=lambda _: 0.05)
    sending = asyncio.create_task(outbox.run())
    while any(one.state in ("waiting", "sending") for one in await store.answering("talk")):  # noqa: ASYNC110 (a look)
        await asyncio.sleep(0.05)
    for task in (sending, *listening):
        task.cancel()
    await asyncio.gather(sending, *listening, return_exceptions=True)
    for one in connectors.values():
        with suppress(Exception):
            await one.close()
    await store.close()


def nursery() -> None:
    """Forks a program for each line that comes, so that the libraries are imported once; tells its number, and how it
    ended. A line is `[database, {connector: where}, fast]` as JSON."""
    for line in sys.stdin:
        path, at, fast = json.loads(line)
        pid = os.fork()
        if pid == 0:
            asyncio.run(send(Path(path), at, fast))
            os._exit(0)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


async def crash(
    names: Sequence[str], askers: int, kills: int, seed: int, folder: Path, *, fast: bool = False
) -> tuple[dict[str, Counter[int]], int]:
    """Send to so many askers of each chat, killed so often at random points: for each chat how many askers heard their
    answer how many times, and how many kills hit the program before it was done."""
    chance, path = random.Random(seed), folder / "hall.sqlite3"
    await prepare(path, names, askers)
    points = sorted(chance.sample(range(1, len(names) * askers), kills))
    hit = 0
    async with AsyncExitStack() as stack:
        fakes: Fakes = {name: await stack.enter_async_context(OPENED[name]()) for name in names}
        if "telegram" in fakes:  # where nobody has spoken there is no chat
            for n in range(askers):
                user = {**fake_telegram.ANN, "id": 1000 + n}
                fakes["telegram"].says("hello", user, fake_telegram.private(user))
        at = {name: reached(name, fake) for name, fake in fakes.items()}
        python = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.measure.answers", "--nursery",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        stdin, stdout = python.stdin, python.stdout
        assert stdin
        assert stdout
        async with asyncio.timeout(LONGEST):
            done = False
            while not done:
                stdin.write(json.dumps([str(path), at, fast]).encode() + b"\n")
                pid = int(await stdout.readline())
                ended = asyncio.create_task(stdout.readline())
                while points and not ended.done():
                    if sum(len(SAID[name](fake)) for name, fake in fakes.items()) >= points[0]:
                        await asyncio.sleep(chance.uniform(0.0, 0.004))
                        points.pop(0)
                        if not ended.done():
                            os.kill(pid, signal.SIGKILL)
                            hit += 1
                        break
                    await asyncio.sleep(0.0005)
                done = int(await ended) == 0
            stdin.close()
            await python.wait()
        return {name: heard(name, fake, askers) for name, fake in fakes.items()}, hit


def heard(name: str, fake: Any, askers: int) -> Counter[int]:
    """How many askers heard their answer so often."""
    times = Counter(found for text in SAID[name](fake) for found in re.findall(rf"asker ({name}-\d+)!", text))
    return Counter(times[f"{name}-{n}"] for n in range(askers))


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--nursery", action="store_true")
    given.add_argument("--askers", type=int, default=125, help="of each chat")
    given.add_argument("--kills", type=int, default=12)
    given.add_argument("--seeds", type=int, default=5)
    options = given.parse_args()
    if options.nursery:
        nursery()
    for names in () if options.nursery else (KEYED, KEYLESS):
        total: dict[str, Counter[int]] = {name: Counter() for name in names}
        kills = 0
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                found, hit = asyncio.run(crash(names, options.askers, options.kills, seed, Path(folder)))
            kills += hit
            for name, counts in found.items():
                total[name] += counts
        print(f"{kills} kills in {options.seeds} runs, {options.askers * options.seeds} askers of each chat")
        print("| chat | heard it once | not at all | more than once |")
        print("|---|---|---|---|")
        for name, counts in total.items():
            twice = sum(people for times, people in counts.items() if times > 1)
            print(f"| {name} | {counts[1]} | {counts[0]} | {twice} |", flush=True)


if __name__ == "__main__":
    main()
