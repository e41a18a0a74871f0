"""The model that ships with the program, read and run without the libraries that can load any model: to import those
takes longer than all the rest of a start. Only the weights' arithmetic stands here; tests hold it to theirs.

BERT (Devlin et al., 2019) with the mean of its last layer's tokens as the vector of a text.
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


class Bert:
    """The weights, configuration and tokenizer of a folder. Shipped in half precision, worked with in full: processors
    multiply halves slowly or not at all."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._layers, self._heads, self._eps = (
            told[name] for name in ("num_hidden_layers", "num_attention_heads", "layer_norm_eps")
        )
        self.dimension = int(told["hidden_size"])
        described = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))
        self.prompt = str(described["prompts"]["query"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        parts = [load_file(file) for file in sorted(folder.glob("*.safetensors"))]
        self._weights = {name: tensor.float() for part in parts for name, tensor in part.items()}

    def weights(self) -> Mapping[str, Tensor]:
        """By the names that Sentence Transformers gives them."""
        return {f"0.model.{name}": tensor for name, tensor in self._weights.items()}

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows, shape (n, dimension), in one pass."""
        tokens = self._tokenizer.encode_batch([self.prompt + text for text in texts])
        ids = torch.tensor([one.ids for one in tokens])
        mask = torch.tensor([one.attention_mask for one in tokens], dtype=torch.bool)
        states = self._embedded(ids)
        seen = None if mask.all() else mask[:, None, None, :].expand(-1, 1, ids.shape[1], -1)
        for layer in range(self._layers):
            states = self._layer(states, f"encoder.layer.{layer}", seen)
        weight = mask[:, :, None].float()
        mean = (states * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return nn.normalize(mean, dim=1).numpy()

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
        return nn.layer_norm(states, (self.dimension,), weight, bias, self._eps)
