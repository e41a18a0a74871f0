"""One encoder for several processes: the same vectors, shared calls, and clear words when it is not there."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Listener
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge import encoder_service
from knowledge.encoder import ANSWERS, HEADS, EncoderError, EncoderGone, load_encoder
from knowledge.encoder_service import EncoderService, RemoteEncoder


class Lengths:
    """Tells each text by its length; waits in `encode` as long as `gate` is shut."""

    name, dimension, fingerprint, reading = "lengths", 4, "lengths-1", "lengths-a"

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.calls: list[int] = []
        self.waits = False

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.waits = not self.gate.is_set()
        self.gate.wait(10)
        if "break" in texts:
            raise ValueError("this text breaks it")
        self.calls.append(len(texts))
        return np.array([[len(text)] * self.dimension for text in texts], dtype=np.float32)

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        return np.array([[len(one) - len(other)] * HEADS for one, other in pairs], dtype=np.float32)


@pytest.fixture
def socket() -> Iterator[Path]:
    with TemporaryDirectory(prefix="fm") as folder:  # a socket's path may have 107 bytes
        yield Path(folder, "e.sock")


def test_who_asks_gets_the_very_rows_of_the_encoder(socket: Path) -> None:
    """In order, of any length, none for none; name, dimension and fingerprints too."""
    service = EncoderService(Lengths(), socket)
    remote = load_encoder(f"unix:{socket}")
    assert (remote.name, remote.dimension) == ("lengths", 4)
    assert (remote.fingerprint, remote.reading) == ("lengths-1", "lengths-a")
    assert remote.encode(["有回放吗", "", "where?" * 5000])[:, 0].tolist() == [4, 0, 30_000]
    assert remote.encode([]).shape == (0, 4)
    service.close()


def test_pairs_are_read_by_the_encoder_that_the_service_has(socket: Path) -> None:
    """In order, none for none, and texts are still encoded by whoever asks for that at the same time."""
    service = EncoderService(Lengths(), socket)
    remote = load_encoder(f"unix:{socket}")
    assert remote.read([("有回放吗", "课后"), ("", "发票"), ("where", "")])[:, ANSWERS].tolist() == [2, -2, 5]
    assert remote.read([]).shape == (0, HEADS)
    with ThreadPoolExecutor(2) as both:
        pairs = both.submit(load_encoder(f"unix:{socket}").read, [("abc", "a")] * 50)
        texts = both.submit(load_encoder(f"unix:{socket}").encode, ["abc"] * 50)
    assert pairs.result().tolist() == [[2] * HEADS] * 50
    assert texts.result().shape == (50, 4)
    service.close()


@pytest.mark.model
def test_the_bundled_model_says_the_same_over_the_socket(socket: Path) -> None:
    """To the last bits of a float."""
    real = load_encoder()
    service = EncoderService(real, socket)
    texts = ["有回放吗", "will there be a recording?", "今天的课件在哪里下载"]
    assert np.allclose(RemoteEncoder(socket).encode(texts), real.encode(texts), atol=1e-5)
    pairs = [(texts[0], texts[2]), (texts[1], texts[0])]
    assert np.allclose(RemoteEncoder(socket).read(pairs), real.read(pairs), atol=1e-4)
    service.close()


def test_what_is_asked_at_the_same_time_shares_calls(socket: Path) -> None:
    """Twenty clients that wait for the first are answered by few calls, each with its own rows."""
    lengths = Lengths()
    service = EncoderService(lengths, socket)
    lengths.gate.clear()
    clients = [RemoteEncoder(socket) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        found = [pool.submit(client.encode, ["x" * n, "y"]) for n, client in enumerate(clients)]
        time.sleep(0.5)
        lengths.gate.set()
        assert [one.result(10)[:, 0].tolist() for one in found] == [[n, 1] for n in range(20)]
    assert len(lengths.calls) <= 4, lengths.calls
    service.close()


def test_who_asks_one_line_does_not_wait_for_a_whole_course(socket: Path) -> None:
    """A course is asked for in requests of a size that others fit between, and comes back whole and in order."""
    encoder = Lengths()
    service = EncoderService(encoder, socket)
    reader, asker = load_encoder(f"unix:{socket}"), load_encoder(f"unix:{socket}")
    encoder.gate.clear()
    with ThreadPoolExecutor() as pool:
        course = pool.submit(reader.encode, ["x" * n for n in range(300)])
        while not encoder.waits:
            time.sleep(0.01)
        line = pool.submit(asker.encode, ["有回放吗"])
        while service._asked.empty():
            time.sleep(0.01)
        encoder.gate.set()
        assert line.result(10)[:, 0].tolist() == [4]
        assert course.result(10)[:, 0].tolist() == list(range(300))
    assert max(encoder.calls) <= encoder_service.TOGETHER
    assert 1 in encoder.calls[:3]
    service.close()


def test_a_service_that_hangs_is_told_in_time(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks hears that it does not answer, each time, and is answered rightly once it does again."""
    monkeypatch.setattr(encoder_service, "ANSWERED", 0.2)
    encoder = Lengths()
    service = EncoderService(encoder, socket)
    remote = load_encoder(f"unix:{socket}")
    encoder.gate.clear()
    for _ in range(2):
        with pytest.raises(EncoderGone, match="does not answer"):
            remote.encode(["longer than the next"])
    encoder.gate.set()
    monkeypatch.undo()
    assert remote.encode(["next"])[:, 0].tolist() == [4]
    service.close()


def test_what_never_says_hello_is_no_service(socket: Path) -> None:
    """Somebody else's socket is told within the patience."""
    other = Listener(str(socket), family="AF_UNIX")
    with pytest.raises(EncoderGone, match="does not answer"):
        RemoteEncoder(socket, patience=0.3)
    other.close()


def test_one_text_that_breaks_the_model_ends_nothing(socket: Path) -> None:
    """Who asked it is told; the next one is answered."""
    service = EncoderService(Lengths(), socket)
    one, other = RemoteEncoder(socket), RemoteEncoder(socket)
    with pytest.raises(EncoderError, match="ValueError: this text breaks it"):
        one.encode(["break"])
    assert other.encode(["four"])[0, 0] == 4
    assert one.encode(["four"])[0, 0] == 4
    service.close()


def test_who_asks_beside_a_text_that_breaks_the_model_is_answered(socket: Path) -> None:
    """Though both shared the call."""
    lengths = Lengths()
    service = EncoderService(lengths, socket)
    lengths.gate.clear()
    clients = [RemoteEncoder(socket) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(clients[0].encode, ["first"])
        time.sleep(0.2)  # while it is encoded the two others come together
        broken, fine = pool.submit(clients[1].encode, ["break"]), pool.submit(clients[2].encode, ["four"])
        time.sleep(0.3)
        lengths.gate.set()
        assert fine.result(10)[0, 0] == 4
        with pytest.raises(EncoderError, match="ValueError: this text breaks it"):
            broken.result(10)
        assert first.result(10)[0, 0] == 5
    service.close()


def test_a_service_that_comes_again_is_found_again(socket: Path) -> None:
    """Nobody who asks meanwhile notices more than a wait."""
    service = EncoderService(Lengths(), socket)
    remote = RemoteEncoder(socket)
    service.close()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(remote.encode, ["four"])
        time.sleep(0.5)
        again = EncoderService(Lengths(), socket)
        assert asked.result(10)[0, 0] == 4
        again.close()


def test_a_service_of_another_version_is_told(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that tells other things of a pair: nothing is asked of it, and the words say what to do."""
    hello = encoder_service._hello
    monkeypatch.setattr(encoder_service, "_hello", lambda encoder: hello(encoder) | {"heads": HEADS + 1})
    service = EncoderService(Lengths(), socket)
    with pytest.raises(EncoderGone, match="another version of Floormic; start it anew"):
        RemoteEncoder(socket)
    service.close()


@pytest.mark.parametrize("weights", ["fingerprint", "reading"])
def test_another_model_is_never_mixed_in(socket: Path, weights: str) -> None:
    """A service that came again with other weights, of vectors or of reading, is told apart by their fingerprint each
    time it is asked, until the right one is there."""
    service = EncoderService(Lengths(), socket)
    remote = RemoteEncoder(socket)
    service.close()
    other = Lengths()
    setattr(other, weights, "lengths-2")
    again = EncoderService(other, socket)
    for _ in range(2):
        with pytest.raises(EncoderGone, match="another model now"):
            remote.encode(["four"])
    again.close()
    right = EncoderService(Lengths(), socket)
    assert remote.encode(["four"])[0, 0] == 4
    right.close()


def test_what_is_missing_or_taken_is_said_in_one_line(socket: Path) -> None:
    """No service, a second one, a folder that cannot be made."""
    with pytest.raises(EncoderError, match=r"no encoder service at .*start one: floormic encoder --socket"):
        RemoteEncoder(socket, patience=0.2)
    service = EncoderService(Lengths(), socket)
    with pytest.raises(EncoderError, match="another encoder service listens"):
        EncoderService(Lengths(), socket)
    service.close()
    with pytest.raises(EncoderError, match="cannot make the socket"):
        EncoderService(Lengths(), Path("/proc/none/e.sock"))


def test_a_socket_that_a_dead_service_left_is_taken_over(socket: Path) -> None:
    """As after a power cut."""
    import socket as sockets

    with sockets.socket(sockets.AF_UNIX) as dead:
        dead.bind(str(socket))
    service = EncoderService(Lengths(), socket)
    assert RemoteEncoder(socket).encode(["four"])[0, 0] == 4
    service.close()
