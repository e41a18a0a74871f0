"""The tables of procrastinate, in a schema of their own beside ours.

They are the migrations that its package carries, up to the last one that we know: so a step of ours that was released
means the same tables for ever. When a newer procrastinate brings more, they are a further step.
"""

from importlib.util import find_spec
from pathlib import Path

NAME = "procrastinate"
"""The schema."""

LAST = "03.04.00_50"
"""The last of its migrations, by the number in its name."""


def migrations() -> list[Path]:
    """All that the installed package carries, in their order."""
    spec = find_spec("procrastinate")  # the package is not imported for that: not every process works with it
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("procrastinate is not installed")
    return sorted(Path(spec.origin).with_name("sql").joinpath("migrations").glob("*.sql"))


def schema() -> str:
    """What makes the tables, in the midst of a transaction."""
    known = [each.read_text(encoding="utf-8") for each in migrations() if each.name[: len(LAST)] <= LAST]
    return "\n".join(
        [
            f"CREATE SCHEMA {NAME}; SET LOCAL search_path TO {NAME};",
            *known,
            f"SET LOCAL search_path TO DEFAULT; COMMENT ON SCHEMA {NAME} IS 'procrastinate, migrated to {LAST}';",
        ]
    )
