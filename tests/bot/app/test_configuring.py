"""A source is written into the configuration, and everything else in it stays."""

import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.app import configuring
from bot.app.configuring import Configuration, with_source
from bot.app.sources import load
from bot.errors import BadInput, SettingsError

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
SECRET = "k3Vq9zXw2LmN8pRt"

WRITTEN = """# my hall
data = "kept" # beside

[telegram]  # the bot
# where its token is
token_env = "MY_TOKEN"   # in the environment
mode = "polling"

# the talks
[[session]]
id = "one"
title = "One"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "floormic.toml"
    file.write_text(WRITTEN)
    return file


def open_config(file: Path, **environ: str) -> Configuration:
    return Configuration(file, {"MY_TOKEN": TOKEN, **environ})


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def without(text: str, *lines: str) -> list[str]:
    return [line for line in text.splitlines() if line not in lines]


def test_a_new_kind_comes_at_the_end(config: Path) -> None:
    """Not a letter of what was there changes."""
    assert open_config(config).write("intake", "intake", {}, {"secret": SECRET}) == []
    text = config.read_text()
    assert text.startswith(WRITTEN)
    assert text.removeprefix(WRITTEN) == '\n[intake]\nsecret_file = "kept/secrets/intake-secret"\n'


def test_a_secret_lies_where_only_its_owner_reads_it(config: Path, tmp_path: Path) -> None:
    """Its own file with 600 in a folder with 700, also where the folder was open before; never in the configuration."""
    folder = tmp_path / "kept/secrets"
    folder.mkdir(parents=True, mode=0o755)
    open_config(config).write("intake", "intake", {}, {"secret": SECRET})
    file = folder / "intake-secret"
    assert (file.read_text().strip(), mode(file), mode(folder)) == (SECRET, 0o600, 0o700)
    assert SECRET not in config.read_text()
    assert list(folder.iterdir()) == [file]


def test_a_second_of_a_kind_makes_double_brackets_of_the_first(config: Path) -> None:
    """Comments and order of the first stay, and both are read."""
    open_config(config).write("telegram", "other", {"name": "other", "mode": "polling"}, {"token": TOKEN})
    text = config.read_text()
    assert "[[telegram]]  # the bot\n# where its token is" in text
    assert (
        without(WRITTEN, "[telegram]  # the bot")
        == without(text, "[[telegram]]  # the bot")[: len(WRITTEN.splitlines()) - 1]
    )
    found = tomllib.loads(text)["telegram"]
    assert [table.get("name", "telegram") for table in found] == ["telegram", "other"]


def test_a_third_is_added_to_the_array(config: Path) -> None:
    """A kind that is written in double brackets already gets one more table."""
    for name in ("b", "c"):
        open_config(config).write("telegram", name, {"name": name}, {"token": TOKEN})
    assert set(open_config(config).sources) == {"telegram", "b", "c"}


def test_replacing_changes_the_lines_that_are_new(config: Path) -> None:
    """Another form of a secret comes in its place; comments, the other keys and the other tables stay."""
    file = open_config(config)
    file.write(
        "telegram", "telegram", {"name": "telegram", "mode": "polling", "every_message": False}, {"token": TOKEN}
    )
    text = config.read_text()
    assert text == WRITTEN.replace(
        'token_env = "MY_TOKEN"   # in the environment\nmode = "polling"\n',
        'token_file = "kept/secrets/telegram-token"\nmode = "polling"\nname = "telegram"\nevery_message = false\n',
    )


def test_replacing_one_of_several_leaves_the_others(config: Path) -> None:
    """Only the table of that name changes."""
    open_config(config).write("telegram", "b", {"name": "b"}, {"token": TOKEN})
    before = config.read_text()
    open_config(config).write("telegram", "b", {"name": "b", "every_message": False}, {})
    assert without(config.read_text(), "every_message = false") == before.splitlines()


def test_the_template_is_what_a_new_file_begins_with(tmp_path: Path) -> None:
    """Where there is no configuration, the commented one is written with the source in it."""
    file = Configuration(tmp_path / "new/floormic.toml", {})
    assert not file.exists
    assert file.sources == {}
    file.write("intake", "intake", {}, {"secret": SECRET})
    text = (tmp_path / "new/floormic.toml").read_text()
    assert text.startswith("# The configuration of Floormic.")
    assert [source.name for source in load(tmp_path / "new/floormic.toml").sources] == ["intake"]


def test_what_would_not_be_valid_is_not_written(config: Path, tmp_path: Path) -> None:
    """The file stays as it was, and the secret's file goes again."""
    file = open_config(config)
    with pytest.raises(SettingsError, match=r"floormic\.toml:\d+: \[intake\] session: there is no session 'two'"):
        file.write("intake", "intake", {"session": "two"}, {"secret": SECRET})
    assert config.read_text() == WRITTEN
    assert list((tmp_path / "kept/secrets").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"floormic.toml", "kept"}


def test_a_former_secret_comes_back_where_nothing_was_written(config: Path) -> None:
    """A failure does not cost the secret that worked."""
    open_config(config).write("intake", "intake", {}, {"secret": SECRET})
    file = open_config(config)
    with pytest.raises(SettingsError):
        file.write("intake", "intake", {"session": "two"}, {"secret": "x" + SECRET})
    assert file.secret_file("intake", "secret").read_text().strip() == SECRET


def test_mistakes_of_other_sources_do_not_stand_in_the_way(config: Path) -> None:
    """A variable that is not set in this terminal is told afterwards; mistakes in the rest of the file come first."""
    file = Configuration(config, {})
    [told] = file.write("intake", "intake", {}, {"secret": SECRET})
    assert told.startswith(f"{config}:")
    assert "MY_TOKEN is not set" in told
    config.write_text(WRITTEN + "\n[web]\nprot = 1\n")
    with pytest.raises(SettingsError, match=r"floormic\.toml:15: \[web\] prot: there is no such setting"):
        Configuration(config, {})
    config.write_text("[web\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        Configuration(config, {})


@pytest.mark.parametrize("text", ['telegram = {token_env = "X"}\n', 'telegram.token_env = "X"\n', "telegram = 1\n"])
def test_other_ways_to_write_a_table_are_left_alone(text: str) -> None:
    """What cannot be gone on with is said rather than rewritten."""
    with pytest.raises(BadInput, match=r"write it as \[telegram\]"):
        with_source(text, "telegram", "other", {"name": "other"}, replaces=False)


def test_the_ends_of_lines_stay_those_of_the_file(config: Path) -> None:
    """A file from Windows remains one."""
    config.write_bytes(WRITTEN.replace("\n", "\r\n").encode())
    open_config(config).write("intake", "intake", {}, {"secret": SECRET})
    written = config.read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n")


def test_the_file_keeps_its_rights(config: Path) -> None:
    """A configuration that only its owner may read stays so."""
    config.chmod(0o600)
    open_config(config).write("intake", "intake", {}, {"secret": SECRET})
    assert mode(config) == 0o600


def test_a_copy_is_never_open_to_others(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may hold tokens and be closed for that: while it is read or written as a copy, that one is closed as
    well, from its first moment on."""
    config.chmod(0o600)
    modes: list[int] = []

    def spy(work: Callable[..., Any]) -> Callable[..., Any]:
        def spying(part: Path, *rest: Any) -> Any:
            modes.append(mode(Path(part)))
            return work(part, *rest)

        return spying

    monkeypatch.setattr(configuring, "load_settings", spy(configuring.load_settings))
    monkeypatch.setattr(Path, "chmod", spy(Path.chmod))
    open_config(config).write("telegram", "other", {"name": "other", "mode": "polling"}, {"token": TOKEN})
    assert [found for found in modes if found & 0o077] == []
    assert len(modes) >= 3
