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
    """The longest test comes first: begun last, it alone would be waited for."""
    items.sort(key=lambda item: item.path.name != "test_learning.py")
