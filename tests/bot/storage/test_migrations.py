"""Databases that earlier programs left behind, with something in every table."""

from pathlib import Path

import pytest
import sqlite_utils

from bot.accounts import Device, Entry, Grant, Invitation
from bot.model import Answer, CourseMatch, Mode, Outage, Person, SourceState, Status
from bot.storage.connection import connect
from bot.storage.migrations import steps
from bot.storage.sqlite import open_store

STATE = (
    '{"id": "q1", "session": "talk", "title": "Is it recorded?", "original": "recorded?", "status": "%s", '
    '"pinned": false, "labels": [], "merged_into": "", "reason": "", "answer": %s, "rejected": [], "apart": []}'
)
ANSWER = '{"text": "Yes.", "by": "Ann", "at": 130.0, "sources": ["faq.md#1"]}'
MATCH = '{"source": "faq.md#1", "score": 0.9, "state": "suggested", "text": "All talks are."}'
REASON = '{"code": "mark", "weight": 1.5, "value": 1.0, "detail": ""}'
ADDRESS = '{"connector": "telegram", "chat": "5", "message": "7", "user": "u1", "private": false}'
CHANGE = (
    '{"session": "talk", "at": 130.0, "who": "Ann", "what": "answer", "questions": [['
    + STATE % ("new", "null")
    + ", "
    + STATE % ("answered", ANSWER)
    + ']], "moves": [], "deliveries": [], "undoes": null}'
)

FOURTH = [
    "INSERT INTO sessions VALUES ('talk', 'A talk', 'autumn', 'Bo', 90.0, NULL, 'course', 'en', 1, 'auto', 'suggest',"
    " 'off')",
    "INSERT INTO questions VALUES ('q1', 'talk', 'Is it recorded?', 'recorded?', 'answered', 0, '[]', '', '',"
    f" '{ANSWER}', '[]', 100.0, 0, 3, '[\"q2\"]')",
    "INSERT INTO questions VALUES ('q2', 'talk', 'Slides?', 'Slides?', 'new', 1, '[\"later\"]', '', '', NULL, '[]',"
    " 101.0, 0, 2, '[]')",
    "INSERT INTO revisions VALUES ('talk', 3)",
    "INSERT INTO messages VALUES (1, 'talk', 'telegram', '5:7', 'u1', 'Cy', 'recorded?', 100.0,"
    f" '{ADDRESS}', 1, 'q1', 1, 1)",
    "INSERT INTO messages VALUES (2, 'talk', 'telegram', '5:7\x1f2', 'u1', 'Cy', 'Slides?', 100.0, NULL, 1, 'q2', 1,"
    " 2)",
    "INSERT INTO messages VALUES (3, 'talk', 'web', 'w:1', 'w', '', 'not placed yet', 120.0, NULL, 1, NULL, 0, 1)",
    "INSERT INTO placements VALUES (1, 1, 0.8, 'asks in so many words', 'q1', NULL, NULL, NULL, 1,"
    f' \'{{"asking": [{REASON}], "grouping": [], "answer": []}}\')',
    f"INSERT INTO placements VALUES (2, 1, 0.7, 'asks', 'q2', 0.4, 'q1', '{MATCH}', 1, '{{}}')",
    "INSERT INTO vectors VALUES (1, x'0000803f00000000')",
    "INSERT INTO votes VALUES ('q2', 'web', 'w', 'Di', 110.0)",
    f"INSERT INTO actions VALUES (1, 'talk', 130.0, 'Ann', 'answer', '{CHANGE}', NULL)",
    "INSERT INTO deliveries VALUES (1, 'answer:q1:telegram:5', 'talk', "
    f'\'{ADDRESS}\', \'Yes.\', \'[{{"act": "vote", "question": "q1", "label": "me too"}}]\', 136.0, \'waiting\','
    " 1, '', '')",
    "INSERT INTO cursors VALUES ('telegram', '99')",
    "INSERT INTO redeemed VALUES ('used', 80.0)",
    "INSERT INTO logins VALUES ('token', 'Ann', 'moderator', 'talk', 1e12)",
    "INSERT INTO encoder VALUES ('a fingerprint')",
]
"""A row and more for every table of the schema of 0004, as that program wrote them."""

SEVENTH = [
    "INSERT INTO sources VALUES ('telegram', 'lost', 50.0, 60.0, 2, 'gone', 1, 2, 20, 0)",
    "INSERT INTO outages VALUES ('telegram', 50.0, NULL, 'gone', 0)",
    "INSERT INTO links VALUES ('telegram', 'u1', 'Cy', 'web', 'w')",
    "INSERT INTO link_codes VALUES ('hash', 'web', 'w', 900.0, NULL, NULL)",
]
"""The same for what 0006 and 0007 brought."""


def left_behind(file: Path, before: str, rows: list[str]) -> None:
    """A database as the program wrote it to which the step `before` was not known, with these rows."""
    db = connect(file)
    steps.apply(db, stop_before=before)
    for row in rows:
        db.execute(row)
    tables = [name for name in db.table_names() if not name.startswith(("_", "sqlite_"))]
    empty = [name for name in tables if not db.table(name).count]
    assert empty == [], "every table has something to lose"
    db.conn.close()


async def test_a_database_of_the_fourth_schema_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Sessions, messages with their parts, decisions, vectors, questions, votes, the ledger, what is to be said, who is
    signed in: all of it is there, and the queue goes on."""
    left_behind(tmp_path / "hall.db", "0005_one_reason", FOURTH)
    store = await open_store(tmp_path / "hall.db", now=lambda: 200.0)
    try:
        (talk,) = await store.sessions()
        assert (talk.series, talk.starts_at, talk.review, talk.answers) == ("autumn", 90.0, True, Mode.SUGGEST)
        (first, decided), (second, guessed), (third, nothing) = await store.placements("talk")
        assert (first.external_id, first.part, second.external_id, second.part) == ("5:7", 1, "5:7", 2)
        assert first.address
        assert first.address.chat == "5"
        assert decided
        assert [one.code for one in decided.reasons.asking] == ["mark"]
        assert guessed
        assert guessed.answer == CourseMatch("faq.md#1", 0.9, "suggested", "All talks are.")
        assert (third.text, nothing) == ("not placed yet", None)
        assert [one.id for one in await store.pending("talk", 10)] == [3]
        slides, recorded = await store.questions("talk")
        assert (recorded.status, recorded.state.answer) == (
            Status.ANSWERED,
            Answer("Yes.", "Ann", 130.0, ("faq.md#1",)),
        )
        assert (recorded.people, slides.people, slides.votes, slides.suggested_merge) == (1, 2, 1, ())
        assert [(one.message, one.vector.tolist()) for one in await store.remembered("talk")] == [(1, [1.0, 0.0])]
        assert await store.votes_of("talk", Person("web", "w")) == {"q2"}
        (action,) = await store.actions("talk")
        ((before, after),) = action.change.questions
        assert before
        assert after
        assert (before.status, after.answer) == (Status.NEW, recorded.state.answer)
        (waiting,) = await store.due(200.0)
        assert (waiting.text, waiting.buttons[0].label, waiting.attempts) == ("Yes.", "me too", 1)
        assert await store.cursor("telegram") == "99"
        again = Entry("used", "Ann", "", Device("new", "", 1e12), Invitation("", (Grant("organiser"),), "Ann", 1e12))
        assert await store.admit(again, 201.0) is None
        assert (login := await store.login("token", 200.0))
        assert (login.name, login.grants) == ("Ann", (Grant("moderator", "talk", 1e12),))
        assert await store.encoder() == "a fingerprint"
        assert await store.sources() == []
        assert await store.linked(Person("web", "w")) == []
        await store.vote("q1", Person("web", "w"), True, 210.0)
        assert (await store.question("q1")).people == 2
    finally:
        await store.close()


async def test_sources_and_links_of_the_seventh_schema_stay(tmp_path: Path) -> None:
    """How a source was, an outage that lasts, who is whom and a code that is still good. Since when every outage is
    known was not kept then."""
    left_behind(tmp_path / "hall.db", "0008_watched_since", _as_of_0005(FOURTH) + SEVENTH)
    store = await open_store(tmp_path / "hall.db", now=lambda: 200.0)
    try:
        (report,) = await store.sources()
        assert (report.health.state, report.health.trouble, report.health.chat_limits) == (
            SourceState.LOST,
            "gone",
            (20, 0),
        )
        assert (report.messages, report.health.watched_since) == (1, 0.0)
        assert report.outages == (Outage("telegram", 50.0, None, "gone"),)
        assert await store.linked(Person("web", "w")) == [Person("telegram", "u1", "Cy")]
        assert await store.link("hash", Person("slack", "s"), 300.0)
    finally:
        await store.close()


async def test_whoever_was_signed_in_still_is_though_names_are_alike(tmp_path: Path) -> None:
    """Three logins, two of one name and one of none, become three persons with what each might do."""
    db = connect(tmp_path / "hall.db")
    steps.apply(db, stop_before="0011_people")
    for token, name, role in (("a", "Ann", "moderator"), ("b", "ann", "organiser"), ("c", "", "expert")):
        db.execute("INSERT INTO logins VALUES (?, ?, ?, '', 900.0)", (token, name, role))
    db.conn.close()
    store = await open_store(tmp_path / "hall.db", now=lambda: 200.0)
    try:
        found = [await store.login(token, 200.0) for token in "abc"]
        assert [(one.name, one.grants[0].role) for one in found if one] == [
            ("Ann", "moderator"),
            ("ann #2", "organiser"),
            (" #3", "expert"),
        ]
    finally:
        await store.close()


def _as_of_0005(rows: list[str]) -> list[str]:
    """Without the one line that said why."""
    return [row.replace(" 'asks in so many words',", "").replace(" 'asks',", "") for row in rows]


@pytest.mark.parametrize("name", [step.name for step in steps._migrations][1:])
async def test_a_database_of_any_age_gets_the_same_schema(tmp_path: Path, name: str) -> None:
    """Whichever step it was left before, it ends as one that is founded today."""
    old_db = connect(tmp_path / "old.db")
    steps.apply(old_db, stop_before=name)
    old_db.conn.close()
    for file in ("old.db", "new.db"):
        await (await open_store(tmp_path / file)).close()
    old, new = (sqlite_utils.Database(tmp_path / file).schema for file in ("old.db", "new.db"))
    assert old == new
