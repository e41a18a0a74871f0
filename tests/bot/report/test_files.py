"""A report as HTML, Markdown, CSV and JSON."""

import csv
import io
import json
from datetime import UTC
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.model import Answer, Session, Status
from bot.report import Line, Material, Report, build_report, to_csv, to_html, to_json, to_markdown
from bot.report.html import bar, draw
from bot.report.words import lasting
from tests.bot.report.sample import MATERIAL, START

REPORT = build_report(MATERIAL, START + 3600)
NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>1</script>",
    "{{ 7*7 }}{% raw %}",
    "[x](javascript:alert(1))",
    "# h\n<b>b</b>",
    "\x00\u202egnp.exe",
    "=HYPERLINK(1)",
    "\ufffe\uffff?",
)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠1", "|x", "%1")
"""What spreadsheets calculate."""
TEXTS = st.text(min_size=1, max_size=60) | st.sampled_from(NASTY)


@pytest.mark.parametrize(
    ("days", "zh", "en"), [(1, "1 天", "1 day"), (1.25, "1.2 天", "1.2 days"), (2.01, "2 天", "2 days")]
)
def test_days_are_counted_without_an_idle_nought(days: float, zh: str, en: str) -> None:
    """And one is one."""
    assert (lasting(days * 86_400, "zh"), lasting(days * 86_400, "en")) == (zh, en)


def report_with(text: str, language: str = "en") -> Report:
    """A report in which everything that people wrote is `text`."""
    session = Session("t", text, text, text, START, language=language)
    answer = Answer(text, text, START, (text,))
    lines = (
        Line("a", text, Status.ANSWERED, 3, 2, 1, 2, ((text, 2),), START, START, text, answer, labels=(text,)),
        Line("b", text, Status.QUEUED, 3, 2, 1, 2, ((text, 2),), START, START, text, wordings=(text,)),
        Line("c", text, Status.DISMISSED, 3, 2, 1, 2, ((text, 2),), START, START, text, reason=text),
    )
    return Report(session, START, REPORT.headline, lines, REPORT.chats, REPORT.timeline, ("b",))


class Tags(HTMLParser):
    """Counts the tags and attributes of a page, and collects its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


class TestHtml:
    def test_it_shows_figures_questions_answers_and_gaps(self) -> None:
        """A reader finds what was asked, how often, and what it was answered."""
        text = " ".join(Tags(to_html(REPORT, UTC)).text.split())
        for part in (
            "Language models on the shop floor",
            "What does it cost?",
            "5 people",
            "From noon tomorrow.",
            "Source: faq.md:3",
            "By Dr. Cen (1)",
            "Reason: not about the talk",
            "first asked 11:31 by Ann",
            "Messages not looked at when this was made: 1",
        ):
            assert part in text

    def test_the_timeline_is_told_in_words_too(self) -> None:
        """Who cannot see the picture reads when most was said and asked."""
        assert (
            "10 messages and 8 questions from 11:30 to 12:03. Most messages came around 11:31 (2 in a minute), "
            "most questions around 11:31 (2 in a minute)."
        ) in Tags(to_html(REPORT, UTC)).text

    def test_it_stands_alone(self) -> None:
        """Nothing is fetched and nothing runs: no script, no link, no address of anything."""
        tags = Tags(to_html(REPORT, UTC)).tags
        assert not {"script", "link", "img", "iframe", "object", "a"} & {tag for tag, _ in tags}
        attributes = {name for _, names in tags for name in names}
        assert not {"src", "href", "style"} & attributes
        assert not any(name.startswith("on") for name in attributes)

    @pytest.mark.parametrize("language", ["zh", "en"])
    @given(text=TEXTS)
    @settings(max_examples=60, deadline=None)
    def test_no_text_becomes_markup(self, language: str, text: str) -> None:
        """Whatever people write, the page has the same tags as with plain words."""
        assert (
            Tags(to_html(report_with(text, language), UTC)).tags == Tags(to_html(report_with("x", language), UTC)).tags
        )

    def test_it_speaks_the_language_of_the_session(self) -> None:
        """A Chinese session has a Chinese report."""
        page = to_html(report_with("x", "zh"), UTC)
        assert '<html lang="zh-CN">' in page
        assert "最多人想知道的" in page
        assert "Most wanted" not in page

    def test_an_empty_session_has_a_page(self) -> None:
        """Nothing came in, and the page says so."""
        page = Tags(to_html(build_report(Material(Session("e", "E", language="en"), [], []), 0), UTC)).text
        assert "No messages came in." in page

    def test_a_bar_has_a_piece_for_every_person(self) -> None:
        """The pieces stand side by side and add up to the people of the question."""
        cost = REPORT.lines[0]
        pieces = bar(cost, most=10, sources=["web", "telegram"])
        assert [(p.x, p.width, p.tint) for p in pieces] == [(0, 10, 1), (10, 10, 0), (20, 30, -1)]

    def test_the_columns_of_the_timeline_reach_what_they_count(self) -> None:
        """The highest column is as high as its count against the axis, and none leaves the picture."""
        drawn = draw(REPORT.timeline, UTC)
        assert drawn is not None
        assert drawn.rows[-1][1] == "2"
        assert max(c.messages for c in drawn.columns) == drawn.base - drawn.rows[-1][0]
        assert all(drawn.left <= c.x and c.x + c.width <= drawn.right for c in drawn.columns)
        assert all(c.asked <= c.messages for c in drawn.columns)


class TestMarkdown:
    def test_it_lists_what_was_answered_and_what_was_left(self) -> None:
        """The parts come in the order of the page."""
        text = to_markdown(REPORT, UTC)
        assert "**Does it run offline?** (2 people: telegram 1, 12:03)\n\n> Yes, all of it." in text
        assert "1. What does it cost? (5 people: telegram 1, web 1)" in text
        assert "1. lunch anyone? (1 person: web 1) — not about the talk" in text
        assert text.index("What was answered") < text.index("What was left") < text.index("Gaps of the course")

    @given(TEXTS)
    @settings(max_examples=100, deadline=None)
    def test_no_text_becomes_markup(self, text: str) -> None:
        """No wording turns into HTML, links, pictures or code of the rendered page."""
        html = MarkdownIt("gfm-like", {"linkify": False}).render(to_markdown(report_with(text), UTC))
        assert not {"script", "img", "a", "code", "b", "del"} & {tag for tag, _ in Tags(html).tags}


class TestCsv:
    def rows(self, report: Report) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(to_csv(report, UTC))))

    def test_it_has_one_row_a_question_in_order_of_demand(self) -> None:
        """Counts, times and answers stand in their columns."""
        first, second = self.rows(REPORT)[:2]
        assert (first["rank"], first["id"], first["people"], first["chats"]) == (
            "1",
            "cost",
            "5",
            "telegram: 1; web: 1",
        )
        assert (second["answered_by"], second["answer"], second["sources"]) == (
            "course", "From noon tomorrow.", "faq.md:3",
        )  # fmt: skip
        assert second["first_at"] == "2026-12-01T11:31:00+00:00"

    @pytest.mark.parametrize("start", FORMULAS)
    def test_no_cell_is_a_formula(self, start: str) -> None:
        """A spreadsheet shows such a text instead of calculating it."""
        row = self.rows(report_with(start))[0]
        assert {row["question"][0], row["first_by"][0], row["answer"][0], row["sources"][0]} == {"'"}

    @given(TEXTS)
    @settings(deadline=None)
    def test_any_text_stays_in_its_cell(self, text: str) -> None:
        """Commas, quotes and line ends do not shift a column."""
        rows = self.rows(report_with(text))
        assert [row["status"] for row in rows] == ["answered", "queued", "dismissed"]
        assert None not in rows[0]


class TestJson:
    def test_it_holds_the_whole_report_but_not_where_the_course_lies(self) -> None:
        """Programs get every figure; the server's folders are nobody's business."""
        data = json.loads(to_json(REPORT))
        assert data["headline"]["messages"] == 10
        assert data["lines"][0]["chats"] == {"telegram": 1, "web": 1}
        assert data["lines"][1]["answer"]["by"] == "course"
        assert data["gaps"] == ["cost"]
        assert data["session"]["id"] == "t"
        assert "course" not in data["session"]
        assert sum(data["timeline"]["asked"]) == 8

    @given(TEXTS)
    @settings(deadline=None)
    def test_any_text_comes_back_as_it_was(self, text: str) -> None:
        """JSON keeps texts to the character."""
        assert json.loads(to_json(report_with(text)))["lines"][0]["title"] == text


def test_chats_are_called_by_their_names_where_people_read() -> None:
    """The page and the Markdown say what a chat is called; a chat without a name keeps its source."""
    names = {"web": "Web page"}
    for text in (Tags(to_html(REPORT, UTC, names)).text, to_markdown(REPORT, UTC, names)):
        assert "Web page 2" in text
        assert "telegram 1" in text
        assert "web 2" not in text
