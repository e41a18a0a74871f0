"""Vectors of two encoders say nothing about each other: they are never mixed, but all made anew."""

from collections.abc import Callable

from bot.app.stores import open_configured
from bot.errors import SettingsError
from bot.model import Vector
from bot.ports import Store, Vectors
from bot.settings import Settings
from knowledge.encoder import Encoder, EncoderError, load_encoder, read_of

AT_ONCE = 256


async def keep_apart(store: Vectors, encoder: Encoder) -> None:
    """Let the store take this encoder's vectors. Raises `SettingsError` where it holds those of another one."""
    kept = await store.encoder()
    if kept is None:
        await store.keep_encoder(encoder.fingerprint)
    elif kept != encoder.fingerprint:
        raise SettingsError(
            [
                f"[encoder] model: the vectors in the database were made by another encoder than {encoder.name!r}, and "
                "those of two cannot be compared; run `floormic reencode` to make them anew, or name the former model"
            ]
        )


async def reencode(
    settings: Settings, progress: Callable[[int, int], None] = lambda done, of: None, *, encoder: Encoder | None = None
) -> int:
    """Make all vectors of the database anew with the configured encoder; how many, 0 where they are of that one. They
    are exchanged at the end, all at once, so that a run that is stopped changes nothing. `progress` is told how many of
    how many are done.

    Raises `StoreBusy` while the program runs, and `SettingsError` where the model cannot be loaded.
    """
    store = await open_configured(settings, alone=True)
    try:
        return await _reencode(store, encoder or _load(settings), progress)
    finally:
        await store.close()


def _load(settings: Settings) -> Encoder:
    try:
        return load_encoder(settings.encoder.model, settings.encoder.threads or None)
    except EncoderError as error:
        raise SettingsError([f"[encoder] model: {error}"]) from error


async def _reencode(store: Store, encoder: Encoder, progress: Callable[[int, int], None]) -> int:
    if await store.encoder() == encoder.fingerprint:
        return 0
    texts = await store.encoded()
    fresh: list[tuple[int, Vector]] = []
    for begin in range(0, len(texts), AT_ONCE):
        some = texts[begin : begin + AT_ONCE]
        fresh += zip((id for id, _ in some), encoder.encode([read_of(text) for _, text in some]), strict=True)
        progress(len(fresh), len(texts))
    await store.reencode(encoder.fingerprint, fresh)
    return len(fresh)
