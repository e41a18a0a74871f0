"""Kuaishou live (快手): the official push, or the feed of the web page where that is switched on.

`signing` and `codec` are pure, `client` and `feed` speak to the platform, `connector` joins them to the floor.
"""

from bot.connectors.kuaishou.connector import KuaishouFeed, KuaishouPush
from bot.connectors.kuaishou.kind import KIND, KuaishouOptions

__all__ = ["KIND", "KuaishouFeed", "KuaishouOptions", "KuaishouPush"]
