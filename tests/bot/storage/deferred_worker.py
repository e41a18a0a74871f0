"""A process that does the chores of a database: python -m tests.bot.storage.deferred_worker URL [SESSION SECONDS].

It notes each look in the table `looks`, and each duty that it does in `composed`; where it comes to the duty of
SESSION it says "stuck" and goes on so many seconds later.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence

import psycopg

from bot.model import Address, Delivery, Mode, Session
from bot.ports import Chore
from bot.quiet import Hours
from bot.rounds import Duty, Round, Rounds
from bot.storage.postgres import open_postgres
from bot.storage.postgres_deferred import Deferred

TABLES = """
    CREATE TABLE looks (pid bigint, at timestamptz DEFAULT clock_timestamp());
    CREATE TABLE composed (pid bigint, session text);
"""
SECOND = "* * * * * *"


async def work(url: str, stuck: str = "", seconds: str = "0") -> None:
    store = await open_postgres(url)
    noted = psycopg.connect(url, autocommit=True)

    async def plan(session: Session) -> Sequence[Duty]:
        async def compose(_: str) -> Round:
            if session.id == stuck:
                print("stuck", flush=True)
                await asyncio.sleep(float(seconds))
            noted.execute("INSERT INTO composed VALUES (%s, %s)", (os.getpid(), session.id))
            key, chat = f"digest:{session.id}:telegram:7", Address("telegram", "7")
            return Round("Thanks", (Delivery(key, session.id, chat, "Thanks", not_before=0.0),))

        return [Duty("digest", session.ended_at or 0.0, Mode.AUTO, compose)]

    async def look() -> None:
        noted.execute("INSERT INTO looks VALUES (%s)", (os.getpid(),))

    rounds = Rounds(store, time.time, Hours(0, 0), planners=[plan])
    chores = [Chore("rounds", rounds.step, SECOND), Chore("looks", look, SECOND)]
    print("begun", flush=True)
    await Deferred(url, chores, beat=0.5, dead=2.0, seek="* * * * * */2").run()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
