"""Texts side by side in rows."""

import itertools
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import knowledge.training.encoder as trainer
from knowledge.training import packing
from tests.knowledge.training.test_cross import ENCODER

ROOM = (20, 80)
SIZES = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 90)), max_size=20)


@given(SIZES)
def test_every_text_has_a_row_with_room_for_it(sizes: list[tuple[int, int]]) -> None:
    """Each stands in one row, the first with room for it; a row holds more than fits only where what began it is too
    large."""
    rows = packing.first_fit(sizes, ROOM)
    assert sorted(at for row in rows for at in row) == [*range(len(sizes))]

    def fit(chosen: list[int]) -> bool:
        return all(sum(sizes[at][kind] for at in chosen) <= room for kind, room in enumerate(ROOM))

    assert all(fit(row) or len(row) == 1 for row in rows)
    for row, later in itertools.combinations(rows, 2):
        assert not any(fit([*row, at]) for at in later)


def test_a_text_sees_and_gives_to_its_mean_what_is_its_own() -> None:
    """Nothing of its neighbours in the row, nor of padding."""
    owner = packing.owners([[1, 0], [2]], [2, 1, 1])
    assert owner.tolist() == [[1, 0, 0], [2, 3, 3]]
    assert packing.seen(owner, owner)[0, 0].tolist() == [[True, False, False], [False, True, True], [False, True, True]]
    states = torch.tensor([[[8.0], [1.0], [3.0]], [[5.0], [9.0], [9.0]]])
    assert packing.means(states, owner, 3).tolist() == [[2.0], [8.0], [5.0]]


@pytest.mark.model
def test_packed_texts_have_the_vectors_that_sentence_transformers_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands beside them in their row; nearly so in the precision of a training."""
    trainee = trainer.Trainee(ENCODER)
    trainee.model.eval()
    texts = ["有回放吗", "will there be a recording of this talk?", "666", ("怎么开发票 " * 30).strip()]
    from sentence_transformers import SentenceTransformer  # seconds of every worker, of which one needs it

    plain = SentenceTransformer(str(ENCODER), device="cpu").float()
    alone = plain.encode(texts, prompt=trainer.PROMPT, convert_to_tensor=True, normalize_embeddings=True)
    with torch.inference_mode():
        assert (trainee.vectors(texts) * alone).sum(dim=1).min() > 0.999
        monkeypatch.setattr(trainer, "quick", nullcontext)
        assert torch.allclose(trainee.vectors(texts), alone, atol=1e-5)
