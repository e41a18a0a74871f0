"""The lines of `floormic backup` and `floormic restore`."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from bot.app.keeping.backup import BackedUp
from bot.app.keeping.restore import Rehearsed, Restored
from bot.app.terminal import lasted


def told_backup(done: BackedUp) -> Iterator[str]:
    manifest = done.manifest
    yield f"{done.file} written and read back: {_size(done.size)}, {_held(manifest.counts)}"
    if manifest.secrets:
        yield "It holds secrets and names: keep it private. Whoever can read it can sign in as organiser."
    else:
        yield "It holds names and what people wrote: keep it private."
    for left in manifest.left_out:
        yield f"Not in it: {left}"
    for old in done.removed:
        yield f"{old} removed"


def told_restore(done: Restored) -> Iterator[str]:
    manifest, beside = done.manifest, done.beside
    made = f"{datetime.fromtimestamp(manifest.made_at):%Y-%m-%d %H:%M}"
    yield f"{done.data} restored as it was on {made}: {_held(manifest.counts)}"
    if done.aside:
        yield f"What was there before is in {done.aside}; delete it when you miss nothing."
    if beside.wrote:
        yield f"{beside.wrote} written"
    if beside.other:
        yield f"The configuration stays as it is; that of the backup is in {beside.other}"
    for path in beside.kept:
        yield f"{path} stays as it is; the backup has another one"
    if beside.put_back:
        yield (
            f"What lay outside of the folders, or is named by no configuration, is in {beside.put_back}; put it to its "
            "places by hand"
        )
    for left in manifest.left_out:
        yield f"Not in it: {left}"
    if done.forgotten is None:
        yield f"Whoever was forgotten since {made} is in it again: forget them again with `floormic forget`."
    elif done.forgotten:
        yield f"Forgotten again, as they were since the backup: {done.forgotten}"
    if done.waiting:
        yield f"Some of what waited on {made} may have been said since; all of it will be said: {done.waiting}"
    yield "Next: `floormic doctor`, then `floormic run`."


def told_rehearsal(done: Rehearsed, file: Path) -> Iterator[str]:
    made = f"{datetime.fromtimestamp(done.manifest.made_at):%Y-%m-%d %H:%M}"
    if done.fewer:
        yield f"{file} cannot be relied on: not as many rows as it says in {', '.join(done.fewer)}"
    else:
        held = _held(done.manifest.counts)
        yield f"{file} of {made} can be restored: {held}, all there after {lasted(done.seconds)}"
    if done.steps:
        yield f"It is from an older version; steps that bring its schema up to date: {done.steps}"


def _held(counts: Mapping[str, int]) -> str:
    return f"messages {counts.get('messages', 0)}, questions {counts.get('questions', 0)}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
