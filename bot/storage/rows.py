"""Values to rows and back. Nested values are JSON, so that a person with any SQLite tool can read them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from bot.model import (
    GONE,
    Address,
    Answer,
    Button,
    Change,
    CourseMatch,
    Delivery,
    Message,
    Placement,
    PollKind,
    PollState,
    PollStatus,
    QuestionState,
    Results,
    Session,
    Status,
    Vector,
)
from bot.storage.database import Row
from knowledge.reasons import Reasons

_address = TypeAdapter(Address)
_answer = TypeAdapter(Answer)
_buttons = TypeAdapter(tuple[Button, ...])
_change = TypeAdapter(Change)
_match = TypeAdapter(CourseMatch)
_poll = TypeAdapter(PollState)
_reasons = TypeAdapter(Reasons)
_numbers = TypeAdapter(tuple[int, ...])
_texts = TypeAdapter(tuple[str, ...])


def dumped(value: Any) -> str | None:
    """A dataclass as JSON; None stays None. Numpy's numbers become floats."""
    return None if value is None else json.dumps(asdict(value), ensure_ascii=False, default=float)


def listed(values: Iterable[Any]) -> str:
    """Strings or numbers as a JSON list: a column, or the argument of `json_each`."""
    return json.dumps(list(values), ensure_ascii=False)


def blob(vector: Vector) -> bytes:
    """Shape (d,) to 4 d bytes, little-endian float32."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def private(address: str) -> str:
    """Whether this column is an address at which one person alone reads, as SQL."""
    return f"CAST(json_extract({address}, '$.private') AS INTEGER) = 1"


def named(author: str) -> str:
    """Whether this column names somebody who is not forgotten, as SQL."""
    return f"substr({author}, 1, {len(GONE)}) != '{GONE}'"


def vector_of(stored: bytes) -> Vector:
    return np.frombuffer(stored, dtype="<f4").astype(np.float32)


def address_of(stored: str) -> Address:
    return _address.validate_json(stored)


def session_row(session: Session) -> dict[str, Any]:
    switches = {name: int(getattr(session, name)) for name in ("review", "ledger", "names")}
    return {**asdict(session), **switches}


TAKEN = 2
"""In the column `explicit`, of a message that a moderator takes for a question."""


def message_row(message: Message) -> tuple[Any, ...]:
    """In the order of `messages`' columns from `session` to `explicit`, then `part`."""
    return (
        message.session,
        message.source,
        _key(message.external_id, message.part),
        message.author,
        message.author_name,
        message.text,
        message.at,
        dumped(message.address),
        TAKEN if message.taken else int(message.explicit),
        message.part,
    )


def _key(external_id: str, part: int) -> str:
    """The id that is unique in the table. No platform has such a character in its ids."""
    return external_id if part == 1 else f"{external_id}\x1f{part}"


def message_of(row: Row) -> Message:
    """A row of `messages`, or one joined with others whose columns have other names."""
    return Message(
        session=row["session"],
        source=row["source"],
        external_id=row["external_id"].removesuffix(_key("", row["part"])),
        author=row["author"],
        author_name=row["author_name"],
        text=row["text"],
        at=row["at"],
        address=None if row["address"] is None else _address.validate_json(row["address"]),
        explicit=bool(row["explicit"]),
        taken=row["explicit"] == TAKEN,
        part=row["part"],
        id=row["id"],
    )


PLACEMENT = """p.message AS p_message, p.asking AS p_asking, p.probability AS p_probability,
    p.question AS p_question, p.similarity AS p_similarity, p.suggested AS p_suggested, p.answer AS p_answer,
    p.reasons AS p_reasons, p.same AS p_same, p.joins AS p_joins, p.acknowledges AS p_acknowledges,
    p.memory AS p_memory"""
"""The columns `placement_of` reads, for joins with `messages`."""


def placement_row(placement: Placement, founded: bool) -> tuple[Any, ...]:
    """In the order of `placements`' columns."""
    return (
        placement.message,
        int(placement.asking),
        float(placement.probability),
        placement.question,
        None if placement.similarity is None else float(placement.similarity),
        placement.suggested,
        dumped(placement.answer),
        int(founded),
        dumped(placement.reasons),
        placement.same,
        int(placement.joins),
        int(placement.acknowledges),
        dumped(placement.memory),
    )


def placement_of(row: Row) -> Placement:
    return Placement(
        message=row["p_message"],
        asking=bool(row["p_asking"]),
        probability=row["p_probability"],
        question=row["p_question"],
        similarity=row["p_similarity"],
        suggested=row["p_suggested"],
        answer=match_of(row["p_answer"]),
        reasons=reasons_of(row["p_reasons"]),
        same=row["p_same"],
        joins=bool(row["p_joins"]),
        acknowledges=bool(row["p_acknowledges"]),
        memory=match_of(row["p_memory"]),
    )


def reasons_of(stored: str) -> Reasons:
    return _reasons.validate_json(stored)


def match_of(stored: str | None) -> CourseMatch | None:
    return None if stored is None else _match.validate_json(stored)


def state_row(state: QuestionState) -> dict[str, Any]:
    return {
        "id": state.id,
        "session": state.session,
        "title": state.title,
        "original": state.original,
        "status": state.status.value,
        "pinned": int(state.pinned),
        "labels": listed(state.labels),
        "merged_into": state.merged_into,
        "reason": state.reason,
        "reason_shown": int(state.reason_shown),
        "assigned": state.assigned,
        "answer": dumped(state.answer),
        "rejected": listed(state.rejected),
        "apart": listed(state.apart),
        "again": listed(state.again),
        "confirmed": listed(state.confirmed),
    }


def state_of(row: Row) -> QuestionState:
    return QuestionState(
        id=row["id"],
        session=row["session"],
        title=row["title"],
        original=row["original"],
        status=Status(row["status"]),
        pinned=bool(row["pinned"]),
        labels=_texts.validate_json(row["labels"]),
        merged_into=row["merged_into"],
        reason=row["reason"],
        reason_shown=bool(row["reason_shown"]),
        assigned=row["assigned"],
        answer=None if row["answer"] is None else _answer.validate_json(row["answer"]),
        rejected=_texts.validate_json(row["rejected"]),
        apart=_texts.validate_json(row["apart"]),
        again=_texts.validate_json(row["again"]),
        confirmed=_numbers.validate_json(row["confirmed"]),
    )


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """With its `words` as they are kept in `heard`: nothing that people wrote can be read from that."""
    buttons = json.dumps([asdict(button) for button in delivery.buttons], ensure_ascii=False)
    return {
        "words": hashlib.blake2b(f"{delivery.text}\0{buttons}".encode("utf-8", "replace"), digest_size=16).hexdigest(),
        "key": delivery.key,
        "session": delivery.session,
        "address": dumped(delivery.address),
        "text": delivery.text,
        "buttons": buttons,
        "not_before": delivery.not_before,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "sent_id": delivery.sent_id,
        "error": delivery.error,
        "poll": dumped(delivery.poll),
    }


def delivery_of(row: Row) -> Delivery:
    return Delivery(
        key=row["key"],
        session=row["session"],
        address=_address.validate_json(row["address"]),
        text=row["text"],
        buttons=_buttons.validate_json(row["buttons"]),
        not_before=row["not_before"],
        state=row["state"],
        attempts=row["attempts"],
        sent_id=row["sent_id"],
        error=row["error"],
        poll=None if row["poll"] is None else _poll.validate_json(row["poll"]),
        due_at=row["due_at"],
    )


def change_of(stored: str) -> Change:
    return _change.validate_json(stored)


def poll_row(state: PollState) -> dict[str, Any]:
    lists = {name: listed(getattr(state, name)) for name in ("options", "ends", "muted")}
    return {**asdict(state), **lists, "shown": int(state.shown)}


def poll_of(row: Row) -> PollState:
    low, high = _texts.validate_json(row["ends"])
    return PollState(
        id=row["id"],
        session=row["session"],
        kind=PollKind(row["kind"]),
        title=row["title"],
        options=_texts.validate_json(row["options"]),
        most=row["most"],
        low=row["low"],
        high=row["high"],
        ends=(low, high),
        results=Results(row["results"]),
        status=PollStatus(row["status"]),
        shown=bool(row["shown"]),
        round=row["round"],
        opened_at=row["opened_at"],
        muted=_texts.validate_json(row["muted"]),
    )
