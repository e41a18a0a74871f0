from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from knowledge.training import loop
from knowledge.training.loop import run


class Line:
    """A straight line that is fitted to points."""

    def __init__(self, weight: float) -> None:
        self.model, self.head = nn.Linear(1, 1), nn.Linear(1, 1)
        for parameter in (*self.model.parameters(), *self.head.parameters()):
            nn.init.constant_(parameter, weight)
        self.parameters = [*self.model.parameters()]

    def loss(self, batch: Any) -> Tensor:
        at = torch.tensor([[float(batch)]])
        told: Tensor = self.head(self.model(at))
        return (told - 2 * at).square().mean()

    def state(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "head": self.head.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])


def test_a_run_goes_on_only_where_it_is_the_same_run(tmp_path: Path) -> None:
    """From its last kept step, with the same losses as if it had never stopped; what is of other steps or began with
    other weights is refused."""
    points = range(8)
    whole = run(Line(0.5), points, 8, tmp_path / "whole", every=4)
    kept = tmp_path / "line.part"
    begun = run(Line(0.5), points[:5], 8, kept, every=4)
    assert (begun, len(whole)) == (whole[:5], 8)
    with pytest.raises(ValueError, match="of a training of 8 steps"):
        run(Line(0.5), range(9), 9, kept, every=4)
    with pytest.raises(ValueError, match="began with other weights"):
        run(Line(0.25), points, 8, kept, every=4)
    with pytest.raises(ValueError, match="other data"):
        run(Line(0.5), points, 8, kept, every=4, data="more")
    assert run(Line(0.5), points, 8, kept, every=4) == whole


def test_the_time_that_is_left_is_that_of_the_whole_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also while an earlier one of several runs goes on."""
    clock = iter([0.0, 240.0, 480.0])  # two minutes a step
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    run(Line(0.5), range(4), 4, tmp_path / "first", every=2, later=3)
    assert [line.split("  ")[-1] for line in capsys.readouterr().out.splitlines()] == ["10 min left", "6 min left"]
