"""What a session came to: pure functions from what the store kept to a `Report`, and from a report to files."""

from bot.report.building import build_report
from bot.report.html import to_html
from bot.report.model import Chat, Headline, Line, Report, Timeline
from bot.report.plain import to_csv, to_json, to_markdown

__all__ = [
    "Chat",
    "Headline",
    "Line",
    "Report",
    "Timeline",
    "build_report",
    "to_csv",
    "to_html",
    "to_json",
    "to_markdown",
]
