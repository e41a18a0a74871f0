from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from knowledge.answering import ALIKE, Answering, _passage, cut
from knowledge.calibration import bundled_calibration, calibration_of
from knowledge.encoder import HEADS, load_encoder
from knowledge.material import Course, Entry, Passage
from tests.fakes import HashEncoder

ENCODER = HashEncoder()
JUDGE = bundled_calibration().answers()
COURSE = Course(
    (
        Entry("faq-1", "回放在哪里看", ("录像什么时候出",), "课后两小时在主页。", "faq.md:3"),
        Entry("faq-2", "怎么开发票", (), "在小程序里申请电子发票。", "faq.md:7"),
        Entry("faq-3", "how do I get the certificate", (), "Attend six of eight lectures.", "faq.md:11"),
    ),
    (
        Passage("notes#gateway", "网关安装", "网关装在电柜内导轨上。" + "和变频器隔开二十厘米。" * 60, "notes.md:5"),
        Passage("glossary#oee", "OEE", "设备综合效率。", "glossary.md:3"),
    ),
    (),
)


def _match(text: str, course: Course = COURSE):
    return Answering(course, ENCODER, JUDGE).match(text, ENCODER.encode([text])[0])


@pytest.mark.parametrize(
    ("asked", "source", "where"),
    [
        ("回放在哪里看？", "faq-1", "faq.md:3"),
        ("录像什么时候出", "faq-1", "faq.md:3"),
        ("怎麼開發票", "faq-2", "faq.md:7"),
        ("How do I get the certificate?", "faq-3", "faq.md:11"),
        ("网关安装", "notes#gateway", "notes.md:5"),
        ("oee", "glossary#oee", "glossary.md:3"),
    ],
)
def test_what_the_course_says_word_for_word_is_found(asked: str, source: str, where: str) -> None:
    """A question in the words of an entry, a phrasing, a heading or a term finds it with its place."""
    match = _match(asked)
    assert match is not None
    assert (match.source, match.where) == (source, where)


@pytest.mark.model
def test_the_entry_itself_is_sure_and_the_unrelated_is_silent() -> None:
    """Only what fits is said; the probability of the one is above that of the other."""
    encoder = load_encoder()
    course = Answering(COURSE, encoder, JUDGE)
    sure, unsure = (course.match(text, encoder.encode([text])[0]) for text in ("怎么开发票", "zzzz qqqq"))
    assert sure is not None
    assert unsure is not None
    assert sure.verdict == "answer"
    assert unsure.verdict == "silent"
    assert sure.text == "在小程序里申请电子发票。"
    assert 0 <= unsure.score < sure.score <= 1


class Reading(HashEncoder):
    """Says the same of whatever it reads, and keeps that."""

    def __init__(self, odds: float) -> None:
        self.odds = odds
        self.pairs: list[tuple[str, str]] = []

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        self.pairs += pairs
        return np.full((len(pairs), HEADS), self.odds, dtype=np.float32)


def test_what_is_read_beside_messages_is_what_the_encoder_saw_last() -> None:
    """It keeps what it went through last, and the sentences of a course alone would fill that."""
    calls: list[list[str]] = []

    class Seeing(Reading):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            calls.append(list(texts))
            return super().encode(texts)

    encoder = Seeing(9.0)
    entry = replace(COURSE.entries[1], answer="在小程序里申请电子发票。三天之内发到你的邮箱。")
    course = replace(COURSE, entries=(COURSE.entries[0], entry, COURSE.entries[2]))
    Answering(course, encoder, JUDGE).matches(["怎么开发票"], list(encoder.encode(["怎么开发票"])))
    assert encoder.pairs
    assert {said for _, said in encoder.pairs} <= set(calls[-2])


def test_what_is_read_as_no_answer_is_not_sent() -> None:
    """However sure the search is: a moderator decides, or it is left where it is read as surely none, and the reason is
    told. What the search finds unlikely is not read at all."""
    texts = ["怎么开发票", "asdf jkl"]
    told = {}
    for odds in (-9.0, -6.0, 9.0):
        encoder = Reading(odds)
        found = Answering(COURSE, encoder, JUDGE).matches(texts, list(encoder.encode(texts)))
        assert encoder.pairs == [("怎么开发票", "怎么开发票 在小程序里申请电子发票。")]
        told[odds] = found[0]
        assert found[1] is not None
        assert "read" not in {reason.code for reason in found[1].reasons}
    surely_no, no, yes = told[-9.0], told[-6.0], told[9.0]
    assert surely_no is not None
    assert no is not None
    assert yes is not None
    assert (no.source, no.verdict) == ("faq-2", "suggest")
    assert (yes.source, yes.verdict) == ("faq-2", "answer")
    assert surely_no.verdict != "answer"
    assert all({reason.code: reason.weight < 0 for reason in one.reasons}["read"] for one in (no, surely_no))


def test_a_term_is_sent_to_who_asks_what_it_is_and_to_nobody_else() -> None:
    """Who asks how much of it, or how, is not answered by what it means, however near that is: a moderator may say."""
    course = Course((), (Passage("glossary#OEE", "OEE", "OEE 是设备综合效率。", "glossary.md:1"),), ())
    asked = ["OEE 是什么", "OEE 设备综合效率", "OEE 做到多少算好", "how do we raise OEE"]
    sure = replace(JUDGE, entries=0.0, passages=0.0, suggest=0.0)
    found = Answering(course, ENCODER, sure).matches(asked, list(ENCODER.encode(asked)))
    assert [match and match.verdict for match in found] == ["answer", "answer", "suggest", "suggest"]


def test_several_texts_are_matched_as_each_by_itself() -> None:
    """To read them together changes nothing but the time."""
    texts = ["回放在哪里看？", "怎么开发票", "zzzz qqqq", "oee"]
    course, vectors = Answering(COURSE, ENCODER, JUDGE), ENCODER.encode(texts)
    assert course.matches(texts, list(vectors)) == [course.match(t, v) for t, v in zip(texts, vectors, strict=True)]


def test_what_is_said_there_counts_beside_what_is_asked_there() -> None:
    """Of the part that fits best the evidence tells how near its question with its answer is, whichever wording of the
    question was nearest."""
    vector = ENCODER.encode(["录像什么时候出"])[0]
    at, evidence = Answering(COURSE, ENCODER, JUDGE).evidence("录像什么时候出", vector)
    assert at == 0
    assert evidence.said == pytest.approx(
        float(ENCODER.encode(["回放在哪里看 课后两小时在主页。"])[0] @ vector), abs=1e-3
    )
    assert evidence.said < 0.9


def test_how_well_a_course_fits_is_told_of_each_text() -> None:
    """What the course holds stands out in it, and what it does not hold does not; an empty course tells nothing."""
    texts = ["回放在哪里看", "今天天气真好"]
    vectors = list(ENCODER.encode(texts))
    held, other = Answering(COURSE, ENCODER, JUDGE).fits(texts, vectors)
    assert held is not None
    assert other is not None
    assert held.share > 0.8 > 0.5 > other.share
    assert Answering(Course((), (), ()), ENCODER, JUDGE).fits(texts, vectors) == [None, None]


def test_of_two_that_are_asked_alike_the_answer_tells_which_was_meant() -> None:
    """A need in the words of one answer comes there, though the other entry's question is nearer."""
    entries = (
        Entry("faq#1", "回放在哪里", (), "课后两小时在主页。", "faq.md:1"),
        Entry("faq#2", "录像能下载吗", (), "不能下载,保留三十天后删除。", "faq.md:5"),
    )
    text = "回放保留三十天后删除吗"
    at, _ = Answering(Course(entries, (), ()), ENCODER, JUDGE).evidence(text, ENCODER.encode([text])[0])
    assert at == 1


LONG = "".join(f"第{n}号设备每周二上午停机保养两小时。" for n in range(40))


@pytest.mark.parametrize(
    ("before", "after"),
    [(0, 40), (2, 38), (20, 20), (39, 1), (40, 0)],
    ids=["first", "early", "middle", "late", "last"],
)
def test_of_a_long_passage_is_said_what_answers(before: int, after: int) -> None:
    """Wherever the sentence stands that is asked for, it is among the whole sentences that are sent, and what was left
    out before them is marked."""
    one = "备用滤芯放在北仓库三层红色货架。"
    sentences = [part + "。" for part in LONG.split("。") if part]
    text = "".join([*sentences[:before], one, *sentences[40 - after :]])
    match = _match("备用滤芯放在北仓库哪一层货架", Course((), (Passage("notes#1", "保养", text, "notes.md:5"),), ()))
    assert match is not None
    assert one in match.text
    assert 200 < len(match.text) <= 400
    said = match.text.removeprefix("…")
    assert said in text
    assert said.endswith("。")
    assert (said != match.text) == (not text.startswith(said))
    assert text.startswith(said) or text[: text.index(said)].endswith("。")


def test_words_are_looked_for_in_the_whole_of_a_long_part() -> None:
    """A page of thousands of characters is found by a word of its last line."""
    text = "\n".join(f"Line {n} of the page tells something that nobody will ever ask about here." for n in range(60))
    parts = [
        Passage("a#1", "Page 1", f"{text}\nThe zirconium gasket lasts a year.", "a"),
        Passage("a#2", "Page 2", text, "a"),
    ]
    words = Answering(Course((), tuple(parts), ()), ENCODER, JUDGE)._words
    assert words.covered("zirconium gasket").tolist() == [1.0, 0.0]


def test_of_an_empty_course_nothing_is_alike() -> None:
    """Neither of one without entries; entries in the same words are."""
    assert Answering(Course((), (), ()), ENCODER, JUDGE).alike() == []
    assert Answering(Course((), COURSE.passages, ()), ENCODER, JUDGE).alike() == []
    assert Answering(COURSE, ENCODER, JUDGE).alike() == []
    twice = Entry("faq-4", "录像什么时候出？", (), "明天。", "faq.md:15")
    both = Answering(replace(COURSE, entries=(*COURSE.entries, twice)), ENCODER, JUDGE)
    assert both.alike() == [("faq-1", "faq-4")]


def test_entries_that_contradict_each_other_in_other_words_are_alike() -> None:
    """Each seems to answer what the other asks, though no words of theirs are near; other entries do not."""
    encoder = load_encoder()
    judge = calibration_of(encoder, None).answers(0.95)
    said = {
        "invoice": ("能开发票吗？", "能，课后在报名页申请电子发票。"),
        "receipt": ("报销要的票据给不给？", "不给，本讲座不开票。"),
        "park": ("停车场在哪？", "在南门地下一层，前两小时免费。"),
        "slides": ("课件在哪下载？", "课程页下方，讲完第二天放上去。"),
    }
    entries = tuple(Entry(id, asked, (), answer, "faq.md:1") for id, (asked, answer) in said.items())
    answering = Answering(Course(entries, (), ()), encoder, judge)
    one, other = map(answering.centred, encoder.encode([said["invoice"][0], said["receipt"][0]]))
    assert float(one @ other) < ALIKE
    assert answering.alike() == [("invoice", "receipt")]


def test_an_empty_course_has_no_match() -> None:
    """Without material there is nothing to say, and the profile is still a vector."""
    empty = Answering(Course((), (), ()), ENCODER, JUDGE)
    assert empty.match("有回放吗", ENCODER.encode(["有回放吗"])[0]) is None
    assert empty.profile("有回放吗", ENCODER.encode(["有回放吗"])[0]).shape == (1,)


def test_a_course_of_one_entry_does_not_answer_everything() -> None:
    """That nothing else is there is no reason to send the only answer."""
    only = Course(COURSE.entries[1:2], (), ())
    match = _match("vibration of the spindle", only)
    assert match is not None
    assert match.verdict != "answer"


@given(st.text(max_size=60))
def test_any_text_is_matched(text: str) -> None:
    """Whatever comes in, the score is a probability and the verdict one of three."""
    match = _match(text)
    assert match is not None
    assert 0 <= match.score <= 1
    assert match.verdict in {"answer", "suggest", "silent"}


@given(
    st.lists(
        st.sampled_from(
            [
                "短。",
                "网址 https://x.org/a?b=4&c=5 有效；",
                "1. item one\n",
                "10. item ten (2. item two 12. Mai) ",
                "Is it? ",
                "备用滤芯放在三层货架。",
                f"{'x' * 90}. ",
            ]
        ),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_is_searched_of_a_passage_is_in_what_is_sent_of_it(sentences: list[str]) -> None:
    """Every piece stands whole in its text, which is not too long and does not begin within an address or after the
    number of an item."""
    part = _passage(Passage("notes#1", "", "".join(sentences), "notes.md:5"))
    for piece, text in zip(part.said, part.texts, strict=True):
        assert piece.strip() in text
        assert len(text) <= 400
        assert not text.removeprefix("…").startswith(("b=4", "item"))


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_cut_is_a_beginning(text: str, longest: int) -> None:
    """Nothing is reworded: what is left begins the text and is no longer than allowed."""
    short = cut(text, longest)
    assert len(short) <= longest
    assert text.startswith((short, short.removesuffix("…")))
    assert short == text or len(text) > longest
    assert short or not text[: longest - 1].strip()
