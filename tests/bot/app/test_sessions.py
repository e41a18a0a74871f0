"""Sessions of a running program: set otherwise while live, made while live, and after a restart."""

from pathlib import Path
from typing import Any

from bot.accounts import Actor
from bot.app import Hall, open_hall
from bot.app.following import OVER
from bot.connectors.intake import IntakeOptions
from bot.model import Message, Mode, Session, Status
from bot.settings import SessionSettings, Settings, WebSettings
from tests.bot.app.test_hall import SECRET, _signed
from tests.fakes import HashEncoder
from tests.waiting import until

RECORDED = "Is there a recording of this talk?"
COURSE = "# 常见问题\n\n## Is there a recording of this talk?\n\nYes, tomorrow at noon.\n"


def settings(folder: Path, **talk: Any) -> Settings:
    said = SessionSettings(**{"id": "talk", "title": "A talk", "language": "en", **talk})
    return Settings(data=folder / "data", web=WebSettings(port=0), session=(said,))


async def asks(hall: Hall, id: str, text: str = RECORDED, session: str = "talk") -> None:
    await hall.floor.receive([Message(session, "chat", id, id, id, text, hall.now(), explicit=True)])


async def placed(hall: Hall, n: int, session: str = "talk") -> None:
    """Until so many messages of a session are placed."""

    async def are() -> bool:
        return sum(placement is not None for _, placement in await hall.store.placements(session)) == n

    await until(are)


async def test_grouping_that_is_switched_off_counts_from_the_next_message_on(tmp_path: Path) -> None:
    """The running pipeline follows the page: the same words found a question of their own, and join again later."""
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.loaded()
        for n, (mode, questions) in enumerate([("auto", 1), ("off", 2), ("auto", 2)]):
            await hall.desk.set_up("Ann", "talk", {"grouping": mode})
            await until(lambda mode=mode: _set(hall, Mode(mode)))  # type: ignore[misc]
            await asks(hall, f"m{n}")
            await placed(hall, n + 1)
            assert len(await hall.store.questions("talk")) == questions


async def _set(hall: Hall, mode: Mode) -> bool:
    return hall.pipelines["talk"]._newest.grouping is mode


async def test_a_session_made_while_live_takes_questions_at_once(tmp_path: Path) -> None:
    """It has a pipeline without a restart, and after one as well; an ended one gets it when somebody asks there."""
    made = Session("made", "Made on a page", language="en")
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.loaded()
        await hall.desk.open_session("Ann", made)
        await asks(hall, "m1", session="made")
        await placed(hall, 1, "made")
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.loaded()
        assert set(hall.pipelines) == {"talk", "made"}
        await hall.desk.set_up("Ann", "made", {"ended_at": hall.now()})
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.loaded()
        assert set(hall.pipelines) == {"talk"}
        await asks(hall, "m2", session="made")
        await placed(hall, 2, "made")
        assert len(await hall.store.questions("made")) == 1


async def test_a_message_that_waits_while_the_program_is_down_is_placed(tmp_path: Path) -> None:
    """A session made on a page and stopped right after is where it was: nothing of it is lost."""
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.desk.open_session("Ann", Session("made", "Made on a page"))
        await hall.store.receive([Message("made", "chat", "m1", "u", "U", RECORDED, hall.now(), explicit=True)])
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await placed(hall, 1, "made")


async def test_after_a_restart_what_waits_comes_first_and_the_newest_before_the_oldest(tmp_path: Path) -> None:
    """Nobody ended the evenings before, and each takes a moment to open: nobody waits for those of last spring."""
    evenings = [f"e{n}" for n in range(8)]
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        for id in evenings:
            await hall.desk.open_session("Ann", Session(id, "An evening"))
        await hall.store.receive([Message("e3", "chat", "m1", "u", "U", RECORDED, hall.now(), explicit=True)])
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.loaded()
        assert list(hall.pipelines) == ["e3", "talk", *(id for id in reversed(evenings) if id != "e3")]


async def test_an_evening_that_is_long_over_is_let_go_and_opens_again(tmp_path: Path) -> None:
    """A program that runs for weeks keeps what goes on in memory, and what the configuration names; whoever asks on an
    old evening is heard all the same."""
    course = tmp_path / "course"
    course.mkdir()
    (course / "faq.md").write_text(COURSE, encoding="utf-8")
    made = Session("made", "Made on a page", language="en", course=str(course))
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.loaded()
        await hall.desk.open_session("Ann", made)
        await asks(hall, "m1", session="made")
        await placed(hall, 1, "made")
        await hall.live.view("made")
        ended = hall.now()
        await hall.desk.set_up("Ann", "made", {"ended_at": ended})
        await hall.desk.set_up("Ann", "talk", {"ended_at": ended})
        await hall.following.let_go(ended + OVER - 60)
        assert set(hall.pipelines) == {"talk", "made"}
        await hall.following.let_go(ended + OVER + 60)
        hall.live.rest()
        assert set(hall.pipelines) == {"talk"}
        assert "made" not in {*hall.following.courses, *hall._minds._courses, *hall._minds._alone, *hall.live._rooms}
        await asks(hall, "m2", session="made")
        await placed(hall, 2, "made")
        assert len((await hall.live.view("made")).questions) == 1
        await hall.following.let_go(ended + OVER + 60)
        assert "made" not in hall.pipelines
        best = await hall.best("made", RECORDED)  # an expert answers days later
        assert best is not None
        assert best.text == "Yes, tomorrow at noon."


async def test_another_course_answers_from_then_on(tmp_path: Path) -> None:
    """A course that the session gets while live answers its questions, and no more once it is taken away."""
    course = tmp_path / "course"
    course.mkdir()
    (course / "faq.md").write_text(COURSE, encoding="utf-8")
    async with open_hall(settings(tmp_path, grouping="off"), encoder=HashEncoder()) as hall:
        await hall.loaded()
        seen: list[bool] = []
        for n, folder in enumerate(["", str(course), ""]):
            await hall.desk.set_up("Ann", "talk", {"course": folder})

            async def taught(folder: str = folder) -> bool:
                return hall.following.taught["talk"][0] == folder

            await until(taught)
            await asks(hall, f"m{n}")
            await placed(hall, n + 1)
            (_, placement) = (await hall.store.placements("talk"))[-1]
            seen.append(placement is not None and placement.answer is not None)
        assert seen == [False, True, False]
        assert ("talk" in hall.following.courses) is False


async def test_what_waits_is_looked_up_in_a_course_that_changes(tmp_path: Path) -> None:
    """An entry that is written while the talk is on is suggested to who asked before; corrected, the new words stand on
    the board and are what "accept" sends; taken out, nothing is suggested any more. Nothing is sent by itself."""
    course = tmp_path / "course"
    course.mkdir()
    faq = course / "faq.md"
    faq.write_text("# 常见问题\n", encoding="utf-8")
    async with open_hall(settings(tmp_path, course=str(course)), encoder=HashEncoder()) as hall:
        await hall.loaded()
        await asks(hall, "m1")
        await placed(hall, 1)
        for words in ("Yes, tomorrow at noon.", "", "No, there is none."):
            entry = f"\n## {RECORDED}\n\n{words}\n" if words else ""
            faq.write_text(f"# 常见问题\n{entry}", encoding="utf-8")

            async def told(words: str = words) -> bool:
                (question,) = await hall.store.questions("talk")
                found = question.suggested_answer
                return words in found.text if words and found else not words and found is None

            await until(told, 20.0, lambda words=words: f"waiting for {words!r}")
        (question,) = await hall.store.questions("talk")
        assert question.status is Status.NEW
        await hall.desk.accept("Ann", question.id)
        answer = (await hall.store.question(question.id)).state.answer
        assert answer is not None
        assert "there is none" in answer.text


async def test_what_waits_is_looked_up_in_a_course_that_changed_while_the_program_was_down(tmp_path: Path) -> None:
    """What stands in its files at the start counts: the board offers no words that the course has taken back, and what
    is new there is suggested to who asked before."""
    course = tmp_path / "course"
    course.mkdir()
    for words in ("", "Yes, tomorrow at noon.", "No, there is none.", ""):
        entry = f"\n## {RECORDED}\n\n{words}\n" if words else ""
        (course / "faq.md").write_text(f"# 常见问题\n{entry}", encoding="utf-8")
        async with open_hall(settings(tmp_path, course=str(course), answers="suggest"), encoder=HashEncoder()) as hall:
            await asks(hall, "m1")
            await hall.loaded()
            await hall.pipelines["talk"].drained()
            (question,) = await hall.store.questions("talk")
            assert (question.suggested_answer.text if question.suggested_answer else "") == words


async def test_what_waits_is_looked_up_in_the_mode_that_is_set(tmp_path: Path) -> None:
    """The course's answers were off, and nothing comes in any more: they are switched on and a course is given, and
    what waits gets its suggestion."""
    course = tmp_path / "course"
    course.mkdir()
    (course / "faq.md").write_text(COURSE, encoding="utf-8")
    async with open_hall(settings(tmp_path, answers="off"), encoder=HashEncoder()) as hall:
        await hall.loaded()
        await asks(hall, "m1")
        await placed(hall, 1)
        await hall.desk.set_up("Ann", "talk", {"answers": "suggest", "course": str(course)})

        async def suggested() -> bool:
            return (await hall.store.questions("talk"))[0].suggested_answer is not None

        await until(suggested)


async def test_what_a_page_set_outlives_a_restart_and_a_deleted_line(tmp_path: Path) -> None:
    """The file's old word does not undo the page's; and a session that the file names no longer stays."""
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        await hall.desk.set_up("Ann", "talk", {"title": "From the page", "review": True})
        await asks(hall, "m1")
        await placed(hall, 1)
    async with open_hall(settings(tmp_path, speaker="Bo"), encoder=HashEncoder()) as hall:
        (talk,) = await hall.store.sessions()
        assert (talk.title, talk.review, talk.speaker) == ("From the page", True, "Bo")
    async with open_hall(settings(tmp_path, id="other"), encoder=HashEncoder()) as hall:
        assert [one.id for one in await hall.store.sessions()] == ["talk", "other"]
        (question,) = await hall.store.questions("talk")
        assert question.status is Status.NEW


async def test_a_source_feeds_the_talk_it_is_pointed_at(tmp_path: Path) -> None:
    """What comes from it goes there, after a restart as well; a new word of the file counts again."""
    lobby = IntakeOptions(name="lobby", session="talk", secret=SECRET)
    known = settings(tmp_path).model_copy(update={"sources": (lobby,)})
    async with open_hall(known, encoder=HashEncoder()) as hall:
        await hall.loaded()
        for id in ("other", "third"):
            await hall.desk.open_session("Ann", Session(id, id))
        await hall.feed("lobby", "other", Actor("", "Ann"))
        await _signed(hall, {"id": "1", "user": "u", "text": RECORDED})
        await placed(hall, 1, "other")
    async with open_hall(known, encoder=HashEncoder()) as hall:
        assert hall._leads("lobby", "talk") == "other"
    moved = known.model_copy(update={"sources": (lobby.model_copy(update={"session": "third"}),)})
    async with open_hall(moved, encoder=HashEncoder()) as hall:
        assert hall._leads("lobby", "third") == "third"
