"""How well the same questions are put together, and how well simpler means would do it."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.evaluation import baselines as simple
from knowledge.evaluation.data import Dataset
from knowledge.evaluation.judging import Heard, Judged, Mind, group_by_threshold
from knowledge.evaluation.metrics import Figure, Ranking, average_precision, b_cubed, found, pairs
from knowledge.evaluation.reliability import in_bins, reliability
from knowledge.evaluation.results import BY_ITSELF, FLOORMIC, Block, Column, Curve, Picture
from knowledge.evaluation.views import Chats, both_views, clear, flat, units

THRESHOLDS = tuple(round(0.2 + 0.05 * step, 2) for step in range(16))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The askings of one chat that have a group, with their vectors."""

    rows: tuple[Judged, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, heard: Heard) -> "_Asked":
        at = [at for at, row in enumerate(heard.rows) if row.line.group]
        return cls(tuple(heard.rows[i] for i in at), heard.vectors[at])

    @property
    def texts(self) -> list[str]:
        return [row.line.text for row in self.rows]


def same_question_parts(
    data: Dataset,
    heard: Sequence[Heard],
    path: Sequence[Judged] | None,
    methods: Mapping[str, simple.Compare],
    again: Sequence[Heard] = (),
) -> tuple[Block, Curve]:
    """The program (over the whole path where there is one, and by itself; what it puts together, in the other orders of
    `again` too), then the simpler means; and how reliable the program's probabilities are."""
    asked = [_Asked.of(one) for one in heard]
    chats = [one.rows for one in asked]
    columns = both_views([path], _own, *_taken([path])) if path is not None else []
    mine = _vector_precision(chats, [one.vectors @ one.vectors.T for one in asked])
    orders = [*chats, *(_Asked.of(one).rows for one in again)]
    own = _own(*map(clear, (chats, *_taken(chats)))) | _put_together(*map(clear, (orders, *_taken(orders))))
    columns.append(Column(BY_ITSELF if columns else FLOORMIC, own | mine))
    for method, compare in methods.items():
        likeness = [compare(texts, texts) for texts in (one.texts for one in asked)]
        cuts = [simple.nearest_earlier(one) for one in likeness]
        columns.append(_at_best(method, chats, cuts, _vector_precision(chats, likeness)))
    columns += _clusterings(asked, chats)
    alone = [[replace(row, group=f"alone-{at}") for at, row in enumerate(rows)] for rows in chats]
    columns.append(Column("every one alone", _figures(clear(alone))))
    true = _true(clear(chats))
    size = f"{len(true)} askings in {len(set(true))} groups"
    said = in_bins(*_said(_named(clear(chats if path is None else [path]))))
    return Block(data.name, "same question", size, tuple(columns), data.note), Curve("same question", said)


def by_threshold(data: Dataset, heard: Sequence[Heard], mind: Mind) -> Picture:
    """What the program would do if it joined from another similarity on."""
    kept = [[row for row in one.rows if row.line.asks] for one in heard]
    points = []
    for threshold in THRESHOLDS:
        told = [group_by_threshold(one, mind, threshold) for one in heard]
        chats = [
            [replace(row, group=group) for row, group in zip(rows, groups, strict=True)]
            for rows, groups in zip(kept, told, strict=True)
        ]
        points.append((threshold, _pairs(clear(chats))))
    own = _pairs(clear([one.rows for one in heard]))
    join = mind.joins(any(len(one.answering) for one in heard))
    curves = [
        Curve(
            name,
            tuple((at, values[name]) for at, values in points if not np.isnan(values[name])),
            None if np.isnan(own[name]) else (join, own[name]),
        )
        for name in ("precision", "recall", "F1")
    ]
    return Picture("grouping", f"{data.name}, first order" if data.again else data.name, tuple(curves))


def _pairs(chats: Chats) -> dict[str, float]:
    return pairs(_true(chats), _told(chats)).values()


def _figures(chats: Chats) -> dict[str, Figure]:
    true, told, of = _true(chats), _told(chats), _units(chats)
    return {
        **{f"pair {name}": figure for name, figure in pairs(true, told).figures(of).items()},
        **{f"B-cubed {name}": figure for name, figure in b_cubed(true, told).figures(of).items()},
    }


def _own(chats: Chats, taken: Chats, right_taken: Chats) -> dict[str, Figure]:
    """Of the first decisions, and beside them what the suggested merges would make of them."""
    named = _named(chats)
    merges = [(at, row, right) for at, row, right in named if row.suggested]
    right = found([right for *_, right in merges], [True] * len(merges))
    asked = [(at, row) for at, row, _ in named if row.line.group]
    return {
        **_put_together(chats, taken, right_taken),
        "suggested merges": Figure(len(merges), unit="count"),
        "suggested merges: right": right.figures(units([(at, row) for at, row, _ in merges]))["precision"],
        **reliability(*_said(named), units(asked)),
    }


def _put_together(chats: Chats, taken: Chats, right_taken: Chats) -> dict[str, Figure]:
    return {
        **_figures(chats),
        "pair F1 with all suggested merges": _pair_f1(taken),
        "pair F1 with the right ones": _pair_f1(right_taken),
    }


def _pair_f1(chats: Chats) -> Figure:
    return pairs(_true(chats), _told(chats)).figures(_units(chats))["F1"]


_Named = tuple[int, Judged, bool]


def _named(chats: Chats) -> list[_Named]:
    """Each message with its chat for which the program named a group, that it joins or that a moderator is asked about,
    and whether most of those who were there asked the same. A group of which nobody is among these chats' messages is
    not judged.
    """
    return [(at, row, right) for at, chat in enumerate(chats) for row, right in _judged(chat) if right is not None]


def _judged(chat: Sequence[Judged]) -> Iterator[tuple[Judged, bool | None]]:
    there: dict[str, Counter[str | None]] = defaultdict(Counter)
    for row in chat:
        most = there[row.suggested or row.group].most_common(1)
        yield row, (row.line.group is not None and most[0][0] == row.line.group) if most else None
        there[row.group][row.line.group] += 1


def _said(named: Sequence[_Named]) -> tuple[list[bool], list[float]]:
    """Of askings whether the named group is right, and how probable that was held to be."""
    asked = [(right, row.similarity) for _, row, right in named if row.line.group]
    return [right for right, _ in asked], [probability for _, probability in asked]


def _taken(chats: Chats) -> tuple[Chats, Chats]:
    """The groups if a moderator had taken every suggested merge, and if only the right ones."""
    return [_merged(chat, only_right=False) for chat in chats], [_merged(chat, only_right=True) for chat in chats]


def _merged(chat: Sequence[Judged], only_right: bool) -> list[Judged]:
    """A suggestion is made where a group is founded, and names one that was there before."""
    into: dict[str, str] = {}
    for row, right in _judged(chat):
        if row.suggested and (right or not only_right):
            into[row.group] = into.get(row.suggested, row.suggested)
    return [replace(row, group=into.get(row.group, row.group)) for row in chat]


def _true(chats: Chats) -> list[Hashable]:
    return [(at, row.line.group) for at, row in flat(chats) if row.line.group]


def _told(chats: Chats) -> list[Hashable]:
    return [(at, row.group) for at, row in flat(chats) if row.line.group]


def _units(chats: Chats) -> list[Hashable]:
    return [*units([(at, row) for at, row in flat(chats) if row.line.group])]


def _vector_precision(chats: Chats, likeness: Sequence[NDArray[np.floating]]) -> dict[str, Figure]:
    """Average precision over all pairs of clear askings by how like they are. Of a large chat there are millions, so
    that groups are numbers."""
    kept = [[at for at, row in enumerate(rows) if not row.line.ambiguous] for rows in chats]
    numbers = _numbers(
        [
            [(chat, rows[at].line.group) for at in keep]
            for chat, (rows, keep) in enumerate(zip(chats, kept, strict=True))
        ]
    )
    scores, one, other = [], [], []
    for keep, groups, matrix in zip(kept, numbers, likeness, strict=True):
        left, right = np.triu_indices(len(keep), k=1)
        scores.append(np.maximum(matrix, matrix.T)[np.ix_(keep, keep)][left, right])
        one.append(groups[left])
        other.append(groups[right])
    units = np.concatenate(one), np.concatenate(other)
    ranking = Ranking.of(units[0] == units[1], np.concatenate(scores))
    return {"pairs by similarity: average precision": average_precision(ranking, *units)}


def _numbers(chats: Sequence[Sequence[Hashable]]) -> list[NDArray[np.int32]]:
    """Of each group in the order in which pairs name them, all first ones before the second ones; what is in no pair
    comes last."""
    firsts = [group for chat in chats for group in chat[:-1]]
    seconds = [group for chat in sorted(chats, key=lambda one: len(one) < 2) for group in chat[-1:]]
    number = {group: at for at, group in enumerate(dict.fromkeys(firsts + seconds))}
    return [np.array([number[group] for group in chat], dtype=np.int32) for chat in chats]


def _clusterings(asked: Sequence[_Asked], chats: Chats) -> list[Column]:
    """After the fact, on the vectors of the encoder under test, where the packages are there."""
    columns = []
    if simple.installed("sklearn"):
        cuts = [simple.agglomerative(one.vectors) for one in asked]
        columns.append(_at_best("agglomerative, after the fact", chats, cuts))
    if simple.installed("semhash"):
        cuts = [simple.semantic_hash(one.texts, one.vectors) for one in asked]
        columns.append(_at_best("semhash, after the fact", chats, cuts))
    return columns


def _at_best(
    method: str,
    chats: Chats,
    cuts: Sequence[tuple[NDArray[np.float64], simple.Cut]],
    more: Mapping[str, Figure] | None = None,
) -> Column:
    """The figures of a simpler means at the threshold that is best for these very askings."""
    clearly = [_clearly(cut, rows) for (_, cut), rows in zip(cuts, chats, strict=True)]
    seen = np.concatenate([values for values, _ in cuts])
    best = simple.best_cut(clearly, _true(clear(chats)), simple.steps(seen))
    told = iter(best.told)
    grouped = [[replace(row, group=str(next(told))) for row in rows] for rows in clear(chats)]
    return Column(method, {**_figures(grouped), **(more or {}), "best threshold": Figure(best.threshold)})


def _clearly(cut: simple.Cut, rows: Sequence[Judged]) -> simple.Cut:
    return lambda threshold: [g for g, row in zip(cut(threshold), rows, strict=True) if not row.line.ambiguous]
