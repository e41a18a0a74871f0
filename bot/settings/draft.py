"""The file as it was read, and where in it everything is written, so that a mistake can be shown with its line."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import SettingsError
from bot.options import Section, SourceOptions

Raw = dict[str, Any]
Place = tuple[str | int, ...]
"""Keys and indexes that lead to a value, as pydantic's `loc`."""


@dataclass
class Draft:
    """The file as it was read, and what was found wrong with it so far."""

    name: str
    folder: Path
    data: Raw
    lines: dict[Place, int]
    sections: Mapping[str, type[Section]]
    problems: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)

    def problem(self, place: Place, text: str) -> None:
        line = self._line(place)
        if (line, entry := self._entry(place, text, line)) not in self.problems:
            self.problems.append((line, entry))

    def warn(self, place: Place, text: str) -> None:
        line = self._line(place)
        self.warnings.append((line, self._entry(place, text, line)))

    def tables(self, key: str) -> Iterator[tuple[Place, Raw]]:
        """Every table of that name that is one (others are reported elsewhere)."""
        value = self.data.get(key)
        if isinstance(value, dict):
            yield (key,), value
        for index, item in enumerate(value) if isinstance(value, list) else ():
            if isinstance(item, dict):
                yield (key, index), item

    def _title(self, table: str) -> str:
        """As it is written: a source may stand in single brackets or, where there are several, in double ones."""
        section = self.sections[table]
        if not issubclass(section, SourceOptions):
            return section.title_in_file
        return f"[[{table}]]" if isinstance(self.data.get(table), list) else f"[{table}]"

    def _line(self, place: Place) -> int:
        """The key's line, or that of its table when the key is not written."""
        return next((self.lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self.lines), 0)

    def _entry(self, place: Place, text: str, line: int) -> str:
        table = self._title(str(place[0])) if place and place[0] in self.sections else ""
        keys = ".".join(str(part) for part in place[1 if table else 0 :] if isinstance(part, str))
        where = f"{self.name}:{line}" if line else self.name
        what = " ".join(part for part in (table, keys) if part)
        return f"{where}: {what}: {text}" if what else f"{where}: {text}"


def read_draft(path: Path | None, sections: Mapping[str, type[Section]]) -> Draft:
    if path is None:
        return Draft("(embedded defaults)", Path.cwd(), {}, {}, sections)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsError([f"{path}: there is no such file; `floormic init` writes one"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path}: is not UTF-8 text (byte {error.start}): save it as UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_explain_toml(path, str(error))]) from error
    return Draft(str(path), path.absolute().parent, data, _lines(text), sections)


def _explain_toml(path: Path, message: str) -> str:
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    if not found:
        return f"{path}: is not valid TOML: {message}"
    return f"{path}:{found[2]}: is not valid TOML: {found[1]} (column {found[3]})"


_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"' -]+?)\s*\]")
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*(?:=|\.)")


def _lines(text: str) -> dict[Place, int]:
    """Where tables and keys are written. tomllib does not say, and a scan of the lines is enough: what it does not
    understand (inline tables) is reported at the line of what holds it."""
    lines: dict[Place, int] = {}
    table: Place = ()
    count: dict[str, int] = {}
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        outside = not quote
        for mark in re.findall(r'"""|\'\'\'', line):
            quote = "" if quote == mark else quote or mark
        if not outside:
            continue
        if header := _HEADER.match(line):
            name = header[2].strip("\"'")
            table = (name,)
            if header[1] == "[[":
                lines.setdefault(table, number)
                table = (name, count.setdefault(name, 0))
                count[name] += 1
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1].strip("\"'")), number)
    return lines
