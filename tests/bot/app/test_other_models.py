"""Models that are not ours: real Sentence Transformers folders, made here, tiny and untrained."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app.calibrating import check_encoder
from bot.app.judging import mind_of
from bot.cli import floormic
from bot.errors import BadInput
from bot.settings import Settings
from knowledge.calibration import FILE, NEVER, calibration_of, read_calibration, uncalibrated, write_calibration
from knowledge.encoder import EncoderError, load_encoder
from tests.fakes import calibrated
from tests.talks import write_talk

pytestmark = pytest.mark.model

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", *"有回放吗怎么开发票"]


def tiny(folder: Path, seed: int = 0, hidden: int = 16) -> Path:
    """A BERT of one layer with a vocabulary of letters."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=hidden, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder / "bert")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[transformer, Pooling(hidden)], device="cpu").save(str(folder / "model"))
    return folder / "model"


WHOLE = {"classifier": "BertForSequenceClassification", "writer": "BertLMHeadModel", "cross-encoder": "CrossEncoder"}


def whole(folder: Path, kind: str) -> None:
    """A complete model that gives no vectors of texts."""
    import transformers
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertTokenizer

    (folder / "words").mkdir(parents=True)
    words = folder / "words" / "vocab.txt"
    words.write_text("\n".join(WORDS), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=1,
        is_decoder=kind == "writer",
    )
    of_kind = "BertForSequenceClassification" if kind == "cross-encoder" else WHOLE[kind]
    getattr(transformers, of_kind)(config).save_pretrained(folder)
    BertTokenizer(str(words)).save_pretrained(folder)
    if kind == "cross-encoder":
        CrossEncoder(str(folder), device="cpu").save_pretrained(str(folder))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("models") / "a")


def settings(data: Path, model: Path) -> Settings:
    return Settings.model_validate({"data": data, "encoder": {"model": str(model)}})


def test_a_fingerprint_belongs_to_the_weights(model: Path, tmp_path: Path) -> None:
    """The same folder has the same one at each start, under any path; other weights of the same dimension another."""
    first = load_encoder(str(model))
    assert load_encoder(str(model)).fingerprint == first.fingerprint
    moved = tmp_path / "moved"
    moved.symlink_to(model)
    assert load_encoder(str(moved)).fingerprint == first.fingerprint
    other = load_encoder(str(tiny(tmp_path / "b", seed=1)))
    assert other.dimension == first.dimension == 16
    assert other.fingerprint != first.fingerprint


def test_a_model_may_be_named_as_model_hubs_do(model: Path, tmp_path: Path) -> None:
    """A name finds what was fetched before, without a network."""
    kept = tmp_path / "models--floor--mic"
    shutil.copytree(model, kept / "snapshots" / "a1")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("a1", encoding="utf-8")
    loading = "from knowledge.encoder import load_encoder as load; print(load('floor/mic').fingerprint)"
    found = subprocess.run(
        [sys.executable, "-c", loading],
        env=os.environ | {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == load_encoder(str(model)).fingerprint


def test_a_model_without_a_calibration_only_suggests(model: Path, tmp_path: Path) -> None:
    """`check` and the log say so; with a calibration of its own it sends, and nothing is said."""
    encoder = load_encoder(str(model))
    assert calibration_of(encoder, tmp_path).answers().entries == NEVER
    mistakes, warnings = check_encoder(settings(tmp_path, model))
    assert mistakes == []
    assert "floormic calibrate" in warnings[0]
    write_calibration(calibrated(encoder), tmp_path / FILE)
    assert check_encoder(settings(tmp_path, model)) == ([], [])
    assert uncalibrated(encoder, calibration_of(encoder, tmp_path)) == ""
    assert calibration_of(encoder, tmp_path).answers().entries < 1


def test_the_command_calibrates_a_model_from_one_s_own_talks(model: Path, tmp_path: Path) -> None:
    """`floormic calibrate` prints the figures before and after and writes what `run` and `check` then find: with so few
    talks they warn that no entry is sent, and what was better before is told."""
    for name in ("a", "b", "c"):
        write_talk(tmp_path / "talks", name)
    (tmp_path / "floormic.toml").write_text(f'data = "data"\n[encoder]\nmodel = "{model}"\n')
    asked = ["--config", str(tmp_path / "floormic.toml"), "--talks", str(tmp_path / "talks")]
    done = CliRunner().invoke(floormic, ["calibrate", *asked], standalone_mode=False)
    assert done.exception is None
    assert "before   after" in done.stdout
    assert "nan" not in done.stdout
    assert "–" in done.stdout  # what does not exist, as the precision of nothing that was sent
    assert "asking: F1" in done.stdout
    assert "3 talks" in done.stderr
    silent = "No entry and no passage of a course will be sent by itself"
    assert silent not in done.stderr
    assert "Worse than before" not in done.stderr
    (tmp_path / "floormic.toml").write_text(
        f'data = "data"\n[encoder]\nmodel = "{model}"\n[answers]\nprecision = 0.999\n'
    )
    careful = CliRunner().invoke(floormic, ["calibrate", *asked], standalone_mode=False)
    assert silent in careful.stderr  # three short talks prove no more
    mistakes, (warning,) = check_encoder(settings(tmp_path / "data", model))
    assert mistakes == []
    assert "of 0.95 no entries are sent by themselves (up to 0.9" in warning
    nothing = CliRunner().invoke(floormic, ["calibrate", *asked[:3], str(tmp_path / "data")], standalone_mode=False)
    assert isinstance(nothing.exception, BadInput)


def test_a_service_that_is_not_there_is_told_soon(tmp_path: Path) -> None:
    """`check` does not wait as long as the program, which has others' questions to keep."""
    began = time.monotonic()
    (mistake,), warnings = check_encoder(settings(tmp_path, Path(f"unix:{tmp_path}/none")))
    assert "start one: floormic encoder --socket" in mistake
    assert warnings == []
    assert time.monotonic() - began < 15


def test_it_is_told_what_was_better_before(model: Path, tmp_path: Path) -> None:
    """Three of the six talks that the thresholds in use come from teach less, and so less is sent; what ships is not
    held against its own talks."""
    for name in "abcdef":
        write_talk(tmp_path / "talks", name)
    config = tmp_path / "floormic.toml"
    config.write_text(f'data = "data"\n[encoder]\nmodel = "{model}"\n')

    def told() -> str:
        given = ["calibrate", "--config", str(config), "--talks", str(tmp_path / "talks")]
        return CliRunner().invoke(floormic, given, standalone_mode=False, catch_exceptions=False).stderr

    assert "Worse than before" not in told()
    for name in "def":
        shutil.rmtree(tmp_path / "talks" / name)
    found = told()
    assert "Worse than before on these talks: answers: coverage of the answerable. " in found
    assert "without the file all is as it was before" in found


def test_the_bench_judges_with_what_was_calibrated(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before `floormic calibrate` the bench warns and nothing is sent; afterwards it warns no more and judges by what
    was written."""
    monkeypatch.setattr("bot.app.benching.start", lambda _: {})  # six new processes, of which nothing is asked here
    for name in ("a", "b", "c"):
        write_talk(tmp_path / "talks", name)
    config, talks = tmp_path / "floormic.toml", tmp_path / "talks"
    config.write_text(f'data = "data"\n[encoder]\nmodel = "{model}"\n[answers]\nprecision = 0.5\n')

    def floormic_bench() -> tuple[bool, list[str]]:
        """Whether it warned, and how much was sent."""
        given = ["bench", "--config", str(config), "--talk", str(talks / "a")]
        done = CliRunner().invoke(floormic, given, standalone_mode=False, catch_exceptions=False)
        (sent,) = re.findall(r"^ *sent  .*$", done.stdout, re.MULTILINE)
        return "floormic calibrate" in done.stderr, re.findall(r"\d+", sent)

    warned, sent = floormic_bench()
    assert warned
    assert set(sent) == {"0"}
    given = ["calibrate", "--config", str(config), "--talks", str(talks)]
    CliRunner().invoke(floormic, given, standalone_mode=False, catch_exceptions=False)
    warned, sent = floormic_bench()
    assert not warned
    assert "0" not in sent
    configured = Settings.model_validate({"data": tmp_path / "data", "encoder": {"model": str(model)}})
    assert mind_of(configured).calibration == read_calibration(tmp_path / "data" / FILE)


@pytest.mark.parametrize("kind", ["empty", "text", "half", "pictures", "classifier", "writer", "cross-encoder"])
def test_a_folder_of_the_wrong_kind_is_told(model: Path, tmp_path: Path, kind: str) -> None:
    """Whatever the folder holds instead of a model, whole models for another task too, the message names it and `check`
    counts a mistake."""
    folder = tmp_path / kind
    folder.mkdir()
    if kind == "text":
        (folder / "config.json").write_text("not json")
    if kind == "half":
        (folder / "modules.json").write_text((model / "modules.json").read_text())
    if kind == "pictures":
        (folder / "config.json").write_text(json.dumps({"model_type": "vit", "architectures": ["ViTModel"]}))
    if kind in WHOLE:
        shutil.rmtree(folder)
        whole(folder, kind)
    with pytest.raises(EncoderError, match=kind):
        load_encoder(str(folder))
    mistakes, _ = check_encoder(settings(tmp_path, folder))
    assert kind in mistakes[0]
    assert WHOLE.get(kind, "") in mistakes[0]
