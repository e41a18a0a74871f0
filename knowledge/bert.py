"""The models that ship with the program, read and run without the libraries that can load any model: to import those
takes longer than all the rest of a start. Only the weights' arithmetic stands here; tests hold it to theirs.

BERT (Devlin et al., 2019) with the mean of its last layer's tokens as the vector of a text, and a cross-encoder that
shares its lower layers (`knowledge.training.cross`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Encoding as Pieces
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as nn
from torch.nn.utils.rnn import pad_sequence as pad

from knowledge.encoder import HEADS

HEAD = "head"

UNKNOWN = "<unk>"
"""The piece that stands for whatever the vocabulary has not."""

SIDE = "side"
"""The vector that tells the cross-encoder which tokens are those of the other text."""

SHARED = 6
"""Lower layers of the cross-encoder that are the encoder's own."""

LARGEST_BYTE = 127
"""The greatest whole number of 8 bits, with one for the sign."""

REACH = 3.0
"""What the mean over an asking's tokens is multiplied with before the heads."""


KEPT = 6_000
"""Tokens of texts that are kept as they were gone through last, 28 MB: a course of about 120 texts, or 400 messages. Of
those that others were read beside, as many as they are looked at, 55 MB."""


Attention = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""Queries, keys, values and mask, as torch's `scaled_dot_product_attention` takes them."""


@dataclass(frozen=True, slots=True)
class States:
    """Texts as they are gone through: `layers` are each of shape (n, tokens, dimension); `there`, of shape (n, tokens),
    is false for padding."""

    layers: Sequence[Tensor]
    there: Tensor

    @classmethod
    def of(cls, texts: Sequence[Tensor]) -> "States":
        """Those that were `parted`."""
        there = [torch.ones(text.shape[1], dtype=torch.bool) for text in texts]
        padded = pad([text.transpose(0, 1) for text in texts], batch_first=True).float()
        return cls(padded.unbind(2), pad(there, batch_first=True))

    def parted(self, layers: int | None = None) -> list[Tensor]:
        """Of each text the first so many, shape (layers, tokens, dimension); in half precision, as they are kept."""
        rows = torch.stack(tuple(self.layers[:layers])).half()
        return [rows[:, row, : int(tokens)].clone() for row, tokens in enumerate(self.there.sum(1))]

    def mean(self) -> Tensor:
        """Of the last layer over each text's tokens: shape (n, dimension)."""
        weight = self.there[:, :, None].float()
        return (self.layers[-1] * weight).sum(1) / weight.sum(1).clamp(min=1e-9)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


class Encoding:
    """The weights, configuration and tokenizer of an encoder's folder. Shipped in half precision, worked with in full:
    processors multiply halves slowly or not at all."""

    def __init__(self, folder: Path, *, rounded: bool = False) -> None:
        self.told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        described = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))
        self.prompt = str(described["prompts"]["query"])
        self.weights = read_weights(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._unknown = self._tokenizer.token_to_id(UNKNOWN)
        self._layers = Layers(self.weights, self.told, rounded=rounded)

    def states(self, texts: Sequence[str], count: int | None = None) -> States:
        """Of each text by itself, in one pass: what goes into each layer from `SHARED` on, and what comes out of the
        last; the first so many of these."""
        return self.through(self.pieces(texts), count)

    @torch.inference_mode()
    def through(self, texts: Sequence[Pieces], count: int | None = None) -> States:
        """The same of texts that were cut into pieces."""
        return self._layers.alone([one.ids[: sum(one.attention_mask)] for one in texts], count)

    def pieces(self, texts: Sequence[str]) -> list[Pieces]:
        return self._tokenizer.encode_batch([self.prompt + text for text in texts])

    def unread(self, text: str, pieces: Pieces) -> bool:
        """Whether the vocabulary has less than half of its letters, as of a script that it was not made for."""
        if self._unknown not in pieces.ids:
            return False
        text = self.prompt + text
        lost = sum(
            _letters(text[slice(*at)]) for id, at in zip(pieces.ids, pieces.offsets, strict=True) if id == self._unknown
        )
        return 2 * lost > _letters(text) - _letters(self.prompt)


class Bert:
    """An encoder's folder, and the upper layers of the cross-encoder in another one; `rounded` to whole numbers."""

    def __init__(self, folder: Path, cross: Path, *, rounded: bool = False) -> None:
        self._encoding, upper = Encoding(folder, rounded=rounded), read_weights(cross)
        self.dimension = int(self._encoding.told["hidden_size"])
        self.prompt = self._encoding.prompt
        self._cross = Layers(self._encoding.weights | upper, self._encoding.told, rounded=rounded, first=SHARED)
        self._upper = upper
        self._head = upper[f"{HEAD}.weight"], upper[f"{HEAD}.bias"]
        if len(self._head[1]) != HEADS:
            raise ValueError(f"the cross-encoder of another version: {len(self._head[1])} heads, not {HEADS}")
        self._through, self._sides = Kept(self._encoding.states, -1), Kept(self._looked_at)

    def weights(self) -> Mapping[str, Tensor]:
        """All that a vector follows from, by the names that Sentence Transformers gives them."""
        return {f"0.model.{name}": tensor for name, tensor in self._encoding.weights.items()}

    def reading(self) -> Mapping[str, Tensor]:
        """What the odds of a pair follow from besides."""
        return self._upper

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows, shape (n, dimension), in one pass; zeros for what cannot be read."""
        pieces = self._encoding.pieces(texts)
        states = self._encoding.through(pieces)
        self._through.keep(texts, states)
        rows = nn.normalize(states.mean(), dim=1).numpy()
        rows[[self._encoding.unread(text, one) for text, one in zip(texts, pieces, strict=True)]] = 0.0
        return rows

    @torch.inference_mode()
    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Log odds of each head, shape (n, HEADS), in one pass."""
        one, other = zip(*pairs, strict=True)
        mean = self._cross.beside(self._through.of(one, 1), self._sides.of(other)).mean()
        return nn.linear(REACH * mean, *self._head).numpy()

    def _looked_at(self, texts: Sequence[str]) -> States:
        return self._cross.sides(self._through.of(texts))


class Kept:
    """The texts that were asked for last, which need not be gone through again; of each the layers up to that one. Its
    length is that of all of them in tokens."""

    def __init__(self, states: Callable[[Sequence[str]], States], layers: int | None = None) -> None:
        self._states, self._layers = states, layers
        self._texts: dict[str, Tensor] = {}
        self._tokens = 0

    def __len__(self) -> int:
        return self._tokens

    def of(self, texts: Sequence[str], layers: int | None = None) -> States:
        """Of each text the first so many layers; the new ones in one pass."""
        here = {text: self._texts[text] for text in texts if text in self._texts}
        new = [text for text in dict.fromkeys(texts) if text not in here]
        if new:
            here |= zip(new, self._states(new).parted(self._layers), strict=True)
        self._keep(here)
        return States.of([here[text][:layers] for text in texts])

    def keep(self, texts: Sequence[str], states: States) -> None:
        """What somebody has gone through."""
        self._keep(dict(zip(texts, states.parted(self._layers), strict=True)))

    def _keep(self, texts: Mapping[str, Tensor]) -> None:
        for text, states in texts.items():
            old = self._texts.pop(text, None)
            self._texts[text] = states
            self._tokens += 0 if old is not None else states.shape[1]
        while self._tokens > KEPT:
            self._tokens -= self._texts.pop(next(iter(self._texts))).shape[1]


class Layers:
    """The arithmetic, with weights by name. `rounded`: the matrices of the layers from the `first` on multiply whole
    numbers; sums, softmax, norms and what another text is looked at by stay as they are. A training has its own way to
    `attend`."""

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        told: Mapping[str, int],
        *,
        rounded: bool = False,
        first: int = 0,
        attend: Attention = nn.scaled_dot_product_attention,
    ) -> None:
        self._weights, self._attend = weights, attend
        layers = tuple(f"encoder.layer.{layer}." for layer in range(first, told["num_hidden_layers"]) if rounded)
        self._rounded = {name: in_bytes(weights[name]) for name in weights if name.startswith(layers) and _matrix(name)}
        self._layers, self._heads, self._eps, self._dimension, self._padding = (
            told[name]
            for name in ("num_hidden_layers", "num_attention_heads", "layer_norm_eps", "hidden_size", "pad_token_id")
        )

    def alone(self, tokens: Sequence[Sequence[int]], count: int | None = None) -> States:
        """Each text by itself, no farther up than for so many states."""
        longest = max(map(len, tokens))
        ids = torch.tensor([[*one, *[self._padding] * (longest - len(one))] for one in tokens])
        there = torch.arange(longest) < torch.tensor([[len(one)] for one in tokens])
        states, seen = self._embedded(ids), _seen(there)
        found = []
        for layer in range(self._layers if count is None else SHARED + count - 1):
            if layer >= SHARED:
                found.append(states)
            states = self._layer(states, layer, seen)
        return States((*found, states), there)

    def sides(self, said: States) -> States:
        """What askings look at of texts that were gone through alone: keys and values by turns, of each layer."""
        found = []
        for layer, states in zip(range(SHARED, self._layers), said.layers, strict=False):
            for what in ("key", "value"):
                name = f"encoder.layer.{layer}.attention.self.{what}"
                weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
                # As if it were added to the states, which would cost a gradient of their own.
                found.append(nn.linear(states, weight, nn.linear(self._weights[SIDE], weight, bias)))
        return States(found, said.there)

    def beside(self, asked: States, sides: States, seen: Tensor | None = None) -> States:
        """Askings whose tokens look at their own text and at the other one of the pair: what comes out.

        Where several pairs share a row, `seen` says which tokens are whose: shape (rows, 1, tokens of `asked`, tokens
        of `asked` and then of `sides`).
        """
        states = asked.layers[0]
        seen = _seen(torch.cat((asked.there, sides.there), dim=1)) if seen is None else seen
        keys, values = sides.layers[::2], sides.layers[1::2]
        for layer, *other in zip(range(SHARED, self._layers), keys, values, strict=True):
            states = self._layer(states, layer, seen, other)
        return States([states], asked.there)

    def _embedded(self, ids: Tensor) -> Tensor:
        words, kinds, places = (
            self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "token_type", "position")
        )
        return self._normed(words[ids] + kinds[0] + places[: ids.shape[1]], "embeddings")

    def _layer(self, states: Tensor, layer: int, seen: Tensor | None, other: Sequence[Tensor] = ()) -> Tensor:
        """The tokens look at each other and at keys and values of the `other` text, where they are `seen`."""
        name = f"encoder.layer.{layer}"
        query, *own = (self._linear(states, f"{name}.attention.self.{what}") for what in ("query", "key", "value"))
        both = (torch.cat(each, dim=1) for each in zip(own, other, strict=True)) if other else own
        query, key, value = (each.unflatten(2, (self._heads, -1)).transpose(1, 2) for each in (query, *both))
        if self._rounded:
            # Sums of other lengths end in other bits, and one bit may tip a rounding: what a text is read as would
            # depend on those beside it.
            query, key, value = query.double(), key.double(), value.double()
        attended = self._attend(query, key, value, seen).to(states.dtype).transpose(1, 2).flatten(2)
        states = self._normed(
            self._linear(attended, f"{name}.attention.output.dense") + states, f"{name}.attention.output"
        )
        inner = nn.gelu(self._linear(states, f"{name}.intermediate.dense"))
        return self._normed(self._linear(inner, f"{name}.output.dense") + states, f"{name}.output")

    def _linear(self, states: Tensor, name: str) -> Tensor:
        weight, bias = f"{name}.weight", self._weights[f"{name}.bias"]
        if weight not in self._rounded:
            return nn.linear(states, self._weights[weight], bias)
        rows, steps = in_bytes(states.flatten(0, 1))
        outputs, widths = self._rounded[weight]
        # The product is exact, and each row has its own step: a row's does not depend on those beside it. Torch has no
        # public name for it yet.
        product = torch._int_mm(rows, outputs.t()).float()
        return product.mul_(steps).mul_(widths.t()).add_(bias).view(*states.shape[:2], -1)

    def _normed(self, states: Tensor, name: str) -> Tensor:
        weight, bias = (self._weights[f"{name}.LayerNorm.{what}"] for what in ("weight", "bias"))
        return nn.layer_norm(states, (self._dimension,), weight, bias, self._eps)


def in_bytes(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows as whole numbers of 8 bits, shape (n, d), and what one is worth in each row, shape (n, 1): the vector-wise
    quantization of Dettmers et al., LLM.int8(), NeurIPS 2022."""
    steps = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-9) / LARGEST_BYTE
    return (rows / steps).round_().to(torch.int8), steps


def _matrix(name: str) -> bool:
    """Whether a layer multiplies with it."""
    return name.endswith(".weight") and "LayerNorm" not in name


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of a folder, in full precision."""
    parts = [load_file(file) for file in sorted(folder.glob("*.safetensors"))]
    return {name: tensor.float() for part in parts for name, tensor in part.items()}


def _seen(there: Tensor) -> Tensor | None:
    """As a mask of attention; None where all is there, which is faster."""
    return None if there.all() else there[:, None, None, :]
