"""One tree of errors. Each message says what happened and what to do about it."""

from collections.abc import Sequence


class FloormicError(Exception):
    """Anything this program raises on purpose; the command line prints its text without a traceback."""


class SettingsError(FloormicError):
    """The configuration cannot be used; `problems` lists every mistake with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StoreError(FloormicError):
    """The store could not do it now (disk full, locked, I/O error). Nothing of the call was written, unless the text
    says that this is not known."""


class StoreBusy(StoreError):
    """Another process has this database open."""


class Fenced(StoreError):
    """Another process does this now: the lease under which it was to be written is no longer ours."""


class Crowded(StoreError):
    """More comes in than can be taken now; nothing of the call was written. It is welcome again in `seconds`."""

    def __init__(self, seconds: float, text: str = "") -> None:
        super().__init__(text or "more comes in than can be taken now")
        self.seconds = max(1, round(seconds + 0.5))


class Conflict(FloormicError):
    """Somebody changed the question meanwhile; read it again and decide anew. `questions` are those that stand
    otherwise, where that is known."""

    def __init__(self, text: str = "", questions: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.questions = questions


class AskedMeanwhile(Conflict):
    """Somebody asked the question since it was read, who would not be told, or was forgotten, who would be quoted; read
    it again and do the same."""


class ForgottenMeanwhile(Conflict):
    """Whoever wrote the message was forgotten since it was read; read it again."""


class NotFound(FloormicError):
    """There is no such session, question or action."""


class NotAllowed(FloormicError):
    """The rules do not allow this act in this state, or this person may not do it."""


class NoRole(NotAllowed):
    """Nobody is signed in, or without the role that this needs (any more)."""


class LastOrganiser(NotAllowed):
    """After this nobody could give roles any more."""


class BadInput(FloormicError):
    """What came in cannot be used; the text says why. `field` is what of it ("": all, or none in particular)."""

    def __init__(self, text: str = "", field: str = "") -> None:
        super().__init__(text)
        self.field = field


class ConnectorError(FloormicError):
    """A chat did not do what was asked of it."""


LONGEST_WAIT = 86400.0
"""Seconds. Whoever says more than a day is asked again after one."""


class TryLater(ConnectorError):
    """The chat wants us to wait `seconds` before sending anything more to `chat` ("" means to anybody).

    What is no time to wait, as the chat's word for it may be, is taken for none.
    """

    def __init__(self, seconds: float, chat: str = "", text: str = "") -> None:
        seconds = min(max(0.0, seconds), LONGEST_WAIT)
        super().__init__(text or f"told to wait {seconds:g} s")
        self.seconds = seconds
        self.chat = chat


class Refused(ConnectorError):
    """The chat will never accept this (blocked, deleted, forbidden, a token that is wrong)."""
