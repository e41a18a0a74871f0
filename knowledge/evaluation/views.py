"""Judged messages of several chats: which of them count, and as which units a bootstrap draws them."""

from collections.abc import Callable, Sequence

from knowledge.evaluation.judging import Judged
from knowledge.evaluation.metrics import Figure
from knowledge.evaluation.results import ALL_LABELS, FLOORMIC, Column

Chats = Sequence[Sequence[Judged]]
"""A chat's rows, chat after chat."""


def clear(chats: Chats) -> list[list[Judged]]:
    """Without the ambiguous labels: the headline."""
    return [[row for row in chat if not row.line.ambiguous] for chat in chats]


def flat(chats: Chats) -> list[tuple[int, Judged]]:
    """Each row with its chat's position, since questions of different chats are different."""
    return [(at, row) for at, chat in enumerate(chats) for row in chat]


def units(rows: Sequence[tuple[int, Judged]]) -> list[tuple[int, str]]:
    """What a bootstrap draws together: a group's messages; each message alone where it has no group. A message that is
    judged again, in another order of its chat, is no further one."""
    first: dict[int, int] = {}
    return [(first.setdefault(id(row.line), at), row.line.group or f"message {id(row.line)}") for at, row in rows]


def both_views(chats: Chats, figures: Callable[..., dict[str, Figure]], *others: Chats) -> list[Column]:
    """Figures over the clear labels, and over all of them where that is something else. `others`: the same messages as
    they would have been judged otherwise, which `figures` is given too."""
    headline = clear(chats)
    columns = [Column(FLOORMIC, figures(headline, *map(clear, others)))]
    if len(flat(headline)) < len(flat(chats)):
        columns.append(Column(ALL_LABELS, figures(chats, *others)))
    return columns
