"""The commands about sources: `connect`, `listen`, `sources`."""

import asyncio
import json
import os
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot import cli
from bot.app.source_status import installation
from bot.app.sources import KINDS
from bot.app.terminal import cells, steps
from bot.errors import BadInput, FloormicError, StoreBusy
from bot.model import SourceHealth, SourceState
from bot.storage.connection import claim
from bot.storage.sqlite import open_store

INTAKE = '[intake]\nsecret_file = "data/secrets/intake-secret"\n'


def run(*arguments: str | Path, input: str = "", **environ: str) -> Result:
    environ = {"LANG": "en_US.UTF-8", **environ}
    arguments = tuple(map(str, arguments))
    return CliRunner().invoke(cli.floormic, arguments, standalone_mode=False, input=input, env=environ)  # type: ignore[arg-type]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "floormic.toml"


def beat(config: Path, state: SourceState = SourceState.CONNECTED, ago: float = 1.0, trouble: str = "") -> None:
    async def keep() -> None:
        store = await open_store(installation(config).database)
        await store.keep_sources([SourceHealth("intake", state, time.time() - 60, time.time() - ago, trouble=trouble)])
        await store.close()

    asyncio.run(keep())


def test_a_source_is_set_up_by_answering(config: Path) -> None:
    """The guide, the question, the file; what is typed as a secret is not shown."""
    typed = "Xk29fLq0aTz7RbVw"
    result = run("connect", "intake", "--config", config, input=f"{typed}\n")
    assert result.exception is None, result.output
    assert "Signed intake (intake)" in result.output
    assert "The file is valid." in result.output
    assert typed not in result.output
    assert (config.parent / "data/secrets/intake-secret").read_text().strip() == typed
    assert config.read_text().endswith("\n\n" + INTAKE)
    assert run("check", "--config", config).return_value == 0


def test_a_name_that_exists_is_asked_about(config: Path) -> None:
    """The choices are offered with their letters, and stopping changes nothing."""
    run("connect", "intake", "--config", config, "--yes")
    before = config.read_text()
    result = run("connect", "intake", "--config", config, input="s\n")
    assert "[r] replace it, [o] choose another name, [s] stop" in result.output
    assert isinstance(result.exception, BadInput)
    assert config.read_text() == before
    assert run("connect", "intake", "--config", config, input="x\no\nlobby\n\n").exception is None
    assert '[[intake]]\nname = "lobby"\n' in config.read_text()


def test_a_source_is_set_up_without_a_person(config: Path) -> None:
    """--set, --secret-env, --yes."""
    given = ("--set", "name=lobby", "--secret-env", "secret=MINE", "--yes")
    result = run("connect", "intake", "--config", config, *given, MINE="Xk29fLq0aTz7RbVw")
    assert result.exception is None, result.output
    assert config.read_text().endswith('[intake]\nname = "lobby"\nsecret_env = "MINE"\n')


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "name a kind"),
        (("intaek",), 'did you mean "intake"'),
        (("intake", "--set", "name"), "--set name: write it as --set key=value"),
        (("intake", "--secret-env", "=X"), "write it as --secret-env key=value"),
    ],
)
def test_bad_input_gets_a_clear_line(config: Path, arguments: tuple[str, ...], line: str) -> None:
    """And no file comes into being."""
    result = run("connect", *arguments, "--config", config)
    assert isinstance(result.exception, BadInput)
    assert line in str(result.exception)
    assert not config.exists()


@pytest.mark.parametrize(
    ("environ", "options", "title"),
    [
        ({"LANG": "zh_CN.UTF-8"}, (), "签名接口"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, (), "Signed intake"),
        ({"LANG": ""}, ("--language", "zh"), "签名接口"),
        ({"LANG": "de_DE.UTF-8"}, (), "Signed intake"),
    ],
)
def test_the_list_speaks_the_language_of_the_terminal(
    environ: dict[str, str], options: tuple[str, ...], title: str
) -> None:
    """$LANG and what goes before it, or --language."""
    text = run("connect", "--list", *options, COLUMNS="80", **environ).output
    assert title in text
    assert "telegram" in text
    assert ("平台来访问" if title == "签名接口" else "it calls us") in text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_is_read_on_eighty_columns(language: str) -> None:
    """No column is folded into single letters, and nothing is wider than the terminal."""
    lines = run("connect", "--list", "--language", language, COLUMNS="80").output.splitlines()
    assert max(map(cells, lines)) <= 80
    assert len(lines) <= len(KINDS) + 4
    assert all(any(line.startswith(kind) for line in lines) for kind in KINDS)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_guide_fits_the_terminal(kind: str, language: str) -> None:
    """No line is wider, no word is lost, and no line begins with a closing mark."""
    guide = KINDS[kind].guide[language]
    lines = steps(guide, 80).splitlines()
    assert max(map(cells, lines)) <= 80
    assert "".join("".join(lines).split()) == "".join(guide.split())
    assert not [line for line in lines if line.strip()[:1] in set("，。；：、）”")]


def test_a_person_with_a_chinese_terminal_is_told_in_chinese(config: Path) -> None:
    """Setting up, looking, mistakes: the questions of `connect`, the lines of `sources`, and what went wrong."""
    zh = {"LANG": "zh_CN.UTF-8"}
    shown = run("connect", "intake", "--config", config, input="\n", **zh).output
    assert "回车则自动生成" in shown
    assert "文件没有错误。" in shown
    assert "没有错误" in run("check", "--config", config, **zh).output
    beat(config, SourceState.LOST, trouble="Bilibili: the message server went silent. It is connected to anew.")
    told = run("sources", "--config", config, **zh).output
    assert "○ intake：已断开，正在自动重试，自" in told
    assert "  问题        哔哩哔哩：弹幕服务器不再发来数据，正在重新连接。" in told
    assert "Floormic 正在运行" in told
    assert not re.search(r"[a-z] [a-z]", told.replace("Floormic", "")), told


def test_sources_are_shown_as_text_and_as_json(config: Path) -> None:
    """The status is 0 where all is well, else 1."""
    config.write_text(INTAKE)
    beat(config)
    shown = run("sources", "--config", config)
    assert shown.return_value == 0
    assert "● intake: connected since" in shown.output
    told = json.loads(run("sources", "--config", config, "--json", "--hours", "2").output)
    assert (told["running"], told["hours"]) == (True, 2.0)
    assert told["sources"][0]["state"] == "connected"
    beat(config, SourceState.LOST)
    assert run("sources", "--config", config).return_value == 1
    beat(config, ago=60.0)
    stopped = run("sources", "--config", config)
    assert stopped.return_value == 1
    assert "Floormic is not running" in stopped.output


def test_sources_are_drawn_again_and_again(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--watch reads anew each time, until Ctrl-C."""
    config.write_text(INTAKE)
    beat(config)
    rounds: list[float] = []

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        beat(config, SourceState.LOST)
        if len(rounds) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli.time, "sleep", sleep)
    result = run("sources", "--config", config, "--watch", TERM="xterm-256color")
    assert result.exit_code == 1  # click makes an Abort of it, and `main` the status 130
    assert "lost, tried again by itself" in result.output
    assert isinstance(run("sources", "--config", config, "--watch", "--json").exception, BadInput)


def test_listening_needs_a_source_and_the_place_to_itself(config: Path) -> None:
    """An unknown name and a running program are said in a line each."""
    run("connect", "intake", "--config", config, "--yes")
    unknown = run("listen", "lobby", "--config", config)
    assert isinstance(unknown.exception, BadInput)
    (config.parent / "data").mkdir(exist_ok=True)
    held = claim(installation(config).database)
    busy = run("listen", "intake", "--config", config)
    os.close(held)
    assert isinstance(busy.exception, StoreBusy)
    assert isinstance(busy.exception, FloormicError)
