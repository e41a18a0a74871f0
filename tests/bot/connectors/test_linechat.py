"""The connector of docs/connectors.md in the whole program: one file and one entry."""

from pathlib import Path

import pytest

from bot.app import open_hall
from bot.app.sources import KINDS, load, surroundings
from bot.errors import ConnectorError, Refused
from bot.settings import connectors_page, describe_settings
from tests.bot.app.test_hall import _questions, until, visitor
from tests.fake_linechat import LINECHAT, PASSWORD, FakeLineChat
from tests.fakes import HashEncoder

KIND = LINECHAT.KIND


@pytest.fixture(autouse=True)
def entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one entry that the page asks for."""
    monkeypatch.setitem(KINDS, "linechat", KIND)


def written(folder: Path, port: int) -> Path:
    path = folder / "floormic.toml"
    path.write_text(
        f'data = "{folder}/data"\n[web]\nport = 0\n[[session]]\nid = "talk"\ntitle = "T"\nlanguage = "en"\n'
        f'[linechat]\npassword = "{PASSWORD}"\nhost = "127.0.0.1"\nport = {port}\n',
        encoding="utf-8",
    )
    return path


async def test_one_file_and_one_entry_make_a_source(tmp_path: Path) -> None:
    """With no other change it is configured, listens, fills the queue and answers in the room."""
    async with FakeLineChat() as room:
        settings = load(written(tmp_path, room.port))
        room.says("ann", "Is there a recording?")
        async with open_hall(settings, encoder=HashEncoder()) as hall, visitor(hall) as viewer:
            await hall.loaded()
            (question,) = await until(lambda: _questions(viewer, people=1))

            async def answered() -> bool:
                return any(user == "floormic" for _, user, _ in room.said)

            await until(answered)
    assert question["chats"] == {"linechat": 1}
    assert room.said[-1] == ("2", "floormic", "Got your question: Is there a recording?")


async def test_its_keys_can_be_tried_out(tmp_path: Path) -> None:
    """It says who we are there, that the password is wrong, or that nobody answers."""
    async with FakeLineChat() as room:
        settings = load(written(tmp_path, room.port))
        (options,) = settings.sources
        around = surroundings(settings, options, lambda: 0.0, lambda _: b"")
        assert await KIND.try_out(options, around) == "The room lets us in; there we are called floormic."
        wrong = options.model_copy(update={"password": type(options.password)("wrong")})
        with pytest.raises(Refused, match="password"):
            await KIND.try_out(wrong, around)
    with pytest.raises(ConnectorError, match="cannot be reached"):
        await KIND.try_out(options, around)


def test_its_pages_follow() -> None:
    """The settings and the table of abilities show it without another word."""
    assert "[linechat]" in {row.section for row in describe_settings([KIND.options])}
    page = connectors_page("# C\n<!-- begin -->\n<!-- end -->\n", [KIND])
    assert "| [`linechat`](settings.md#linechat) | Line chat | we connect | yes |" in page


def test_a_page_without_its_marks_is_refused() -> None:
    """Nothing is overwritten by guessing."""
    with pytest.raises(ValueError, match="begin"):
        connectors_page("# C\n<!-- begin -->\n", [KIND])
