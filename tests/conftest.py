"""For all tests."""

import os

import pytest
from hypothesis import settings

# Several tests run at the same time: threads of one model that wait for each other would keep the others from running.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a test promises is held by what it finds, not by how fast a shared machine is just now.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first: begun last, they alone would be waited for."""
    first = ["test_learning.py", "test_short.py"]
    items.sort(key=lambda item: first.index(item.path.name) if item.path.name in first else len(first))
