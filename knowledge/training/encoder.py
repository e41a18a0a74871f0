"""Trains the encoder on the topics: `python -m knowledge.training.encoder TARGET`.

Contrastive learning (InfoNCE, van den Oord et al. 2018, with several positives): two askings of a group and the course
text that answers them are pulled together; everything else in the batch is pushed away, look-alike groups and askings
that are near to an entry above all. Lines that ask nothing are among what is pushed away, and a linear head beside
learns to tell them from the askings, so that the vectors carry that too; the head itself is not kept. The word
embeddings stay as they are: 2 cores have no time for them.
"""

import argparse
import itertools
import json
import math
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from transformers import PreTrainedModel

from knowledge.text import normalise
from knowledge.training.base import unpack
from knowledge.training.prune import prune
from knowledge.training.topics import Group, Topic, read_topics

PROMPT = "query: "
GROUPS = 15
"""Groups of one topic in a batch; two topics share it."""
NEAR = 4
"""Askings of one topic that an entry in the batch does not answer."""
NOTHING = 24
"""Lines of a batch that ask nothing."""
TEMPERATURE = 0.05
RATE = 2e-4
HEAD_RATE = 2e-3
HEAD_REACH = 10.0
"""What a unit vector is multiplied with before the head."""
ASKING = 0.3
"""What telling askings from other lines counts beside the contrast."""
WARM = 0.08
"""Share of the steps in which the rate rises."""
STEPS = 900
"""Seven times through all groups of 80 topics."""
TRAINED = 0.8
"""Share of the trained weights in what is written; the rest are the base's, so that what it knew of other people's
questions stays (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022)."""
SHARDS = "45MB"
WORDS = "0.model.embeddings.word_embeddings.weight"
SEED = 20_261_125


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts, and for each pair whether it belongs together (`positive`) or says nothing (`unknown`): shape (n, n).

    `asks` and `nothing` mark the lines of a chat, of shape (n,); the rest is course text.
    """

    texts: list[str]
    positive: Tensor
    unknown: Tensor
    asks: Tensor
    nothing: Tensor


def batches(topics: Sequence[Topic], steps: int, seed: int = SEED) -> Iterator[Batch]:
    """`steps` batches; every group comes once before any comes twice."""
    dice = random.Random(seed)  # noqa: S311 (an order, not a secret)
    waiting: list[tuple[Topic, list[Group]]] = []
    for _ in range(steps):
        parts: list[tuple[Topic, list[Group]]] = []
        while len(parts) < 2:
            if not waiting:
                waiting = [(topic, part) for topic in topics for part in _parts(topic, dice)]
                dice.shuffle(waiting)
            parts.append(waiting.pop())
        yield _batch(parts, dice)


def _parts(topic: Topic, dice: random.Random) -> list[list[Group]]:
    """A topic's groups in parts of `GROUPS`, look-alikes next to each other."""
    left = {group.id: group for group in dice.sample(topic.groups, len(topic.groups))}
    order: list[Group] = []
    while left:
        chain = [next(iter(left))]
        while chain:
            group = left.pop(chain.pop(), None)
            if group is not None:
                order.append(group)
                chain += [id for id in sorted(topic.like[group.id]) if id in left]
    return [order[at : at + GROUPS] for at in range(0, len(order), GROUPS)]


def _batch(parts: Sequence[tuple[Topic, list[Group]]], dice: random.Random) -> Batch:
    texts: list[str] = []
    owner: list[tuple[int, str, str]] = []  # (part, group, source): what a text belongs to
    for part, (topic, groups) in enumerate(parts):
        for group in groups:
            for ask in dice.sample(group.asks, min(2, len(group.asks))):
                texts.append(ask)
                owner.append((part, group.id, group.source))
        sources = {group.source for group in groups if group.source}
        for source in sorted(sources):
            texts.append(source)
            owner.append((part, "", source))
        near = [ask for source, ask in topic.near if source in sources]
        for ask in dice.sample(near, min(NEAR, len(near))):
            texts.append(ask)
            owner.append((part, f"near {ask}", ""))
    asks = torch.tensor([bool(group) for _, group, _ in owner])
    idle = [line for topic, _ in parts for line in topic.not_asking]
    for line in dice.sample(idle, min(NOTHING, len(idle))):
        texts.append(line)
        owner.append((-1, f"nothing {line}", ""))
    n = len(texts)
    asks = nn.functional.pad(asks, (0, n - len(asks)))
    nothing = torch.tensor([part < 0 for part, _, _ in owner])
    positive, unknown = torch.zeros(n, n, dtype=torch.bool), torch.eye(n, dtype=torch.bool)
    for (i, one), (j, other) in itertools.permutations(enumerate(owner), 2):
        if one[0] != other[0]:
            continue
        if one[1] and one[1] == other[1]:
            positive[i, j] = True
        elif one[2] and one[2] == other[2]:
            # An asking and the text that answers it; two groups with one answer are neither same nor different.
            (unknown if one[1] and other[1] else positive)[i, j] = True
    return Batch(texts, positive, unknown, asks, nothing)


def asking_loss(scores: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of the head's `scores`, shape (n,), both kinds counting the same; zero where a kind is missing."""
    if not batch.nothing.any():
        return scores.sum() * 0.0
    sides = [nn.functional.softplus(-scores[batch.asks]), nn.functional.softplus(scores[batch.nothing])]
    return (sides[0].mean() + sides[1].mean()) / 2


def loss_of(vectors: Tensor, batch: Batch) -> Tensor:
    """Mean over the texts with a positive of -log of their positives' share. `vectors`: unit rows, shape (n, d)."""
    logits = (vectors @ vectors.T / TEMPERATURE).masked_fill(batch.unknown, -math.inf)
    shares = logits - logits.logsumexp(dim=1, keepdim=True)
    counts = batch.positive.sum(dim=1)
    pulled = shares.masked_fill(~batch.positive, 0.0).sum(dim=1)
    return -(pulled[counts > 0] / counts[counts > 0]).mean()


class Trainee:
    """A model that is being trained."""

    def __init__(self, folder: Path) -> None:
        self.model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.model.train()
        self.model.get_parameter(WORDS).requires_grad_(False)
        # Two thirds of the time where the processor multiplies such numbers itself; elsewhere it would cost time.
        self._short = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        self.parameters: list[nn.Parameter] = [p for p in self.model.parameters() if p.requires_grad]
        self.head = nn.Linear(int(self.model.get_embedding_dimension() or 0), 1)

    def loss(self, batch: Batch) -> Tensor:
        vectors = self.vectors(batch.texts)
        scores = self.head(HEAD_REACH * vectors)[:, 0]
        return loss_of(vectors, batch) + ASKING * asking_loss(scores, batch)

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Unit rows, shape (n, d); short texts and long ones apart, so that little is padded."""
        plain = [PROMPT + normalise(text) for text in texts]
        order = sorted(range(len(plain)), key=lambda at: len(plain[at]))
        rows: list[Tensor] = []
        with torch.autocast("cpu", torch.bfloat16, enabled=self._short):
            for at in range(0, len(order), 30):
                features = self.model.preprocess([plain[i] for i in order[at : at + 30]])
                rows.append(self.model.forward(features)["sentence_embedding"].float())
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return nn.functional.normalize(torch.cat(rows)[back], dim=1)


def train(topics: Sequence[Topic], target: Path, steps: int, every: int = 50) -> list[float]:
    """Prune, train and write the model to `target`; the loss of each step.

    Every so many steps the state is kept in `target`.part, from which an interrupted run goes on.
    """
    torch.manual_seed(SEED)
    kept = target.with_name(target.name + ".part")
    start = target.with_name(target.name + ".start")
    if not start.exists():
        print(f"{begin(topics, start):,} pieces of the vocabulary stay", flush=True)
    trainee = Trainee(start)
    optimiser = torch.optim.AdamW(
        [
            {"params": trainee.parameters, "lr": RATE, "weight_decay": 0.01},
            {"params": trainee.head.parameters(), "lr": HEAD_RATE, "weight_decay": 0.0},
        ]
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    losses: list[float] = []
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        trainee.model.load_state_dict(state["model"])
        trainee.head.load_state_dict(state["head"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        losses = state["losses"]
        print(f"going on from step {len(losses)}", flush=True)
    began = time.monotonic()
    first = len(losses)
    for step, batch in enumerate(batches(topics, steps)):
        if step < first:
            continue
        loss = trainee.loss(batch)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(trainee.parameters, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if len(losses) % every == 0 or len(losses) == steps:
            left = (time.monotonic() - began) / (len(losses) - first) * (steps - len(losses))
            print(
                f"step {len(losses)}/{steps}  loss {sum(losses[-every:]) / len(losses[-every:]):.3f}"
                f"  {left / 60:.0f} min left",
                flush=True,
            )
            torch.save(
                {
                    "model": trainee.model.state_dict(),
                    "head": trainee.head.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "losses": losses,
                },
                kept,
            )
    _mix(trainee.model, start)
    _write(trainee.model, target)
    kept.unlink(missing_ok=True)
    shutil.rmtree(start)
    return losses


def begin(topics: Sequence[Topic], target: Path) -> int:
    """The base with the vocabulary that is kept, untrained; how many pieces that is."""
    return prune(unpack(), target, [normalise(text) for topic in topics for text in _texts(topic)])


def _texts(topic: Topic) -> Iterator[str]:
    for group in topic.groups:
        yield from group.asks
        yield group.source
    yield from topic.not_asking


def _rate(step: int, steps: int) -> float:
    warm = max(1, int(WARM * steps))
    return (step + 1) / warm if step < warm else max(0.02, (steps - step) / (steps - warm))


def _mix(model: SentenceTransformer, start: Path) -> None:
    base = SentenceTransformer(str(start), device="cpu", local_files_only=True).state_dict()
    model.load_state_dict(
        {
            name: torch.lerp(base[name], trained, TRAINED) if trained.is_floating_point() else trained
            for name, trained in model.state_dict().items()
        }
    )


def _write(model: SentenceTransformer, target: Path) -> None:
    """In half precision, in files that fit everywhere."""
    model.eval().half()
    with TemporaryDirectory() as folder:
        model.save(folder, create_model_card=False)
        transformer = cast("PreTrainedModel", model[0].auto_model)
        (Path(folder) / "model.safetensors").unlink()
        transformer.save_pretrained(folder, max_shard_size=SHARDS)
        pieces = Path(folder) / "tokenizer.json"  # written with an indent: a third of it is spaces
        pieces.write_text(json.dumps(json.loads(pieces.read_text("utf-8")), ensure_ascii=False), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args()
    losses = train(read_topics(), chosen.target, chosen.steps)
    (chosen.target / "losses.json").write_text(json.dumps([round(loss, 4) for loss in losses]), encoding="utf-8")
