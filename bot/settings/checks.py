"""What one model cannot see: one setting against another, and against the environment and the files.

These checks read the file as it was written, before it becomes models, so that they report beside what the models find.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from bot.settings.draft import Draft, Place, Raw
from bot.settings.schema import REPEATED, SECTIONS, TELEGRAM_TOKEN, TELEGRAM_URL
from bot.settings.secret import weakness_of
from bot.settings.wording import did_you_mean

TAKEN_NAMES = ("web", "telegram", "replay")
"""Sources that the program itself names; an intake may not take their name."""


def check(draft: Draft, environ: Mapping[str, str]) -> None:
    """Note every mistake in the draft, fill in the secrets and make the paths absolute."""
    _check_tables(draft)
    _check_sessions(draft)
    _check_intakes(draft, environ)
    _check_telegram(draft, environ)
    _resolve_paths(draft)


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


def _check_sessions(draft: Draft) -> None:
    seen: set[str] = set()
    for place, table in draft.tables("session"):
        id = str(table.get("id"))
        if id in seen and "id" in table:
            draft.problem((*place, "id"), f"there is another session with the id {id!r}")
        seen.add(id)
        if isinstance(table.get("course"), str) and table["course"] == "":
            draft.problem((*place, "course"), "is empty; leave the key out if there is no course")


def _check_intakes(draft: Draft, environ: Mapping[str, str]) -> None:
    seen: set[str] = set()
    for place, table in draft.tables("intake"):
        name = str(table.get("name"))
        if "name" in table and (name in seen or name in TAKEN_NAMES):
            draft.problem((*place, "name"), f"the name {name!r} is taken; choose another")
        seen.add(name)
        _check_session_of(draft, place, table)
        value = _fill_secret(draft, place, table, "secret", "", environ)
        if value is not None and (weakness := weakness_of(value)):
            draft.problem((*place, _given(table, "secret")), weakness)


def _check_telegram(draft: Draft, environ: Mapping[str, str]) -> None:
    for place, table in draft.tables("telegram"):
        _check_session_of(draft, place, table)
        token = _fill_secret(draft, place, table, "token", TELEGRAM_TOKEN, environ)
        ours = table.get("base_url", TELEGRAM_URL) == TELEGRAM_URL
        if token is not None and not re.fullmatch(r"\d+:[\w-]{30,}" if ours else r"\d+:\S+", token):
            draft.problem((*place, _given(table, "token")), "is no bot token; @BotFather gives one like 123456789:AA…")
        web = draft.data.get("web")
        url = web.get("public_url", "") if isinstance(web, dict) else ""
        if table.get("mode") == "webhook" and not str(url).startswith("https://" if ours else "http"):
            draft.problem((*place, "mode"), "webhook needs web.public_url with https://; or use polling")


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
    draft: Draft, place: Place, table: Raw, kind: str, variable: str, environ: Mapping[str, str]
) -> str | None:
    """Put the secret in its place from the variable or file that holds it; None (and a problem) when there is none."""
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
        if not value:
            draft.problem((*place, f"{kind}_env"), f"the environment variable {name} is not set")
    else:
        value = ""
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


def _resolve_paths(draft: Draft) -> None:
    """Relative to the file, not to where the program was started."""

    def absolute(table: Raw, key: str) -> Path | None:
        if isinstance(table.get(key), str) and table[key]:
            table[key] = (draft.folder / Path(table[key]).expanduser()).resolve()
            return Path(table[key])
        return None

    draft.data.setdefault("data", "data")
    if (data := absolute(draft.data, "data")) and data.exists() and not data.is_dir():
        draft.problem(("data",), f"{data} is a file, not a folder")
    for place, table in draft.tables("session"):
        course = absolute(table, "course")
        if course and course.exists() and not course.is_dir():
            draft.problem((*place, "course"), f"{course} is a file; name the folder that holds it")
        elif course and not course.exists():
            draft.warn((*place, "course"), f"the folder {course} does not exist (yet)")
    for key, name in (("telegram", "token_file"), ("intake", "secret_file")):
        for _, table in draft.tables(key):
            absolute(table, name)
