"""A bot made of `satori-python-client` that echoes what it hears and then edits that. Arguments: port, path, token."""

import sys

from satori import EventType, Text
from satori.client import App, WebsocketsInfo

app = App(WebsocketsInfo(host="127.0.0.1", port=int(sys.argv[1]), path=sys.argv[2], token=sys.argv[3]))


@app.register_on(EventType.MESSAGE_CREATED)
async def echo(account, event):
    (sent,) = await account.send(event, [Text(f"{event.user.name}@{event.channel.id}: {event.message.content}")])
    await account.message_update(event.channel.id, sent.id, "edited")


app.run()
