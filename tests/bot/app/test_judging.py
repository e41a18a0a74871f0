import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app import judging, minds
from bot.cli import floormic
from bot.errors import SettingsError
from knowledge.calibration import FILE, write_calibration
from knowledge.encoder import Encoder
from tests.fakes import HashEncoder, TopicEncoder, nine_of_ten

SURE = {0.5: ("would be answered", "1 sent, 0 suggested"), 0.99: ("would be suggested", "0 sent, 1 suggested")}


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which models were loaded; each is quick."""
    names: list[str] = []

    def load(model: str, threads: int | None = None) -> Encoder:
        names.append(model)
        return HashEncoder()

    for module in (judging, minds):
        monkeypatch.setattr(module, "load_encoder", load)
    return names


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a course and somebody who asks for what it says."""
    (tmp_path / "course").mkdir()
    (tmp_path / "course/faq.md").write_text("# FAQ\n\n## Where is the recording?\n\nOn the page.\n", encoding="utf-8")
    line = {"id": "1", "t": 1, "platform": "web", "user": "u", "name": "", "text": "Where is the recording?"}
    (tmp_path / "chat.jsonl").write_text(json.dumps(line), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(file: Path, precision: float) -> None:
    file.write_text(
        f'data = "kept"\n[encoder]\nmodel = "their/model"\n[answers]\nprecision = {precision}\n', encoding="utf-8"
    )


def said(*arguments: str) -> tuple[str, str]:
    done = CliRunner().invoke(floormic, arguments, standalone_mode=False, catch_exceptions=False)
    return done.stdout, done.stderr


ASK = ("course", "course", "--ask", "Where is the recording?")
REPLAY = ("replay", "chat.jsonl", "--course", "course", "--out", "out.jsonl")


@pytest.mark.parametrize("precision", SURE)
def test_the_wanted_precision_decides_what_is_sent(here: Path, loaded: list[str], precision: float) -> None:
    """The same message and course: sent where half of the answers shall be right and only suggested where nearly all
    shall, by the configured model and its calibration, in `course --ask` and in a replay."""
    configure(here / "floormic.toml", precision)
    write_calibration(nine_of_ten(HashEncoder()), here / "kept" / FILE)
    asked, replayed = SURE[precision]
    out, errors = said(*ASK)
    assert out.startswith(asked)
    assert "floormic calibrate" not in errors
    assert replayed in said(*REPLAY)[0]
    assert loaded == ["their/model", "their/model"]


def test_another_configuration_can_be_named(here: Path) -> None:
    """`--config` goes before the file in the current folder, and the data folder is beside it."""
    configure(here / "floormic.toml", 0.99)
    (here / "other").mkdir()
    configure(here / "other/our.toml", 0.5)
    write_calibration(nine_of_ten(HashEncoder()), here / "other/kept" / FILE)
    named = ("--config", "other/our.toml")
    assert said(*ASK, *named)[0].startswith("would be answered")
    assert "1 sent" in said(*REPLAY, *named)[0]


def test_without_a_configuration_the_defaults_hold(here: Path, loaded: list[str]) -> None:
    """The bundled model is asked, with the calibration in the folder `data` where that is one for it; without one, an
    answer is only suggested, and that is told."""
    out, errors = said(*ASK)
    assert not out.startswith("would be answered")
    assert "floormic calibrate" in errors
    write_calibration(nine_of_ten(HashEncoder()), here / "data" / FILE)
    assert "floormic calibrate" not in said(*ASK)[1]
    assert set(loaded) == {"bundled"}


def test_a_calibration_that_cannot_be_read_is_told(here: Path) -> None:
    """A broken file is named, and the mistake is one of the configuration."""
    (here / "data").mkdir()
    (here / "data" / FILE).write_text("{")
    with pytest.raises(SettingsError, match=FILE):
        said(*ASK)


def test_entries_that_may_ask_the_same_are_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --alike, by any of their wordings, with both places and what to do; entries that are far apart are not."""
    monkeypatch.setattr(judging, "load_encoder", lambda *_: TopicEncoder("recording", "invoice"))
    pays = "Who pays?\n\n- Also: is there an invoice"
    asked = ("Where is the recording?", pays, "Can I watch a recording?", "My invoice")
    entries = "\n\n".join(f"## {question}\n\nAnswer {n}." for n, question in enumerate(asked))
    (here / "course/faq.md").write_text(f"# FAQ\n\n{entries}\n", encoding="utf-8")
    told = [line for line in said("course", "course", "--alike")[0].splitlines() if "may ask the same" in line]
    assert len(told) == 2
    assert "“Where is the recording?”, “Can I watch a recording?”" in told[0]
    assert told[0].startswith("faq.md:3 and faq.md:")
    assert "“Who pays?”, “My invoice”" in told[1]
    assert not [line for line in said("course", "course")[0].splitlines() if "may ask the same" in line]


def test_what_is_only_read_needs_no_configuration(here: Path, loaded: list[str]) -> None:
    """Without --ask a course is shown whatever the configuration says, and no model is loaded."""
    (here / "floormic.toml").write_text("oops")
    assert "Where is the recording?" in said("course", "course")[0]
    assert loaded == []
