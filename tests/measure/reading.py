"""How well hits and near misses are told apart on topics that no training saw: `python -m tests.measure.reading`.

Hand-written askings beside a text that answers them, or that is about the same and does not
(`knowledge/training/held_out/beside`), by the encoder's cosine and by the cross-encoder: area under ROC with its
interval over the texts. `--cross FOLDER` names another one than the program's.
"""

import argparse
from pathlib import Path

import numpy as np

from knowledge.bert import Bert
from knowledge.encoder import SentenceEncoder
from knowledge.evaluation.metrics import Figure, Ranking, area_under_roc
from knowledge.training.topics import HELD_OUT, read_topics

MODELS = Path(__file__).parents[2] / "knowledge" / "models"


def told_apart(cross: Path) -> dict[str, Figure]:
    """By cosine and by the cross-encoder in that folder."""
    topics = read_topics(HELD_OUT)
    rows = [(text, ask, True) for topic in topics for text, ask in topic.hits]
    rows += [(text, ask, False) for topic in topics for text, ask in topic.misses]
    texts, asks, hit = zip(*rows, strict=True)
    encoder = SentenceEncoder(Bert(MODELS / "encoder", cross), "bundled")
    scores = {
        "cosine": (encoder.encode(asks) * encoder.encode(texts)).sum(axis=1),
        "cross-encoder": encoder.answers(list(zip(asks, texts, strict=True))),
    }
    return {name: area_under_roc(Ranking.of(hit, np.asarray(each, float)), texts) for name, each in scores.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cross", type=Path, default=MODELS / "cross")
    for name, figure in told_apart(parser.parse_args().cross).items():
        print(f"{name}: area under ROC {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})")
