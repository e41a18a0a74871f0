"""bfloat16, where the processor multiplies it quicker; sums, softmax, norms and all that is kept stay in full
precision."""

import time
from contextlib import AbstractContextManager
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


def quick() -> AbstractContextManager[None]:
    """Within it matrices are multiplied in the precision that is quicker here."""
    return torch.autocast("cpu", torch.bfloat16, enabled=_short_is_quicker())


def attended(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention in full precision, even there: of bfloat16 torch takes five times as long for the gradient. Shapes as
    for torch's `scaled_dot_product_attention`."""
    with torch.autocast("cpu", enabled=False):
        return scaled_dot_product_attention(query.float(), key.float(), value.float(), mask)


@cache
def _short_is_quicker() -> bool:
    """A quarter of the time on some processors, twice as long on others that say that they can do it."""

    def seconds(kind: torch.dtype) -> float:
        rows, weights, took = torch.ones(1024, 384, dtype=kind), torch.ones(384, 1536, dtype=kind), []
        for _ in range(20):
            began = time.perf_counter()
            torch.mm(rows, weights)
            took.append(time.perf_counter() - began)
        return min(took)

    return seconds(torch.bfloat16) < seconds(torch.float32)
