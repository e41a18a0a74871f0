"""What the program has to know of a connector before there is one: a value that each connector's file declares."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.model import Abilities
from bot.options import SourceOptions
from bot.ports import Connector, Now


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a connector gets from the program beside its own options.

    `public_url` has no slash at its end and is "" where the program has no public address; `language` is that of the
    session; `derive` makes a secret of this installation that belongs to what it is called for, always the same.
    """

    now: Now
    public_url: str
    language: str
    derive: Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source: `floormic connect NAME` and the settings read it, `app.sources.KINDS` lists it.

    `titles` by language ("zh", "en"); `guide` by language: how to get the keys on the platform, in numbered steps.
    `try_out` tries the keys on the platform and says in plain words what it answered; it raises `Refused` or
    `ConnectorError`, whose text says what to do. `called`: the platform calls us, at `/in/NAME`.
    `extra`: what to install besides, as in `pip install 'floormic[extra]'`.
    """

    options: type[SourceOptions]
    titles: Mapping[str, str]
    guide: Mapping[str, str]
    abilities: Abilities
    make: Callable[[Any, Surroundings], Connector]
    try_out: Callable[[Any, Surroundings], Awaitable[str]]
    called: bool = False
    extra: str = ""

    @property
    def name(self) -> str:
        return self.options.kind
