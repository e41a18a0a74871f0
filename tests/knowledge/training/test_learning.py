"""A short training with the real base and the real topics."""

import itertools
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

import knowledge.training.encoder as trainer
from knowledge.bert import read_weights
from knowledge.encoder import load_encoder
from knowledge.training.curve import of_topics, same_question
from knowledge.training.encoder import Batch, Run, batches
from knowledge.training.loop import SEED
from knowledge.training.topics import HELD_OUT, Topic, read_topics

STEPS = 8
FEW = 80
"""Askings of each topic that judges: more take longer and say the same."""
RUNS = (Run(STEPS), Run(STEPS, SEED + 1))


class Stopped(Exception):
    """As if somebody pulled the plug."""


def half(topics: Sequence[Topic], run: Run) -> Iterator[Batch]:
    """All of the first run, half of the second."""
    yield from itertools.islice(batches(topics, run), STEPS if run == RUNS[0] else STEPS // 2)
    if run == RUNS[1]:
        raise Stopped


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a third."""
    monkeypatch.setattr(trainer, "GROUPS", 10)
    monkeypatch.setattr(trainer, "NOTHING", 6)


@pytest.mark.usefixtures("small")
def test_a_short_training_learns_what_it_was_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs of eight small steps on six Chinese topics tell the questions of other topics apart better than the
    base does; a run that was stopped goes on where it was, and ends in the very weights of one that was not; what is
    written fits in 80 MB and is not for its owner alone."""
    chinese = [topic for topic in read_topics() if topic.language == "zh"]
    topics, judged = chinese[:6], [rows[:FEW] for rows in of_topics(read_topics(HELD_OUT))]
    target = tmp_path / "encoder"
    with monkeypatch.context() as stopping:
        stopping.setattr(trainer, "batches", half)
        with pytest.raises(Stopped):
            trainer.train(topics, target, RUNS, every=STEPS // 2)
    before = same_question(load_encoder(str(tmp_path / "encoder.start")), judged)
    kept = [torch.load(tmp_path / f"encoder-{turn}.part", weights_only=True)["losses"] for turn in (1, 2)]
    assert [*map(len, kept)] == [STEPS, STEPS // 2]
    with pytest.raises(ValueError, match=f"of a training of {STEPS} steps"):
        trainer.train(topics, target, [Run(STEPS * 2)])
    begun, other_one = (trainer.Trainee(tmp_path / "encoder.start") for _ in range(2))
    weights = [[*one.model.parameters(), *one.head.parameters()] for one in (begun, other_one)]
    for weight in weights[0]:
        weight.data += 0.01
    other_one.load(begun.state())
    assert all(torch.equal(*both) for both in zip(*weights, strict=True))
    capsys.readouterr()
    losses = trainer.train(topics, target, RUNS)
    said = capsys.readouterr().out
    assert f"going on from step {STEPS}\n" in said
    assert f"going on from step {STEPS // 2}\n" in said
    assert {path.name for path in tmp_path.iterdir()} == {"encoder"}
    one, other = losses[:STEPS], losses[STEPS:]
    assert (one, other[: STEPS // 2]) == (*kept,)
    assert len(other) == STEPS
    assert one != other
    for run in (one, other):
        assert sum(run[-3:]) < 0.9 * sum(run[:3])
    assert same_question(load_encoder(str(target)), judged) > before + 0.03
    again = trainer.train(topics, tmp_path / "again", RUNS)
    assert again == losses
    weights = [read_weights(folder) for folder in (target, tmp_path / "again")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert sum(file.stat().st_size for file in target.rglob("*")) < 80_000_000
    assert all(path.stat().st_mode & stat.S_IROTH for path in (target, *target.rglob("*")))
