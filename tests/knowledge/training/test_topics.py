import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from knowledge.asking import Detector
from knowledge.calibrating import TALKS
from knowledge.calibration import bundled_calibration
from knowledge.text import normalise
from knowledge.training.check import (
    SHIPPED,
    composition,
    copies,
    lines_beside,
    lines_of,
    lines_of_talk,
    main,
    problems_beside,
    problems_of,
    shipped,
    texts_below,
)
from knowledge.training.topics import BESIDE, DATA, FAQS, HELD_OUT, WITHOUT, Group, Topic, read_topics

FILES = sorted(DATA.glob("*.json"))
HELD_BACK = sorted(HELD_OUT.glob("*.json"))
"""What judges trainings."""
LONG = 12
"""Characters of a line that nobody else types by chance."""
FURTHER = [path for folder in (DATA, HELD_OUT) for kind in WITHOUT for path in sorted((folder / kind).glob("*.json"))]


@pytest.mark.parametrize("path", [*FILES, *HELD_BACK], ids=lambda path: path.stem)
def test_every_topic_is_in_form(path: Path) -> None:
    """Enough groups, look-alikes and lines that ask nothing; every reference is there, and no line stands twice."""
    assert problems_of(path) == []


@pytest.mark.parametrize("path", FURTHER, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_further_hits_and_misses_of_a_topic_are_in_form(path: Path) -> None:
    """Every text they name is there, and no line stands twice, nor in the topic too."""
    assert problems_beside(path) == []


def test_no_line_of_some_length_stands_in_two_topics() -> None:
    """Topics are independent: a split by topics does not leak, nor into those that judge; not in another script or with
    other marks either."""
    files = [(path, lines_of) for path in (*FILES, *HELD_BACK)] + [(path, lines_beside) for path in FURTHER]
    counts = Counter(
        letters
        for path, lines in files
        for letters in {
            "".join(filter(str.isalnum, normalise(line).lower()))
            for line in lines(json.loads(path.read_text(encoding="utf-8")))
        }
        if len(letters) > 6
    )
    assert [line for line, n in counts.items() if n > 1] == []


def test_what_judges_a_training_is_not_learnt_from() -> None:
    """The topics that are held out are none of those that are trained on."""
    assert {path.stem for path in HELD_BACK} >= {"appdev_mixed", "iiot_en"}
    assert {topic.name for topic in read_topics(HELD_OUT)}.isdisjoint(topic.name for topic in read_topics())


def test_there_is_enough_to_learn_from() -> None:
    """60 topics, 12,000 askings and as many lines that ask nothing; each topic with further hits and misses."""
    topics = read_topics()
    assert all(topic.hits and topic.misses for topic in topics)
    assert sum(topic.hall for topic in topics) >= 15
    assert len(topics) >= 60
    assert sum(len(group.asks) for topic in topics for group in topic.groups) >= 12_000
    assert sum(len(topic.not_asking) for topic in topics) >= 12_000


def test_it_is_what_halls_speak_and_hard() -> None:
    """Some 70 % hold Chinese, a part of that traditional, 20 % are English, 10 % other languages and mixed (63, 11, 25,
    12); of the lines that ask nothing most pass the cheap test for chatter (86 %)."""
    topics = read_topics()
    told = composition(topics)
    assert told.asks == sum(len(group.asks) for topic in topics for group in topic.groups)
    assert 0.55 < told.chinese < 0.75
    assert 0.05 < told.traditional < 0.3
    assert 0.05 < told.dialect < 0.3
    assert 0.15 < told.english < 0.3
    assert 0.08 < told.other < 0.2
    nothing = [line for topic in topics for line in topic.not_asking]
    detector = Detector(bundled_calibration().asking)
    assert sum(detector.cheap(line) is None for line in nothing) > 0.75 * len(nothing)


def test_languages_are_counted() -> None:
    """By the letters of each asking, and by what its topic is written in."""
    asks = {
        "zh": ("有回放唔", "有回放嗎", "where is it"),
        "en": ("who pays?",),
        "mixed": ("slides 在哪",),
        "fr": ("où ça",),
    }
    topics = [Topic(lang, lang, (Group("g", said, ""),), {}, (), ()) for lang, said in asks.items()]
    told = composition(topics)
    shares = (told.chinese, told.traditional, told.dialect, told.english, told.other)
    assert (told.asks, *shares) == (6, 2 / 6, 1 / 2, 1 / 2, 2 / 6, 2 / 6)
    said = "6 askings: 33% with Chinese (50% of these traditional, 50% with words of a dialect), 33% English"
    assert str(told).startswith(said)


def raw() -> dict[str, Any]:
    return json.loads(FILES[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("break_it", "word"),
    [
        (lambda t: t.pop("near"), "keys"),
        (lambda t: t["groups"].clear(), "fewer"),
        (lambda t: t["passages"].clear(), "passages: 0, fewer"),
        (lambda t: [group.update(faq=None, passage=None) for group in t["groups"]], "0 groups that the course answers"),
        (lambda t: [group.update(passage=None) for group in t["groups"]], "that a passage answers"),
        (lambda t: [near.update(id=t["faq"][0]["id"]) for near in t["near"]], "askings near to one"),
        (lambda t: t["lookalike"].append(["g01", "nope"]), "nope"),
        (lambda t: t["lookalike"].append(["g01", "g01"]), "look-alikes g01, g01"),
        (lambda t: t["near"].append({"id": "nope", "ask": "x"}), "nope"),
        (lambda t: t["groups"][0].update(faq="nope"), "source"),
        (lambda t: t["groups"][0].update(near="nope"), "source"),
        (lambda t: t["groups"][0].update(asks=["x"]), "fewer than 2 askings"),
        (lambda t: t["not_asking"].append(t["not_asking"][0]), "twice"),
        (lambda t: t["groups"].append(t["groups"][0]), "stands twice"),
        (lambda t: [g["asks"].append(f"{g['id']}这个东西要怎么弄啊") for g in t["groups"]], "no templates"),
        (lambda t: [g["asks"].append(f"could you tell me how {g['id']} works") for g in t["groups"]], "no templates"),
    ],
)
def test_a_mistake_is_found(tmp_path: Path, break_it: Any, word: str) -> None:
    """The checker names each kind of mistake, so that its silence means something."""
    topic = raw()
    break_it(topic)
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(topic), encoding="utf-8")
    assert any(word in problem for problem in problems_of(path))


@pytest.mark.parametrize(
    ("folder", "break_it", "word"),
    [
        (BESIDE, lambda t, _: t.pop("terms"), "keys"),
        (BESIDE, lambda t, _: t["terms"].append(t["terms"][0]), "stands twice"),
        (BESIDE, lambda t, _: t["near"].append({"id": "nope", "ask": "x"}), "nope"),
        (BESIDE, lambda t, _: t["answered"].append({"id": "nope", "ask": "x"}), "answered nope"),
        (
            BESIDE,
            lambda t, _: t["replies"].append({"group": "nope", "line": "x", "tells": True}),
            "replies: group nope",
        ),
        (BESIDE, lambda t, topic: t["answered"].append({"id": "t01", "ask": topic["groups"][0]["asks"][0]}), "twice"),
        (FAQS, lambda t, _: t.pop("entries"), "keys"),
        (FAQS, lambda t, topic: t["entries"].append(topic["faq"][0]), "f01 stands twice"),
        (FAQS, lambda t, _: t["near"].append({"id": "t01", "ask": "x"}), "near t01"),
        (FAQS, lambda t, _: t["answered"].append({"id": "nope", "ask": "x"}), "answered nope"),
        (FAQS, lambda t, topic: t["near"].append({"id": "x01", "ask": topic["groups"][0]["asks"][0]}), "twice"),
    ],
)
def test_a_mistake_in_hits_and_misses_is_found(tmp_path: Path, folder: str, break_it: Any, word: str) -> None:
    """Likewise for what stands beside a topic, and for long entries."""
    path = next(path for path in FURTHER if path.parent.name == folder)
    topic = json.loads((path.parent.parent / path.name).read_text(encoding="utf-8"))
    more = json.loads(path.read_text(encoding="utf-8"))
    break_it(more, topic)
    broken = tmp_path / folder / path.name
    broken.parent.mkdir()
    broken.write_text(json.dumps(more), encoding="utf-8")
    (tmp_path / path.name).write_text(json.dumps(topic), encoding="utf-8")
    assert any(word in problem for problem in problems_beside(broken))


def test_long_entries_are_learnt_from() -> None:
    """What answers of such an entry, and what does not, stands among the hits and misses of the topic."""
    path = next(path for path in FURTHER if path.parent.name == FAQS)
    faq = json.loads(path.read_text(encoding="utf-8"))
    texts = {entry["id"]: f"{entry['q']} {entry['a']}" for entry in faq["entries"]}
    topic = next(topic for topic in read_topics() if topic.name == path.stem)
    for rows, learnt in ((faq["answered"], topic.hits), (faq["near"], topic.misses)):
        assert rows
        assert {(texts[row["id"]], row["ask"]) for row in rows} < {*learnt}


def test_copies_are_found_but_for_a_few_letters(tmp_path: Path) -> None:
    """A line of evaluation data is found in other punctuation, width and script, and with a letter changed, left out or
    put in; one that has a fifth of it in other words is another line."""
    said = "请问老师，这个网关安装的时候要停产吗，我们车间只有周日晚上能停四个小时"
    (tmp_path / "chat.jsonl").write_text(json.dumps({"text": said}), encoding="utf-8")
    lines = {
        "請問老師這個網關安裝的時候要停產嗎？我們車間只有周日晚上能停四個小時": "script",
        said.replace("只有", "就有"): "changed",
        said.replace("能停", "停"): "left out",
        said.replace("我们车间", "我们的车间"): "put in",
        said.replace("这个网关安装的时候", "装这个盒子那会儿"): "other words",
        "网关拆下来以后原来的线怎么接回去": "another",
    }
    found = {where for where, *_ in copies(lines, texts_below(tmp_path))}
    assert found == {"script", "changed", "left out", "put in"}


def test_a_line_that_stands_in_two_topics_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line of some length is named, with the topic in which it stood before."""
    other = json.loads(FILES[1].read_text(encoding="utf-8"))
    other["not_asking"].append(line := "！" + next(line for line in raw()["not_asking"] if len(line) > LONG))
    for name, topic in (("one", raw()), ("other", other)):
        (tmp_path / f"{name}.json").write_text(json.dumps(topic), encoding="utf-8")
    monkeypatch.setattr("knowledge.training.check.DATA", tmp_path)
    assert main([]) == 1
    said = capsys.readouterr().out
    assert f"other.json: stands in one.json too: {line}\n" in said
    assert " 1 problems\n" in said


def test_a_folder_without_evaluation_data_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped name is no sign that nothing leaks."""
    assert main([str(tmp_path / "mistyped")]) == 1
    assert "there is no text in it" in capsys.readouterr().out


def test_tables_and_lists_of_intents_are_looked_at_too(tmp_path: Path) -> None:
    """Not every set is JSON: the cells of CSV, commas and all, and the lines of `seq.in` are read."""
    (tmp_path / "test.csv").write_text('sentence,label\n"where is my order, please?",ORDER\n', encoding="utf-8")
    (tmp_path / "seq.in").write_text("how do I top up my card\n", encoding="utf-8")
    assert texts_below(tmp_path) == {"where is my order, please?", "how do I top up my card", "sentence"}


def test_whatever_is_learnt_from_is_looked_for_in_the_evaluation_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of a line or course text of a topic or talk, of a term, of a long entry, of the detector's lines and of
    the common ones is found, and is a failure."""
    long = next(path for path in FURTHER if path.parent.name == FAQS)
    entry = json.loads(long.read_text(encoding="utf-8"))["entries"][0]
    topic, beside = raw(), json.loads((DATA / BESIDE / FILES[0].name).read_text(encoding="utf-8"))
    talk = next(TALKS.iterdir())
    course = (talk / "course" / "faq.md").read_text(encoding="utf-8")
    heading = next(line.removeprefix("## ") for line in course.splitlines() if line.startswith("## "))
    rows = {
        topic["groups"][0]["asks"][0]: FILES[0].name,
        topic["faq"][0]["q"]: FILES[0].name,
        topic["passages"][0]["text"]: FILES[0].name,
        beside["answered"][0]["ask"]: FILES[0].name,
        beside["terms"][0]["meaning"]: FILES[0].name,
        entry["a"]: long.name,
        next(line for line in lines_of_talk(talk) if len(line) > LONG): f"talk {talk.name}",
        **{next(line for line, file in shipped() if file == name and len(line) > LONG): name for name in SHIPPED},
    }
    (tmp_path / "chat.json").write_text(json.dumps([*rows]), encoding="utf-8")
    (tmp_path / "faq.md").write_text(f"### {heading}\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    for text, where in (rows | {heading: f"course of talk {talk.name}"}).items():
        assert f"{where}: {text!r} is nearly {text!r}\n" in said
    assert f" {len(rows) + 1} problems\n" in said
