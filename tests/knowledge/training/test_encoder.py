import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from knowledge.training import encoder
from knowledge.training.encoder import (
    ASKS,
    HALLS,
    NOTHING,
    Batch,
    Dropout,
    Run,
    _quick_dropout,
    asking_loss,
    batches,
    loss_of,
    started,
    weighed,
)
from knowledge.training.loop import SEED
from knowledge.training.topics import Group, Topic


def topic(name: str) -> Topic:
    groups = tuple(
        Group(f"g{n}", (f"{name} {n} a", f"{name} {n} b", f"{name} {n} c"), f"{name} s{n // 2}" * (n % 3 > 0))
        for n in range(20)
    )
    like = {
        group.id: frozenset({"g0"} if group.id == "g19" else {"g19"} if group.id == "g0" else ()) for group in groups
    }
    nothing = tuple(f"{name} idle {n}" for n in range(30))
    return Topic(name, "en", groups, like, ((groups[1].source, f"{name} near"),), nothing)


@pytest.mark.parametrize("share", [1, 2])
def test_an_epoch_shows_every_group_once(share: int) -> None:
    """As many batches as two topics have parts hold two askings of each group, and no group twice, whether a batch is
    of one topic or of two; and of no more topics."""
    epoch = [*batches([topic("x"), topic("y")], Run(2, topics=share))]
    texts = [text for batch in epoch for text in batch.texts if text[-1] in "abc"]
    assert len(texts) == len(set(texts)) == 2 * 40
    assert all(len({text[0] for text in batch.texts if text[-1] in "abc"}) <= share for batch in epoch)


def test_what_every_hall_asks_is_shown_more_often() -> None:
    """Until each group of a subject was shown once, each of a hall was shown `HALLS` times."""
    epoch = batches([topic("x"), topic("hall_y")], Run(1 + HALLS))
    shown = Counter(text.rsplit(" ", 1)[0] for batch in epoch for text in batch.texts if text[-1] in "abc")
    assert {group: n // ASKS for group, n in shown.items()} == {
        f"{name} {n}": times for name, times in (("x", 1), ("hall_y", HALLS)) for n in range(20)
    }


def test_the_course_stands_beside_its_askings() -> None:
    """The texts that answer the groups of a batch are in it, and askings that are near to them."""
    batch = next(batches([topic("x")], Run(1, topics=1)))
    assert {group.source for group in topic("x").groups if group.source} < {*batch.texts}
    assert "x near" in batch.texts


def test_look_alikes_share_a_batch() -> None:
    """What has many words in common and another answer is told apart in one batch, but where parts end between them."""
    together = 0
    for batch in batches([topic("x")], Run(20)):
        present = {text.split()[1] for text in batch.texts if text[-1] in "abc"}
        together += {"0", "19"} <= present
    assert together == 20  # a batch is a whole topic here
    apart = 0
    for batch in batches([topic(name) for name in "uvwxyz"], Run(60)):
        for name in "uvwxyz":
            present = {text.split()[1] for text in batch.texts if text.startswith(name) and text[-1] in "abc"}
            apart += bool(present) and ("0" in present) != ("19" in present)
    assert apart <= 0.3 * 120  # by chance it were half of the parts


def test_who_is_pulled_and_who_is_pushed() -> None:
    """Askings of a group and the text that answers them are positive; two groups with one answer say nothing about
    each other; everything else, near askings too, is negative."""
    asks = {ask: (name, group) for name in "xy" for group in topic(name).groups for ask in group.asks}
    unsure = 0
    for batch in batches([topic("x"), topic("y")], Run(2)):
        assert torch.equal(batch.positive, batch.positive.T)
        for (i, a), (j, b) in itertools.combinations(enumerate(batch.texts), 2):
            one, other = asks.get(a), asks.get(b)
            same = one is not None and one == other
            answers = bool((one and one[1].source == b) or (other and other[1].source == a))
            alike = bool(one and other and not same and one[1].source and one[1].source == other[1].source)
            assert (bool(batch.positive[i, j]), bool(batch.unknown[i, j])) == (same or answers, alike), (a, b)
            unsure += alike
    assert unsure


def test_of_two_questions_with_one_answer_only_look_alikes_are_told_apart() -> None:
    """What one text answers is not one question: where two groups were said to look alike they are negative, and
    nothing is known of two others."""
    one = topic("x")
    like = {**one.like, "g2": frozenset({"g3"}), "g3": frozenset({"g2"})}
    groups = tuple(replace(group, source="x s") if group.id in ("g2", "g3", "g4") else group for group in one.groups)
    batch = next(batches([replace(one, like=like, groups=groups)], Run(1)))
    places = [[at for at, text in enumerate(batch.texts) if text.startswith(f"x {n} ")] for n in (2, 3, 4)]
    for theirs, known in ((places[1], True), (places[2], False)):
        for i, j in itertools.product(places[0], theirs):
            assert not batch.positive[i, j]
            assert bool(batch.unknown[i, j]) != known


def test_of_what_is_asked_in_two_halls_nothing_is_known() -> None:
    """Every hall asks for the recording: topics of that kind push each other away no more, and other topics do."""
    halls = (topic("hall_x"), topic("hall_y"))
    batch = next(batch for batch in batches([*halls, topic("z")], Run(9)) if {"hall_x", "hall_y"} <= named(batch))
    for i, j in itertools.permutations(range(len(batch.texts)), 2):
        one, other = (batch.texts[at].split()[0] for at in (i, j))
        idle = batch.nothing[i] or batch.nothing[j]
        if one != other and not idle:
            assert bool(batch.unknown[i, j]) == ({one, other} == {"hall_x", "hall_y"})
        if idle:
            assert not batch.unknown[i, j]


def named(batch: Batch) -> set[str]:
    """The topics of a batch."""
    return {text.split()[0] for text in batch.texts if text[-1] in "abc"}


def test_what_asks_nothing_is_marked_and_pushed_away() -> None:
    """Lines that ask nothing are in every batch, belong to nothing, and are neither askings nor course text."""
    batch = next(batches([topic("x"), topic("y")], Run(1)))
    idle = torch.tensor(["idle" in text for text in batch.texts])
    assert int(idle.sum()) == NOTHING
    assert torch.equal(batch.nothing, idle)
    assert not batch.positive[idle].any()
    assert torch.equal(batch.asks, torch.tensor([text[-1] in "abc" or "near" in text for text in batch.texts]))


def test_the_head_is_told_off_for_either_mistake() -> None:
    """The loss of asking is small where the scores are right on both kinds, and large where they are wrong on one."""
    batch = next(batches([topic("x"), topic("y")], Run(1)))
    right = torch.where(batch.asks, 5.0, -5.0)
    assert float(asking_loss(right, batch)) < 0.01
    for wrong in (torch.full_like(right, 5.0), torch.full_like(right, -5.0)):
        assert float(asking_loss(wrong, batch)) > 2


def test_the_loss_falls_as_groups_come_together() -> None:
    """A few steps on free vectors pull the positives together: the loss falls to a small part."""
    batch = next(batches([topic("x"), topic("y")], Run(1)))
    torch.manual_seed(0)
    free = torch.randn(len(batch.texts), 16, requires_grad=True)
    optimiser = torch.optim.Adam([free], lr=0.1)
    losses = []
    for _ in range(60):
        loss = loss_of(torch.nn.functional.normalize(free, dim=1), batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("steps", [1, 5])
def test_batches_are_the_same_each_time(steps: int) -> None:
    """The same seed gives the same batches, so that an interrupted training goes on where it was."""
    one, other = (list(batches([topic("x"), topic("y")], Run(steps))) for _ in range(2))
    assert [b.texts for b in one] == [b.texts for b in other]


def test_dropout_takes_other_masks_in_every_layer_and_the_same_in_every_run() -> None:
    """A tenth of the numbers is set to zero, others in one layer than in the next, the same ones where a run goes on;
    nothing once the training is over. The attention goes without."""
    from transformers import BertConfig, BertModel  # seconds of every worker, of which one needs it

    config = BertConfig(hidden_size=64, num_attention_heads=2, num_hidden_layers=2, intermediate_size=64, vocab_size=9)
    model = BertModel(config).train()
    masks = _quick_dropout(model)
    layers = [module for module in model.modules() if isinstance(module, Dropout)]
    assert len(layers) == 5
    rows = torch.ones(8, 16, 64)
    found = [layer(rows) for layer in layers]
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(found, 2))
    for one in found:
        assert 0.08 < float((one == 0).float().mean()) < 0.12
        assert 0.97 < float(one.mean()) < 1.03
    masks.begin(SEED)
    assert torch.equal(layers[0](rows), found[0])
    model.eval()
    assert torch.equal(layers[0](rows), rows)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.0, 0.0]


def test_weights_are_summed_by_their_shares() -> None:
    """Of what is no fraction, as positions are, the first one's stay."""
    one, other = ({"a": torch.tensor([value, 0.0]), "ids": torch.tensor([7])} for value in (1.0, 5.0))
    found = weighed([(0.25, one), (0.75, other)])
    assert found["a"].tolist() == [4.0, 0.0]
    assert found["ids"].tolist() == [7]


def test_a_start_is_of_the_topics_that_are_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its vocabulary is kept for the same topics and made anew for others; not while something was trained from it,
    which is told and stays."""
    made: list[str] = []

    def begin(topics: Sequence[Topic], target: Path) -> int:
        made.append(topics[0].name)
        target.mkdir()
        return 1

    monkeypatch.setattr(encoder, "begin", begin)
    target, part = tmp_path / "encoder", tmp_path / "encoder-1.part"
    for name in "xxy":
        started([topic(name)], target)
    assert made == ["x", "y"]
    part.write_text("half of it")
    started([topic("y")], target)
    with pytest.raises(ValueError, match=r"encoder-1\.part is of a training with other data: .* remove the file"):
        started([topic("x")], target)
    assert part.exists()
    part.unlink()
    started([topic("x")], target)
    assert made == ["x", "y", "x"]
