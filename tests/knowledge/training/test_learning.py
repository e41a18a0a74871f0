"""A short training with the real base and the real topics."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

import knowledge.training.encoder as trainer
from knowledge.encoder import load_encoder
from knowledge.training.curve import of_topics, same_question
from knowledge.training.encoder import Batch, batches
from knowledge.training.topics import HELD_OUT, Topic, read_topics

STEPS = 16


class Stopped(Exception):
    """As if somebody pulled the plug."""


def half(topics: Sequence[Topic], steps: int) -> Iterator[Batch]:
    yield from itertools.islice(batches(topics, steps), steps // 2)
    raise Stopped


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a third: half a minute instead of two."""
    monkeypatch.setattr(trainer, "GROUPS", 5)
    monkeypatch.setattr(trainer, "NOTHING", 6)


@pytest.mark.usefixtures("small")
def test_a_short_training_learns_what_it_was_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen small steps on six topics tell the questions of two other topics apart better than the base does; a run
    that was stopped goes on where it was, and what is written fits in 80 MB."""
    topics, judged = read_topics()[:6], of_topics(read_topics(HELD_OUT))
    trainer.begin(read_topics(), tmp_path / "base")
    before = same_question(load_encoder(str(tmp_path / "base")), judged)

    target = tmp_path / "encoder"
    with monkeypatch.context() as stopping:
        stopping.setattr(trainer, "batches", half)
        with pytest.raises(Stopped):
            trainer.train(topics, target, STEPS, every=STEPS // 2)
    kept = torch.load(target.with_name("encoder.part"), weights_only=True)["losses"]
    losses = trainer.train(topics, target, STEPS)
    assert len(losses) == STEPS
    assert losses[: STEPS // 2] == kept
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert same_question(load_encoder(str(target)), judged) > before + 0.03
    assert sum(file.stat().st_size for file in target.rglob("*")) < 80_000_000
