"""How well and how fast: what `floormic bench` measures, on data that its user labelled or has. Pure but for reading
them.
"""

from knowledge.evaluation.baselines import missing
from knowledge.evaluation.data import DataError, Dataset, read_topics
from knowledge.evaluation.judging import Judged, Mind, from_replay
from knowledge.evaluation.measuring import Bench, learning_curve, measure_series, together
from knowledge.evaluation.metrics import Figure, middle
from knowledge.evaluation.page import Heading, page
from knowledge.evaluation.public import read_public
from knowledge.evaluation.results import Block, Column, Result
from knowledge.evaluation.speed import encoder_speed, memory, start
from knowledge.evaluation.table import table
from knowledge.evaluation.talks import Talk, read_series, read_talk

__all__ = [
    "Bench", "Block", "Column", "DataError", "Dataset", "Figure", "Heading", "Judged", "Mind", "Result", "Talk",
    "encoder_speed", "from_replay", "learning_curve", "measure_series", "memory", "middle", "missing", "page",
    "read_public", "read_series", "read_talk", "read_topics", "start", "table", "together",
]  # fmt: skip
