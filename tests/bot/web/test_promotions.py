"""Answers on their way into the FAQ, over HTTP: proposed, reviewed, written, taken back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest

from bot.app.promoting import Promoting
from bot.courses import course_at, is_sent
from bot.forgetting import REMOVED
from bot.model import Asked, Mode, Person, Session
from bot.promotions import Promotions
from bot.storage.sqlite import SqliteStore
from knowledge.course import read_course
from tests.bot.web.hall import Browser, Hall, open_hall

PATH = "/api/v1/sessions/talk/promotions"
FAQ = "# FAQ\r\n\r\n## Is it free?\r\n\r\nYes.\r\n"
ENTRY = "## Is there a recording?\n- also: can I watch this again\n\nFrom noon, on the page."


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "faq.md").write_bytes(FAQ.encode())
    (folder / "notes.md").write_text("# Notes\n\n## Gateways\n\nThey speak Modbus.\n", encoding="utf-8")
    return folder


@pytest.fixture
async def hall(store: SqliteStore, course: Path) -> AsyncIterator[Hall]:
    await store.save_session(Session("talk", "A talk", language="en", course=str(course)))
    async with open_hall(store) as opened:
        await opened.asks()
        await opened.asks("@Lin can I watch this again")
        yield opened


async def answered(hall: Hall, text: str = "From noon, on the page.") -> None:
    await hall.desk.answer("Ann", "q1", text)


async def decide(browser: Browser, what: str, **more: Any) -> Any:
    answer = await browser.post(f"{PATH}/q1", {"do": what, **more})
    assert answer.status == 200, await answer.text()
    return (await answer.json())["promotions"]


async def here(hall: Hall) -> Session:
    return next(one for one in await hall.store.sessions() if one.id == "talk")


async def test_a_moderator_proposes_and_an_organiser_writes_it(hall: Hall, course: Path) -> None:
    """The organiser sees the diff; accepted, it stands in the folder's own FAQ with its line ends, is read as an entry
    and noted in the ledger; undone, the file is as it was."""
    await answered(hall)
    mo, boss = await hall.signed_in("moderator"), await hall.signed_in("organiser", name="Boss")
    assert (await mo.post(PATH, {"question": "q1"})).status == 200
    assert (await mo.post(f"{PATH}/q1", {"do": "accept"})).status == 403
    found = await boss.json(PATH)
    assert found["file"] == "faq.md"
    (one,) = found["promotions"]
    assert (one["stage"], one["by"], one["entry"], one["doubled"]) == ("proposed", "Mo", ENTRY, "")
    assert "+## Is there a recording?\n" in one["diff"]
    patch = await (await boss.get(f"{PATH}/patch")).text()
    assert patch == one["diff"]
    (done,) = await decide(boss, "accept")
    assert (done["stage"], done["there"], done["decided_by"]) == ("accepted", True, "Boss")
    assert (course / "faq.md").read_bytes() == (FAQ + "\r\n" + ENTRY.replace("\n", "\r\n") + "\r\n").encode()
    entry = read_course(course).entries[-1]
    assert (entry.question, entry.phrasings) == ("Is there a recording?", ("can I watch this again",))
    ledger = await mo.json("/api/v1/sessions/talk/actions")
    assert [(row["what"], row["undoable"]) for row in ledger[:2]] == [("faq_accept", False), ("faq_propose", False)]
    (back,) = await decide(boss, "undo")
    assert back["stage"] == "proposed"
    assert (course / "faq.md").read_bytes() == FAQ.encode()


async def test_a_course_that_was_sent_gets_a_new_version(hall: Hall, course: Path) -> None:
    """So does a talk without a course; what was sent stays as it was."""
    await answered(hall)
    boss = await hall.signed_in("organiser")
    for folder in (None, course):
        session = replace(await here(hall), course="")
        if folder:
            (folder / "faq.md").write_text(FAQ, encoding="utf-8")

            async def zipped(sent: Path = folder) -> AsyncIterator[bytes]:
                yield (sent / "faq.md").read_bytes()

            version, _ = await hall.courses.take("talk", "faq.md", zipped(), "Boss")
            session = replace(session, course=version.folder)
        await hall.store.save_session(session)
        await boss.post(PATH, {"question": "q1"})
        await decide(boss, "accept")
        after = await here(hall)
        assert after.course != session.course
        assert is_sent(Path(after.course))
        assert course_at(Path(after.course)).entries[-1].question == "Is there a recording?"
        if folder:
            assert len(course_at(Path(session.course)).entries) == 1
        await decide(boss, "undo")
        assert len(course_at(Path((await here(hall)).course)).entries) == (1 if folder else 0)


async def test_it_is_edited_declined_or_refused_with_a_word(hall: Hall, course: Path) -> None:
    """What somebody edited is written; what is no entry, doubles one, or was decided already is refused."""
    await answered(hall)
    boss = await hall.signed_in("organiser")
    assert (await boss.post(PATH, {"question": "q9"})).status == 404
    await boss.post(PATH, {"question": "q1"})
    for entry, status in (("no heading", 400), ("## A?\n\nB\n\n## C?\n\nD", 400), ("## is it free ?\n\nNo.", 409)):
        refused = await boss.post(f"{PATH}/q1", {"do": "accept", "entry": entry})
        assert refused.status in {status, 403}, await refused.text()
    assert (course / "faq.md").read_bytes() == FAQ.encode()
    assert (await decide(boss, "decline"))[0]["stage"] == "declined"
    assert (await boss.post(f"{PATH}/q1", {"do": "accept"})).status == 409
    await decide(boss, "undo")
    (done,) = await decide(boss, "accept", entry="## A recording?\n\nFrom noon.")
    assert done["there"]
    assert read_course(course).entries[-1].question == "A recording?"
    (course / "faq.md").write_bytes(FAQ.encode())
    assert not (await boss.json(PATH))["promotions"][0]["there"]
    assert (await boss.post(f"{PATH}/q1", {"do": "undo"})).status == 409


async def test_a_corrected_answer_takes_the_place_of_its_entry(hall: Hall, course: Path) -> None:
    """It is proposed anew and replaces what was written of it."""
    boss = await hall.signed_in("organiser")
    for text in ("From noon, on the page.", "There is none after all."):
        await answered(hall, text)
        hall.clock.time += 60
        await boss.post(PATH, {"question": "q1"})
        (one,) = (await boss.json(PATH))["promotions"]
        assert one["corrects"] == text.startswith("There")
        await decide(boss, "accept")
    assert [entry.answer for entry in read_course(course).entries] == ["Yes.", "There is none after all."]


async def test_an_entry_that_was_mended_by_hand_is_not_written_a_second_time(hall: Hall, course: Path) -> None:
    """A later answer is refused with the place of the one that stands; viewers would go on hearing that one."""
    boss = await hall.signed_in("organiser")
    await answered(hall)
    hall.clock.time += 60
    await boss.post(PATH, {"question": "q1"})
    await decide(boss, "accept")
    faq = course / "faq.md"
    faq.write_bytes(faq.read_bytes().replace(b"From noon", b"From 1 pm"))
    await answered(hall, "There is none after all.")
    hall.clock.time += 60
    await boss.post(PATH, {"question": "q1"})
    refused = await boss.post(f"{PATH}/q1", {"do": "accept"})
    assert refused.status == 403
    assert "asks this already" in await refused.text()
    assert [entry.answer for entry in read_course(course).entries] == ["Yes.", "From 1 pm, on the page."]


async def test_entries_go_to_no_file_that_nobody_reads(hall: Hall, course: Path) -> None:
    """What lies in a folder of deleted files is no FAQ of the course, whatever its name."""
    (course / "faq.md").rename(course / "faq-fees.md")
    (course / ".trash").mkdir()
    (course / ".trash" / "faq.md").write_text("# Old\n", encoding="utf-8")
    await answered(hall)
    boss = await hall.signed_in("organiser")
    await boss.post(PATH, {"question": "q1"})
    await decide(boss, "accept")
    assert [entry.question for entry in read_course(course).entries] == ["Is it free?", "Is there a recording?"]
    assert (course / ".trash" / "faq.md").read_text(encoding="utf-8") == "# Old\n"


async def test_the_mode_says_what_becomes_of_an_answer(hall: Hall, course: Path) -> None:
    """Off: nothing. Suggest: it is proposed once it can no longer be taken back, and forgotten where the question is
    open again. Auto: it is written."""
    promotions = Promotions(hall.store, hall.courses, hall.clock)
    session = await here(hall)
    await answered(hall)
    assert await promotions.follow(replace(session, promoting=Mode.OFF)) is None
    wait = await promotions.follow(session)
    assert wait
    assert await hall.store.promotions("talk") == []
    hall.clock.time += wait
    assert await promotions.follow(session) is None
    assert [one.stage for one in await hall.store.promotions("talk")] == ["proposed"]
    await hall.desk.reopen("Ann", ["q1"])
    await promotions.follow(session)
    assert await hall.store.promotions("talk") == []
    await answered(hall)
    hall.clock.time += 60
    await promotions.follow(replace(session, promoting=Mode.AUTO))
    assert [one.stage for one in await hall.store.promotions("talk")] == ["accepted"]
    assert read_course(course).entries[-1].question == "Is there a recording?"


async def test_a_question_that_tells_who_asked_it_waits_for_a_moderator(hall: Hall, course: Path) -> None:
    """By itself it is neither proposed nor written, and stands in the way of no other; a person hears why."""
    await hall.asks("我叫王小明，电话 13800138000，怎么报名？", "q2")
    await hall.desk.answer("Ann", "q2", "On the page.")
    await answered(hall)
    hall.clock.time += 60
    promotions = Promotions(hall.store, hall.courses, hall.clock)
    session = replace(await here(hall), promoting=Mode.AUTO)
    assert await promotions.follow(session) is None
    assert [one.question for one in await hall.store.promotions("talk")] == ["q1"]
    with patch.object(hall.courses, "present", AsyncMock()) as read:  # with each act in the session
        await promotions.follow(session)
    assert not read.called
    mo = await hall.signed_in("moderator")
    refused = await mo.post(PATH, {"question": "q2"})
    assert (refused.status, "word its title" in await refused.text()) == (403, True)
    await hall.desk.edit("Ann", "q2", "怎么报名？")
    assert await promotions.follow(session) is None
    assert [entry.question for entry in read_course(course).entries][1:] == ["Is there a recording?", "怎么报名？"]
    assert "13800138000" not in (course / "faq.md").read_text(encoding="utf-8")


async def test_what_people_answer_is_followed_step_by_step(hall: Hall) -> None:
    """A step proposes what can no longer be taken back, and says when to look again; where nobody did anything since,
    and where only the audience did, it looks at no question; another mode is followed at once."""
    promoting = Promoting(Promotions(hall.store, hall.courses, hall.clock), hall.store)
    assert await promoting.step() is None
    await answered(hall)
    wait = await promoting.step()
    assert wait
    hall.clock.time += wait
    assert await promoting.step() is None
    assert [one.stage for one in await hall.store.promotions("talk")] == ["proposed"]
    followed = AsyncMock(return_value=None)
    with patch.object(Promotions, "follow", followed):
        await promoting.step()
        await hall.asks("@Max may I watch this again")
        await promoting.step()
        assert not followed.called
        await hall.desk.set_up("Ann", "talk", {"promoting": "auto"})
        await promoting.step()
    assert [call.args[0].promoting for call in followed.call_args_list] == [Mode.AUTO]


FIRST = Person("chat", "u1")
"""Who asked in the words of the heading."""


@pytest.fixture
def promoting(hall: Hall) -> Promoting:
    return Promoting(Promotions(hall.store, hall.courses, hall.clock), hall.store)


@pytest.mark.parametrize(
    ("mode", "heading"), [(Mode.SUGGEST, "## can I watch this again"), (Mode.OFF, f"## {REMOVED}")]
)
async def test_who_is_forgotten_takes_no_proposal_along(
    hall: Hall, promoting: Promoting, mode: Mode, heading: str
) -> None:
    """It is proposed anew in the words of the others, without anybody doing anything else; where nothing is proposed by
    itself, it stays without those of the forgotten."""
    await answered(hall)
    hall.clock.time += 60
    await promoting.step()
    await hall.store.save_session(replace(await here(hall), promoting=mode))
    await promoting.step()
    await hall.store.forget(FIRST, None, hall.clock.time)
    promoting.forgotten()
    assert promoting.woken.is_set()
    await promoting.step()
    (one,) = await hall.store.promotions("talk")
    assert (one.stage, one.entry.splitlines()[0]) == ("proposed", heading)


async def test_who_is_forgotten_while_an_entry_is_made_is_not_in_it(
    hall: Hall, promoting: Promoting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their words were read for it already: it is made anew without them."""
    await answered(hall)
    hall.clock.time += 60
    read, first = hall.store.asked, iter([True])

    async def asked(question: str) -> list[Asked]:
        found = await read(question)
        if next(first, False):
            await hall.store.forget(FIRST, None, hall.clock.time)
        return found

    monkeypatch.setattr(hall.store, "asked", asked)
    await promoting.step()
    (one,) = await hall.store.promotions("talk")
    assert "recording" not in one.entry
    assert one.entry.splitlines()[0] == "## can I watch this again"


async def test_what_nobody_asks_any_more_is_written_by_nobody(hall: Hall, promoting: Promoting, course: Path) -> None:
    """Of a question that all who asked it took with them no entry is made by itself; a moderator words it."""
    await hall.store.save_session(replace(await here(hall), promoting=Mode.AUTO))
    await answered(hall)
    for n in (1, 2):
        await hall.store.forget(Person("chat", f"u{n}"), None, hall.clock.time)
    hall.clock.time += 60
    await promoting.step()
    assert (course / "faq.md").read_bytes() == FAQ.encode()
    await hall.desk.edit("Ann", "q1", "Is it recorded?")
    await promoting.step()
    assert read_course(course).entries[-1].question == "Is it recorded?"


async def test_a_correction_still_replaces_its_entry_when_an_asker_is_forgotten(
    hall: Hall, promoting: Promoting, course: Path
) -> None:
    """What stands in the file is known, so that the correction, proposed anew without their words, takes its place."""
    await answered(hall)
    boss = await hall.signed_in("organiser")
    await boss.post(PATH, {"question": "q1"})
    await decide(boss, "accept", entry="## Recorded?\n\nFrom noon.")
    hall.clock.time += 60
    await answered(hall, "From one o'clock.")
    hall.clock.time += 60
    await promoting.step()
    await hall.store.forget(FIRST, None, hall.clock.time)
    promoting.forgotten()
    await promoting.step()
    (one,) = await hall.store.promotions("talk")
    assert (one.stage, one.written) == ("proposed", "## Recorded?\n\nFrom noon.")
    await decide(boss, "accept")
    assert [(entry.question, entry.answer) for entry in read_course(course).entries][1:] == [
        ("can I watch this again", "From one o'clock.")
    ]
