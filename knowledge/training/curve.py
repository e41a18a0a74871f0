"""The learning curve: `python -m knowledge.training.curve`.

Short trainings on ever more of the topics, each with the same number of steps, judged on the topics that no training
sees (`held_out/`) and on the talks. Of each number of topics there may be several `--runs`, each with a draw of topics
and a seed of its own. Writes `models/curve.json`: a list of {"topics", "steps", "pair_ap" (talks, the mean of the
runs), "pair_ap_topics", "runs": of each run [talks, topics]}; the first is the model before any training.
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
RUNS = 1

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


def point(topics: Sequence[Topic], run: Run) -> tuple[float, float]:
    """Train on `topics` (none: not at all) and judge: on the talks, on the topics that were held out."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "encoder"
        if topics:
            train(topics, target, [run])
        else:
            begin(read_topics(), target)
        encoder = load_encoder(str(target))
        return same_question(encoder, of_talks()), same_question(encoder, of_topics(read_topics(HELD_OUT)))


def main(counts: Sequence[int], steps: int, runs: int, file: Path) -> None:
    every, points = read_topics(), []
    for count in (min(count, len(every)) for count in counts):
        steps_here, seeds = (steps, range(SEED, SEED + runs)) if count else (0, range(SEED, SEED + 1))
        found = [point(_drawn(every, count, seed), Run(steps_here, seed)) for seed in seeds]
        talks, topics = np.mean(found, axis=0)
        each = [[round(one, 3) for one in run] for run in found]
        figures = {"pair_ap": round(float(talks), 3), "pair_ap_topics": round(float(topics), 3), "runs": each}
        points.append({"topics": count, "steps": steps_here, **figures})
        print(json.dumps(points[-1]), flush=True)
        file.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")


def _drawn(topics: Sequence[Topic], count: int, seed: int) -> list[Topic]:
    """The first so many of all in one order, so that a run's later points have all that its earlier ones had."""
    return random.Random(seed).sample(topics, len(topics))[:count]  # noqa: S311 - an order, not a secret


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=(*COUNTS, len(read_topics())))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--runs", type=int, choices=range(1, 10), default=RUNS)
    parser.add_argument("--out", type=Path, default=CURVE)
    chosen = parser.parse_args()
    main(chosen.counts, chosen.steps, chosen.runs, chosen.out)
