"""Judgements about a PostgreSQL database that several processes share. Pure: facts in, findings out."""

from collections.abc import Collection, Mapping

from bot.app.doctor.finding import Finding, fault, megabytes, ok, warning
from bot.app.terminal import lasted
from bot.model import Backlog
from bot.storage.postgres_admission import DOUBTFUL, WRONG

LATE = 60.0
"""Seconds that a message may wait to be understood while somebody understands them."""


def judge_unusable(why: str) -> Finding:
    return fault("database", why, "mend it, or run without: leave `database` out of the configuration")


def judge_reached(place: str, version: str, size: int) -> Finding:
    return ok("database", f"PostgreSQL {version} answers at {place}; it holds {megabytes(size)}")


def judge_vectors(version: str, founded: bool) -> Finding:
    """`version`: of pgvector in this database, "" where it is not set up; `founded`: whether the tables are there."""
    if version:
        return ok("pgvector", f"pgvector {version} is set up")
    if founded:
        return fault("pgvector", "pgvector is gone from the database", "restore the last copy of the database")
    return warning(
        "pgvector",
        "pgvector is not set up in the database yet; the first start does it, if the server has it",
        "run in this database as a superuser: CREATE EXTENSION vector",
    )


def judge_owner(ours: bool | None) -> list[Finding]:
    """`ours`: whether the secret here is that of the installation that founded it; None: nobody did."""
    if ours is False:
        return [
            fault(
                "installation",
                "the database belongs to another installation, or the secret here is not the one of this installation",
                "copy the file `secret` of the installation here, or use a database of its own",
            )
        ]
    return [ok("installation", "the database belongs to this installation")] if ours else []


def judge_clocks(ahead: float) -> Finding:
    """`ahead`: seconds that our clock is before the database's."""
    said = f"the clock and that of the database differ by {abs(ahead):.1f} s"
    if abs(ahead) > WRONG:
        return fault("database clock", said, "set both (timedatectl set-ntp true); no process starts like this")
    if abs(ahead) > DOUBTFUL:
        return warning("database clock", said, "let both machines set their clocks (timedatectl set-ntp true)")
    return ok("database clock", said)


def judge_leases(users: int, leases: Mapping[str, str]) -> Finding:
    """`leases`: by what is done, who does it."""
    if not users:
        return ok("leases", "no process has the database open")
    names = ", ".join(sorted(leases)) or "nothing"
    return ok("leases", f"processes that have the database open: {users}; held by {len(set(leases.values()))}: {names}")


def judge_backlog(backlog: Backlog, users: int, held: Collection[str], sources: Collection[str], now: float) -> Finding:
    """`held`: names of the leases that stand; `sources`: those that are configured."""
    due, later = (sum(counts[which] for counts in backlog.outbox.values()) for which in (0, 1))
    said = f"messages to be understood: {backlog.inbox}; to be sent now: {due}, later: {later}"
    waited = now - backlog.since if backlog.since is not None else 0.0
    if users and waited > LATE and not any(name.startswith("pipeline:") for name in held):
        return fault(
            "backlog",
            f"nobody understands what comes in, since {lasted(waited)} ({said})",
            "start a process that does: floormic run --role pipeline",
        )
    unsent = [source for source in sources if backlog.outbox.get(source, (0, 0))[0] and f"outbox:{source}" not in held]
    if users and unsent:
        return fault(
            "backlog",
            f"nobody sends to {', '.join(unsent)} ({said})",
            "start a process that does: floormic run --role outbox",
        )
    return ok("backlog", said)
