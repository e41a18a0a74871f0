"""The log as the program sets it up, into memory."""

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.logs import OURS, set_up


class Log:
    """`text` is all that was logged since `set_up`; `events` the same as objects, where it is JSON."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def set_up(self, *how: str, **more: Any) -> None:
        set_up(*how, stream=self.stream, **more)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@contextmanager
def logged(level: str = "info", form: str = "json") -> Iterator[Log]:
    """Whatever is logged in this block; afterwards the log is as it was."""
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in OURS}
    handlers, level_before, hooks = root.handlers[:], root.level, (sys.excepthook, threading.excepthook)
    log = Log()
    log.set_up(level, form)
    try:
        yield log
    finally:
        root.handlers[:] = handlers
        root.setLevel(level_before)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        sys.excepthook, threading.excepthook = hooks
