"""docs/settings.md, made from the descriptions of the models."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bot.settings.schema import SECTIONS, Settings, keys_of


@dataclass(frozen=True, slots=True)
class Described:
    """One setting for a human: `default` as TOML ("" where there is none), `needed` if it has no default."""

    section: str
    key: str
    default: str
    needed: bool
    description: str


def describe_settings() -> list[Described]:
    """Every setting there is, in the order of the file."""
    rows = [_described("", "data")]
    for section in SECTIONS.values():
        rows += [_described(section.title_in_file, key) for key in keys_of(section)]
    return rows


def _described(title: str, key: str) -> Described:
    section = next((s for s in SECTIONS.values() if s.title_in_file == title), Settings)
    info = section.model_fields[key]
    return Described(title, key, _as_toml(info.default), info.is_required(), info.description or "")


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
        case ():
            return "[]"
        case _:
            return ""


def settings_page() -> str:
    """docs/settings.md."""
    rows = describe_settings()
    out = [SETTINGS_INTRODUCTION]
    for title, about in (("", "At the top of the file, before any table."), *((s.title_in_file, s.about)
                         for s in SECTIONS.values())):  # fmt: skip
        out += [
            f"\n## {f'`{title}`' if title else 'Top'}\n\n{about}\n",
            "| setting | default | meaning |",
            "|---|---|---|",
        ]
        for row in rows:
            if row.section == title:
                default = "needed" if row.needed else f"`{row.default}`" if row.default else "none"
                out.append(f"| `{row.key}` | {default} | {row.description} |")
    return "\n".join(out) + "\n"


SETTINGS_INTRODUCTION = """# Settings

Floormic reads one TOML file: `floormic.toml` in the current folder, or the one named with `--config`. Without any it
runs on the defaults below. `floormic init` writes a commented file; `floormic check` names every mistake in it with its
line. Paths are relative to the file. The file is read once, at the start.

Secrets do not belong in it: name an environment variable or a file that holds them.

<!-- Made by `python -m bot.settings`; change the descriptions in bot/settings/schema.py, not this page. -->"""
