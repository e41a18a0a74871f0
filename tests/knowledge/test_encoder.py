import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import knowledge.bert as bert
import knowledge.encoder as encoding
from knowledge.bert import Encoding, Kept, States
from knowledge.encoder import (
    ANSWERS,
    HEADS,
    OVERHEAD,
    PROMPT_LENGTH,
    ROOM,
    Encoder,
    EncoderError,
    Remembering,
    calls,
    load_encoder,
)
from knowledge.evaluation.speed import SPOKEN
from tests.fakes import HashEncoder

pytestmark = pytest.mark.model

LONG = "今天讲的振动监测很细，顺便问下讲义在哪个页面？" * 43
"""More tokens than the model reads."""

TEXTS = [
    "有回放吗",
    "will there be a recording?",
    "怎么开发票",
    "Wird das aufgezeichnet?",
    "запись будет?",
    LONG,
    "",
]

ENCODER = Path(str(files("knowledge") / "models" / "encoder"))


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


def test_another_wording_is_nearer_than_another_need(encoder: Encoder) -> None:
    """What training is for: the same need in other words is nearer than another need in the same words."""
    replay, story, kept = encoder.encode(["有回放吗", "接娃去了，后面的咋看啊", "回放保留多久"])
    assert float(replay @ story) > float(replay @ kept)


def test_languages_outside_the_vocabulary_are_still_read(encoder: Encoder) -> None:
    """Where words were pruned away letters remain: a question of three scripts is nearest to its own spelling."""
    texts = ["запись будет доступна?", "녹화 영상을 볼 수 있나요?", "هل يوجد تسجيل للمحاضرة؟"]
    others = ["запись будет доступна", "녹화 영상을 볼 수 있나요", "هل يوجد تسجيل للمحاضرة"]
    nearest = (encoder.encode(texts) @ encoder.encode(others).T).argmax(axis=1)
    assert nearest.tolist() == [0, 1, 2]


def test_the_model_is_read_as_sentence_transformers_reads_it(encoder: Encoder) -> None:
    """Our own way of reading the bundled model gives the vectors and the fingerprint that the library gives, which
    reads no pairs."""
    texts = [*TEXTS, " ", "😀😀", LONG, "How does it work? " * 50]
    read = load_encoder(str(files("knowledge") / "models" / "encoder"))
    assert read.fingerprint == encoder.fingerprint
    assert encoder.reading
    assert read.reading == ""
    np.testing.assert_allclose(encoder.encode(texts), read.encode(texts), rtol=0, atol=1e-6)


def test_rounded_to_whole_numbers_it_is_the_same_model(encoder: Encoder) -> None:
    """What is stored and calibrated stays as it is; vectors and odds are nearly those of full precision, and do not
    depend on what stands beside."""
    texts = [text for text in (*TEXTS, *SPOKEN) if text]
    rounded = load_encoder("bundled-int8")
    assert (rounded.fingerprint, rounded.reading) == (encoder.fingerprint, encoder.reading)
    vectors = rounded.encode(texts)
    assert 0.98 < float((vectors * encoder.encode(texts)).sum(axis=1).min()) < 0.99999
    for text, row in zip(texts, vectors, strict=True):
        assert float(rounded.encode([text])[0] @ row) > 0.99999
    pairs = [("有回放吗", "回放在哪看 课后两小时在主页。"), ("怎么开发票", "回放在哪看 课后两小时在主页。")]
    np.testing.assert_allclose(rounded.read(pairs), encoder.read(pairs), atol=1)


ALONE = """
import sys

def refuse(event, _):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise OSError(event)

sys.addaudithook(refuse)
from knowledge.encoder import load_encoder
load_encoder().encode(["有回放吗"])
print(*sys.modules)
"""
"""Loads and uses the bundled model where whoever asks the network fails."""


def test_the_bundled_model_needs_no_network_and_no_library_that_loads_any_model() -> None:
    """A start asks nobody for anything, and does not import what takes most of it: transformers and what comes with
    that."""
    found = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    modules = found.stdout.split()
    assert "torch" in modules
    assert not {"transformers", "sentence_transformers", "scipy", "sklearn"} & set(modules)


def test_the_shipped_encoder_fits_everywhere() -> None:
    """80 MB in all, and no file of 50 MB, which some hosts refuse."""
    sizes = [file.stat().st_size for file in ENCODER.rglob("*") if file.is_file()]
    assert sum(sizes) <= 80_000_000
    assert max(sizes) < 50_000_000


def test_an_unknown_model_is_told(tmp_path: Path) -> None:
    """A folder without a model is a clear error that names it."""
    with pytest.raises(EncoderError, match=tmp_path.name):
        load_encoder(str(tmp_path))


def test_a_hub_that_never_answers_is_told_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hub is blocked, a name that was never fetched is an error that tells of mirrors and folders, and not a
    minute of trying again."""
    with socket.create_server(("127.0.0.1", 0)) as blocked:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{blocked.getsockname()[1]}")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("knowledge.encoder.HUB_WAIT", 0.2)
        began = time.monotonic()
        with pytest.raises(EncoderError, match=r"127\.0\.0\.1.*does not answer.*HF_ENDPOINT.*its folder"):
            load_encoder("nobody/has-this-model")
        assert time.monotonic() - began < 15  # most of it imports


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


def test_what_was_encoded_is_remembered() -> None:
    """A text that comes again, in one call or a later one, is not encoded again, and gets the same vector."""
    asked: list[str] = []

    class Counting(HashEncoder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return super().encode(texts)

    once = Remembering(Counting())
    first = once.encode(["a", "b", "a"])
    again = once.encode(["b", "c"])
    assert asked == ["a", "b", "c"]
    assert np.array_equal(first, HashEncoder().encode(["a", "b", "a"]))
    assert np.array_equal(again, HashEncoder().encode(["b", "c"]))
    assert once.encode([]).shape == (0, once.dimension)


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it what was not asked for the longest is encoded again; a call of more is still answered whole."""
    asked: list[str] = []

    class Counting(HashEncoder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return super().encode(texts)

    monkeypatch.setattr(encoding, "REMEMBERED_TEXTS", 3)
    once = Remembering(Counting())
    assert once.encode(list("abcde")).tolist() == HashEncoder().encode(list("abcde")).tolist()
    once.encode(["c"])
    once.encode(["f"])
    asked.clear()
    once.encode(["e", "c", "f"])
    assert asked == []
    once.encode(["d"])
    assert asked == ["d"]


def test_what_was_read_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair that comes again is not read again and is told the same; what is kept has a bound."""
    asked: list[tuple[str, str]] = []

    class Counting(HashEncoder):
        def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
            asked.extend(pairs)
            return super().read(pairs)

    monkeypatch.setattr(encoding, "REMEMBERED", 3)
    once, pairs = Remembering(Counting()), [("a", "ab"), ("b", "c"), ("a", "ab")]
    assert once.read(pairs).tolist() == HashEncoder().read(pairs).tolist()
    assert once.read(pairs[1:]).tolist() == HashEncoder().read(pairs[1:]).tolist()
    assert asked == pairs[:2]
    more = [*pairs, ("x", "y"), ("y", "x")]
    assert once.read(more).tolist() == HashEncoder().read(more).tolist()
    assert asked == [*pairs[:2], *pairs[:2], *more[3:]]
    assert once.read([]).shape == (0, HEADS)


def test_two_texts_are_read_together(encoder: Encoder) -> None:
    """What answers a question is told from what does not, in the order of the pairs, whatever is read beside; none for
    none, and a text of any length and kind has its odds."""
    asked = "证明啥时候发下来"
    right, wrong = "证书什么时候发？ 结课后两周内发到邮箱。", "车位够吗？ 园区有两百个车位。"
    odds = encoder.read([(asked, wrong), (asked, right), (LONG, LONG), ("", "😀")])
    assert odds[1, ANSWERS] > odds[0, ANSWERS] + 3
    assert np.isfinite(odds).all()
    assert np.allclose(encoder.read([(asked, right)]), odds[1:2], atol=1e-3)
    assert encoder.read([]).shape == (0, HEADS)


def _of(kept: Kept, texts: Sequence[str]) -> Kept:
    kept.of(texts)
    return kept


def test_a_text_that_is_kept_is_read_as_a_new_one(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that were encoded just before, or were read before, are not gone through again, which changes nothing; what
    was asked for longest ago is forgotten first, and what is forgotten is gone through again."""
    gone_through: list[str] = []
    states = Encoding.states

    def counted(self: Encoding, texts: Sequence[str]) -> States:
        gone_through.extend(texts)
        return states(self, texts)

    monkeypatch.setattr(Encoding, "states", counted)
    asked, said, other = "证明啥时候发下来", "证书什么时候发?结课后两周内发到邮箱。", "车位够吗?园区有两百个车位。"
    pairs = [(asked, said), (asked, other), (other, asked)]
    wanted = load_encoder().read(pairs)
    reading = load_encoder()
    reading.encode([asked, said])
    gone_through.clear()
    assert np.allclose(reading.read(pairs), wanted, atol=1e-2)
    assert gone_through == [other]
    gone_through.clear()
    assert np.allclose(reading.read(pairs), wanted, atol=1e-2)
    assert gone_through == []

    kept = Kept(Encoding(ENCODER).states, -1)
    monkeypatch.setattr(bert, "KEPT", len(_of(kept, [asked, said, other])))
    gone_through.clear()
    _of(kept, [asked])
    _of(kept, ["有回放吗"])
    assert gone_through == ["有回放吗"]
    _of(kept, [asked])
    _of(kept, [said])
    assert gone_through == ["有回放吗", said]
    assert len(kept) <= bert.KEPT
