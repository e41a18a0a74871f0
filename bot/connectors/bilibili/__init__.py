"""Bilibili live: `codec` reads frames and signs, `mapper` reads events, `troubles` refusals (all pure); `client` speaks
to the platform, `connector` joins them to the floor."""

from bot.connectors.bilibili.connector import Bilibili
from bot.connectors.bilibili.kind import KIND, BilibiliOptions

__all__ = ["KIND", "Bilibili", "BilibiliOptions"]
