"""Where the parts of an installation lie, as far as its configuration says so."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bot.app.sources import KINDS
from bot.settings import Settings
from bot.settings.database import address_of
from bot.settings.draft import Draft, read_draft
from bot.settings.schema import SECTIONS


@dataclass(frozen=True, slots=True)
class Place:
    """`folder` is that of the configuration `config` (None: embedded defaults). `courses` are the folders that it
    names, `secrets` the files. `variables` hold secrets, too; `plain` are secrets that stand in the file itself."""

    config: Path | None
    folder: Path
    data: Path
    backups: Path
    courses: tuple[Path, ...] = ()
    secrets: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    postgres: str = ""
    """The address of PostgreSQL; "" where the database is the file `database`."""

    @property
    def database(self) -> Path:
        return Settings(data=self.data).database

    @property
    def secret(self) -> Path:
        return Settings(data=self.data).secret_file

    @property
    def runner(self) -> int:
        """The process that has the database open; 0 for none."""
        try:
            held = os.open(self.database.with_name(self.database.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return 0
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            said = os.read(held, 20).decode("ascii", "replace").strip()
            return int(said) if said.isdecimal() else -1
        finally:
            os.close(held)
        return 0


def place_of(config: Path | None) -> Place:
    """Read no more than that: neither missing variables nor mistakes elsewhere in the file matter to a copy.

    Raises `SettingsError` where the file cannot be read at all.
    """
    draft = read_draft(config, {**SECTIONS, **{name: kind.options for name, kind in KINDS.items()}})
    tables = list(_secret_keys(draft))
    return Place(
        config=config.absolute() if config else None,
        folder=draft.folder,
        data=_path(draft, draft.data.get("data"), "data"),
        backups=_path(draft, draft.data.get("backups"), "backups"),
        courses=tuple(_path(draft, table["course"], "") for _, table in draft.tables("session") if table.get("course")),
        secrets=tuple(
            _path(draft, table[f"{key}_file"], "") for _, table, key, _ in tables if table.get(f"{key}_file")
        ),
        variables=tuple(dict.fromkeys(filter(None, (_variable(*one[1:]) for one in tables)))),
        plain=tuple(f"{kind}.{key}" for kind, table, key, _ in tables if table.get(key)),
        postgres=address_of(draft, os.environ),
    )


def _secret_keys(draft: Draft) -> Iterator[tuple[str, dict[str, object], str, str]]:
    """Table's name, table, key and default variable of every secret that the file may have."""
    for name, section in draft.sections.items():
        for _, table in draft.tables(name):
            for key, info in section.model_fields.items():
                if info.annotation is SecretStr:
                    about = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
                    needed = bool(about.get("needed"))
                    yield name, table, key, str(about.get("variable", "")) if needed else ""


def _variable(table: dict[str, object], key: str, default: str) -> str:
    if table.get(key) or table.get(f"{key}_file"):
        return ""
    return str(table.get(f"{key}_env") or default)


def _path(draft: Draft, said: object, default: str) -> Path:
    path = Path(str(said or default))
    with suppress(RuntimeError):  # no home
        path = path.expanduser()
    return (draft.folder / path).resolve()
