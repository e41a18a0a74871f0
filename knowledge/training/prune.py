"""A smaller vocabulary: the pieces that chats use, and single characters of every script for all the rest.

A Unigram tokenizer falls back to smaller pieces by itself, so that a language whose words were left out is still read,
letter by letter.
"""

import json
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

SPECIAL = 4  # <s>, <pad>, </s>, <unk> come first, <mask> last
MARK = "▁"  # what SentencePiece writes for a space
OFTEN = 2
"""Times that texts in a language of few halls must use a piece for it to stay whatever it is made of."""
LATIN = 6_000
"""Pieces of Latin letters that stay, the likeliest first: English and what chats mix in."""
THAI = 900
"""Pieces of Thai letters, likewise: it is written without spaces, so that letter by letter nothing is left of its
words."""
OTHER = 3_000
"""Pieces of all other scripts but Han and Thai, likewise."""


def prune(folder: Path, target: Path, texts: list[str], foreign: list[str]) -> int:
    """Write the Sentence Transformers `folder` to `target` with fewer pieces; how many stayed.

    All pieces that `texts` use stay, those that `foreign` ones use often, all of Han characters, and the likeliest of
    the other scripts.
    """
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    used, elsewhere = (
        Counter(id for encoding in tokenizer.encode_batch(some) for id in encoding.ids) for some in (texts, foreign)
    )
    raw = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = raw["model"]["vocab"]
    kept = _kept(vocabulary, {*used, *(id for id, times in elsewhere.items() if times >= OFTEN)})
    shutil.copytree(folder, target, dirs_exist_ok=True)
    raw["model"]["vocab"] = [vocabulary[old] for old in kept]
    places = {old: new for new, old in enumerate(kept)}
    for token in raw["added_tokens"]:
        token["id"] = places[token["id"]]
    (target / "tokenizer.json").write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["vocab_size"] = len(kept)
    (target / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    weights = load_file(folder / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    weights[name] = np.ascontiguousarray(weights[name][kept])
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    return len(kept)


def _kept(vocabulary: list[list[object]], used: set[int]) -> list[int]:
    """Old ids in order."""
    scripts: dict[str, list[tuple[float, int]]] = {"latin": [], "thai": [], "other": []}
    kept = set(used) | set(range(SPECIAL)) | {len(vocabulary) - 1}
    for id, (piece, score) in enumerate(vocabulary):
        letters = str(piece).replace(MARK, "")
        script = _script(letters)
        if len(letters) <= 1 or script == "han":
            kept.add(id)
        elif script in scripts:
            scripts[script].append((-float(score), id))  # type: ignore[arg-type]
    for script, most in (("latin", LATIN), ("thai", THAI), ("other", OTHER)):
        kept |= {id for _, id in sorted(scripts[script])[:most]}
    return sorted(kept)


def _script(letters: str) -> str:
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in letters}
    if names <= {"CJK"}:
        return "han"
    if names <= {"THAI"}:
        return "thai"
    return "latin" if letters.isascii() or names <= {"LATIN"} else "other"
