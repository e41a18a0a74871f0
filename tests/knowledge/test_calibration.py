import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.answering import FEATURES as EVIDENCE
from knowledge.answering import READ, Answering, together
from knowledge.asking import Detector
from knowledge.calibration import (
    FILE,
    NEVER,
    Calibration,
    Scores,
    bundled_calibration,
    calibration_of,
    fewest,
    may_be_wrong,
    muted,
    read_calibration,
    uncalibrated,
    write_calibration,
)
from knowledge.encoder import load_encoder
from knowledge.grouping import Groups
from knowledge.logistic import CalibrationError
from knowledge.material import Course
from knowledge.reasons import signs, strongest, worded
from tests.fakes import HashEncoder, calibrated

ENCODER = HashEncoder()
probabilities = st.lists(st.integers(0, 20).map(lambda n: n / 20), max_size=60).map(tuple)


def test_every_sign_that_is_shown_has_words_that_fit_it() -> None:
    """What speaks for a decision is told as what is so, what speaks against it as what is not: a regression that weighs
    a sign the other way round would tell people the opposite."""
    made = bundled_calibration()
    judges = (made.grouping.words.logistic, made.grouping.course.logistic, made.answering.cheap, made.answering.full)
    shown = set()
    for logistic in judges:
        for high in (True, False):
            values = {name: typical + (1.0 if high else -1.0) for name, typical in logistic.typical.items()}
            for reason in strongest(together(signs(logistic, values)), len(values)):
                shown.add(reason.code)
                assert worded(reason)["en"] != worded(reason)["zh"]
                assert reason.code == "part" or (reason.weight > 0) == high, reason.code
    assert {"cosine", "ahead", "margin", "said", "read"} <= shown


@settings(deadline=None)
@given(probabilities, probabilities, st.floats(0.5, 0.99))
def test_what_reaches_the_threshold_is_right_as_often_as_wanted(
    right: tuple[float, ...], wrong: tuple[float, ...], precision: float
) -> None:
    """From the threshold on the precision holds with one wrong one to spare, and below it no threshold keeps it (within
    one talk, where nothing is known of how talks differ)."""

    def holds(at: float) -> bool:
        bad = sum(s >= at for s in wrong)
        return bad + 1 <= (1 - precision) * (bad + sum(s >= at for s in right) + 1) + 1e-9

    found = Scores((right,), (wrong,)).threshold(precision)
    assert found == NEVER or holds(found)
    assert not any(holds(at) for at in {*right, *wrong} if at < found)


@settings(deadline=None)
@given(st.lists(st.tuples(probabilities, probabilities), min_size=1, max_size=4))
def test_the_more_precision_is_wanted_the_less_is_sent(talks: list[tuple[tuple[float, ...], ...]]) -> None:
    """The threshold never falls when more is asked for."""
    scores = Scores(tuple(right for right, _ in talks), tuple(wrong for _, wrong in talks))
    thresholds = [scores.threshold(p) for p in (0.5, 0.7, 0.9, 0.95, 0.99)]
    assert thresholds == sorted(thresholds)


def test_few_cases_prove_nothing() -> None:
    """Nineteen right ones out of nineteen show a precision of 95 %, eighteen do not."""
    assert Scores(((0.9,) * 19,), ((),)).threshold(0.95) == 0.9
    assert Scores(((0.9,) * 18,), ((),)).threshold(0.95) == NEVER


@pytest.mark.parametrize("precision", [0.5, 0.9, 0.95, 0.975, 0.99, 0.999])
def test_so_many_right_answers_are_enough_and_one_less_is_not(precision: float) -> None:
    """What the command names is what the rule of sending wants, of entries and of passages."""
    for many, wrong in zip(fewest(precision), may_be_wrong(precision), strict=True):
        assert Scores(((1.0,) * many,), ((),)).threshold(1 - wrong) == (1.0 if many else NEVER)
        assert Scores(((1.0,) * (many - 1),), ((),)).threshold(1 - wrong) == NEVER


def test_what_is_wrong_in_one_talk_throughout_counts_for_more() -> None:
    """Four wrong ones of a hundred and sixty may be chance where each talk has one, and are a warning where all are in
    one talk: the next may be like it."""
    spread = Scores(((0.9,) * 39,) * 4, ((0.9,),) * 4)
    together = Scores(((0.9,) * 40,) * 3 + ((0.9,) * 36,), ((), (), (), (0.9,) * 4))
    assert spread.threshold(0.95) == 0.9
    assert together.threshold(0.95) == NEVER


def test_kinds_have_thresholds_of_their_own_where_there_are_enough() -> None:
    """Entries and passages are judged apart from a hundred cases on, and together below."""
    made = bundled_calibration()
    many = replace(made, entries=Scores(((0.6,) * 100,), ((),)), passages=Scores(((0.9,) * 100,), ((0.7,) * 50,)))
    assert (many.answers(0.95).entries, many.answers(0.95).passages) == (0.6, 0.9)
    few = replace(made, entries=Scores(((0.6,) * 100,), ((),)), passages=Scores(((0.9,) * 10,), ((),)))
    assert few.answers(0.95).entries == few.answers(0.95).passages == 0.6


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The file holds everything, and writing it again changes nothing."""
    made = calibrated(ENCODER)
    write_calibration(made, tmp_path / FILE)
    assert read_calibration(tmp_path / FILE) == made
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    write_calibration(read_calibration(tmp_path / FILE), tmp_path / FILE)
    assert (tmp_path / FILE).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("weights", ["fingerprint", "reading"])
def test_the_installation_s_own_calibration_is_taken_where_it_fits(tmp_path: Path, weights: str) -> None:
    """One in the data folder counts for its encoder and for no other, whether its vectors differ or how it reads pairs;
    without one the shipped one is lent."""
    own = replace(calibrated(ENCODER), dimension=64)
    write_calibration(own, tmp_path / FILE)
    assert calibration_of(ENCODER, tmp_path) == own
    assert uncalibrated(ENCODER, own) == ""
    write_calibration(replace(own, **{weights: "another"}), tmp_path / FILE)
    lent = calibration_of(ENCODER, tmp_path)
    assert lent.fingerprint == bundled_calibration().fingerprint
    assert "floormic calibrate" in uncalibrated(ENCODER, lent)


def test_a_calibration_of_one_s_own_that_no_longer_fits_is_told(tmp_path: Path) -> None:
    """After an update with other weights the shipped thresholds are used, and who chose others hears of it."""
    shipped = bundled_calibration()
    encoder = HashEncoder()
    encoder.fingerprint, encoder.reading = shipped.fingerprint, shipped.reading
    assert uncalibrated(encoder, calibration_of(encoder, tmp_path), tmp_path) == ""
    write_calibration(replace(shipped, fingerprint="of before"), tmp_path / FILE)
    told = uncalibrated(encoder, calibration_of(encoder, tmp_path), tmp_path)
    assert calibration_of(encoder, tmp_path) == shipped
    assert str(tmp_path / FILE) in told
    assert "floormic calibrate" in told


def test_a_lent_calibration_sends_nothing() -> None:
    """With thresholds of another encoder a moderator decides, however sure the numbers are."""
    judge = calibration_of(ENCODER).answers(0.5)
    assert (judge.entries, judge.passages) == (NEVER, NEVER)
    assert judge.suggest < 1


def test_a_precision_that_nothing_reaches_is_told_with_one_that_something_does() -> None:
    """Of which kind nothing is sent, and up to which precision it is; a lent calibration has a warning of its own."""
    right = (tuple(at / 1000 for at in range(600, 1000)),) * 3
    entries, passages = Scores(right, ((0.9991,), (), ())), Scores(((), (), ()), right)
    calibration = replace(bundled_calibration(), entries=entries, passages=Scores(right, ((), (), ())))
    assert muted(calibration, 0.95) == ""
    found = re.search(r"of 0.999 no entries are sent by themselves \(up to (\S+) they are\)", muted(calibration, 0.999))
    assert found is not None
    assert calibration.answers(float(found[1])).entries < 1
    assert calibration.answers(float(found[1]) + 0.005).entries == NEVER
    never = muted(replace(calibration, passages=passages), 0.95)
    assert "of 0.95 no passages are sent by themselves (at none are they), only suggested" in never
    assert muted(calibration.borrowed(), 0.999) == ""


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fingerprint": 1}', "{", "\x00"])
def test_a_file_that_is_no_calibration_is_told(tmp_path: Path, text: str) -> None:
    """Whatever lies there, the error names the file and what makes a good one."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(CalibrationError, match=r"calibration\.json.*floormic calibrate"):
        read_calibration(tmp_path / FILE)


@pytest.mark.parametrize("part", ["asking", "grouping", "answering"])
@pytest.mark.parametrize("lost", [True, False])
def test_weights_for_other_features_are_told(tmp_path: Path, part: str, lost: bool) -> None:
    """A calibration of another version, with a feature too few or too many, is refused with the feature's name."""
    write_calibration(calibrated(ENCODER), tmp_path / FILE)
    raw = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    weights = {
        "asking": raw["asking"]["full"]["weights"],
        "grouping": raw["grouping"]["course"]["logistic"]["weights"],
        "answering": raw["answering"]["full"]["weights"],
    }[part]
    name = "tea leaves"
    if lost:
        name = next(iter(weights))
        del weights[name]
    else:
        weights[name] = 1.0
    (tmp_path / FILE).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(CalibrationError, match=f"{name.replace('?', '.')}.*floormic calibrate"):
        _use(read_calibration(tmp_path / FILE))


def _use(made: Calibration) -> None:
    Detector(made.asking)
    Groups(64, made.grouping)
    Answering(Course((), (), ()), ENCODER, made.answers())


def test_the_shipped_calibration_weighs_what_the_program_computes() -> None:
    """Nobody added a feature without fitting its weight."""
    _use(bundled_calibration())
    assert set(bundled_calibration().answering.full.weights) == {*EVIDENCE, READ}


@pytest.mark.model
def test_the_shipped_calibration_is_that_of_the_shipped_encoder() -> None:
    """Nobody trained the encoder without calibrating it."""
    encoder = load_encoder()
    assert uncalibrated(encoder, calibration_of(encoder)) == ""
    assert len(bundled_calibration().asking.vector) == encoder.dimension
