"""Setting up a source: what is asked, what the platform says, what is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field, SecretStr, StrictBool

from bot.app import connecting, sources
from bot.app.connecting import Given, connect, kinds, typed
from bot.connectors import bilibili, intake, kuaishou, telegram, tencent_classroom, wecom
from bot.errors import BadInput, ConnectorError, Refused, SettingsError
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions, secret

SECRET = "k3Vq9zXw2LmN8pRt"


class LampOptions(SourceOptions):
    """Every sort of option."""

    kind: ClassVar[str] = "lamp"
    about: ClassVar[str] = "A lamp that listens."

    key: SecretStr = secret("The key of the lamp.", variable="LAMP_KEY")
    spare: SecretStr = secret("A spare key.", needed=False)
    house: str = Field(description="In which house it stands.")
    mode: Literal["bright", "dim"] = Field(default="bright", description="How it shines.")
    room: int = Field(default=0, ge=0, description="Number of the room; dim needs one.")
    warm: StrictBool = Field(default=True, description="Warm light.")
    colours: tuple[str, ...] = Field(default=(), description="Colours.")

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        return [("room", "is needed for dim")] if self.mode == "dim" and not self.room else []


TRIED: list[LampOptions] = []
ANSWERS: list[str | Exception] = []


async def try_out(options: LampOptions, around: Surroundings) -> str:
    TRIED.append(options)
    answer = ANSWERS.pop(0) if ANSWERS else "It shines."
    if isinstance(answer, Exception):
        raise answer
    return answer


LAMP = Kind(
    options=LampOptions,
    titles={"zh": "灯", "en": "Lamp"},
    guide={"zh": "1. 打开灯。", "en": "1. Switch it on."},
    abilities=intake.KIND.abilities,
    make=intake.KIND.make,
    try_out=try_out,
)


class Script:
    """A terminal before which somebody sits who answers as written: by the first word of a question, in order."""

    def __init__(self, **answers: str | Sequence[str]) -> None:
        self.answers = {key: [one] if isinstance(one, str) else list(one) for key, one in answers.items()}
        self.said: list[str] = []
        self.asked: list[str] = []
        self.defaults: dict[str, str] = {}

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def say(self, text: str) -> None:
        self.said.append(text)

    def guide(self, text: str) -> None:
        self.said.append(text)

    def ask(self, question: str, default: str = "") -> str:
        key = question.splitlines()[-1].split()[0]
        self.defaults[key] = default
        return self._next(key, default)

    def ask_secret(self, question: str) -> str:
        self.said.append(question)
        return self._next(question.splitlines()[-1].split()[0], "")

    def choose(self, question: str, choices: Mapping[str, str]) -> str:
        answer = self._next("choose", "s")
        assert answer in choices
        return answer

    def _next(self, key: str, otherwise: str) -> str:
        self.asked.append(key)
        return self.answers[key].pop(0) if self.answers.get(key) else otherwise


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    TRIED.clear()
    ANSWERS.clear()
    known = {kind.name: kind for kind in (telegram.KIND, intake.KIND, LAMP)}
    monkeypatch.setattr(sources, "KINDS", known)
    monkeypatch.setattr(connecting, "KINDS", known)
    monkeypatch.setattr("bot.app.configuring.KINDS", known)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "floormic.toml"


Run = Callable[..., Script]


@pytest.fixture
def run(config: Path) -> Run:
    def run(
        kind: str = "lamp", given: Given | None = None, environ: Mapping[str, str] = {}, **answers: object
    ) -> Script:
        script = Script(**answers)  # type: ignore[arg-type]
        connect(kind, config, given or Given(), script, "en", environ)
        return script

    return run


def written(config: Path, environ: Mapping[str, str] = {}) -> SourceOptions:
    """The one source of the file, as the program reads it."""
    from bot.settings import load_settings

    [source] = load_settings(config, environ, [kind.options for kind in sources.KINDS.values()]).sources
    return source


def test_it_guides_asks_tries_and_writes(config: Path, run: Run) -> None:
    """The guide first, then what has no default and every secret, then what the platform says, then the file."""
    script = run(house="the old one", key=SECRET)
    assert script.text.startswith("Lamp (lamp)\nA lamp that listens.\n\n1. Switch it on.")
    assert script.asked == ["mode", "key", "spare", "house"]
    assert "Trying it on the platform …\nIt shines." in script.text
    assert TRIED[0].key.get_secret_value() == SECRET
    assert 'lamp]\nhouse = "the old one"\nkey_file = "data/secrets/lamp-key"\n' in config.read_text()
    source = written(config)
    assert isinstance(source, LampOptions)
    assert (source.house, source.key.get_secret_value(), source.spare.get_secret_value()) == ("the old one", SECRET, "")
    assert "The file is valid." in script.text
    assert "floormic listen lamp" in script.text
    assert SECRET not in script.text


def test_the_guide_comes_in_the_wanted_language(config: Path) -> None:
    """Chinese for whoever wants it."""
    script = Script(house="x", key=SECRET)
    connect("lamp", config, Given(), script, "zh", {})
    assert script.said[0].startswith("灯 (lamp)")
    assert "打开灯" in script.text


def test_a_mistake_is_told_and_asked_again(config: Path, run: Run) -> None:
    """What the options complain of, in their own words, until it is right; what depends on a choice is asked too."""
    script = run(mode="dim", key=["", SECRET], house="x", room=["four", "4"])
    assert "key: is needed" in script.text
    assert "room: is needed for dim" in script.text
    assert "room: should be a valid integer" in script.text
    source = written(config)
    assert isinstance(source, LampOptions)
    assert (source.mode, source.room) == ("dim", 4)


async def well(options: SourceOptions, around: Surroundings) -> str:
    return "It works."


AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"


@pytest.mark.parametrize(
    ("kind", "answers", "asked"),
    [
        (
            bilibili.KIND,
            {"access_key_id": "k", "access_key_secret": SECRET, "app_id": "7", "code": "c"},
            "variant access_key_id access_key_secret app_id code",
        ),
        (
            bilibili.KIND,
            {"variant": "oauth", "access_key_id": "k", "access_key_secret": SECRET, "access_token": "t"},
            "variant access_key_id access_key_secret access_token",
        ),
        (wecom.KIND, {"bot_id": "b", "secret": SECRET}, "mode bot_id secret"),
        (
            wecom.KIND,
            {"mode": "callback", "public_url": "https://f.example.org", "token": "t", "encoding_aes_key": AES_KEY},
            "mode public_url token encoding_aes_key",
        ),
        (
            kuaishou.KIND,
            {"public_url": "https://f.example.org", "app_id": "a", "app_secret": SECRET, "room_code": "r"},
            "public_url app_id app_secret room_code",
        ),
        (
            tencent_classroom.KIND,
            {"reply_as": "notice", "secret_id": "i", "secret_key": SECRET, "sdk_app_id": "7", "room": "8"},
            "way reply_as secret_id secret_key sdk_app_id room",
        ),
    ],
)
def test_what_the_choice_needs_is_asked_and_nothing_else(
    config: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, answers: dict[str, str], asked: str
) -> None:
    """No key of the way that was not chosen; what is needed is asked for before anything complains of it, and so is the
    public address where there has to be one."""
    monkeypatch.setitem(connecting.KINDS, kind.name, replace(kind, try_out=well))
    script = Script(**answers)
    connect(kind.name, config, Given(), script, "en", {})
    assert script.asked == asked.split()
    assert "is needed" not in script.text
    assert "is missing" not in script.text
    assert "The file is valid." in script.text
    assert ('public_url = "https://f.example.org"' in config.read_text()) == ("public_url" in answers)


def test_the_public_address_is_written_where_it_belongs(
    config: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under [web], in place of the commented default or of what was there; what is no address is told; Enter stops."""
    monkeypatch.setitem(connecting.KINDS, "kuaishou", replace(kuaishou.KIND, try_out=well))
    with pytest.raises(BadInput, match="nothing was changed"):
        run("kuaishou")
    assert not config.exists()
    config.write_text("# mine\n[web]\nport = 81 # the port\n")
    with pytest.raises(BadInput, match="nothing was changed"):
        run("kuaishou", public_url=["floor", "http://f.example.org", ""])
    given = Given({"app_id": "a", "room_code": "r"}, {"app_secret": "S"})
    script = run("kuaishou", given, {"S": SECRET}, public_url=["https://f.example.org"])
    assert "has to be an https:// address" in script.text
    assert config.read_text().startswith('# mine\n[web]\nport = 81 # the port\npublic_url = "https://f.example.org"\n')


def test_what_answers_cannot_mend_ends_it(config: Path, run: Run) -> None:
    """The same answer again to the same complaint: it is mended elsewhere, and nothing is written."""
    with pytest.raises(BadInput, match="room: is needed for dim"):
        run(mode="dim", key=SECRET, house="x")
    assert not config.exists()


def test_a_refusal_can_be_met_with_another_key(config: Path, run: Run) -> None:
    """It is told in the platform's words; everything may be entered again, and Enter keeps what was right."""
    ANSWERS[:] = [Refused("the lamp does not know this key; make a new one"), "It shines."]
    script = run(house="x", key=["wrong", SECRET], choose="a")
    assert "It did not work: the lamp does not know this key; make a new one" in script.text
    assert script.defaults["house"] == "x"
    source = written(config)
    assert isinstance(source, LampOptions)
    assert source.key.get_secret_value() == SECRET


def test_what_passes_can_be_tried_again(config: Path, run: Run) -> None:
    """A room that was not live, a network that was away: nothing need be entered anew."""
    ANSWERS[:] = [ConnectorError("the room is not live"), "It shines."]
    script = run(house="x", key=SECRET, choose="t")
    assert script.asked == ["mode", "key", "spare", "house", "choose"]
    assert script.text.count("Trying it on the platform") == 2
    assert written(config).name == "lamp"


def test_a_refusal_can_be_written_all_the_same(config: Path, run: Run) -> None:
    """By choice, or with --force; else nothing is written."""
    ANSWERS[:] = [ConnectorError("no network"), ConnectorError("no network")]
    with pytest.raises(BadInput, match="nothing was changed"):
        run(house="x", key=SECRET, choose="s")
    assert not config.exists()
    run(house="x", key=SECRET, choose="w")
    assert written(config).name == "lamp"
    ANSWERS[:] = [ConnectorError("no network")]
    run(given=Given(force=True, replace=True), house="x", key=SECRET)


def test_without_a_person_everything_comes_from_the_command_line(config: Path, run: Run) -> None:
    """--set, --secret-env and --yes: nothing is asked, and the variable stays where the secret is."""
    given = Given(
        {"house": "x", "room": "7", "warm": "no", "colours": "red, blue", "name": "lamp-2"}, {"key": "MY_KEY"}, yes=True
    )
    script = run(given=given, environ={"MY_KEY": SECRET})
    assert script.asked == []
    text = config.read_text()
    assert 'key_env = "MY_KEY"' in text
    assert SECRET not in text
    source = written(config, {"MY_KEY": SECRET})
    assert isinstance(source, LampOptions)
    assert (source.name, source.room, source.warm, source.colours) == ("lamp-2", 7, False, ("red", "blue"))
    assert not (config.parent / "data/secrets").exists()


def test_the_usual_variable_is_taken_where_it_is_set(config: Path, run: Run) -> None:
    """Enter takes it, and with --yes nobody need say so."""
    environ = {"LAMP_KEY": SECRET}
    assert "Enter takes the variable LAMP_KEY" in run(environ=environ, house="x").text
    assert 'key_env = "LAMP_KEY"' in config.read_text()
    run(given=Given({"house": "y"}, yes=True, replace=True), environ=environ)
    assert written(config, environ).model_dump()["house"] == "y"


def test_what_is_missing_is_a_mistake_where_nobody_can_be_asked(config: Path, run: Run) -> None:
    """Each of them with its name, and nothing is written."""
    with pytest.raises(BadInput) as told:
        run(given=Given(yes=True))
    assert str(told.value) == "key: is needed\nhouse: is needed"
    ANSWERS[:] = [Refused("wrong key")]
    with pytest.raises(Refused, match="wrong key"):
        run(given=Given({"house": "x"}, {"key": "K"}, yes=True), environ={"K": SECRET})
    assert not config.exists()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (Given({"huose": "x"}), 'lamp has no such option; did you mean "house"?'),
        (Given({"key": SECRET}), "a secret must not be seen on the command line; use --secret-env key=VARIABLE"),
        (Given({}, {"house": "X"}), "is no secret; use --set house="),
        (Given({}, {"key": "NOT_SET"}), "the environment variable NOT_SET is not set"),
        (Given({"name": "Big Lamp"}, yes=True), "must be 1 to 64 small letters"),
        (Given({"name": "web"}, yes=True), "'web' is taken"),
        (Given({"name": "telegram"}, yes=True), "'telegram' is taken"),
        (Given({"session": "two"}, yes=True), "there is no session 'two': talk"),
        (Given({"house": "x", "mode": "dark"}, {"key": "K"}, yes=True), "mode: must be bright or dim, not 'dark'"),
    ],
)
def test_a_slip_is_one_clear_line(config: Path, run: Run, given: Given, line: str) -> None:
    """Before anything is asked or written."""
    with pytest.raises(BadInput) as told:
        run(given=given, environ={"K": SECRET})
    assert line in str(told.value)
    assert SECRET not in str(told.value)
    assert not config.exists()


def test_another_source_is_never_overwritten_unasked(config: Path, run: Run) -> None:
    """A name that exists: replace it, choose another one, or stop."""
    run(house="x", key=SECRET)
    before = config.read_text()
    with pytest.raises(BadInput, match="nothing was changed"):
        run(choose="s")
    with pytest.raises(BadInput, match="--replace writes over it"):
        run(given=Given({"house": "y"}, yes=True))
    assert config.read_text() == before
    script = Script(choose="o", Name="lamp-2", house="y", key="another" + SECRET)
    connect("lamp", config, Given(), script, "en", {})
    from bot.settings import load_settings

    found = load_settings(config, {}, [kind.options for kind in sources.KINDS.values()]).sources
    assert [(source.name, source.model_dump()["house"]) for source in found] == [("lamp", "x"), ("lamp-2", "y")]


def test_replacing_keeps_what_is_not_given(config: Path, run: Run) -> None:
    """A new key for the same lamp: the other settings and comments stay; Enter keeps the key as well."""
    run(given=Given({"room": "3"}), house="x", key=SECRET)
    config.write_text(config.read_text().replace("room = 3", "room = 3 # the third"))
    run(choose="r", key="another" + SECRET)
    source = written(config)
    assert isinstance(source, LampOptions)
    assert (source.house, source.room, source.key.get_secret_value()) == ("x", 3, "another" + SECRET)
    run(given=Given({"house": "y"}, yes=True, replace=True))
    source = written(config)
    assert isinstance(source, LampOptions)
    assert (source.house, source.key.get_secret_value()) == ("y", "another" + SECRET)
    assert "room = 3 # the third" in config.read_text()


def test_the_session_is_asked_where_there_are_several(config: Path, run: Run) -> None:
    """One need not be named; of several one is chosen from those that exist."""
    config.write_text('[[session]]\nid = "one"\ntitle = "One"\n[[session]]\nid = "two"\ntitle = "Two"\n')
    script = run(house="x", key=SECRET, session=["three", "two"])
    assert "there are several sessions: one, two" in script.text
    assert written(config).session == "two"
    with pytest.raises(BadInput, match=r"session: there are several sessions: one, two \(--set session=…\)"):
        run(given=Given({"name": "b"}, yes=True))


def test_a_secret_of_our_own_can_be_made(config: Path, run: Run) -> None:
    """Where both sides agree on one, Enter makes a strong one, a weak one is refused, and the address is told."""
    script = run("intake", secret=["password", ""])
    assert "looks like a placeholder" in script.text
    assert "Enter has one made" in script.text
    assert "Address for the platform, or for what listens there: http://127.0.0.1:8080/in/intake" in script.text
    assert "public_url under [web]" in script.text
    source = written(config)
    assert isinstance(source, intake.IntakeOptions)
    made = source.secret.get_secret_value()
    assert len(made) >= 32
    assert made not in script.text
    assert (config.parent / "data/secrets/intake-secret").read_text().strip() == made


def test_the_public_address_is_told(config: Path, run: Run) -> None:
    """Where the program has one, the platform is to call it there."""
    config.write_text('[web]\npublic_url = "https://f.example.org/"\n')
    assert "what listens there: https://f.example.org/in/intake" in run("intake").text


def test_a_configuration_with_mistakes_is_mended_first(config: Path, run: Run) -> None:
    """Nothing is asked before the file can be gone on with."""
    config.write_text('[web]\nport = "x"\n')
    with pytest.raises(SettingsError, match=r"floormic\.toml:2: \[web\] port: must be a whole number"):
        run()


def test_an_unknown_kind_suggests_the_right_one(run: Run) -> None:
    """With all that there are."""
    with pytest.raises(BadInput, match=r'did you mean "telegram".*there are: telegram, intake, lamp'):
        run("telegarm")


def test_what_is_not_installed_is_said_with_its_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that needs more than the program brings."""
    ANSWERS[:] = [ModuleNotFoundError("no lamps", name="lamps")]
    monkeypatch.setitem(connecting.KINDS, "lamp", replace(LAMP, extra="lights"))
    with pytest.raises(BadInput, match=r"lamps is not installed; pip install 'floormic\[lights\]'"):
        run(given=Given({"house": "x"}, {"key": "K"}, yes=True), environ={"K": SECRET})


def test_the_list_has_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each, with as many cells as there are columns, in both languages."""
    rows = kinds("zh")
    assert [row[0] for row in rows[1:]] == ["telegram", "intake", "lamp"]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[3][1:] == ("灯", "平台来访问" if LAMP.called else "主动连接", "能，也可私聊")
    assert kinds("en")[1] == ("telegram", "Telegram", "we connect", "also private")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("house", "42", "42"),
        ("house", "true", "true"),
        ("room", "42", 42),
        ("room", "many", "many"),
        ("warm", "Yes", True),
        ("warm", "false", False),
        ("warm", "perhaps", "perhaps"),
        ("mode", "dim", "dim"),
        ("colours", "red, blue,", ["red", "blue"]),
        ("colours", '["a, b"]', ["a, b"]),
        ("colours", "[broken", "[broken"),
        ("colours", "", []),
    ],
)
def test_what_is_typed_becomes_a_value(key: str, text: str, value: object) -> None:
    """By the type of the option; what does not fit stays text, so that the options complain."""
    assert typed(LampOptions.model_fields[key], text) == value


def test_what_a_platform_calls_itself_steers_no_terminal(run: Run) -> None:
    """Names of bots and rooms are anybody's text."""
    ANSWERS.append(ConnectorError("gone\x1b[2J\u202e"))
    ANSWERS.append("It is of Li\x1b]0;owned\x07\x9b31m\u202e.\nNext: floormic run")
    script = run(house="a", key="k", choose="a")
    assert "It did not work: gone[2J" in script.said
    assert "It is of Li]0;owned31m. Next: floormic run" in script.said
    assert not set("\x1b\x9b\x07\u202e") & set(script.text)
