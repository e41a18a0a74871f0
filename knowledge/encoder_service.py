"""One encoder for several processes of a machine: `floormic encoder` has the model, the others ask it over a socket.

Each process saves the memory and the start of a model of its own, and what several sessions ask at the same time shares
the calls of the model. Frames and the socket are `multiprocessing.connection`'s; nothing is ever unpickled. The
socket's file may be used by its owner and group, as its folder allows.
"""

import json
import logging
import os
import queue
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import HEADS, Encoder, EncoderError, EncoderGone

log = logging.getLogger(__name__)

TOGETHER = 64
"""Texts of one request, and of those that share the calls of the model, at most: more would only let the first of them
wait for the last, and whoever asks a line for whoever reads a course."""

LONGEST_ASKING = 64 * 2**20
"""Bytes of one request."""

PATIENCE = 30.0
"""Seconds in which a service that went away may come back before whoever asks it hears of it."""


ANSWERED = 120.0
"""Seconds in which a request is taken and answered, unless the service hangs. Half a second is enough for the model
that ships, on two processors, but others may be served before, and a larger model takes longer."""

AGAIN = 0.1
"""Seconds between two tries."""

NONE = np.zeros(0, dtype=np.float32)

_DONE, _FAILED = b"\x00", b"\x01"


@dataclass(slots=True)
class _Asked:
    """What one process asked, texts to encode or pairs to read together, and what becomes of it: a row for each, or
    what went wrong. `dropped`: whoever asked went away meanwhile."""

    texts: list[str] | list[tuple[str, str]]
    paired: bool
    dropped: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    rows: NDArray[np.float32] | None = None
    error: str = ""


class EncoderService:
    """Serves `encoder` at the socket `path` until it is closed. One thread a client, and one that encodes.

    Raises `EncoderError` where the socket cannot be made, or another service has it.
    """

    def __init__(self, encoder: Encoder, path: Path, told: Callable[[int, int], None] = lambda texts, askings: None):
        """`told` hears of each call: how many texts, from how many askings."""
        self._encoder, self._told, self._path = encoder, told, path
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._listener = _listen(path)
        self._clients: set[Connection] = set()
        self._closed = False
        for work in (self._accept, self._encode):
            threading.Thread(target=work, name="encoder-service", daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody; what is being encoded is answered no more."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            Client(str(self._path), family="AF_UNIX").close()  # wakes the thread that accepts, which then sees it
        self._listener.close()  # removes the socket's file too
        self._asked.put(None)
        for client in self._clients.copy():
            _hang_up(client)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client = self._listener.accept()
            except OSError:
                if not self._closed:
                    time.sleep(AGAIN)  # out of descriptors, say
                continue
            threading.Thread(target=self._serve, args=(client,), name="encoder-client", daemon=True).start()

    def _serve(self, client: Connection) -> None:
        self._clients.add(client)
        try:
            with suppress(EOFError, OSError), client:  # it went away; whoever asks comes again
                client.send_bytes(json.dumps(_hello(self._encoder)).encode())
                while not self._closed:
                    client.send_bytes(self._answer(client.recv_bytes(LONGEST_ASKING), client))
        finally:
            self._clients.discard(client)

    def _answer(self, request: bytes, client: Connection) -> bytes:
        try:
            asked = _asked(json.loads(request))
        except ValueError as error:
            return _FAILED + str(error).encode()
        self._asked.put(asked)
        while not asked.done.wait(1.0):
            if self._closed:
                raise EOFError("the service stops")
            if client.poll():  # nobody asks again before he is answered: it hung up
                asked.dropped = True
                raise EOFError("nobody waits for it")
        return _FAILED + asked.error.encode() if asked.rows is None else _DONE + asked.rows.tobytes()

    def _encode(self) -> None:
        next_: _Asked | None = None
        while (asked := next_ or self._asked.get()) is not None:
            batch, next_ = [asked], None
            while sum(len(one.texts) for one in batch) < TOGETHER:
                try:
                    more = self._asked.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    self._asked.put(None)
                    break
                if sum(len(one.texts) for one in (*batch, more)) > TOGETHER:
                    next_ = more
                    break
                batch.append(more)
            batch = [asked for asked in batch if not asked.dropped]
            self._together([asked for asked in batch if not asked.paired], self._encoder.encode)
            self._together([asked for asked in batch if asked.paired], self._encoder.read)

    def _together(self, batch: Sequence[_Asked], work: Callable[[Any], NDArray[np.float32]]) -> None:
        if not batch:
            return
        texts = [text for asked in batch for text in asked.texts]
        try:
            rows = work(texts)
            self._told(len(texts), len(batch))
        except Exception as error:
            if len(batch) > 1:  # a text that breaks the model must not harm those who asked beside it
                for asked in batch:
                    self._together([asked], work)
                return
            log.exception("%d texts could not be encoded", len(texts))
            batch[0].error = f"{type(error).__name__}: {error}"
        else:
            at = 0
            for asked in batch:
                asked.rows = rows[at : at + len(asked.texts)]
                at += len(asked.texts)
        for asked in batch:
            asked.done.set()


class RemoteEncoder:
    """The encoder that a service at the socket `path` has. Called from one thread at a time, as every encoder.

    A service that is started anew is found again within `patience` seconds; after that, where it does not answer, or
    where it has another model now, `EncoderGone` is raised, each time until it is there again. `EncoderError` is raised
    for a text that it cannot encode.
    """

    def __init__(self, path: Path, patience: float | None = None) -> None:
        self._path, self._patience = path, PATIENCE if patience is None else patience
        self._client, hello = self._reach()
        self.name = str(hello["name"])
        self.dimension = int(str(hello["dimension"]))
        self.fingerprint, self.reading = str(hello["fingerprint"]), str(hello["reading"])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [self._ask(texts[at : at + TOGETHER]) for at in range(0, len(texts), TOGETHER)]
        return np.concatenate([*rows, NONE]).reshape(len(texts), self.dimension)

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        rows = [self._ask(pairs[at : at + TOGETHER]) for at in range(0, len(pairs), TOGETHER)]
        return np.concatenate([*rows, NONE]).reshape(len(pairs), HEADS)

    def _ask(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        request = json.dumps(list(texts)).encode()
        for _ in range(3):  # it may be stopped in the midst of the second try too
            try:
                self._client.send_bytes(request)
                reply = self._client.recv_bytes()
                break
            except BlockingIOError as error:
                self._client.close()  # its answer would be taken for that to the next request
                raise EncoderGone(f"the encoder service at {self._path} does not answer; look at its log") from error
            except (EOFError, OSError):
                self._again()
        else:
            raise EncoderGone(f"the encoder service at {self._path} breaks off again and again; look at its log")
        if reply[:1] != _DONE:
            raise EncoderError(f"the encoder service at {self._path}: {reply[1:].decode(errors='replace')}")
        return np.frombuffer(reply, dtype=np.float32, offset=1)

    def close(self) -> None:
        self._client.close()

    def _again(self) -> None:
        self._client.close()  # as long as none fits, the next call comes here again
        client, hello = self._reach()
        if (hello["fingerprint"], hello["reading"]) != (self.fingerprint, self.reading):
            client.close()
            raise EncoderGone(
                f"the encoder service at {self._path} has another model now; start this process anew, and if the model "
                "was changed on purpose run `floormic reencode` first"
            )
        self._client = client

    def _reach(self) -> tuple[Connection, dict[str, object]]:
        until = time.monotonic() + self._patience
        while True:
            client: Connection | None = None
            try:
                client = _connected(self._path, max(until - time.monotonic(), AGAIN))
                hello = json.loads(client.recv_bytes())
                _limit(client.fileno(), ANSWERED)
                if hello.get("heads") != HEADS:
                    client.close()
                    raise EncoderGone(
                        f"the encoder service at {self._path} is of another version of Floormic; start it anew"
                    )
                return client, hello
            except (EOFError, OSError) as error:
                if client is not None:
                    client.close()
                if time.monotonic() > until:
                    silent = isinstance(error, TimeoutError | BlockingIOError)
                    why = "it does not answer" if silent else getattr(error, "strerror", None) or "it hung up"
                    raise EncoderGone(
                        f"no encoder service at {self._path} ({why}); start one: floormic encoder --socket {self._path}"
                    ) from error
            time.sleep(AGAIN)


def _connected(path: Path, seconds: float) -> Connection:
    """A connection on which nothing waits for longer: then it is a `TimeoutError`, and later a `BlockingIOError`."""
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(seconds)
        made.connect(str(path))
        made.setblocking(True)
        _limit(made.fileno(), seconds)
        return Connection(made.detach())


def _limit(descriptor: int, seconds: float) -> None:
    """How long a call of this socket may wait for the other side."""
    whole = int(seconds)
    with socket.socket(fileno=os.dup(descriptor)) as made:
        for way in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            made.setsockopt(socket.SOL_SOCKET, way, struct.pack("ll", whole, int((seconds - whole) * 1e6)))


def _asked(request: object) -> _Asked:
    """Raises `ValueError` for what is neither."""
    if isinstance(request, list) and all(isinstance(text, str) for text in request):
        return _Asked(request, paired=False)
    if isinstance(request, list) and all(_is_pair(pair) for pair in request):
        return _Asked([(one, other) for one, other in request], paired=True)
    raise ValueError("a list of texts is expected, or of pairs of texts")


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)


def _hang_up(client: Connection) -> None:
    """Wake whoever reads from it, which closing alone does not."""
    with suppress(OSError), socket.socket(fileno=os.dup(client.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)


def _hello(encoder: Encoder) -> dict[str, object]:
    return {
        "name": encoder.name,
        "dimension": encoder.dimension,
        "fingerprint": encoder.fingerprint,
        "reading": encoder.reading,
        "heads": HEADS,
    }


def _listen(path: Path) -> Listener:
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if _is_alive(path):
            raise EncoderError(f"another encoder service listens at {path}; stop it or name another socket")
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()  # of one that died
        before = os.umask(0o117)
        try:
            return Listener(str(path), family="AF_UNIX", backlog=64)
        finally:
            os.umask(before)
    except OSError as error:
        raise EncoderError(f"cannot make the socket {path}: {error.strerror or error}") from error


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
