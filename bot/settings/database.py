"""The address of the database, for commands that read no more of the configuration than where things are."""

from collections.abc import Mapping
from pathlib import Path

from bot.errors import SettingsError
from bot.settings.draft import Draft

VARIABLE = "FLOORMIC_DATABASE"
"""What holds it where the file does not name it."""


def address_of(draft: Draft, environ: Mapping[str, str]) -> str:
    """That of PostgreSQL, as the file has it, or names a variable or a file for it; "" where the database is a file.
    Whether it is a good one is not looked at. Raises `SettingsError` where the named file cannot be read or the named
    variable is not set: the file beside it, which may be there from before, is another database."""
    if said := draft.data.get("database"):
        return str(said)
    if named := draft.data.get("database_file"):
        try:
            return (draft.folder / Path(str(named)).expanduser()).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise SettingsError([f"{draft.name}: database_file: {named} cannot be read"]) from error
    named = draft.data.get("database_env")
    found = environ.get(str(named or VARIABLE), "").strip()
    if named and not found:
        raise SettingsError([f"{draft.name}: database_env: the environment variable {named} is not set"])
    return found
