"""What a session came to: pure functions from what the store kept to a `Report`, and from a report to files."""

from bot.report.building import Material, build_report
from bot.report.html import Link, to_html
from bot.report.model import Audience, Chat, Feedback, Headline, Line, Missed, Reach, Report, Tally, Timeline
from bot.report.nameless import nameless, series_nameless
from bot.report.plain import to_csv, to_json, to_markdown
from bot.report.series import SeriesCount, SeriesReport
from bot.report.series_html import series_to_html
from bot.report.series_plain import series_to_csv, series_to_json, series_to_markdown, series_to_xlsx
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
    "SeriesCount",
    "SeriesReport",
    "Tally",
    "Timeline",
    "build_report",
    "feedback_of",
    "nameless",
    "series_nameless",
    "series_to_csv",
    "series_to_html",
    "series_to_json",
    "series_to_markdown",
    "series_to_xlsx",
    "summary",
    "to_csv",
    "to_html",
    "to_json",
    "to_markdown",
    "to_xlsx",
]
