import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from knowledge.calibration import bundled_calibration
from knowledge.grouping import Grouped, Groups, gathered
from knowledge.usual import COMMON, Usual
from tests.fakes import HashEncoder

ENCODER = HashEncoder()
JUDGE = bundled_calibration().grouping
LINES = [
    "有回放吗",
    "有回放吗?",
    "怎么开发票",
    "发票怎么开",
    "网关要停机吗",
    "where are the slides",
    "slides where",
    "666",
]


@dataclass(frozen=True)
class _Anchor:
    """A course of which only the profile counts."""

    profile: Callable[[str, NDArray[np.float32]], NDArray[np.float32]]

    def centred(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        return vector


def _needs(sentences: dict[str, list[int]]) -> _Anchor:
    """A course that knows which of its sentences each text needs."""
    return _Anchor(lambda text, _: np.array(sentences[text], dtype=np.float32))


def _stream(lines: list[str]) -> tuple[Groups, list[Grouped]]:
    groups, decided = Groups(ENCODER.dimension, JUDGE), []
    for key, text in enumerate(lines):
        vector = ENCODER.encode([text])[0]
        told = groups.decide(text, vector, None)
        groups.add(key, told.group or f"q{key}", text, vector, None)
        decided.append(told)
    return groups, decided


def test_the_first_message_founds() -> None:
    """With nothing there, nothing is joined and there is no similarity."""
    told = Groups(ENCODER.dimension, JUDGE).decide("有回放吗", ENCODER.encode(["有回放吗"])[0], None)
    assert (told.group, told.similarity, told.suggested) == (None, None, None)


def test_a_repeat_joins_and_another_question_does_not() -> None:
    """The very same words join with their score; words that share nothing found a new group."""
    _, told = _stream(["有回放吗", "有回放吗？", "please show the invoice form again"])
    assert told[1].group == "q0"
    assert told[1].similarity is not None
    assert told[1].similarity >= 0.5
    assert told[2].group is None


@given(st.lists(st.sampled_from(LINES), max_size=25))
@settings(max_examples=30, deadline=None)
def test_decisions_follow_from_the_order_of_arrival_alone(lines: list[str]) -> None:
    """Replaying the same stream decides the same, and what came later changed nothing before it."""
    _, whole = _stream(lines)
    _, half = _stream(lines[: len(lines) // 2])
    assert _stream(lines)[1] == whole
    assert whole[: len(half)] == half


def test_deciding_changes_nothing() -> None:
    """Asking twice gives the same answer, and the number of groups stays."""
    groups, _ = _stream(LINES)
    vector = ENCODER.encode(["有回放吗"])[0]
    before = len(groups)
    assert groups.decide("有回放吗", vector, None) == groups.decide("有回放吗", vector, None)
    assert len(groups) == before


def test_a_move_takes_a_message_along() -> None:
    """A message that a person moved counts for its new question; a group without messages is no more."""
    groups, _ = _stream(["有回放吗", "please show the invoice form again"])
    groups.move(0, "mine")
    assert groups.decide("有回放吗", ENCODER.encode(["有回放吗"])[0], None).group == "mine"
    with pytest.raises(KeyError):
        groups.move(99, "mine")


def test_a_key_is_used_once() -> None:
    """Adding a message twice is a mistake that is told."""
    groups, _ = _stream(["有回放吗"])
    with pytest.raises(ValueError, match="there already"):
        groups.add(0, "q0", "有回放吗", ENCODER.encode(["有回放吗"])[0], None)


def test_what_needs_another_sentence_of_the_course_is_another_question() -> None:
    """Two messages that need the same sentence are nearer than where nobody knows what they need; where they need
    different ones they are farther."""
    vector = ENCODER.encode(["回放多久"])[0]
    near = ENCODER.encode(["回放在哪"])[0]
    scores = []
    for profile in ([0, 1], [0, 0], [1, 0]):
        groups = Groups(ENCODER.dimension, JUDGE, _needs({"回放在哪": [1, 0], "回放多久": profile}))
        groups.add(1, "q1", "回放在哪", near, None)
        scores.append(groups.decide("回放多久", vector, None).similarity or 0.0)
    assert scores == sorted(set(scores))


def test_two_questions_that_fit_alike_share_the_chance() -> None:
    """What may as well ask one thing as another surely asks neither; people who made one of both give it back."""
    new, one, other = (np.array(v, dtype=np.float32) for v in ([1, 0, 0], [0.8, 0.6, 0], [0.8, -0.6, 0]))
    groups = Groups(3, JUDGE)
    groups.add(1, "one", "aa", one, None)
    alone = groups.decide("cc", new, None).similarity or 0.0
    groups.add(2, "other", "bb", other, None)
    both = groups.decide("cc", new, None).similarity or 0.0
    assert 0 < both < min(alone, 0.5)
    groups.move(2, "one")
    assert (groups.decide("cc", new, None).similarity or 0.0) > both


@pytest.mark.parametrize("anchor", [None, _Anchor(lambda *_: np.zeros(1, dtype=np.float32))], ids=["", "course"])
def test_what_cannot_be_read_stands_alone(anchor: _Anchor | None) -> None:
    """It joins nothing but its own text, and what can be read is judged as if it were not there."""
    common, *others = np.eye(102, dtype=np.float32)
    questions = [np.asarray(0.6 * common + 0.8 * other, dtype=np.float32) for other in others[:100]]
    stranger = np.asarray(-0.2 * common + 0.98 * others[100], dtype=np.float32)
    nothing = np.zeros(102, dtype=np.float32)
    groups = Groups(102, JUDGE, anchor)
    for key, vector in enumerate(questions):
        groups.add(key, f"q{key}", f"question {key}", vector, None)
    before = groups.decide("who am I", stranger, None)
    groups.add(100, "unread", "ᎣᏏᏲ", nothing, None)
    assert groups.decide("ᎣᏏᏲ", nothing, None).group == "unread"
    told = groups.decide("ᎭᏩ", nothing, None)
    assert (told.group, told.suggested, [reason.code for reason in told.reasons]) == (None, None, ["unreadable"])
    assert groups.decide("who am I", stranger, None) == before


def test_who_asks_for_another_kind_of_thing_asks_another_question() -> None:
    """Where and how long are two questions, where nobody says what is asked for the words decide, and a group asks for
    all that its wordings ask for."""
    vector = np.array([1.0, 0.0], dtype=np.float32)
    groups = Groups(2, JUDGE)
    groups.add(1, "q1", "回放在哪", vector, None)
    kinds = [dict(groups.likenesses(text, vector, None))["q1"].kinds for text in ("回放哪里看", "回放", "回放留多久")]
    assert kinds == [1, 0, -1]
    groups.add(2, "q1", "在哪看、放多久", vector, None)
    assert dict(groups.likenesses("回放留多久", vector, None))["q1"].kinds == 1
    assert JUDGE.course.logistic.weights["kinds"] > 0


def test_a_new_course_counts_for_what_is_there() -> None:
    """Once anchored anew, the profiles of earlier messages are the new course's."""
    near, new = ENCODER.encode(["回放在哪", "回放多久"])
    groups, scores = Groups(ENCODER.dimension, JUDGE), list[float]()
    groups.add(1, "q1", "回放在哪", near, None)
    for profile in ([0, 1], [1, 0]):  # only what the new course says of the earlier message differs
        groups.anchor(_needs({"回放在哪": profile, "回放多久": [1, 0]}))
        scores.append(groups.decide("回放多久", new, None).similarity or 0.0)
    assert scores[0] < scores[1]


def test_a_question_is_judged_beside_the_others() -> None:
    """Being ahead of every other question counts for one."""
    groups = Groups(2, JUDGE)
    near, far, new = (np.array(v, dtype=np.float32) for v in ([0.8, 0.6], [0.6, 0.8], [1.0, 0.0]))
    groups.add(1, "near", "aa", near, None)
    groups.add(2, "far", "bb", far, None)
    seen = dict(groups.likenesses("cc", new, None))
    among = Usual(2, (JUDGE.usual, JUDGE.spread))
    for vector in (near, far):
        among.add(vector)
    ahead = among.see(new).cosine(near) - among.see(new).cosine(far)
    assert seen["near"].ahead == pytest.approx(ahead, abs=1e-3)
    assert ahead >= 0.2  # no less than by the vectors as they are
    assert seen["far"].ahead == -seen["near"].ahead
    assert JUDGE.course.logistic.weights["ahead"] > 0


def test_a_question_that_was_asked_forty_times_hides_no_other() -> None:
    """The one that is next nearest is seen too, however many wordings of the nearest lie between: how far the nearest
    is ahead depends on it."""
    groups = Groups(4, JUDGE)
    often, other, new = np.eye(4, dtype=np.float32)[0], *(_unit(0.8, 0.6, 0, 0), _unit(0.98, 0.2, 0, 0))
    for key in range(40):
        groups.add(key, "often", f"wording {key}", _unit(1, key / 1000, 0, 0) if key else often, None)
    groups.add(40, "other", "another question", other, None)
    assert {group for group, _ in groups.likenesses("new", new, None)} == {"often", "other"}


def _unit(*values: float) -> NDArray[np.float32]:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def test_people_who_merge_see_the_likeliest_question_first() -> None:
    """Several wordings are compared as one; never with the question they are in, even where that is the nearest. With
    nothing else there, or nothing that can be read, there is nothing to say."""
    groups, same = Groups(4, JUDGE), _unit(1, 0, 0, 0)
    groups.add(1, "mine", "one", _unit(1, 0.9, 0, 0), None)
    assert groups.likeliest([1], "mine") == []
    groups.add(2, "mine", "two", _unit(1, -0.9, 0, 0), None)
    groups.add(3, "far", "three", _unit(0, 0, 0, 1), None)
    groups.add(4, "twin", "four", same, None)
    groups.add(5, "mine", "\U0001f600", 0 * same, None)
    (first, likely), (second, not_at_all) = groups.likeliest([1, 2, 5], "mine")
    assert (first, second) == ("twin", "far")
    assert likely > 0.9 > 0.1 > not_at_all
    (first, by_one_alone), _ = groups.likeliest([1], "mine")
    assert first == "twin"
    assert by_one_alone < likely
    assert [group for group, _ in groups.likeliest([4], "twin")] == ["mine", "far"]
    assert groups.likeliest([5], "mine") == []
    with pytest.raises(KeyError):
        groups.likeliest([6], "mine")


def test_texts_are_gathered_as_questions_are() -> None:
    """Each has the place of its group's first text; the same words join, an emoji says nothing and stays alone."""
    texts = ["有回放吗", "怎么开发票", "有回放吗?", "👍", "🎉", "怎么开发票？"]
    assert gathered(texts, ENCODER.encode(texts), JUDGE) == [0, 1, 0, 3, 4, 1]
    assert gathered([], ENCODER.encode([]), JUDGE) == []


def test_questions_are_compared_without_what_they_have_in_common() -> None:
    """Of many questions, mean and spread of the cosines are those of vectors from which most of their mean was taken
    out; of none, those of any session, and cosines are those of the vectors."""
    random = (np.random.default_rng(1).normal(size=(4001, 8)) + 0.3).astype(np.float32)
    *rows, new = random / np.linalg.norm(random, axis=1, keepdims=True)
    usual = Usual(8, (0.5, 0.1))
    assert usual.see(new).usual == pytest.approx((0.5, 0.1))
    assert usual.see(new).cosine(rows[0]) == pytest.approx(float(new @ rows[0]), abs=1e-5)
    for row in rows:
        usual.add(row)
    rest = np.array([new, *rows]) - COMMON * np.mean(rows, axis=0)
    rest /= np.linalg.norm(rest, axis=1, keepdims=True)
    cosines = rest[1:] @ rest[0]
    seen = usual.see(new)
    assert seen.usual == pytest.approx((cosines.mean(), cosines.std()), abs=0.01)
    assert [seen.cosine(row) for row in rows[:9]] == pytest.approx(cosines[:9].tolist(), abs=0.01)


def test_what_all_speak_of_makes_no_two_of_them_the_same() -> None:
    """Two wordings that share one thing are less alike, and stand out less, where everybody speaks of that thing."""
    own = np.sqrt(0.5) * np.eye(40, dtype=np.float32)
    seen = {}
    for name, shared in (("alike", own[0]), ("mixed", 0 * own[0])):
        groups = Groups(40, JUDGE)
        groups.add(1, "near", "aa", own[0] + own[1], None)
        for key in range(3, 20):
            groups.add(key, f"q{key}", f"b{key}", shared + own[key], None)
        seen[name] = dict(groups.likenesses("cc", own[0] + own[2], None))["near"]
    assert seen["alike"].cosine < seen["mixed"].cosine - 0.15
    assert seen["alike"].above < seen["mixed"].above - 1


def test_a_question_that_everybody_asks_does_not_become_what_is_usual() -> None:
    """A hundred wordings of a question count like one, before and after people moved some of them and the course
    changed."""
    new = np.array([0.8, 0.6], dtype=np.float32)

    def seen(times: int) -> Groups:
        groups = Groups(2, JUDGE)
        groups.add(-1, "other", "bb", np.array([0.0, 1.0], dtype=np.float32), None)
        for key in range(times):
            groups.add(key, "asked", f"a{key}", np.array([1.0, 0.0], dtype=np.float32), None)
        return groups

    def above(groups: Groups) -> float:
        return dict(groups.likenesses("cc", new, None))["asked"].above

    once, often = seen(1), seen(100)
    assert above(often) == above(once)
    for key in range(50, 100):
        often.move(key, "elsewhere")
    often.anchor(None)
    assert above(often) == above(once)


@pytest.mark.parametrize(("alike", "joins"), [(0.9, True), (-0.3, False)])
def test_what_was_founded_twice_is_not_founded_a_third_time(alike: float, joins: bool) -> None:
    """Between two questions it joins where these ask the same; where they do not, none of the two is sure enough."""
    near, off = 0.7, math.sqrt(1 - 0.7**2)
    groups = Groups(ENCODER.dimension, JUDGE)
    for at in range(10, 20):
        groups.add(at, f"q{at}", f"something else {at}", _at({at: 1.0}), None)
    groups.add(1, "q1", "one", _at({0: near, 1: off}), None)
    groups.add(2, "q2", "other", _at({0: near, 1: off * alike, 2: off * math.sqrt(1 - alike**2)}), None)
    told = groups.decide("new", _at({0: 1.0}), None)
    assert (told.group in {"q1", "q2"}) is joins
    assert ("asked_again" in [reason.code for reason in told.reasons]) is joins
    assert told.similarity is not None
    assert (told.similarity >= JUDGE.words.join) is joins


def _at(parts: dict[int, float]) -> NDArray[np.float32]:
    vector = np.zeros(ENCODER.dimension, dtype=np.float32)
    vector[list(parts)] = list(parts.values())
    return vector


def test_what_has_no_words_joins_nothing_but_what_was_forgotten_still_says_what_it_asked() -> None:
    """A line of emoji may have any vector; of whoever was forgotten the vector is all that is left."""
    groups = Groups(ENCODER.dimension, bundled_calibration().grouping)
    groups.add(1, "q1", "where is the recording", _at({0: 1.0}), None)
    assert groups.decide("🎉🎉", _at({0: 1.0}), None).group is None
    assert groups.decide("", _at({0: 1.0}), None).group == "q1"
