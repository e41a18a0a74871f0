"""`floormic move`: a hall with something in every table, from SQLite to PostgreSQL and back."""

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from click.testing import CliRunner

from bot import cli
from bot.app.keeping import Place, place_of
from bot.app.moving import Done, move, told_move
from bot.errors import BadInput, FloormicError, NotFound, StoreBusy, StoreError
from bot.model import Person, Question
from bot.phrases import in_language
from bot.ports import Store
from bot.storage import migrations, moving, postgres_migrations
from bot.storage.connection import SqliteDatabase
from bot.storage.connection import connect as connect_sqlite
from bot.storage.postgres import open_postgres
from bot.storage.postgres_admission import claim
from bot.storage.postgres_connection import connect as connect_postgres
from bot.storage.sqlite import open_store
from tests.bot.storage import postgres
from tests.bot.storage.acts import arrive, ask, change, merge
from tests.bot.storage.test_migrations import FOURTH, left_behind
from tests.bot.values import TALK, message, state

ORDERED = ("sessions", "questions", "polls", "surveys", "duties")
"""Tables that are read in the order of insertion, though their keys are texts."""


def tables_of(db: SqliteDatabase) -> list[str]:
    return sorted(name for name in db.table_names() if not name.startswith(("_", "sqlite_")))


def fill(file: Path) -> None:
    """Three rows for every table that has none yet, with what is hard to carry: no value, great and tiny numbers,
    characters of four bytes, rows that name rows of other tables."""
    numbers = itertools.count(1)

    def value(column: dict[str, Any], named: dict[str, list[Any]], turn: int) -> Any:
        number = next(numbers)
        if column["name"] in named:
            return named[column["name"]][turn % len(named[column["name"]])]
        if not column["notnull"] and not column["pk"] and turn == 0:
            return None
        kinds = {"TEXT": f"问题 {number} \U0001f399'\\\"\x1f\n", "REAL": number / 7e9, "INTEGER": number + 2**53}
        return kinds.get(column["type"], bytes(range(8)))

    with closing(connect_sqlite(file).conn) as connection:
        db = SqliteDatabase(connection)
        empty = [name for name in tables_of(db) if not db.table(name).count]
        while empty:
            name = empty.pop(0)
            keys = {row["from"]: row for row in db.execute(f"PRAGMA foreign_key_list({name})")}
            if any(row["table"] in empty for row in keys.values()):
                empty.append(name)
                continue
            named = {
                column: [
                    one[0]
                    for one in db.execute(
                        f"SELECT {row['to']} FROM {row['table']} WHERE {row['to']} NOT IN (SELECT {column} FROM {name})"
                    )
                ]
                for column, row in keys.items()
                if row["table"] != name
            }
            columns = list(map(dict, db.execute(f"PRAGMA table_info({name})")))
            for turn in range(min([3, *map(len, named.values())])):
                row = [value(column, named, turn) for column in columns]
                db.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
        assert all(db.table(name).count for name in tables_of(db)), "every table has something to lose"


def dump(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a file, each table in an order that does not depend on how it was written."""
    with closing(connect_sqlite(file, reading=True).conn) as connection:
        db = SqliteDatabase(connection)
        rows = {
            name: sorted((tuple(row) for row in db.execute(f"SELECT {which} FROM {name}")), key=repr)
            for name in [*tables_of(db), "sqlite_sequence"]
            for which in ["rowid, *" if name in ORDERED else "*"]
        }
        rows["sqlite_sequence"] = [row for row in rows["sqlite_sequence"] if row[0] != "_sqlite_migrations"]
        return rows


def held(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


async def evening(store: Store) -> None:
    """Questions, one merged, votes, an answer, what waits; later messages come to a question that was there first."""
    await store.save_session(TALK)
    await ask(store, "b", "u1", text="Wird es aufgezeichnet?")
    await ask(store, "a", "u2", text="有录像吗？")
    await ask(store, "b", "u3")
    await store.vote("a", Person("web", "w1", "Di"), True, 300.0)
    await merge(store, "a", "b")
    await change(
        store, "pin", ((await store.question("b")).state, state("b", title="Wird es aufgezeichnet?", pinned=True))
    )
    await arrive(store, user="u9", text="waits")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "floormic.toml").write_text("")
    return place_of(tmp_path / "floormic.toml")


@pytest.fixture
def file(place: Place) -> Path:
    """A hall in which something happened, and then every table got something."""

    async def live() -> None:
        store = await open_store(place.database)
        await evening(store)
        await store.close()

    asyncio.run(live())
    fill(place.database)
    return place.database


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database("template0") as url:
        yield url


def seen(opening: Callable[[], Awaitable[Store]]) -> tuple[list[Question], list[Any], list[Any], list[Any]]:
    """An evening as whoever works with the store sees it."""

    async def look() -> tuple[list[Question], list[Any], list[Any], list[Any]]:
        store = await opening()
        try:
            vectors = [(one.message, one.vector.tobytes()) for one in await store.remembered("talk")]
            return await store.questions("talk"), await store.placements("talk"), vectors, await store.actions("talk")
        finally:
            await store.close()

    return asyncio.run(look())


def next_id(opening: Callable[[], Awaitable[Store]]) -> int:
    async def receive() -> int:
        store = await opening()
        try:
            await store.receive([message(77_777, session="another")])
            return (await store.pending("another", 10))[0].id
        finally:
            await store.close()

    return asyncio.run(receive())


def is_empty(url: str) -> bool:
    with closing(connect_postgres(url)) as db:
        return not moving.occupied(db)


def test_a_hall_goes_to_postgresql_and_comes_back_the_same(place: Place, file: Path, url: str, tmp_path: Path) -> None:
    """Every row of every table, the order in which questions were founded, vectors bit for bit, and what number comes
    next; on PostgreSQL the evening is the same one. The source is not touched."""
    before, bytes_before = dump(file), held(file)
    expected = seen(lambda: open_store(_copied(file, tmp_path)))
    there = move(place, f"sqlite:{file}", url)
    assert held(file) == bytes_before
    back = move(place, url, f"sqlite:{tmp_path / 'back' / 'hall.db'}")
    assert back.moved.tables == there.moved.tables
    assert {name: seen.rows for name, seen in back.moved.tables.items()} == {
        name: len(rows) for name, rows in before.items() if name != "sqlite_sequence"
    }
    assert dump(tmp_path / "back" / "hall.db") == before
    assert seen(lambda: open_postgres(url)) == expected
    greatest = max(row[0] for row in before["messages"])
    assert next_id(lambda: open_postgres(url)) > greatest
    assert next_id(lambda: open_store(tmp_path / "back" / "hall.db")) > greatest


def _copied(file: Path, folder: Path) -> Path:
    copied = folder / "copied.db"
    copied.write_bytes(file.read_bytes())
    return copied


def test_no_number_is_given_twice_though_its_row_is_gone(place: Place, file: Path, url: str, tmp_path: Path) -> None:
    """The last delivery was deleted before the move: neither side gives its number again."""
    with closing(connect_sqlite(file).conn) as db:
        last = db.execute("SELECT MAX(id) FROM deliveries").fetchone()[0]
        db.execute("DELETE FROM deliveries WHERE id = ?", (last,))
    move(place, str(file), url)
    back = tmp_path / "back.db"
    move(place, url, str(back))
    row = "VALUES ('new', 'talk', '', '', '[]', 0, 'waiting', 0, '', '') RETURNING id"
    columns = "key, session, address, text, buttons, not_before, state, attempts, sent_id, error"
    insert = f"INSERT INTO deliveries ({columns}) {row}"
    with closing(connect_postgres(url)) as there, closing(connect_sqlite(back).conn) as here:
        assert there.execute(insert).fetchone()[0] == here.execute(insert).fetchone()[0] == last + 1


def test_every_table_is_moved_or_known_to_be_of_the_machinery(tmp_path: Path, url: str) -> None:
    """A table of the newest schemas that neither moves nor is named as machinery would be forgotten; one that only one
    of the two has is a fault that stops the move, and one that comes later to both is moved unasked."""
    lite, post = connect_sqlite(tmp_path / "a.db"), connect_postgres(url)
    with closing(lite.conn), closing(post):
        migrations.migrate(lite)
        postgres_migrations.migrate(post)
        plan = {table.name for table in moving.tables(lite, post)}
        assert plan == set(tables_of(lite)) == {name for name in post.columns() if name not in moving.MACHINERY}
        assert set(post.columns()) - plan == moving.MACHINERY - {"_sqlite_migrations"}
        lite.execute("CREATE TABLE later (name TEXT PRIMARY KEY, message INTEGER REFERENCES messages (id)) STRICT")
        lite.execute("INSERT INTO later VALUES ('x', NULL)")
        with pytest.raises(StoreError, match="not of one schema \\(table later\\)"):
            moving.tables(lite, post)
        post.script('CREATE TABLE later (name text COLLATE "C" PRIMARY KEY, message bigint REFERENCES messages (id))')
        names = [table.name for table in moving.tables(lite, post)]
        assert names.index("messages") < names.index("later")
        moved = moving.transfer(lite, post)
        assert moved.tables["later"].rows == 1
        assert [tuple(row) for row in post.execute("SELECT * FROM later")] == [("x", None)]


def test_a_failure_half_way_leaves_the_target_empty(place: Place, file: Path, url: str) -> None:
    """A vector that pgvector refuses comes late: nothing before it stays, the source is as it was, and once it is
    mended the same move goes through."""
    bad = "x'0000c07f0000803f'"
    with closing(connect_sqlite(file).conn) as db:
        good = db.execute("SELECT vector FROM vectors WHERE message = 1").fetchone()[0]
        db.execute(f"UPDATE vectors SET vector = {bad} WHERE message = 1")
    before = held(file)
    with pytest.raises(StoreError, match="NaN not allowed in vector"):
        move(place, str(file), url)
    assert is_empty(url)
    assert held(file) == before
    with closing(connect_sqlite(file).conn) as db:
        db.execute("UPDATE vectors SET vector = ? WHERE message = 1", (good,))
    assert move(place, str(file), url).moved.rows > 50


def test_a_connection_that_is_cut_leaves_the_target_empty(place: Place, file: Path, url: str, tmp_path: Path) -> None:
    """PostgreSQL ends the connection in the midst, as the target and as the source: one line, and nothing there."""

    def cut(done: int, of: int) -> None:
        if done > of // 4:
            postgres.cut(url)

    with pytest.raises(StoreError, match="the database could not do it"):
        move(place, str(file), url, cut)
    assert is_empty(url)
    move(place, str(file), url)
    with pytest.raises(StoreError, match="the database could not do it"):
        move(place, url, str(tmp_path / "back.db"), cut)
    assert not list(tmp_path.glob("back.db*[!k]")), "but the file that locks it"


@pytest.mark.parametrize("back", [False, True])
def test_what_arrives_otherwise_is_found(
    place: Place, file: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """A value that is another one in the target, and a row that is missing: the comparison says which table, and
    nothing is kept."""
    if back:
        move(place, str(file), url)
    insert = moving._insert

    def careless(db: moving.Side, table: moving.Table, rows: Any) -> None:
        if table.name == "votes":
            rows = [(*row[:-1], row[-1] + 1e-9) for row in rows]
        insert(db, table, rows)

    def forgetful(db: moving.Side, table: moving.Table, rows: Any) -> None:
        insert(db, table, rows[1:] if table.name == "votes" else rows)

    for wrong in (careless, forgetful):
        monkeypatch.setattr(moving, "_insert", wrong)
        source, target = (url, str(tmp_path / "back.db")) if back else (str(file), url)
        with pytest.raises(StoreError, match="table votes is not the same"):
            move(place, source, target)
        assert not (tmp_path / "back.db").exists()
        assert back or is_empty(url)


async def test_a_program_that_runs_on_either_side_is_in_the_way(place: Place, tmp_path: Path, url: str) -> None:
    """The source is not moved under a running program, nor into the database of one, and what is just moved cannot be
    opened; the words say what to stop."""
    file = place.database
    store = await open_store(file)
    with pytest.raises(StoreBusy, match="open in another floormic"):
        await asyncio.to_thread(move, place, str(file), url)
    await store.close()
    running = await open_postgres(url)
    for source, target in ((str(file), url), (url, str(tmp_path / "back.db"))):
        with pytest.raises(StoreBusy, match=r"open in another floormic \(processes: 1\)"):
            await asyncio.to_thread(move, place, source, target)
    await running.close()

    def opens(done: int, of: int) -> None:
        with pytest.raises(StoreBusy, match="has the database alone"):
            asyncio.run(open_postgres(url, patience=0.1))
        with pytest.raises(StoreBusy):
            asyncio.run(open_store(file))

    await asyncio.to_thread(move, place, str(file), url, opens)


def test_a_lease_that_has_not_run_out_is_in_the_way(place: Place, file: Path, url: str, tmp_path: Path) -> None:
    """A process of which the server heard seconds ago may still write."""
    move(place, str(file), url)
    with closing(connect_postgres(url)) as db:
        db.execute("INSERT INTO leases VALUES ('pipeline:talk', 'x', '', now() + interval '1 minute')")
        with pytest.raises(StoreBusy, match="has just held pipeline:talk"):
            move(place, url, str(tmp_path / "back.db"))
        db.execute("UPDATE leases SET until = now() - interval '1 second'")
    move(place, url, str(tmp_path / "back.db"))


def test_a_connection_that_is_just_going_is_waited_for(url: str) -> None:
    """The server notices only after a moment that one was closed: that is nobody who is in the way."""
    first = connect_postgres(url)
    claim(first)
    with closing(connect_postgres(url)) as second:
        Timer(0.3, first.close).start()
        claim(second)


def test_a_target_that_holds_anything_is_refused(place: Place, file: Path, url: str, tmp_path: Path) -> None:
    """One row is enough, in a database of ours or of others; nothing is written to it. An empty schema is taken."""
    move(place, str(file), url)
    with pytest.raises(BadInput, match="holds something already"):
        move(place, str(file), url)
    other = tmp_path / "other.db"
    with closing(connect_sqlite(other).conn) as db:
        db.execute("CREATE TABLE theirs (x)")
    before = held(other)
    with pytest.raises(BadInput, match=r"holds something already \(table theirs\)"):
        move(place, url, str(other))
    assert held(other) == before
    ours = tmp_path / "ours.db"
    asyncio.run(_open_and_close(ours))
    assert move(place, url, str(ours)).moved.rows > 50
    with pytest.raises(BadInput, match="holds something already"):
        move(place, url, str(ours))
    with postgres.database("template0") as theirs:
        with closing(connect_postgres(theirs)) as db:
            db.script("CREATE TABLE theirs (x int)")
        with pytest.raises(BadInput, match=r"holds something already \(table theirs\)"):
            move(place, str(file), theirs)
        with closing(connect_postgres(theirs)) as db:
            assert set(db.columns()) == {"theirs"}
    with postgres.database() as schema:
        assert move(place, str(file), schema).moved.rows > 50


async def _open_and_close(file: Path) -> None:
    await (await open_store(file)).close()


def test_an_older_file_is_moved_as_the_newest_schema_has_it(place: Place, url: str) -> None:
    """What a program of long ago wrote arrives as if it had been opened first, and its file stays as it is."""
    place.database.parent.mkdir()
    left_behind(place.database, "0005_one_reason", FOURTH)
    before = held(place.database)
    moved = move(place, str(place.database), url).moved
    assert (moved.tables["messages"].rows, moved.tables["people"].rows) == (3, 1)
    assert held(place.database) == before
    assert [one.name for one in place.data.iterdir() if "move" in one.name] == []
    with closing(connect_sqlite(place.database).conn) as db:
        db.execute("INSERT INTO _sqlite_migrations VALUES (99, 'floormic', '9999_later', '')")
    with pytest.raises(StoreError, match="newer floormic"):
        move(place, str(place.database), url)


def test_a_nul_becomes_a_mark_and_is_told(place: Place, file: Path, url: str) -> None:
    """PostgreSQL cannot hold a NUL: U+FFFD stands in its place, in a text and in JSON, and the count is said."""
    with closing(connect_sqlite(file).conn) as db:
        db.execute("UPDATE messages SET text = ? WHERE id = 1", ("a\x00b",))
        db.execute("UPDATE votes SET name = ?", ("\x00\x00",))
        votes = db.execute("SELECT COUNT(*) FROM votes").fetchone()[0]
    done = move(place, str(file), url)
    assert done.moved.mended == 1 + votes
    assert f"it is U+FFFD now: {1 + votes}" in "\n".join(told_move(done, place))
    with closing(connect_postgres(url)) as post:
        assert post.execute("SELECT text FROM messages WHERE id = 1").fetchone()[0] == "a\ufffdb"


def test_another_installations_database_is_not_moved(place: Place, file: Path, url: str, tmp_path: Path) -> None:
    """A move makes the target this installation's own: with the secret of another one it can be neither opened nor
    moved."""
    move(place, str(file), url)
    place.secret.write_text("another-secret-of-somebody-else\n")
    with pytest.raises(StoreError, match="belongs to another installation"):
        move(place, url, str(tmp_path / "back.db"))
    assert not (tmp_path / "back.db").exists()


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("sqlite:{file}", "sqlite:/tmp/other.db", "one of the two is SQLite and the other one PostgreSQL"),
        ("{url}", "{url}", "one of the two is SQLite and the other one PostgreSQL"),
        ("mysql:x", "{url}", "a database is named as sqlite:PATH or postgresql://"),
        ("sqlite:", "{url}", "a database is named as sqlite:PATH or postgresql://"),
        ("sqlite:/nowhere/at/all.db", "{url}", "there is no database at /nowhere/at/all.db"),
        ("{url}", "/tmp/other.db", "holds no installation"),
        ("sqlite:{file}", "postgresql://me:pass@hidden@host/x", "an @ too many"),
    ],
)
def test_what_cannot_be_moved_is_said(
    place: Place, file: Path, url: str, source: str, target: str, expected: str
) -> None:
    """Addresses that are none, that are of one kind, or that lead to nothing."""
    with pytest.raises(FloormicError, match=expected) as found:
        move(place, source.format(file=file, url=url), target.format(file=file, url=url))
    assert "hidden" not in str(found.value)
    assert is_empty(url)


def test_the_command_says_what_to_put_into_the_configuration(place: Place, file: Path, url: str) -> None:
    """Counts, the line of the configuration without the password, and back again what to take out of it; in Chinese
    for whoever reads Chinese."""
    config = str(place.config)
    ran = CliRunner().invoke(
        cli.floormic,
        ["move", "--config", config, "--from", f"sqlite:{file}", "--to", url.replace("postgres:@", "postgres:hidden@")],
        standalone_mode=False,
        env={"LANG": "en_US.UTF-8"},
    )
    assert ran.exception is None, ran.output
    assert "numbers and checksums are the same on both sides" in ran.output
    assert 'Put into the configuration, before any table: database = "postgresql://postgres@/' in ran.output
    assert "hidden" not in ran.output
    assert "FLOORMIC_DATABASE" in ran.output
    target = file.with_name("back.db")
    lines = list(told_move(Done(url, target, move(place, url, str(target)).moved), place))
    assert lines[1] == "Take `database` out of the configuration, and the variable FLOORMIC_DATABASE away."
    assert lines[2] == f"Put {target} in the place of {file}."
    for line in (*lines, *ran.output.splitlines()):
        assert in_language(line, "zh") != line, f"in the book: {line}"
    assert isinstance(NotFound(), FloormicError)
