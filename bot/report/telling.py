"""A report in a few lines, for a chat."""

from bot.report.model import Report
from bot.report.words import clipped, lasting, percent, words_of

MOST_WANTED = 3
LONGEST_TITLE = 80


def summary(report: Report, link: str = "") -> str:
    """What the organisers' chat is told after a session; `link` leads to the whole report. Plain text, names nobody."""
    w, language, head = words_of(report.session.language), report.session.language, report.headline
    lines = [f"{clipped(report.session.title, LONGEST_TITLE)}{w['colon']}{w['report']}"]
    if not head.messages:
        lines.append(w["summary_nothing"])
    else:
        figures = {"messages": head.messages, "people": head.people, "groups": head.groups, "answered": head.answered}
        lines.append(w["summary_line"].format(**figures, share=percent(head.share)))
        if report.waits.median is not None:
            lines.append(w["summary_wait"].format(median=lasting(report.waits.median, language)))
        if report.audience.returning:
            lines.append(w["summary_returning"].format(new=report.audience.new, returning=report.audience.returning))
        lines += _left(report)
    if link:
        lines.append(w["summary_link"].format(link=link))
    return "\n".join(lines)


def _left(report: Report) -> list[str]:
    w = words_of(report.session.language)
    if not report.lines:
        return []
    if not report.left:
        return [w["summary_all"]]
    people = [w["one_person"] if one.people == 1 else w["n_people"].format(n=one.people) for one in report.left]
    titles = [" ".join(clipped(one.title, LONGEST_TITLE).split()) for one in report.left]
    wanted = [f"{n}. {title} ({who})" for n, (title, who) in enumerate(zip(titles, people, strict=True), 1)]
    return [w["summary_open"], *wanted[:MOST_WANTED]]
