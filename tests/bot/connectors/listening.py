"""Runs a connector beside a test, as the supervisor would."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from bot.connectors.telegram import Telegram
from bot.errors import ConnectorError, Refused, StoreError, TryLater
from bot.ports import Connector, Floor, HookRequest
from tests.fake_telegram import TOKEN, FakeTelegram

Made = TypeVar("Made", bound=Connector)


def posted(headers: Mapping[str, str], body: bytes, method: str = "POST", **query: str) -> HookRequest:
    """A request as the web side hands it over."""
    return HookRequest(method, query, {name.lower(): value for name, value in headers.items()}, body)


async def keep(made: Connector, floor: Floor) -> None:
    """Run it again whenever it ends; raises what it is `Refused` for."""
    while True:
        try:
            await made.run(floor)
        except Refused:
            raise
        except TryLater as error:
            await asyncio.sleep(error.seconds)
        except (ConnectorError, StoreError, OSError) as error:
            floor.lost(str(error))
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(made: Made, floor: Floor) -> AsyncIterator[Made]:
    task = asyncio.create_task(keep(made, floor))
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await made.close()


def connector(server: FakeTelegram, **options: Any) -> Telegram:
    options = {"language": "en", **options}
    token = options.pop("token", TOKEN)
    return Telegram("telegram", token, "talk", base_url=server.base_url, base_file_url=server.base_url, **options)


@asynccontextmanager
async def listening(server: FakeTelegram, floor: Floor, **options: Any) -> AsyncIterator[Telegram]:
    async with running(connector(server, **options), floor) as telegram:
        yield telegram
