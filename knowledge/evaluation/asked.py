"""How well askings are found."""

from dataclasses import replace

from knowledge.evaluation.data import Dataset
from knowledge.evaluation.metrics import Figure, Ranking, average_precision, found
from knowledge.evaluation.results import Block, Column
from knowledge.evaluation.views import Chats, both_views, clear, flat, units


def asking_block(data: Dataset, told: Chats) -> Block:
    """Beside it: what a question mark alone would find."""
    rows = [row for _, row in flat(clear(told))]
    marked = [
        [replace(row, asks="?" in row.line.text or "？" in row.line.text) for row in chat] for chat in clear(told)
    ]
    columns = [*both_views(told, _figures), Column("a question mark", _decided(marked))]
    size = f"{len(rows)} messages, {sum(row.line.asks for row in rows)} of them ask"
    return Block(data.name, "asking", size, tuple(columns), data.note)


def _decided(chats: Chats) -> dict[str, Figure]:
    rows = flat(chats)
    return found([row.line.asks for _, row in rows], [row.asks for _, row in rows]).figures(units(rows))


def _figures(chats: Chats) -> dict[str, Figure]:
    rows = flat(chats)
    ranking = Ranking.of([row.line.asks for _, row in rows], [row.probability for _, row in rows])
    return {**_decided(chats), "average precision": average_precision(ranking, units(rows))}
