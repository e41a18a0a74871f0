"""WeChat Channels live (视频号): a script in the broadcaster's browser forwards what the console shows (`listener.js`);
`codec` reads it (pure), `connector` takes it in."""

from bot.connectors.channels.connector import Channels
from bot.connectors.channels.kind import KIND, ChannelsOptions

__all__ = ["KIND", "Channels", "ChannelsOptions"]
