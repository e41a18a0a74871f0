import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.connectors.replay import Line as Sent
from bot.connectors.replay import message, read_chat
from knowledge.asking import COURSE, FEATURES, Detector
from knowledge.calibrating import TALKS, Labelled, calibrate, own_lines, read_labelled
from knowledge.calibrating.asking import asked_by, fit_asking
from knowledge.calibrating.grouping import JOINS, chosen
from knowledge.calibrating.hearing import Heard, hear
from knowledge.calibration import (
    ANOTHER_HAND,
    FILE,
    NEVER,
    PRECISION,
    Scores,
    bundled_calibration,
    write_calibration,
)
from knowledge.context import Line
from knowledge.evaluation import DataError
from knowledge.evaluation.data import Line as Message
from knowledge.likeness import FEATURES as LIKENESS
from knowledge.wording import pieces
from tests.fakes import TopicEncoder
from tests.talks import NEEDS, NOTHING, write_talk

ENCODER = TopicEncoder("回放", "发票", "网关")


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> list[Labelled]:
    folder = tmp_path_factory.mktemp("talks")
    for name in ("a", "b", "c"):
        write_talk(folder, name, doubtful=name == "c")
    return read_labelled(folder)


def test_what_can_be_learnt_is_learnt(tmp_path: Path) -> None:
    """On talks where vectors tell everything, thresholds are found with which all three judgements are nearly always
    right in talks that were left out, and no worse than those that were lent; progress goes on through every part of
    the work and ends near a hundred."""
    for name in "abcdef":
        write_talk(tmp_path, name, doubtful=name == "c")
    done: list[int] = []
    found = calibrate(ENCODER, read_labelled(tmp_path), more=own_lines(), progress=done.append)
    made, after = found.calibration, found.after
    assert (made.fingerprint, made.dimension) == ("hash", 64)
    assert len(made.asking.vector) == 64
    assert after["asking: F1"] > 0.9
    assert after["same question: pair F1"] == 1
    assert after["answers: precision of what is sent"] >= 0.95
    assert after["answers: coverage of the answerable"] > found.before["answers: coverage of the answerable"] == 0
    assert made.grouping.course.suggest < made.grouping.course.join
    assert made.asking.surely_not <= 0.25
    assert made.asking.asks <= made.asking.sure
    assert tuple(made.grouping.course.logistic.weights) == LIKENESS
    assert done == sorted(done)
    assert done[-1] > 90
    assert max(after - before for before, after in zip([0, *done], [*done, 100], strict=True)) <= 15


def test_a_threshold_does_not_hang_on_one_talk() -> None:
    """Where all talks say the same, the lowest threshold that is good enough is taken with a course and the highest
    without; where half of them say otherwise, it lies between, and one pair more or less moves it by a hair."""

    def told(best: int, pairs: int = 90) -> list[list[int]]:
        return [[pairs if at == best else 50, 100, 100] for at in range(len(JOINS))]

    def of(*talks: list[list[int]], anchored: bool = True) -> float:
        return chosen(np.array(talks, dtype=float).swapaxes(0, 1), anchored)

    flat = [[90, 100, 100] for _ in JOINS]
    assert of(flat, flat) == JOINS[0]
    assert of(flat, flat, anchored=False) == JOINS[-1]
    between = of(*[told(1)] * 6, *[told(5)] * 6)
    assert JOINS[1] < between < JOINS[5]
    assert of(*[told(1)] * 6, *[told(5)] * 5, told(5, 91)) == pytest.approx(between, abs=0.02)


def test_who_is_not_named_is_another_each_time(tmp_path: Path) -> None:
    """As in a replay of the same chat: what stood before a line is the same there, whatever its lines lack."""
    write_talk(tmp_path, "a")
    chat = tmp_path / "a/chat.jsonl"
    rows = [json.loads(line) for line in chat.read_text(encoding="utf-8").splitlines()]
    for at, lacks in enumerate([{"user": None}, {"user": ""}, {"user": 7}, {"user": ["u"]}, {"platform": None}] * 5):
        rows[at] |= lacks
    for row in rows[25:30]:
        del row["user"], row["platform"]
    chat.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (talk,) = read_labelled(tmp_path)
    sent = [message(line, "talk", 0.0) for line in read_chat(chat) if isinstance(line, Sent)]
    replayed = [Line(one.source, one.author, one.at) for one in sent]
    asked = np.arange(len(rows)) % 3 == 0
    heard = hear(talk, ENCODER)
    as_replayed = replace(heard, talk=replace(talk, said=tuple(replayed)))
    assert heard.contexts(asked, asked * 0.8).tolist() == as_replayed.contexts(asked, asked * 0.8).tolist()


def test_what_was_sent_as_a_question_is_one_and_teaches_the_detector_nothing(talks: list[Labelled]) -> None:
    """Nobody asks it of such lines: it becomes what it is without them. They ask all the same, but for a greeting."""
    texts = ("今天下雨了", "学到了学到了", "你好")

    def said(**more: bool) -> list[Heard]:
        lines = [Message(f"e{at}", text, True, text, **more) for at, text in enumerate(texts)]
        chats = [replace(talk.chat, lines=(*talk.chat.lines, *lines)) for talk in talks]
        who = [Line("page", f"e{at}", 999.0) for at in range(len(texts))]
        return [hear(Labelled(chat, (*talk.said, *who)), ENCODER) for chat, talk in zip(chats, talks, strict=True)]

    judge, asked = fit_asking(ENCODER, said(explicit=True), own_lines())
    without, _ = fit_asking(ENCODER, said(ambiguous=True), own_lines())
    assert judge.cheap == without.cheap
    for made in (*asked, *asked_by(judge, said(explicit=True))):
        assert made.told[-3:].tolist() == made.sure[-3:].tolist() == [True, True, False]
        assert made.probability[-3:].tolist() == [1, 1, 0]


def test_a_detector_that_learnt_with_a_course_does_without_one(talks: list[Labelled]) -> None:
    """Half of what it learns from is as if there were none: talks whose course is taken away are told as well."""
    made = calibrate(ENCODER, talks, more=own_lines()).calibration
    assert set(made.asking.full.weights) == set(FEATURES)
    assert any(made.asking.full.weights[name] for name in COURSE)
    detector = Detector(made.asking)
    lines = [line for talk in talks for line in talk.chat.lines if not line.ambiguous]
    vectors = ENCODER.encode([line.text for line in lines])
    told = [detector.cheap(line.text) or detector.judge(line.text, v) for line, v in zip(lines, vectors, strict=True)]
    right = sum(one.asks == line.asks for one, line in zip(told, lines, strict=True))
    assert right > 0.9 * len(lines)


def test_the_same_talks_give_the_same_calibration(talks: list[Labelled]) -> None:
    """Nothing depends on chance."""
    assert calibrate(ENCODER, talks).calibration == calibrate(ENCODER, talks).calibration


def test_no_line_is_read_twice(talks: list[Labelled]) -> None:
    """To read takes most of the time: what the new regressions have read, the figures before are told from, and those
    of other lines are read when they are asked for."""
    pairs: list[tuple[str, str]] = []

    class Reader(TopicEncoder):
        def read(self, pairs_: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
            pairs.extend(pairs_)
            return np.tile(np.arange(1.0, len(pairs_) + 1, dtype=np.float32)[:, None], (1, 2))

    one = hear(talks[0], Reader("回放", "发票", "网关"))
    few, more = np.arange(len(one.vectors)) < 4, np.arange(len(one.vectors)) < 6
    first = one.read(few)
    assert first[:5].tolist() == [1, 2, 3, 4, 0]
    assert one.read(more)[:7].tolist() == [1, 2, 3, 4, 1, 2, 0]
    assert one.read(few).tolist() == first.tolist()
    assert len(pairs) == 6


def test_a_calibration_of_another_version_is_replaced(talks: list[Labelled], tmp_path: Path) -> None:
    """What this version cannot use does not keep it from making a new one; there are no figures before."""
    (tmp_path / FILE).write_text("{}")
    found = calibrate(ENCODER, talks, folder=tmp_path)
    assert found.before == {}
    assert found.after["same question: pair F1"] == 1


def test_a_calibration_over_other_features_is_replaced(talks: list[Labelled], tmp_path: Path) -> None:
    """One of an earlier version for the same encoder, which weighed fewer signs, has no figures before either."""
    made = calibrate(ENCODER, talks).calibration
    full = made.answering.full
    weights = {name: weight for name, weight in full.weights.items() if name != "share"}
    answering = replace(made.answering, full=replace(full, weights=weights))
    write_calibration(replace(made, answering=answering), tmp_path / FILE)
    assert calibrate(ENCODER, talks, folder=tmp_path).before == {}


def test_an_answer_that_is_wrong_counts_as_wrong(tmp_path: Path) -> None:
    """Lines that the course does not answer, and answers by another entry, are among the wrong scores: where the labels
    say that nothing is answered, no precision lets anything be sent."""
    for name in ("a", "b", "c"):
        write_talk(tmp_path, name)
        labels = tmp_path / name / "labels.jsonl"
        rows = [json.loads(line) | {"answerable": None} for line in labels.read_text(encoding="utf-8").splitlines()]
        labels.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    made = calibrate(ENCODER, read_labelled(tmp_path)).calibration
    assert not any(made.entries.right)
    assert len(made.entries) > 10
    assert made.answers(0.5).entries > 1


def test_talks_in_which_nobody_asks_twice_calibrate_too(tmp_path: Path) -> None:
    """There is nothing to learn about the same question then, and all else is learnt as ever."""
    for name in ("a", "b", "c"):
        write_talk(tmp_path, name)
        labels = tmp_path / name / "labels.jsonl"
        rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
        own = [row | {"group": row["group"] and f"{row['group']} {row['id']}"} for row in rows]
        labels.write_text("".join(json.dumps(row) + "\n" for row in own), encoding="utf-8")
        chat = tmp_path / name / "chat.jsonl"
        rows = [json.loads(line) for line in chat.read_text(encoding="utf-8").splitlines()]
        own = [row | {"text": f"{row['text']} {row['id']}"} for row in rows]  # of the same text one question is made
        chat.write_text("".join(json.dumps(row) + "\n" for row in own), encoding="utf-8")
    found = calibrate(ENCODER, read_labelled(tmp_path))
    assert found.after["asking: F1"] > 0.9
    assert 0 < found.calibration.grouping.course.join < 1


def test_topics_will_do_where_there_are_no_talks(tmp_path: Path) -> None:
    """The form in which training topics are written is read as well."""
    topic = {
        "faq": [{"id": "replay", "q": "回放在哪里看", "a": "主页。"}],
        "groups": [{"id": id, "faq": "replay" if id == "replay" else None, "asks": asks} for id, asks in NEEDS.items()],
        "not_asking": NOTHING,
    }
    for name in "abc":
        (tmp_path / f"{name}.json").write_text(json.dumps(topic, ensure_ascii=False), encoding="utf-8")
    read = read_labelled(tmp_path)
    assert [one.said for one in read] == [(), (), ()]
    assert calibrate(ENCODER, read).after["same question: pair F1"] > 0.4


def test_what_cannot_be_calibrated_on_is_told(tmp_path: Path) -> None:
    """An empty folder and too few talks are a sentence each, not a calibration."""
    with pytest.raises(DataError, match="holds no labelled talks"):
        read_labelled(tmp_path)
    write_talk(tmp_path, "a")
    with pytest.raises(ValueError, match="at least 3"):
        calibrate(ENCODER, read_labelled(tmp_path))


def test_the_talks_that_ship_are_in_form_and_small() -> None:
    """Everything in knowledge/talks can be read, its labels fit, and the package does not grow by it."""
    read = read_labelled(TALKS)
    assert len(read) >= 8
    assert all(len(one.said) == len(one.chat.lines) for one in read)
    assert all(one.chat.course.problems == () for one in read)
    assert sum(path.stat().st_size for path in TALKS.rglob("*") if path.is_file()) < 5_000_000


def test_the_courses_that_ship_answer_as_long_as_staff_write() -> None:
    """Every course has entries of a line or two beside long ones, so that a probability means the same of both."""
    for one in read_labelled(TALKS):
        lengths = [len(pieces(entry.answer)) for entry in one.chat.course.entries]
        long = sum(length > 75 for length in lengths)
        assert len(lengths) / 3 < long < len(lengths) * 2 / 3, one.chat.name


def test_the_shipped_thresholds_rest_on_enough_cases() -> None:
    """The scores that the shipped thresholds follow from let entries and passages be sent at the default precision, and
    the more surely right that they have to be, the fewer."""
    made = bundled_calibration()
    assert isinstance(made.entries, Scores)
    judges = [made.answers(precision) for precision in (0.85, PRECISION, 0.97)]
    for kind in ("entries", "passages"):
        at = [getattr(judge, kind) for judge in judges]
        assert 0 < at[0] < at[1] < at[2] <= NEVER
        assert at[1] < 1


def test_entries_of_another_hand_are_sent_more_rarely() -> None:
    """An entry is sent from where so many times as few are wrong as is wanted, a passage from where as many are."""
    made, wanted = bundled_calibration(), 0.95
    assert made.answers(wanted).entries == made.entries.threshold(1 - (1 - wanted) / ANOTHER_HAND)
    assert made.answers(wanted).passages == made.passages.threshold(wanted)


def test_the_cheap_step_loses_hardly_an_asking() -> None:
    """Of the askings of the talks at most one in a hundred is spared the encoder, of other lines three in ten."""
    detector, lost, spared = Detector(bundled_calibration().asking), [], []
    for one in read_labelled(TALKS):
        for line in one.chat.lines:
            if not line.explicit:
                (lost if line.group else spared).append(detector.cheap(line.text) is not None)
    assert sum(lost) <= 0.01 * len(lost)
    assert sum(spared) >= 0.3 * len(spared)
