import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from bot import app
from bot.app.benching import Measured, Wanted, bench, code_version
from bot.app.measuring import measure_replay
from bot.cli import _as_it_is, _writable, _write_page, floormic
from bot.connectors.replay import LONGEST_LINE
from bot.errors import BadInput, SettingsError
from bot.settings import Settings
from knowledge.calibration import FILE, write_calibration
from knowledge.encoder import EncoderGone
from knowledge.evaluation import Block, Column, Figure, Result
from knowledge.evaluation.results import Mistake, Mistakes
from tests.fakes import HashEncoder, calibrated, nine_of_ten
from tests.knowledge.evaluation.labelled import (
    LABELS,
    MESSAGES,
    TOPIC,
    label,
    message,
    write_lines,
    write_public,
    write_talk,
    write_topic,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of an installation that has calibrated its encoder."""
    write_calibration(calibrated(HashEncoder()), tmp_path / "data" / FILE)
    return Settings.model_validate({"data": tmp_path / "data"})


class Strict(HashEncoder):
    """It takes what UTF-8 can hold and nothing else, as every model does."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return super().encode([text.encode().decode() for text in texts])


class Bars:
    """What a person who waits would see."""

    def __init__(self) -> None:
        self.done: dict[str, tuple[int, int | None]] = {}

    @contextmanager
    def __call__(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        self.done[what] = (0, total)

        def tell(done: int) -> None:
            self.done[what] = (done, total)

        yield tell


@pytest.mark.model
def test_a_start_that_fails_stops_nothing_else(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a new process takes is measured of the encoder that is named; where it cannot be, that is told and the rest
    is there."""

    def fails(model: str) -> Any:
        raise subprocess.CalledProcessError(1, [model])

    monkeypatch.setattr("bot.app.benching.start", fails)
    measured = bench(settings, Wanted(model="bundled"), Bars())
    (failed,) = measured.failed
    assert failed.startswith("start: was not measured")
    assert "bundled" in failed
    assert {block.data for block in measured.result.blocks} == {"encoder alone", "this machine"}


def test_everything_at_hand_is_measured(tmp_path: Path, settings: Settings) -> None:
    """Talks, topics, public sets, the series and the speed each have their block, and every bar ends full."""
    for name in ("one", "two"):
        write_talk(tmp_path / name)
    (tmp_path / "series.json").write_text(
        json.dumps({"sessions": [{"id": "one"}, {"id": "two"}], "recurring": [["one:g1", "two:g1"]]})
    )
    wanted = Wanted(
        talks=(tmp_path / "one", tmp_path / "two"),
        topics=write_topic(tmp_path / "topics"),
        public=write_public(tmp_path / "public"),
        series=tmp_path / "series.json",
    )
    bars = Bars()
    measured = bench(settings, wanted, bars, encoder=HashEncoder())
    assert measured.failed == []
    blocks = {(block.data, block.judgement) for block in measured.result.blocks}
    assert {("encoder alone", "speed"), ("one", "speed"), ("this machine", "speed")} <= blocks
    assert {("two", "asking"), ("topics", "answering"), ("stackfaq", "same question")} <= blocks
    assert any(judgement == "recurring" for _, judgement in blocks)
    drawn = {picture.kind for picture in measured.result.pictures}
    assert drawn == {"answers", "grouping", "reliability", "learning"}
    assert all(done == total for done, total in bars.done.values() if total is not None), bars.done


def test_answers_are_judged_as_this_installation_would(tmp_path: Path) -> None:
    """Without a calibration of the encoder a warning is told and nothing sent; with the one that lies in the data
    folder none is told, and the wanted precision decides, in both views."""
    wanted = Wanted(talks=(write_talk(tmp_path / "talk"),))

    def sent(precision: float) -> tuple[bool, list[float | None]]:
        settings = Settings.model_validate({"data": tmp_path / "data", "answers": {"precision": precision}})
        told: list[str] = []
        measured = bench(settings, wanted, Bars(), told.append, encoder=HashEncoder())
        (block,) = [one for one in measured.result.blocks if one.judgement == "answering"]
        figures = [column.figures["sent"].value for column in block.columns if "sent" in column.figures]
        return any("floormic calibrate" in line for line in told), figures

    warned, figures = sent(0.5)
    assert warned
    assert len(figures) >= 2
    assert not any(figures)
    write_calibration(nine_of_ten(HashEncoder()), tmp_path / "data" / FILE)
    warned, figures = sent(0.5)
    assert not warned
    assert all(figures)
    assert not any(sent(0.99)[1])


def test_what_cannot_be_used_stops_nothing_else(tmp_path: Path, settings: Settings) -> None:
    """A broken talk, an empty folder and a model that is not there are each told, and the rest is measured."""
    talk = write_talk(tmp_path / "talk")
    (talk / "labels.jsonl").write_text("{oops\n")
    told: list[str] = []
    wanted = Wanted(
        baselines=(str(tmp_path / "no-model"),),
        talks=(talk,),
        topics=write_topic(tmp_path / "topics"),
        public=tmp_path / "nowhere",
        series=tmp_path / "series.json",
        chat=tmp_path / "no-chat.jsonl",
    )
    measured = bench(settings, wanted, Bars(), told.append, encoder=HashEncoder())
    assert {block.data for block in measured.result.blocks} == {"encoder alone", "topics", "this machine"}
    said = "\n".join(measured.failed)
    for part in (
        "no-model",
        "labels.jsonl:1: is no JSON",
        "nowhere: has none",
        "series.json: cannot be read",
        "no-chat",
    ):
        assert part in said
    assert set(measured.failed) <= set(told)


def test_a_course_without_its_chat_is_refused(settings: Settings, tmp_path: Path) -> None:
    """It would be ignored else, and the speed measured without it."""
    with pytest.raises(BadInput, match="name the chat as well"):
        bench(settings, Wanted(course=tmp_path), Bars(), encoder=HashEncoder())


async def test_the_encoder_alone_gets_the_texts_of_the_chat(settings: Settings, tmp_path: Path) -> None:
    """All that the replay encodes of it and nothing of the course, whatever that holds."""
    talk = write_talk(tmp_path / "talk")
    chat, course = talk / "chat.jsonl", talk / "course"
    (course / "glossary.md").write_text("# Glossary\n\n## MQTT\n\nA protocol.\n\n## OPC UA\n\nAnother one.\n")
    plain = await measure_replay(settings, HashEncoder(), chat, None)
    taught = await measure_replay(settings, HashEncoder(), chat, course)
    assert plain["of them encoded"] == taught["of them encoded"]
    assert plain["messages"].value == 5
    assert plain["of them encoded"].value == 3


def test_what_is_wrong_with_the_course_of_a_talk_is_a_note(settings: Settings, tmp_path: Path) -> None:
    """Its figures are of what could be read, which may be less than its author thinks."""
    talk = write_talk(tmp_path / "talk")
    faq = talk / "course" / "faq.md"
    faq.write_text(faq.read_text(encoding="utf-8") + "\n## 回放在哪里看\n\n没有。\n", encoding="utf-8")
    told: list[str] = []
    measured = bench(settings, Wanted(talks=(talk,)), Bars(), told.append, encoder=HashEncoder())
    assert measured.failed == []
    assert any(f"{faq}:" in one and "(a note)" in one for one in told), told


def test_a_session_of_a_series_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    """The others are measured without it."""
    for name in ("one", "two"):
        write_talk(tmp_path / name)
    series = tmp_path / "series.json"
    series.write_text('{"sessions": [{"id": "one"}, {"id": "two"}, {"id": "tree"}], "recurring": []}')
    told: list[str] = []
    measured = bench(settings, Wanted(series=series), Bars(), told.append, encoder=HashEncoder())
    assert [one for one in told if "'tree'" in one] == [
        f"{series}: session 'tree' has no folder beside it and is left out (a note)"
    ]
    assert "recurring" in {block.judgement for block in measured.result.blocks}


def test_two_encoders_of_one_name_stand_beside_each_other(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is called by what was typed."""
    monkeypatch.setattr("bot.app.benching.load_encoder", lambda _: HashEncoder())
    other = str(tmp_path / "b" / "encoder")
    wanted = Wanted(topics=write_topic(tmp_path / "topics"), baselines=(str(tmp_path / "a" / "encoder"), other))
    measured = bench(settings, wanted, Bars(), encoder=HashEncoder())
    methods = {column.method for block in measured.result.blocks for column in block.columns}
    assert {"encoder, fixed threshold", f"{other}, fixed threshold"} <= methods


def test_an_encoder_that_goes_away_leaves_what_was_measured(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service was stopped meanwhile: that is told, and the rest is there."""

    def gone(*_: object) -> None:
        raise EncoderGone("the encoder does not answer")

    monkeypatch.setattr("bot.app.benching.measure_series", gone)
    write_talk(tmp_path / "one")
    write_talk(tmp_path / "two")
    series = tmp_path / "series.json"
    series.write_text('{"sessions": [{"id": "one"}, {"id": "two"}], "recurring": []}')
    wanted = Wanted(topics=write_topic(tmp_path / "topics"), series=series)
    measured = bench(settings, wanted, Bars(), encoder=HashEncoder())
    assert measured.failed == ["the encoder does not answer"]
    assert "topics" in {block.data for block in measured.result.blocks}


def test_a_talk_in_which_nobody_asks_is_measured(settings: Settings, tmp_path: Path) -> None:
    """It has no groups to put together, by whatever means; the talk beside it keeps its figures."""
    quiet = write_talk(tmp_path / "quiet", [label(n, "chatter", None, None) for n in range(2)])
    write_lines(quiet / "chat.jsonl", [message(0, "666"), message(1, "哈哈哈")])
    wanted = Wanted(talks=(quiet, write_talk(tmp_path / "talk")))
    measured = bench(settings, wanted, Bars(), encoder=HashEncoder())
    assert measured.failed == []
    blocks = {(block.data, block.judgement) for block in measured.result.blocks}
    assert {(name, judgement) for name in ("quiet", "talk") for judgement in ("asking", "same question")} <= blocks


def test_a_part_that_breaks_takes_no_other_with_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is told with the data on which it happened, and the rest is there."""

    def broken(*_: object) -> None:
        raise RuntimeError("of all things")

    monkeypatch.setattr("bot.app.benching.read_series", broken)
    wanted = Wanted(topics=write_topic(tmp_path / "topics"), series=tmp_path / "series.json")
    measured = bench(settings, wanted, Bars(), encoder=HashEncoder())
    (told,) = measured.failed
    assert told.startswith(f"{tmp_path / 'series.json'}: ")
    assert "RuntimeError: of all things" in told
    assert "topics" in {block.data for block in measured.result.blocks}


def test_what_a_replay_would_skip_is_told_and_not_missed(settings: Settings, tmp_path: Path) -> None:
    """A talk with a line that is too long has no figures, since what was never heard would count as missed."""
    chat = write_talk(tmp_path / "talk") / "chat.jsonl"
    rows = [*map(json.loads, chat.read_text(encoding="utf-8").splitlines())]
    rows[1]["text"] = "6" * LONGEST_LINE
    write_lines(chat, rows)
    measured = bench(settings, Wanted(talks=(chat.parent,)), Bars(), encoder=HashEncoder())
    assert "asking" not in {block.judgement for block in measured.result.blocks}
    (told,) = measured.failed
    assert told.startswith(f"{chat}:2: longer than 1,000,000")


def test_a_talk_is_measured_however_its_lines_end(settings: Settings, tmp_path: Path) -> None:
    """As on an old Mac, and with a message whose id has a line end of Unicode in it."""
    talk = write_talk(
        tmp_path / "talk", [{**label(0, "question", "g1", "replay"), "id": "m\u20280"}, label(1, *LABELS[1])]
    )
    rows = [{**message(0, MESSAGES[0]), "id": "m\u20280"}, message(1, MESSAGES[1])]
    (talk / "chat.jsonl").write_text("\r".join(map(json.dumps, rows)), newline="")
    measured = bench(settings, Wanted(talks=(talk,)), Bars(), encoder=HashEncoder())
    assert measured.failed == []
    assert "asking" in {block.judgement for block in measured.result.blocks}


HALF = "回放在哪里看\ud83d"
"""With half an emoji, which JSON can carry and no page can hold."""


def test_half_an_emoji_spoils_no_page(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a chat that holds one every part is measured, also of one that a topic holds, and the page is written."""
    talk = write_talk(tmp_path / "talk", [label(0, "question", "g1", "replay")])
    (talk / "chat.jsonl").write_text(json.dumps(message(0, HALF)))  # escaped
    topics = tmp_path / "topics"
    topics.mkdir()
    (topics / "one.json").write_text(json.dumps({**TOPIC, "groups": [{"id": "g", "faq": None, "asks": [HALF] * 2}]}))
    measured = bench(settings, Wanted(talks=(talk,), topics=topics), Bars(), encoder=Strict())
    assert measured.failed == []
    _write_page(tmp_path / "bench.html", measured, "en")
    assert "bench.html" in {path.name for path in tmp_path.iterdir()}
    missed = Mistakes("a", "asking: missed", (Mistake(HALF, "", 0.2, ()),), 1)
    _write_page(tmp_path / "other.html", Measured(Result((), (), (missed,))), "en")
    assert HALF[:-1] in (tmp_path / "other.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk takes the new page alone, and leaves nothing half beside."""
    page = tmp_path / "bench.html"
    _write_page(page, Measured(), "en")
    before = page.read_text(encoding="utf-8")

    def full(file: Path, data: bytes) -> int:
        file.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BadInput, match="No space left"):
        _write_page(page, Measured(), "zh")
    assert page.read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.iterdir()] == ["bench.html"]


def test_a_page_goes_into_a_pipe(tmp_path: Path) -> None:
    """As `--html >(less)` names one; it stays a pipe, as a device stays a device."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_text, encoding="utf-8")
        _writable(pipe, as_it_is=_as_it_is(pipe) is not None)
        _write_page(pipe, Measured(), "en")
        assert "<html" in read.result(timeout=10)
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True]


def test_a_page_goes_where_the_table_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """`--html /dev/stdout > FILE`: behind it, and no other file takes the place of the one that is being written."""
    print("the table")
    _writable(Path("/dev/stdout"), as_it_is=_as_it_is(Path("/dev/stdout")) is not None)
    _write_page(Path("/dev/stdout"), Measured(), "en")
    said = capfd.readouterr().out
    assert said.startswith("the table\n")
    assert "<html" in said


def test_a_page_goes_into_a_file_beside_which_nothing_may_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be written all the same, as it is."""
    page = tmp_path / "bench.html"
    page.touch()
    number = page.stat().st_ino
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    _writable(page, as_it_is=_as_it_is(page) is not None)
    _write_page(page, Measured(), "en")
    assert "<html" in page.read_text(encoding="utf-8")
    assert page.stat().st_ino == number
    with pytest.raises(BadInput, match="name another file"):
        _writable(tmp_path / "other.html")


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    """What is written beside itself first, as a calibration, would take the place of a pipe or a device."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="name another file"):
        _writable(tmp_path / "pipe")


def test_a_page_that_could_not_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after minutes."""
    monkeypatch.setattr(app, "bench", lambda *_: pytest.fail("it was measured"))
    for file, said in ((tmp_path / "none/b.html", "make the folder"), (Path("/proc/b.html"), "name another file")):
        done = CliRunner().invoke(floormic, ["bench", "--html", str(file)], standalone_mode=False)
        assert isinstance(done.exception, BadInput)
        assert said in str(done.exception)


def test_a_calibration_that_could_not_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was told to go, and where it goes by itself; a data folder that can be made is made."""
    monkeypatch.setattr(app, "calibrate_model", lambda *_: pytest.fail("it was calibrated"))
    config, data = tmp_path / "floormic.toml", "/proc/data"
    config.write_text(f'data = "{data}"\n')
    for options in (["--out", "/proc/c.json"], ["--out", str(tmp_path / "none/c.json")], []):
        done = CliRunner().invoke(floormic, ["calibrate", "--config", str(config), *options], standalone_mode=False)
        assert isinstance(done.exception, BadInput)
        assert "cannot be written" in str(done.exception)
    config.write_text('data = "new/data"\n')
    monkeypatch.setattr(app, "calibrate_model", lambda *_: (_ for _ in ()).throw(BadInput("it began")))
    done = CliRunner().invoke(floormic, ["calibrate", "--config", str(config)], standalone_mode=False)
    assert str(done.exception) == "it began"
    assert list((tmp_path / "new/data").iterdir()) == []


def test_a_model_that_cannot_be_loaded_is_an_error(tmp_path: Path, settings: Settings) -> None:
    """Without the encoder there is nothing to measure."""
    with pytest.raises(SettingsError, match="no-model"):
        bench(settings, Wanted(model=str(tmp_path / "no-model")), Bars())


def test_a_course_that_is_not_there_is_told(tmp_path: Path, settings: Settings) -> None:
    """A wrong course folder is no silent replay without one."""
    talk = write_talk(tmp_path / "talk")
    measured = bench(
        settings, Wanted(chat=talk / "chat.jsonl", course=tmp_path / "none"), Bars(), encoder=HashEncoder()
    )
    assert measured.failed == [f"{tmp_path / 'none'}: there is no such course folder: correct the path"]


def test_the_command_writes_a_page_and_says_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options reach the bench, the table is printed, the page names the command, and the status tells a failure."""
    seen: list[Wanted] = []

    def measured(_: Settings, wanted: Wanted, bar: object, tell: Callable[[str], None]) -> Measured:
        seen.append(wanted)
        tell("talk: has no labels.jsonl")
        block = Block("one", "asking", "2 messages", (Column("floormic", {"F1": Figure(0.5, 0.4, 0.6)}),))
        return Measured(Result((block,)), ["talk: has no labels.jsonl"])

    for name in ("talk", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "bench", measured)
    monkeypatch.setattr(sys, "argv", ["floormic", "bench", "--talk", "talk"])
    page = tmp_path / "bench.html"
    options = ["bench", "--talk", "talk", "--talk", "other", "--baseline", "m", "--html", str(page), "--language", "zh"]
    done = CliRunner().invoke(floormic, options, standalone_mode=False)
    assert done.return_value == 1
    assert seen == [Wanted(talks=(Path("talk"), Path("other")), baselines=("m",))]
    assert ".500 (.400–.600)" in done.stdout
    assert "has no labels.jsonl" in done.stderr
    assert "floormic bench --talk talk" in page.read_text(encoding="utf-8")
    assert code_version() in page.read_text(encoding="utf-8")


def test_the_version_can_be_told() -> None:
    """The page can name what it measured: the version, and from a checkout the commit."""
    told, _, known = code_version().partition(", commit ")
    assert told == version("floormic")
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    if git.returncode:
        pytest.skip("this is no checkout")
    name = known.removesuffix("-dirty").rpartition("-g")[2]  # behind a tag and how many commits came since
    assert len(name) >= 10
    assert git.stdout.startswith(name)
