"""Prints docs/settings.md: `python -m bot.app`."""

from bot.app.sources import KINDS
from bot.settings import settings_page

print(settings_page([kind.options for kind in KINDS.values()]), end="")
