"""Mistakes in words for people who know TOML a little and pydantic not at all."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from bot.options import Section
from bot.settings.schema import SECTIONS, Settings, keys_of

PLAIN = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number without quotes",
    "bool_type": "must be true or false without quotes",
    "path_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "missing": "is needed",
    "timezone_aware": "needs its offset from UTC, such as 2026-12-01T19:30:00+08:00",
}
"""What pydantic's commonest findings mean for somebody with the file before them."""


def explain(
    place: tuple[str | int, ...],
    kind: str,
    told: str,
    given: object,
    context: Mapping[str, Any],
    sections: Mapping[str, type[Section]],
) -> str:
    """One of pydantic's findings (`loc`, `type`, `msg`, `input`, `ctx`), said in the terms of the file."""
    if kind == "extra_forbidden":
        return _explain_unknown(place, sections)
    if kind in PLAIN:
        return PLAIN[kind]
    if kind in {"tuple_type", "model_type"}:
        networks = place[-1] in {"trusted_proxies", "metrics"}
        return 'must be a list, such as ["10.0.0.0/8"]' if networks else "must be a table"
    if kind in {"literal_error", "enum"}:
        choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return f"must be {_either(choices)}, not {given!r}{did_you_mean(str(given), choices)}"
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("string_pattern"):
        like = "wss://chat.example.org" if "wss" in str(context.get("pattern")) else "https://floor.example.org"
        return f"must be an address like {like}, not {given!r}"
    told = re.sub(r"^Input should", "should", told)
    section = sections.get(str(place[0]))
    info = section.model_fields.get(str(place[-1])) if section else None
    secret = info is not None and info.annotation is SecretStr  # what was written there is shown to nobody
    return told if secret else f"{told}, not {given!r}"


def _explain_unknown(place: tuple[str | int, ...], sections: Mapping[str, type[Section]]) -> str:
    key = str(place[-1])
    section: type[Section] = sections[str(place[0])] if len(place) > 1 else Settings
    if guess := did_you_mean(key, keys_of(section)):
        return f"there is no such setting{guess}"
    others: list[type[Section]] = [Settings, *SECTIONS.values()]
    owners = [other.title_in_file or "the top of the file" for other in others if key in keys_of(other)]
    return f"there is no such setting here; it belongs in {_either(owners)}" if owners else "there is no such setting"


def did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def _either(choices: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1] if choices else "")))
