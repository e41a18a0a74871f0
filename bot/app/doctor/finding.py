"""What an examination finds: one fact each, with what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """A warning may wait until tomorrow; a fault is to be mended before the evening."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is the same for ever, for programs; `what` and `mend` are one line each, `mend` "" where all is well."""

    check: str
    verdict: Verdict
    what: str
    mend: str = ""


def ok(check: str, what: str) -> Finding:
    return Finding(check, Verdict.OK, what)


def warning(check: str, what: str, mend: str) -> Finding:
    return Finding(check, Verdict.WARNING, what, mend)


def fault(check: str, what: str, mend: str) -> Finding:
    return Finding(check, Verdict.FAULT, what, mend)


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB" if size < 10e9 else f"{size / 1e9:,.0f} GB"
