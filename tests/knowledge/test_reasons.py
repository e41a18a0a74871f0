"""How the signs of a decision read."""

import numpy as np
import pytest

from knowledge.answering import together
from knowledge.asking import Detector
from knowledge.calibration import bundled_calibration
from knowledge.cues import LENGTH
from knowledge.reasons import Reason, worded


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (Reason("just_asked", -0.4, 0.6), "another viewer just asked"),
        (Reason("just_asked", 0.4, -0.3), "no other viewer just asked"),
        (Reason("author_asks", 0.2, 0.3), "its author often asks"),
        (Reason("author_asks", -0.2, -0.3), "its author seldom asks"),
        (Reason("length", -0.5), "longer or shorter than lines that ask"),
        (Reason("cosine", -0.5, -0.34), "not very alike in meaning"),
        (Reason("part", 0.3, None, "term"), "what was found is a term of the glossary"),
        (Reason("part", 0.3), "what was found is a part of the course"),
    ],
)
def test_a_reason_says_what_is_so(reason: Reason, says: str) -> None:
    """Not whether something may be so, and without numbers that tell nobody anything; old decisions as well."""
    assert worded(reason)["en"] == says


@pytest.mark.parametrize(("values", "kind"), [((1.0, 0.0), "passage"), ((0.0, 1.0), "term"), ((0.0, 0.0), "entry")])
def test_the_kind_of_a_part_is_named(values: tuple[float, float], kind: str) -> None:
    (part,) = together([Reason("passage", 0.2, values[0]), Reason("term", 0.1, values[1])])
    assert (part.code, part.weight, part.detail) == ("part", 0.3, kind)


def test_how_long_a_line_is_is_one_reason() -> None:
    """Four signs tell of it, which would take the place of others."""
    made = bundled_calibration().asking
    vector = np.eye(1, len(made.vector), dtype=np.float32)[0]
    for text in ("?", "软件呢", "我按步骤配的 modbus 读出来全是 65535，查了两天也没有查出来，网线也换过了"):
        told = Detector(made).judge(text, vector).reasons
        assert len(told) == 3
        assert not {reason.detail for reason in told} & set(LENGTH)
        assert [reason.code for reason in told].count("length") <= 1
