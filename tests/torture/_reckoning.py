"""What stands in a database, of either kind, beside what the clients were told and what the fake chat heard."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.reach import TWICE
from tests.fake_telegram import FakeTelegram
from tests.torture._people import Ledger, digest
from tests.torture.scenario import Run

Ask = Callable[[str], Iterable[Any]]
"""The rows of one statement, in order of columns."""


@dataclass
class Found:
    """What is wrong with a database beside the clients' ledger: what was acknowledged and is not there, what is there
    more than once or was never sent, and what the database itself complains of."""

    lost: int = 0
    doubled: int = 0
    unsound: int = 0

    def __iadd__(self, other: "Found") -> "Found":
        self.lost, self.doubled = max(self.lost, other.lost), max(self.doubled, other.doubled)
        self.unsound += other.unsound
        return self


def compared(ask: Ask, ledger: Ledger) -> Found:
    there = Counter(digest(*row) for row in ask("SELECT source, author, text FROM messages"))
    group = groups(ask)
    votes = Counter(
        (group.get(question, question), source, person)
        for question, source, person in ask("SELECT question, source, person FROM votes")
    )
    acts = list(ask("SELECT id, what, change FROM actions"))
    lost = len(ledger.messages - there.keys())
    lost += sum((group.get(q, q), source, person) not in votes for q, source, person in ledger.votes)
    lost += len(ledger.acts - {(id, what) for id, what, _ in acts})
    alike = Counter(_about(what, change) for _, what, change in acts)
    return Found(lost, sum(times - 1 for counts in (there, alike) for times in counts.values()))


def groups(ask: Ask) -> Mapping[str, str]:
    """Which question each one is a part of."""
    return {id: into or id for id, into in ask("SELECT id, merged_into FROM questions")}


def _about(what: str, change: str) -> tuple[str, str]:
    """What a moderator does to a question they do once; the first question that an act names."""
    return what, json.loads(change)["questions"][0][1]["id"]


def report_chat(run: Run, ask: Ask, telegram: FakeTelegram) -> None:
    """What was said over a chat that knows no key: nobody may be left out, and who may have heard it twice must stand
    on the board."""
    times: Counter[tuple[str, str]] = Counter()
    doubtful: set[tuple[str, str]] = set()
    for address, text, error in ask("SELECT address, text, error FROM deliveries WHERE key LIKE 'answer:%'"):
        chat = json.loads(address)
        if chat["connector"] == "telegram":
            times[chat["chat"], text] += 1
            doubtful |= {(chat["chat"], text)} if error == TWICE else set()
    heard = {(chat, text): telegram.texts(int(chat)).count(text) for chat, text in times}
    twice = {said for said in times if heard[said] > times[said]}
    run.figure("answers on Telegram", len(times))
    run.figure("askers who did not hear their answer", sum(heard[said] < times[said] for said in times), most=0)
    run.figure("answers heard twice (Telegram knows no key)", len(twice))
    run.figure("of these unknown to the board", len(twice - doubtful), most=0)
    run.figure("wrong requests to Telegram", len(telegram.faults), most=0)
    run.figure("sent inside a retry_after", len(telegram.violations), most=0)
