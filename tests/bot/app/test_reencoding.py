"""Vectors of two encoders in one database."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.app import open_hall, reencode
from bot.errors import SettingsError, StoreBusy
from bot.settings import Settings
from bot.storage.sqlite import open_store
from tests.bot.values import message
from tests.fakes import HashEncoder


class Another(HashEncoder):
    """Of the same dimension, but its vectors mean something else."""

    name = "another"
    fingerprint = "another"

    def encode(self, texts: Any) -> Any:
        return np.ascontiguousarray(super().encode(texts)[:, ::-1])


class Longer(HashEncoder):
    """Of another dimension."""

    name = "longer"
    fingerprint = "longer"
    dimension = 2 * HashEncoder.dimension

    def encode(self, texts: Any) -> Any:
        rows = super().encode(texts)[:, : HashEncoder.dimension]
        return np.hstack([rows, rows[:, ::-1]]) / np.float32(np.sqrt(2))


def settings(folder: Path) -> Settings:
    return Settings.model_validate({"data": folder, "web": {"port": 0}})


async def heard(folder: Path, *texts: str) -> None:
    async with open_hall(settings(folder), encoder=HashEncoder()) as hall:
        await hall.loaded()
        await hall.floor.receive([message(at, text) for at, text in enumerate(texts, 1)])
        await asyncio.wait_for(hall.drained(), 20)


@pytest.mark.parametrize("other", [Another(), Longer()], ids=lambda other: other.name)
async def test_vectors_of_two_encoders_are_never_mixed(tmp_path: Path, other: HashEncoder) -> None:
    """The program says so and stops when another encoder is named, of the same dimension or not; re-encoded, it goes
    on, and the same question in the same words joins what was asked before."""
    await heard(tmp_path, "is there a recording?", "hello")
    async with open_hall(settings(tmp_path), encoder=other) as hall:
        with pytest.raises(SettingsError, match="floormic reencode"):
            await hall.loaded()
    told: list[tuple[int, int]] = []
    assert await reencode(settings(tmp_path), lambda *done: told.append(done), encoder=other) == told[-1][1] >= 1
    assert await reencode(settings(tmp_path), encoder=other) == 0  # there is nothing left to do
    async with open_hall(settings(tmp_path), encoder=other) as hall:
        await hall.loaded()
        await hall.floor.receive([message(9, "is there a recording?", "u2")])
        await asyncio.wait_for(hall.drained(), 20)
        assert len(await hall.store.questions("talk")) == 1
        remembered = await hall.store.remembered("talk")
        assert np.array_equal(remembered[0].vector, remembered[1].vector)
        assert remembered[0].vector.shape == (other.dimension,)


async def test_while_the_program_runs_nothing_is_encoded_anew(tmp_path: Path) -> None:
    """The database belongs to one process: the command says that it is busy."""
    async with open_hall(settings(tmp_path), encoder=HashEncoder()):
        with pytest.raises(StoreBusy):
            await reencode(settings(tmp_path), encoder=Another())


async def test_vectors_from_before_the_encoder_was_kept_are_not_trusted(tmp_path: Path) -> None:
    """A database that does not say which encoder made its vectors is re-encoded first."""
    await heard(tmp_path, "is there a recording?")
    with sqlite3.connect(settings(tmp_path).database) as db:
        db.execute("DELETE FROM encoder")
    async with open_hall(settings(tmp_path), encoder=HashEncoder()) as hall:
        with pytest.raises(SettingsError, match="floormic reencode"):
            await hall.loaded()


async def test_without_vectors_any_encoder_may_begin(tmp_path: Path) -> None:
    """A hall that has heard nothing to encode takes the encoder that is named next."""
    store = await open_store(tmp_path / "x.sqlite3")
    try:
        assert await store.encoder() is None
        await store.keep_encoder("a")
        await store.keep_encoder("b")
        assert await store.encoder() is None
        assert await store.encoded() == []
    finally:
        await store.close()
