"""`floormic connect`: asks for what a kind of source needs, tries it on the platform, and writes it down."""

import asyncio
import os
import re
import secrets
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bot.app.configuring import VARIANTS, Configuration
from bot.app.sources import KINDS, surroundings
from bot.app.terminal import plain
from bot.errors import BadInput, FloormicError, SettingsError
from bot.kinds import Kind
from bot.options import SourceOptions
from bot.phrases import in_language
from bot.ports import Accounts
from bot.settings import keep_secret
from bot.settings.checks import TAKEN_NAMES
from bot.settings.secret import weakness_of
from bot.settings.wording import did_you_mean, explain
from bot.web.signin import SignIn

PATIENCE = 60.0
"""Seconds that a platform may take to answer the try-out."""

COMMON = ("name", "session")
"""Options of every source, which are not asked for as the others are."""


class Terminal(Protocol):
    """Whoever sits before the terminal."""

    def say(self, text: str) -> None: ...

    def guide(self, text: str) -> None:
        """Numbered steps; a line that begins with blanks goes on with the one before."""
        ...

    def ask(self, question: str, default: str = "") -> str: ...

    def ask_secret(self, question: str) -> str:
        """Without an echo; "" where nothing was typed."""
        ...

    def choose(self, question: str, choices: Mapping[str, str]) -> str:
        """The key of one of the choices, which are given with what they mean."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line said. `yes`: nobody is asked; `force`: also what the platform refused is written;
    `replace`: the source of that name may be written over."""

    values: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    yes: bool = False
    force: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, and where it is: in a `variable`, `kept` where it was, else in a file that is to be written."""

    value: str
    variable: str = ""
    kept: bool = False


def kind_of(name: str) -> Kind:
    if name not in KINDS:
        raise BadInput(f"there is no kind {name!r}{did_you_mean(name, list(KINDS))}; there are: {', '.join(KINDS)}")
    return KINDS[name]


def kinds(language: str) -> list[tuple[str, ...]]:
    """A table of every kind with what it can do; the first row names the columns. It is read on 80 columns, so it says
    no more than which to choose; docs/connectors.md says the rest."""
    rows: list[tuple[str, ...]] = [("KIND", "CHAT", "WAY IN", "ANSWERS")]
    for kind in KINDS.values():
        able = kind.abilities
        answers = "also private" if able.reply and able.private else "yes" if able.reply else "no"
        rows.append((kind.name, kind.titles[language], "it calls us" if kind.called else "we connect", answers))
    return [tuple(in_language(cell, language) for cell in row) for row in rows]


def connect(
    name: str, path: Path, given: Given, terminal: Terminal, language: str, environ: Mapping[str, str] = os.environ
) -> None:
    """Set up a source of the kind `name` in the configuration at `path`.

    Raises `BadInput` for what was given and cannot be used, `SettingsError` for a configuration with mistakes of its
    own, and what the platform answers where nobody can be asked about it.
    """
    Connecting(kind_of(name), Configuration(path, environ), given, terminal, environ).run(language)


class Connecting:
    """One set-up, from the guide to the written table."""

    def __init__(
        self, kind: Kind, file: Configuration, given: Given, terminal: Terminal, environ: Mapping[str, str]
    ) -> None:
        self._kind, self._file, self._given = kind, file, given
        self._terminal, self._environ = terminal, environ
        self._fields = {name: info for name, info in kind.options.model_fields.items() if name not in COMMON}
        self._values: dict[str, Any] = {}
        self._secrets: dict[str, Secret] = {}
        _check_given(kind, given)

    def run(self, language: str) -> None:
        kind, say = self._kind, self._terminal.say
        say(f"{kind.titles[language]} ({kind.name})")
        say(f"{kind.options.about}\n")
        self._terminal.guide(kind.guide[language])
        if kind.extra:
            say(f"Needs more to be installed: pip install 'floormic[{kind.extra}]'\n")
        name = self._name()
        self._take_over(name)
        self._take_given()
        self._values["name"] = name
        self._values["session"] = self._session()
        self._ask(self._choices())
        self._ask_address()
        self._ask(self._open())
        self._until_right()
        self._try_out()
        self._write(name)

    # What there is

    def _name(self) -> str:
        """A name that is free, or that of the source to be replaced."""
        terminal, wanted = self._terminal, self._given.values.get("name", self._kind.name)
        while True:
            other = self._file.sources.get(wanted)
            if problem := self._unusable(wanted, other):
                wanted = self._again("name", problem)
            elif other is None or self._given.replace:
                return wanted
            elif self._given.yes:
                raise BadInput(f"there is a source {wanted!r} already; --replace writes over it, --set name=… adds one")
            else:
                choices = {"r": "replace it", "o": "choose another name", "s": "stop"}
                chosen = terminal.choose(f"There is a source {wanted!r} already.", choices)
                if chosen == "r":
                    return wanted
                if chosen == "s":
                    raise BadInput("nothing was changed")
                wanted = terminal.ask("Name of the new one").strip()

    def _unusable(self, name: str, other: str | None) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
            return "must be 1 to 64 small letters, digits, - or _, for it becomes a part of addresses"
        if name in TAKEN_NAMES or (name in KINDS and name != self._kind.name):
            return f"{name!r} is taken; choose another"
        if other not in {None, self._kind.name}:
            return f"{name!r} is a source of the kind {other}; choose another"
        return ""

    def _session(self) -> str:
        """ "" where there is only one: then it need not be said."""
        known, wanted = self._file.sessions, self._given.values.get("session", self._values.get("session", ""))
        if not wanted and len(known) == 1:
            return ""
        while wanted not in known:
            problem = f"there is no session {wanted!r}" if wanted else "there are several sessions"
            wanted = self._again("session", f"{problem}: {', '.join(known)}")
        return str(wanted)

    def _take_over(self, name: str) -> None:
        """What the source that is replaced says stays, where nothing else is given."""
        if name not in self._file.sources:
            return
        table, now = self._file.table(name), self._file.configured(name)
        self._values = {key: value for key, value in table.items() if key in self._kind.options.model_fields}
        for key in self._secret_keys():
            self._values.pop(key, None)
            value = getattr(now, key).get_secret_value() if now else ""
            if value and any(f"{key}{variant}" in table for variant in VARIANTS):
                self._secrets[key] = Secret(value, kept=True)

    def _take_given(self) -> None:
        for key, text in self._given.values.items():
            self._values[key] = typed(self._fields[key], text) if key in self._fields else text
        for key, variable in self._given.variables.items():
            value = self._environ.get(variable, "").strip()
            if not value:
                raise BadInput(f"--secret-env {key}={variable}: the environment variable {variable} is not set")
            self._secrets[key] = Secret(value, variable)

    # What is asked

    def _choices(self) -> list[str]:
        """They are asked first, for what else is needed depends on them."""
        keys = [key for key, info in self._fields.items() if get_origin(info.annotation) is Literal]
        return [key for key in keys if key not in self._given.values]

    def _open(self) -> list[str]:
        """What has no default, is a secret, or is needed with what was chosen."""
        needed = self._needed()
        given = {*self._given.values, *self._given.variables, *self._choices()}
        return [
            key
            for key, info in self._fields.items()
            if key not in given and (key in needed or info.is_required() or info.annotation is SecretStr)
        ]

    def _needed(self) -> set[str]:
        return {key for key, _ in self._missing(self._file.settings.web.public_url)}

    def _missing(self, public_url: str) -> list[tuple[str, str]]:
        """What the options will complain of when nothing more is said."""
        values = {**self._values, **{key: SecretStr(one.value) for key, one in self._secrets.items()}}
        if any(info.is_required() and key not in values for key, info in self._fields.items()):
            return []
        return self._kind.options.model_construct(**values).problems(public_url)

    def _ask_address(self) -> None:
        """The public address, where what was chosen needs one and the file names none that will do."""
        there = self._file.settings.web.public_url
        with_one = {key for key, _ in self._missing("https://floor.example.org")}
        while not self._given.yes and (why := [said for key, said in self._missing(there) if key not in with_one]):
            self._terminal.say(why[0])
            url = self._terminal.ask("public_url (https://…)").strip()
            if not url:
                raise BadInput("nothing was changed")
            try:
                self._file.set_public_url(url)
            except SettingsError as error:
                self._terminal.say(str(error))
            there = self._file.settings.web.public_url

    def _ask(self, keys: Sequence[str]) -> None:
        for key in keys:
            if not self._counts(key):
                continue
            if self._fields[key].annotation is SecretStr:
                self._ask_secret(key)
            elif not self._given.yes:
                self._ask_value(key)

    def _counts(self, key: str) -> bool:
        """Whether the option means anything with what was chosen."""
        only = cast("dict[str, Any]", self._fields[key].json_schema_extra or {}).get("only") or {}
        return all(self._values.get(other, self._fields[other].default) == value for other, value in only.items())

    def _ask_value(self, key: str) -> None:
        info = self._fields[key]
        choices = [str(one) for one in get_args(info.annotation)] if get_origin(info.annotation) is Literal else []
        default = self._values.get(key, "" if info.is_required() else info.default)
        head = f"{key} ({' / '.join(choices)})" if choices else key
        text = self._terminal.ask(f"{info.description}\n{head}", _as_text(default)).strip()
        if text or key in self._values or info.is_required():
            self._values[key] = typed(info, text)
        if not info.is_required() and self._values.get(key) == info.default:
            self._values.pop(key, None)

    def _ask_secret(self, key: str) -> None:
        info = self._fields[key]
        about = cast("dict[str, Any]", info.json_schema_extra or {})
        variable, old = str(about.get("variable", "")), self._secrets.get(key)
        there = self._environ.get(variable, "").strip() if variable else ""
        if old is None and there:
            old, else_ = Secret(there, variable), f"Enter takes the variable {variable}"
        elif old is not None:
            else_ = "Enter keeps the one there is"
        elif about.get("made_here"):
            old, else_ = Secret(secrets.token_urlsafe(24)), "Enter has one made"
        else:
            else_ = "" if about.get("needed") or key in self._needed() else "Enter for none"
        text = "" if self._given.yes else self._terminal.ask_secret(_secret_question(key, info, else_)).strip()
        if text:
            self._secrets[key] = Secret(text)
        elif old:
            self._secrets[key] = old

    def _until_right(self) -> None:
        """Ask again until nothing is wrong with the options. Raises `BadInput` where nobody can be asked, and where the
        answers change nothing: then it is to be mended elsewhere, as a missing public address."""
        before: object = None
        while found := self._mistakes():
            stands = (dict(self._values), dict(self._secrets))
            if self._given.yes or stands == before:
                raise BadInput("\n".join(f"{key}: {problem}" for key, problem in found))
            for key, problem in found:
                self._terminal.say(f"{key}: {problem}")
            wrong = dict.fromkeys(key for key, _ in found if key in self._fields)
            if not wrong:
                raise BadInput("nothing was changed")
            before = stands
            for key in wrong:
                self._secrets.pop(key, None)
            self._ask(list(wrong))

    def _mistakes(self) -> list[tuple[str, str]]:
        """What is wrong, as (option, what to do about it)."""
        kind, found = self._kind, []
        for key in self._secret_keys():
            about = cast("dict[str, Any]", self._fields[key].json_schema_extra or {})
            value = self._secrets[key].value if key in self._secrets else ""
            if not value and about.get("needed"):
                found.append((key, "is needed"))
            elif value and about.get("made_here") and (weakness := weakness_of(value)):
                found.append((key, weakness))
        try:
            options = self._options()
        except ValidationError as error:
            sections = {kind.name: kind.options}
            for one in error.errors():
                place = (kind.name, *one["loc"])
                told = explain(place, one["type"], one["msg"], one["input"], one.get("ctx", {}), sections)
                found.append((str(one["loc"][0]) if one["loc"] else kind.name, told))
            return found
        if found:
            return found
        return options.problems(self._file.settings.web.public_url)

    def _options(self) -> SourceOptions:
        values = {**self._values, **{key: one.value for key, one in self._secrets.items()}}
        for key, info in self._fields.items():
            if info.annotation in (Path, Path | None) and isinstance(values.get(key), str):
                values[key] = self._file.path.parent / Path(values[key]).expanduser()
        return self._kind.options.model_validate(values)

    def _secret_keys(self) -> list[str]:
        return [key for key, info in self._fields.items() if info.annotation is SecretStr]

    def _again(self, key: str, problem: str) -> str:
        if self._given.yes:
            raise BadInput(f"{key}: {problem} (--set {key}=…)")
        self._terminal.say(f"{key}: {problem}")
        return self._terminal.ask(key).strip()

    # What the platform says, and the end

    def _try_out(self) -> None:
        """Raises what the platform answered where it is not to be written and nobody can be asked."""
        terminal = self._terminal
        while True:
            terminal.say("Trying it on the platform …")
            try:
                terminal.say(plain(self._answer()))
                return
            except FloormicError as error:
                terminal.say(f"It did not work: {plain(str(error))}")
                if self._given.force:
                    return
                if self._given.yes:
                    raise
            choices = {"t": "try it again", "a": "enter it anew", "w": "write it down anyway", "s": "stop"}
            chosen = terminal.choose("What now?", choices)
            if chosen == "w":
                return
            if chosen == "t":
                continue
            if chosen == "s":
                raise BadInput("nothing was changed")
            self._ask([key for key in self._fields if key in {*self._open(), *self._values, *self._secret_keys()}])
            self._until_right()

    def _answer(self) -> str:
        settings = self._file.settings
        sign_in = SignIn(keep_secret(settings.secret_file).encode(), cast("Accounts", None), time.time)
        options = self._options()
        around = surroundings(settings, options, time.time, sign_in.key)

        async def tried() -> str:
            return await asyncio.wait_for(self._kind.try_out(options, around), PATIENCE)

        try:
            return asyncio.run(tried())
        except ImportError as error:
            extra = self._kind.extra or self._kind.name
            raise BadInput(f"{error.name or error} is not installed; pip install 'floormic[{extra}]'") from error
        except TimeoutError as error:
            raise BadInput(f"no answer within {PATIENCE:g} s; look at the network of this machine") from error
        except OSError as error:
            raise BadInput(f"the platform cannot be reached: {error.strerror or error}") from error

    def _write(self, name: str) -> None:
        kind, say, file = self._kind, self._terminal.say, self._file
        table = {key: list(value) if isinstance(value, tuple) else value for key, value in self._values.items()}
        if name == kind.name and name not in file.sources:
            table.pop("name", None)
        if not table.get("session"):
            table.pop("session", None)
        table |= {f"{key}_env": one.variable for key, one in self._secrets.items() if one.variable}
        hidden = {key: one.value for key, one in self._secrets.items() if not one.variable and not one.kept}
        others = file.write(kind.name, name, table, hidden)
        say(f"\n{file.path}: {'replaced' if name in file.sources else 'added'} the source {name}")
        if not file.exists:
            say("It is the commented template; `floormic init` writes the course folder that it names beside it.")
        for key in hidden:
            say(f"{file.secret_file(name, key)}: its {key}, which only you can read")
        if kind.called:
            web = file.settings.web
            say(f"Address for the platform, or for what listens there: {web.url}/in/{name}")
            if not web.public_url:
                say("That is an address of this machine only; public_url under [web] says how others reach it.")
        say(
            "\n".join(["Still wrong in the file, but not with this source:", *others])
            if others
            else "The file is valid."
        )
        say(f"Next: `floormic listen {name}` shows what it hears; `floormic run`, started anew, listens to it.")


def _check_given(kind: Kind, given: Given) -> None:
    """A slip on the command line is told before anything is asked."""
    known = kind.options.model_fields
    for option, keys in (("--set", given.values), ("--secret-env", given.variables)):
        for key in keys:
            if key not in known:
                raise BadInput(f"{option} {key}: {kind.name} has no such option{did_you_mean(key, list(known))}")
            if (known[key].annotation is SecretStr) != (option == "--secret-env"):
                raise BadInput(
                    f"{option} {key}: "
                    + (
                        f"is no secret; use --set {key}=…"
                        if option == "--secret-env"
                        else f"a secret must not be seen on the command line; use --secret-env {key}=VARIABLE"
                    )
                )


def typed(info: FieldInfo, text: str) -> Any:
    """What a person wrote as a value of the file; what it is not stays text, so that the options complain of it."""
    kinds = {info.annotation, *get_args(info.annotation)}
    if str in kinds or Path in kinds or get_origin(info.annotation) is Literal:
        if get_origin(info.annotation) not in (tuple, list):
            return text
        if not text.lstrip().startswith("["):
            return [part.strip() for part in text.split(",") if part.strip()]
    if bool in kinds:
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower(), text)
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "" if value is None or value == 0 else str(value)


def _secret_question(key: str, info: FieldInfo, otherwise: str) -> str:
    hint = f"; {otherwise}" if otherwise else ""
    return f"{info.description}\n{key} (it is not shown{hint})"
