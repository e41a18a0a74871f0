"""The web feed's frames: protobuf, bytes to values and back. Pure.

    SocketMessage {1 payloadType, 2 compressionType (1 none, 2 gzip, 3 aes), 3 payload, 4 timestamp in ms}
    CSWebEnterRoom (200) {1 token, 2 liveStreamId, 7 pageId}       SCWebEnterRoomAck (300) {3 heartbeatIntervalMs}
    CSWebHeartbeat (1) {1 timestamp in ms}                         SCHeartbeatAck (101)
    SCWebError (103) {1 code, 2 text}
    SCWebFeedPush (310) {5 repeated comment {1 id, 2 user {1 principalId, 2 userName}, 3 content, 7 showType, 9 time}}

Only these few fields are read, three messages deep, so that it needs no library and no recursion. Wire format:
https://protobuf.dev/programming-guides/encoding/
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

HEARTBEAT, HEARTBEAT_ACK, ERROR = 1, 101, 103
ENTER, ENTER_ACK, FEED = 200, 300, 310
PLAIN, GZIP, AES = 1, 2, 3
HIDDEN = 2
"""showType of likes and of what the platform says itself."""

LONGEST_FRAME = 256 * 1024
LONGEST_INFLATED = 1024 * 1024
MOST_FIELDS = 10_000
"""In one message: what is read in passing is kept until the message is at its end."""

LONGEST_TEXT = 2000
LONGEST_NAME = 200

Fields = dict[int, list[int | bytes]]


class BadFrame(ValueError):
    """No frame of the feed."""


class Encrypted(BadFrame):
    """A frame whose key only the page's own script knows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`at`: when the server sent it, in milliseconds, 0 where it does not say."""

    type: int
    payload: bytes = b""
    at: int = 0


@dataclass(frozen=True, slots=True)
class FeedComment:
    """`time` in milliseconds, 0 where it is not said; `id` may be empty."""

    id: str
    user: str
    name: str
    text: str
    show: int = 1
    time: int = 0


def read_frame(data: bytes) -> Frame:
    """Raises `BadFrame`; never makes more than `LONGEST_INFLATED` bytes."""
    if len(data) > LONGEST_FRAME:
        raise BadFrame("a frame is too long")
    fields = _fields(data)
    payload = _bytes(fields, 3)
    compression = _int(fields, 2)
    if compression == AES:
        raise Encrypted("a frame is encrypted")
    if compression == GZIP:
        payload = _inflated(payload)
    return Frame(_int(fields, 1), payload, _int(fields, 4))


def write_frame(type: int, payload: bytes) -> bytes:
    return _number(1, type) + _chunk(3, payload)


def enter(token: str, stream: str, page: str) -> bytes:
    payload = _chunk(1, token.encode()) + _chunk(2, stream.encode()) + _chunk(7, page.encode())
    return write_frame(ENTER, payload)


def heartbeat(at: float) -> bytes:
    """`at` in Unix seconds."""
    return write_frame(HEARTBEAT, _number(1, int(at * 1000)))


def read_interval(payload: bytes) -> float:
    """Seconds between two heartbeats, as an acknowledgement of entering asks for; 0 where it does not."""
    return _int(_fields(payload), 3) / 1000


def read_error(payload: bytes) -> int:
    """The number of an error."""
    return _int(_fields(payload), 1)


def read_comments(payload: bytes) -> list[FeedComment]:
    """All comments of a push, hidden ones too. One that cannot be read is left out."""
    comments = []
    for chunk in _fields(payload).get(5, []):
        if not isinstance(chunk, bytes):
            continue
        try:
            comments.append(_comment(chunk))
        except BadFrame:
            continue
    return comments


def _comment(data: bytes) -> FeedComment:
    fields = _fields(data)
    user = _fields(_bytes(fields, 2))
    return FeedComment(
        id=_text(fields, 1, LONGEST_NAME),
        user=_text(user, 1, LONGEST_NAME),
        name=_text(user, 2, LONGEST_NAME),
        text=_text(fields, 3, LONGEST_TEXT),
        show=_int(fields, 7),
        time=_int(fields, 9),
    )


def _fields(data: bytes) -> Fields:
    """By number, in order. Groups, which proto3 does not have, are not known."""
    fields: Fields = {}
    for count, (number, value) in enumerate(_walk(data)):
        if count >= MOST_FIELDS:
            raise BadFrame("too many fields")
        fields.setdefault(number, []).append(value)
    return fields


def _walk(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise BadFrame("a field of an unknown kind")
        if at + length > len(data):
            raise BadFrame("a frame is cut off")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, of at most 64 bits, and where the next byte is."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise BadFrame("a frame is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise BadFrame("a number that does not end")


def _int(fields: Fields, number: int) -> int:
    """The last one counts, as the wire format wants it."""
    return next((value for value in reversed(fields.get(number, [])) if isinstance(value, int)), 0)


def _bytes(fields: Fields, number: int) -> bytes:
    return next((value for value in reversed(fields.get(number, [])) if isinstance(value, bytes)), b"")


def _text(fields: Fields, number: int, longest: int) -> str:
    return _bytes(fields, number).decode("utf-8", "replace")[:longest].strip()


def _inflated(data: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(data, LONGEST_INFLATED + 1)
    except zlib.error:
        raise BadFrame("a frame says it is gzip and is none") from None
    if len(plain) > LONGEST_INFLATED or not unpacking.eof:
        raise BadFrame("a frame is too long or cut off")
    return plain


def _number(number: int, value: int) -> bytes:
    return _written(number << 3) + _written(value)


def _chunk(number: int, value: bytes) -> bytes:
    return _written(number << 3 | 2) + _written(len(value)) + value


def _written(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
