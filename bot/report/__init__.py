"""What a session came to: pure functions from what the store kept to a `Report`, and from a report to files."""

from bot.report.building import Material, build_report
from bot.report.html import Link, to_html
from bot.report.model import Audience, Chat, Feedback, Headline, Line, Missed, Reach, Report, Tally, Timeline
from bot.report.nameless import nameless
from bot.report.plain import to_csv, to_json, to_markdown
from bot.report.sheets import to_xlsx
from bot.report.tallies import feedback_of
from bot.report.telling import summary

__all__ = [
    "Audience",
    "Chat",
    "Feedback",
    "Headline",
    "Line",
    "Link",
    "Material",
    "Missed",
    "Reach",
    "Report",
    "Tally",
    "Timeline",
    "build_report",
    "feedback_of",
    "nameless",
    "summary",
    "to_csv",
    "to_html",
    "to_json",
    "to_markdown",
    "to_xlsx",
]
