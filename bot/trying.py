"""A test run of an evening: somebody writes a code into each chat and sees here that it was heard and answered.

A run is kept in memory, for the quarter of an hour that it lasts. Only a message that says the code of a run is a test;
what else begins with "test" is a message as any other.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bot.model import Delivery, Message

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Nothing that is easily misread."""

LENGTH = 4
GOOD_FOR = 900.0
"""Seconds."""

AFTERWARDS = 86400.0
"""Seconds in which the code of a run that is over still becomes no question."""

KEY = "try:"
"""What the keys of answers to tests begin with."""

_SAID = re.compile(r"/?(?:test|try|测试|測試|试一下|試一下)\s*(?:[:：]\s*)?([0-9A-Za-z]{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heard:
    """A test that arrived. `reply`: "none" (the chat has no way back), else the state of the `Delivery`."""

    at: float
    name: str
    reply: str = "none"
    error: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What was heard so far, by source."""

    code: str
    began: float
    heard: dict[str, Heard] = field(default_factory=dict)

    @property
    def ends(self) -> float:
        return self.began + GOOD_FOR


class Tryouts:
    """The runs of all sessions, one each. `changed` tells that something was heard or answered in a session; `replies`
    says of a source whether it can be replied to. `tell` tells other processes, which hand it to `follow`."""

    def __init__(
        self,
        now: Callable[[], float],
        changed: Callable[[str], None] = lambda _: None,
        replies: Callable[[str], bool] = lambda _: True,
        tell: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self._now, self._changed, self._replies, self._tell = now, changed, replies, tell
        self._runs: dict[str, Run] = {}
        self._over: dict[str, float] = {}

    def start(self, session: str) -> Run:
        """A fresh run in the place of the one before."""
        taken = {run.code for run in self._runs.values()} | self._over.keys()
        run = Run(next(code for code in iter(_new_code, "") if code not in taken), self._now())
        self._begin(session, run)
        self._tell({"session": session, "code": run.code, "began": run.began})
        return run

    def follow(self, told: Mapping[str, Any]) -> None:
        """Another process began a run, or something was heard or answered there."""
        session, code = str(told["session"]), str(told["code"])
        if "began" in told:
            self._begin(session, Run(code, told["began"]))
        elif (run := self._runs.get(session)) and run.code == code:
            run.heard[told["source"]] = Heard(**told["heard"])
            self._changed(session)

    def _begin(self, session: str, run: Run) -> None:
        now = self._now()
        if before := self._runs.get(session):
            self._over[before.code] = now
        self._over = {code: at for code, at in self._over.items() if now - at < AFTERWARDS}
        self._runs[session] = run
        self._changed(session)

    def _note(self, session: str, run: Run, source: str, heard: Heard) -> None:
        run.heard[source] = heard
        self._changed(session)
        self._tell({"session": session, "code": run.code, "source": source, "heard": asdict(heard)})

    def run(self, session: str) -> Run | None:
        """The newest run of the session, also when it is over."""
        return self._runs.get(session)

    def is_test(self, message: Message) -> bool:
        """Whether it says the code of a run, also of one that is over, and so asks nothing."""
        code = said_code(message.text)
        run = self._runs.get(message.session)
        return code is not None and (code in self._over or (run is not None and run.code == code))

    def heard(self, message: Message) -> str | None:
        """Note a test that arrived; the key of its answer, None where there is none: no way back, or no run."""
        run = self._runs.get(message.session)
        if run is None or said_code(message.text) != run.code or self._now() >= run.ends:
            return None
        address = message.address if self._replies(message.source) else None
        if message.source not in run.heard:
            heard = Heard(self._now(), message.author_name, "waiting" if address else "none")
            self._note(message.session, run, message.source, heard)
        # One answer a chat: what everybody in a public chat may copy must not make it flood.
        return f"{KEY}{run.code}:{message.source}:{address.chat}" if address else None

    def forget(self) -> None:
        """Name nobody who was heard: somebody of the audience was forgotten."""
        for session, run in self._runs.items():
            run.heard.update({source: replace(one, name="") for source, one in run.heard.items()})
            self._changed(session)

    def settled(self, delivery: Delivery) -> None:
        """What became of something that was to be said."""
        run = self._runs.get(delivery.session)
        source = delivery.address.connector
        if run is None or not delivery.key.startswith(f"{KEY}{run.code}:") or source not in run.heard:
            return
        heard = replace(run.heard[source], reply=delivery.state, error=delivery.error)
        self._note(delivery.session, run, source, heard)


def said_code(text: str) -> str | None:
    """What may be the code of a run, in a message that is there for nothing else ("test 7K3M", "测试 7K3M")."""
    found = _SAID.fullmatch(text.strip())
    return found[1].upper() if found else None


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
