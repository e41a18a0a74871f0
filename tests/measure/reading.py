"""How well what is read together is told apart on texts that no training saw: `python -m tests.measure.reading`.

Hand-written askings beside a text that answers them, or that is about the same and does not: of the held-out topics
(`knowledge/training/held_out/beside`, and long entries in `faqs`) and of the courses of our talks (`near`). Lines that
viewers typed after somebody's asking, who tell him something or ask themselves: of the held-out topics. By the
encoder's cosine and by the cross-encoder: area under ROC with its interval over the texts. `--cross FOLDER` names
another one than the program's.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from knowledge.bert import Bert
from knowledge.calibrating import TALKS
from knowledge.course import read_course
from knowledge.encoder import ANSWERS, REPLIES, Encoder, SentenceEncoder
from knowledge.evaluation.metrics import Figure, Ranking, area_under_roc
from knowledge.training.topics import FAQS, HELD_OUT, read_topics

MODELS = Path(__file__).parents[2] / "knowledge" / "models"
NEAR = Path(__file__).parent / "near"

Row = tuple[str, str, bool]
"""A line, the text it is read beside, and whether they belong together."""


def of_topics(*, long: bool = False) -> Iterator[Row]:
    """Beside long entries or all other texts."""
    faqs = [json.loads(file.read_text(encoding="utf-8")) for file in (HELD_OUT / FAQS).glob("*.json")]
    entries = {f"{entry['q']} {entry['a']}" for faq in faqs for entry in faq["entries"]}
    for topic in read_topics(HELD_OUT):
        for rows, hit in ((topic.hits, True), (topic.misses, False)):
            yield from ((ask, text, hit) for text, ask in rows if (text in entries) is long)


def of_talks() -> Iterator[Row]:
    for file in sorted(NEAR.glob("*.jsonl")):
        course = read_course(TALKS / file.stem / "course")
        texts = {entry.id: f"{entry.question} {entry.answer}" for entry in course.entries}
        texts |= {passage.id: f"{passage.heading} {passage.text}" for passage in course.passages}
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            yield row["text"], texts[row["about"]], row["answerable"] is not None


def of_replies() -> Iterator[Row]:
    for topic in read_topics(HELD_OUT):
        yield from ((reply.line, reply.group.asks[0], reply.tells) for reply in topic.replies)


def told_apart(rows: Iterator[Row], encoder: Encoder, head: int) -> dict[str, Figure]:
    """By cosine and by the cross-encoder's `head`."""
    lines, texts, true = zip(*rows, strict=True)
    scores = {
        "cosine": (encoder.encode(lines) * encoder.encode(texts)).sum(axis=1),
        "cross-encoder": encoder.read(list(zip(lines, texts, strict=True)))[:, head],
    }
    return {name: area_under_roc(Ranking.of(true, np.asarray(each, float)), texts) for name, each in scores.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cross", type=Path, default=MODELS / "cross")
    encoder = SentenceEncoder(Bert(MODELS / "encoder", parser.parse_args().cross), "bundled")
    told = (
        ("topics", of_topics(), ANSWERS),
        ("long entries", of_topics(long=True), ANSWERS),
        ("talks", of_talks(), ANSWERS),
        ("replies", of_replies(), REPLIES),
    )
    for where, rows, head in told:
        for name, figure in told_apart(rows, encoder, head).items():
            print(f"{where}, {name}: area under ROC {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})")
