"""The worst mistakes of each kind: those the program was surest of, with what it had to say for them."""

from collections.abc import Iterator, Sequence

from knowledge.evaluation.judging import Judged
from knowledge.evaluation.results import Mistake, MistakeKind, Mistakes

WORST = 20


def asking_mistakes(data: str, chats: Sequence[Sequence[Judged]]) -> tuple[Mistakes, ...]:
    rows = [row for chat in chats for row in chat if not row.line.ambiguous]
    wrong = [
        Mistake(row.line.text, "", row.probability, row.reasons.asking)
        for row in rows
        if row.asks and not row.line.asks
    ]
    missed = [
        Mistake(row.line.text, "", row.probability, row.reasons.asking)
        for row in rows
        if row.line.asks and not row.asks
    ]
    return _told(data, "asking: wrongly found", wrong, surest=1), _told(data, "asking: missed", missed, surest=-1)


def grouping_mistakes(data: str, chats: Sequence[Sequence[Judged]]) -> tuple[Mistakes, ...]:
    wrong, missed = [], []
    for chat in chats:
        for row, joined, right in _decisions([row for row in chat if row.line.group]):
            if joined and all(one.line.group != row.line.group for one in joined):
                wrong.append(Mistake(row.line.text, joined[0].line.text, row.similarity, row.reasons.grouping))
            elif right and not joined:
                missed.append(Mistake(row.line.text, right[0].line.text, row.similarity, row.reasons.grouping))
    return (
        _told(data, "grouping: wrongly joined", wrong, surest=1),
        _told(data, "grouping: missed", missed, surest=-1),
    )


def _decisions(rows: Sequence[Judged]) -> Iterator[tuple[Judged, list[Judged], list[Judged]]]:
    """Each clear asking with the earlier ones of the question it was put to, and of the one it belongs to."""
    told: dict[str, list[Judged]] = {}
    true: dict[str | None, list[Judged]] = {}
    for row in rows:
        joined, right = told.setdefault(row.group, []), true.setdefault(row.line.group, [])
        if not row.line.ambiguous:
            yield row, joined, right
            joined.append(row)
            right.append(row)


def answering_mistakes(data: str, chats: Sequence[Sequence[Judged]]) -> tuple[Mistakes, ...]:
    rows = [row for chat in chats for row in chat if not row.line.ambiguous]
    wrong = [_answer(one) for row in rows for one in row.answers if one.verdict == "answer" and not one.right]
    missed = [_answer(row) for row in rows if row.line.source and all(one.verdict != "answer" for one in row.answers)]
    return _told(data, "answers: wrongly sent", wrong, surest=1), _told(data, "answers: missed", missed, surest=-1)


def _answer(row: Judged) -> Mistake:
    return Mistake(row.line.text, f"{row.source or '–'} ({row.line.source or '–'})", row.score, row.reasons.answer)


def _told(data: str, kind: MistakeKind, found: Sequence[Mistake], surest: int) -> Mistakes:
    worst = sorted(found, key=lambda mistake: -surest * mistake.score)[:WORST]
    return Mistakes(data, kind, tuple(worst), len(found))
