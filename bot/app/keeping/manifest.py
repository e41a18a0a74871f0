"""What a backup says of itself: the last member of the archive, as JSON."""

from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

NAME = "manifest.json"
FORMAT = 1
ROOTS = ("config", "data", "elsewhere")
"""The folders of an archive: the configuration's folder, the data folder, and what lies outside of both, by its whole
path."""


class Member(BaseModel):
    """A file of the archive: its size in bytes and its SHA-256 in hex."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """`made_at` in Unix seconds; `database` is the name of that member, `config` that of the configuration ("": there
    was none). `folder` and `data` are where the installation lay. `variables` hold secrets that are not in here,
    `left_out` says what else is not, in words."""

    model_config = ConfigDict(frozen=True)

    format: int
    program: str
    made_at: float
    sqlite: str
    schema_: tuple[str, ...] = Field(alias="schema")
    counts: dict[str, int]
    folder: str
    data: str
    config: str
    database: str
    secrets: bool
    variables: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    files: tuple[Member, ...]


def unfit(name: str) -> str:
    """Why an archive may not have a member of this name; "" where it may."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or str(path) != name:
        return "leads out of the folder"
    if name != NAME and (len(path.parts) < 2 or path.parts[0] not in ROOTS):
        return "is no part of a backup"
    return ""
