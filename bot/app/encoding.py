"""`floormic encoder`: the configured program's model, for several processes of one machine."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from bot.app.hall import spare_threads, told_to_stop
from bot.app.service import notify
from bot.errors import SettingsError
from knowledge.encoder import EncoderError, load_encoder
from knowledge.encoder_service import EncoderService

log = logging.getLogger(__name__)


async def serve_encoder(model: str, threads: int | None, socket: Path, say: Callable[[str], None]) -> None:
    """Serve `model` at `socket` until stopped. Raises `SettingsError` where one of them cannot be used."""
    stopped = told_to_stop()
    try:
        encoder = await asyncio.to_thread(load_encoder, model, threads or spare_threads())
        service = EncoderService(encoder, socket)
    except EncoderError as error:
        raise SettingsError([str(error)]) from error
    try:
        say(f'The encoder listens at {socket}; set model = "unix:{socket}" under [encoder]')
        notify("READY=1", f"STATUS=Listening at {socket}")
        await stopped.wait()
        notify("STOPPING=1")
    finally:
        service.close()
