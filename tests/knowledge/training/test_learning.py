"""A short training with the real base and the real topics."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

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
    """One training instead of two, and batches of a third: half a minute instead of four."""
    monkeypatch.setattr(trainer, "RUNS", 1)
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
    kept = torch.load(target.with_name("encoder.0.part"), weights_only=True)["losses"]
    losses = trainer.train(topics, target, STEPS)
    assert len(losses) == STEPS
    assert losses[: STEPS // 2] == kept
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert same_question(load_encoder(str(target)), judged) > before + 0.03
    assert sum(file.stat().st_size for file in target.rglob("*")) < 80_000_000


@pytest.mark.usefixtures("small")
def test_the_mean_of_several_trainings_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins as the base does and sees other batches; what is written lies between them and the base, by their
    shares, and what they were kept in is gone."""
    monkeypatch.setattr(trainer, "RUNS", 2)
    seen: list[dict[str, torch.Tensor]] = []
    whole = trainer.run

    def watched(trainee: trainer.Trainee, *rest: Any) -> list[float]:
        losses = whole(trainee, *rest)
        seen.append({name: tensor.clone() for name, tensor in trainee.model.state_dict().items()})
        return losses

    monkeypatch.setattr(trainer, "run", watched)
    topics = read_topics()[:2]
    trainer.begin(topics, tmp_path / "base")
    base = trainer._loaded(tmp_path / "base").state_dict()
    losses = trainer.train(topics, tmp_path / "encoder", 2)
    assert len(losses) == 4
    assert losses[0] != losses[2]
    written = trainer._loaded(tmp_path / "encoder").state_dict()
    for name in (f"0.model.encoder.layer.{layer}.output.dense.weight" for layer in (0, 11)):
        assert not torch.equal(seen[0][name], seen[1][name])
        wanted = trainer.TRAINED * (seen[0][name] + seen[1][name]) / 2 + (1 - trainer.TRAINED) * base[name]
        assert (written[name] - wanted).abs().max() < 0.001  # half precision
        assert (written[name] - base[name]).abs().max() > 0
    assert torch.equal(written[trainer.WORDS], base[trainer.WORDS].half().float())
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
