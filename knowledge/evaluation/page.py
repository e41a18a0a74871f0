"""What was measured as one HTML file that needs nothing beside it: no script, no font, no picture, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from knowledge.evaluation.charts import draw
from knowledge.evaluation.results import Result
from knowledge.evaluation.table import measures, shown
from knowledge.evaluation.words import Language, page_words, say, say_set
from knowledge.reasons import worded


@dataclass(frozen=True, slots=True)
class Heading:
    """How the figures came about: the command, the version with its commit, and when ("2026-11-25 16:00")."""

    command: str
    version: str
    made: str


def page(result: Result, heading: Heading, failed: Sequence[str] = (), language: Language = "en") -> str:
    """For reading and printing, light and dark. `failed`: why some data were not measured."""
    return _environment().get_template("page.html").render(
        w=page_words(language),
        language=language,
        say=lambda name: say(name, language),
        say_set=lambda name: say_set(name, language),
        why=lambda reason: worded(reason)[language],
        heading=heading,
        failed=failed,
        blocks=result.blocks,
        measures=measures,
        shown=shown,
        charts=[chart for picture in result.pictures if (chart := draw(picture)).curves],
        mistakes=result.mistakes,
    )  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
