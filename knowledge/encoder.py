"""Texts to unit vectors: by the model that ships with the program, or any that sentence-transformers can load."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache as once
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.text import ends, normalise

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

BUNDLED = "bundled"
ROUNDED = "bundled-int8"
"""What the bundled model is called where it multiplies whole numbers of 8 bits: the same vectors but for rounding (a
cosine of .997), so what is stored and calibrated stays as it is."""
OURS = BUNDLED, ROUNDED

SHARED = "unix:"
"""What a model is called that another process has: this, and the path of its socket."""

ROOM = 1024
"""Characters, padding included, that one call of the model works on: enough to keep two processors busy."""

OVERHEAD = 75
"""What a call costs whatever is in it, as that many characters: 12 ms beside .16 ms a character on two processors."""

PROMPT_LENGTH = 8

LOOKED_AT = 4
"""A character of a text that is only looked at, beside the one that is read, costs this part of one."""

LONGEST = 1000
"""Characters of a text that are looked at: of Chinese more than the model's tokens hold, of English a good page."""


_DENSE = re.compile("[\u0e00-\uffff]")

LONGEST_DENSE = 700
"""The same of a message in Chinese, Japanese, Korean or Thai, whose end would lie behind what the model's tokens
hold."""

HUB_WAIT = 5
"""Seconds for a hub of models to answer; where it is blocked, it often never does."""

SENTENCES = "SentenceTransformer"
"""What a model with vectors of texts says that it is, or it says nothing."""

OTHER_TASKS = ("Classification", "QuestionAnswering", "CausalLM", "LMHeadModel", "ConditionalGeneration")
"""How the classes end of what was trained for something else than vectors of texts."""

REMEMBERED = 1000
"""Pairs of texts whose odds are kept."""

REMEMBERED_TEXTS = 20_000
"""Texts whose vectors are kept, 2 KB each: those of a few hundred courses."""


ANSWERS, REPLIES = range(HEADS := 2)
"""What is told of two texts that are read together, by column: the second answers the first; the first, typed shortly
after the second, tells whoever asked that."""


class EncoderError(RuntimeError):
    """The named model cannot be loaded; the message says what to do."""


class EncoderGone(EncoderError):
    """The process that has the model cannot be asked now. Nothing is wrong with what was asked: it can wait."""


class Encoder(Protocol):
    """What the rooms ask of an encoder. It normalises the texts itself. Called from one thread at a time."""

    name: str
    dimension: int
    fingerprint: str
    """What tells its vectors from those of any other encoder, whatever it is called."""
    reading: str
    """What tells how it reads pairs from how any other does; "" where it reads none."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, dimension), unit rows, in the order of `texts`; (0, dimension) for none. A row of zeros is that of
        a text that it cannot read (`unreadable`).

        A text's vector does not depend on the texts beside it, but for the last bits of a float: whoever decides by a
        similarity rounds it first.
        """
        ...

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Log odds of what is told of each pair (`ANSWERS`, `REPLIES`), both texts read together: shape
        (n, HEADS); zeros from an encoder that cannot do that."""
        ...


def unreadable(vector: NDArray[np.float32]) -> bool:
    """Whether the encoder could not read a text, by its vector: most of its letters are of a script that it has not."""
    return not vector.any()


class Model(Protocol):
    """What a sentence encoder asks of its model."""

    dimension: int
    prompt: str
    """Stands before every text."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows, shape (n, dimension), in one pass; zeros for a text that it cannot read."""
        ...

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Of each pair, shape (n, HEADS), in one pass."""
        ...

    def weights(self) -> Mapping[str, "Tensor"]:
        """All that a vector follows from, by name."""
        ...

    def reading(self) -> Mapping[str, "Tensor"]:
        """What else follows into `read`; nothing from a model that cannot do that."""
        ...


class AnyModel:
    """A model that Sentence Transformers loaded. Raises `ValueError` where it does not say how long its vectors are."""

    def __init__(self, model: "SentenceTransformer", name: str) -> None:
        self._model = model
        self.dimension = int(model.get_embedding_dimension() or 0)
        if not self.dimension:
            raise ValueError("it does not say how long its vectors are")
        self.prompt = model.prompts.get("query") or ("query: " if "e5" in Path(name).name.lower() else "")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._model.encode(
            list(texts),
            prompt=self.prompt,
            batch_size=len(texts),
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        return np.zeros((len(pairs), HEADS), dtype=np.float32)

    def weights(self) -> Mapping[str, "Tensor"]:
        # No vector follows from a pooler, and where the file has none its weights are drawn by chance at each start.
        return {name: tensor for name, tensor in self._model.state_dict().items() if ".pooler." not in name}

    def reading(self) -> Mapping[str, "Tensor"]:
        return {}


class SentenceEncoder:
    """A sentence model. Texts of about one length share a call, so that little is padded.

    What all of chat has in common is taken out of every vector: the mean of a few dozen ordinary lines (as in Mu and
    Viswanath, All-but-the-Top, 2018). Without that, any two texts have a cosine of .8 with e5.
    """

    def __init__(self, model: Model, name: str) -> None:
        self.name = name
        self.dimension = model.dimension
        self._model = model
        self._common = self._plain(_ordinary()).mean(axis=0)
        self.fingerprint = _of_vectors(model)
        self.reading = _of_weights(reading) if (reading := model.reading()) else ""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        plain = self._plain(texts)
        vectors = np.where(plain.any(axis=1, keepdims=True), plain - self._common, 0.0)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        plain = [(normalise(one)[:LONGEST], normalise(other)[:LONGEST]) for one, other in pairs]
        odds = np.zeros((len(plain), HEADS), dtype=np.float32)
        for call in calls([len(one) + len(other) // LOOKED_AT for one, other in plain]):
            odds[call] = self._model.read([plain[at] for at in call])
        return odds

    def _plain(self, texts: Sequence[str]) -> NDArray[np.float32]:
        plain = [normalise(text)[:LONGEST] for text in texts]
        vectors = np.empty((len(plain), self.dimension), dtype=np.float32)
        for call in calls([len(text) for text in plain]):
            vectors[call] = self._model.embed([plain[at] for at in call])
        return vectors


def read_of(message: str) -> str:
    """What is read of what somebody says: of what is too long for the model both ends, for after a story comes what is
    asked."""
    if len(message) <= LONGEST_DENSE:
        return message
    dense = len(_DENSE.findall(message))
    return ends(message, LONGEST_DENSE if 3 * dense > len(message) else LONGEST)


def calls(lengths: Sequence[int]) -> list[list[int]]:
    """Which texts, by position, share a call of the model, so that padding and overhead cost the least: shortest paths
    over the texts in order of length."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    widths = [lengths[at] + PROMPT_LENGTH for at in order]
    cost, start = [0.0], [0]
    for end, width in enumerate(widths, 1):
        first = max(0, end - max(1, ROOM // width))
        cheapest = min(range(first, end), key=lambda begin: cost[begin] + width * (end - begin))
        cost.append(cost[cheapest] + OVERHEAD + width * (end - cheapest))
        start.append(cheapest)
    found, end = [], len(order)
    while end:
        found.append(order[start[end] : end])
        end = start[end]
    return found[::-1]


class Around:
    """An encoder around another one, which it says that it is."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.dimension = encoder.name, encoder.dimension
        self.fingerprint, self.reading = encoder.fingerprint, encoder.reading
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoder.encode(texts)

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        return self._encoder.read(pairs)


class Remembering(Around):
    """An encoder that is asked for each text once, for texts that come again: those of a course, and what a survey was
    answered. Pairs come again soon or not at all, from a course with the answers of earlier evenings and the course by
    itself."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self._known: dict[str, NDArray[np.float32]] = {}
        self._read: dict[tuple[str, str], list[float]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        here = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in here]
        for text, row in zip(new, self._encoder.encode(new), strict=True):
            here[text] = row.copy()  # a view would keep all rows of its call
        for text in here:
            self._known.pop(text, None)
        self._known |= here  # what was asked for last stays longest
        while len(self._known) > REMEMBERED_TEXTS:
            del self._known[next(iter(self._known))]
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for at, text in enumerate(texts):
            rows[at] = here[text]
        return rows

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._read]
        if len(self._read) + len(new) > REMEMBERED:
            self._read.clear()
            new = list(dict.fromkeys(pairs))
        self._read.update(zip(new, self._encoder.read(new).tolist(), strict=True))
        return np.array([self._read[pair] for pair in pairs], dtype=np.float32).reshape(len(pairs), HEADS)

    def forget(self) -> None:
        """All texts; each is asked for once more where it comes again."""
        self._known, self._read = {}, {}


def _of_vectors(model: Model) -> str:
    """A fingerprint of all that a vector follows from: the weights, the prompt, and what is taken out."""
    return _of_weights(model.weights(), model.prompt, *_ordinary())


def _of_weights(weights: Mapping[str, "Tensor"], *texts: str) -> str:
    found = hashlib.blake2b(digest_size=12)
    for text in texts:
        found.update(text.encode())
    for name, tensor in sorted(weights.items()):
        found.update(f"{name}{tuple(tensor.shape)}".encode())
        found.update(tensor.detach().contiguous().numpy().data)
    return found.hexdigest()


@once
def _ordinary() -> tuple[str, ...]:
    """Ordinary lines of chats in several languages, written for this."""
    return tuple((files("knowledge") / "models" / "common-lines.txt").read_text(encoding="utf-8").splitlines())


def load_encoder(model: str = BUNDLED, threads: int | None = None, patience: float | None = None) -> Encoder:
    """The encoder named `model`: "bundled", "bundled-int8", a folder, a name that Sentence Transformers knows, or
    "unix:" and the socket of a process that has one (`knowledge.encoder_service`).

    `threads` bounds the processor threads of this process; `patience` is that with another one, in seconds. Raises
    `EncoderError`.
    """
    if model.startswith(SHARED):
        from knowledge.encoder_service import RemoteEncoder

        return RemoteEncoder(Path(model.removeprefix(SHARED)), patience)
    try:
        import torch

        if threads:
            torch.set_num_threads(threads)
        return SentenceEncoder(_bundled(model) if model in OURS else _any(model), model)
    except Exception as error:  # a folder may hold anything, and each kind of wrong one fails in its own way
        raise EncoderError(
            f"{model!r} is no Sentence Transformers model for texts that can be loaded; name `bundled`, the folder of "
            f"one or its name on the hub ({type(error).__name__}: {error})"
        ) from error


def _bundled(model: str) -> Model:
    from knowledge.bert import Bert

    models = Path(str(files("knowledge") / "models"))
    return Bert(models / "encoder", models / "cross", rounded=model == ROUNDED)


def _any(model: str) -> Model:
    local = Path(model).is_dir()
    if not local and model.startswith(("/", "./", "../", "~")):  # a hub is not asked for what is none of its names
        raise FileNotFoundError(f"there is no folder {model}")
    if local:  # a hall may have no network: nothing may be asked for
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    from huggingface_hub import constants
    from sentence_transformers import SentenceTransformer

    _quiet()
    held = local or not _hub_answers()  # where it does not, the library would try again for over a minute
    try:
        loaded = SentenceTransformer(model, device="cpu", local_files_only=held, model_kwargs={"dtype": torch.float32})
    except OSError as error:
        if local or not held:
            raise
        raise OSError(
            f"it was never fetched, and {constants.ENDPOINT} does not answer or may not be asked (HF_HUB_OFFLINE): "
            "name a mirror in HF_ENDPOINT, or fetch the model elsewhere and name its folder"
        ) from error
    _require_vectors(model)
    return AnyModel(loaded, model)


def _require_vectors(model: str) -> None:
    """Raises `ValueError` for what was made for something else than vectors of texts: the library turns it into a model
    that has some, of which nobody ever asked that they mean anything."""
    kind = _told(model, "config_sentence_transformers.json").get("model_type", SENTENCES)
    if kind != SENTENCES:
        raise ValueError(f"it is a {kind}, which gives no vector of a text by itself")
    for made in _told(model, "config.json").get("architectures") or ():
        if _file(model, "modules.json") is None and str(made).endswith(OTHER_TASKS):
            raise ValueError(f"it is a {made}, made for another task than vectors of texts")


def _told(model: str, name: str) -> dict[str, Any]:
    """What such a file of a model says; nothing where there is none."""
    file = _file(model, name)
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file else {}


def _file(model: str, name: str) -> Path | None:
    """Of a folder, or of what was fetched."""
    from huggingface_hub import try_to_load_from_cache

    found = Path(model) / name if Path(model).is_dir() else try_to_load_from_cache(model, name)
    return Path(found) if isinstance(found, str | Path) and Path(found).is_file() else None


def _hub_answers() -> bool:
    """Whether models can be fetched; one that was fetched once is used without that."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    from huggingface_hub import constants

    if constants.is_offline_mode():
        return False
    try:
        # Whoever sets the program up names the mirror, and nobody else can.
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=HUB_WAIT):  # noqa: S310
            return True
    except HTTPError:  # it answers
        return True
    except (OSError, HTTPException, ValueError):
        return False


def _quiet() -> None:
    """No progress bars and notes of libraries between the program's own lines."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
