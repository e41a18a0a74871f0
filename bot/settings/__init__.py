"""The configuration: one TOML file becomes frozen values, or a list of every mistake in it with its place.

Nothing here is read at import and nothing is kept: `load_settings` takes the file and the environment as arguments.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from bot.errors import SettingsError
from bot.settings.checks import check
from bot.settings.draft import read_draft
from bot.settings.page import Described, describe_settings, settings_page
from bot.settings.schema import (
    EncoderSettings,
    IntakeSettings,
    SessionSettings,
    Settings,
    TelegramSettings,
    WebSettings,
)
from bot.settings.secret import keep_secret
from bot.settings.wording import explain

__all__ = [
    "Described",
    "EncoderSettings",
    "IntakeSettings",
    "SessionSettings",
    "Settings",
    "TelegramSettings",
    "WebSettings",
    "describe_settings",
    "keep_secret",
    "load_settings",
    "settings_page",
]


def load_settings(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read a configuration; None gives the embedded defaults, with `data` in the current folder.

    Raises `SettingsError` that lists all mistakes at once. What only deserves a word is in `Settings.warnings`.
    """
    draft = read_draft(path)
    check(draft, environ)
    try:
        settings = Settings.model_validate(draft.data)
    except ValidationError as error:
        for details in error.errors():
            place, context = details["loc"], details.get("ctx", {})
            draft.problem(place, explain(place, details["type"], details["msg"], details["input"], context))
    if draft.problems:
        raise SettingsError([text for _, text in sorted(draft.problems)])
    settings._warnings = tuple(text for _, text in sorted(draft.warnings))
    return settings
