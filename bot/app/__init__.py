"""The only place that builds the program: settings in, a running hall, a replayed chat or a report out."""

from bot.app.demo import demo
from bot.app.hall import Hall, open_hall, run
from bot.app.measuring import ROUNDS, ReplaySpeed, measure_replay
from bot.app.replaying import ReplaySummary, replay
from bot.app.reporting import report

__all__ = [
    "ROUNDS",
    "Hall",
    "ReplaySpeed",
    "ReplaySummary",
    "demo",
    "measure_replay",
    "open_hall",
    "replay",
    "report",
    "run",
]
