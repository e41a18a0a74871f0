"""What one model cannot see: one setting against another, and against the environment and the files.

These checks read the file as it was written, before it becomes models, so that they report beside what the models find.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.options import SourceOptions
from bot.settings.draft import Draft, Place, Raw
from bot.settings.schema import REPEATED, SECTIONS, Settings, WebSettings
from bot.settings.secret import weakness_of
from bot.settings.wording import did_you_mean

TAKEN_NAMES = ("web", "replay")
"""Sources that the program itself names."""

SHIPPED, SOCKET = ("bundled", "bundled-int8"), "unix:"
"""As `knowledge.encoder` has them, which takes longer to import than a configuration to read."""

Kinds = Mapping[str, type[SourceOptions]]


def check(draft: Draft, environ: Mapping[str, str], kinds: Kinds) -> None:
    """Note every mistake in the draft, fill in names and secrets and make the paths absolute."""
    _check_tables(draft)
    _check_sessions(draft)
    if not _is_plain_address(draft.data):
        _check_secret(draft, (), draft.data, "database", Settings.model_fields["database_url"], environ)
    for place, table in draft.tables("web"):
        _check_secret(draft, place, table, "metrics_token", WebSettings.model_fields["metrics_token"], environ)
    _check_sources(draft, environ, kinds)
    _resolve_paths(draft, kinds)


def _is_plain_address(data: Raw) -> bool:
    """Whether the address of the database stands in the file and holds no password: then it may be shared."""
    said = data.get("database")
    others = data.get("database_env") or data.get("database_file")
    return isinstance(said, str) and said != "" and not others and not re.search(r"//[^/]*:[^/]*@|password=", said)


def _check_tables(draft: Draft) -> None:
    """Single brackets for what may be repeated, or double ones for what may not: the commonest slip in TOML."""
    for key, value in list(draft.data.items()):
        if key in REPEATED and isinstance(value, dict):
            draft.problem((key,), f"write [[{key}]] with double brackets, for there may be several")
            draft.data[key] = [value]
        elif key in SECTIONS and key not in REPEATED and isinstance(value, list):
            draft.problem((key,), f"write [{key}] once and with single brackets")
            del draft.data[key]
    if draft.data.get("session") == []:
        del draft.data["session"]
    if "sources" in draft.data:
        draft.problem(("sources",), "there is no such setting; each source has a table of its kind, such as [telegram]")
        del draft.data["sources"]


def _check_sessions(draft: Draft) -> None:
    seen: set[str] = set()
    for place, table in draft.tables("session"):
        id = str(table.get("id"))
        if id in seen and "id" in table:
            draft.problem((*place, "id"), f"there is another session with the id {id!r}")
        seen.add(id)
        if isinstance(table.get("course"), str) and table["course"] == "":
            draft.problem((*place, "course"), "is empty; leave the key out if there is no course")


def _check_sources(draft: Draft, environ: Mapping[str, str], kinds: Kinds) -> None:
    """A source is called as its kind, unless it says otherwise; every name is another."""
    seen: set[str] = set()
    for kind, options in kinds.items():
        if kind in draft.data and not isinstance(draft.data[kind], dict | list):
            draft.problem((kind,), "must be a table")
            del draft.data[kind]
            continue
        for place, table in draft.tables(kind):
            name = str(table.get("name", kind))
            if name in seen or name in TAKEN_NAMES or (name in kinds and name != kind):
                draft.problem((*place, "name"), f"the name {name!r} is taken; choose another")
            seen.add(str(name))
            _check_session_of(draft, place, table)
            for key, info in options.model_fields.items():
                if info.annotation is SecretStr:
                    _check_secret(draft, place, table, key, info, environ)


def _check_secret(
    draft: Draft, place: Place, table: Raw, key: str, info: FieldInfo, environ: Mapping[str, str]
) -> None:
    about = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    given = _given(table, key)
    value = _fill_secret(draft, place, table, key, str(about.get("variable", "")), environ, bool(about.get("needed")))
    for other in (f"{key}_env", f"{key}_file"):
        table.pop(other, None)
    if value is not None and about.get("made_here") and (weakness := weakness_of(value)):
        draft.problem((*place, given), weakness)


def _check_session_of(draft: Draft, place: Place, table: Raw) -> None:
    """The session a chat belongs to exists; with only one, it need not be named."""
    known = [t["id"] for _, t in draft.tables("session") if isinstance(t.get("id"), str)]
    if "session" not in draft.data:
        known = ["talk"]
    named = table.get("session", "")
    if named == "" and len(known) == 1:
        table["session"] = known[0]
    elif named == "" and len(known) > 1:
        draft.problem((*place, "session"), f"say which session it belongs to: {', '.join(known)}")
    elif isinstance(named, str) and named not in known:
        draft.problem((*place, "session"), f"there is no session {named!r}{did_you_mean(named, known)}")


def _given(table: Raw, kind: str) -> str:
    return next((key for key in (f"{kind}_file", f"{kind}_env") if table.get(key)), kind)


def _fill_secret(
    draft: Draft, place: Place, table: Raw, kind: str, variable: str, environ: Mapping[str, str], needed: bool
) -> str | None:
    """Put the secret in its place from the variable or file that holds it; None when there is none, and a problem where
    one is `needed`."""
    keys = (kind, f"{kind}_env", f"{kind}_file")
    for key in keys:
        if table.get(key) == "":
            del table[key]  # left empty is left out
    given = [key for key in keys if key in table]
    if any(not isinstance(table[key], str) for key in given):
        return None
    if len(given) > 1:
        draft.problem((*place, given[1]), f"give only one of {', '.join(keys)}")
        return None
    if given == [kind]:
        draft.warn((*place, kind), f"better name a variable ({kind}_env) or a file ({kind}_file): this one gets shared")
        return str(table[kind])
    if given == [f"{kind}_file"]:
        value = _secret_from_file(draft, (*place, given[0]), draft.folder / Path(table[given[0]]).expanduser())
    elif name := table.get(f"{kind}_env", variable):
        value = environ.get(name, "").strip()
        if not value and (needed or f"{kind}_env" in table):
            draft.problem((*place, f"{kind}_env"), f"the environment variable {name} is not set")
    else:
        value = ""
        if needed:
            draft.problem((*place, kind), f"give one of {', '.join(keys)}")
    # The key is written only when there is a value, so that pydantic's report shows what the file says.
    if value:
        table[kind] = value
    return value or None


def _secret_from_file(draft: Draft, place: Place, file: Path) -> str:
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        draft.problem(place, f"{file} cannot be read: {getattr(error, 'strerror', None) or error}")
        return ""
    if not value:
        draft.problem(place, f"{file} is empty")
    elif file.stat().st_mode & 0o004:
        draft.warn(place, f"everybody on this machine can read {file}; `chmod 600` it")
    return value


def _resolve_paths(draft: Draft, kinds: Kinds) -> None:
    """Relative to the file, not to where the program was started."""

    def absolute(table: Raw, key: str) -> Path | None:
        if isinstance(table.get(key), str) and table[key]:
            table[key] = (draft.folder / Path(table[key]).expanduser()).resolve()
            return Path(table[key])
        return None

    draft.data.setdefault("data", "data")
    if (data := absolute(draft.data, "data")) and data.exists() and not data.is_dir():
        draft.problem(("data",), f"{data} is a file, not a folder")
    draft.data.setdefault("backups", "backups")
    if (backups := absolute(draft.data, "backups")) and backups.exists() and not backups.is_dir():
        draft.problem(("backups",), f"{backups} is a file, not a folder")
    for place, table in draft.tables("session"):
        course = absolute(table, "course")
        if course and course.exists() and not course.is_dir():
            draft.problem((*place, "course"), f"{course} is a file; name the folder that holds it")
        elif course and not course.exists():
            draft.warn((*place, "course"), f"the folder {course} does not exist (yet)")
    for _, table in draft.tables("encoder"):
        _resolve_model(draft, table)
    for kind, options in kinds.items():
        for _, table in draft.tables(kind):
            for key, info in options.model_fields.items():
                if info.annotation in (Path, Path | None):
                    absolute(table, key)


def _resolve_model(draft: Draft, table: Raw) -> None:
    """A folder or a socket; any other name is one on the hub."""
    model = table.get("model")
    if not isinstance(model, str) or model in ("", SOCKET, *SHIPPED):
        return
    path = draft.folder / Path(model.removeprefix(SOCKET)).expanduser()
    if model.startswith(SOCKET):
        table["model"] = f"{SOCKET}{path.absolute()}"
    elif path.is_dir():
        table["model"] = str(path.absolute())  # links stay: a model may be known by its name
