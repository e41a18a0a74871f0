"""For all tests."""

from hypothesis import settings

# What a test promises is held by what it finds, not by how fast a shared machine is just now.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
