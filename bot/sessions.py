"""What a session is set to: whose word counts, and who may change what. Decides; calls nothing."""

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta, tzinfo
from itertools import chain, count
from typing import Any

from bot.errors import BadInput, Conflict
from bot.model import Mode, Session, Setting, SettingValue, SurveyWhen

MODES = frozenset({"grouping", "answers", "acknowledgements", "memory", "promoting", "digest", "personal", "report"})
MODERATORS = MODES - {"promoting"} | {"review", "ledger", "survey", "slow"}
"""What moderators may set; everything else is the organiser's."""

SETTINGS = frozenset(field.name for field in fields(Session)) - {"id"}


def newest(stands: Session, said: Session | None, says: Session) -> Session:
    """The session that `stands`, where the configuration `says` this now and `said` that when it was read last (None:
    it did not name the session). The newest word wins: what was changed on a page meanwhile stays, until the file says
    something new."""
    before = said or Session(says.id, "")
    news = {name: getattr(says, name) for name in SETTINGS if getattr(says, name) != getattr(before, name)}
    return replace(stands, **news)


def to_set(session: Session, wanted: Mapping[str, SettingValue]) -> tuple[Setting, ...]:
    """What has to change so that the session is as wanted; in the order of `wanted`. Raises `BadInput` for a setting
    that there is not."""
    if unknown := wanted.keys() - SETTINGS:
        raise BadInput(f"a session has no {', '.join(sorted(unknown))}")
    pairs = [(name, _plain(getattr(session, name)), _plain(value)) for name, value in wanted.items()]
    return tuple(Setting(name, before, after) for name, before, after in pairs if before != after)


def with_settings(session: Session, settings: Iterable[Setting]) -> Session:
    """The session after these were set. Raises `Conflict` where a `before` is no longer what stands."""
    for one in settings:
        if _plain(getattr(session, one.name)) != one.before:
            raise Conflict(f"{one.name} was changed by somebody else meanwhile")
    return session_of({**asdict(session), **{one.name: one.after for one in settings}})


def taken_back(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    return tuple(Setting(one.name, one.after, one.before) for one in settings)


def session_of(values: Mapping[str, Any]) -> Session:
    """A session from plain values, such as a row's or those of JSON; what is missing is as where nothing is set."""
    known = {name: value for name, value in values.items() if name in SETTINGS or name == "id"}
    modes = {name: Mode(known[name]) for name in MODES & known.keys()}
    switches = {name: bool(known[name]) for name in {"review", "ledger", "names"} & known.keys()}
    survey = {"survey": SurveyWhen(known["survey"])} if "survey" in known else {}
    return Session(**{**known, **modes, **switches, **survey})


WEEK = timedelta(weeks=1)


def id_for(title: str, at: float, taken: Container[str], zone: tzinfo | None = None) -> str:
    """A free short name for addresses: from the letters and digits of the title, else from the day (`at`, in `zone`;
    None: this machine's)."""
    latin = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    day = datetime.fromtimestamp(at, zone).date().isoformat()
    words = re.sub(r"[^a-z0-9]+", "-", latin)[:40].strip("-")
    dated = f"{words}-{day}" if words else day
    return next(id for id in chain([words or day, dated], (f"{dated}-{n}" for n in count(2))) if id not in taken)


def next_evening(session: Session, now: float, zone: tzinfo | None = None) -> Session:
    """The same again: a week later, or as many weeks as it takes to lie ahead; it has not ended. It begins at the same
    time of the day in `zone` (None: this machine's), also where the clocks are put on or back meanwhile."""
    starts_at = session.starts_at
    if starts_at is not None:
        begins = datetime.fromtimestamp(starts_at, zone)
        weeks = max(1, (datetime.fromtimestamp(now, zone) - begins) // WEEK + 1)
        starts_at = (begins + weeks * WEEK).timestamp()
    return replace(session, starts_at=starts_at, ended_at=None)


def _plain(value: SettingValue) -> SettingValue:
    return value.value if isinstance(value, Mode | SurveyWhen) else value
