"""Holds the training topics to their form: `python -m knowledge.training.check [EVALUATION FOLDER]`.

With a folder of evaluation data (any JSON, JSON Lines, CSV or Markdown below it) it also finds what stands there, word
for word or nearly, of all that we wrote to be learnt from: lines and course texts of topics and talks (but for
greetings and chatter, which everybody types), the lines of the detector, and those that are taken out of every vector.
There must be none: what has taught a judgement cannot judge it.
"""

import csv
import itertools
import json
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.calibrating import TALKS
from knowledge.text import normalise, simplified
from knowledge.training.talks import read
from knowledge.training.topics import DATA, HALL, HELD_OUT, WITHOUT, Topic, read_topics

MODELS = Path(__file__).parent.parent / "models"
SHIPPED = ("asking-lines.tsv", "common-lines.txt")
KEYS = {"topic", "lang", "faq", "passages", "groups", "lookalike", "near", "not_asking"}
AT_LEAST = {"groups": 40, "lookalike": 20, "near": 24, "not_asking": 200, "faq": 16, "passages": 6}
IN_HALLS = AT_LEAST | {"lookalike": 45, "near": 22, "not_asking": 90, "faq": 18, "passages": 4}
"""The same of topics that are about no subject: their questions look alike, and they share what is no question."""
ANSWERED = 18
"""Groups that a text of the course answers."""
BY_PASSAGE = (5, 2)
"""Of these, such that a passage answers, and askings that a passage is near to and does not answer."""
ASKS = 200
TOGETHER = 2
"""Askings of a group, without which nothing is learnt from it; what is only judged may stand alone."""
SHORT = 6
"""Letters up to which two people may well type the same."""
LONGEST = 1000
"""Letters of a text from which on nobody wrote its like here."""
NEARLY = 0.85
"""Share of common pairs of letters from which two lines are copies."""

FRAME = (5, 10)
"""Letters at the beginning or the end of a line of Chinese, and of another one, that are a frame where askings of
`FILLED` groups have them: what a template leaves, with other words put in."""
FILLED = 4
FRAMED = 0.1
"""Share of a topic's askings that may stand in frames. Typed line by line it is at most .03 in Chinese and .05 in
others; of templates it is nearly all."""

_HAN = re.compile("[\u3400-\u9fff]")
_KANA = re.compile("[\u3040-\u30ff]")
_DIALECT = re.compile("[俺咩嘅佢冇嘢啲喺唔哋嚟咁乜咗咋啥侬]|莫得|晓得|啷个|阿拉|嘎哈")
"""Words of Canton, of the north, of Sichuan and of Shanghai, as far as they have letters of their own."""
_MARKS = re.compile(r"^[\s#>*-]+(?:(?:also|也问|也問)[:：])?", re.IGNORECASE)


def problems_of(path: Path) -> list[str]:
    """What is wrong with a topic's form."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if set(raw) != KEYS:
        return [f"its keys are not {', '.join(sorted(KEYS))}"]
    wanted = IN_HALLS if raw["topic"].startswith(HALL) else AT_LEAST
    found = [f"{key}: {len(raw[key])}, fewer than {least}" for key, least in wanted.items() if len(raw[key]) < least]
    if (asks := sum(len(group["asks"]) for group in raw["groups"])) < ASKS:
        found.append(f"{asks} askings, fewer than {ASKS}")
    if (answered := sum(bool(group["faq"] or group["passage"]) for group in raw["groups"])) < ANSWERED:
        found.append(f"{answered} groups that the course answers, fewer than {ANSWERED}")
    passages = {passage["id"] for passage in raw["passages"]}
    by_passage = tuple(
        sum(row[key] in passages for row in raw[of]) for of, key in (("groups", "passage"), ("near", "id"))
    )
    if any(count < least for count, least in zip(by_passage, BY_PASSAGE, strict=True)):
        found.append(f"groups that a passage answers, askings near to one: {by_passage}, fewer than {BY_PASSAGE}")
    found += _references(raw, 1 if path.parent == HELD_OUT else TOGETHER)
    if (share := framed(raw["groups"])) > FRAMED:
        found.append(f"{share:.0%} of the askings begin or end as those of {FILLED} groups do: they are no templates")
    return found + [f"twice: {line}" for line, n in Counter(lines_of(raw)).items() if n > 1]


def _references(raw: dict[str, Any], least: int) -> list[str]:
    faq, passages = {e["id"] for e in raw["faq"]}, {p["id"] for p in raw["passages"]}
    groups = [g["id"] for g in raw["groups"]]
    found = [f"group {id} stands twice" for id, n in Counter(groups).items() if n > 1]
    for group in raw["groups"]:
        if not {group["faq"], group["passage"], group.get("near")} <= faq | passages | {None}:
            found.append(f"group {group['id']} names a source that is not there")
        if len(group["asks"]) < least:
            found.append(f"group {group['id']} has fewer than {least} askings")
    found += [f"look-alikes {a}, {b}" for a, b in raw["lookalike"] if a == b or not {a, b} <= set(groups)]
    return found + [f"near {n['id']} is not there" for n in raw["near"] if n["id"] not in faq | passages]


def framed(groups: Sequence[dict[str, Any]]) -> float:
    """Share of the askings that stand in a frame (`FRAME`)."""
    lines = [(group["id"], normalise(ask)) for group in groups for ask in group["asks"]]
    filled: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for id, line in lines:
        for frame in _frames(line):
            filled[frame].add(id)
    return sum(any(len(filled[frame]) >= FILLED for frame in _frames(line)) for _, line in lines) / max(len(lines), 1)


def _frames(line: str) -> list[tuple[str, str]]:
    letters = FRAME[_HAN.search(line) is None or _KANA.search(line) is not None]
    return [("begins", line[:letters]), ("ends", line[-letters:])] if len(line) > letters else []


def problems_beside(path: Path) -> list[str]:
    """What is wrong with the form of what stands beside a topic, and which of its lines the topic has too."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if set(raw) != set(wanted := WITHOUT[path.parent.name]):
        return [f"its keys are not {', '.join(sorted(wanted))}"]
    topic = json.loads((path.parent.parent / path.name).read_text(encoding="utf-8"))
    there = {one["id"] for one in (*topic["faq"], *topic["passages"])}
    further = [one["id"] for key in ("terms", "entries") for one in raw.get(key, ())]
    found = [f"{id} stands twice" for id, n in Counter([*there, *further]).items() if n > 1]
    found += [
        f"{key} {row['id']} is not there"
        for key in ("answered", "near")
        for row in raw[key]
        if row["id"] not in there.union(further)
    ]
    groups, replies = {group["id"] for group in topic["groups"]}, raw.get("replies", ())
    found += [f"replies: group {row['group']} is not there" for row in replies if row["group"] not in groups]
    return found + [f"twice: {line}" for line, n in Counter([*lines_beside(raw), *lines_of(topic)]).items() if n > 1]


def lines_of(raw: dict[str, Any]) -> Iterator[str]:
    """Every line that somebody typed into a chat."""
    for group in raw["groups"]:
        yield from group["asks"]
    yield from (near["ask"] for near in raw["near"])
    yield from raw["not_asking"]


def lines_beside(raw: dict[str, Any]) -> list[str]:
    """The same of what stands beside a topic."""
    asks = [row["ask"] for key in ("answered", "near") for row in raw[key]]
    return asks + [row["line"] for row in raw.get("replies", ())]


def lines_of_talk(folder: Path) -> Iterator[str]:
    """The same of a talk, but for what everybody types: greetings and chatter."""
    messages, _ = read(folder / "talk.txt")
    yield from (message.text for message in messages if message.kind not in ("greeting", "chatter"))


def texts_of(raw: dict[str, Any]) -> Iterator[str]:
    """What a topic's course says, or the entries or terms that stand beside it."""
    for entry in raw.get("faq", raw.get("entries", ())):
        yield from (entry["q"], entry["a"])
    for passage in raw.get("passages", ()):
        yield from (passage["heading"], passage["text"])
    yield from (term["meaning"] for term in raw.get("terms", ()))


def shipped() -> Iterator[tuple[str, str]]:
    """(line, file) of what is learnt from that belongs to no topic and no talk."""
    for name in SHIPPED:
        rows = (MODELS / name).read_text(encoding="utf-8").splitlines()
        yield from ((row.split("\t")[-1], name) for row in rows)


def lines_of_markdown(text: str) -> list[str]:
    """Without the marks of headings, lists and phrasings, and without comments."""
    return [_MARKS.sub("", line).strip() for line in text.splitlines() if not line.startswith("<!--")]


def copies(lines: dict[str, str], others: set[str]) -> Iterator[tuple[str, str, str]]:
    """(where, line, the other line) for lines that stand among `others`, but for a few letters.

    Two texts that have so much in common have one of their rarest pairs of letters in common (prefix filtering:
    Bayardo, Ma and Srikant, WWW 2007), so that only a few are compared.
    """
    pairs_of = {other: _pairs(other) for other in others}
    count = Counter(pair for pairs in pairs_of.values() for pair in pairs)

    def rarest(pairs: frozenset[str]) -> list[str]:
        may_differ = len(pairs) - math.ceil(NEARLY * len(pairs) - 1e-9)
        return sorted(pairs, key=lambda pair: (count[pair], pair))[: may_differ + 1]

    index: dict[tuple[str, int], list[str]] = {}
    for other, pairs in pairs_of.items():
        for pair in rarest(pairs):
            index.setdefault((pair, len(pairs)), []).append(other)
    for line, where in lines.items():
        if len(_letters(line)) <= SHORT:
            continue
        pairs = _pairs(line)
        sizes = range(math.floor(NEARLY * len(pairs)), math.ceil(len(pairs) / NEARLY) + 1)
        near = (index.get((pair, size), ()) for pair in rarest(pairs) for size in sizes)
        for other in set(itertools.chain.from_iterable(near)):
            theirs = pairs_of[other]
            if len(pairs & theirs) >= NEARLY * len(pairs | theirs):
                yield where, line, other
                break


def _letters(text: str) -> str:
    """Simplified, without case, width, marks and spaces."""
    return re.sub(r"[\W_]", "", normalise(text).lower())


def _pairs(text: str) -> frozenset[str]:
    letters = _letters(text)
    return frozenset(letters[i : i + 2] for i in range(max(1, len(letters) - 1)))


def texts_below(folder: Path) -> set[str]:
    """Every text of some length in the JSON and JSON Lines below a folder, the cells of CSV, and the lines of Markdown
    (but READMEs) and of `seq.in`, as intents are published."""
    found: set[str] = set()
    for path in folder.rglob("*.md"):
        if path.stem != "README":
            found.update(lines_of_markdown(path.read_text(encoding="utf-8")))
    for path in folder.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as table:
            found.update(itertools.chain.from_iterable(csv.reader(table)))
    for path in folder.rglob("seq.in"):
        found.update(path.read_text(encoding="utf-8").splitlines())
    for path in sorted(folder.rglob("*.json*")):
        text = path.read_text(encoding="utf-8")
        rows = (
            [json.loads(line) for line in text.splitlines() if line.strip()]
            if path.suffix == ".jsonl"
            else [json.loads(text)]
        )
        found.update(_strings(rows))
    return {text for text in found if SHORT < len(_letters(text)) < LONGEST}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


@dataclass(frozen=True, slots=True)
class Composition:
    """How many askings there are, and the shares of those with Chinese in them, of these those in traditional
    characters and with words of a dialect, of those in English, and of all others (other languages, and lines that mix
    two)."""

    asks: int
    chinese: float
    traditional: float
    dialect: float
    english: float
    other: float

    def __str__(self) -> str:
        return (
            f"{self.asks:,} askings: {self.chinese:.0%} with Chinese ({self.traditional:.0%} of these traditional, "
            f"{self.dialect:.0%} with words of a dialect), {self.english:.0%} English, {self.other:.0%} other "
            "languages and mixed"
        )


def composition(topics: Sequence[Topic]) -> Composition:
    """Of what is learnt from. A line counts as mixed where its topic says so or it is neither Chinese nor English."""
    kinds = Counter[str]()
    for topic in topics:
        for ask in (ask for group in topic.groups for ask in group.asks):
            kind = "other"
            if _HAN.search(ask):
                kind = "chinese" if topic.language in ("zh", "en") else "other"
                kinds["traditional"] += kind == "chinese" and simplified(ask) != ask
                kinds["dialect"] += kind == "chinese" and _DIALECT.search(ask) is not None
            elif topic.language in ("zh", "en"):
                kind = "english"
            kinds[kind] += 1
    asks = kinds["chinese"] + kinds["english"] + kinds["other"]
    chinese = kinds["chinese"]
    return Composition(
        asks,
        chinese / asks,
        *(kinds[kind] / max(1, chinese) for kind in ("traditional", "dialect")),
        *(kinds[kind] / asks for kind in ("english", "other")),
    )


def main(arguments: list[str]) -> int:
    judging = {folder: texts_below(Path(folder)) for folder in arguments}
    if empty := [folder for folder, others in judging.items() if not others]:
        for folder in empty:
            print(f"{folder}: there is no text in it: name the folder of the evaluation data")
        return 1
    lines: dict[str, str] = {}
    said: dict[str, str] = {}
    typed: dict[str, str] = {}  # by their letters: another mark, width, case or script makes no other line
    count = 0
    topics = ((path, problems_of, lines_of) for folder in (DATA, HELD_OUT) for path in sorted(folder.glob("*.json")))
    beside = (
        (path, problems_beside, lines_beside)
        for folder in (DATA, HELD_OUT)
        for kind in WITHOUT
        for path in sorted((folder / kind).glob("*.json"))
    )
    for path, problems_in, lines_in in itertools.chain(topics, beside):
        raw = json.loads(path.read_text(encoding="utf-8"))
        found = problems_in(path)
        here = list(lines_in(raw))
        letters = {line: key for line in here if len(key := _letters(line)) > SHORT}
        found += [f"stands in {typed[key]} too: {line}" for line, key in letters.items() if key in typed]
        typed |= dict.fromkeys(letters.values(), path.name)
        lines |= dict.fromkeys(here, path.name)
        said |= dict.fromkeys(texts_of(raw), path.name)
        for problem in found:
            print(f"{path.name}: {problem}")
        count += len(found)
    for talk in sorted(TALKS.iterdir()):
        lines |= dict.fromkeys(lines_of_talk(talk), f"talk {talk.name}")
        for path in sorted((talk / "course").glob("*.md")):
            said |= dict.fromkeys(lines_of_markdown(path.read_text(encoding="utf-8")), f"course of talk {talk.name}")
    lines = said | lines | dict(shipped())
    for others in judging.values():
        for where, line, other in copies(lines, others):
            print(f"{where}: {line!r} is nearly {other!r}")
            count += 1
    print(composition(read_topics()))
    print(f"{len(lines):,} lines, {count} problems")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
