"""The address of the database, for commands that read no more of the configuration than where things are."""

from collections.abc import Mapping
from pathlib import Path

from bot.errors import SettingsError
from bot.settings.draft import Draft

VARIABLE = "FLOORMIC_DATABASE"
"""What holds it where the file does not name it."""


def address_of(draft: Draft, environ: Mapping[str, str]) -> str:
    """That of PostgreSQL, as the file has it, or names a variable or a file for it; "" where the database is a file.
    Whether it is a good one is not looked at. Raises `SettingsError` where the file that holds it cannot be read."""
    if said := draft.data.get("database"):
        return str(said)
    if named := draft.data.get("database_file"):
        try:
            return (draft.folder / Path(str(named)).expanduser()).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise SettingsError([f"{draft.name}: database_file: {named} cannot be read"]) from error
    return environ.get(str(draft.data.get("database_env") or VARIABLE), "").strip()
