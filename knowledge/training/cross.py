"""Trains the cross-encoder on the topics: `python -m knowledge.training.cross ENCODER TARGET`.

Two texts are read together (Nogueira and Cho, Passage Re-ranking with BERT, 2019), which tells what two vectors cannot:
"when do I get the certificate" is not answered by where it is applied for. It learns from pairs of an asking and a
course text, and of two askings; those that do not belong together are the nearest by the encoder's vectors, for only
such are ever asked about. The lower half of the layers is the encoder's own and stays as it is, so that only the upper
half is kept beside it; two heads tell "asks the same" and "answers".

With `--public FOLDER` a quarter of the askings are strangers' (`knowledge.training.public`).
"""

import argparse
import itertools
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from transformers import PreTrainedModel

from knowledge.bert import ANSWERS, HEAD, REACH, SAME
from knowledge.text import normalise
from knowledge.training.encoder import PROMPT
from knowledge.training.loop import SEED, run
from knowledge.training.public import read_public
from knowledge.training.topics import Topic, read_topics

OWN = 18
"""Askings of our topics in a step; each is in up to three pairs."""
PUBLIC = 6
"""Askings of a public set in a step, where there are such sets."""
SHARED = 6
"""Lower layers that are the encoder's own."""
NEAREST = 10
"""Askings of other groups that one is told from."""
NEAREST_TEXTS = 5
"""Course texts that do not answer an asking, from which it is told."""
TOGETHER = 24
"""Pairs of about one length that are read together."""
STEPS = 800
FILE = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Asking:
    """One asking with others of its group and of other ones, the text that answers it ("" without one) and near ones
    that do not."""

    text: str
    same: tuple[str, ...]
    others: tuple[str, ...]
    source: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """`kind` is the head that is asked: `SAME` or `ANSWERS`."""

    one: str
    other: str
    kind: int
    true: bool


def askings(topic: Topic, encoder: SentenceTransformer) -> list[Asking]:
    """Every asking of a topic, also those that are near to a text which does not answer them."""
    asks = [(ask, group) for group in topic.groups for ask in group.asks]
    near = list(topic.near)
    sources = sorted({group.source for group in topic.groups if group.source} | {source for source, _ in near})
    vectors = _vectors(encoder, [ask for ask, _ in asks])
    found = []
    texts = _vectors(encoder, sources)
    for (ask, group), vector in zip(asks, vectors, strict=True):
        others = [
            other
            for at in _nearest(vectors @ vector, NEAREST + len(asks) // len(topic.groups) * 3)
            for other, theirs in [asks[at]]
            if theirs.id != group.id and not (group.source and theirs.source == group.source)
        ]
        wrong = [sources[at] for at in _nearest(texts @ vector, NEAREST_TEXTS + 1) if sources[at] != group.source]
        same = tuple(other for other in group.asks if other != ask)
        found.append(Asking(ask, same, tuple(others[:NEAREST]), group.source, tuple(wrong[:NEAREST_TEXTS])))
    for (source, ask), vector in zip(near, _vectors(encoder, [ask for _, ask in near]), strict=True):
        wrong = [source, source, *(sources[at] for at in _nearest(texts @ vector, NEAREST_TEXTS - 2))]
        others = [asks[at][0] for at in _nearest(vectors @ vector, NEAREST)]
        found.append(Asking(ask, (), tuple(others), "", tuple(wrong)))
    return found


def _nearest(cosines: NDArray[np.float32], count: int) -> list[int]:
    return [int(at) for at in np.argsort(-cosines, kind="stable")[:count]]


def _vectors(encoder: SentenceTransformer, texts: Sequence[str]) -> NDArray[np.float32]:
    if not texts:
        return np.zeros((0, encoder.get_embedding_dimension() or 0), dtype=np.float32)
    plain = [PROMPT + normalise(text) for text in texts]
    return encoder.encode(plain, normalize_embeddings=True, show_progress_bar=False)


def batches(own: Sequence[Asking], public: Sequence[Sequence[Asking]], steps: int) -> Iterator[list[Pair]]:
    """`steps` batches; every asking comes once before any comes twice. The public sets take turns."""
    dice = random.Random(SEED)  # noqa: S311 (an order, not a secret)
    ours = _endless(own, dice)
    theirs = itertools.cycle([_endless(one, dice) for one in public])
    for _ in range(steps):
        chosen = list(itertools.islice(ours, OWN))
        if public:
            chosen += itertools.islice(next(theirs), PUBLIC)
        yield [pair for asking in chosen for pair in _pairs(asking, dice)]


def _endless(askings: Sequence[Asking], dice: random.Random) -> Iterator[Asking]:
    while True:
        yield from dice.sample(askings, len(askings))


def _pairs(asking: Asking, dice: random.Random) -> Iterator[Pair]:
    same = bool(asking.same) and (not asking.others or dice.random() < 0.5)
    if same or asking.others:
        pair = [asking.text, dice.choice(asking.same if same else asking.others)]
        dice.shuffle(pair)  # the same both ways
        yield Pair(pair[0], pair[1], SAME, same)
    if asking.source:
        yield Pair(asking.text, asking.source, ANSWERS, True)
    wrong = 1 if asking.source else 2
    for text in dice.sample(asking.wrong, min(wrong, len(asking.wrong))):
        yield Pair(asking.text, text, ANSWERS, False)


class Trainee:
    """The encoder, whose upper layers are trained, and the heads."""

    def __init__(self, model: SentenceTransformer) -> None:
        model.eval()  # it learns all the same, without dropout, whose random numbers take time
        self._model = cast("PreTrainedModel", model[0].auto_model)
        self._tokenizer = model.tokenizer
        kept = tuple(f"encoder.layer.{layer}." for layer in range(SHARED, self._model.config.num_hidden_layers))
        self._layers = {name: p for name, p in self._model.named_parameters() if name.startswith(kept)}
        for name, parameter in self._model.named_parameters():
            parameter.requires_grad_(name in self._layers)
        self.parameters: list[nn.Parameter] = list(self._layers.values())
        self.head = nn.Linear(self._model.config.hidden_size, 2)

    def scores(self, pairs: Sequence[Pair]) -> Tensor:
        """Log odds of each, shape (n,); short pairs and long ones apart, so that little is padded."""
        texts = [PROMPT + normalise(text) for pair in pairs for text in (pair.one, pair.other)]
        ids = self._tokenizer(texts, truncation=True)["input_ids"]
        both = [torch.tensor(ids[at] + ids[at + 1]) for at in range(0, len(ids), 2)]
        order = sorted(range(len(pairs)), key=lambda at: len(both[at]))
        rows: list[Tensor] = []
        for begin in range(0, len(order), TOGETHER):
            chosen = order[begin : begin + TOGETHER]
            words = nn.utils.rnn.pad_sequence([both[at] for at in chosen], batch_first=True, padding_value=-1)
            seen = words >= 0
            states = self._model(input_ids=words.clamp(min=0), attention_mask=seen.long()).last_hidden_state
            weight = seen[:, :, None].float()
            scores = self.head(REACH * (states * weight).sum(1) / weight.sum(1))
            rows.append(scores.gather(1, torch.tensor([[pairs[at].kind] for at in chosen]))[:, 0])
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(rows)[back]

    def loss(self, pairs: Sequence[Pair]) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(
            self.scores(pairs), torch.tensor([float(pair.true) for pair in pairs])
        )

    def state(self) -> dict[str, Tensor]:
        """What is trained, by name."""
        head = {f"{HEAD}.{name}": tensor for name, tensor in self.head.state_dict().items()}
        return {name: p.detach() for name, p in self._layers.items()} | head

    def load(self, state: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._layers.items():
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
    kept = target.with_name(target.name + ".part")
    model = SentenceTransformer(str(encoder), device="cpu", local_files_only=True).float()
    print(f"looking for near misses in {len(topics) + len(public)} topics", flush=True)
    own = [asking for topic in topics for asking in askings(topic, model)]
    theirs = [askings(topic, model) for topic in public]
    print(f"{len(own) + sum(map(len, theirs)):,} askings", flush=True)
    trainee = Trainee(model)
    losses = run(trainee, batches(own, theirs, steps), steps, kept, every)
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
