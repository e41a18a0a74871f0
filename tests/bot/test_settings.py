"""The configuration file: what it becomes, and what is said about every mistake in it."""

import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app.sources import KINDS
from bot.connectors.intake import IntakeOptions
from bot.connectors.telegram import TelegramOptions
from bot.errors import SettingsError
from bot.model import Mode, Session
from bot.settings import Settings, keep_secret
from bot.settings import load_settings as load_with
from bot.settings.checks import SHIPPED, SOCKET
from knowledge.encoder import OURS, SHARED

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
SECRET = "k3yS0fR4nd0mCh4racters"

OPTIONS = [kind.options for kind in KINDS.values()]


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    return load_with(path, environ, OPTIONS)


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "floormic.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings(path, environ or {})
    return [problem.removeprefix(f"{path}:") for problem in raised.value.problems]


def test_no_file_gives_one_session_and_listens_to_this_machine_only() -> None:
    """Without a configuration the program runs on defaults that expose nothing."""
    loaded = load_settings(None, {})
    assert [session.id for session in loaded.sessions] == ["talk"]
    assert loaded.web.host == "127.0.0.1"
    assert loaded.sources == ()
    assert loaded.data == Path.cwd() / "data"
    assert loaded.database == Path.cwd() / "data/floormic.sqlite3"


def test_a_session_becomes_the_value_that_the_store_keeps(write: Write, tmp_path: Path) -> None:
    """Every setting of a session arrives in its Session, times as Unix seconds, the course beside the file."""
    (tmp_path / "course").mkdir()
    loaded = load_settings(
        write(
            '[[session]]\nid = "t1"\ntitle = "T"\nseries = "S"\nspeaker = "P"\nlanguage = "en"\ncourse = "course"\n'
            'starts_at = 1970-01-01T08:00:05+08:00\nreview = true\nledger = true\ngrouping = "off"\n'
            'answers = "suggest"\nacknowledgements = "off"\n'
        ),
        {},
    )
    assert loaded.sessions[0].session(loaded.after) == Session(
        "t1", "T", "S", "P", 5.0, None, str(tmp_path / "course"), "en", True, True, Mode.OFF, Mode.SUGGEST, Mode.OFF
    )
    assert loaded.warnings == ()


def test_the_defaults_of_a_session_are_those_of_the_model(write: Write) -> None:
    """A session configured with only its id and title is the model's own default session."""
    loaded = load_settings(write('[[session]]\nid = "a"\ntitle = "A"\n'), {})
    assert loaded.sessions[0].session(loaded.after) == Session("a", "A")


def test_every_mistake_is_reported_at_once_with_line_table_and_key(write: Write) -> None:
    """Mistakes of all kinds come in one list in the order of the file."""
    path = write(
        'dta = "x"\n[web]\nprot = 1\nport = "80"\n\n[[session]]\nid = "a"\ntitle = "A"\n[[session]]\nid = "a"\n'
        'languge = "en"\n\n[[session]]\nid = "c"\ntitle = "C"\nanswers = "atuo"\n'
    )
    assert problems(path) == [
        '1: dta: there is no such setting; did you mean "data"?',
        '3: [web] prot: there is no such setting; did you mean "port"?',
        "4: [web] port: must be a whole number without quotes",
        "9: [[session]] title: is needed",
        "10: [[session]] id: there is another session with the id 'a'",
        '11: [[session]] languge: there is no such setting; did you mean "language"?',
        "16: [[session]] answers: must be off, suggest or auto, not 'atuo'; did you mean \"auto\"?",
    ]


def test_a_key_in_the_wrong_table_is_told_where_it_belongs(write: Write) -> None:
    """A known key under another table is pointed to its own."""
    path = write('speaker = "me"\n[encoder]\nport = 1\n')
    assert problems(path) == [
        "1: speaker: there is no such setting here; it belongs in [[session]]",
        "3: [encoder] port: there is no such setting here; it belongs in [web]",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[session]\nid = "a"\ntitle = "A"', "1: [[session]]: write [[session]] with double brackets"),
        ("[[web]]\nport = 1", "1: [web]: write [web] once and with single brackets"),
        ("session = 3", "1: [[session]]: must be a table"),
        ("web = 3", "1: [web]: must be a table"),
        ('[web]\ntrusted_proxies = "10.0.0.1"', "2: [web] trusted_proxies: must be a list"),
        ('[web]\ntrusted_proxies = ["10.0.0.300"]', "2: [web] trusted_proxies: '10.0.0.300' is no IP address"),
        ('[web]\npublic_url = "floor.example.org"', "2: [web] public_url: must be an address like https://"),
        ("[web]\nport = 65536", "2: [web] port: should be less than or equal to 65535"),
        ('[[session]]\nid = "A b"\ntitle = "A"', "2: [[session]] id: must be 1 to 64 small letters"),
        ('[[session]]\nid = ["a"]\ntitle = "A"', "2: [[session]] id: must be text"),
        ('[[session]]\nid = "a"\ntitle = ""', "3: [[session]] title: must not be empty"),
        ('[[session]]\nid = "a"\ntitle = "A"\nstarts_at = 2026-12-01T19:30:00', "4: [[session]] starts_at: needs its"),
        ('[[session]]\nid = "a"\ntitle = "A"\nreview = "yes"', "4: [[session]] review: must be true or false"),
        ('data = """\n[web]\nhost = 1\n"""\n[web]\nhost = 1', "6: [web] host: must be text"),
        ("[web\nport = 1", "1: is not valid TOML"),
        ('database = "mysql://db/hall"', "1: database: must be an address postgresql://USER:PASSWORD@HOST/NAME"),
        ("database = 1", "1: database: must be text"),
        ('database_env = "NONE"', "1: database_env: the environment variable NONE is not set"),
        ('database_file = "a"\ndatabase = "b"', "1: database_file: give only one of database, database_env"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_at_its_line(write: Write, text: str, expected: str) -> None:
    """The first problem of each wrong file stands at the line where it was made."""
    assert problems(write(text))[0].startswith(expected)


@pytest.mark.parametrize(
    ("text", "environ", "warned"),
    [
        ('database = "postgresql://me@db/hall"', {}, False),
        ('database = "postgresql://me:hidden@db/hall"', {}, True),
        ('database = "postgresql://me@db/hall?password=hidden"', {}, True),
        ('database_env = "DB"', {"DB": "postgresql://me:hidden@db/hall"}, False),
        ("", {"FLOORMIC_DATABASE": "postgresql://me:hidden@db/hall"}, False),
    ],
)
def test_a_database_of_postgresql_may_hold_a_password(
    write: Write, text: str, environ: dict[str, str], warned: bool
) -> None:
    """Its address comes from the file or a variable; it is shown nowhere, and one in the file is warned about only
    where there is a password in it. Nothing said is the file in the data folder."""
    loaded = load_settings(write(text), environ)
    assert loaded.postgres.startswith("postgresql://me")
    assert any("better name a variable" in one for one in loaded.warnings) is warned
    assert "hidden" not in repr(loaded)
    assert load_settings(write(""), {}).postgres == ""


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """No such file: the command that writes one is named."""
    with pytest.raises(SettingsError, match=r"there is no such file; `floormic init`"):
        load_settings(tmp_path / "none.toml", {})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are reported, not guessed."""
    path = tmp_path / "floormic.toml"
    path.write_bytes(b"title = \xff")
    with pytest.raises(SettingsError, match=r"is not UTF-8 text"):
        load_settings(path, {})


def test_a_missing_course_folder_is_a_warning_and_a_file_a_mistake(write: Write, tmp_path: Path) -> None:
    """The course may be written later; a file in its place is a slip."""
    path = write('[[session]]\nid = "a"\ntitle = "A"\ncourse = "later"\n')
    assert load_settings(path, {}).warnings == (
        f"{path}:4: [[session]] course: the folder {tmp_path / 'later'} does not exist (yet)",
    )
    (tmp_path / "later").write_text("x")
    assert "name the folder that holds it" in problems(path)[0]


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("models/mine", "{folder}/models/mine"),
        ("unix:run/encoder.sock", "unix:{folder}/run/encoder.sock"),
        ("unix:/run/encoder.sock", "unix:/run/encoder.sock"),
        ("bundled", "bundled"),
        ("models/link-e5", "{folder}/models/link-e5"),
        ("someone/on-the-hub", "someone/on-the-hub"),
    ],
)
def test_a_model_of_ones_own_lies_where_the_file_says(write: Write, tmp_path: Path, named: str, meant: str) -> None:
    """Relative to the file, wherever the program is started; what is no folder there is a name on the hub, and what
    ships with the program is never a folder."""
    for folder in ("models/mine", "bundled"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "models" / "link-e5").symlink_to(tmp_path / "bundled")
    loaded = load_settings(write(f'[encoder]\nmodel = "{named}"\n'), {})
    assert loaded.encoder.model == meant.format(folder=tmp_path.resolve())
    assert SHIPPED == OURS
    assert SOCKET == SHARED


def telegram_in(loaded: Settings) -> TelegramOptions:
    (found,) = loaded.sources
    assert isinstance(found, TelegramOptions)
    return found


def intake_in(loaded: Settings) -> IntakeOptions:
    (found,) = loaded.sources
    assert isinstance(found, IntakeOptions)
    return found


class TestTelegram:
    def test_the_token_comes_from_the_environment(self, write: Write) -> None:
        """The default variable is read, and the only session is the bot's."""
        loaded = load_settings(write("[telegram]\n"), {"FLOORMIC_TELEGRAM_TOKEN": TOKEN})
        assert telegram_in(loaded).token.get_secret_value() == TOKEN
        assert telegram_in(loaded).session == "talk"
        assert loaded.warnings == ()

    def test_the_token_comes_from_a_file_beside_the_configuration(self, write: Write, tmp_path: Path) -> None:
        """A file may hold the token; one that everybody can read is warned about."""
        file = tmp_path / "token"
        file.write_text(TOKEN + "\n")
        file.chmod(0o600)
        path = write('[telegram]\ntoken_file = "token"\n')
        loaded = load_settings(path, {})
        assert telegram_in(loaded).token.get_secret_value() == TOKEN
        assert loaded.warnings == ()
        file.chmod(0o644)
        assert "chmod 600" in load_settings(path, {}).warnings[0]

    def test_a_token_in_the_file_works_but_is_warned_about(self, write: Write) -> None:
        """A written token is used, never shown, and better kept elsewhere."""
        loaded = load_settings(write(f'[telegram]\ntoken = "{TOKEN}"\n'), {})
        assert "better name a variable" in loaded.warnings[0]
        assert TOKEN not in repr(loaded)

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            ("", "the environment variable FLOORMIC_TELEGRAM_TOKEN is not set"),
            ('token_env = "OTHER"', "the environment variable OTHER is not set"),
            ('token_file = "none"', "cannot be read: No such file"),
            ('token = "1:short"', "is no bot token"),
            (f'token = "{TOKEN}"\ntoken_file = "x"', "give only one of token, token_env, token_file"),
            (f'token = "{TOKEN}"\nmode = "webhook"', "webhook needs web.public_url with https://"),
            (f'token = "{TOKEN}"\nsession = "tlk"', "there is no session 'tlk'; did you mean \"talk\"?"),
        ],
    )
    def test_what_is_wrong_with_a_bot_is_said(self, write: Write, table: str, expected: str) -> None:
        """Token, mode and session are checked before anything is started."""
        assert expected in problems(write(f"[telegram]\n{table}\n"))[0]

    def test_with_several_sessions_the_bot_must_name_one(self, write: Write) -> None:
        """Nothing is guessed where there is a choice."""
        path = write(
            '[[session]]\nid = "a"\ntitle = "A"\n[[session]]\nid = "b"\ntitle = "B"\n[telegram]\n',
        )
        assert "say which session it belongs to: a, b" in problems(path, {"FLOORMIC_TELEGRAM_TOKEN": TOKEN})[0]

    def test_a_wrong_token_is_never_repeated(self, write: Write) -> None:
        """Not even a token that cannot be used is printed."""
        for text in ('token = "sensitive words"', "token = 424242"):
            assert not any(
                "sensitive" in problem or "424242" in problem for problem in problems(write(f"[telegram]\n{text}\n"))
            )


class TestIntake:
    def test_the_secret_comes_from_where_it_is_said_to_be(self, write: Write) -> None:
        """A variable gives the secret, and the only session is the intake's."""
        loaded = load_settings(write('[[intake]]\nname = "q"\nsecret_env = "Q"\n'), {"Q": SECRET})
        assert intake_in(loaded).secret.get_secret_value() == SECRET
        assert intake_in(loaded).session == "talk"

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            ('name = "q"', "give one of secret, secret_env, secret_file"),
            ('name = "q"\nsecret = "changeme-changeme-changeme"', "looks like a placeholder"),
            ('name = "q"\nsecret = "Secret-1234567890abcdef"', "looks like a placeholder"),
            ('name = "q"\nsecret = "x7Ggh2"', "is too easy to guess"),
            ('name = "q"\nsecret = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"', "is too easy to guess"),
            (f'name = "telegram"\nsecret = "{SECRET}"', "the name 'telegram' is taken"),
            (
                f'name = "q"\nsecret = "{SECRET}"\n[[intake]]\nname = "q"\nsecret = "{SECRET}"',
                "the name 'q' is taken",
            ),
        ],
    )
    def test_what_is_wrong_with_an_intake_is_said(self, write: Write, table: str, expected: str) -> None:
        """Missing, default and short secrets and doubled names are refused."""
        assert expected in "\n".join(problems(write(f"[[intake]]\n{table}\n")))


class TestSecret:
    def test_it_is_made_once_for_its_owner_only(self, tmp_path: Path) -> None:
        """The first call writes a secret that only its owner reads; the next gives the same."""
        file = tmp_path / "data" / "secret"
        secret = keep_secret(file)
        assert len(secret) >= 32
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert keep_secret(file) == secret

    def test_a_weak_one_is_refused(self, tmp_path: Path) -> None:
        """A secret that somebody cut short does not sign anything."""
        (tmp_path / "secret").write_text("short\n")
        with pytest.raises(SettingsError, match=r"too easy to guess"):
            keep_secret(tmp_path / "secret")


@pytest.mark.parametrize(("web", "url"), [
    ('host = "0.0.0.0"\nport = 81', "http://127.0.0.1:81"),
    ('host = "::1"', "http://[::1]:8080"),
    ('public_url = "https://f.example.org/"', "https://f.example.org"),
])  # fmt: skip
def test_the_public_address_follows_from_host_and_port(write: Write, web: str, url: str) -> None:
    """Links lead to the public address, or to this machine when none is set."""
    assert load_settings(write(f"[web]\n{web}\n"), {}).web.url == url


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["data", "web", "encoder", "session", "telegram", "intake", "id", "name", "secret", "token", "x"]
)


def toml(value: object) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in value if c.isprintable()) + '"'
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case dict():
            return "{" + ", ".join(f'{toml(k)} = {toml(v)}' for k, v in value.items()) + "}"  # fmt: skip
        case _:
            return str(value)


@given(st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES), max_size=4))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_toml_gives_settings_or_problems(write: Write, data: dict[str, object]) -> None:
    """No file, however strange, ends in anything but settings or a list of problems."""
    path = write("".join(f"{key} = {toml(value)}\n" for key, value in data.items()))
    try:
        outcome: object = load_settings(path, {})
    except SettingsError as error:
        outcome = error.problems
    assert isinstance(outcome, Settings) or outcome
