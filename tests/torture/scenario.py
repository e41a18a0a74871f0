"""What a scenario is, and what it reports."""

import importlib
import pkgutil
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import tests.torture

SEED = 20_261_126


class LeftOut(Exception):
    """Raised by a scenario where this machine cannot play it; the text says why. It counts as neither."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure beside its target. `timing`: it says how fast this machine was, not whether something was lost."""

    what: str
    value: float
    unit: str
    target: str
    holds: bool
    timing: bool

    @property
    def said(self) -> str:
        number = (
            f"{self.value:,.0f}" if self.value == int(self.value) or abs(self.value) >= 100 else f"{self.value:.3g}"
        )
        return f"{number} {self.unit}".rstrip()


@dataclass(slots=True)
class Run:
    """One run of a scenario: an empty folder, dice that fall the same way each time, and what was found."""

    folder: Path
    short: bool
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    figures: list[Figure] = field(default_factory=list)

    def say(self, progress: str) -> None:
        print(f"    {progress}", flush=True)

    def figure(
        self,
        what: str,
        value: float,
        unit: str = "",
        *,
        most: float | None = None,
        least: float | None = None,
        timing: bool = False,
    ) -> None:
        """Reports `value`; without a bound it is only told."""
        holds = (most is None or value <= most) and (least is None or value >= least)
        named = [("at most", most), ("at least", least)]
        bounds = [f"{name} {bound:g}" for name, bound in named if bound is not None]
        target = f"{most:g}" if most == 0 and least is None else " and ".join(bounds)
        found = Figure(what, value, unit, target, holds, timing)
        self.figures.append(found)
        verdict = "" if not target else "pass" if holds else "FAIL"
        print(f"  {verdict:5}{what}: {found.said}{f' ({target})' if target else ''}", flush=True)


Play = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`seconds`: what the long form may take; at twice that it is stopped and fails. `needs`: a program without which
    it is left out, and said so. `control`: what protects is taken away, and at least one figure must fail. `daily`: its
    short form runs with every run of the tests."""

    name: str
    play: Play
    seconds: float
    needs: str
    control: bool
    daily: bool

    @property
    def what(self) -> str:
        return (self.play.__doc__ or "").strip()


_known: dict[str, Scenario] = {}


def scenario(
    name: str, *, seconds: float, needs: str = "", control: bool = False, daily: bool = True
) -> Callable[[Play], Play]:
    """Declares a scenario; its docstring says in one sentence what it does and what it promises."""

    def declare(play: Play) -> Play:
        if name in _known:
            raise ValueError(f"two scenarios are called {name}")
        _known[name] = Scenario(name, play, seconds, needs, control, daily)
        return play

    return declare


def scenarios() -> list[Scenario]:
    """All of them, in the order of modules and lines."""
    for module in sorted(found.name for found in pkgutil.iter_modules(tests.torture.__path__)):
        if not module.startswith(("_", "test_")):
            importlib.import_module(f"tests.torture.{module}")
    return list(_known.values())
