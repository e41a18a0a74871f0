"""Texts side by side in rows, each looking at itself alone, so that nearly nothing is padded and all is multiplied at
once: sequence packing (Krell et al., Efficient Sequence Packing without Cross-contamination, 2021)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence as pad


def first_fit(sizes: Sequence[Sequence[int]], rooms: Sequence[int]) -> list[list[int]]:
    """Which things, by position, share a row that has so much room of each kind: each in the first row that it fits
    into, those with the most of the first kind first. One that is too large for any begins one all the same."""
    rows: list[list[int]] = []
    left: list[list[int]] = []
    for at in sorted(range(len(sizes)), key=lambda at: -sizes[at][0]):
        fits = (row for row, room in enumerate(left) if all(map(int.__le__, sizes[at], room)))
        if (row := next(fits, len(rows))) == len(rows):
            rows.append([])
            left.append(list(rooms))
        rows[row].append(at)
        left[row] = [room - size for room, size in zip(left[row], sizes[at], strict=True)]
    return rows


def owners(rows: Sequence[Sequence[int]], tokens: Sequence[int]) -> Tensor:
    """Which text each token is of, shape (rows, tokens); their number for padding."""
    of_row = [torch.tensor([at for at in row for _ in range(tokens[at])]) for row in rows]
    return pad(of_row, batch_first=True, padding_value=len(tokens))


def seen(by: Tensor, of: Tensor) -> Tensor:
    """The mask of attention for tokens of these owners: shape (rows, 1, tokens `by`, tokens `of`)."""
    return (by[:, :, None] == of[:, None, :])[:, None]


def means(states: Tensor, owner: Tensor, count: int) -> Tensor:
    """Of each text's tokens, shape (count, d), from `states` of shape (rows, tokens, d)."""
    flat, rows = owner.flatten(), states.flatten(0, 1).float()
    sums = torch.zeros(count + 1, rows.shape[1]).index_add(0, flat, rows)
    return sums[:count] / flat.bincount(minlength=count + 1)[:count, None]
