"""The learning curve: `python -m knowledge.training.curve`.

Short trainings on ever more of the topics, each from the same start with the same number of steps, judged on the topics
that no training sees (`held_out/`) and on the talks. Writes `models/curve.json`: a list of {"topics", "steps",
"pair_ap" (talks), "pair_ap_topics"}; the first is the model before any training.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from knowledge.calibrating import TALKS, read_labelled
from knowledge.encoder import Encoder, load_encoder
from knowledge.evaluation.metrics import Ranking
from knowledge.training.encoder import Run, begin, train
from knowledge.training.loop import SEED
from knowledge.training.topics import HELD_OUT, Topic, read_topics

CURVE = Path(__file__).parent.parent / "models" / "curve.json"
COUNTS = (0, 20, 40, 80)
"""Topics of the points but the last, which has all."""
STEPS = 200

Group = tuple[str, str]
"""The name of a question and one asking of it."""


def same_question(encoder: Encoder, asked: Sequence[Sequence[Group]]) -> float:
    """Average precision over the pairs of askings of a talk or topic, by their cosine; the mean over all of them."""
    found = []
    for rows in asked:
        vectors = encoder.encode([text for _, text in rows])
        one, other = np.triu_indices(len(rows), 1)
        names = np.array([name for name, _ in rows])
        cosines = (vectors @ vectors.T)[one, other].astype(np.float64)
        found.append(Ranking.of(names[one] == names[other], cosines).average_precision())
    return float(np.mean(found))


def of_topics(topics: Sequence[Topic]) -> list[list[Group]]:
    return [[(group.id, ask) for group in topic.groups for ask in group.asks] for topic in topics]


def of_talks(folder: Path = TALKS) -> list[list[Group]]:
    return [[(line.group, line.text) for line in one.chat.lines if line.group] for one in read_labelled(folder)]


def point(topics: Sequence[Topic], steps: int) -> dict[str, float]:
    """Train on `topics` (none: not at all) and judge."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "encoder"
        if topics:
            train(topics, target, [Run(steps)])
        else:
            begin(read_topics(), target)
        encoder = load_encoder(str(target))
        talks, held_out = same_question(encoder, of_talks()), same_question(encoder, of_topics(read_topics(HELD_OUT)))
    return {
        "topics": len(topics),
        "steps": steps if topics else 0,
        "pair_ap": round(talks, 3),
        "pair_ap_topics": round(held_out, 3),
    }


def main(counts: Sequence[int], steps: int, file: Path) -> None:
    order = random.Random(SEED).sample(every := read_topics(), len(every))  # noqa: S311 - an order, not a secret
    points = []
    for count in counts:
        points.append(point(order[:count], steps))
        print(json.dumps(points[-1]), flush=True)
        file.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=(*COUNTS, len(read_topics())))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=CURVE)
    chosen = parser.parse_args()
    main(chosen.counts, chosen.steps, chosen.out)
