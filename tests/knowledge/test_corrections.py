"""People's corrections as precedents, with vectors drawn by hand: the angle between two is how unlike they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.calibration import GroupingJudge, Judge
from knowledge.corrections import Place, Precedents, Wording, corrected, limit, support
from knowledge.grouping import Grouped, Groups
from knowledge.likeness import FEATURES
from knowledge.logistic import Logistic

COSINE = Logistic(-10.0, {**dict.fromkeys(FEATURES, 0.0), "cosine": 14.0}, dict.fromkeys(FEATURES, 0.0))
# Cosine .71, 44 degrees, is in doubt.
JUDGE = GroupingJudge(*[Judge(COSINE, unrelated=0.0, join=0.5, suggest=0.35)] * 2, usual=0.0, spread=1.0)


def at(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)


def groups(precedents: Precedents | None = None, **lines: tuple[str, float]) -> Groups:
    """Groups of messages given as name=(group, degrees); keys count from 1, the name is the text."""
    made = Groups(2, JUDGE, None, precedents)
    for key, (text, (group, degrees)) in enumerate(lines.items(), 1):
        made.add(key, group, text, at(degrees), None, asker=text)
    return made


def ask(made: Groups, degrees: float, text: str = "a new one", asker: str = "") -> Grouped:
    return made.decide(text, at(degrees), None, asker)


def codes(told: Grouped) -> list[str]:
    return [reason.code for reason in told.reasons]


def test_what_is_near_to_a_split_wording_does_not_go_where_it_was_split_from() -> None:
    """The machine prefers the big group; once a person moved the near wording out, what is near follows it."""
    made = groups(a=("q1", 0), b=("q1", 5), c=("q1", 10), x=("q1", 50))
    assert ask(made, 33).group == "q1"
    made.move(4, "q4")
    made.keep_apart({"q1": ["q4"], "q4": ["q1"]})
    told = ask(made, 33)
    assert told.group == "q4"
    assert codes(told)[0] == "told_same"
    assert ask(made, 5).group == "q1"


@pytest.mark.parametrize(("spread", "group"), [(90, "q2"), (170, None)])
def test_what_lies_nearer_to_one_side_is_barred_from_the_other(spread: float, group: str | None) -> None:
    """The group it is barred from is neither joined nor proposed, also where its own is not sure; far ones are."""
    made = groups(a=("q1", 0), b=("q1", 5), c=("q1", 10), x=("q2", 50), y=("q2", spread))
    assert ask(made, 33).group == "q1"
    made.keep_apart({"q1": ["q2"], "q2": ["q1"]})
    told = ask(made, 33)
    assert (told.group, told.suggested) == (group, None)
    assert group or "told_apart" in codes(told)
    assert ask(made, -20).group == "q1"


def test_a_merge_lets_the_machine_judge_as_before() -> None:
    """What joined either of two far questions joins the merged one, what joined neither still founds."""
    made = groups(a=("q1", 0), b=("q2", 120))
    assert (ask(made, 20).group, ask(made, 100).group, ask(made, 60).group) == ("q1", "q2", None)
    made.move(2, "q1")
    assert (ask(made, 20).group, ask(made, 100).group, ask(made, 60).group) == ("q1", "q1", None)
    assert codes(ask(made, 100))[0] == "told_same"
    made.move(2, "q2")
    assert ask(made, 100).group == "q2"


def test_the_same_words_join_and_say_whose_they_are() -> None:
    """A repeat joins the asker's own question before another's, others the earliest; a corrected one comes first."""
    made = groups(a=("q1", 0))
    made.add(2, "q2", "A", at(90), None, asker="zoe")
    assert ask(made, 45, "a", "zoe").group == "q2"
    assert codes(ask(made, 45, "a", "zoe")) == ["own_repeat"]
    assert ask(made, 90, "Ａ ", "max").group == "q1"
    assert codes(ask(made, 90, "a", "max")) == ["same_text"]
    made.move(2, "q3")
    assert ask(made, 0, "a", "max").group == "q3"


def earlier(*lines: tuple[str, str, float], apart: tuple[str, str] | None = None) -> Precedents:
    """Wordings of an earlier session as (group, where the machine had put it, degrees)."""
    wordings = [Wording(Place(group, first), f"{first} {degrees}", at(degrees)) for group, first, degrees in lines]
    return corrected(wordings, {apart[0]: [apart[1]], apart[1]: [apart[0]]} if apart else {})


def test_a_later_session_joins_what_was_joined_and_not_what_was_far() -> None:
    """Two far wordings that a person merged in an earlier talk are one question in the next, with graded force."""
    known = earlier(("p1", "p1", 0), ("p1", "p2", 120))
    assert ask(groups(a=("q1", 4)), 118).group is None
    told = ask(groups(known, a=("q1", 4)), 118)
    assert told.group == "q1"
    assert "told_same" in codes(told)
    assert ask(groups(known, a=("q1", 4)), 70).group is None
    unmerged = earlier(("p1", "p1", 0), ("p2", "p2", 120))
    assert unmerged.wordings == ()


def test_a_later_session_keeps_apart_what_was_kept_apart() -> None:
    """Two near wordings that a person parted in an earlier talk are two questions in the next."""
    known = earlier(("p1", "p1", 0), ("p2", "p2", 30), apart=("p1", "p2"))
    assert ask(groups(a=("q1", 1)), 29).group == "q1"
    told = ask(groups(known, a=("q1", 1)), 29)
    assert (told.group, told.suggested) == (None, None)
    assert "told_apart" in codes(told)
    assert ask(groups(known, a=("q1", 1)), 3).group == "q1"
    assert ask(groups(known, a=("q1", 120)), 150).group == "q1"


def test_only_some_wordings_of_a_corrected_question_are_kept() -> None:
    """A flood in one talk does not slow the next: a dozen of each place, no text twice."""
    flood = [Wording(Place("p1", first), f"{first} {n % 40}", at(n)) for n in range(200) for first in ("p1", "p2")]
    kept = corrected(flood, {}).wordings
    assert len(kept) == 24
    assert len({one.text for one in kept}) == 24


chances = st.floats(0, 1)


@given(chances, chances, chances, chances)
def test_precedents_are_graded(near: float, far: float, held: float, other: float) -> None:
    """The nearer both are to what a person ruled, the more it counts; one that is far from it is left alone."""
    apart = {"a": ["b"], "b": ["a"]}
    most = limit({"a": near, "b": far}, {"a": other, "b": held}, apart)
    assert 0 <= most <= 1
    assert most == 1 or most == pytest.approx(1 - max(near, far) * max(held, other))
    assert limit({"a": 0.0, "b": 0.0}, {"a": other, "b": held}, apart) == 1
    least = support({Place("a", "x"): near}, {Place("a", "y"): held, Place("b", "x"): 1.0, Place("a", "x"): 1.0})
    assert least == near * held
