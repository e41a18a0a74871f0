"""Runs a connector beside a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from bot.connectors.telegram import Telegram
from bot.ports import Floor
from tests.fake_telegram import TOKEN, FakeTelegram


def connector(server: FakeTelegram, **options: Any) -> Telegram:
    options = {"wait": lambda failures: 0.02, "language": "en", **options}
    token = options.pop("token", TOKEN)
    return Telegram("telegram", token, "talk", base_url=server.base_url, base_file_url=server.base_url, **options)


@asynccontextmanager
async def listening(server: FakeTelegram, floor: Floor, **options: Any) -> AsyncIterator[Telegram]:
    telegram = connector(server, **options)
    task = asyncio.create_task(telegram.run(floor))
    try:
        yield telegram
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await telegram.close()
