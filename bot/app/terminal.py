"""How things read in a terminal."""

from datetime import datetime

from bot.fitting import one_line as plain

__all__ = ["clock", "lasted", "plain"]


def lasted(seconds: float) -> str:
    """How long, for people: "40 s", "3 min 20 s", "12 min", "1 h 12 min", "3 days"."""
    whole = max(0, round(seconds))
    minutes = round(whole / 60)
    if whole < 60:
        return f"{whole} s"
    if whole < 600 and whole % 60:
        return f"{whole // 60} min {whole % 60} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{round(minutes / 1440)} days"


def clock(at: float, now: float) -> str:
    """The local time of a moment, with its day where that is not today."""
    moment = datetime.fromtimestamp(at).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return f"{moment:%H:%M}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"
