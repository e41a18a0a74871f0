"""The hand-written training topics of `data/`, as values.

Each topic: FAQ entries and course passages, groups of askings that one short answer satisfies (with the entry or
passage that holds it, or that is near and does not), pairs of look-alike groups, askings near to an entry that it does
not answer, lines that ask nothing.
A topic may have a file in `beside` as well: terms of a glossary, more askings that a text answers and more near ones
that it does not, and what viewers typed after somebody's asking. And one in `faqs`: further entries, as long as staff
write them, with askings of the same two kinds.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
BESIDE, FAQS = "beside", "faqs"
"""The folders beside the topics with further hits and misses, in a file of the topic's name; in the second with the
long entries that they are about."""
WITHOUT: dict[str, dict[str, list[dict[str, Any]]]] = {
    BESIDE: {"terms": [], "answered": [], "near": [], "replies": []},
    FAQS: {"entries": [], "answered": [], "near": []},
}
"""What stands there for a topic without one."""
HALL = "hall_"
"""How the names of topics begin that are about no subject: the recording, the certificate, sound, time …"""
HELD_OUT = Path(__file__).parent / "held_out"
"""Topics that no training sees: what was learnt is judged on them."""


@dataclass(frozen=True, slots=True)
class Group:
    """Askings that one short answer satisfies; `source` is the text of the entry or passage that holds it, "" without
    one. `near`: a text about the same thing that does not answer them."""

    id: str
    asks: tuple[str, ...]
    source: str
    near: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody typed shortly after another viewer had asked what that group asks: he `tells` him something, or
    asks himself."""

    group: Group
    line: str
    tells: bool


@dataclass(frozen=True, slots=True)
class Topic:
    """One file. `like`: ids of the look-alikes of each group. `near`: (source text, asking it does not answer). `hits`
    and `misses`: the same of further askings that a text answers, and of those it does not."""

    name: str
    language: str
    groups: tuple[Group, ...]
    like: dict[str, frozenset[str]]
    near: tuple[tuple[str, str], ...]
    not_asking: tuple[str, ...]
    hits: tuple[tuple[str, str], ...] = ()
    misses: tuple[tuple[str, str], ...] = ()
    replies: tuple[Reply, ...] = ()

    @property
    def hall(self) -> bool:
        """Whether it holds what is asked in every hall: of two such topics nobody knows what asks the same."""
        return self.name.startswith(HALL)


def digest(topics: Iterable[Topic]) -> str:
    """Another one for anything else to learn from."""
    found = hashlib.blake2b(digest_size=16)
    for topic in topics:
        groups = [(group.id, group.asks, group.source, group.near) for group in topic.groups]
        replies = [(reply.group.id, reply.line, reply.tells) for reply in topic.replies]
        like = sorted((one, sorted(others)) for one, others in topic.like.items())
        beside = (topic.near, topic.not_asking, topic.hits, topic.misses)
        found.update(repr((topic.name, groups, like, *beside, replies)).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def read_topics(folder: Path = DATA) -> list[Topic]:
    """All topics, by name. Raises `ValueError` with the file's name for one that is not in form."""
    return [_topic(path) for path in sorted(folder.glob("*.json"))]


def _topic(path: Path) -> Topic:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        more, faq = _beside(path, BESIDE), _beside(path, FAQS)
        sources = {e["id"]: f"{e['q']} {e['a']}" for e in (*raw["faq"], *faq["entries"])}
        sources |= {p["id"]: f"{p['heading']} {p['text']}" for p in raw["passages"]}
        sources |= {t["id"]: f"{t['term']} {t['meaning']}" for t in more["terms"]} | {None: ""}
        like: dict[str, set[str]] = {group["id"]: set() for group in raw["groups"]}
        for one, other in raw["lookalike"]:
            like[one].add(other)
            like[other].add(one)
        groups = {
            g["id"]: Group(g["id"], tuple(g["asks"]), sources[g["faq"] or g["passage"]], sources[g.get("near")])
            for g in raw["groups"]
        }
        near, hits, misses = (
            tuple((sources[row["id"]], row["ask"]) for row in rows)
            for rows in (raw["near"], more["answered"] + faq["answered"], more["near"] + faq["near"])
        )
        replies = tuple(Reply(groups[row["group"]], row["line"], bool(row["tells"])) for row in more["replies"])
        others, idle = {id: frozenset(found) for id, found in like.items()}, tuple(raw["not_asking"])
        return Topic(raw["topic"], raw["lang"], tuple(groups.values()), others, near, idle, hits, misses, replies)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: not in the form of a topic: {error!r}") from error


def _beside(path: Path, folder: str) -> dict[str, Any]:
    file = path.parent / folder / path.name
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else WITHOUT[folder]
    return found
