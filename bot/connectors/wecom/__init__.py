"""WeCom (企业微信), its AI bot (智能机器人): `connector` over the bot's WebSocket, `callback` where WeCom calls us.

`frames` and `crypto` read and write what goes over the wire, `markup` and `cards` what people see, `mapper` says what
an event means; all five are pure. `client` speaks to WeCom.
"""

from bot.connectors.wecom.callback import WeComCallback
from bot.connectors.wecom.connector import WeCom
from bot.connectors.wecom.kind import KIND, WeComOptions

__all__ = ["KIND", "WeCom", "WeComCallback", "WeComOptions"]
