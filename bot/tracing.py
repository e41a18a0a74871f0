"""What a line of the log concerns: which request, message, session and source.

It is kept beside the call (contextvars), so that nobody has to hand it on, and a task takes along what it began with.
The id of a message is made of where it was said, so that a connector, the pipeline and the outbox call it the same, in
this run and in the next; it says nothing about who said it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line must not wait for what the model of values needs
    from bot.model import Delivery, Message

_MARKS: ContextVar[Mapping[str, str]] = ContextVar("floormic_marks", default=MappingProxyType({}))


@contextmanager
def concerning(**marks: str) -> Iterator[None]:
    """What is logged in this block, and in the tasks that begin in it, carries these: `request_id`, `message_id`,
    `session`, `source`. One that is "" changes nothing."""
    token = _MARKS.set({**_MARKS.get(), **{name: value for name, value in marks.items() if value}})
    try:
        yield
    finally:
        _MARKS.reset(token)


def marks() -> Mapping[str, str]:
    """What the running code concerns."""
    return _MARKS.get()


def request_id() -> str:
    """That of the request being answered, "" outside of any."""
    return _MARKS.get().get("request_id", "")


def message_id(message: "Message") -> str:
    """The id of a message in the log."""
    address = message.address
    if address and address.message:
        return _hashed(address.connector, address.chat, address.message)
    return _hashed(message.source, "", message.external_id)


def answered_id(delivery: "Delivery") -> str:
    """The id of the message that this is said to; "" where it is said to nobody's message."""
    address = delivery.address
    return _hashed(address.connector, address.chat, address.message) if address.message else ""


def _hashed(*parts: str) -> str:
    return "m" + hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=6).hexdigest()
