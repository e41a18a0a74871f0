import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import app
from bot.app.benching import Measured, Wanted, bench, code_version
from bot.cli import floormic
from bot.errors import SettingsError
from bot.settings import Settings
from knowledge.calibration import FILE, write_calibration
from knowledge.evaluation import Block, Column, Figure, Result
from tests.fakes import HashEncoder, calibrated, nine_of_ten
from tests.knowledge.evaluation.labelled import write_public, write_talk, write_topic


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of an installation that has calibrated its encoder."""
    write_calibration(calibrated(HashEncoder()), tmp_path / "data" / FILE)
    return Settings.model_validate({"data": tmp_path / "data"})


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
