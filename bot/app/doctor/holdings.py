"""Judgements about what is kept: the database, who may read it, secrets, backups. Pure: facts in, findings out."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.app.doctor.finding import Finding, fault, ok, warning
from bot.app.terminal import lasted

DAY = 86_400.0
STALE = 8 * DAY
"""Seconds after which a backup is old."""


@dataclass(frozen=True, slots=True)
class Mode:
    """Of a file: its bits, and whose it is."""

    path: Path
    bits: int
    owner: int

    @property
    def read_by_others(self) -> bool:
        return bool(self.bits & (stat.S_IROTH | stat.S_IWOTH))

    @property
    def read_by_group(self) -> bool:
        return bool(self.bits & (stat.S_IRGRP | stat.S_IWGRP))


def judge_integrity(damage: str | None) -> Finding:
    """`damage`: what SQLite found wrong, "" for nothing; None: there is no database yet."""
    if damage is None:
        return ok("database", "there is no database yet; the program makes one at its first start")
    if damage:
        return fault(
            "database",
            f"the database is damaged: {damage}",
            "stop the program, keep the data folder, and restore the last backup with --replace",
        )
    return ok("database", "the database is whole")


def judge_schema(newer: Sequence[str], pending: Sequence[str]) -> Finding:
    """Steps that this program does not know, and steps that the database has not seen."""
    if newer:
        return fault(
            "schema",
            f"the database was written by a newer floormic (it has {', '.join(newer)})",
            "update floormic, or restore a backup of this version",
        )
    if pending:
        return warning(
            "schema",
            f"the database is of an older version; steps that the next start will do: {len(pending)}",
            "make a backup now, then start the program before the evening and not in it",
        )
    return ok("schema", "the database is of this version")


def judge_folder(folder: Mode | None, files: Sequence[Mode]) -> Finding:
    """`folder`: that of the data; `files`: what lies in it, at any depth."""
    if folder is None:
        return ok("data folder", "there is no data folder yet; the program makes one at its first start")
    if folder.bits & stat.S_IWOTH:
        return fault("data folder", f"everybody can write into {folder.path}", f"chmod 700 {folder.path}")
    foreign = [one for one in files if one.owner != folder.owner]
    if foreign:
        return fault(
            "data folder",
            f"{foreign[0].path} belongs to another user than the folder, so the program may not write it",
            f"chown -R {folder.owner} {folder.path}",
        )
    if folder.bits & stat.S_IXOTH and any(one.read_by_others for one in files):
        return warning(
            "data folder",
            f"everybody on this machine can read what was said and by whom ({folder.path})",
            f"chmod 700 {folder.path}",
        )
    return ok("data folder", "nobody else can read the data")


def judge_secret(weakness: str | None, database: bool) -> Finding:
    """`weakness`: why the secret of the installation is none, "" for a good one, None where there is none yet."""
    if weakness is None:
        if database:
            return warning(
                "secret",
                "the secret of this installation is missing; a new one is made at the next start",
                "put the file `secret` back from a backup, or let everybody sign in again",
            )
        return ok("secret", "the secret of this installation is made at its first start")
    if weakness:
        return fault("secret", f"the secret of this installation {weakness}", "delete the file; a new one is made")
    return ok("secret", "the secret of this installation is a good one")


def judge_secret_files(files: Sequence[Mode], config: Mode | None, plain: Sequence[str]) -> Finding:
    """`plain`: secrets that stand in the configuration itself."""
    for one in files:
        if one.read_by_others:
            return fault("secret files", f"everybody on this machine can read {one.path}", f"chmod 600 {one.path}")
    if plain and config is not None and config.read_by_others:
        return fault(
            "secret files",
            f"secrets stand in {config.path}, which everybody on this machine can read ({', '.join(plain)})",
            f"chmod 600 {config.path}, or name a file or a variable for each",
        )
    for one in files:
        if one.read_by_group:
            return warning("secret files", f"the group of {one.path} can read it", f"chmod 600 {one.path}")
    if plain:
        return warning(
            "secret files",
            f"secrets stand in the configuration itself ({', '.join(plain)}), and are shared with it",
            "name a file or a variable for each (…_file, …_env)",
        )
    return ok("secret files", "nobody else can read the secrets")


def judge_backups(newest: Path | None, age: float, wrong: str | None, folder: Path, holds: bool) -> Finding:
    """`newest` in the configured folder and its `age` in seconds; `wrong`: why it cannot be relied on, "" where it was
    read to its end, None where that takes too long here. `holds`: whether there is anything to lose."""
    if newest is None:
        if not holds:
            return ok("backups", "there is nothing to back up yet")
        return warning(
            "backups", f"there is no backup in {folder}", "floormic backup; every night, as docs/backup.md says"
        )
    if wrong:
        return fault("backups", f"the newest backup cannot be relied on ({wrong})", "floormic backup makes another one")
    if age > STALE:
        return warning("backups", f"the newest backup is {lasted(age)} old", "floormic backup; every night, best")
    read = "it was not read to its end, for it is large" if wrong is None else "it is whole"
    return ok("backups", f"the newest backup is {lasted(max(0.0, age))} old; {read}")


def judge_configuration(problems: Sequence[str], warnings: Sequence[str]) -> list[Finding]:
    """What `floormic check` says of the file."""
    found = [
        fault("configuration", text, "mend it in the file; floormic check names every mistake") for text in problems
    ]
    found += [warning("configuration", text, "change it in the file") for text in warnings]
    return found or [ok("configuration", "the configuration has no mistake")]


def judge_courses(problems: Mapping[str, Sequence[str]]) -> list[Finding]:
    """By session, what is wrong with its course; nothing for one that can be read."""
    found = []
    for session, wrong in problems.items():
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            found.append(
                warning("course", f"course of {session}: {wrong[0]}{more}", "floormic check names every mistake of it")
            )
        else:
            found.append(ok("course", f"course of {session}: it can be read"))
    return found


def judge_encoder(broken: str, calibrated: bool | None, unusable: str = "", others: bool = False) -> Finding:
    """`broken`: what is wrong with the files of the model; `calibrated`: None where only loading it would tell.
    `unusable`: the file of a calibration that cannot be used; `others`: what is stored was made by another model."""
    if broken:
        return fault("model", f"the model cannot be loaded: {broken}", "install Floormic again, or name another model")
    if unusable:
        return fault(
            "model", f"{unusable} is no calibration that can be used", "floormic calibrate, or delete the file"
        )
    if others:
        return fault("model", "the vectors in the database were made by another model", "floormic reencode")
    if calibrated is None:
        return ok("model", "a model of your own, or of another process; floormic check says whether it is calibrated")
    if not calibrated:
        return warning(
            "model",
            "no calibration fits the model: answers are only suggested, never sent",
            "floormic calibrate",
        )
    return ok("model", "the files of the model are whole, and it is calibrated")
