"""The models that ship with the program, read and run without the libraries that can load any model: to import those
takes longer than all the rest of a start. Only the weights' arithmetic stands here; tests hold it to theirs.

BERT (Devlin et al., 2019) with the mean of its last layer's tokens as the vector of a text, and a cross-encoder that
shares its lower layers (`knowledge.training.cross`).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as nn

SAME, ANSWERS = 0, 1
"""The cross-encoder's heads: two askings ask the same, a text answers an asking."""

HEAD = "head"

REACH = 3.0
"""What the mean over a pair's tokens is multiplied with before the heads."""


class Bert:
    """The weights, configuration and tokenizer of a folder, and the upper layers of the cross-encoder in another one.
    Shipped in half precision, worked with in full: processors multiply halves slowly or not at all."""

    def __init__(self, folder: Path, cross: Path) -> None:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.dimension = int(told["hidden_size"])
        described = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))
        self.prompt = str(described["prompts"]["query"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._weights, upper = _read(folder), _read(cross)
        self._alone, self._paired = _Layers(self._weights, told), _Layers(self._weights | upper, told)
        self._head = upper[f"{HEAD}.weight"], upper[f"{HEAD}.bias"]

    def weights(self) -> Mapping[str, Tensor]:
        """All that a vector follows from, by the names that Sentence Transformers gives them."""
        return {f"0.model.{name}": tensor for name, tensor in self._weights.items()}

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows, shape (n, dimension), in one pass."""
        mean = self._alone.mean(self._tokens(texts))
        return nn.normalize(mean, dim=1).numpy()

    @torch.inference_mode()
    def answers(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Log odds that the second text of a pair answers the first, shape (n,), in one pass."""
        tokens = self._tokens([text for pair in pairs for text in pair])
        mean = self._paired.mean([[*tokens[at], *tokens[at + 1]] for at in range(0, len(tokens), 2)])
        return nn.linear(REACH * mean, *self._head)[:, ANSWERS].numpy()

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        encoded = self._tokenizer.encode_batch([self.prompt + text for text in texts])
        return [one.ids[: sum(one.attention_mask)] for one in encoded]


class _Layers:
    """The arithmetic, with weights by name."""

    def __init__(self, weights: Mapping[str, Tensor], told: Mapping[str, int]) -> None:
        self._weights = weights
        self._layers, self._heads, self._eps, self._dimension, self._padding = (
            told[name]
            for name in ("num_hidden_layers", "num_attention_heads", "layer_norm_eps", "hidden_size", "pad_token_id")
        )

    def mean(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Of the last layer over each text's tokens: shape (n, dimension)."""
        longest = max(map(len, tokens))
        ids = torch.tensor([[*one, *[self._padding] * (longest - len(one))] for one in tokens])
        mask = torch.arange(longest) < torch.tensor([[len(one)] for one in tokens])
        states = self._embedded(ids)
        seen = None if mask.all() else mask[:, None, None, :].expand(-1, 1, longest, -1)
        for layer in range(self._layers):
            states = self._layer(states, f"encoder.layer.{layer}", seen)
        weight = mask[:, :, None].float()
        return (states * weight).sum(1) / weight.sum(1).clamp(min=1e-9)

    def _embedded(self, ids: Tensor) -> Tensor:
        words, kinds, places = (
            self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "token_type", "position")
        )
        return self._normed(words[ids] + kinds[0] + places[: ids.shape[1]], "embeddings")

    def _layer(self, states: Tensor, name: str, seen: Tensor | None) -> Tensor:
        attended = self._linear(
            self._attended(states, f"{name}.attention.self", seen), f"{name}.attention.output.dense"
        )
        states = self._normed(attended + states, f"{name}.attention.output")
        inner = nn.gelu(self._linear(states, f"{name}.intermediate.dense"))
        return self._normed(self._linear(inner, f"{name}.output.dense") + states, f"{name}.output")

    def _attended(self, states: Tensor, name: str, seen: Tensor | None) -> Tensor:
        query, key, value = (
            self._linear(states, f"{name}.{what}").view(*states.shape[:2], self._heads, -1).transpose(1, 2)
            for what in ("query", "key", "value")
        )
        return nn.scaled_dot_product_attention(query, key, value, attn_mask=seen).transpose(1, 2).flatten(2)

    def _linear(self, states: Tensor, name: str) -> Tensor:
        return nn.linear(states, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normed(self, states: Tensor, name: str) -> Tensor:
        weight, bias = (self._weights[f"{name}.LayerNorm.{what}"] for what in ("weight", "bias"))
        return nn.layer_norm(states, (self._dimension,), weight, bias, self._eps)


def _read(folder: Path) -> dict[str, Tensor]:
    parts = [load_file(file) for file in sorted(folder.glob("*.safetensors"))]
    return {name: tensor.float() for part in parts for name, tensor in part.items()}
