"""The configuration: one TOML file becomes frozen values, or a list of every mistake in it with its place.

Nothing here is read at import and nothing is kept: `load_settings` takes the file and the environment as arguments.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from bot.errors import SettingsError
from bot.options import Section, SourceOptions
from bot.settings.checks import check
from bot.settings.draft import Draft, Place, Raw, read_draft
from bot.settings.page import Described, connectors_page, describe_settings, settings_page
from bot.settings.schema import (
    SECTIONS,
    AfterSettings,
    AnswersSettings,
    EncoderSettings,
    LimitsSettings,
    LogSettings,
    SessionSettings,
    Settings,
    WebSettings,
)
from bot.settings.secret import keep_secret, secrets_of
from bot.settings.wording import explain

Some = TypeVar("Some", bound=Section)

__all__ = [
    "AfterSettings",
    "AnswersSettings",
    "Described",
    "EncoderSettings",
    "LimitsSettings",
    "LogSettings",
    "SessionSettings",
    "Settings",
    "WebSettings",
    "connectors_page",
    "describe_settings",
    "keep_secret",
    "load_settings",
    "secrets_of",
    "settings_page",
]


def load_settings(
    path: Path | None, environ: Mapping[str, str] = os.environ, kinds: Iterable[type[SourceOptions]] = ()
) -> Settings:
    """Read a configuration; None gives the embedded defaults, with `data` in the current folder. `kinds`: the sources
    that it may configure.

    Raises `SettingsError` that lists all mistakes at once. What only deserves a word is in `Settings.warnings`.
    """
    known = {kind.kind: kind for kind in kinds}
    draft = read_draft(path, {**SECTIONS, **known})
    check(draft, environ, known)
    sources = [
        source
        for name, kind in known.items()
        for place, table in draft.tables(name)
        if (source := _validated(draft, place, kind, table)) is not None
    ]
    rest = {key: value for key, value in draft.data.items() if key not in known}
    settings = _validated(draft, (), Settings, rest)
    if settings and not draft.problems:
        for source, place in zip(sources, _places(draft, known), strict=True):
            for key, text in source.problems(settings.web.public_url):
                draft.problem((*place, key), text)
        if settings.after.report_to not in {"", *(source.name for source in sources if source.staff)}:
            draft.problem(("after", "report_to"), "there is no source of this name that has a staff's chat")
    if draft.problems or settings is None:
        raise SettingsError([text for _, text in sorted(draft.problems)])
    settings = settings.model_copy(update={"sources": tuple(sources)})
    settings._warnings = tuple(text for _, text in sorted(draft.warnings))
    return settings


def _places(draft: Draft, kinds: Iterable[str]) -> list[Place]:
    return [place for name in kinds for place, _ in draft.tables(name)]


def _validated(draft: Draft, place: Place, section: type[Some], table: Raw) -> Some | None:
    try:
        return section.model_validate(table)
    except ValidationError as error:
        for found in error.errors():
            where = (*place, *found["loc"])
            told = explain(where, found["type"], found["msg"], found["input"], found.get("ctx", {}), draft.sections)
            draft.problem(where, told)
    return None
