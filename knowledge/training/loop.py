"""The steps of a training: with progress, and a state from which a run that was stopped goes on."""

import hashlib
import itertools
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

SEED = 20_261_125
WARM = 0.08
"""Share of the steps in which the rate rises."""
RATE = 2e-4
HEAD_RATE = 2e-3


class Trainee(Protocol):
    """What is trained: `parameters`, and the weights of a `head` that learn faster."""

    parameters: list[nn.Parameter]
    head: nn.Linear

    def loss(self, batch: Any) -> Tensor: ...

    def state(self) -> dict[str, Any]:
        """All that is trained."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Be as in that state."""
        ...


def run(
    trainee: Trainee, batches: Iterable[Any], steps: int, kept: Path, every: int, data: str = "", later: int = 0
) -> list[float]:
    """One step for each batch; the loss of each. Every so many steps the state is written to `kept`, from which the
    next run goes on; whoever has written what was trained removes it. Raises `ValueError` where it is of a training of
    other `steps`, one of other `data` (their digest), or one that began with other weights. `later`: steps of the runs
    that follow, which count in the time that is left."""
    start = _digest(trainee.state())
    optimiser = torch.optim.AdamW(
        [
            {"params": trainee.parameters, "lr": RATE, "weight_decay": 0.01},
            {"params": trainee.head.parameters(), "lr": HEAD_RATE, "weight_decay": 0.0},
        ],
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    losses: list[float] = []
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        if state["steps"] != steps:
            raise ValueError(f"{kept} is of a training of {state['steps']} steps: finish that, or remove the file")
        if state.get("start") != start:
            raise ValueError(f"{kept} is of a training that began with other weights: finish that, or remove the file")
        if state.get("data", "") != data:
            raise ValueError(f"{kept} is of a training with other data: finish that, or remove the file")
        trainee.load(state["trained"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        losses = state["losses"]
        print(f"going on from step {len(losses)}", flush=True)
    began, first = time.monotonic(), len(losses)
    for batch in itertools.islice(batches, first, None):
        loss = trainee.loss(batch)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(trainee.parameters, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if len(losses) % every == 0 or len(losses) == steps:
            left = (time.monotonic() - began) / (len(losses) - first) * (steps - len(losses) + later)
            mean = sum(losses[-every:]) / len(losses[-every:])
            print(f"step {len(losses)}/{steps}  loss {mean:.3f}  {left / 60:.0f} min left", flush=True)
            state = {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict(), "losses": losses}
            part = kept.with_name(kept.name + ".new")
            torch.save({"trained": trainee.state(), "steps": steps, "start": start, "data": data, **state}, part)
            os.replace(part, kept)  # a run that is stopped in the midst of it goes on from the one before
    return losses


def _digest(state: Mapping[str, Any]) -> str:
    """Of weights by name, or of such by name."""
    digest = hashlib.blake2b()
    for name, one in state.items():
        digest.update(name.encode())
        digest.update(_digest(one).encode() if isinstance(one, Mapping) else one.detach().numpy().tobytes())
    return digest.hexdigest()


def _rate(step: int, steps: int) -> float:
    warm = max(1, int(WARM * steps))
    return (step + 1) / warm if step < warm else max(0.02, (steps - step) / max(1, steps - warm))
