"""A PostgreSQL database that cannot be used: one clear line each, and nothing written."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from bot.app.stores import open_configured
from bot.errors import StoreError
from bot.phrases import in_language
from bot.settings import Settings
from bot.storage import postgres as store
from bot.storage import postgres_migrations
from bot.storage.postgres import open_postgres
from bot.storage.postgres_address import parts, refusal, shown
from bot.storage.postgres_admission import ahead, check_clock
from bot.storage.postgres_connection import connect
from tests.bot.storage import postgres

PASSWORD = "p4ss-w0rd"


@pytest.fixture
def url() -> Iterator[str]:
    """A database with nothing in it."""
    with postgres.database("template0") as url:
        yield url


def inside(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table: what must be as before where something was refused."""
    with closing(connect(url)) as db:
        return {name: sorted(map(tuple, db.execute(f"SELECT * FROM {name}")), key=repr) for name in db.columns()}


async def refused(url: str, **more: object) -> str:
    """The one line that an address is refused with."""
    with pytest.raises(StoreError) as found:
        await (await open_postgres(url, **more)).close()  # type: ignore[arg-type]
    said = str(found.value)
    assert "\n" not in said
    assert PASSWORD not in said
    return said


@contextmanager
def user(url: str, name: str) -> Iterator[str]:
    """The address of the same database for a user who owns nothing."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'another one'")
        try:
            yield url.replace("postgres:@", f"{name}:{PASSWORD}@")
        finally:
            db.execute(f"DROP OWNED BY {name}")
            db.execute(f"DROP ROLE {name}")


def lets_in(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def asking(url: str, name: str) -> Iterator[None]:
    """The server asks this user for a password."""
    with psycopg.connect(url, autocommit=True) as db:
        rules = Path(str(db.execute("SHOW hba_file").fetchone()[0]))  # type: ignore[index]
        before = rules.read_text()
        rules.write_text(f"local all {name} scram-sha-256\n{before}")
        try:
            db.execute("SELECT pg_reload_conf()")
            while lets_in(url.replace("postgres:@", f"{name}@")):  # until it has read them
                time.sleep(0.05)
            yield
        finally:
            rules.write_text(before)
            db.execute("SELECT pg_reload_conf()")


async def closed_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return int(port)


async def test_the_part_of_an_address_that_is_wrong_is_named(url: str, tmp_path: Path) -> None:
    """Database, user, host and port, socket, and what listens there but is no PostgreSQL."""
    assert "there is no database none_" in await refused(url.replace("/hall_", "/none_"))
    assert "the server knows no user nobody" in await refused(url.replace("postgres:@", f"nobody:{PASSWORD}@"))
    port = await closed_port()
    at = f"postgresql://me:{PASSWORD}@127.0.0.1"
    assert f"nothing listens at 127.0.0.1, port {port}" in await refused(f"{at}:{port}/hall")
    assert "nobody knows a machine nowhere.invalid" in await refused(f"postgresql://me:{PASSWORD}@nowhere.invalid/hall")
    assert f"no PostgreSQL at the socket in {tmp_path}" in await refused(f"postgresql://me@/hall?host={tmp_path}")

    async def pages(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for talk, expected in ((pages, "is no PostgreSQL"), (silent, "does not answer")):
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert f"127.0.0.1, port {port} {expected}" in (await refused(f"{at}:{port}/hall", patience=0.5)).replace(
            "what listens at ", ""
        )
        server.close()


async def test_a_wrong_password_is_told_without_it(url: str) -> None:
    """Of a server that asks for one: a wrong one, and none."""
    with user(url, "asked") as wrong, asking(url, "asked"):
        assert "the server does not take this password of the user asked" in await refused(wrong)
        assert "wants a password of the user asked" in await refused(wrong.replace(f":{PASSWORD}", ""))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (f"postgresql://me:{PASSWORD}@x@host/hall", "an @ too many; in a user or a password write @ as %40"),
        (f"postgresql://me:{PASSWORD}/x@host/hall", "an @ too many; in a user or a password write @ as %40"),
        (f"postgresql://me:{PASSWORD}%zz@host/hall", "a % that is none of"),
        (f"postgresql://me:{PASSWORD}/x?y=1", "something behind its \\? that PostgreSQL does not know"),
        (f"postgresql://me@host:{PASSWORD}/hall", "the port in the database's address is no number"),
        ("postgresql://me@host:70000/hall", "the port in the database's address is no number"),
        (f"postgresql://me:{PASSWORD}@[::1/hall", "cannot be read; it is postgresql://USER"),
        (f"mysql://me:{PASSWORD}@host/hall", "cannot be read; it is postgresql://USER"),
    ],
)
def test_an_address_that_is_none_is_told_without_quoting_it(address: str, expected: str) -> None:
    """What was taken apart wrongly may be the password, whatever part it stands in."""
    with pytest.raises(StoreError, match=expected) as found:
        parts(address)
    assert PASSWORD not in str(found.value)
    assert PASSWORD not in shown(address)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "me"', "the user me in from this machine"),
        ('FATAL:  permission denied for database "hall"', "the user me may not use this database"),
        ("FATAL:  sorry, too many clients already", "raise its max_connections"),
        ("FATAL:  the database system is starting up", "try again in a moment"),
        ("connection timeout expired", "db.example.org, port 5433 does not answer"),
        ("No route to host", "there is no way to db.example.org, port 5433"),
        (f"FATAL:  unheard of {PASSWORD}", "cannot be used: unheard of …"),
    ],
)  # fmt: skip
def test_what_servers_say_elsewhere_is_told(said: str, expected: str) -> None:
    """The words of libpq and of servers that no test has; what is not known is shown as it is, without the password."""
    address = f"postgresql://me:{PASSWORD}@db.example.org:5433/hall"
    told = str(refusal(psycopg.OperationalError(f'connection to server at "…" failed: {said}'), address))
    assert told.startswith("the database postgresql://me@db.example.org:5433/hall cannot be used: ")
    assert expected in told
    assert PASSWORD not in told


async def test_a_database_without_pgvector_says_what_to_install(url: str) -> None:
    """The package, the image and the SQL; nothing is founded, and afterwards it is."""
    name = parts(url)["dbname"]
    with psycopg.connect(postgres.server(), autocommit=True) as db:
        db.execute(f"ALTER DATABASE {name} SET extension_control_path = '/nowhere'")
        said = await refused(url)
        assert "package postgresql-18-pgvector" in said
        assert "CREATE EXTENSION vector" in said
        assert inside(url) == {}
        assert in_language(said, "zh") != said
        db.execute(f"ALTER DATABASE {name} RESET extension_control_path")
    await (await open_postgres(url)).close()
    assert "vectors" in inside(url)


async def test_a_user_who_may_not_set_it_up_is_told_the_sql(url: str) -> None:
    """One who may not make an extension, and one who may make nothing at all."""
    with user(url, "plain") as plain:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("GRANT CREATE ON SCHEMA public TO plain")
        assert "run in it as a superuser: CREATE EXTENSION vector" in await refused(plain)
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("CREATE EXTENSION vector")
            db.execute("REVOKE CREATE ON SCHEMA public FROM plain")
        assert "let the user own the database" in await refused(plain)
        assert inside(url) == {}


async def test_an_older_schema_is_brought_up_to_date_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first of several processes that start at once; the others wait for it for longer than they are patient."""
    await (await open_postgres(url)).close()
    later = {"9998_slow": "SELECT pg_sleep(1.2); CREATE TABLE slow (at timestamptz DEFAULT clock_timestamp());"}
    monkeypatch.setattr(postgres_migrations, "STEPS", {**postgres_migrations.STEPS, **later})
    opened = await asyncio.gather(*(open_postgres(url, patience=0.5) for _ in range(5)))
    await asyncio.gather(*(one.close() for one in opened))
    steps = [name for name, _ in inside(url)["floormic_migrations"]]
    assert steps == [*postgres_migrations.STEPS]


async def test_a_newer_schema_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step that is not known is named, and the database stays as it is."""
    await (await open_postgres(url)).close()
    with closing(connect(url)) as db:
        db.execute("INSERT INTO floormic_migrations VALUES ('9999_later', now())")
    before = inside(url)
    assert "newer floormic (it has 9999_later)" in await refused(url)
    assert inside(url) == before


async def test_a_database_of_others_is_refused(url: str) -> None:
    """One that holds tables which are not ours."""
    with closing(connect(url)) as db:
        db.script("CREATE TABLE theirs (x int)")
    assert "holds something else (table theirs)" in await refused(url)
    assert inside(url) == {"theirs": []}


class TestTwoInstallations:
    def settings(self, folder: Path, url: str) -> Settings:
        return Settings(data=folder, database=SecretStr(url))

    async def opens(self, settings: Settings) -> None:
        await (await open_configured(settings)).close()

    async def test_another_data_folder_is_refused_until_it_has_the_same_secret(self, url: str, tmp_path: Path) -> None:
        """Whoever came first founded it; a second process of the same installation, on whatever machine, has a copy of
        the secret. A secret that was made anew on purpose is taken after what the line says."""
        one, other = self.settings(tmp_path / "one", url), self.settings(tmp_path / "other", url)
        await self.opens(one)
        before = inside(url)
        with pytest.raises(StoreError, match="belongs to another installation") as found:
            await self.opens(other)
        assert "copy of that file" in str(found.value)
        assert inside(url) == before
        other.secret_file.write_text(one.secret_file.read_text())
        await self.opens(other)
        one.secret_file.unlink()
        with pytest.raises(StoreError, match="DELETE FROM installation"):
            await self.opens(one)
        with closing(connect(url)) as db:
            db.execute("DELETE FROM installation")
        await self.opens(one)
        assert one.secret_file.read_text().strip() not in repr(inside(url))

    async def test_of_two_that_found_it_at_once_one_is_refused(self, url: str, tmp_path: Path) -> None:
        """And the other one goes on."""
        found = await asyncio.gather(
            *(self.opens(self.settings(tmp_path / name, url)) for name in ("one", "other")), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in found) == ["NoneType", "StoreError"], found

    async def test_another_ones_older_database_is_not_brought_up_to_date(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whose it is comes before what schema it has."""
        await self.opens(self.settings(tmp_path / "one", url))
        before = inside(url)
        steps = {**postgres_migrations.STEPS, "9998_later": "CREATE TABLE later ();"}
        monkeypatch.setattr(postgres_migrations, "STEPS", steps)
        with pytest.raises(StoreError, match="another installation"):
            await self.opens(self.settings(tmp_path / "other", url))
        assert inside(url) == before


class TestClocks:
    def test_the_difference_is_measured(self, url: str) -> None:
        """In seconds, whatever the way there takes."""
        with closing(connect(url)) as db:
            assert abs(ahead(db)) < 0.5
            assert ahead(db, lambda: time.time() + 45) == pytest.approx(45, abs=0.5)
            assert ahead(db, lambda: time.time() - 7) == pytest.approx(-7, abs=0.5)

    @pytest.mark.parametrize(
        ("difference", "expected"), [(0.4, ""), (-1.9, ""), (2.5, "2.5 s ahead of"), (-29.0, "29.0 s behind")]
    )
    def test_one_that_differs_a_little_is_a_warning(
        self, difference: float, expected: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """From 2 seconds on."""
        with caplog.at_level(logging.WARNING):
            check_clock(difference)
        assert expected in caplog.text
        assert bool(caplog.records) is bool(expected)

    async def test_one_that_differs_much_keeps_the_program_from_starting(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From 30 seconds on, either way, before anything is founded; the line says how to set it."""
        for difference, expected in ((31.0, "31.0 s ahead of"), (-3600.0, "3600.0 s behind")):
            monkeypatch.setattr(store, "ahead", lambda db, difference=difference: difference)
            said = await refused(url)
            assert expected in said
            assert "timedatectl set-ntp true" in said
            assert in_language(said, "zh") != said
        assert inside(url) == {}

    async def test_one_that_leaves_the_databases_later_is_told_while_the_program_runs(
        self, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Again and again, in the words of the start; however far it is off, the work goes on."""
        opened = await open_postgres(url)
        differences = iter((0.1, 3.0, 45.0, 3.0))
        monkeypatch.setattr(store, "CLOCK", 0.01)
        monkeypatch.setattr(store, "ahead", lambda db: next(differences, 0.0))
        watching = asyncio.ensure_future(opened.watch_clock())
        async with asyncio.timeout(10):
            while len(caplog.messages) < 3:  # noqa: ASYNC110 (a look)
                await asyncio.sleep(0.01)
        watching.cancel()
        await opened.close()
        told = [line.partition(" s ahead of")[0].rpartition(" ")[2] for line in caplog.messages]
        assert told == ["3.0", "45.0", "3.0"]
