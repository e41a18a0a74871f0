"""The learning curve, with the vocabulary of the topics in the place of a training."""

import json
import re
from pathlib import Path

import pytest

import knowledge.training.encoder as trainer
from knowledge.training import curve
from knowledge.training.topics import HELD_OUT, read_topics

ROOT = Path(__file__).parents[3]
FEW = 60
SOME = 6


@pytest.mark.thorough
def test_each_point_of_the_curve_is_the_mean_of_runs_with_topics_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is the base, which is judged once; every other one has as many runs as were wanted, each of other
    topics and another seed, and what is written are their figures and the mean of them."""
    asked = [rows[:FEW] for rows in curve.of_topics(read_topics(HELD_OUT))]
    some = read_topics()[:SOME]  # of all of them the vocabulary takes most of a minute
    monkeypatch.setattr(curve, "read_topics", lambda folder=None: read_topics(folder) if folder else some)
    monkeypatch.setattr(curve, "of_topics", lambda _: asked)
    monkeypatch.setattr(curve, "of_talks", lambda: asked[:1])
    learnt: list[list[str]] = []
    seeds: list[int] = []

    def train(topics: list[trainer.Topic], target: Path, runs: list[trainer.Run]) -> list[float]:
        learnt.append([topic.name for topic in topics])
        seeds.extend(run.seed for run in runs)
        trainer.begin(topics, target)
        return []

    monkeypatch.setattr(curve, "train", train)
    curve.main([0, 2], 1, 2, tmp_path / "curve.json")
    base, two = json.loads((tmp_path / "curve.json").read_text(encoding="utf-8"))
    assert (base["topics"], base["steps"], len(base["runs"])) == (0, 0, 1)
    assert (two["topics"], two["steps"], len(two["runs"])) == (2, 1, 2)
    assert [*map(len, learnt)] == [2, 2]
    assert learnt[0] != learnt[1]
    assert len({*seeds}) == 2
    assert two["runs"][0] != two["runs"][1]
    for at, name in enumerate(("pair_ap", "pair_ap_topics")):
        assert two[name] == pytest.approx(sum(run[at] for run in two["runs"]) / 2, abs=0.001)
        assert 0 < base[name] < 1


def test_the_curve_that_ships_stands_in_the_card_and_in_the_paper() -> None:
    """Each of its points, to the third place."""
    points = json.loads((ROOT / "knowledge" / "models" / "curve.json").read_text(encoding="utf-8"))
    assert len(points) > 3
    for page in ("knowledge/models/README.md", "docs/understanding.md"):
        said = (ROOT / page).read_text(encoding="utf-8").replace("*", "").partition("he learning curve\n")[2]
        for point in points:
            shown = [f"{point[name]:.3f}".lstrip("0") for name in ("pair_ap", "pair_ap_topics")]
            steps = str(point["steps"])
            row = rf"^\| {point['topics'] or 'none'}\b.*\| {steps} \| {shown[0]} \| {shown[1]} \|$"
            assert re.search(row, said, re.MULTILINE), (page, row)
