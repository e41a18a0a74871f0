"""How well askings are found."""

from collections.abc import Sequence
from dataclasses import replace

from knowledge.evaluation.data import Dataset
from knowledge.evaluation.judging import Judged
from knowledge.evaluation.metrics import Figure, Ranking, average_precision, found
from knowledge.evaluation.reliability import in_bins, reliability
from knowledge.evaluation.results import Block, Column, Curve
from knowledge.evaluation.talks import KINDS
from knowledge.evaluation.views import Chats, both_views, clear, flat, units


def asking_parts(data: Dataset, told: Chats) -> tuple[Block, Curve]:
    """The table, with what a question mark alone would find beside it, and how reliable the probabilities are."""
    rows = [row for _, row in flat(clear(told))]
    marked = [
        [replace(row, asks="?" in row.line.text or "？" in row.line.text) for row in chat] for chat in clear(told)
    ]
    columns = [*both_views(told, _figures), Column("a question mark", _decided(marked))]
    size = f"{len(rows)} messages, {sum(row.line.asks for row in rows)} of them ask"
    said = in_bins([row.line.asks for row in rows], [row.probability for row in rows])
    return Block(data.name, "asking", size, tuple(columns), data.note), Curve("asking", said)


def _decided(chats: Chats) -> dict[str, Figure]:
    rows = flat(chats)
    return {
        **found([row.line.asks for _, row in rows], [row.asks for _, row in rows]).figures(units(rows)),
        **_by_kind(rows),
    }


def _by_kind(rows: Sequence[tuple[int, Judged]]) -> dict[str, Figure]:
    """Which share of each kind of message is taken for an asking, where kinds are told: of those that ask it is found,
    of all others it is a false alarm."""
    figures = {}
    for kind in KINDS:
        if of := [(at, row) for at, row in rows if row.line.kind == kind]:
            taken = found([True] * len(of), [row.asks for _, row in of])
            figures[f"taken for an asking: {kind}"] = taken.figures(units(of))["recall"]
    return figures


def _figures(chats: Chats) -> dict[str, Figure]:
    rows = flat(chats)
    asks, probabilities = [row.line.asks for _, row in rows], [row.probability for _, row in rows]
    return {
        **_decided(chats),
        "average precision": average_precision(Ranking.of(asks, probabilities), units(rows)),
        **reliability(asks, probabilities, units(rows)),
    }
