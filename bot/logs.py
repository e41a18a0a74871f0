"""The log of the running program: a line an event, for people or as JSON, and nothing personal in it.

Three things keep it so at every level but "debug". Our own lines name no person, text or address. A line of a library
shows its template without what was filled in, and where it stands in the library's code. Of an exception that is not
ours its type and its place are shown, for its text may quote anything. And as the last line of defence every line, at
every level, loses what is known to be a secret.
"""

import json
import logging
import re
import sys
import threading
import traceback
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from bot.errors import ConnectorError, SettingsError, StoreError
from bot.tracing import marks

OURS = ("bot", "knowledge")
SAID = (ConnectorError, StoreError, SettingsError)
"""Errors whose texts are made here, of nothing that people wrote."""

HIDDEN = "[secret]"
SHORTEST = 6
"""Characters. What is shorter stands in words by chance."""

CARRIED = re.compile(
    r"(?i)((?:access_token|\btoken|secret|signature|\bsign|ticket|password|\bkey)=|\bBearer |/signin/|/bot\d{5,}:)"
    r"[^&\s\"'/>),;\\]+"
)
"""How secrets travel that nobody configured: those that a platform lends, and sign-in links."""

Say = Callable[[str], str]

log = logging.getLogger(__name__)


class Redactor:
    """Takes known secrets out of a text, also as they look in an address, in JSON and in a `repr`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        known = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
        self._known = re.compile(known) if known else None

    def __call__(self, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return CARRIED.sub(rf"\1{HIDDEN}", text)


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}


class Lines(logging.Formatter):
    """A line for a person. `detailed`: with the texts of libraries and of all exceptions."""

    def __init__(self, redact: Redactor, *, detailed: bool = False, say: Say = lambda text: text) -> None:
        super().__init__()
        self._redact, self._detailed, self._say = redact, detailed, say

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone()
        about = " ".join(f"{name}={value}" for name, value in marks().items())
        said = self._say(self._event(record)).replace("\n", "\\n")
        line = f"{at:%H:%M:%S} {record.levelname.lower()}: {said}" + (f" [{about}]" if about else "")
        return self._redact("\n".join([line, *self._trace(record)]))

    def _event(self, record: logging.LogRecord) -> str:
        if self._detailed or record.name.split(".")[0] in OURS:
            return record.getMessage()
        template = record.msg if record.args and isinstance(record.msg, str) else "a line of a library"
        return f"{template} ({record.name}, {record.module}:{record.lineno})"

    def _trace(self, record: logging.LogRecord) -> Iterator[str]:
        for error in _chain(record):
            yield "Traceback (most recent call last):"
            yield from (f"  {place}" for place in _places(error))
            yield self._failure(error)

    def _failure(self, error: BaseException) -> str:
        text = str(error) if self._detailed or isinstance(error, SAID) else ""
        return f"{type(error).__name__}: {text}" if text else type(error).__name__


class JsonLines(Lines):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._event(record),
            **marks(),
        }
        if errors := list(_chain(record)):
            line["error"] = type(errors[-1]).__name__
            line["trace"] = [[*_places(error), self._failure(error)] for error in errors]
        return self._redact(json.dumps(line, ensure_ascii=False))


class _Stream(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say where, not what: the complaint of `logging` quotes the arguments."""
        told = copy(record)  # other handlers see the same record
        told.msg, told.args = "a line of the log could not be made", ()
        with suppress(Exception):
            self.stream.write(self.format(told) + self.terminator)


def _chain(record: logging.LogRecord) -> Iterator[BaseException]:
    """The exceptions of a record, the first cause first."""
    found: list[BaseException] = []
    error = record.exc_info[1] if record.exc_info else None
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return reversed(found)


def _places(error: BaseException) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]


def set_up(
    level: str = "warning",
    form: str = "text",
    *,
    secrets: Iterable[str] = (),
    say: Say = lambda text: text,
    stream: TextIO | None = None,
) -> logging.Handler:
    """Log from `level` on ("debug", "info", "warning", "error") to `stream` (standard error) and nowhere else;
    libraries from "warning" on. `form`: "text" or "json". What ends the program or a thread is logged too."""
    handler = _Stream(stream)
    made = JsonLines if form == "json" else Lines
    handler.setFormatter(made(Redactor(secrets), detailed=level == "debug", say=say))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    sys.excepthook = _ended
    threading.excepthook = lambda given: _broke(given.exc_value)
    return handler


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    log.critical("the program broke and ends", exc_info=error)


def _broke(error: BaseException | None) -> None:
    log.error("a thread broke", exc_info=error)


def fault(loop: AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """What asyncio does with a failure that nobody waits for; its own line quotes the exception."""
    text = "nobody waited for this failure" if "exception" in context else str(context.get("message", ""))
    log.error("%s", text, exc_info=context.get("exception"))
