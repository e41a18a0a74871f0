"""`floormic transcript`: what was said aloud, into a session of a program that does not run."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import cli
from bot.app import load, open_hall
from bot.app.transcribing import Transcribed, transcribe
from bot.errors import BadInput, NotFound, StoreBusy
from bot.model import Dated, Message, Mode
from bot.settings import Settings
from bot.storage.sqlite import open_store
from tests.bot.encoders import SameWords

TALK = '[[session]]\nid = "talk"\ntitle = "Talk"\nlanguage = "en"\nstarts_at = 2026-11-01T19:30:00+08:00\n'
CONFIG = TALK + "[web]\nport = 0\n"
BEGAN = 1793532600.0
VTT = "WEBVTT\n\n00:10.000 --> 00:12.000\nIs there a recording?\n\n00:13.000 --> 00:19.000\nYes, on the page.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "floormic.toml").write_text(CONFIG)
    (tmp_path / "talk.vtt").write_text(VTT)
    return tmp_path


async def settled(folder: Path) -> Settings:
    """An evening with one question, which is over."""
    settings = load(folder / "floormic.toml")
    async with open_hall(settings, encoder=SameWords()) as hall:
        asked = Message("talk", "chat", "1", "u1", "U", "Is there a recording?", BEGAN + 5, explicit=True)
        await hall.floor.receive([asked])
        await hall.drained()
    return settings


async def read(folder: Path, settings: Settings, offset: str = "", session: str = "talk") -> Transcribed:
    return await transcribe(settings, session, folder / "talk.vtt", offset, encoder=SameWords())


async def test_a_transcript_is_brought_in_and_what_was_found_waits_for_a_person(folder: Path) -> None:
    """With when it begins, as it was said or follows from the talk; nothing is answered by it."""
    settings = await settled(folder)
    found = await read(folder, settings)
    assert [(one.passage.start, about.title) for one, about in found.proposals] == [(10.0, "Is there a recording?")]
    assert (found.transcript.zero, found.transcript.dated) == (BEGAN, Dated.START)
    assert (await read(folder, settings, "-00:01:30")).transcript.zero == BEGAN - 90
    store = await open_store(settings.database)
    (question,) = await store.questions("talk")
    await store.close()
    assert question.state.answer is None


async def test_what_was_set_on_a_page_stays(folder: Path) -> None:
    """A mode that a moderator chose in place of the configuration's is not lost by a transcript, nor by the next
    start."""
    (folder / "floormic.toml").write_text(CONFIG + '[after]\ndigest = "auto"\n')
    settings = await settled(folder)
    store = await open_store(settings.database)
    (session,) = await store.sessions()
    await store.save_session(replace(session, digest=Mode.OFF))
    await store.close()
    await read(folder, settings)
    async with open_hall(settings, encoder=SameWords()) as hall:
        assert [one.digest for one in await hall.store.sessions()] == [Mode.OFF]


async def test_what_cannot_be_done_is_said(folder: Path) -> None:
    """An unknown session, no file, no transcript, no time, and a program that is running; nothing is kept."""
    settings = await settled(folder)
    with pytest.raises(NotFound, match="talk"):
        await read(folder, settings, session="other")
    with pytest.raises(BadInput, match="no time"):
        await read(folder, settings, "soon")
    with pytest.raises(BadInput, match="cannot be read"):
        await transcribe(settings, "talk", folder / "none.vtt", encoder=SameWords())
    (folder / "talk.vtt").write_bytes(b"")
    with pytest.raises(BadInput, match=r"talk\.vtt: it is empty"):
        await read(folder, settings)
    async with open_hall(settings, encoder=SameWords()):
        with pytest.raises(StoreBusy, match="/transcript"):
            await read(folder, settings)


def test_the_command_prints_what_it_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time in the transcript, how many asked, and what stands."""
    asyncio.run(settled(folder))
    monkeypatch.setattr("bot.app.minds.load_encoder", lambda *_, **__: SameWords())
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    command = ["transcript", "--config", str(folder / "floormic.toml"), "talk", str(folder / "talk.vtt")]
    done = CliRunner().invoke(cli.floormic, command, standalone_mode=False)
    assert done.exception is None
    assert done.stdout == "00:00:10  proposed      1  Is there a recording?\n"
    assert "请在页面上确认的问题：1 个" in done.stderr
