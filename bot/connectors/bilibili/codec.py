"""Frames of Bilibili's live message stream, bytes to packets and back, and the signature of its API. Pure.

A frame is one WebSocket message: packets one after another, each with a big-endian header of 16 bytes (length of all,
length of the header, version, operation, sequence). The body of a packet of version 2 (zlib) or 3 (brotli) is packets
again. Sources: open-live.bilibili.com/document, 长连协议 and 签名; open.bilibili.com/doc/4, 接口签名实现标准.
"""

import hashlib
import hmac
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import brotli  # type: ignore[import-untyped]

HEADER = struct.Struct(">IHHII")
LONGEST_FRAME = 1024 * 1024
MOST_INFLATED = 4 * 1024 * 1024
"""Bytes that all the compressed bodies of one frame may come to."""

MOST_PACKETS = 5000
DEEPEST = 2
"""So often a compressed body may hold another one. Recorded frames do it once."""


class FrameError(ValueError):
    """These bytes are no frame, or one that is too large."""


class Operation(IntEnum):
    HEARTBEAT = 2
    HEARTBEAT_REPLY = 3
    MESSAGE = 5
    AUTH = 7
    AUTH_REPLY = 8


class Version(IntEnum):
    JSON = 0
    CONTROL = 1
    ZLIB = 2
    BROTLI = 3


@dataclass(frozen=True, slots=True)
class Packet:
    """`operation` and `version` may be numbers that the enumerations do not know."""

    operation: int
    body: bytes = b""
    version: int = Version.CONTROL
    sequence: int = 1


@dataclass(slots=True)
class Budget:
    """What one frame may still come to."""

    inflated: int = MOST_INFLATED
    packets: int = MOST_PACKETS


def pack(packet: Packet) -> bytes:
    size = HEADER.size + len(packet.body)
    return HEADER.pack(size, HEADER.size, packet.version, packet.operation, packet.sequence) + packet.body


def unpack(frame: bytes) -> Iterator[Packet]:
    """The packets of a frame in order, compressed ones opened. Raises `FrameError`, after those that were whole."""
    yield from _split(frame, Budget(), DEEPEST)


def read_json(body: bytes) -> Any:
    """Raises `FrameError` for what is no JSON in UTF-8, nests too deep or holds endless numbers."""
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        raise FrameError("no JSON") from None


def _split(data: bytes, budget: Budget, depth: int) -> Iterator[Packet]:
    at = 0
    while at < len(data):
        if len(data) - at < HEADER.size:
            raise FrameError("a header that is cut")
        length, header, version, operation, sequence = HEADER.unpack_from(data, at)
        if not HEADER.size <= header <= length <= len(data) - at:
            raise FrameError("a length that is not right")
        budget.packets -= 1
        if budget.packets < 0:
            raise FrameError("too many packets")
        body = data[at + header : at + length]
        if version in (Version.ZLIB, Version.BROTLI):
            if not depth:
                raise FrameError("compressed too many times")
            yield from _split(_inflate(version, body, budget), budget, depth - 1)
        else:
            yield Packet(operation, body, version, sequence)
        if operation == Operation.HEARTBEAT_REPLY:
            return  # the echo of what we sent follows, and no length counts it
        at += length


def _inflate(version: int, body: bytes, budget: Budget) -> bytes:
    limit = budget.inflated + 1
    try:
        if version == Version.ZLIB:
            inflater = zlib.decompressobj()
            whole, ended = inflater.decompress(body, limit), inflater.eof
        else:
            decoder = brotli.Decompressor()
            whole, ended = decoder.process(body, output_buffer_limit=limit), decoder.is_finished()
    except (zlib.error, brotli.error):
        raise FrameError("a compressed body that is damaged") from None
    if len(whole) >= limit:
        raise FrameError("a compressed body that is too large")
    if not ended:
        raise FrameError("a compressed body that is cut")
    budget.inflated -= len(whole)
    return whole


def headers(body: bytes, key: str, secret: str, *, version: str, nonce: str, timestamp: int) -> dict[str, str]:
    """The headers that sign a request with this very body (b"" for a GET). `timestamp`: Unix seconds."""
    signed = {
        "x-bili-accesskeyid": key,
        "x-bili-content-md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "x-bili-signature-method": "HMAC-SHA256",
        "x-bili-signature-nonce": nonce,
        "x-bili-signature-version": version,
        "x-bili-timestamp": str(timestamp),
    }
    return signed | {"Authorization": authorization(signed, secret)}


def authorization(signed: Mapping[str, str], secret: str) -> str:
    """Hex HMAC-SHA256 over the sorted lines "name:value", without a newline at the end."""
    lines = "\n".join(f"{name}:{signed[name]}" for name in sorted(signed))
    return hmac.new(secret.encode(), lines.encode(), hashlib.sha256).hexdigest()
