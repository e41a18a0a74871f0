"""Trains the cross-encoder on the topics: `python -m knowledge.training.cross ENCODER TARGET`.

Two texts are read together (Nogueira and Cho, Passage Re-ranking with BERT, 2019), which tells what two vectors cannot:
"when do I get the certificate" is not answered by where it is applied for. The lower layers are the encoder's own and
stay as they are; in the upper ones, which are trained, the tokens of the asking look at their own text and at the other
one, as the encoder alone reads that (MORES: Gao, Dai and Callan, Modularized Transformer-based Ranking, EMNLP 2020). So
a course text is gone through once, and what an evening's reading costs is the upper layers over the few tokens of a
message. Two heads tell "is answered by" and "tells whoever asked".

It learns from pairs of an asking and a course text, and of a line and an asking shortly before it; texts that do not
answer are the nearest by the encoder's vectors, for only such are ever asked about. Hits and near misses that were
written to be told apart, beside short texts and beside entries as long as staff write them, come four times as often as
what else is asked.

With `--public FOLDER` a sixth of the askings are strangers' (`knowledge.training.public`).
"""

import argparse
import itertools
import json
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from knowledge.bert import HEAD, REACH, SHARED, SIDE, Encoding, Layers, States
from knowledge.encoder import ANSWERS, HEADS, REPLIES, calls
from knowledge.text import normalise
from knowledge.training import packing
from knowledge.training.loop import SEED, run
from knowledge.training.precision import attended, quick
from knowledge.training.public import read_public
from knowledge.training.topics import Group, Reply, Topic, digest, read_topics

OWN = 10
"""Askings of our topics' groups in a step; each is in one to three pairs."""
WRITTEN = 18
"""Those of a step that were written to be told apart: a text answers them, or is near to them and does not."""
PUBLIC = 5
"""Askings of a public set in a step, where there are such sets."""
TOLD = 5
"""Lines of a step that stand after somebody's asking; each is in two or three pairs."""
NEAREST = 5
"""Course texts that do not answer an asking, from which it is told."""
WRONG = 2
"""Of these, how many each time."""
AHEAD = 50
"""Steps whose texts are gone through at once."""
ROOMS = (40, 150), (80, 150)
"""Tokens of a row, in which pairs stand side by side: of lines, and of what is read beside them. The few pairs that are
longer than that have rows of their own, which are wider: more is attended to there in vain."""
STEPS = 3000
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


class Frozen:
    """The encoder, which stays as it is: what goes into its upper layers of each text alone is kept, in half precision,
    as far up as it was asked for."""

    def __init__(self, encoder: Encoding) -> None:
        self.told, self.weights = encoder.told, encoder.weights
        self.layers = self.told["num_hidden_layers"] - SHARED
        self._encoder = encoder
        self._known: dict[str, Tensor] = {}

    def vectors(self, texts: Sequence[str], layers: int) -> NDArray[np.float32]:
        """Unit rows, shape (n, d). So many layers will be asked for later."""
        rows = np.zeros((len(texts), int(self.told["hidden_size"])), dtype=np.float32)
        for call, states in self._through(texts):
            rows[call] = functional.normalize(states.mean(), dim=1).numpy()
            self._keep([texts[at] for at in call], states.parted(layers))
        return rows

    def states(self, texts: Sequence[str], layers: int) -> list[Tensor]:
        """Of each text the first so many, shape (layers, tokens, d)."""
        self.go_through(texts, layers)
        return [self._known[text][:layers].float() for text in texts]

    def go_through(self, texts: Iterable[str], layers: int) -> None:
        """So that the first so many layers of each text are known."""
        new = sorted({text for text in texts if text not in self._known or len(self._known[text]) < layers})
        for call, states in self._through(new, layers):
            self._keep([new[at] for at in call], states.parted())

    def _through(self, texts: Sequence[str], layers: int | None = None) -> Iterator[tuple[list[int], States]]:
        plain = [normalise(text) for text in texts]
        for call in calls([len(text) for text in plain]):
            with quick():
                states = self._encoder.states([plain[at] for at in call], layers)
            yield call, states

    def _keep(self, texts: Sequence[str], states: Sequence[Tensor]) -> None:
        for text, layers in zip(texts, states, strict=True):
            if text not in self._known or len(self._known[text]) < len(layers):
                self._known[text] = layers


def askings(topic: Topic, frozen: Frozen) -> list[Asking]:
    """Every asking of a topic, also those that are near to a text which does not answer them."""
    sources = {group.source for group in topic.groups if group.source}
    texts = sorted(sources.union(text for text, _ in (*topic.near, *topic.hits, *topic.misses)))
    vectors = frozen.vectors(texts, frozen.layers)

    def nearest(asks: Sequence[str]) -> Iterator[list[str]]:
        for vector in frozen.vectors(asks, 1):
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


def ahead(batches: Iterator[list[Pair]], frozen: Frozen) -> Iterator[list[Pair]]:
    """The same. What some dozens of them read is gone through at once, which takes a fraction of the time."""
    while some := list(itertools.islice(batches, AHEAD)):
        frozen.go_through((pair.one for batch in some for pair in batch), 1)
        frozen.go_through((pair.other for batch in some for pair in batch), frozen.layers)
        yield from some


def needed(topics: Sequence[Topic], count: int) -> list[Topic]:
    """The topics with so many of their groups' askings as there are places for: to look for near misses takes time."""
    places = [(at, group.id, ask) for at, topic in enumerate(topics) for group in topic.groups for ask in group.asks]
    dice = random.Random(SEED)  # noqa: S311 (an order, not a secret)
    chosen = set(dice.sample(places, min(count, len(places))))

    def thinned(at: int, group: Group) -> Group:
        return replace(group, asks=tuple(ask for ask in group.asks if (at, group.id, ask) in chosen))

    return [
        replace(topic, groups=tuple(thinned(at, group) for group in topic.groups)) for at, topic in enumerate(topics)
    ]


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


def _sizes(asked: Sequence[Tensor], said: Sequence[Tensor]) -> list[tuple[int, int]]:
    """The tokens of each pair."""
    return [(one.shape[1], other.shape[1]) for one, other in zip(asked, said, strict=True)]


class Trainee:
    """The cross-encoder beside an encoder, which stays as it is."""

    def __init__(self, frozen: Frozen) -> None:
        self._frozen = frozen
        kept = tuple(f"encoder.layer.{SHARED + layer}." for layer in range(frozen.layers))
        upper = {name: tensor for name, tensor in frozen.weights.items() if name.startswith(kept)}
        upper[SIDE] = torch.zeros(frozen.told["hidden_size"])
        self._upper = {name: nn.Parameter(tensor.clone()) for name, tensor in upper.items()}
        self._layers = Layers(frozen.weights | self._upper, frozen.told, attend=attended)
        self.parameters: list[nn.Parameter] = list(self._upper.values())
        self.head = nn.Linear(frozen.told["hidden_size"], HEADS)

    def scores(self, pairs: Sequence[Pair]) -> Tensor:
        """Log odds of each, shape (n,)."""
        asked = self._frozen.states([pair.one for pair in pairs], 1)
        said = self._frozen.states([pair.other for pair in pairs], self._frozen.layers)
        short = [all(size <= room for size, room in zip(one, ROOMS[0], strict=True)) for one in _sizes(asked, said)]
        means = torch.zeros(len(pairs), int(self._frozen.told["hidden_size"]))
        for room, are_short in zip(ROOMS, (True, False), strict=True):
            if here := [at for at, one in enumerate(short) if one is are_short]:
                means[here] = self._read([asked[at] for at in here], [said[at] for at in here], room)
        scores: Tensor = self.head(REACH * means)
        kinds = torch.tensor([[pair.kind] for pair in pairs])
        return scores.gather(1, kinds)[:, 0]

    def _read(self, asked: Sequence[Tensor], said: Sequence[Tensor], room: tuple[int, int]) -> Tensor:
        """Of each asking the mean over its tokens that looked at what is said, shape (n, d)."""
        rows = packing.first_fit(_sizes(asked, said), room)
        states, sides = (
            States.of([torch.cat([texts[at] for at in row], 1) for row in rows]) for texts in (asked, said)
        )
        own, other = (packing.owners(rows, [text.shape[1] for text in texts]) for texts in (asked, said))
        seen = packing.seen(own, torch.cat((own, other), dim=1))
        with quick():
            read = self._layers.beside(states, self._layers.sides(sides), seen).layers[-1]
        return packing.means(read, own, len(asked))

    def loss(self, pairs: Sequence[Pair]) -> Tensor:
        true = torch.tensor([float(pair.true) for pair in pairs])
        return functional.binary_cross_entropy_with_logits(self.scores(pairs), true)

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
    frozen = Frozen(Encoding(encoder))
    wanted, found = [*needed(topics, steps * OWN), *public], []
    for at, topic in enumerate(wanted, 1):
        found.append(askings(topic, frozen))
        if at % 10 == 0 or at == len(wanted):
            print(f"looked for near misses in {at}/{len(wanted)} topics", flush=True)
    own, theirs = [asking for each in found[: len(topics)] for asking in each], found[len(topics) :]
    print(f"{len(own) + sum(map(len, theirs)):,} askings", flush=True)
    replies = [(reply, topic) for topic in topics for reply in topic.replies]
    trainee = Trainee(frozen)
    shown = ahead(batches(own, theirs, steps, replies), frozen)
    losses = run(trainee, shown, steps, kept, every, digest([*topics, *public]))
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
