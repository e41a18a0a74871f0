import itertools
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.calibration import NEVER, AnsweringJudge
from knowledge.evaluation import (
    Bench,
    Judged,
    Mind,
    Result,
    from_replay,
    learning_curve,
    measure_series,
    read_public,
    read_topics,
)
from knowledge.evaluation.answered import _sent, answering_parts
from knowledge.evaluation.baselines import (
    agglomerative,
    best_cut,
    bm25,
    installed,
    nearest_earlier,
    semantic_hash,
    tf_idf,
)
from knowledge.evaluation.data import NO_COURSE, Chat, Dataset, Line
from knowledge.evaluation.grouped import _vector_precision, same_question_parts
from knowledge.evaluation.judging import Heard, judge_chat
from knowledge.evaluation.metrics import Figure, Ranking, average_precision
from knowledge.evaluation.results import Block
from knowledge.evaluation.speed import start
from knowledge.evaluation.talks import read_series, read_talk
from knowledge.material import Course, Entry
from knowledge.reasons import Reason, Reasons
from tests.fakes import HashEncoder, calibrated
from tests.knowledge.evaluation.labelled import label, message, write_lines, write_public, write_talk, write_topic

ENCODER = HashEncoder()
WHY = Reasons(asking=(Reason("chatter", -2.0),))
MIND = Mind(ENCODER, calibrated(ENCODER))


def block(result: Result, judgement: str) -> Block:
    return next(block for block in result.blocks if block.judgement == judgement)


def figures(result: Result, judgement: str, method: str = "floormic") -> dict[str, Figure]:
    return next(column.figures for column in block(result, judgement).columns if column.method == method)


def values(result: Result, judgement: str, method: str = "floormic") -> dict[str, float | None]:
    return {name: figure.value for name, figure in figures(result, judgement, method).items()}


def replayed(
    n: int,
    asking: bool,
    question: str | None,
    source: str | None = None,
    state: str = "sent",
    suggested: str | None = None,
) -> dict[str, Any]:
    answer = {"source": source, "score": 0.9, "state": state} if source else None
    return {
        "id": f"m{n}",
        "asking": asking,
        "probability": 0.7,
        "question": question,
        "similarity": 0.6,
        "suggested": suggested,
        "answer": answer,
    }


def hand_made(folder: Path) -> tuple[Dataset, Sequence[Any]]:
    """Seven messages (five ask, one of them and one other are ambiguous) and what a program decided about them."""
    rows = [
        label(0, "question", "g1", "replay"),
        label(1, "question", "g1", "replay"),
        label(2, "question", "g1", "replay"),
        label(3, "request", "g2", None),
        label(4, "chatter", None, None),
        label(5, "rhetorical", None, None, ambiguous=True),
        label(6, "question", "g2", None, ambiguous=True),
    ]
    talk = write_talk(folder / "talk", rows)
    write_lines(talk / "chat.jsonl", [message(n, f"行 {n}") for n in range(7)])
    decided = [
        replayed(0, True, "q0", "replay"),
        replayed(1, True, "q0", "replay", "suggested"),
        replayed(2, False, None),
        replayed(3, True, "q0", "replay"),
        replayed(4, True, "q4", "replay"),
        replayed(5, True, "q4"),
        replayed(6, True, "q6"),
    ]
    read = read_talk(talk)
    return read.data, from_replay(read.lines, {row["id"]: row for row in decided}, {"m2": WHY})


def test_a_replay_is_scored_as_worked_out_by_hand(tmp_path: Path) -> None:
    """Clear labels are the headline and all labels stand beside; an asking that was not found stands alone, and what is
    sent to a line that asks nothing is wrong.
    """
    data, path = hand_made(tmp_path)
    result = Bench(MIND, {}).measure(data, path)
    asking = values(result, "asking")
    assert (asking["precision"], asking["recall"]) == (pytest.approx(3 / 4), pytest.approx(3 / 4))
    assert values(result, "asking", "floormic, all labels")["precision"] == pytest.approx(4 / 6)
    grouped = values(result, "same question")  # true: m0 m1 m2 | m3; told: m0 m1 m3 | m2
    assert (grouped["pair precision"], grouped["pair recall"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert grouped["B-cubed precision"] == pytest.approx((2 / 3 + 2 / 3 + 1 + 1 / 3) / 4)
    assert grouped["B-cubed recall"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert values(result, "same question", "floormic, all labels")["pair recall"] == pytest.approx(1 / 4)
    sent = values(result, "answering")
    assert sent["sent"] == 3
    assert sent["sent: precision"] == pytest.approx(1 / 3)
    assert sent["sent: coverage"] == pytest.approx(1 / 3)
    assert sent["sent though not in the course"] == pytest.approx(1)
    assert sent["offered: precision"] == pytest.approx(2 / 3)
    assert values(result, "same question", "every one alone")["B-cubed F1"] == pytest.approx(2 * 0.5 / 1.5)


def test_what_is_sent_to_the_other_questions_of_a_line_counts(tmp_path: Path) -> None:
    """As sent, and as right where it is what answers the line, which any of its answers may; else it is among the
    mistakes."""
    data, _ = hand_made(tmp_path)
    sent = [{"source": source, "score": 0.8, "state": "sent"} for source in ("replay", "wrong")]
    decided = [
        {**replayed(0, True, "q0", "wrong", "suggested"), "also": ["q9"], "also_answered": sent[:1]},
        {**replayed(1, True, "q0", "replay"), "also_answered": sent[1:]},
        replayed(2, True, "q0"),
    ]
    path = from_replay(data.chats[0].lines, {row["id"]: row for row in decided}, {})
    result = Bench(MIND, {}).measure(data, path)
    told = values(result, "answering")  # three of m0 to m2 are answerable
    assert told["sent"] == 3
    assert told["sent: precision"] == pytest.approx(2 / 3)
    assert told["sent: coverage"] == pytest.approx(2 / 3)
    assert told["offered: precision"] == pytest.approx(2 / 4)
    assert told["offered: coverage"] == pytest.approx(2 / 3)
    mistakes = {one.kind: [(row.text, row.other) for row in one.worst] for one in result.mistakes}
    assert mistakes["answers: wrongly sent"] == [("行 1", "wrong (replay)")]
    assert mistakes["answers: missed"] == [("行 2", "– (replay)")]


def test_what_each_kind_is_taken_for_is_told(tmp_path: Path) -> None:
    """Of each kind that was written there is the share that was taken for an asking, of others no figure."""
    data, path = hand_made(tmp_path)
    result = Bench(MIND, {}).measure(data, path)
    kinds = {name: value for name, value in values(result, "asking").items() if ": " in name}
    assert kinds == {
        "taken for an asking: question": pytest.approx(2 / 3),
        "taken for an asking: request": 1,
        "taken for an asking: chatter": 1,
    }
    assert values(result, "asking", "a question mark")["taken for an asking: question"] == 0
    assert values(result, "asking", "floormic, all labels")["taken for an asking: rhetorical"] == 1


def test_probabilities_are_held_against_what_was_so(tmp_path: Path) -> None:
    """That a line asks, that the named group is right and that the best part answers: each as worked out by hand."""
    data, path = hand_made(tmp_path)
    result = Bench(MIND, {}).measure(data, path)
    asking = values(result, "asking")  # .7 was said of each, four of five ask
    assert asking["Brier score"] == pytest.approx((4 * 0.3**2 + 0.7**2) / 5)
    assert asking["calibration error"] == pytest.approx(0.8 - 0.7)
    grouped = values(result, "same question")  # .6 was said of m1 and of m3, which joined another's question
    assert grouped["Brier score"] == pytest.approx((0.4**2 + 0.6**2) / 2)
    assert grouped["calibration error"] == pytest.approx(0.6 - 0.5)
    said = ((True, "a", 0.9), (True, "b", 0.8), (False, "a", 0.3), (True, None, 0.0))
    lines = [Line(str(n), "", True, str(n), "a" if answerable else None) for n, (answerable, _, _) in enumerate(said)]
    rows = [
        Judged(line, True, 1.0, line.id, source=source, score=score)
        for line, (_, source, score) in zip(lines, said, strict=True)
    ]
    chat = Chat("chat", NO_COURSE, tuple(lines))
    heard = Heard(chat, tuple(rows), ENCODER.encode([line.text for line in lines]), MIND.answering(NO_COURSE))
    block, _, curve = answering_parts(Dataset("set", (chat,), ("answering",)), [heard], None, {})
    assert block.columns[0].figures["Brier score"].value == pytest.approx((0.1**2 + 0.8**2 + 0.3**2) / 3)
    assert curve.points == ((0.3, 0.0), (0.8, 0.0), (0.9, 1.0))


def test_suggested_merges_are_told_beside_first_decisions(tmp_path: Path) -> None:
    """How many there are and which share is right, and what the groups would be if all were taken, or the right ones; a
    merge that an ambiguous message suggests is taken too, but only counted among all labels.
    """
    rows = [
        label(0, "question", "g1", None),
        label(1, "question", "g2", None),
        label(2, "question", "g1", None),
        label(3, "question", "g1", None, ambiguous=True),
        label(4, "question", "g1", None),
        label(5, "question", "g2", None),
        label(6, "chatter", None, None),
    ]
    talk = write_talk(tmp_path / "talk", rows)
    write_lines(talk / "chat.jsonl", [message(n, f"行 {n}") for n in range(7)])
    decided = [
        replayed(0, True, "q0"),
        replayed(1, True, "q1"),
        replayed(2, True, "q2", suggested="q0"),
        replayed(3, True, "q3", suggested="q2"),
        replayed(4, True, "q3"),
        replayed(5, True, "q5", suggested="q0"),  # wrong
        replayed(6, True, "q6", suggested="q1"),  # wrong: it asks nothing
    ]
    read = read_talk(talk)
    path = from_replay(read.lines, {row["id"]: row for row in decided}, {})
    result = Bench(MIND, {}).measure(read.data, path)
    told = values(result, "same question")  # true: m0 m2 m4 | m1 m5
    assert told["pair F1"] == 0
    assert told["suggested merges"] == 3
    assert told["suggested merges: right"] == pytest.approx(1 / 3)
    assert told["pair F1 with all suggested merges"] == pytest.approx(2 * 3 / (6 + 4))  # m0 m2 m4 m5 | m1
    assert told["pair F1 with the right ones"] == pytest.approx(2 * 3 / (3 + 4))  # m0 m2 m4 | m1 | m5
    every = values(result, "same question", "floormic, all labels")
    assert (every["suggested merges"], every["suggested merges: right"]) == (4, pytest.approx(2 / 4))


def test_the_mistakes_of_a_replay_are_named(tmp_path: Path) -> None:
    """Each clear mistake is in the list of its kind with the reasons that were kept, an ambiguous one in none."""
    data, path = hand_made(tmp_path)
    mistakes = Bench(MIND, {}).measure(data, path).mistakes
    found = {one.kind: [row.text for row in one.worst] for one in mistakes}
    assert found == {
        "asking: wrongly found": ["行 4"],
        "asking: missed": ["行 2"],
        "grouping: wrongly joined": ["行 3"],
        "grouping: missed": ["行 2"],
        "answers: wrongly sent": ["行 3", "行 4"],
        "answers: missed": ["行 2", "行 1"],
    }
    assert mistakes[1].worst[0].reasons == WHY.asking


def test_the_worst_mistakes_come_first_with_their_reasons(tmp_path: Path) -> None:
    """Of what was done wrongly what it was surest of, of what was missed what it held for the least likely."""
    rows = [label(0, "question", "g1", "replay"), label(1, "chatter", None, None), label(2, "chatter", None, None)]
    rows += [label(n, "question", "g1", "replay") for n in (3, 4, 7, 8)]
    rows += [label(5, "question", "g2", None), label(6, "question", "g3", None)]
    talk = write_talk(tmp_path / "talk", rows)
    write_lines(talk / "chat.jsonl", [message(n, f"行 {n}") for n in range(9)])

    def sent(score: float, state: str = "sent") -> dict[str, Any]:
        return {"answer": {"source": "replay", "score": score, "state": state}}

    decided = [
        replayed(0, True, "q0"),
        replayed(1, True, "q1") | {"probability": 0.7} | sent(0.9),
        replayed(2, True, "q2") | {"probability": 0.9} | sent(0.97),
        replayed(3, False, None) | {"probability": 0.3},
        replayed(4, False, None) | {"probability": 0.1},
        replayed(5, True, "q0") | {"similarity": 0.5},
        replayed(6, True, "q0") | {"similarity": 0.8},
        replayed(7, True, "q7") | {"similarity": 0.4} | sent(0.4, "suggested"),
        replayed(8, True, "q8") | {"similarity": 0.2} | sent(0.2, "suggested"),
    ]
    why = Reasons(*((Reason(part, 1.0),) for part in ("asking", "grouping", "answer")))
    read = read_talk(talk)
    path = from_replay(read.lines, {row["id"]: row for row in decided}, {f"m{n}": why for n in range(9)})
    found = {one.kind: one for one in Bench(MIND, {}).measure(read.data, path).mistakes}
    assert {kind: [row.text for row in one.worst][:2] for kind, one in found.items() if kind != "answers: missed"} == {
        "asking: wrongly found": ["行 2", "行 1"],
        "asking: missed": ["行 4", "行 3"],
        "grouping: wrongly joined": ["行 6", "行 5"],
        "grouping: missed": ["行 8", "行 7"],
        "answers: wrongly sent": ["行 2", "行 1"],
    }
    missed = [row.score for row in found["answers: missed"].worst]
    assert missed == sorted(missed)
    assert {0.2, 0.4} <= {*missed}
    for kind, one in found.items():
        part = {"asking": "asking", "grouping": "grouping", "answers": "answer"}[kind.partition(":")[0]]
        assert one.worst[0].reasons == getattr(why, part)


def test_topics_are_measured_for_every_judgement(tmp_path: Path) -> None:
    """All figures and pictures are there, and the progress ends with the number of texts."""
    data, done = read_topics(write_topic(tmp_path)), []
    bench = Bench(MIND, {"hash": ENCODER})
    result = bench.measure(data, None, done.append)
    assert sum(done) == bench.work(data)
    assert values(result, "asking")["precision"] == 1
    assert values(result, "same question")["pair precision"] == 1
    assert values(result, "answering")["right part first"] == 1
    assert {picture.kind for picture in result.pictures} == {"answers", "grouping", "reliability"}
    said = [curve.name for curve in result.pictures[-1].curves]
    assert said == ["asking", "same question", "answering", "as often as was said"]
    assert result.pictures[0].curves[0].mark == (MIND.joins(course=True), 1)
    methods = [column.method for column in block(result, "same question").columns]
    assert methods[:4] == ["floormic", "TF-IDF", "BM25", "hash, fixed threshold"]
    for package, method in (("sklearn", "agglomerative, after the fact"), ("semhash", "semhash, after the fact")):
        assert (method in methods) == installed(package)


@pytest.mark.model
@pytest.mark.thorough
def test_a_start_takes_little_more_than_to_import_torch() -> None:
    """To the first vector: 2.3 s where the import alone takes 1.7."""
    alone = []
    for _ in range(2):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        alone.append(time.perf_counter() - begun)
    (figure,) = start("bundled").values()
    assert figure.unit == "s"
    assert min(alone) < figure.low <= figure.value <= figure.high
    assert figure.low < 2.5 * min(alone)


def test_what_may_ask_nothing_counts_as_suggested_and_not_as_sent() -> None:
    """As in the program: with a detector that is never sure nothing of a chat is sent, and as much as before of what
    was asked on purpose."""
    line = Line("1", "怎么开发票", asks=True, group="g", source="faq-1")
    course = Course((Entry("faq-1", "怎么开发票", (), "在小程序里。", "faq.md:1"),), (), ())
    sends = AnsweringJudge(MIND.calibration.answers().fitting, entries=0.0, passages=0.0, suggest=0.0)
    for sure, explicit, verdict in ((0.0, False, "answer"), (NEVER, False, "suggest"), (NEVER, True, "answer")):
        asking = replace(MIND.calibration.asking, surely_not=0.0, asks=0.0, sure=sure)
        calibration = Mock(asking=asking, grouping=MIND.calibration.grouping, answers=lambda _: sends)
        heard = judge_chat(Chat("c", course, (replace(line, explicit=explicit),)), Mind(ENCODER, calibration))
        assert [row.verdict for row in heard.rows] == [verdict]


def test_public_sets_are_measured_for_what_they_are_labelled_for(tmp_path: Path) -> None:
    """No set is judged on what its labels do not say, and each has a block that says what was sampled."""
    judged = {}
    for name, read in read_public(write_public(tmp_path)):
        result = Bench(MIND, {}).measure(read())
        assert all(block.note and block.size for block in result.blocks)
        judged[name] = {block.judgement for block in result.blocks}
    assert judged["stackfaq"] == {"same question"}
    assert judged["cped"] == judged["fragjetzt"] == {"asking"}
    assert all(
        judged[name] == {"answering"} for name in ("zoomcamp", "hint3", "intents_en", "drcd_zhtw", "cmrc2018_zh")
    )


def test_another_order_of_the_same_messages_makes_no_interval_narrower(tmp_path: Path) -> None:
    """Judged four times in one order the figures and their intervals are those of one time; where one order is put
    together wrongly, the figure is that of all pairs of all orders, and what is told of probabilities stays."""
    data = read_topics(write_topic(tmp_path))
    chat = data.chats[0]
    once = figures(Bench(MIND, {}).measure(data), "same question")
    again = figures(Bench(MIND, {}).measure(replace(data, again=(chat,) * 3)), "same question")
    for name in (
        "pair F1",
        "B-cubed F1",
        "pair F1 with all suggested merges",
        "pairs by similarity: average precision",
    ):
        assert again[name] == once[name]
    assert once["pair F1"].low is not None
    heard = [judge_chat(chat, MIND)]
    alone = replace(heard[0], rows=tuple(replace(row, group=f"alone-{at}") for at, row in enumerate(heard[0].rows)))
    block, _ = same_question_parts(data, heard, None, {}, [alone])
    both, one = block.columns[0].figures, once["pair recall"].value
    assert one
    assert both["pair recall"].value == pytest.approx(one / 2)
    for name in ("suggested merges", "calibration error by chance"):
        assert both[name] == once[name]


def test_what_was_sent_must_hold_the_answer_where_it_is_told_to_the_word(tmp_path: Path) -> None:
    """Of three answers from the right passage two hold one of the words; what was only suggested, or sent from
    elsewhere, counts for nothing. The words are those of the set."""
    line = Line("", "茶在哪裡", True, "g", "p1", holds=("南方", "山上"))
    rows = [
        Judged(replace(line, id=str(n)), True, 1.0, "g", source=source, score=0.9, verdict=verdict, said=said)
        for n, (source, verdict, said) in enumerate(
            [
                ("p1", "answer", "產於南方。"),
                ("p1", "answer", "種在山上。"),
                ("p1", "answer", "綠色的。"),
                ("p1", "suggest", "綠色的。"),
                ("p2", "answer", "綠色的。"),
            ]
        )
    ]
    assert _sent([rows])["sent from the right part: holds the answer"].value == pytest.approx(2 / 3)
    for name, read in read_public(write_public(tmp_path)):
        if name == "drcd_zhtw":
            assert {line.holds for line in read().chats[0].lines} == {(f"南方{n}山",) for n in range(4)}


def test_a_question_that_returns_another_evening_is_found(tmp_path: Path) -> None:
    """The same words on two evenings are the same question; what is told to recur but is not asked alike is missed."""
    for name in ("one", "two"):
        write_talk(tmp_path / name)
    (tmp_path / "series.json").write_text(
        json.dumps(
            {"sessions": [{"id": "one"}, {"id": "two"}], "recurring": [["one:g1", "two:g1"], ["one:g1", "two:g2"]]}
        )
    )
    result = measure_series(read_series(tmp_path / "series.json"), MIND)
    assert values(result, "recurring")["recall"] == pytest.approx(1 / 2)
    assert values(result, "recurring")["precision"] == pytest.approx(1 / 2)  # g2 returns too, and nobody said so


def test_doubtful_messages_neither_bring_a_question_back_nor_keep_it_away(tmp_path: Path) -> None:
    """As everywhere in the headline they are left out; so is a group of which nothing else is there."""
    texts = ("回放在哪里看", "怎么开发票", "怎么开发票呢", "网关要自己买吗", "课件在哪下载")

    def evening(name: str, *groups: tuple[str, bool]) -> None:
        rows = [label(n, "question", group, None, doubtful) for n, (group, doubtful) in enumerate(groups)]
        talk = write_talk(tmp_path / name, rows)
        write_lines(talk / "chat.jsonl", [message(n, text) for n, text in enumerate(texts[: len(groups)])])

    evening("one", ("g1", False), ("g2", False), ("g2", True), ("g3", False), ("g4", True))
    # g1 would come back as g2 by doubtful lines, and be kept away from g1; g4 is doubtful throughout
    evening("two", ("g1", False), ("g1", True), ("g1", True), ("g3", True), ("g4", False))
    pairs = [[f"one:g{n}", f"two:g{n}"] for n in (1, 4)]
    path = tmp_path / "series.json"
    path.write_text(json.dumps({"sessions": [{"id": "one"}, {"id": "two"}], "recurring": pairs}))
    result = measure_series(read_series(path), MIND)
    assert block(result, "recurring").size == "1 recurring pairs of groups in 2 talks"
    assert values(result, "recurring")["recall"] == 1
    assert values(result, "recurring")["precision"] == 1


def test_the_talks_of_a_series_may_lie_anywhere_below_it(tmp_path: Path) -> None:
    """In folders of folders and behind links: a talk is called what the series calls it."""
    write_talk(tmp_path / "2026/a")
    (tmp_path / "b").symlink_to(write_talk(tmp_path / "elsewhere/two"))
    (tmp_path / "series.json").write_text(
        json.dumps({"sessions": [{"id": "2026/a"}, {"id": "b"}], "recurring": [["2026/a:g1", "b:g1"]]})
    )
    series = read_series(tmp_path / "series.json")
    assert series.recurring == {frozenset({("2026/a", "g1"), ("b", "g1")})}
    assert values(measure_series(series, MIND), "recurring")["recall"] == 1


def askings(*groups: str) -> list[Judged]:
    return [
        Judged(Line(str(at), "", True, group, ambiguous=group == "doubtful"), True, 1.0, "q")
        for at, group in enumerate(groups)
    ]


def alike(count: int) -> NDArray[np.float64]:
    vectors = np.random.default_rng(7).normal(size=(count, 8))
    return np.asarray(vectors @ vectors.T)


def test_pairs_are_counted_by_their_groups() -> None:
    """Of several chats, each with groups of its own: the figure and its interval are those of all pairs with the names
    of their groups, and a chat of one clear asking has none."""
    chats = [askings(*"abacbda"), askings("b", "doubtful", "a"), askings("c", "doubtful"), askings(*"bbcz")]
    likeness = [alike(len(chat)) for chat in chats]
    true, scores, one, other = [], [], [], []
    for at, (chat, matrix) in enumerate(zip(chats, likeness, strict=True)):
        for left, right in itertools.combinations([n for n, row in enumerate(chat) if not row.line.ambiguous], 2):
            one.append((at, chat[left].line.group))
            other.append((at, chat[right].line.group))
            true.append(one[-1] == other[-1])
            scores.append(matrix[left, right])
    (figure,) = _vector_precision(chats, likeness).values()
    assert figure == average_precision(Ranking.of(true, scores), one, other)
    assert figure.low != figure.high


def test_a_large_chat_takes_little_for_each_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long names of groups are there once, not twice for each of a million pairs."""
    monkeypatch.setattr("knowledge.evaluation.metrics.RANKING_DRAWS", 2)
    chat = askings(*(f"{n % 500} what is asked at length by many who do not read" for n in range(1500)))
    matrix = alike(len(chat))
    tracemalloc.start()
    try:
        _vector_precision([chat], [matrix])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 150 * len(chat) ** 2 / 2


@pytest.mark.parametrize(
    ("text", "curves"),
    [
        ('[{"topics": 0, "pair_ap": 0.3, "steps": 0}, {"topics": 60, "pair_ap": 0.5, "steps": 300}]', [2]),
        ('[{"topics": 15, "pair_ap": 0.3}]', []),
        ("[]", []),
        ("{oops", []),
        ('{"topics": 15}', []),
        ('[{"topics": "many", "pair_ap": 0.3}]', []),
    ],
)
def test_a_learning_curve_is_drawn_where_there_is_one(tmp_path: Path, text: str, curves: list[int]) -> None:
    """Every figure of the card's curve is a line by number of topics; a file of another form is none."""
    (tmp_path / "curve.json").write_text(text)
    drawn = [curve for picture in learning_curve(tmp_path / "curve.json").pictures for curve in picture.curves]
    assert [len(curve.points) for curve in drawn] == curves
    assert learning_curve(tmp_path / "none.json") == Result()


class TestBaselines:
    @pytest.mark.parametrize("compare", [tf_idf, bm25])
    def test_words_find_the_text_that_holds_them(self, compare: Any) -> None:
        """The document with the asked words is the likest, one without any is not like it at all."""
        likeness = compare(["where is the recording"], ["the recording is on the page", "回放保留多久"])
        assert likeness[0, 0] > 0.2
        assert likeness[0, 1] == 0

    @pytest.mark.parametrize("compare", [tf_idf, bm25])
    def test_a_text_is_most_like_itself(self, compare: Any) -> None:
        """Likeness is at its highest, near 1, for the text itself, and nothing fails on empty ones."""
        texts = ["有回放吗", "课件在哪里下载", ""]
        likeness = compare(texts, texts)
        assert likeness[:2, :2].argmax(axis=1).tolist() == [0, 1]
        assert likeness[0, 0] == pytest.approx(1, abs=0.4)
        assert likeness[2].tolist() == [0, 0, 0]

    def test_one_pass_looks_only_back(self) -> None:
        """A message joins the nearest earlier one from the threshold on, and never a later one."""
        likeness = np.array([[1, 0.1, 0.9], [0.1, 1, 0.8], [0.9, 0.8, 1]])
        near, cut = nearest_earlier(likeness)
        assert near.tolist() == [0.1, 0.9]
        assert cut(0.5) == [0, 1, 0]
        assert cut(0.95) == [0, 1, 2]
        assert cut(0.05) == [0, 0, 0]

    @pytest.mark.parametrize("readable", [0, 1, 2])
    def test_what_cannot_be_read_is_in_no_cluster(self, readable: int) -> None:
        """A text in runes has the vector zero, which is near to nothing; the others are put together all the same."""
        vectors = np.array([[0, 0], *[[1, 0]] * readable, [0, 0]], dtype=np.float32)
        _, cut = agglomerative(vectors)
        first, *others, last = cut(0.5)
        assert len({first, last, *others}) == 2 + min(readable, 1)

    def test_clusters_are_cut_at_a_similarity(self) -> None:
        """Vectors that are near share a cluster, far ones do not."""
        pytest.importorskip("sklearn")
        vectors = np.array([[1, 0], [0.99, 0.14], [0, 1]], dtype=np.float32)
        _, cut = agglomerative(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        one, two, three = cut(0.9)
        assert one == two != three
        assert len(set(cut(-1.0))) == 1

    def test_semhash_keeps_near_texts_together(self) -> None:
        """Equal and near texts share a group, far ones do not."""
        pytest.importorskip("semhash")
        vectors = np.array([[1, 0], [0.99, 0.14], [0, 1], [1, 0]], dtype=np.float32)
        _, cut = semantic_hash(["a", "b", "c", "a"], vectors)
        one, two, three, again = cut(0.9)
        assert one == two == again != three

    def test_the_best_threshold_is_the_one_with_the_best_pairs(self) -> None:
        """Of all thresholds the one is taken whose groups are nearest to the labels."""
        best = best_cut([lambda t: [0, 0] if t < 0.5 else [0, 1]], ["a", "a"], [0.2, 0.8])
        assert best.threshold == 0.2
