import json
from pathlib import Path

import pytest

from knowledge.calibrating import TALKS, Labelled, calibrate, own_lines, read_labelled
from knowledge.calibration import Scores, bundled_calibration
from knowledge.evaluation import DataError
from knowledge.likeness import FEATURES as LIKENESS
from tests.fakes import HashEncoder, calibrated

ENCODER = HashEncoder()
NEEDS = {
    "replay": ("有回放吗", "回放在哪里看", "回放哪里有啊", "请问有没有回放", "回放回放"),
    "invoice": ("怎么开发票", "发票怎么开啊", "开发票找谁", "请问发票怎么开"),
    "gateway": ("网关要自己买吗", "网关是不是自己买", "请问网关自己买吗"),
}
NOTHING = ("666", "老师讲得真好", "我们厂也有一台旧的", "今天下雨了", "学到了学到了", "我是来打卡的", "声音很清楚")


def talk(folder: Path, name: str, doubtful: bool = False) -> None:
    """A talk in which words are all there is: whoever asks for the same uses the same ones."""
    (folder / name / "course").mkdir(parents=True)
    (folder / name / "course/faq.md").write_text(
        "# 问答\n\n## 回放在哪里看\n<!-- id: replay -->\n\n主页。\n\n## 怎么开发票\n<!-- id: invoice -->\n\n小程序。\n",
        encoding="utf-8",
    )
    chat, labels = [], []
    lines = [(text, group) for group, texts in NEEDS.items() for text in texts] + [(text, None) for text in NOTHING]
    for at, (text, group) in enumerate(lines * 2):
        chat.append({"id": f"m{at}", "t": 9.0 * at, "platform": "web", "user": f"u{at}", "name": "", "text": text})
        answerable = group if group in ("replay", "invoice") else None
        labels.append(
            {"id": f"m{at}", "kind": "question" if group else "chatter", "group": group, "answerable": answerable}
            | {"ambiguous": doubtful and at % 5 == 0}
        )
    for file, rows in (("chat.jsonl", chat), ("labels.jsonl", labels)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name / file).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> list[Labelled]:
    folder = tmp_path_factory.mktemp("talks")
    for name in ("a", "b", "c"):
        talk(folder, name, doubtful=name == "c")
    return read_labelled(folder)


def test_what_can_be_learnt_is_learnt(talks: list[Labelled]) -> None:
    """On talks where words tell everything, thresholds are found with which all three judgements are nearly always
    right in talks that were left out, and no worse than those that were lent; progress ends near a hundred."""
    done: list[int] = []
    found = calibrate(ENCODER, talks, more=own_lines(), progress=done.append)
    made, after = found.calibration, found.after
    assert (made.fingerprint, made.dimension) == ("hash", 64)
    assert len(made.asking.vector) == 64
    assert after["asking: F1"] > 0.9
    assert after["asking: F1"] >= found.before["asking: F1"]
    assert after["same question: pair F1"] > 0.9
    assert after["same question: pair F1"] >= found.before["same question: pair F1"]
    assert after["answers: precision of what is sent"] >= 0.95
    assert after["answers: coverage of the answerable"] > found.before["answers: coverage of the answerable"] == 0
    assert made.grouping.course.suggest < made.grouping.course.join
    assert made.asking.surely_not <= 0.25
    assert made.asking.asks <= made.asking.sure
    assert tuple(made.grouping.course.logistic.weights) == LIKENESS
    assert done == sorted(done)
    assert done[-1] > 90


def test_a_detector_may_be_kept_and_nothing_depends_on_chance(talks: list[Labelled]) -> None:
    """What was learnt from more than talks stays as it is; the same talks give the same calibration."""
    keep = calibrated(ENCODER).asking
    found = calibrate(ENCODER, talks, keep=keep).calibration
    assert found.asking == keep
    assert calibrate(ENCODER, talks, keep=keep).calibration == found


def test_an_answer_that_is_wrong_counts_as_wrong(tmp_path: Path) -> None:
    """Lines that the course does not answer, and answers by another entry, are among the wrong scores: where the labels
    say that nothing is answered, no precision lets anything be sent."""
    for name in ("a", "b", "c"):
        talk(tmp_path, name)
        labels = tmp_path / name / "labels.jsonl"
        rows = [json.loads(line) | {"answerable": None} for line in labels.read_text(encoding="utf-8").splitlines()]
        labels.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    made = calibrate(ENCODER, read_labelled(tmp_path)).calibration
    assert made.entries.right == ()
    assert len(made.entries.wrong) > 10
    assert made.answers(0.5).entries > 1


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
    assert calibrate(ENCODER, read).after["same question: pair F1"] > 0.8


def test_what_cannot_be_calibrated_on_is_told(tmp_path: Path) -> None:
    """An empty folder and too few talks are a sentence each, not a calibration."""
    with pytest.raises(DataError, match="holds no labelled talks"):
        read_labelled(tmp_path)
    talk(tmp_path, "a")
    with pytest.raises(ValueError, match="at least 3"):
        calibrate(ENCODER, read_labelled(tmp_path))


def test_the_talks_that_ship_are_in_form_and_small() -> None:
    """Everything in knowledge/talks can be read, its labels fit, and the package does not grow by it."""
    read = read_labelled(TALKS)
    assert len(read) >= 8
    assert all(len(one.said) == len(one.chat.lines) for one in read)
    assert all(one.chat.course.problems == () for one in read)
    assert sum(path.stat().st_size for path in TALKS.rglob("*") if path.is_file()) < 5_000_000


def test_the_shipped_thresholds_rest_on_enough_cases() -> None:
    """The scores that the shipped thresholds follow from let answers be sent at the default precision."""
    made = bundled_calibration()
    assert isinstance(made.entries, Scores)
    assert made.answers().entries < 1
