"""Pages made from the code: docs/settings.md of the descriptions, the table in docs/connectors.md of the abilities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.kinds import Kind
from bot.model import Abilities, Unit
from bot.options import Section, SourceOptions
from bot.settings.schema import SECTIONS, Settings


@dataclass(frozen=True, slots=True)
class Described:
    """One setting for a human: `default` as TOML ("" where there is none), `needed` if it has no default."""

    section: str
    key: str
    default: str
    needed: bool
    description: str


Kinds = Sequence[type[SourceOptions]]


def describe_settings(kinds: Kinds) -> list[Described]:
    """Every setting there is, in the order of the file."""
    return [row for title, _, section in _tables(kinds) for row in _rows(title, section)]


def _tables(kinds: Kinds) -> Iterator[tuple[str, str, type[Section]]]:
    """Title, introduction and model of each table."""
    yield "", "At the top of the file, before any table.", Settings
    for section in SECTIONS.values():
        yield section.title_in_file, section.about, section
    for kind in kinds:
        yield f"[{kind.kind}]", f"{kind.about} For several of them: `[[{kind.kind}]]`, each with a name.", kind


def _rows(title: str, section: type[Section]) -> Iterator[Described]:
    names = ["data", "database_url", "backups"] if section is Settings else list(section.model_fields)
    for name in names:
        info = section.model_fields[name]
        key, about = info.alias or name, info.description or ""
        if name == "name" and issubclass(section, SourceOptions):
            yield Described(title, key, f'"{section.kind}"', False, about)
        elif info.annotation is SecretStr:
            yield from _secret_rows(title, key, info, about)
        else:
            yield Described(title, key, _as_toml(info.default), info.is_required(), about)


def _secret_rows(title: str, key: str, info: FieldInfo, about: str) -> Iterator[Described]:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    variable = str(extra.get("variable", ""))
    yield Described(title, f"{key}_env", f'"{variable}"' if variable else "", False, f"{about} The variable with it.")
    yield Described(title, f"{key}_file", "", False, "The file with it.")
    yield Described(title, key, '""', False, "Itself. Discouraged: files get shared.")


def _as_toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() | Path():
            return f'"{value}"'
        case SecretStr():
            return '""'
        case tuple():
            return "[" + ", ".join(map(_as_toml, value)) + "]"
        case _:
            return ""


def settings_page(kinds: Kinds) -> str:
    """docs/settings.md."""
    out = [SETTINGS_INTRODUCTION]
    for title, about, section in _tables(kinds):
        out += [
            f"\n## {f'`{title}`' if title else 'Top'}\n\n{about}\n",
            "| setting | default | meaning |",
            "|---|---|---|",
        ]
        for row in _rows(title, section):
            default = "needed" if row.needed else f"`{row.default}`" if row.default else "none"
            out.append(f"| `{row.key}` | {default} | {row.description} |")
    return "\n".join(out) + "\n"


def connectors_page(page: str, kinds: Sequence[Kind]) -> str:
    """docs/connectors.md with the table of what each kind can do put anew between its marks."""
    head, _, rest = page.partition(BEGIN)
    _, mark, tail = rest.partition(END)
    if not mark:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    rows = [
        "| kind | chat | way in | answers | in private | edits | buttons | same next evening | length | pace |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *map(_ability_row, kinds),
    ]
    return "\n".join([head + BEGIN, *rows, END]) + tail


def _ability_row(kind: Kind) -> str:
    able = kind.abilities
    can = (able.reply, able.reply and able.private, able.reply and able.edit, able.reply and able.buttons)
    cells = [
        f"[`{kind.name}`](settings.md#{kind.name})",
        kind.titles["en"],
        "it calls us" if kind.called else "we connect",
        *("yes" if one else "no" for one in (*can, able.stable_users)),
        f"{able.length:,} {UNITS[able.unit]}" if able.reply else "",
        _pace(able) if able.reply else "",
    ]
    return f"| {' | '.join(cells)} |"


def _pace(able: Abilities) -> str:
    hourly = f", {able.hourly:,} an hour" if able.hourly else ""
    return f"{round(min(able.chat_rate, able.group_rate) * 60)} a minute in a group{hourly}"


UNITS = {Unit.UTF16: "UTF-16 units", Unit.BYTES: "bytes", Unit.CHARACTERS: "characters"}
BEGIN, END = "<!-- begin -->", "<!-- end -->"

SETTINGS_INTRODUCTION = """# Settings

Floormic reads one TOML file: `floormic.toml` in the current folder, or the one named with `--config`. Without any it
runs on the defaults below. `floormic init` writes a commented file; `floormic check` names every mistake in it with its
line. Paths are relative to the file. The file is read once, at the start.

Secrets do not belong in it: name an environment variable or a file that holds them.

<!-- Made by `make docs`; change the descriptions in bot/settings/schema.py and of the connectors, not this page. -->"""
