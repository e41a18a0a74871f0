from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.evaluation.data import DataError, read_topics
from knowledge.evaluation.public import READERS, read_public
from knowledge.evaluation.talks import read_series, read_talk
from tests.knowledge.evaluation.labelled import (
    LABELS,
    label,
    message,
    write_lines,
    write_public,
    write_talk,
    write_topic,
)

SAMPLES = Path(__file__).parents[3] / "knowledge" / "sample"


def problems(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(DataError) as raised:
        read(path)
    return str(raised.value)


def test_a_topic_is_read_in_one_order(tmp_path: Path) -> None:
    """The order is shuffled, and the same each time for a seed."""
    folder = write_topic(tmp_path)
    assert read_topics(folder) == read_topics(folder)
    lines = read_topics(folder, 1).chats[0].lines
    assert sorted(line.text for line in lines) == sorted(
        ["666", "哈哈哈", "怎么开发票", "回放在哪里看", "回放在哪里看？"]
    )
    assert len({tuple(line.text for line in read_topics(folder, seed).chats[0].lines) for seed in range(5)}) > 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_sample_talks_can_be_measured_on(language: str) -> None:
    """Labels, chats and courses that ship with the program fit each other."""
    talk = read_talk(SAMPLES / language)
    assert len({line.group for line in talk.lines if line.group}) > 10
    assert talk.data.chats[0].course.entries


def test_labels_that_do_not_fit_are_each_told_with_their_line(tmp_path: Path) -> None:
    """Every mistake is named at once, with file, line and what to do."""
    rows = [
        label(0, "question", "g1", "nothing-there"),
        label(1, "chatter", "g1", None),
        label(2, "question", None, None),
        label(3, "qestion", "g2", None),
        label(3, "question", "g2", None),
        label(9, "chatter", None, None),
    ]
    told = problems(read_talk, write_talk(tmp_path / "talk", rows))
    labels, chat = tmp_path / "talk/labels.jsonl", tmp_path / "talk/chat.jsonl"
    assert f"{labels}:1: the course has no 'nothing-there'" in told
    assert f"{labels}:2: message 'm1' is 'chatter' but has a group" in told
    assert f"{labels}:3: message 'm2' asks but has no group" in told
    assert f"{labels}:4: the kind 'qestion' is not known" in told
    assert f"{labels}:5: message 'm3' was labelled on line 4" in told
    assert f"{labels}:6: there is no message 'm9'" in told
    assert f"{chat}:5: message 'm4' has no label" in told


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("labels.jsonl", "{oops\n", "labels.jsonl:1: is no JSON"),
        ("labels.jsonl", "[1]\n", "labels.jsonl:1: is no JSON object"),
        ("chat.jsonl", '{"id": 5}\n', 'chat.jsonl:1: has no "id" or no "text"'),
        (
            "chat.jsonl",
            '{"id": "m0", "text": "hm", "t": "19:30:05"}\n',
            """chat.jsonl:1: "t" is '19:30:05': give the sec""",
        ),
        ("chat.jsonl", '{"id": "m0", "text": "hm", "t": null}\n', 'chat.jsonl:1: "t" is None'),
        pytest.param(
            "labels.jsonl", "[" * 200_000, "labels.jsonl:1: is no JSON (lists in lists without end)", id="deep"
        ),
        (
            "chat.jsonl",
            '{"id": 7, "text": "hm", "platform": "a"}\n{"id": "7", "text": "so", "platform": "b"}\n',
            "chat.jsonl:2: message '7': line 1 has one of another platform: give each an id of its own",
        ),
        (
            "labels.jsonl",
            '{"id": "m0", "kind": "question", "group": ["a"]}\n',
            "labels.jsonl:1: \"group\" of message 'm0'",
        ),
        (
            "labels.jsonl",
            '{"id": "m0", "kind": "question", "group": "g", "answerable": false}\n',
            "\"answerable\" of message 'm0' is False: give one name as a text, or null",
        ),
        (
            "labels.jsonl",
            '{"id": "m0", "kind": "question", "group": "g", "ambiguous": "false"}\n',
            "\"ambiguous\" of message 'm0' is 'false': give true or false",
        ),
        (
            "chat.jsonl",
            '{"id": "m0", "text": "hm", "explicit": 1}\n',
            """chat.jsonl:1: "explicit" is 1: give true or""",
        ),
        (
            "chat.jsonl",
            '{"id": "m0", "text": "hm"}\n{"id": "m0", "text": "so"}\n',
            "chat.jsonl:2: message 'm0': line 1 says something else: give each an id of its own",
        ),
        ("chat.jsonl", "\n", "no message 'm0' in chat.jsonl"),
        ("chat.jsonl", "\r\r{} {}\r", "chat.jsonl:3: is no JSON (Extra data, column 4): mend or"),
    ],
)
def test_unreadable_lines_of_a_talk_are_told(tmp_path: Path, file: str, text: str, said: str) -> None:
    """What is no line of the form is named with its place."""
    talk = write_talk(tmp_path / "talk")
    (talk / file).write_text(text)
    assert said in problems(read_talk, talk)


def test_what_nothing_answers_may_be_left_empty(tmp_path: Path) -> None:
    """As in a table that was exported; and an id may be a number."""
    rows = [{**label(n, *row), "answerable": row[2] or "", "group": row[1] or ""} for n, row in enumerate(LABELS)]
    talk = write_talk(tmp_path / "talk", [{**row, "id": n} for n, row in enumerate(rows)])
    write_lines(talk / "chat.jsonl", [{"id": n, "text": f"text {n}"} for n in range(len(rows))])
    lines = read_talk(talk).lines
    assert [(line.group, line.source) for line in lines] == [(group, source) for _, group, source in LABELS]


def test_text_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    """Bytes of another encoding are no crash."""
    talk = write_talk(tmp_path / "talk")
    (talk / "chat.jsonl").write_bytes("回放".encode("gb18030"))
    assert "chat.jsonl: is not UTF-8 text: save it as UTF-8" in problems(read_talk, talk)


def test_a_flood_of_problems_is_cut(tmp_path: Path) -> None:
    """A file of the wrong kind gives a screenful of problems, and how many more there are."""
    rows = [label(n, "strange", None, None) for n in range(5)] + [label(n, "chatter", None, None) for n in range(9, 99)]
    told = problems(read_talk, write_talk(tmp_path / "talk", rows)).splitlines()
    assert len(told) == 21
    assert told[-1] == "… and 75 more of that kind"


@pytest.mark.parametrize("read", [read_talk, read_topics, read_public])
def test_a_folder_without_data_is_told(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """A wrong folder is no silent zero: the sentence names it and says what it should hold."""
    assert f"{tmp_path}: " in problems(read, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "one.json:1: is no JSON"),
        ('{"faq": [], "groups": []}', "'not_asking' is missing"),
        ("[]", "is no topic, a list or an object is missing"),
        (
            '{"faq": [], "groups": [{"id": "g", "faq": ["f"], "asks": ["a"]}], "not_asking": []}',
            "of group 'g' is no text",
        ),
        (
            '{"faq": [], "groups": [{"id": "g", "faq": null, "asks": "ab"}], "not_asking": []}',
            "'ab' is no list of texts",
        ),
        ('{"faq": [], "groups": [{"id": "g", "faq": "x", "asks": ["a"]}], "not_asking": []}', "the entry 'x'"),
        (
            '{"faq": [{"id": "f", "q": "a", "a": null}], "groups": [], "not_asking": []}',
            '"a" of an entry is None, no text',
        ),
        (
            '{"faq": [{"id": "f", "q": null, "a": "a"}], "groups": [], "not_asking": []}',
            '"q" of an entry is None, no text',
        ),
        (
            '{"faq": [{"id": [1], "q": "a", "a": "a"}], "groups": [], "not_asking": []}',
            '"id" of an entry is [1], no text',
        ),
        ("[" * 200_000, "one.json:1: is no JSON (lists in lists without end)"),
    ],
    ids=lambda value: value[:60],
)
def test_a_topic_of_another_form_is_told(tmp_path: Path, text: str, said: str) -> None:
    """What a topic lacks is named with its file."""
    (tmp_path / "one.json").write_text(text)
    assert said in problems(read_topics, tmp_path)


def test_every_public_set_is_read_from_its_folder(tmp_path: Path) -> None:
    """Each set that lies there is found and read, the same way each time."""
    sets = dict(read_public(write_public(tmp_path)))
    assert set(sets) == set(READERS)
    for name, read in sets.items():
        data = read()
        assert data == read(), name
        assert data.size, name
        assert data.note, name
    for name in ("zoomcamp", "drcd_zhtw", "intents_en", "hint3"):
        lines = [line for chat in sets[name]().chats for line in chat.lines]
        assert {line.source is None for line in lines} == {True, False}, name


def test_the_mark_that_is_the_label_is_taken_away(tmp_path: Path) -> None:
    """A detector cannot read the weak label of fragjetzt off the text."""
    lines = dict(read_public(write_public(tmp_path)))["fragjetzt"]().chats[0].lines
    assert {(line.text, line.asks) for line in lines} == {("Warum ist das so", True), ("Moin", False)}


def test_a_public_set_of_another_form_is_told(tmp_path: Path) -> None:
    """A set whose rows lack what is read is named with its folder."""
    folder = write_public(tmp_path)
    write_lines(folder / "cped/valid.jsonl", [{"line": "怎么了"}])
    assert f"{folder / 'cped'}: is not in the form of this set" in problems(
        lambda path: dict(read_public(path))["cped"](), folder
    )


def series(folder: Path, pairs: str) -> Path:
    write_talk(folder / "one")
    write_talk(folder / "two")
    path = folder / "series.json"
    path.write_text(f'{{"sessions": [{{"id": "one"}}, {{"id": "two"}}], "recurring": {pairs}}}')
    return path


def test_a_series_names_groups_of_its_talks(tmp_path: Path) -> None:
    """Groups that are said to recur are looked up; a name that is not there is told."""
    read = read_series(series(tmp_path, '[["one:g1", "two:g1"]]'))
    assert read.recurring == {frozenset({("one", "g1"), ("two", "g1")})}
    (tmp_path / "series.json").write_text('{"sessions": [{"id": "one"}, {"id": "two"}], "recurring": [["one:g9"]]}')
    assert "there is no group 'one:g9'" in problems(read_series, tmp_path / "series.json")
    (tmp_path / "series.json").write_text('{"sessions": [{"id": "one"}], "recurring": []}')
    assert "fewer than two of its talks" in problems(read_series, tmp_path / "series.json")
    (tmp_path / "series.json").write_text("{}")
    assert '"sessions" or "recurring" is missing' in problems(read_series, tmp_path / "series.json")


def test_what_lies_in_the_current_folder_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block without a name could be anything."""
    series(tmp_path, "[]")
    write_topic(tmp_path / "topics")
    monkeypatch.chdir(tmp_path)
    assert read_series(Path("series.json")).name == tmp_path.name
    monkeypatch.chdir(tmp_path / "topics")
    assert read_topics(Path()).name == "topics"
    assert read_series(Path("../series.json")).name == tmp_path.name


@pytest.mark.parametrize("id", ["1", "null", '["one"]', '""'])
def test_a_session_of_a_series_has_a_name(tmp_path: Path, id: str) -> None:
    """Anything else is told with the file."""
    path = series(tmp_path, "[]")
    path.write_text(f'{{"sessions": [{{"id": "one"}}, {{"id": {id}}}], "recurring": []}}')
    assert "is no name of a folder" in problems(read_series, path)


def test_a_redelivered_line_is_one_message(tmp_path: Path) -> None:
    """The same id twice in a chat is what the program drops, not a second message."""
    talk = write_talk(tmp_path / "talk")
    write_lines(talk / "chat.jsonl", [message(n, "666") for n in (0, 1, 1, 2, 3, 4)])
    assert len(read_talk(talk).lines) == len(LABELS)
