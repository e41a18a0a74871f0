"""A disk that loses power: what it holds is what was synced, and of the rest whatever it likes. Pure.

It is rebuilt from the calls that the program made. A page that was written and not synced may be there or not, each by
itself, and a new file has a name only once its folder was synced. A sync that failed leaves the pages out, and they
count as written all the same (as Linux has it): only another write brings them back.
"""

import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePath

from tests.torture._traces import SYNCS, Call

PAGE = 4096
"""Bytes that the kernel writes at once."""


class Platter:
    """`files`: what the disk holds in the beginning, by path. Only what lies in `folder` is looked at."""

    def __init__(self, folder: str, files: Mapping[str, bytes]) -> None:
        self._folder = folder
        self._cached = {path: bytearray(held) for path, held in files.items()}
        self._stable = {path: bytearray(held) for path, held in files.items()}
        self._dirty: dict[str, set[int]] = defaultdict(set)
        self._named = set(files)

    def do(self, call: Call) -> None:
        """One call of the program."""
        if call.name in SYNCS:
            self._sync(call)
        elif call.failed or str(PurePath(call.file).parent) != self._folder or call.file.endswith("-shm"):
            return
        elif call.name in ("pwrite64", "ftruncate"):
            self._write(call)
        elif call.name == "unlink":
            for known in (self._cached, self._stable, self._dirty):
                known.pop(call.file, None)

    def cut(self, dice: random.Random) -> dict[str, bytes]:
        """What is found after the power went away now: of all unsynced pages none, some or all."""
        share = dice.choice([0.0, 0.5, 1.0])
        found = {path: bytearray(held) for path, held in self._stable.items() if path in self._named}
        for path in found:
            for page in self._dirty[path]:
                if dice.random() < share:
                    _copy(self._cached[path], found[path], page)
        return {path: bytes(held) for path, held in found.items()}

    def _write(self, call: Call) -> None:
        held = self._cached.setdefault(call.file, bytearray())
        self._stable.setdefault(call.file, bytearray())
        if call.name == "ftruncate":
            pages = range(min(len(held), call.at) // PAGE, max(len(held), call.at) // PAGE + 1)
            held[:] = held[: call.at].ljust(call.at, b"\0")
        else:
            end = call.at + len(call.data)
            held.extend(bytes(max(0, end - len(held))))
            held[call.at : end] = call.data
            pages = range(call.at // PAGE, (end - 1) // PAGE + 1)
        self._dirty[call.file].update(pages)

    def _sync(self, call: Call) -> None:
        if call.file == self._folder and not call.failed:
            self._named |= self._cached.keys()
        for page in self._dirty.pop(call.file, ()):
            if not call.failed:
                _copy(self._cached[call.file], self._stable[call.file], page)


def _copy(source: bytearray, target: bytearray, page: int) -> None:
    begin, end = page * PAGE, min((page + 1) * PAGE, len(source))
    if begin >= len(source):
        del target[len(source) :]  # it was cut off
        return
    target.extend(bytes(max(0, end - len(target))))
    target[begin:end] = source[begin:end]
    if end == len(source):
        del target[end:]
