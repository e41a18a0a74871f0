"""The training of the cross-encoder: which pairs it is shown, and that it learns from them."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import knowledge.training.cross as trainer
from knowledge.bert import Bert, Encoding
from knowledge.encoder import ANSWERS, REPLIES
from knowledge.training.cross import Asking, Frozen, Pair, Trainee, ahead, askings, batches
from knowledge.training.topics import HELD_OUT, Reply, Topic, read_topics
from tests.fakes import HashEncoder

ENCODER = Path(str(files("knowledge") / "models" / "encoder"))
STEPS = 40


class Stopped(Exception):
    """As if somebody pulled the plug."""


def topic() -> Topic:
    """Six groups of a topic that no training sees."""
    whole = read_topics(HELD_OUT)[0]
    groups = whole.groups[:6]
    return replace(whole, groups=groups, near=whole.near[:3], hits=(), misses=(), replies=())


@pytest.fixture
def of_topic() -> Callable[[Topic], list[Asking]]:
    """The askings of a topic, without a model: what shares letters is near."""
    return partial(askings, frozen=Mock(vectors=lambda texts, _: HashEncoder().encode(texts)))


def half(steps: Iterator[list[Pair]], frozen: Any) -> Iterator[list[Pair]]:
    yield from itertools.islice(ahead(steps, frozen), STEPS // 2)
    raise Stopped


def test_an_asking_is_told_from_what_is_near_and_never_from_what_answers_it(
    of_topic: Callable[[Topic], list[Asking]],
) -> None:
    """An asking near to a text which does not answer it is told from that one first."""
    here = topic()
    source = {ask: group.source for group in here.groups for ask in group.asks}
    found = of_topic(here)
    assert [one.text for one in found] == [*source, *(ask for _, ask in here.near)]
    for one in found[: len(source)]:
        assert one.source == source[one.text]
        assert one.source not in one.wrong
        assert one.wrong
    for one, (text, _) in zip(found[len(source) :], here.near, strict=True):
        assert one.wrong[0] == text
        assert not one.source
    pairs = list(itertools.chain(*batches(found, [], 20)))
    assert {pair.true for pair in pairs} == {True, False}
    for pair in pairs:
        assert pair.kind == ANSWERS
        assert pair.true == (source.get(pair.one) == pair.other)


def test_a_text_that_is_near_and_does_not_answer_is_what_an_asking_is_told_from_first(
    of_topic: Callable[[Topic], list[Asking]],
) -> None:
    """More often than from those that only the vectors say are near."""
    one, *others = topic().groups
    text, near = "kept for a year", "sent within ten days"
    groups = (replace(one, source=text, near=near), *others)
    found = of_topic(replace(topic(), groups=groups, near=()))
    assert [asking.wrong[:2] for asking in found if asking.text in one.asks] == [(near, near)] * len(one.asks)


def test_further_hits_and_misses_are_told_of_the_text_they_name(of_topic: Callable[[Topic], list[Asking]]) -> None:
    """A hit is answered by its text and told from others, which a term may be; a miss is not answered by its own, and
    nothing more is said of it."""
    term = "OEE availability times performance times quality"
    here = replace(topic(), hits=((term, "what does OEE mean"),), misses=((term, "what OEE is good"),))
    *_, hit, miss = of_topic(here)
    assert (hit.text, hit.source) == ("what does OEE mean", term)
    assert hit.wrong
    assert term not in hit.wrong
    assert (miss.text, miss.source, miss.wrong) == ("what OEE is good", "", (term,))
    pairs = {(p.one, p.other, p.kind, p.true) for p in itertools.chain(*batches([hit, miss], [], 2))}
    assert (hit.text, term, ANSWERS, True) in pairs
    assert [p for p in pairs if miss.text in p] == [(miss.text, term, ANSWERS, False)]


def test_what_was_written_to_be_told_apart_has_its_place_in_every_step() -> None:
    """However few there are beside the others."""
    own = [Asking(f"a{at}", "", ("b",)) for at in range(100)] + [Asking("written", "b", (), written=True)] * 10
    for pairs in batches(own, [], 5):
        assert sum(pair.one == "written" for pair in pairs) == trainer.WRITTEN
        assert len({pair.one for pair in pairs}) == trainer.OWN + 1


def test_near_misses_are_looked_for_of_no_more_askings_than_there_are_places_for() -> None:
    """Some of every topic; groups, their texts and what was written to be told apart stay."""
    one, other = topic(), replace(topic(), name="other")
    places = sum(len(group.asks) for group in one.groups)
    thinned = trainer.needed([one, other], places)
    assert sum(len(group.asks) for topic in thinned for group in topic.groups) == places
    for whole, part in zip((one, other), thinned, strict=True):
        kept = [set(group.asks) for group in part.groups]
        assert any(kept)
        assert all(asks <= set(group.asks) for asks, group in zip(kept, whole.groups, strict=True))
        assert part == replace(whole, groups=part.groups)
        assert [(group.id, group.source) for group in part.groups] == [(g.id, g.source) for g in whole.groups]
    assert trainer.needed([one, other], 3 * places) == [one, other]


def test_what_steps_read_is_gone_through_many_steps_at_once() -> None:
    """Before the first of them, and they are the same steps in the same order."""
    frozen = Mock(layers=6)
    own = [Asking(f"a{at}", "b", (f"c{at}",)) for at in range(100)]
    steps = 2 * trainer.AHEAD
    shown = trainer.ahead(batches(own, [], steps), frozen)
    first = next(shown)
    asked, said = (set(call.args[0]) for call in frozen.go_through.call_args_list)
    assert {pair.one for pair in first} <= asked
    assert {pair.other for pair in first} <= said
    assert [first, *shown] == [*batches(own, [], steps)]
    assert frozen.go_through.call_count == 4


def test_a_reply_is_told_from_what_asks_itself() -> None:
    """A reply tells whoever asked in its group and nobody in another one that is not its look-alike; who asks himself,
    and two askings, tell nobody."""
    whole = read_topics(HELD_OUT)[0]
    group, like = whole.groups[0], whole.like[whole.groups[0].id]
    told, asks = Reply(group, "on the first page", True), Reply(group, "not on mine", False)
    group_of = {ask: one for one in whole.groups for ask in one.asks}
    pairs = [p for batch in batches([Asking("a", "", ("b",))], [], 20, [(told, whole), (asks, whole)]) for p in batch]
    pairs = [pair for pair in pairs if pair.kind == REPLIES]
    assert {pair.one for pair in pairs} > {told.line, asks.line}
    for pair in pairs:
        assert pair.true == (pair.one == told.line and group_of[pair.other] is group)
        if pair.one == told.line and not pair.true:
            assert group_of[pair.other].id not in like
        assert pair.one != pair.other
    assert any(pair.true for pair in pairs)


@pytest.mark.model
def test_a_short_training_learns_and_is_read_as_it_was_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty small steps on one small topic lower the loss; a run that was stopped goes on where it was and ends in the
    weights of one that was not; the program's own arithmetic over what was written gives the trainer's numbers."""
    monkeypatch.setattr(trainer, "OWN", 5)
    monkeypatch.setattr(trainer, "WRITTEN", 1)
    target = tmp_path / "cross"
    whole = trainer.train([topic()], ENCODER, tmp_path / "whole", STEPS)
    with monkeypatch.context() as stopping:
        stopping.setattr(trainer, "ahead", half)
        with pytest.raises(Stopped):
            trainer.train([topic()], ENCODER, target, STEPS, every=STEPS // 2)
    kept = torch.load(target.with_name("cross.part"), weights_only=True)["losses"]
    losses = trainer.train([topic()], ENCODER, target, STEPS)
    assert len(kept) == STEPS // 2
    assert losses == whole
    weights = [load_file(folder / trainer.FILE) for folder in (target, tmp_path / "whole")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert sum(losses[-8:]) < 0.8 * sum(losses[:8])

    monkeypatch.setattr(trainer, "quick", nullcontext)
    trainee = Trainee(Frozen(Encoding(ENCODER)))
    trainee.load({name: tensor.float() for name, tensor in load_file(target / trainer.FILE).items()})
    pairs = [("有回放吗", "在哪里看回放？ 课后两小时在主页。"), ("where are the slides", "怎么开发票")]
    pairs.insert(1, ("怎么开发票", "发票在小程序里开，税号要填对。" * 20))
    sizes = [len(Encoding(ENCODER).pieces([said])[0].ids) for _, said in pairs]
    assert sizes[0] < trainer.ROOMS[0][1] < sizes[1]
    wanted = trainee.scores([Pair(one, other, ANSWERS, True) for one, other in pairs]).detach().numpy()
    assert np.allclose(Bert(ENCODER, target).read(pairs)[:, ANSWERS], wanted, atol=1e-3)
