"""Telegram: `mapper` reads updates (pure), `client` speaks to the Bot API, `connector` joins both to the floor."""

from bot.connectors.telegram.connector import Telegram

__all__ = ["Telegram"]
