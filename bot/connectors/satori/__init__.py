"""Satori: one protocol over many chats (Discord, Lark, QQ, KOOK, WeChat MP and others through their adapters).

`elements` and `mapper` read and write what is said (pure), `client` speaks to the server, `connector` joins both to the
floor. The protocol is small and spoken here with aiohttp: the client of `satori-python-client` 1.3.11 handles every
event in a task of its own, so that their order is lost, counts it as read before it is handled, swallows what its
handler raises (a full disk would lose messages), and lets nobody bound its frames and answers. It is a test peer
instead.
"""

from bot.connectors.satori.connector import Satori
from bot.connectors.satori.kind import KIND, SatoriOptions

__all__ = ["KIND", "Satori", "SatoriOptions"]
