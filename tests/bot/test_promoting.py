"""What an expert's answer becomes in the FAQ of a course."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotAllowed
from bot.given import ALOUD, QUOTED
from bot.model import Answer, Status
from bot.promoting import (
    PHRASINGS,
    added,
    cleaned,
    diff,
    doubled,
    entry_of,
    faq_of,
    holds,
    promotable,
    read,
    removed,
    standing,
    taken,
    written,
)
from bot.web.texts import TEXTS
from knowledge.material import Course, Entry
from tests.bot.values import asked, message, state

NOTHING = Course((), (), ())
TOLD = Answer("From noon, on the page.", "Ann", 200.0, ("https://example.org/x", ))  # fmt: skip
FAQ = "# FAQ\n\n## When does it begin?\n\nAt seven.\n\n## Is it free?\n- also: does it cost anything\n\nYes.\n"

LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Zs"), include_characters=" "),
    min_size=1,
    max_size=60,
).map(lambda text: " ".join(text.split()))
WORDS = LINES.filter(lambda text: any(char.isalnum() for char in text))


@given(WORDS, st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_is_written_is_read_back(question: str, paragraphs: list[list[str]]) -> None:
    """Whatever people typed, marks of Markdown too: the same question, phrasings and answer, line by line."""
    answer = "\n\n".join("\n".join(lines) for lines in paragraphs)
    found = read(written(question, ["how about this one"], answer, [], "zh"))
    assert found
    assert (found.question, found.phrasings, found.answer) == (question, ("how about this one",), answer)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@老师 回放在哪里看？", "回放在哪里看？"),
        ("Where is it, @Dr.Lin ?", "Where is it, ?"),
        ("@老师回放在哪里看？", ""),
        ("@主播证书怎么领？在哪里下载？", ""),
        ("@老师，回放在哪里看？", "回放在哪里看？"),
        ("加我微信聊吧", ""),
        ("my number is 138 0013 8000, call me", ""),
        ("mail a.b@example.org please", ""),
        ("see https://example.org/me", ""),
        ("我叫王小明，想问下回放", ""),
        ("Bob wants the slides", ""),
        ("What does a bobbin cost?", "What does a bobbin cost?"),
        ("??", ""),
        ("x" * 200, ""),
        ("机床 2024 款能接吗", "机床 2024 款能接吗"),
    ],
)
def test_nothing_personal_stands_in_a_phrasing(text: str, left: str) -> None:
    """Who is addressed is left out; a wording that names its asker, or says how to reach anybody, altogether."""
    assert cleaned(text, ["Bob", ""]) == left


@pytest.mark.parametrize(
    "title",
    [
        "我叫王小明，电话 13800138000，怎么报名？",
        "@Li where does Bob sign up?",
        "@李老师",
        "@主播证书怎么领？在哪里下载？",
    ],
)
def test_nothing_personal_stands_in_the_question(title: str) -> None:
    """Another wording takes its place; where there is none, a moderator has to word it, and is taken at their word."""
    typed = state("q1", Status.ANSWERED, answer=TOLD, title=title)
    first = asked(message(1, title, author_name="Bob"))
    found = read(entry_of(typed, [first, asked(message(2, "@Li 在哪里报名呢？"))], NOTHING, "zh"))
    assert found
    assert (found.question, found.phrasings) == ("在哪里报名呢？", ())
    with pytest.raises(NotAllowed, match="word its title"):
        entry_of(typed, [first], NOTHING, "zh")
    found = read(entry_of(replace(typed, title="微信里怎么报名？"), [first], NOTHING, "zh"))
    assert found
    assert found.question == "微信里怎么报名？"


@pytest.mark.parametrize("title", ["Fee?", "费用?", "Is there " + "really " * 20 + "a recording?"])
def test_a_question_may_be_as_short_or_long_as_it_was_asked(title: str) -> None:
    """Only further phrasings have a length."""
    found = read(entry_of(state("q1", Status.ANSWERED, answer=TOLD, title=title), [], NOTHING, "zh"))
    assert found
    assert found.question == title


def test_phrasings_are_different_ones_that_the_course_does_not_have() -> None:
    """Not the question again, nothing twice, nothing the course asks already, and not too many."""
    more = ("Where", "When", "Show me", "I want", "Who has", "How do I get", "Please send", "Any link to")
    texts = ["Is there a recording?", "is there a recording", "Can I watch it later?", "can i watch it later!!"]
    texts += ["Does it cost anything?", *(f"{word} the video of tonight" for word in more)]
    q = state("q1", Status.ANSWERED, answer=TOLD)
    course = Course((Entry("free", "Is it free?", ("does it cost anything",), "Yes.", "faq.md:7"),), (), ())
    found = read(entry_of(q, [asked(message(n, text)) for n, text in enumerate(texts)], course, "en"))
    assert found
    assert found.phrasings[0] == "Can I watch it later?"
    assert [one for one in found.phrasings if "watch" in one.lower()] == ["Can I watch it later?"]
    assert len(found.phrasings) == PHRASINGS
    assert "Does it cost anything?" not in found.phrasings
    assert found.answer == "From noon, on the page.\n\nSee: https://example.org/x"


def test_only_what_a_person_wrote_can_be_promoted() -> None:
    """Not the course's own answer, not what was said aloud, not what is open again."""
    assert promotable(state("q1", Status.ANSWERED, answer=TOLD)) == TOLD
    assert promotable(state("q1", Status.QUEUED)) is None
    assert promotable(state("q1", Status.ANSWERED, answer=Answer("x", "course", 1.0))) is None
    assert {TEXTS[language]["aloud"] for language in TEXTS} == set(ALOUD.values())
    for text in (*ALOUD.values(), *(said.format(time="01:02:03", text="so") for said in QUOTED.values())):
        assert promotable(state("q1", Status.ANSWERED, answer=Answer(text, "Ann", 1.0))) is None


def test_an_entry_comes_to_the_end_takes_the_place_of_an_older_one_and_goes_again() -> None:
    """The rest of the file stays as it is, letter by letter."""
    one, other = written("New?", [], "Yes.", [], "en"), written("New?", [], "No.", [], "en")
    after = added(FAQ, one)
    assert after == f"{FAQ}\n{one}\n"
    assert added(after, other, one) == after.replace(one, other)
    assert removed(after, one) == FAQ
    assert removed(after, other) is None
    assert added("", one) == f"{one}\n"
    assert holds(after, one)
    assert not holds(added("# FAQ\n\n```\nnever closed\n", one), one)


@pytest.mark.parametrize("more", ["\n\nPassword: 1234", ", but sign in first", "\n- on the page"])
def test_an_entry_that_somebody_added_to_is_theirs_now(more: str) -> None:
    """It is not cut out or exchanged, which would leave what was added under another question."""
    entry = written("New?", [], "Yes", [], "en")
    text = f"{added(FAQ, entry).rstrip()}{more}\n"
    assert standing(text, entry) == ""
    assert removed(text, entry) is None
    assert added(text, written("New?", [], "No.", [], "en"), entry).startswith(text.rstrip())
    assert standing(f"{added(FAQ, entry)}\n## Next?\n\nSo.\n", entry) == entry


def test_two_questions_whose_headings_give_one_id_are_told_apart_by_people() -> None:
    """A reader would leave the second out."""
    text = "# FAQ\n\n## 能用 C# 吗？\n\n能。\n"
    entry = written("能用 C++ 吗？", [], "不能。", [], "zh")
    assert taken(added(text, entry), entry) == "faq.md:3"
    other = written("能用 Rust 吗？", [], "不能。", [], "zh")
    assert taken(added(text, other), other) == ""


def test_a_question_that_the_course_has_is_told_not_doubled() -> None:
    """In any of its wordings; an entry that was written before does not stand in its own way."""
    course = Course((Entry("free", "Is it free?", ("does it cost anything",), "Yes.", "faq.md:7"),), (), ())
    entry = written("Does it cost anything ?", [], "No.", [], "en")
    found = doubled(course, entry, "")
    assert found
    assert found.source == "faq.md:7"
    assert (
        doubled(course, written("Is it free?", [], "No.", [], "en"), written("Is it free?", [], "Yes.", [], "en"))
        is None
    )
    assert doubled(course, written("Another?", [], "No.", [], "en"), "") is None


def test_the_diff_is_a_patch(tmp_path: Path) -> None:
    """`git apply` makes the new file of it, also where the old one ended without a line end."""
    for before in (FAQ, FAQ.rstrip(), ""):
        after = added(before, written("New?", [], "Yes.", [], "en"))
        folder = tmp_path / str(len(before))
        folder.mkdir()
        (folder / "faq.md").write_text(before, encoding="utf-8")
        (folder / "faq.patch").write_text(diff(before, after, "faq.md"), encoding="utf-8")
        subprocess.run(["git", "apply", "--unsafe-paths", "faq.patch"], cwd=folder, check=True)
        assert (folder / "faq.md").read_text(encoding="utf-8") == after


def test_the_file_that_entries_go_to() -> None:
    """faq.md before other FAQs, the shallowest before others; where there is none it is made."""
    assert faq_of(["notes.md", "a/faq.md", "FAQ.md", "faq-old.md"]) == "FAQ.md"
    assert faq_of(["notes.md", "faq-1.md", "faq.pdf"]) == "faq-1.md"
    assert faq_of(["notes.md"]) == "faq.md"
