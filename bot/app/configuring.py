"""Writes a source into the configuration: comments and order stay, secrets go into files of their own."""

import os
import re
import secrets
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from bot.app.sources import KINDS
from bot.errors import BadInput, SettingsError
from bot.options import SourceOptions
from bot.settings import Settings, load_settings
from bot.settings.draft import read_draft
from bot.settings.schema import SECTIONS

TEMPLATE = Path(__file__).parent.parent / "templates" / "init" / "floormic.toml"
VARIANTS = ("", "_env", "_file")
"""What a secret's key may end in: itself, the variable with it, the file with it."""


class Configuration:
    """A configuration file that exists, or the template that becomes one. Nothing is written before `write`.

    Raises `SettingsError` where the file is no TOML or where a table that is no source has a mistake; the others'
    sources may have some (a variable that is not set here), and are left as they are.
    """

    def __init__(self, path: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.path, self._environ = path.resolve(), environ
        self.exists = path.exists()
        if self.exists:
            read_draft(path, SECTIONS)  # says what is wrong with the text, with its line
        # As bytes, for the ends of the lines stay as they are.
        self.text = (self.path if self.exists else TEMPLATE).read_bytes().decode("utf-8-sig")
        raw = _parsed(self.text).unwrap()
        self.sources = {str(table.get("name", kind)): kind for kind in KINDS for table in _tables(raw.get(kind))}
        self.sessions = [str(table.get("id")) for table in _tables(raw.get("session"))] or ["talk"]
        self._before = self._problems(self.text)
        core = [problem for problem in self._before if not re.match(rf"\[\[?({'|'.join(KINDS)})\]", _place(problem))]
        if core and self.exists:
            raise SettingsError([f"{path}{problem}" for problem in core])
        self.settings = self._load(_without_sources(self.text), ())

    def table(self, name: str) -> dict[str, Any]:
        """What the file says of a source."""
        kind = self.sources[name]
        raw = _parsed(self.text).unwrap()
        return next(dict(table) for table in _tables(raw.get(kind)) if str(table.get("name", kind)) == name)

    def configured(self, name: str) -> SourceOptions | None:
        """The options of a source as they are now; None where they cannot be read."""
        try:
            settings = self._load(self.text, _kinds())
        except SettingsError:
            return None
        return next((source for source in settings.sources if source.name == name), None)

    def secret_file(self, name: str, key: str) -> Path:
        return self.settings.data / "secrets" / f"{name}-{key}"

    def shown(self, file: Path) -> str:
        """The path of a file as the configuration names it."""
        folder = self.path.parent
        return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else str(file)

    def set_public_url(self, url: str) -> None:
        """What `write` will write as well. Raises `SettingsError` for what is no address, `BadInput` where the file
        cannot be changed so."""
        text = with_public_url(self.text, url)
        self.settings = self._load(_without_sources(text), ())
        self.text = text

    def write(self, kind: str, name: str, table: Mapping[str, Any], hidden: Mapping[str, str]) -> list[str]:
        """Write a source, over the one of that name where there is one; `table` holds its plain keys and `hidden` the
        secrets that get a file each. What is still wrong with the file, none of it with this source.

        Raises `BadInput` or `SettingsError`, and then the configuration is as it was.
        """
        entries = {**table, **{f"{key}_file": self.shown(self.secret_file(name, key)) for key in hidden}}
        text = with_source(self.text, kind, name, entries, replaces=name in self.sources)
        before = {key: _read(self.secret_file(name, key)) for key in hidden}
        try:
            for key, value in hidden.items():
                write_secret(self.secret_file(name, key), value)
            problems = self._problems(text)
            if fresh := [problem for problem in problems if _what(problem) not in map(_what, self._before)]:
                raise SettingsError([f"{self.path}{problem}" for problem in fresh])
            self._replace(text)
        except (OSError, SettingsError) as error:
            for key, former in before.items():
                with suppress(OSError):
                    _restore(self.secret_file(name, key), former)
            if isinstance(error, OSError):
                raise BadInput(f"{error.filename or self.path} cannot be written: {error.strerror}") from error
            raise
        return [f"{self.path}{problem}" for problem in self._problems(text)]

    def _load(self, text: str, kinds: Iterable[type[SourceOptions]]) -> Settings:
        """Read a text as if it stood in the file."""
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _write_closed(part, text)
            return load_settings(part, self._environ, kinds)
        except SettingsError as error:
            raise SettingsError([problem.removeprefix(str(part)) for problem in error.problems]) from error
        except OSError as error:
            raise BadInput(f"the folder {self.path.parent} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)

    def _problems(self, text: str) -> list[str]:
        """Each as ":LINE: [table] key: what"."""
        try:
            self._load(text, _kinds())
        except SettingsError as error:
            return error.problems
        return []

    def _replace(self, text: str) -> None:
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        try:
            _write_closed(part, text)
            if self.exists:
                part.chmod(self.path.stat().st_mode & 0o777)
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)


def with_source(text: str, kind: str, name: str, entries: Mapping[str, Any], *, replaces: bool) -> str:
    """The text of a configuration with this source in it. Raises `BadInput` where it is written in a way that cannot
    be gone on with, such as `telegram = {…}`."""
    before = tomllib.loads(text)
    tables, heads = _tables(before.get(kind)), _heads(text, kind)
    if len(tables) != len(heads) or not isinstance(before.get(kind, {}), dict | list):
        raise BadInput(f"{kind} is not written as a table of its own; write it as [{kind}] and try again")
    lines = text.splitlines(keepends=True)
    if replaces:
        at = next(at for at, table in enumerate(tables) if str(table.get("name", kind)) == name)
        begin, end = heads[at][0] + 1, heads[at][1]
        lines[begin:end] = [_filled("".join(lines[begin:end]), entries)]
        tables[at].update(entries)
    elif isinstance(before.get(kind), dict):  # single brackets become double ones, for now there are several
        line = heads[0][0]
        lines[line] = re.sub(rf"\[(\s*{kind}\s*)\]", r"[[\1]]", lines[line], count=1)
    done = "".join(lines) if replaces else _appended("".join(lines), kind, entries, several=bool(tables))
    _check(done, kind, tables if replaces else [*tables, dict(entries)], before)
    return done


def with_public_url(text: str, url: str) -> str:
    """The text of a configuration with this address under [web], in place of the default in a comment if there is one.
    Raises `BadInput` as `with_source` does."""
    before, entry = tomllib.loads(text), {"public_url": url}
    if isinstance(before.get("web"), dict) and "public_url" not in before["web"]:
        done, found = re.subn(r'(?m)^#public_url = ""(?=\r?$)', lambda _: tomlkit.dumps(entry).strip(), text, count=1)
        if found:
            _check(done, "web", [{**before["web"], **entry}], before)
            return done
    return with_source(text, "web", "web", entry, replaces="web" in before)


def _check(done: str, kind: str, wanted: Sequence[Mapping[str, Any]], before: Mapping[str, Any]) -> None:
    """That the text says what it should, and all else as before. Raises `BadInput`."""
    try:
        after = tomllib.loads(done)
    except tomllib.TOMLDecodeError:
        after = {}
    found = _tables(after.pop(kind, None))
    # What stood in another form of a secret's key, or is no longer wanted, is gone.
    same = len(found) == len(wanted) and all(one.items() <= two.items() for one, two in zip(found, wanted, strict=True))
    if not same or after != {key: value for key, value in before.items() if key != kind}:
        raise BadInput(
            f"the file is written in a way that this command cannot change; write the table [{kind}] by hand"
        )


def _heads(text: str, kind: str) -> list[tuple[int, int]]:
    """Of each table of that name, the line of its head and the first line behind it, counted from 0."""
    lines, heads, quote = text.splitlines(), [], ""
    for number, line in enumerate(lines):
        outside = not quote
        for mark in re.findall(r'"""|\'\'\'', line):
            quote = "" if quote == mark else quote or mark
        if outside and (head := re.match(r"\s*\[\[?\s*([\w.\"' -]+?)\s*\]\]?\s*(#.*)?$", line)):
            heads.append((number, head[1]))
    ends = [number for number, _ in heads[1:]] + [len(lines)]
    return [(number, end) for (number, name), end in zip(heads, ends, strict=False) if name == kind]


def _appended(text: str, kind: str, entries: Mapping[str, Any], *, several: bool) -> str:
    head = f"[[{kind}]]" if several else f"[{kind}]"
    ending = "\r\n" if "\r\n" in text else "\n"
    table = tomlkit.dumps(entries).rstrip("\n").split("\n")
    return f"{text.rstrip()}{ending}{ending}".lstrip() + "".join(
        f"{line}{ending}" for line in (head, *filter(None, table))
    )


def _filled(text: str, entries: Mapping[str, Any]) -> str:
    """The lines of a table with these entries: each where it was, or where another form of its secret was; new ones at
    the end, before the comments that lead over to the next table."""
    new, left = tomlkit.document(), dict(entries)
    body = list(_parsed(text).body)
    last = max((at for at, (key, _) in enumerate(body) if key is not None), default=-1)
    for at, (key, item) in enumerate(body):
        if key is None:
            new.add(item)
        elif key.key in left:
            new.add(key.key, _value(left.pop(key.key), item))
        elif instead := next((other for other in left if _base(other) == _base(key.key)), None):
            new.add(instead, left.pop(instead))
        elif not any(_base(key.key) == _base(other) for other in entries):
            new.add(key, item)
        if at == last:
            for rest in list(left):
                new.add(rest, left.pop(rest))
    for rest, value in left.items():
        new.add(rest, value)
    return tomlkit.dumps(new)


def _value(value: Any, old: Any) -> Any:
    """A new value, with the comment that stood behind the old one."""
    item = tomlkit.item(value)
    item.trivia.comment_ws, item.trivia.comment = old.trivia.comment_ws, old.trivia.comment
    item.trivia.trail = old.trivia.trail
    return item


def _base(key: str) -> str:
    return re.sub(r"_(env|file)$", "", key)


def _without_sources(text: str) -> str:
    document = _parsed(text)
    for kind in KINDS:
        document.pop(kind, None)
    return tomlkit.dumps(document)


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise BadInput(f"the configuration cannot be changed by this command: {error}") from error


def _tables(value: Any) -> Sequence[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [table for table in found if isinstance(table, dict)]


def _kinds() -> list[type[SourceOptions]]:
    return [kind.options for kind in KINDS.values()]


def _place(problem: str) -> str:
    """A problem without its line."""
    return re.sub(r"^:(\d+:)? ?", "", problem)


def _what(problem: str) -> str:
    """A problem without its line and without the number of brackets, which a second source of a kind changes."""
    return re.sub(r"^\[+(\w+)\]+", r"\1", _place(problem))


def write_secret(file: Path, value: str) -> None:
    """Where only the owner can read it, also while it is being written. Raises `OSError`."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.parent.chmod(0o700)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        _write_closed(part, value + "\n")
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def _write_closed(file: Path, text: str) -> None:
    """A new file that only the owner can read from its first moment on. Raises `OSError`."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(text.encode())


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError):
        return None


def _restore(file: Path, value: str | None) -> None:
    if value is None:
        file.unlink(missing_ok=True)
    else:
        write_secret(file, value)
