"""The hand-written training topics of `data/`, as values.

Each topic: FAQ entries and course passages, groups of askings that one answer satisfies (with the entry or passage that
holds it, if any), pairs of look-alike groups, askings near to an entry that it does not answer, lines that ask nothing.
A topic may have a file in `beside` as well: more askings beside what they are to be read with, for the cross-encoder.
"""

import json
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"
BESIDE = "beside"
"""The folder beside the topics with further hits and misses, in a file of the topic's name."""
NOTHING: dict[str, list[dict[str, str]]] = {"terms": [], "answered": [], "near": []}
"""What stands there for a topic without one."""
HELD_OUT = Path(__file__).parent / "held_out"
"""Topics that no training sees: what was learnt is judged on them."""


@dataclass(frozen=True, slots=True)
class Group:
    """Askings that one answer satisfies; `source` is the text of the entry or passage that holds it, "" without one."""

    id: str
    asks: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Topic:
    """One file. `like`: ids of the look-alikes of each group. `near`: (source text, asking it does not answer). `hits`
    and `misses`, read by the cross-encoder alone: the same of askings that a text answers, and of those it does not."""

    name: str
    language: str
    groups: tuple[Group, ...]
    like: dict[str, frozenset[str]]
    near: tuple[tuple[str, str], ...]
    not_asking: tuple[str, ...]
    hits: tuple[tuple[str, str], ...] = ()
    misses: tuple[tuple[str, str], ...] = ()


def read_topics(folder: Path = DATA) -> list[Topic]:
    """All topics, by name. Raises `ValueError` with the file's name for one that is not in form."""
    return [_topic(path) for path in sorted(folder.glob("*.json"))]


def _topic(path: Path) -> Topic:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        sources = {e["id"]: f"{e['q']} {e['a']}" for e in raw["faq"]}
        sources |= {p["id"]: f"{p['heading']} {p['text']}" for p in raw["passages"]}
        beside = path.parent / BESIDE / path.name
        more = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else NOTHING
        sources |= {t["id"]: f"{t['term']} {t['meaning']}" for t in more["terms"]}
        like: dict[str, set[str]] = {group["id"]: set() for group in raw["groups"]}
        for one, other in raw["lookalike"]:
            like[one].add(other)
            like[other].add(one)
        groups = [
            Group(g["id"], tuple(g["asks"]), sources[at] if (at := g["faq"] or g["passage"]) else "")
            for g in raw["groups"]
        ]
        near, hits, misses = (
            tuple((sources[row["id"]], row["ask"]) for row in rows)
            for rows in (raw["near"], more["answered"], more["near"])
        )
        others = {id: frozenset(found) for id, found in like.items()}
        return Topic(raw["topic"], raw["lang"], tuple(groups), others, near, tuple(raw["not_asking"]), hits, misses)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: not in the form of a topic: {error!r}") from error
