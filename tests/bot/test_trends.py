"""What is found about a series."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bot.model import Answer, CourseMatch, Person, Question, Recurrence, Remembered, Session, Status
from bot.trends import Evening, Trends, find_trends, in_order, to_csv, to_text
from bot.trends.sober import changes, runs
from tests.bot.values import question

SIZE = 256
THEMES = {"cloud": 0, "price": 1, "sound": 2}


def vector(theme: str, n: int) -> np.ndarray:
    """Near all others of its theme (cosine about .7), and like none of them."""
    own = np.random.default_rng([THEMES[theme], n]).standard_normal(SIZE)
    own[: len(THEMES)] = 0
    own /= np.linalg.norm(own)
    own[THEMES[theme]] = 1.5
    return np.asarray(own / np.linalg.norm(own), dtype=np.float32)


def evening(at: int, asked: Sequence[tuple[str, int]], **changed: Question) -> Evening:
    """Of each theme so many questions, one person each; `changed` by the id of the question."""
    questions, remembered = [], []
    for theme, count in asked:
        for n in range(count):
            id = f"{theme}{at}x{n}"
            one = replace(question(id, title=f"How is {theme} matter{at}x{n}?"), first_at=float(n))
            questions.append(changed.get(id, one))
            person = Person("telegram" if theme == "cloud" else "bilibili", f"{theme}-{n}")
            drawn = vector(theme, 100 * at + n)
            remembered.append(Remembered(len(remembered), id, id, one.title, drawn, None, person, id))
    session = Session(f"s{at}", f"Evening {at}", series="A series", starts_at=1000.0 * at)
    return Evening(session, questions, remembered, {})


def found(*evenings: Evening) -> Trends:
    return find_trends("A series", evenings)


def names(trends: Trends) -> list[tuple[str, ...]]:
    return [row.topic.name.words for row in trends.rows]


def test_questions_that_belong_together_are_a_topic_named_by_its_words() -> None:
    """Each theme becomes one topic, with most people first, and is called by the word that only its questions share."""
    trends = found(evening(1, [("cloud", 8), ("price", 6)]), evening(2, [("cloud", 7), ("price", 6)]))
    assert names(trends) == [("cloud",), ("price",)]
    assert [[cell.people for cell in row.cells] for row in trends.rows] == [[8, 7], [6, 6]]
    assert trends.people == (14, 13)
    assert all(point.topic is not None for point in trends.points)


def test_the_same_evenings_give_the_same_topics_and_one_more_adds_to_them() -> None:
    """Nothing that was found changes its id, its name or its questions when another evening comes."""
    first = [evening(1, [("cloud", 9), ("price", 6)]), evening(2, [("cloud", 5), ("price", 7)])]
    before, again = found(*first), found(*first)
    assert [row.topic for row in before.rows] == [row.topic for row in again.rows]
    assert before.places == again.places
    after = found(*first, evening(3, [("sound", 12), ("price", 3)]))
    kept = {row.topic.id: row.topic for row in after.rows}
    for row in before.rows:
        assert kept[row.topic.id].name == row.topic.name
        assert set(row.topic.members) <= set(kept[row.topic.id].members)
    assert ("sound",) in names(after)


def test_a_topic_whose_questions_share_no_word_is_called_by_one_of_them() -> None:
    """Nothing is invented: without a word that two of them have, the most central question names it."""
    one = evening(1, [("cloud", 6), ("price", 6)])
    texts = {r.question: f"{chr(97 + n) * 5}?" for n, r in enumerate(one.remembered) if r.question.startswith("cloud")}
    questions = [replace(q, state=replace(q.state, title=texts[q.id])) if q.id in texts else q for q in one.questions]
    remembered = [replace(r, text=texts.get(r.question, r.text)) for r in one.remembered]
    trends = found(replace(one, questions=questions, remembered=remembered))
    assert sorted(names(trends)) == [(), ("price",)]
    assert any(f"  {text}  " in to_text(trends) for text in texts.values())


def test_few_questions_are_no_topic() -> None:
    """Four people are none; and a series in which nothing was asked has no topics, no gaps and no map."""
    assert found(evening(1, [("cloud", 4)])).rows == ()
    nothing = found(evening(1, []))
    assert (nothing.rows, nothing.gaps, nothing.places, nothing.people) == ((), (), (), (0,))
    assert "too few questions" in to_text(nothing)


def test_a_topic_takes_the_course_s_heading_where_most_of_it_matches_one() -> None:
    """With half of its questions on one part of the course it is called as that part; a stray match changes nothing."""
    one = evening(1, [("cloud", 8), ("price", 6)])
    matched = [replace(r, source="notes#cloud" if r.question.startswith("cloud") else None) for r in one.remembered]
    matched[-1] = replace(matched[-1], source="notes#cloud")
    trends = found(Evening(one.session, one.questions, matched, {"notes#cloud": "Into the cloud"}))
    assert [row.topic.name.heading for row in trends.rows] == ["Into the cloud", ""]


def test_a_rise_is_said_where_chance_would_hardly_make_it() -> None:
    """Two of forty before and twenty of forty now is a rise; five and seven of forty is none."""
    asked, people = np.array([[2, 20], [5, 7]]), np.array([40, 40])
    assert changes(asked, people).tolist() == [[0, 1], [0, 0]]
    assert changes(asked[:, ::-1], people).tolist() == [[0, -1], [0, 0]]


def test_noise_is_not_called_a_trend() -> None:
    """Of 200 series whose topics never change, at most one in ten is said to have a rise, a fall or a run."""
    rng = np.random.default_rng(7)
    people = np.full(8, 60)
    wrong = 0
    for _ in range(200):
        asked = rng.binomial(60, np.array([0.2, 0.1, 0.1, 0.05, 0.05, 0.02])[:, None], size=(6, 8))
        wrong += bool(runs(asked, people).any() or changes(asked[:, -2:], people[-2:]).any())
    assert wrong <= 20


def test_a_topic_that_grows_from_evening_to_evening_is_rising() -> None:
    """A share that goes from a tenth to a half over six evenings is a run; three evenings are too few for one."""
    asked, people = np.array([[4, 8, 11, 14, 17, 20]]), np.full(6, 40)
    assert runs(asked, people).tolist() == [1]
    assert runs(asked[:, ::-1], people).tolist() == [-1]
    assert runs(asked[:, :3], people[:3]).tolist() == [0]


def test_a_chat_that_asks_more_of_a_topic_is_named() -> None:
    """Where one chat asks nearly all of it, it leans there, and away from the other."""
    trends = found(evening(1, [("cloud", 9), ("price", 9)]))
    assert dict(trends.rows[0].leaning) == {"telegram": 1, "bilibili": -1}
    assert dict(trends.rows[0].chats) == {"telegram": 9}


def test_what_was_asked_before_is_told_from_what_is_new() -> None:
    """The same question on a later evening counts as asked again, another one of its topic does not."""
    one, two = evening(1, [("cloud", 8), ("price", 6)]), evening(2, [("cloud", 8), ("price", 6)])
    again = [Recurrence("cloud2x0", "cloud1x3", 0.9, sure=True), Recurrence("cloud2x1", "cloud1x0", 0.5, sure=False)]
    trends = found(one, replace(two, recurrences=again))
    assert [point.question.id for point in trends.points if point.again] == ["cloud2x0"]
    assert [cell.again for cell in trends.rows[0].cells] == [0, 1]


def test_gaps_are_what_many_ask_and_nobody_answered() -> None:
    """By demand over all evenings: not what one person asked once, nor what was answered on any evening, nor what the
    course answered for all but one."""
    answer = Answer("Yes.", "Ann", 5.0)
    wanted = replace(question("cloud1x0", people=5, title="Is it safe?"))
    answered = replace(question("cloud1x1", people=9, status=Status.ANSWERED, answer=answer))
    looked = replace(question("cloud1x2", people=3), suggested_answer=CourseMatch("faq#1", 0.6, "suggested", "x"))
    told = replace(question("cloud1x3", people=8), waiting=1)
    one = evening(1, [("cloud", 6)], cloud1x0=wanted, cloud1x1=answered, cloud1x2=looked, cloud1x3=told)
    two = evening(2, [("cloud", 6)], cloud2x0=question("cloud2x0", people=2), cloud2x1=question("cloud2x1", people=4))
    again = [Recurrence(f"cloud2x{n}", f"cloud1x{n}", 0.9, sure=True) for n in (0, 1)]
    gaps = found(one, replace(two, recurrences=again)).gaps
    assert [(gap.question.id, gap.people, gap.evenings) for gap in gaps] == [
        ("cloud1x0", 7, [0, 1]),
        ("cloud1x2", 3, [0]),
    ]
    assert [gap.suggested for gap in gaps] == [False, True]


def test_merged_and_dismissed_questions_are_not_counted_by_themselves() -> None:
    """What was merged counts with its final question; what was dismissed does not count at all."""
    merged = question("cloud1x1", status=Status.MERGED, merged_into="cloud1x0")
    gone = question("cloud1x2", status=Status.DISMISSED)
    trends = found(evening(1, [("cloud", 9)], cloud1x1=merged, cloud1x2=gone))
    assert len(trends.points) == 7
    assert len(trends.points[0].persons) == 2


def test_the_evenings_of_a_series_are_in_order_of_time() -> None:
    """By their start; one that does not say stays behind the one it was made after; no series has no evenings."""
    late, early = (
        Session("b", "B", series="x/y 系列", starts_at=9.0),
        Session("a", "A", series="x/y 系列", starts_at=1.0),
    )
    unsaid, other = Session("c", "C", series="x/y 系列"), Session("d", "D")
    assert [one.id for one in in_order("x/y 系列", [early, unsaid, late, other])] == ["a", "c", "b"]
    assert in_order("", [other]) == []


@pytest.mark.parametrize("rows", ["questions", "topics", "gaps"])
def test_csv_can_be_read_back_and_calculates_nothing(rows: str) -> None:
    """One line each, with as many cells as the heading, and no cell that a spreadsheet would take for a formula."""
    bad = question("cloud1x0", people=5, title="=HYPERLINK(1)\u202e")
    trends = found(evening(1, [("cloud", 8)], cloud1x0=bad), evening(2, [("cloud", 5)]))
    head, *lines = csv.reader(io.StringIO(to_csv(trends, rows)))  # type: ignore[arg-type]
    assert len(lines) == {"questions": 13, "topics": 2, "gaps": 1}[rows]
    assert all(len(line) == len(head) for line in lines)
    assert not any(cell.startswith("=") or "\u202e" in cell for line in lines for cell in line)


def test_csv_says_who_answered_only_where_every_evening_may() -> None:
    """Where one is set to name nobody a person is somebody, and the course is still the course."""
    answered = {
        f"cloud1x{n}": question(f"cloud1x{n}", status=Status.ANSWERED, answer=Answer("Yes.", by, 5.0))
        for n, by in enumerate(("Ann", "course"))
    }
    one, two = evening(1, [("cloud", 8)], **answered), evening(2, [("cloud", 5)])
    silent = replace(two, session=replace(two.session, names=False))
    for last, person in ((two, "Ann"), (silent, "somebody")):
        lines = csv.DictReader(io.StringIO(to_csv(found(one, last))))
        assert sorted({line["answered_by"] for line in lines}) == sorted({"", "course", person})
