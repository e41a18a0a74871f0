"""Trains the encoder on the topics: `python -m knowledge.training.encoder TARGET`.

Contrastive learning (InfoNCE, van den Oord et al. 2018, with several positives): two askings of a group and the course
text that answers them are pulled together; everything else in the batch is pushed away, look-alike groups and askings
that are near to an entry above all. Lines that ask nothing are pushed away as well, and a linear head learns to tell
them from the askings, so that the vectors carry that too; the head itself is not kept. The word embeddings stay as they
are: 2 cores have no time for them.

What stands in `data/beside` is not learnt from here: replies share their words with what was asked, and to tell them
apart costs the vectors more than it is worth (docs/understanding.md).

That is done twice (`RUNS`), and the mean of the weights is taken (Wortsman et al., Model soups, ICML 2022).
"""

import argparse
import itertools
import json
import math
import os
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence as pad

from knowledge.text import normalise
from knowledge.training import packing
from knowledge.training.base import unpack
from knowledge.training.loop import SEED, run
from knowledge.training.precision import attended, quick
from knowledge.training.prune import prune
from knowledge.training.topics import Group, Topic, digest, read_topics

if TYPE_CHECKING:  # else only where a model is: both take seconds
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel

PROMPT = "query: "
GROUPS = 36
"""Groups in a batch."""
ASKS = 2
"""Askings of a group in a batch, where it has as many."""
NEAR = 4
"""Askings of one topic that an entry in the batch does not answer."""
NOTHING = 24
"""Lines of a batch that ask nothing."""
ROW = 96
"""Tokens of a row, in which short texts lie side by side, each looking at itself alone. It is as much as is learnt from
of the longest text: wider rows leave more to look at that is of other texts."""
TEMPERATURE = 0.05
HALLS = 2
"""Times that groups about what every hall asks come for each time of the others: a model learns more from them than
from any others (docs/understanding.md). Twice, they are three in ten."""
HEAD_REACH = 10.0
"""What a unit vector is multiplied with before the head."""
ASKING = 0.3
"""What telling askings from other lines counts beside the contrast."""
TRAINED = 0.9
"""Share of the runs' mean in what is written; the rest is the base's, so that what it knew of other people's questions
stays (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022)."""
SHARDS = "45MB"
READ = 512
"""Tokens of a text that are read by what is written; 96 are learnt from."""
SPOKEN = ("zh", "en")
"""What is spoken in the halls that this is for: every piece of the vocabulary that their topics use stays."""
IDLE = ""
"""Stands for the topic of what asks nothing."""
THROWN = 1 << 24
"""Numbers of the row from which the masks of dropout are taken, each of some three million."""
FLOAT32 = "float32"
"""What transformers knows our attention by."""
WORDS = "0.model.embeddings.word_embeddings.weight"
MADE_OF = "topics.digest"
"""In a start: of which topics its vocabulary is."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training, of so many `steps`; so many `topics` share a batch."""

    steps: int
    seed: int = SEED
    topics: int = 2


RUNS = (Run(2600), Run(1600, SEED + 1, topics=1))
"""Of two topics a model learns what a subject is, of one what tells its questions apart (docs/trials.md). 2,600 steps
are five and a half times through all groups of 137 topics; both fit into the time that one may take."""


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


Part = tuple[Topic, list[Group]]


def batches(topics: Sequence[Topic], one: Run) -> Iterator[Batch]:
    """One for each step; every group comes once, those of halls `HALLS` times, before any comes again."""
    dice = random.Random(one.seed)  # noqa: S311 (an order, not a secret)
    parts = _endless(topics, GROUPS // one.topics, dice)
    for _ in range(one.steps):
        yield _batch(list(itertools.islice(parts, one.topics)), dice)


def _endless(topics: Sequence[Topic], most: int, dice: random.Random) -> Iterator[Part]:
    while True:
        turns = [topic for topic in topics for _ in range(HALLS if topic.hall else 1)]
        waiting = [(topic, part) for topic in turns for part in _parts(topic, most, dice)]
        dice.shuffle(waiting)
        yield from waiting


def _parts(topic: Topic, most: int, dice: random.Random) -> list[list[Group]]:
    """A topic's groups in even parts of at most so many, look-alikes next to each other."""
    left = {group.id: group for group in dice.sample(topic.groups, len(topic.groups))}
    order: list[Group] = []
    while left:
        chain = [next(iter(left))]
        while chain:
            group = left.pop(chain.pop(), None)
            if group is not None:
                order.append(group)
                chain += [id for id in sorted(topic.like[group.id]) if id in left]
    count = math.ceil(len(order) / most)
    return [order[at * len(order) // count : (at + 1) * len(order) // count] for at in range(count)]


def _batch(parts: Sequence[Part], dice: random.Random) -> Batch:
    known = {topic.name: topic for topic, _ in parts}
    halls = {topic.name for topic, _ in parts if topic.hall}
    texts: list[str] = []
    owner: list[tuple[str, str, str]] = []  # (topic, group, source): what a text belongs to
    for topic, groups in parts:
        for group in groups:
            for ask in _sample(group.asks, ASKS, dice):
                texts.append(ask)
                owner.append((topic.name, group.id, group.source))
        sources = {group.source for group in groups if group.source}
        for source in sorted(sources):
            texts.append(source)
            owner.append((topic.name, "", source))
        near = [ask for source, ask in topic.near if source in sources]
        for ask in _sample(near, NEAR, dice):
            texts.append(ask)
            owner.append((topic.name, f"near {ask}", ""))
    asks = torch.tensor([bool(group) for _, group, _ in owner])
    idle = [line for topic, _ in parts for line in topic.not_asking]
    for line in _sample(idle, NOTHING, dice):
        texts.append(line)
        owner.append((IDLE, f"nothing {line}", ""))
    n = len(texts)
    asks = nn.functional.pad(asks, (0, n - len(asks)))
    nothing = torch.tensor([name == IDLE for name, _, _ in owner])
    positive, unknown = torch.zeros(n, n, dtype=torch.bool), torch.eye(n, dtype=torch.bool)
    for (i, one), (j, other) in itertools.permutations(enumerate(owner), 2):
        if one[0] != other[0]:
            unknown[i, j] = {one[0], other[0]} <= halls
            continue
        if one[1] and one[1] == other[1]:
            positive[i, j] = True
        elif one[2] and one[2] == other[2]:
            # An asking and the text that answers it. Of two groups nothing is known but where they look alike: then one
            # says more than the other asked.
            positive[i, j] = not (one[1] and other[1])
            unknown[i, j] = not positive[i, j] and other[1] not in known[one[0]].like.get(one[1], ())
    return Batch(texts, positive, unknown, asks, nothing)


def _sample(rows: Sequence[str], most: int, dice: random.Random) -> list[str]:
    return dice.sample(rows, min(most, len(rows)))


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

    def __init__(self, base: Path) -> None:
        from transformers import AttentionInterface

        self.model = _loaded(base)
        self._bert = cast("PreTrainedModel", self.model[0].auto_model)
        AttentionInterface.register(FLOAT32, _attended)
        self._bert.set_attn_implementation(FLOAT32)
        self._masks = _quick_dropout(self.model.train())
        self.model.get_parameter(WORDS).requires_grad_(False)
        self.parameters: list[nn.Parameter] = [p for p in self.model.parameters() if p.requires_grad]
        self.head = nn.Linear(int(self.model.get_embedding_dimension() or 0), 1)

    def loss(self, batch: Batch) -> Tensor:
        self._masks.begin(crc32("\n".join(batch.texts).encode()))  # the same where a run goes on
        vectors = self.vectors(batch.texts)
        scores = self.head(HEAD_REACH * vectors)[:, 0]
        return loss_of(vectors, batch) + ASKING * asking_loss(scores, batch)

    def state(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "head": self.head.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Unit rows, shape (n, d)."""
        texts = [PROMPT + normalise(text) for text in texts]
        tokens: list[list[int]] = self.model.tokenizer(texts, truncation=True)["input_ids"]
        lengths = [len(one) for one in tokens]
        rows = packing.first_fit([(length,) for length in lengths], (ROW,))
        ids = pad([torch.tensor([id for at in row for id in tokens[at]]) for row in rows], batch_first=True)
        places = pad([torch.cat([torch.arange(lengths[at]) for at in row]) for row in rows], batch_first=True)
        owner = packing.owners(rows, lengths)
        with quick():
            states = self._bert(ids, attention_mask=packing.seen(owner, owner), position_ids=places).last_hidden_state
        return functional.normalize(packing.means(states, owner, len(tokens)), dim=1)


class Masks:
    """Of dropout (Srivastava et al. 2014): stretches of one row that is thrown once, each from a random place on. To
    throw new ones for every layer takes a twentieth of a step."""

    def __init__(self, seed: int = SEED) -> None:
        self._thrown: dict[tuple[float, torch.dtype, int], Tensor] = {}
        self.begin(seed)

    def begin(self, seed: int) -> None:
        self._places = random.Random(seed)  # noqa: S311 (an order, not a secret)

    def one(self, rows: Tensor, share: float) -> Tensor:
        """Of the shape of `rows`: zero for that share of the numbers, what keeps the mean for the others."""
        size = rows.numel()
        length = max(THROWN, 2 * size)  # whatever came before, so that a run that goes on takes the same
        kind = share, rows.dtype, length
        if kind not in self._thrown:
            row = torch.empty(length, dtype=rows.dtype)
            self._thrown[kind] = row.bernoulli_(1 - share, generator=torch.Generator().manual_seed(SEED)) / (1 - share)
        at = self._places.randrange(length - size)
        return self._thrown[kind][at : at + size].view(rows.shape)


class Dropout(nn.Module):
    """Sets a share of the numbers to zero and makes the others greater."""

    def __init__(self, share: float, masks: Masks) -> None:
        super().__init__()
        self._share, self._masks = share, masks

    def forward(self, rows: Tensor) -> Tensor:
        return rows * self._masks.one(rows, self._share) if self.training else rows


def _attended(
    _: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **_more: Any
) -> tuple[Tensor, None]:
    """As transformers calls it and wants it back, shape (rows, tokens, heads, size of one). The scale it passes is the
    usual one, and no dropout is wanted. The mask must have four dimensions: any other is dropped without a word."""
    return attended(query, key, value, mask).transpose(1, 2).contiguous(), None


def _quick_dropout(model: nn.Module) -> Masks:
    """Put in place of every dropout but the attention's, which is switched off: with it torch works attention out a
    third as quickly. All take their masks from what is returned, by turns."""
    from transformers.models.bert.modeling_bert import BertSelfAttention

    masks = Masks()
    for module in list(model.modules()):
        if isinstance(module, BertSelfAttention):
            module.dropout.p = 0.0
            continue
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, Dropout(child.p, masks))
    return masks


def train(topics: Sequence[Topic], target: Path, runs: Sequence[Run] = RUNS, every: int = 50) -> list[float]:
    """Prune, train, and write `TRAINED` of the mean of the runs and the rest of the base to `target`; the loss of each
    step, run after run. The vocabulary is that of `topics`.

    Every so many steps the state of a run, counted from 1, is kept in `target`-`run`.part, from which an interrupted
    training goes on; it belongs to the pruned base in `target`.start. Raises `ValueError` where it has other `steps`,
    is of other topics or began with other weights.
    """
    start, other = _starts(target)
    started(topics, target)
    parts = [(1 - TRAINED, _loaded(start).state_dict())]
    losses: list[float] = []
    for turn, one in enumerate(runs, 1):
        print(f"run {turn} of {len(runs)}", flush=True)
        torch.manual_seed(one.seed)
        trainee = Trainee(start)
        kept = target.with_name(f"{target.name}-{turn}.part")
        later = sum(other.steps for other in runs[turn:])
        losses += run(trainee, batches(topics, one), one.steps, kept, every, digest(topics), later)
        parts.append((TRAINED / len(runs), trainee.model.state_dict()))
    model = _loaded(start)
    model.load_state_dict(weighed(parts))
    _write(model, target)
    os.replace(start, other)
    shutil.rmtree(other)
    _forget(target)
    return losses


def started(topics: Sequence[Topic], target: Path) -> None:
    """The pruned base stands in `target`.start: one of other topics is made anew, unless something was trained from it
    (`ValueError`)."""
    start, other = _starts(target)
    made_of = digest(topics)
    if start.exists():
        if (start / MADE_OF).is_file() and (start / MADE_OF).read_text("ascii") == made_of:
            return
        if parts := sorted(_parts_of(target)):
            raise ValueError(f"{parts[0]} is of a training with other data: finish that, or remove the file")
        print("the topics are others than those of the start: it is made anew", flush=True)
        shutil.rmtree(start)
    _forget(target)
    shutil.rmtree(other, ignore_errors=True)
    print(f"{begin(topics, other):,} pieces of the vocabulary stay", flush=True)
    (other / MADE_OF).write_text(made_of, "ascii")
    os.replace(other, start)  # whole, or not there


def _starts(target: Path) -> tuple[Path, Path]:
    """Where the start stands, and where it stands while it is made or removed."""
    return target.with_name(f"{target.name}.start"), target.with_name(f"{target.name}.new.start")


def _parts_of(target: Path) -> Iterator[Path]:
    return target.parent.glob(f"{target.name}-*.part")


def _forget(target: Path) -> None:
    """Parts of a training that is over."""
    for file in _parts_of(target):
        file.unlink()


def weighed(parts: Sequence[tuple[float, Mapping[str, Tensor]]]) -> dict[str, Tensor]:
    """The sum of weights by name, each times its share; of what is no fraction the first one's."""
    found = dict(parts[0][1])
    for name, one in found.items():
        if one.is_floating_point():
            found[name] = sum((share * weights[name] for share, weights in parts), torch.zeros(()))
    return found


def begin(topics: Sequence[Topic], target: Path) -> int:
    """The base with the vocabulary that is kept, untrained; how many pieces that is."""
    texts, foreign = (
        [normalise(text) for topic in topics if (topic.language in SPOKEN) is ours for text in _texts(topic)]
        for ours in (True, False)
    )
    return prune(unpack(), target, texts, foreign)


def _loaded(folder: Path) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", local_files_only=True).float()


def _texts(topic: Topic) -> Iterator[str]:
    for group in topic.groups:
        yield from group.asks
        yield group.source
    yield from topic.not_asking


def _write(model: "SentenceTransformer", target: Path) -> None:
    """In half precision, in files that fit everywhere."""
    model.eval().half()
    model.max_seq_length = READ
    model.preprocess([""])  # the tokenizer writes down where it cuts only after it did
    with TemporaryDirectory() as folder:
        model.save(folder, create_model_card=False)
        transformer = cast("PreTrainedModel", model[0].auto_model)
        (Path(folder) / "model.safetensors").unlink()
        transformer.save_pretrained(folder, max_shard_size=SHARDS)
        pieces = Path(folder) / "tokenizer.json"  # written with an indent: a third of it is spaces
        pieces.write_text(json.dumps(json.loads(pieces.read_text("utf-8")), ensure_ascii=False), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target, copy_function=shutil.copyfile)
        target.chmod(0o755)  # a temporary folder and weights are for their owner alone; the program may be another


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--steps", type=int, help="of each run, to try something out")
    chosen = parser.parse_args()
    runs = [replace(one, steps=chosen.steps or one.steps) for one in RUNS]
    losses = train(read_topics(), chosen.target, runs)
    (chosen.target / "losses.json").write_text(json.dumps([round(loss, 4) for loss in losses]), encoding="utf-8")
