import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.answering import Evidence
from knowledge.asking import FEATURES, Detector
from knowledge.logistic import Logistic
from tests.fakes import HashEncoder, calibrated

ENCODER = HashEncoder()
DETECTOR = Detector(calibrated(ENCODER).asking)


@pytest.mark.parametrize(
    "text",
    ["", "666", "1", "👍👍", "哈哈哈", "老师好", "Hello!", "谢谢老师", "+1", "[doge]", "来了来了", "？", "gateway" * 9],
)
def test_what_is_surely_nothing_is_nothing_anywhere(text: str) -> None:
    """Greetings, digits, emoji and one endless word are chatter, so cheap, and never asked even in the field for
    asking."""
    assert DETECTOR.chatter(text)
    told = DETECTOR.cheap(text)
    assert told is not None
    assert not told.asks


@pytest.mark.parametrize("unit", ["1", "6", "哈1", "1了", "+1 ", "好1", "来了", "666a"])
def test_what_many_people_type_costs_no_more_when_one_types_it_without_end(unit: str) -> None:
    """Two thousand of them and a word behind: in a chat anybody can say that, and everybody waits for it."""
    text = (unit * 2000)[:1999] + "z"
    begun = time.perf_counter()
    DETECTOR.chatter(text)
    DETECTOR.cheap(text)
    assert time.perf_counter() - begun < 2.0


@pytest.mark.parametrize("text", ["666!", "1了", "12", "哈哈 6", "6老师", "+1+1", "123了吧", "收到1"])
def test_digits_among_greetings_are_chatter_too(text: str) -> None:
    """As they are typed: before, behind and between."""
    assert DETECTOR.chatter(text)


@pytest.mark.parametrize("text", ["3了", "6个网关", "1+1=?a", "好3b"])
def test_digits_with_a_word_are_not(text: str) -> None:
    """A number that counts something may be asked about."""
    assert not DETECTOR.chatter(text)


@pytest.mark.parametrize(
    "text", ["【助教】能听到声音的请扣1", "@小李 你重启了吗", "回楼上，要会员", "楼上的，群公告里有"]
)
def test_what_is_said_to_others_or_by_the_staff_is_spared_the_encoder(text: str) -> None:
    """Notices and answers to viewers are decided without a vector."""
    told = DETECTOR.cheap(text)
    assert told is not None
    assert not told.asks
    assert told.reasons


@pytest.mark.parametrize(
    "text",
    ["有回放吗", "课件怎么下载", "請問發票怎麼開", "where are the slides?", "Wo finde ich die Folien?", "求源码"],
)
def test_a_plain_question_asks(text: str) -> None:
    """In simplified, traditional, English and German, with and without a mark."""
    assert DETECTOR.cheap(text) is None
    told = DETECTOR.judge(text, ENCODER.encode([text])[0])
    assert told.asks


def test_what_the_course_holds_is_likelier_asked() -> None:
    """Of one line with one vector, and that is told as a reason for or against; without a course nothing is."""
    weights = dict.fromkeys(FEATURES, 0.0) | {"course": -2.0, "course_share": 4.0}
    full = Logistic(0.0, weights, dict.fromkeys(FEATURES, 0.0) | {"course": 1.0, "course_share": 0.5})
    detector = Detector(replace(calibrated(ENCODER).asking, full=full, vector=(0.0,) * ENCODER.dimension))
    text, vector = "回放", ENCODER.encode(["回放"])[0]
    near = detector.judge(text, vector, fits=Evidence(0.4, 0.8, 0.5, 0.4, 0.95, 0.0, 0.0))
    far = detector.judge(text, vector, fits=Evidence(0.0, 0.1, 0.0, 0.0, 0.05, 0.0, 0.0))
    nowhere = detector.judge(text, vector)
    assert near.probability > nowhere.probability > far.probability
    assert [[(reason.code, round(reason.weight, 1)) for reason in one.reasons] for one in (near, far, nowhere)] == [
        [("held", 1.8)],
        [("held", -1.8)],
        [],
    ]


@given(st.text(max_size=100))
def test_any_text_is_decided(text: str) -> None:
    """Whatever comes in, there is a probability with a reason, the same each time."""
    told = DETECTOR.cheap(text) or DETECTOR.judge(text, np.ones(64, dtype=np.float32) / 8)
    assert 0 <= told.probability <= 1
    assert told.reasons
    assert told == (DETECTOR.cheap(text) or DETECTOR.judge(text, np.ones(64, dtype=np.float32) / 8))
