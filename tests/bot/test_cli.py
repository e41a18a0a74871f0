"""The command line: what it prints, and how it ends."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bot import cli
from bot.accounts import Grant
from bot.errors import BadInput, FloormicError

SAMPLE = Path(cli.__file__).parent.parent / "knowledge/sample/en/course"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.floormic, [str(argument) for argument in arguments], standalone_mode=False)


def floormic(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """As a user has it: another process."""
    command = [sys.executable, "-m", "bot.cli", *map(str, arguments)]
    root = str(Path(cli.__file__).parent.parent)
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": root, "HOME": str(cwd or "/tmp")}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd, env=env)


def test_init_writes_what_check_accepts(tmp_path: Path) -> None:
    """A fresh configuration with its empty course has no mistake."""
    assert run("init", tmp_path / "talk").exit_code == 0
    written = {path.name for path in (tmp_path / "talk").rglob("*") if path.is_file()}
    assert written == {"floormic.toml", "faq.md", "notes.md", "glossary.md"}
    checked = run("check", "--config", tmp_path / "talk/floormic.toml")
    assert (checked.return_value, checked.stdout) == (0, "")
    assert "no FAQ entries" in checked.stderr


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """What somebody wrote stays, and the missing files come."""
    (tmp_path / "floormic.toml").write_text("mine")
    result = run("init", tmp_path)
    assert (tmp_path / "floormic.toml").read_text() == "mine"
    assert "floormic.toml is there already" in result.output
    assert (tmp_path / "course/faq.md").exists()


def test_check_names_every_mistake_with_its_place(tmp_path: Path) -> None:
    """Mistakes of the configuration stand on standard output, one a line, and the status is 1."""
    (tmp_path / "floormic.toml").write_text("[web]\nprot = 1\nhots = 2\n")
    done = floormic("check", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        'floormic.toml:2: [web] prot: there is no such setting; did you mean "port"?',
        'floormic.toml:3: [web] hots: there is no such setting; did you mean "host"?',
    ]


def test_check_names_mistakes_of_the_course(tmp_path: Path) -> None:
    """A course file that cannot be used is a mistake with its line."""
    run("init", tmp_path)
    (tmp_path / "course/faq.md").write_text("## A question without an answer\n")
    result = run("check", "--config", tmp_path / "floormic.toml")
    assert result.return_value == 1
    assert f"{tmp_path / 'course/faq.md'}:1: " in result.stdout


def test_check_warns_of_a_precision_at_which_nothing_is_sent(tmp_path: Path) -> None:
    """It is no mistake, and what would be sent is told."""
    (tmp_path / "floormic.toml").write_text("[answers]\nprecision = 0.99\n")
    result = run("check", "--config", tmp_path / "floormic.toml")
    assert result.return_value == 0
    assert "[answers]: at a precision of 0.99 no entries are sent by themselves (up to 0.975 they are)" in result.stdout


def test_without_a_configuration_the_defaults_are_checked(tmp_path: Path) -> None:
    """No floormic.toml in the folder: the embedded defaults have no mistake."""
    done = floormic("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_course_shows_what_was_read() -> None:
    """Entries and passages with their sources, and a count."""
    result = run("course", SAMPLE)
    assert result.return_value == 0
    assert "(faq.md:" in result.stdout
    assert "FAQ entries" in result.stderr


def test_a_course_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    """A wrong folder is said and gives the status 1."""
    result = run("course", tmp_path / "none")
    assert result.return_value == 1
    assert "there is no such course folder" in result.stdout


def test_a_link_is_accepted_by_the_program_that_shares_the_data_folder(tmp_path: Path) -> None:
    """The link carries name, role and session, signed with the secret of the data folder."""
    from bot.settings import keep_secret
    from bot.web.signin import SignIn

    (tmp_path / "floormic.toml").write_text('[web]\npublic_url = "https://f.example.org"\n')
    result = run(
        "link", "--config", tmp_path / "floormic.toml", "--role", "expert", "--name", "Ann", "--session", "talk"
    )
    address, token = result.stdout.strip().rsplit("/", 1)
    assert address == "https://f.example.org/signin"
    secret = keep_secret(tmp_path / "data/secret").encode()
    invitation = SignIn(secret, None, time.time).invitation(token)  # type: ignore[arg-type]
    assert invitation
    assert (invitation.name, invitation.grants) == ("Ann", (Grant("expert", "talk"),))
    assert invitation.expires_at == pytest.approx(time.time() + 86400, abs=60)


def test_a_link_for_an_unknown_session_is_refused(tmp_path: Path) -> None:
    """A slip in the session's id is told before anybody gets a link that opens nothing."""
    (tmp_path / "floormic.toml").write_text("")
    result = run("link", "--config", tmp_path / "floormic.toml", "--session", "tlak")
    assert isinstance(result.exception, FloormicError)


@pytest.mark.parametrize("name", ["course", "Ann · telegram"])
def test_a_link_for_a_name_that_nobody_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """Whoever opened it would have been "course 2", and "course 3" with the next link, without a word."""
    (tmp_path / "floormic.toml").write_text("")
    result = run("link", "--config", tmp_path / "floormic.toml", "--name", name)
    assert isinstance(result.exception, FloormicError)
    assert "choose another one" in str(result.exception)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("link --hours nan", "nan is no number"),
        ("replay chat.jsonl --out o.jsonl --speed inf", "inf is no number"),
        ("replay chat.jsonl --out file/o.jsonl", "file/o.jsonl cannot be written: make the folder"),
        ("replay chat.jsonl --out o.jsonl --course none", "Directory 'none' does not exist"),
        ("bench --talk empty --talk none", "Directory 'none' does not exist"),
        ("bench --chat none", "File 'none' does not exist"),
        ("bench --model ./none", "there is no folder ./none"),
        ("calibrate --talks empty", "empty: holds no labelled talks, and no topics either:\nempty: there is no topic"),
        ("forget --before 0001-01-01 --yes", "no evening is older than 1970"),
        ("restore none", "there is no file none"),
        ("restore none --check", "there is no file none"),
        ("move --from sqlite:data --to postgresql://u@localhost/x", "there is no database at"),
        ("check --config gbk.toml", "gbk.toml: is not UTF-8 text (byte 0): save it as UTF-8"),
        ("course none", "none: there is no such course folder: create it, or correct its path"),
    ],
)
def test_what_is_typed_wrongly_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, said: str
) -> None:
    """What is wrong and what to do, before minutes of work, and a status that tells programs."""
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "data"):
        (tmp_path / folder).mkdir()
    for file in ("file", "chat.jsonl", "floormic.toml", "data/floormic.sqlite3"):
        (tmp_path / file).touch()
    (tmp_path / "gbk.toml").write_bytes("测 = 1".encode("gb18030"))
    result = run(*typed.split())
    wrong = result.exception
    if wrong is None:
        assert result.return_value == 1
        assert result.stdout.startswith(said)
    else:
        assert isinstance(wrong, FloormicError | click.ClickException)
        assert said in (wrong.format_message() if isinstance(wrong, click.ClickException) else str(wrong))


def test_a_replay_writes_a_line_a_message_and_tells_broken_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arguments reach the program, and its summary reaches the user."""
    from bot import app
    from bot.app import ReplaySummary
    from bot.connectors.replay import Broken

    seen: list[object] = []

    async def replay(*arguments: object, **_: object) -> ReplaySummary:
        seen.extend(arguments)
        return ReplaySummary(5, 3, 2, 1, 0, (Broken(4, "no JSON: x"),), 2.0)

    monkeypatch.setattr(app, "replay", replay)
    chat = tmp_path / "chat.jsonl"
    chat.write_text("{}\n")
    result = run("replay", chat, "--out", tmp_path / "out.jsonl", "--speed", "3", "--language", "en")
    assert seen[:6] == [chat, None, 3.0, tmp_path / "out.jsonl", None, "en"]
    assert "chat.jsonl:4: skipped: no JSON: x" in result.stderr
    assert "groups     2" in result.stdout
    assert "skipped    1 line" in result.stdout


def test_a_replay_does_not_write_over_its_chat(tmp_path: Path) -> None:
    """Decisions hold no texts: what was recorded would be gone."""
    chat = tmp_path / "chat.jsonl"
    chat.write_text("{}\n")
    result = run("replay", chat, "--out", tmp_path / "." / "chat.jsonl")
    assert isinstance(result.exception, BadInput)
    assert "is the chat itself" in str(result.exception)
    assert chat.read_text() == "{}\n"


class TestEndings:
    def test_help_is_fast(self) -> None:
        """Help comes before anything heavy is imported."""
        code = "import sys, bot.cli; print(sorted({'torch', 'numpy', 'aiohttp', 'pydantic'} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.stdout == "[]\n"
        assert "Commands:" in floormic("--help").stdout

    def test_what_cannot_be_done_is_said_without_a_traceback(self, tmp_path: Path) -> None:
        """A known failure is one line on standard error and the status 2."""
        done = floormic("run", "--config", tmp_path / "none.toml")
        assert done.returncode == 2
        assert done.stderr.startswith(f"floormic: {tmp_path / 'none.toml'}: there is no such file")
        assert "Traceback" not in done.stderr

    def test_a_wrong_command_suggests_the_right_one(self) -> None:
        """Typing errors are met with the command that was meant."""
        done = floormic("repotr")
        assert done.returncode == 2
        assert "report" in done.stderr

    def test_ctrl_c_is_quiet(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Stopping is no failure: status 130 and no traceback."""

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(sys, "argv", ["floormic", "version"])
        monkeypatch.setattr(cli.floormic.commands["version"], "callback", interrupted)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 130
        assert "Traceback" not in capsys.readouterr().err


class TestBackups:
    def test_a_backup_is_written_rehearsed_and_restored(self, tmp_path: Path) -> None:
        """The three commands one after the other, as an organiser types them; nothing but the file's name is asked."""
        (tmp_path / "floormic.toml").write_text("")
        assert "no database yet" in floormic("backup", cwd=tmp_path).stderr
        asyncio.run(founded(tmp_path / "data/floormic.sqlite3"))
        written = floormic("backup", "--keep", "2", cwd=tmp_path)
        assert (written.returncode, written.stderr) == (0, "")
        assert "keep it private" in written.stdout
        [file] = (tmp_path / "backups").iterdir()
        rehearsed = floormic("restore", "--check", file, cwd=tmp_path)
        assert (rehearsed.returncode, rehearsed.stderr) == (0, "")
        assert "can be restored: messages 0, questions 0" in rehearsed.stdout
        refused = floormic("restore", file, cwd=tmp_path)
        assert (refused.returncode, "--replace" in refused.stderr) == (2, True)
        assert floormic("restore", file, "--replace", cwd=tmp_path).returncode == 0
        assert len(list(tmp_path.glob("data.before-*"))) == 1

    def test_a_file_that_cannot_grow_leaves_nothing(self, tmp_path: Path) -> None:
        """A disk that is full in the middle: one line, status 2, and no half file."""
        asyncio.run(founded(tmp_path / "data/floormic.sqlite3"))
        limited = f"ulimit -f 100; exec {sys.executable} -m bot.cli backup"
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(cli.__file__).parent.parent), "HOME": str(tmp_path)}
        done = subprocess.run(
            ["bash", "-c", limited], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=env
        )
        assert done.returncode == 2
        assert done.stderr.startswith("floormic: ")
        assert "Traceback" not in done.stderr
        assert list((tmp_path / "backups").iterdir()) == []


async def founded(database: Path) -> None:
    from bot.storage.sqlite import open_store

    await (await open_store(database)).close()
