"""From labelled data to figures, pictures and mistakes, with the simpler means beside the program."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Encoder
from knowledge.evaluation import baselines as simple
from knowledge.evaluation.answered import answering_parts
from knowledge.evaluation.asked import asking_parts
from knowledge.evaluation.data import Dataset
from knowledge.evaluation.grouped import by_threshold, same_question_parts
from knowledge.evaluation.judging import Heard, Judged, Mind, Progress, judge_chat, judge_series
from knowledge.evaluation.metrics import found
from knowledge.evaluation.mistakes import answering_mistakes, asking_mistakes, grouping_mistakes
from knowledge.evaluation.results import FLOORMIC, Block, Column, Curve, Picture, Result
from knowledge.evaluation.talks import Series
from knowledge.evaluation.views import Chats


@dataclass(frozen=True, slots=True)
class Bench:
    """The encoder under test with its calibration, and encoders to set beside it by name."""

    mind: Mind
    baselines: Mapping[str, Encoder]

    def work(self, data: Dataset) -> int:
        """Texts to encode: what `measure` tells its progress over."""
        asked = [line.text for chat in data.chats for line in chat.lines if line.asks]
        held = [view for chat in data.chats for _, view in simple.views(chat)] if "answering" in data.judgements else []
        compared = len({*asked, *held}) if data.judgements != ("asking",) else 0
        return data.size + compared * len(self.baselines)

    def measure(
        self, data: Dataset, path: Sequence[Judged] | None = None, progress: Progress = lambda _: None
    ) -> Result:
        """All judgements that the data are labelled for. `path`: what the whole program decided about the only chat."""
        heard = [judge_chat(chat, self.mind, progress) for chat in data.chats]
        methods: dict[str, simple.Compare] = {"TF-IDF": simple.tf_idf, "BM25": simple.bm25}
        methods |= {
            f"{name}, fixed threshold": simple.by_vectors(one, progress) for name, one in self.baselines.items()
        }
        told: Chats = [one.rows for one in heard] if path is None else [path]
        parts, said = list[Result](), list[Curve]()
        if "asking" in data.judgements:
            block, curve = asking_parts(data, told)
            parts.append(Result((block,), (), asking_mistakes(data.name, told)))
            said.append(curve)
        if "same question" in data.judgements:
            again = [judge_chat(chat, self.mind, known=_vectors(heard)) for chat in data.again]
            block, curve = same_question_parts(data, heard, path, methods, again)
            picture = by_threshold(data, heard, self.mind)
            parts.append(Result((block,), (picture,), grouping_mistakes(data.name, told)))
            said.append(curve)
        if "answering" in data.judgements and any(len(one.answering) for one in heard):
            block, picture, curve = answering_parts(data, heard, path, methods)
            parts.append(Result((block,), (picture,), answering_mistakes(data.name, told)))
            said.append(curve)
        return together([*parts, _reliability(data, said)])


def _vectors(heard: Sequence[Heard]) -> dict[str, NDArray[np.float32]]:
    return {line.text: vector for one in heard for line, vector in zip(one.chat.lines, one.vectors, strict=True)}


def _reliability(data: Dataset, said: Sequence[Curve]) -> Result:
    """One picture for all judgements; nothing where none has a probability."""
    curves = [curve for curve in said if curve.points]
    as_said = Curve("as often as was said", ((0.0, 0.0), (1.0, 1.0)))
    return Result((), (Picture("reliability", data.name, (*curves, as_said)),) if curves else ())


def together(results: Sequence[Result]) -> Result:
    """In the order given."""
    return Result(
        tuple(block for one in results for block in one.blocks),
        tuple(picture for one in results for picture in one.pictures),
        tuple(mistakes for one in results for mistakes in one.mistakes),
    )


def measure_series(series: Series, mind: Mind, progress: Progress = lambda _: None) -> Result:
    """Recall and precision of the pairs of groups that recur; the interval is over such pairs."""
    told = judge_series(series, mind, progress)
    union = sorted(told | series.recurring, key=sorted)
    sums = found([pair in series.recurring for pair in union], [pair in told for pair in union])
    size = f"{len(series.recurring)} recurring pairs of groups in {len(series.talks)} talks"
    return Result((Block(series.name, "recurring", size, (Column(FLOORMIC, sums.figures(range(len(union)))),)),))


CURVES = {
    "pair_ap": "pairs by similarity: average precision, our talks",
    "pair_ap_topics": "pairs by similarity: average precision, held-out topics",
}
"""What the figures of the card's curve are called."""

CURVE = Path(str(files("knowledge") / "models" / "curve.json"))


def learning_curve(file: Path = CURVE) -> Result:
    """The card's curve of the shipped encoder: figures by number of topics it learnt from. Nothing where there is none,
    or where it is not in that form: it belongs to the weights, not to this measuring.
    """
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        curves = [Curve(CURVES.get(name, name), _points(rows, name)) for name in rows[0] if name != "topics"]
    except (OSError, ValueError, TypeError, LookupError):
        return Result()
    drawn = tuple(curve for curve in curves if len(curve.points) > 1 and all(0 <= y <= 1 for _, y in curve.points))
    return Result((), (Picture("learning", "", drawn),) if drawn else ())


def _points(rows: Sequence[Mapping[str, object]], name: str) -> tuple[tuple[float, float], ...]:
    """A figure by number of topics; other numbers, such as steps, are sorted out by who draws shares."""
    known = [(row["topics"], row[name]) for row in rows if name in row]
    return tuple((float(x), float(y)) for x, y in known if isinstance(x, int | float) and isinstance(y, int | float))
