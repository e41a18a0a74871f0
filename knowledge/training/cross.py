"""Trains the cross-encoder on the topics: `python -m knowledge.training.cross ENCODER TARGET`.

Two texts are read together (Nogueira and Cho, Passage Re-ranking with BERT, 2019), which tells what two vectors cannot:
"when do I get the certificate" is not answered by where it is applied for. The lower layers are the encoder's own and
stay as they are; in the upper ones, which are trained, the tokens of the asking look at their own text and at the other
one, as the encoder alone reads that (MORES: Gao, Dai and Callan, Modularized Transformer-based Ranking, EMNLP 2020). So
a course text is gone through once, and what an evening's reading costs is the upper layers over the few tokens of a
message. Two heads tell "is answered by" and "tells whoever asked".

It learns from pairs of an asking and a course text, and of a line and an asking shortly before it; texts that do not
answer are the nearest by the encoder's vectors, for only such are ever asked about. Hits and near misses that were
written to be told apart come twice as often as what else is asked.

With `--public FOLDER` a sixth of the askings are strangers' (`knowledge.training.public`).
"""

import argparse
import itertools
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from knowledge.bert import HEAD, REACH, SHARED, SIDE, Encoding, Layers, States
from knowledge.encoder import ANSWERS, HEADS, REPLIES, calls
from knowledge.text import normalise
from knowledge.training.loop import SEED, run
from knowledge.training.public import read_public
from knowledge.training.topics import Reply, Topic, read_topics

OWN = 15
"""Askings of our topics' groups in a step; each is in one to three pairs."""
WRITTEN = 10
"""Those of a step that were written to be told apart: a text answers them, or is near to them and does not."""
PUBLIC = 5
"""Askings of a public set in a step, where there are such sets."""
TOLD = 5
"""Lines of a step that stand after somebody's asking; each is in two or three pairs."""
NEAREST = 5
"""Course texts that do not answer an asking, from which it is told."""
WRONG = 2
"""Of these, how many each time."""
TOGETHER = 24
"""Pairs that are read together."""
STEPS = 2000
FILE = "model.safetensors"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """One asking, the text that answers it ("" without one) and near ones that do not; whether it was `written` to be
    told apart."""

    text: str
    source: str
    wrong: tuple[str, ...]
    written: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """`kind` is the head that is asked: `ANSWERS` or `REPLIES`."""

    one: str
    other: str
    kind: int
    true: bool


def askings(topic: Topic, encoder: Encoding) -> list[Asking]:
    """Every asking of a topic, also those that are near to a text which does not answer them."""
    sources = {group.source for group in topic.groups if group.source}
    texts = sorted(sources.union(text for text, _ in (*topic.near, *topic.hits, *topic.misses)))
    vectors = _vectors(encoder, texts)

    def nearest(asks: Sequence[str]) -> Iterator[list[str]]:
        for vector in _vectors(encoder, asks):
            order = np.argsort(-(vectors @ vector), kind="stable")
            yield [texts[int(at)] for at in order[: NEAREST + 1]]

    asks = [(ask, group) for group in topic.groups for ask in group.asks]
    found = []
    for (ask, group), near in zip(asks, nearest([ask for ask, _ in asks]), strict=True):
        wrong = [group.near] * 2 * bool(group.near) + [text for text in near if text != group.source]
        found.append(Asking(ask, group.source, tuple(wrong[:NEAREST])))
    for (text, ask), near in zip(topic.near, nearest([ask for _, ask in topic.near]), strict=True):
        found.append(Asking(ask, "", (text, text, *near[: NEAREST - 2]), written=True))
    for (text, ask), near in zip(topic.hits, nearest([ask for _, ask in topic.hits]), strict=True):
        found.append(Asking(ask, text, tuple(other for other in near if other != text)[:NEAREST], written=True))
    # Another text may well answer them: nobody said that none does.
    return found + [Asking(ask, "", (text,), written=True) for text, ask in topic.misses]


def _vectors(encoder: Encoding, texts: Sequence[str]) -> NDArray[np.float32]:
    plain = [normalise(text) for text in texts]
    vectors = np.zeros((len(plain), int(encoder.told["hidden_size"])), dtype=np.float32)
    for call in calls([len(text) for text in plain]):
        vectors[call] = nn.functional.normalize(encoder.states([plain[at] for at in call]).mean(), dim=1).numpy()
    return vectors


def batches(
    own: Sequence[Asking],
    public: Sequence[Sequence[Asking]],
    steps: int,
    replies: Sequence[tuple[Reply, Topic]] = (),
) -> Iterator[list[Pair]]:
    """`steps` batches; of each kind every asking comes once before any comes twice. The public sets take turns."""
    dice = random.Random(SEED)  # noqa: S311 (an order, not a secret)
    ours = [(_endless(rows, dice), count) for rows, count in _kinds(own)]
    after = _endless(replies, dice)
    theirs = itertools.cycle([_endless(one, dice) for one in public])
    for _ in range(steps):
        chosen = [asking for rows, count in ours for asking in itertools.islice(rows, count)]
        if public:
            chosen += itertools.islice(next(theirs), PUBLIC)
        pairs = [pair for asking in chosen for pair in _pairs(asking, dice)]
        for reply, topic in itertools.islice(after, TOLD if replies else 0):
            pairs += _told(reply, topic, dice)
        yield pairs


def _kinds(own: Sequence[Asking]) -> Iterator[tuple[list[Asking], int]]:
    """Askings of a kind, and how many of them are in a step."""
    for written, count in ((False, OWN), (True, WRITTEN)):
        if rows := [asking for asking in own if asking.written == written]:
            yield rows, count


def _endless(rows: Sequence[T], dice: random.Random) -> Iterator[T]:
    while True:
        yield from dice.sample(rows, len(rows))


def _told(reply: Reply, topic: Topic, dice: random.Random) -> Iterator[Pair]:
    """The line beside an asking of its group; a reply beside another asking, which it says nothing to; and of two
    askings none is a reply."""
    yield Pair(reply.line, asked := dice.choice(reply.group.asks), REPLIES, reply.tells)
    others = [g for g in topic.groups if g.id != reply.group.id and g.id not in topic.like[reply.group.id]]
    other = dice.choice(others)
    if reply.tells:
        yield Pair(reply.line, dice.choice(other.asks), REPLIES, False)
    again = dice.choice((reply.group, other)).asks
    yield Pair(dice.choice([ask for ask in again if ask != asked] or again), asked, REPLIES, False)


def _pairs(asking: Asking, dice: random.Random) -> Iterator[Pair]:
    if asking.source:
        yield Pair(asking.text, asking.source, ANSWERS, True)
    for text in dice.sample(asking.wrong, min(WRONG, len(asking.wrong))):
        yield Pair(asking.text, text, ANSWERS, False)


class Trainee:
    """The cross-encoder beside an encoder, which stays as it is: what that makes of a text is worked out once."""

    def __init__(self, encoder: Encoding) -> None:
        self._encoder = encoder
        self._count = encoder.told["num_hidden_layers"] - SHARED
        kept = tuple(f"encoder.layer.{SHARED + layer}." for layer in range(self._count))
        upper = {name: tensor for name, tensor in encoder.weights.items() if name.startswith(kept)}
        upper[SIDE] = torch.zeros(encoder.told["hidden_size"])
        self._upper = {name: nn.Parameter(tensor.clone()) for name, tensor in upper.items()}
        self._layers = Layers(encoder.weights | self._upper, encoder.told)
        self.parameters: list[nn.Parameter] = list(self._upper.values())
        self.head = nn.Linear(encoder.told["hidden_size"], HEADS)
        self._known: dict[str, Tensor] = {}

    def scores(self, pairs: Sequence[Pair]) -> Tensor:
        """Log odds of each, shape (n,); short askings and long ones apart, so that little is padded."""
        self._learn([text for pair in pairs for text in (pair.one, pair.other)])
        order = sorted(range(len(pairs)), key=lambda at: self._known[pairs[at].one].shape[1])
        rows: list[Tensor] = []
        for begin in range(0, len(order), TOGETHER):
            chosen = [pairs[at] for at in order[begin : begin + TOGETHER]]
            asked, said = self._states([pair.one for pair in chosen], 1), self._states([pair.other for pair in chosen])
            scores = self.head(REACH * self._layers.beside(asked, self._layers.sides(said)).mean())
            rows.append(scores.gather(1, torch.tensor([[pair.kind] for pair in chosen]))[:, 0])
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(rows)[back]

    def _learn(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for call in calls([len(text) for text in new]):
            states = self._encoder.states([normalise(new[at]) for at in call]).parted(self._count)
            self._known |= {new[at]: state for at, state in zip(call, states, strict=True)}

    def _states(self, texts: Sequence[str], layers: int | None = None) -> States:
        return States.of([self._known[text][:layers] for text in texts])

    def loss(self, pairs: Sequence[Pair]) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(
            self.scores(pairs), torch.tensor([float(pair.true) for pair in pairs])
        )

    def state(self) -> dict[str, Tensor]:
        """What is trained, by name."""
        head = {f"{HEAD}.{name}": tensor for name, tensor in self.head.state_dict().items()}
        return {name: p.detach() for name, p in self._upper.items()} | head

    def load(self, state: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._upper.items():
                parameter.copy_(state[name])
        self.head.load_state_dict({name: state[f"{HEAD}.{name}"] for name in ("weight", "bias")})


def train(
    topics: Sequence[Topic],
    encoder: Path,
    target: Path,
    steps: int,
    every: int = 50,
    public: Sequence[Topic] = (),
) -> list[float]:
    """Train beside the encoder in that folder and write the upper layers and heads to `target`; the loss of each step.

    Every so many steps the state is kept in `target`.part, from which an interrupted run goes on.
    """
    torch.manual_seed(SEED)
    target.parent.mkdir(parents=True, exist_ok=True)  # now, not after the first steps
    kept = target.with_name(target.name + ".part")
    model = Encoding(encoder)
    print(f"looking for near misses in {len(topics) + len(public)} topics", flush=True)
    own = [asking for topic in topics for asking in askings(topic, model)]
    theirs = [askings(topic, model) for topic in public]
    print(f"{len(own) + sum(map(len, theirs)):,} askings", flush=True)
    replies = [(reply, topic) for topic in topics for reply in topic.replies]
    trainee = Trainee(model)
    losses = run(trainee, batches(own, theirs, steps, replies), steps, kept, every)
    target.mkdir(parents=True, exist_ok=True)
    part = target / f"{FILE}.part"
    save_file({name: tensor.half().contiguous() for name, tensor in trainee.state().items()}, part)
    os.replace(part, target / FILE)
    kept.unlink(missing_ok=True)
    return losses


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoder", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--public", type=Path, help="the folder that holds the public sets (see public.py)")
    chosen = parser.parse_args()
    public = read_public(chosen.public) if chosen.public else []
    losses = train(read_topics(), chosen.encoder, chosen.target, chosen.steps, public=public)
    (chosen.target / "losses.json").write_text(json.dumps([round(loss, 4) for loss in losses]), encoding="utf-8")
