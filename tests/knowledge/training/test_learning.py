"""A short training with the real base and the real topics."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import knowledge.training.encoder as trainer
from knowledge.encoder import load_encoder
from knowledge.training.curve import of_topics, same_question
from knowledge.training.encoder import Batch, batches
from knowledge.training.topics import HELD_OUT, Topic, read_topics

STEPS = 16


class Stopped(Exception):
    """As if somebody pulled the plug."""


def half(topics: Sequence[Topic], steps: int, public: Sequence[Topic] = ()) -> Iterator[Batch]:
    yield from itertools.islice(batches(topics, steps, public=public), steps // 2)
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
    losses = trainer.train(topics, target, STEPS)
    assert len(losses) == STEPS
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert same_question(load_encoder(str(target)), judged) > before + 0.03
    assert sum(file.stat().st_size for file in target.rglob("*")) < 80_000_000


def test_going_on_keeps_the_vocabulary(tmp_path: Path) -> None:
    """The base of a training that goes on reads the same pieces as the trained encoder and is untrained otherwise; what
    goes on is the trained encoder, and of it the upper half."""
    trainer.begin(read_topics()[:2], tmp_path / "first")
    model = trainer._loaded(tmp_path / "first")
    for name, weights in model.named_parameters():
        if name != trainer.WORDS:
            weights.data.add_(0.01)
    model.save(str(tmp_path / "trained"), create_model_card=False)
    trainer._base_of(tmp_path / "trained", tmp_path / "base")
    untrained, trained = (load_encoder(str(tmp_path / name)) for name in ("base", "trained"))
    begun = load_encoder(str(tmp_path / "first"))
    text = ["有回放吗", "will there be a recording?"]
    assert (untrained.encode(text) * begun.encode(text)).sum(axis=1).min() > 0.9999
    assert (untrained.encode(text) * trained.encode(text)).sum(axis=1).max() < 0.99
    trainee = trainer.Trainee(tmp_path / "base", tmp_path / "trained")
    weights = {name: (p, p.requires_grad) for name, p in trainee.model.named_parameters()}
    for name, p in model.named_parameters():
        assert p.equal(weights[name][0])
    learning = {name.split(".")[4] for name, (_, learns) in weights.items() if learns}
    assert learning == {str(layer) for layer in range(trainer.STAYING, 12)}
