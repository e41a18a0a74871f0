"""What is predicted of a mode, against a replay in that mode: the sample talks, with the model that ships."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bot.app.floor import Unwatched
from bot.app.minds import Minds
from bot.desk import Desk
from bot.effects import JUDGING, Effects, effects
from bot.model import Address, Message, Mode, Placement, Session
from bot.ports import Store
from bot.storage.sqlite import open_store
from knowledge.encoder import Remembering, load_encoder

pytestmark = pytest.mark.model

SAMPLE = Path(str(files("knowledge") / "sample"))
GROUPING, ANSWERS, SILENT = {"grouping": Mode.OFF}, {"answers": Mode.OFF}, {"acknowledgements": Mode.OFF}
PROPOSING = {"grouping": Mode.SUGGEST, "answers": Mode.SUGGEST}


@pytest.fixture(scope="module")
def minds() -> Iterator[Minds]:
    real = Minds(encoder=Remembering(load_encoder()))  # the same texts come in every replay
    yield real
    real.close()


def heard(language: str) -> list[Message]:
    """The recorded chat, as said in groups of a chat that can answer."""
    lines = [json.loads(line) for line in (SAMPLE / language / "chat.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Message(
            "talk", "telegram", one["id"], one["user"], one.get("name", ""), one["text"], 1000.0 + one["t"],
            Address("telegram", one["platform"], one["id"], one["user"], private=False),
        )
        for one in lines
    ]  # fmt: skip


async def play(store: Store, minds: Minds, language: str, modes: dict[str, Mode]) -> None:
    session = replace(Session("talk", "T", course=str(SAMPLE / language / "course"), language=language), **modes)
    await store.save_session(session)
    pipeline = await minds.pipeline(session, store, replying=frozenset({"telegram"}))
    floor = Unwatched(store, Desk(store, lambda _: None, lambda: 0.0), lambda _: None, lambda: None)
    await floor.receive(heard(language))
    task = asyncio.ensure_future(pipeline.run())
    try:
        pipeline.wake()
        await pipeline.drained()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def predicted(store: Store) -> Effects:
    states = {q.id: q.state for q in await store.questions("talk")}
    return effects(await store.askings("talk", 10_000), states, await store.actions("talk", what=JUDGING))


async def decisions(store: Store) -> list[Placement]:
    return [p for _, p in await store.placements("talk") if p]


async def lines(store: Store, kind: str) -> int:
    return sum(d.key.startswith(f"{kind}:") for d in await store.deliveries("talk"))


def by_machine(one: Placement) -> tuple[Any, ...]:
    """What must be the same in every mode."""
    match = one.answer and (one.answer.source, one.answer.score, one.answer.text, one.answer.sure)
    return one.asking, one.probability, one.similarity, one.same, one.joins, match, one.reasons


@pytest.mark.parametrize(
    ("language", "modes"),
    [
        pytest.param(language, modes, id=f"{language}-{'-'.join(modes)}", marks=[] if daily else pytest.mark.thorough)
        for language, modes, daily in (
            ("zh", PROPOSING, True),
            ("en", GROUPING, True),
            ("zh", GROUPING, False),
            ("zh", ANSWERS, False),
            ("zh", SILENT, False),
            ("en", ANSWERS, False),
            ("en", SILENT, False),
            ("en", PROPOSING, False),
        )
    ],
)
async def test_what_auto_would_have_done_is_what_a_replay_in_auto_does(
    tmp_path: Path, minds: Minds, language: str, modes: dict[str, Mode]
) -> None:
    """Heard in another mode, an evening predicts of auto which message joins what, which are answered and with what,
    and how many lines are written: all of it exactly what is then done, and nothing of it was done here."""
    auto, other = await open_store(tmp_path / "auto.db"), await open_store(tmp_path / "other.db")
    try:
        await play(auto, minds, language, {})
        await play(other, minds, language, modes)
        done, expected = await decisions(auto), await predicted(other)
        assert [by_machine(p) for p in await decisions(other)] == [by_machine(p) for p in done]

        grouped = [p for p in done if p.asking and p.question != f"q{p.message}"]
        assert all(p.question == p.same for p in grouped)
        answered = [p for p in done if p.answer and p.answer.state == "sent"]
        assert len(grouped) > 10
        assert len(answered) > 3
        assert expected.grouping[Mode.AUTO].acts == len(grouped)
        assert expected.answers[Mode.AUTO].acts == len(answered) == await lines(auto, "course")
        if modes == SILENT:
            assert expected.acknowledgements[Mode.AUTO].acts == await lines(auto, "ack") > 10
        assert expected == replace(await predicted(auto), acknowledgements=expected.acknowledgements)

        if "grouping" in modes:
            assert all(p.question == f"q{p.message}" for p in await decisions(other) if p.asking)
        if "answers" in modes:
            assert await lines(other, "course") == 0
        if "acknowledgements" in modes:
            assert await lines(other, "ack") == 0
    finally:
        await auto.close()
        await other.close()
