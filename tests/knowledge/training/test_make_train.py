"""`make train`, with programs in the place of the real ones that only say what they were called with."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DATA = "knowledge/training/data"
SAY = """#!/bin/sh
printf '%s|' "$@" >> said
echo >> said
case "$*" in *"$STOPS"*) exit 1;; esac
"""
ENCODER = "-m|knowledge.training.encoder|knowledge/models/encoder|"
CROSS = "-m|knowledge.training.cross|knowledge/models/encoder|knowledge/models/cross|"
LEARNT = {"": [ENCODER, CROSS], "beside/": [ENCODER, CROSS], "faqs/": [CROSS]}
"""The folders of what is learnt from, and what learns from each anew. The encoder has no use for long entries."""
CALIBRATE = "calibrate|--model|bundled|--out|knowledge/models/calibration.json|"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source with one topic and nothing trained."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in (".venv/bin", "knowledge/models", f"{DATA}/beside", f"{DATA}/faqs"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("pyproject.toml", "constraints.txt", *(f"{DATA}/{folder}one.json" for folder in LEARNT)):
        (tmp_path / file).touch()
    for program in ("python", "floormic"):
        (tmp_path / ".venv/bin" / program).write_text(SAY)
        (tmp_path / ".venv/bin" / program).chmod(0o755)
    for file in (".runtime", ".developer"):
        (tmp_path / ".venv" / file).touch()
    return tmp_path


def train(source: Path, *given: str, stops: str = "nowhere") -> list[str]:
    """What was called, in order."""
    (source / "said").unlink(missing_ok=True)
    environ = {key: value for key, value in os.environ.items() if key not in ("PUBLIC", "MAKEFLAGS")}
    command = ["make", "--silent", "train", *given]
    done = subprocess.run(command, cwd=source, env={**environ, "STOPS": stops}, capture_output=True, timeout=60)
    assert (done.returncode == 0) == (stops == "nowhere")
    return (source / "said").read_text().splitlines()


def test_a_path_with_spaces_is_one_folder(source: Path) -> None:
    """PUBLIC is read as it is given, looked into before the long work begins, and never where nothing was given."""
    public = "../the sets of $$ours"
    said = train(source, f"PUBLIC={public}")
    folder = public.replace("$$", "$")
    assert said == [f"-m|knowledge.training.public|{folder}|", ENCODER, f"{CROSS}--public|{folder}|", CALIBRATE]
    assert train(source) == [ENCODER, CROSS, CALIBRATE]
    assert train(source, f"PUBLIC={public}", stops="training.public") == said[:1]


def test_what_was_done_is_not_done_again(source: Path) -> None:
    """A training that was stopped goes on with the part in which it was; once it is over, the next begins anew."""
    assert train(source, stops="training.cross") == [ENCODER, CROSS]
    assert train(source, stops="calibrate") == [CROSS, CALIBRATE]
    assert train(source) == [CALIBRATE]
    assert train(source) == [ENCODER, CROSS, CALIBRATE]


@pytest.mark.parametrize(("folder", "again"), LEARNT.items())
def test_what_was_done_with_other_topics_is_done_again(source: Path, folder: str, again: list[str]) -> None:
    """Where a topic, or what stands beside it, was changed between the parts, nothing is left of what was learnt of it
    before."""
    train(source, stops="calibrate")
    later = (source / "knowledge/models/cross.done.part").stat().st_mtime + 9
    os.utime(source / DATA / folder / "one.json", (later, later))
    assert train(source, stops="training.cross") == again
