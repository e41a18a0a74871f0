"""`floormic import`: a chat that was exported to a file, into a session."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot import cli
from bot.app import load
from bot.app.importing import Imported, Preview, import_chat
from bot.errors import BadInput, NotFound, StoreBusy
from bot.model import Message
from bot.storage.sqlite import open_store

CHAT = "时间,昵称,内容\n19:30:05,张三,有回放吗\n19:31:00,李四,\n19:32:00,王五,课件在哪里下载？几点结束？\n"
CONFIG = '[[session]]\nid = "talk"\ntitle = "Talk"\nstarts_at = 2026-11-01T19:30:00+08:00\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "floormic.toml").write_text(CONFIG)
    (tmp_path / "chat.csv").write_text(CHAT, encoding="gb18030")
    return tmp_path


def run(folder: Path, *arguments: str, typed: str = "") -> Result:
    command = ["import", "--config", str(folder / "floormic.toml"), *arguments]
    return CliRunner().invoke(cli.floormic, command, standalone_mode=False, input=typed)


async def kept(folder: Path) -> list[Message]:
    store = await open_store(folder / "data/floormic.sqlite3")
    try:
        return await store.pending("talk", 1000)
    finally:
        await store.close()


async def brought(folder: Path, file: str = "chat.csv", session: str = "talk", **columns: int) -> Imported:
    done = await import_chat(load(folder / "floormic.toml"), folder / file, session, columns or None, lambda _: True)
    assert done
    return done


async def test_a_file_is_brought_in_once(folder: Path) -> None:
    """Its lines wait for the program with the day of the session; again, it adds nothing, and a longer one the rest."""
    first, again = await brought(folder), await brought(folder, session="")
    assert [(done.messages, done.new, [p.line for p in done.skipped]) for done in (first, again)] == [
        (2, 2, [3]),
        (2, 0, [3]),
    ]
    (folder / "chat.csv").write_text(CHAT + "19:33:00,赵六,谢谢老师\n", encoding="utf-8")
    assert (await brought(folder)).new == 1
    messages = await kept(folder)
    assert next((m.text, m.author_name, m.source) for m in messages if m.part == 1) == (
        "有回放吗",
        "张三",
        "tencent_classroom",
    )
    assert messages[0].at == 1793532605.0
    assert len(messages) > 3, "what asks two things is split as in a live chat"


async def test_the_columns_that_a_person_says_go_before_the_guess(folder: Path) -> None:
    """Counted from 1; a column that does not exist, or a role that does not, is told."""
    await brought(folder, text=2)
    assert {(m.text, m.author_name) for m in await kept(folder)} == {("张三", ""), ("李四", ""), ("王五", "")}
    with pytest.raises(BadInput, match="has 3 columns, counted from 1"):
        await brought(folder, text=4)
    with pytest.raises(BadInput, match="no such column as question"):
        await brought(folder, question=1)
    (folder / "times.csv").write_text("19:30:05\n19:30:06\n")
    with pytest.raises(BadInput, match="which column holds the texts"):
        await brought(folder, "times.csv")


async def test_what_was_not_confirmed_is_not_written(folder: Path) -> None:
    """A person sees the guess and the first messages, and says no."""
    seen: list[Preview] = []
    settings = load(folder / "floormic.toml")
    assert await import_chat(settings, folder / "chat.csv", "talk", None, lambda p: bool(seen.append(p))) is None
    assert (seen[0].sure, seen[0].columns) == (True, {"time": 0, "text": 2, "name": 1})
    assert next(said.text for said in seen[0].first) == "有回放吗"
    assert not (folder / "data/floormic.sqlite3").exists()


async def test_while_the_program_runs_it_says_what_to_do(folder: Path) -> None:
    """The database belongs to the running program."""
    await brought(folder)
    store = await open_store(folder / "data/floormic.sqlite3")
    try:
        with pytest.raises(StoreBusy, match="stop it and import then, or post the messages"):
            await brought(folder)
    finally:
        await store.close()


async def test_a_wrong_session_or_file_is_named(folder: Path) -> None:
    """With the sessions that there are, or what is wrong with the file."""
    with pytest.raises(NotFound, match="--session: talk"):
        await brought(folder, session="tlak")
    with pytest.raises(BadInput, match=r"none.csv: cannot be read: No such file"):
        await brought(folder, "none.csv")
    (folder / "empty.csv").write_bytes(b"")
    with pytest.raises(BadInput, match=r"empty.csv: is empty"):
        await brought(folder, "empty.csv")


def test_the_command_shows_what_it_would_do_and_asks(folder: Path) -> None:
    """Columns, how sure they are and the first messages; then it counts, and names the rows that were skipped."""
    result = run(folder, str(folder / "chat.csv"), typed="y\n")
    assert result.return_value == 1
    assert "csv, gb18030, 3 rows" in result.stdout
    assert "text  column 3  内容" in result.stdout
    assert "2  2026-11-01 19:30:05  张三: 有回放吗" in result.stdout
    assert "messages   2\nnew        2\nskipped    1 row\n" in result.stdout
    assert "chat.csv:3: skipped: has no text" in result.stderr
    assert "Import it so?" in result.stderr
    assert "nothing imported" in run(folder, str(folder / "chat.csv"), typed="n\n").stderr


def test_without_asking_it_needs_to_be_sure(folder: Path) -> None:
    """`--yes` goes on where the guess is good or the columns were said, and not in the dark."""
    assert "new        2" in run(folder, str(folder / "chat.csv"), "--yes").stdout
    (folder / "dark.csv").write_text("aa,bb\ncc,dd\n")
    assert "say them with --columns" in str(run(folder, str(folder / "dark.csv"), "--yes").exception)
    assert "new        2" in run(folder, str(folder / "dark.csv"), "--yes", "--columns", "text=1, name=2").stdout
    assert "counted from 1" in str(run(folder, str(folder / "dark.csv"), "--columns", "text=a").exception)


def test_a_file_cannot_command_the_terminal(folder: Path) -> None:
    """Escape sequences in names, titles and texts are shown as what they are."""
    (folder / "chat.csv").write_text("time,name,text\n19:30:05,\x1b[2J,\x1b]0;x\x07why\n")
    result = run(folder, str(folder / "chat.csv"), "--yes")
    assert "\x1b" not in result.output
    assert "why" in result.stdout
