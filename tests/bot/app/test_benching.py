import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import app
from bot.app.benching import Measured, Wanted, bench, code_version
from bot.cli import floormic
from bot.errors import BadInput
from knowledge.evaluation import Block, Column, Figure, Mind, Result
from tests.fakes import HashEncoder, calibrated
from tests.knowledge.evaluation.labelled import write_public, write_talk, write_topic


@pytest.fixture
def mind() -> Mind:
    encoder = HashEncoder()
    return Mind(encoder, calibrated(encoder))


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


def test_everything_at_hand_is_measured(tmp_path: Path, mind: Mind) -> None:
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
    measured = bench(wanted, bars, mind=mind)
    assert measured.failed == []
    blocks = {(block.data, block.judgement) for block in measured.result.blocks}
    assert {("encoder alone", "speed"), ("one", "speed"), ("this machine", "speed")} <= blocks
    assert {("two", "asking"), ("topics", "answering"), ("stackfaq", "same question")} <= blocks
    assert any(judgement == "recurring" for _, judgement in blocks)
    assert all(done == total for done, total in bars.done.values() if total is not None), bars.done


def test_what_cannot_be_used_stops_nothing_else(tmp_path: Path, mind: Mind) -> None:
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
    measured = bench(wanted, Bars(), told.append, mind=mind)
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


def test_a_model_that_cannot_be_loaded_is_an_error(tmp_path: Path) -> None:
    """Without the encoder there is nothing to measure."""
    with pytest.raises(BadInput, match="no-model"):
        bench(Wanted(model=str(tmp_path / "no-model")), Bars())


def test_a_course_that_is_not_there_is_told(tmp_path: Path, mind: Mind) -> None:
    """A wrong course folder is no silent replay without one."""
    talk = write_talk(tmp_path / "talk")
    measured = bench(Wanted(chat=talk / "chat.jsonl", course=tmp_path / "none"), Bars(), mind=mind)
    assert measured.failed == [f"{tmp_path / 'none'}: there is no such course folder: correct the path"]


def test_the_command_writes_a_page_and_says_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options reach the bench, the table is printed, the page names the command, and the status tells a failure."""
    seen: list[Wanted] = []

    def measured(wanted: Wanted, bar: object, tell: Callable[[str], None]) -> Measured:
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
    """The page can name what it measured, from a checkout or not."""
    assert code_version().startswith("0.")
