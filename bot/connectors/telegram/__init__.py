"""Telegram: `mapper` reads updates (pure), `client` speaks to the Bot API, `connector` joins both to the floor."""

from bot.connectors.telegram.connector import Telegram
from bot.connectors.telegram.kind import KIND, TelegramOptions

__all__ = ["KIND", "Telegram", "TelegramOptions"]
