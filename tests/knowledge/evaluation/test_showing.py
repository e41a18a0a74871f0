import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.app.benching import SIZE
from knowledge.evaluation import (
    Bench,
    Heading,
    Judged,
    Mind,
    Result,
    learning_curve,
    page,
    read_public,
    read_topics,
    table,
    together,
)
from knowledge.evaluation.data import Line
from knowledge.evaluation.measuring import CURVES
from knowledge.evaluation.metrics import Figure, middle
from knowledge.evaluation.mistakes import asking_mistakes
from knowledge.evaluation.results import ALL_LABELS, BY_ITSELF, Block, Column, Curve, Mistake, Mistakes, Picture
from knowledge.evaluation.speed import encoder_speed, memory, start
from knowledge.evaluation.table import measures, shown
from knowledge.evaluation.talks import KINDS
from knowledge.evaluation.words import PAGE, Language, say
from knowledge.reasons import Reason, Reasons
from tests.fakes import HashEncoder, calibrated
from tests.knowledge.evaluation.labelled import write_public, write_topic

WITHOUT_INTERVAL = ("best threshold", "calibration error")
"""What such names hold is no share of what was judged."""
HEADING = Heading("floormic bench --topics <here>", "0.1.0, commit abc", "2026-11-25 16:00")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    encoder = HashEncoder()
    data = read_topics(write_topic(tmp_path_factory.mktemp("topics")))
    learning = Picture("learning", "", (Curve(CURVES["pair_ap"], ((15.0, 0.3), (60.0, 0.5))),))
    return together(
        [Bench(Mind(encoder, calibrated(encoder)), {"hash": encoder}).measure(data), Result((), (learning,))]
    )


class Reading(HTMLParser):
    """What a browser would fetch or run, and which tags are left open."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [tag for name, _ in attrs if name in ("src", "href") or name.startswith("on")]
        if tag in ("script", "link", "img", "iframe"):
            self.outside.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_table_has_every_figure_with_its_interval(result: Result) -> None:
    """Measures down, methods across, each share with its interval."""
    lines = table(result).splitlines()
    assert any(line.split()[:2] == ["B-cubed", "F1"] and "(" in line for line in lines)
    for block in result.blocks:
        for name in measures(block):
            cells = [shown(column.figures.get(name)) for column in block.columns]
            assert any(line.split() == " ".join([name, *cells]).split() for line in lines), name
            for column in block.columns:
                figure = column.figures.get(name)
                if (
                    figure
                    and figure.value is not None
                    and not figure.unit
                    and not any(word in name for word in WITHOUT_INTERVAL)
                ):
                    assert figure.low is not None, (column.method, name)
                    assert figure.low <= figure.value <= figure.high, (column.method, name)
    header = next(line for line in lines if "TF-IDF" in line)
    assert "floormic" in header
    assert "hash, fixed threshold" in header


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(0.634, 0.5, 0.72), ".634 (.500–.720)"),
        (Figure(1.0, 1.0, 1.0), "1.000 (1.000–1.000)"),
        (middle([Figure(3.25, unit="s"), Figure(2.9, unit="s"), Figure(3.0, unit="s")]), "3 s (2.9–3.2)"),
        (middle([Figure(40.0, unit="count")] * 3), "40"),
        (middle([Figure(0.7), Figure(0.81), Figure(0.75)]), ".750 (.700–.810)"),
        (Figure(None), "–"),
        (None, "–"),
        (Figure(12, unit="count"), "12"),
        (Figure(21.34, unit="ms"), "21.3 ms"),
        (Figure(0.86), ".860"),
    ],
)
def test_figures_read_well(figure: Figure | None, text: str) -> None:
    """A share has three digits, a count none, a time its unit, and what was not measured a dash."""
    assert shown(figure) == text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_needs_nothing_beside_it(result: Result, language: Language) -> None:
    """No script, font, picture or address; well-formed; the command and the commit are on it."""
    text = page(result, HEADING, ["labels.jsonl:3: <b>bad</b>"], language)
    reading = Reading()
    reading.feed(text)
    assert (reading.outside, reading.open) == ([], [])
    assert "http" not in text.replace("http-equiv", "")
    assert "floormic bench --topics &lt;here&gt;" in text
    assert "commit abc" in text
    assert "&lt;b&gt;bad&lt;/b&gt;" in text
    assert text.count('<svg viewBox="0 0 520') == 4


def test_what_people_wrote_cannot_run() -> None:
    """Chat texts among the mistakes are shown as text."""
    mistakes = Mistakes(
        "talk", "asking: missed", (Mistake("<script>alert(1)</script>", "", 0.2, (Reason("chatter", -1.0, 0.5),)),), 1
    )
    text = page(Result((), (), (mistakes,)), HEADING)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_page_shows_some_mistakes_with_their_reasons() -> None:
    """Each has its reasons in words, in either language; of more than twenty of a kind only twenty are there."""
    line, why = Line("", "行", True), Reasons(asking=(Reason("chatter", -2.0), Reason("cue", 1.0, detail="please")))
    result = Result((), (), asking_mistakes("talk", [[Judged(line, False, 0.2, "q", reasons=why)] * 23]))
    text = page(result, HEADING)
    assert text.count("<td>chatter; a sign of asking: please, need</td>") == 20
    assert "20 of 23" in text
    assert page(result, HEADING, language="zh").count("<td>闲聊; 有提问的迹象：please、need</td>") == 20


def test_what_was_measured_on_is_named_in_chinese_where_its_name_is_a_word() -> None:
    """On the Chinese page our own sets are called so in the tables, the pictures and among the mistakes; a name that a
    set has stays, and so does a figure's name where a set has it."""
    names = {
        "talks": "讲座",
        "topics": "主题",
        "this machine": "本机",
        "start": "启动",
        "stackfaq": "stackfaq",
        "messages": "messages",
    }
    curve = Curve("asking", ((0.0, 0.0), (1.0, 1.0)))
    result = Result(
        tuple(Block(name, "asking", "", ()) for name in names),
        tuple(Picture("grouping", f"{name}, first order", (curve,)) for name in names),
        tuple(Mistakes(name, "asking: missed", (), 0) for name in names),
    )
    text = page(result, HEADING, language="zh")
    for chinese in names.values():
        assert f"<h3>{chinese} · 识别提问</h3>" in text
        assert f"· {chinese}（第一种顺序）</h3>" in text
        assert f"<summary>{chinese} · 漏掉的提问" in text
    assert "<h3>this machine · asking</h3>" in page(result, HEADING)


def test_everything_measured_has_a_chinese_name(result: Result, tmp_path: Path) -> None:
    """No figure, method, judgement, curve or kind of mistake is left in English on the Chinese page, nor on how much it
    was measured."""
    same = {"floormic", "F1", "B-cubed F1", "BM25"}
    names = {name for block in result.blocks for column in block.columns for name in column.figures}
    names |= {column.method for block in result.blocks for column in block.columns}
    names |= {block.judgement for block in result.blocks} | {one.kind for one in result.mistakes}
    names |= {curve.name for one in (*result.pictures, *learning_curve().pictures) for curve in one.curves}
    names |= {said for block in result.blocks for said in (block.size, block.note)}
    names |= {read().note for _, read in read_public(write_public(tmp_path))}
    names |= {SIZE, "10 recurring pairs of groups in 2 talks"}
    names |= {f"taken for an asking: {kind}" for kind in KINDS}
    names |= {BY_ITSELF, ALL_LABELS, "recurring", "speed", "sent from the right part: holds the answer"}
    names |= {*encoder_speed(HashEncoder()), *memory(), *start("bundled")}
    assert [name for name in sorted(names - same) if say(name, "zh") == name] == []
    assert say("12 askings in 3 groups", "zh") == "12 条提问，3 组"
    assert say("{my} model 2", "zh") == "{my} model 2"
    assert say(next(iter(CURVES.values())), "en").isascii()
    assert all(english and chinese for english, chinese in PAGE.values())


def test_nothing_is_drawn_as_nothing() -> None:
    """A curve without points is left out with its picture, where that has no other; one of a single point is a dot."""
    empty, point = Curve("TF-IDF", ()), Curve("BM25", ((0.3, 0.5),))
    line = Curve("floormic", ((0.0, 1.0), (1.0, 0.5)), (0.5, 0.9))
    pictures = (Picture("answers", "none", (empty, empty)), Picture("answers", "some", (line, empty, point)))
    text = page(Result((), pictures), HEADING)
    drawn = [points.split() for points in re.findall(r'<polyline [^>]*points="([^"]*)"', text)]
    assert [len(points) for points in drawn] == [2]
    assert len(re.findall(r'<circle class="dot s2"', text)) == 1
    assert "none" not in re.findall(r"<h3>[^<]*· (\w+)</h3>", text)
    assert "TF-IDF" not in text


def test_a_block_without_figures_is_no_crash(tmp_path: Path) -> None:
    """Where nothing could be measured the page and the table still come."""
    empty = Result((Block("talk", "asking", "", (Column("floormic", {}),)),), (Picture("answers", "talk", ()),))
    assert "talk" in table(empty)
    assert "talk" in page(empty, HEADING)
