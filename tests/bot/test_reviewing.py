"""The rules of answering after the talk."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.model import COURSE, Address, Answer, Reference, Status
from bot.reviewing import MOST_REFERENCES, Stands, added, call, checked, hearers, is_link, line_of, overtaken
from tests.bot.values import TALK, asked, message, question, state

STAFF = Address("telegram", "-1009", private=False)


@pytest.mark.parametrize(
    "url", ["https://example.org", "http://例子.中国/页?x=1#y", "https://a.b:8443/f.pdf", "HTTPS://EXAMPLE.ORG"]
)
def test_addresses_of_the_web_are_links(url: str) -> None:
    """Whatever browsers can open as it stands."""
    assert is_link(url)


@pytest.mark.parametrize(
    "url",
    [
        "example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org",
        "https://",
        "https://[",
        "https://a b.org",
        "https://example.org:x/",
        "https://bank.com@evil.org",
        "https://example.org/\u202egpj.exe",
        "//example.org",
        "see https://example.org",
    ],
)
def test_what_is_no_link_is_refused(url: str) -> None:
    """Scripts, halves of addresses, and addresses that pretend to be others."""
    assert not is_link(url)
    with pytest.raises(BadInput, match="this is no link"):
        checked([Reference(url)])


@given(st.text())
def test_any_text_is_a_link_or_is_not(text: str) -> None:
    """Nothing that somebody types breaks it."""
    assert is_link(text) in {True, False}


def test_sources_are_tidied() -> None:
    """Empty ones and doubles go, a source may be a title alone, and what is kept reads as title and link."""
    given_ = [Reference(), Reference(" https://a.org ", "The  table"), Reference("https://a.org", "The table")]
    kept = checked([*given_, Reference(title="faq.md, memory")])
    assert [line_of(one) for one in kept] == ["The table https://a.org", "faq.md, memory"]


@pytest.mark.parametrize(
    "one",
    [
        Reference("https://a.org/" + "x" * 2000),
        Reference("https://a.org", "t" * 121),
        Reference("https://a.org", "https://b.org"),
    ],
)
def test_a_source_that_is_too_long_or_disguised_is_refused(one: Reference) -> None:
    """A title that is a link could lead elsewhere than it says."""
    with pytest.raises(BadInput):
        checked([one])


def test_an_answer_has_only_so_many_sources() -> None:
    """The limit is told."""
    with pytest.raises(BadInput, match="at most 10 sources, this has 11"):
        checked([Reference(f"https://a.org/{n}") for n in range(MOST_REFERENCES + 1)])


ANSWERED = state("q1", Status.ANSWERED, answer=Answer("Yes.", "Ann", 5.0))
SEEN = Stands(Status.NEW, ANSWERED.title)


@pytest.mark.parametrize(
    ("now", "seen", "late"),
    [
        (state("q1"), SEEN, False),
        (state("q1", Status.QUEUED), SEEN, False),
        (state("q1", Status.ON_STAGE), SEEN, False),
        (ANSWERED, SEEN, True),
        (ANSWERED, Stands(Status.ANSWERED, ANSWERED.title, 5.0), False),
        (replace(ANSWERED, answer=Answer("No.", "Bo", 6.0)), Stands(Status.ANSWERED, ANSWERED.title, 5.0), True),
        (state("q1"), Stands(Status.ANSWERED, ANSWERED.title, 5.0), True),
        (state("q1", Status.DISMISSED), SEEN, True),
        (state("q1", Status.MERGED, merged_into="q2"), SEEN, True),
        (state("q1", title="Another title"), SEEN, True),
    ],
)
def test_an_answer_is_overtaken_by_what_makes_it_another_one(now: object, seen: Stands, late: bool) -> None:
    """An answer, a merge, a dismissal, another title; not that a moderator moved the question along."""
    assert overtaken(now, seen) is late  # type: ignore[arg-type]


def test_an_addition_keeps_what_stands() -> None:
    """Both texts, both names once, all sources once; the course's name gives way to a person's."""
    first = Answer("Yes.", "Ann", 5.0, ("https://a.org",))
    both = added(first, " On Friday. ", ["https://a.org", "https://b.org"], "Bo", "en")
    assert (both.text, both.by, both.sources) == ("Yes.\n\nOn Friday.", "Ann, Bo", ("https://a.org", "https://b.org"))
    assert added(both, "At noon.", [], "Bo", "en").by == "Ann, Bo"
    assert added(first, "…", [], "林博士", "zh").by == "Ann、林博士"
    assert added(replace(first, by=COURSE), "…", [], "Bo", "en").by == "Bo"


def test_it_is_told_who_hears_an_answer_and_who_does_not() -> None:
    """People in chats that can be written to, those chats, and by chat who is left; nobody is in both."""
    heard = [asked(message(n, user=f"u{n}", chat=f"c{n % 2}")) for n in range(3)]
    again = asked(message(3, user="u0", chat="c0"))
    silent = [asked(message(n, user=f"u{n}", source="bilibili", address=None)) for n in (4, 5)]
    nameless = asked(message(6, user="u6", source="web", author_name=""))
    found = hearers([*heard, again, *silent, nameless], frozenset({"telegram"}))
    assert (found.people, found.chats) == (3, 2)
    assert [(one.source, one.people, one.names) for one in found.unreached] == [
        ("bilibili", 2, ("U4", "U5")),
        ("web", 1, ()),
    ]


def test_the_staffs_chat_is_told_what_is_open() -> None:
    """How many, the first three, and where to answer, in the language of the talk; the link lets nobody in."""
    waiting = [question(f"q{n}", people=9 - n, title=f"Question\n{n}?") for n in range(4)]
    one = call(replace(TALK, ended_at=9.0), waiting, "https://hall/s/talk/experts", STAFF, "key", 7.0)
    assert one.text.splitlines() == [
        "A talk is over, and 4 questions are still open.",
        "What most people want to know:",
        "1. Question 0? (9)",
        "2. Question 1? (8)",
        "3. Question 2? (7)",
        "Experts answer here, signed in: https://hall/s/talk/experts",
    ]
    assert (one.key, one.address, one.not_before) == ("key", STAFF, 7.0)
    single = call(TALK, waiting[:1], "https://hall", STAFF, "key", 7.0)
    assert single.text.startswith("A talk: 1 question waits for an expert.")
    chinese = call(replace(TALK, language="zh"), waiting, "https://hall", STAFF, "key", 7.0)
    assert chinese.text.startswith("《A talk》还有 4 个问题等待专家回答。")
