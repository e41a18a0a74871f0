"""What `floormic doctor` finds, with each fault made for real."""

import asyncio
import datetime
import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot import cli
from bot.app.doctor import (
    Finding,
    Verdict,
    examine,
    holdings,
    machine,
    machine_probes,
    network_probes,
    outside,
    store_probes,
    told_examination,
)
from bot.app.hall import open_hall
from bot.app.keeping import back_up, place_of
from bot.app.sources import KINDS, load
from bot.model import Session
from bot.phrases import in_language
from bot.storage.sqlite import open_store
from knowledge.calibration import bundled_calibration
from tests.bot.encoders import SameWords
from tests.bot.values import message
from tests.fake_telegram import TOKEN, FakeTelegram

OK, WARNING, FAULT = Verdict.OK, Verdict.WARNING, Verdict.FAULT
TALK = '[[session]]\nid = "talk"\ntitle = "Talk"\n'


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def filled(database: Path, at: float = 0.0) -> None:
    store = await open_store(database)
    await store.save_session(Session("talk", "Talk"))
    await store.receive([message(1, at=at or time.time())])
    await store.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An installation on which there is nothing to mend; its database is closed."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "secret").write_text("Xk29fLq0aTz7RbVwXk29fLq0aTz7RbVw")
    (data / "secret").chmod(0o600)
    file = tmp_path / "floormic.toml"
    file.write_text(f"[web]\nport = {free_port()}\n{TALK}")
    asyncio.run(filled(data / "floormic.sqlite3"))
    return file


def found(config: Path, limit: float = 5.0) -> Mapping[str, Finding]:
    """By check; of several the worst."""
    order = [OK, WARNING, FAULT]
    return {
        one.check: one for one in sorted(examine(config, limit=limit).findings, key=lambda f: order.index(f.verdict))
    }


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_where_all_is_well_nothing_is_to_be_mended(config: Path) -> None:
    """Every check has a finding, and none is a fault."""
    examined = examine(config)
    assert [one for one in examined.findings if one.verdict is FAULT] == []
    assert examined.safe
    assert {"disk room", "file system", "clock", "database", "schema", "secret", "port"} <= set(found(config))


def test_what_is_to_be_mended_says_how(config: Path) -> None:
    """Each warning and fault has a line of what to do, and no line is more than one."""
    (config.parent / "data/secret").chmod(0o644)
    for one in examine(config).findings:
        assert bool(one.mend) is (one.verdict is not OK), one
        assert "\n" not in one.what + one.mend


# -- it writes nothing -------------------------------------------------------------------------------------------------


def test_nothing_is_written_into_an_installation_that_is_stopped(config: Path) -> None:
    """No file comes, goes or changes, not even beside the database."""
    before = snapshot(config.parent)
    examine(config)
    assert snapshot(config.parent) == before


def test_nothing_is_written_into_a_new_installation(tmp_path: Path) -> None:
    """Before the first start there is no data folder, and afterwards neither; that is no fault."""
    (tmp_path / "floormic.toml").write_text(f"[web]\nport = {free_port()}\n")
    assert examine(tmp_path / "floormic.toml").safe
    assert [path.name for path in tmp_path.iterdir()] == ["floormic.toml"]


KILLED = """
import asyncio, os, signal, sys
from bot.storage.sqlite import open_store
from tests.bot.values import message

async def main():
    store = await open_store(sys.argv[1])
    await store.receive([message(n, at=float(sys.argv[2])) for n in range(2, 50)])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_an_installation_that_was_killed_is_read_with_its_log(config: Path) -> None:
    """What is only in the log counts, and the log stays as it is."""
    subprocess.run([sys.executable, "-c", KILLED, config.parent / "data/floormic.sqlite3", str(time.time() + 7200)])
    before = snapshot(config.parent)
    findings = found(config)
    assert snapshot(config.parent) == before
    assert findings["database"].verdict is OK
    assert (findings["clock"].verdict, "behind the newest message" in findings["clock"].what) == (FAULT, True)


async def test_a_running_program_is_looked_at_and_found_to_be_itself(config: Path) -> None:
    """It goes on accepting; the port answers as this program, its sources are asked for and not tried again."""
    async with open_hall(load(config), encoder=SameWords()) as hall:
        examined = await asyncio.to_thread(examine, config)
        await hall.floor.receive([message(7)])
    findings = {one.check: one for one in examined.findings}
    assert examined.running
    assert findings["port"] == Finding("port", OK, findings["port"].what)
    assert "the program answers" in findings["port"].what
    assert findings["database"].verdict is OK


# -- data --------------------------------------------------------------------------------------------------------------


def test_a_damaged_database_is_a_fault(config: Path) -> None:
    """Bytes that somebody overwrote are found."""
    with (config.parent / "data/floormic.sqlite3").open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(65536))
    assert found(config)["database"].verdict is FAULT


def test_a_file_that_is_no_database_is_a_fault(config: Path) -> None:
    """Also where it cannot even be opened, and every other check still says its word."""
    (config.parent / "data/floormic.sqlite3").write_bytes(b"not a database" * 1000)
    findings = found(config)
    assert findings["database"].verdict is FAULT
    assert findings["secret"].verdict is OK


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        pytest.param("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
                     "VALUES ('floormic', '9999_future', '')", FAULT, id="newer"),
        pytest.param("DELETE FROM _sqlite_migrations WHERE id = (SELECT MAX(id) FROM _sqlite_migrations)",
                     WARNING, id="older"),
    ],
)  # fmt: skip
def test_a_schema_of_another_version_is_told(config: Path, change: str, verdict: Verdict) -> None:
    """A newer one cannot be used; an older one will be changed by the next start."""
    db = sqlite3.connect(config.parent / "data/floormic.sqlite3")
    db.execute(change)
    db.commit()
    db.close()
    assert found(config)["schema"].verdict is verdict


def test_data_and_secrets_that_others_can_read_are_told(config: Path) -> None:
    """A folder that is open is worth a word, a secret that is open is to be mended."""
    data = config.parent / "data"
    data.chmod(0o755)
    (data / "floormic.sqlite3").chmod(0o644)
    assert found(config)["data folder"].verdict is WARNING
    (data / "secret").chmod(0o644)
    assert found(config)["secret files"].verdict is FAULT
    (data / "secret").chmod(0o640)
    assert found(config)["secret files"].verdict is WARNING
    data.chmod(0o777)
    assert found(config)["data folder"].verdict is FAULT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_told(config: Path) -> None:
    """What root made in the folder of the program cannot be written by it."""
    os.chown(config.parent / "data/floormic.sqlite3", 12345, 12345)
    assert found(config)["data folder"].verdict is FAULT


@pytest.mark.parametrize("secret", ["short", "change-me-change-me-change-me", "aaaaaaaaaaaaaaaaaaaaaaaa", ""])
def test_a_secret_that_is_none_is_a_fault(config: Path, secret: str) -> None:
    """Short, default, repeated, empty."""
    (config.parent / "data/secret").write_text(secret)
    assert found(config)["secret"].verdict is FAULT


def test_a_secret_that_is_gone_is_told(config: Path) -> None:
    """Everybody would have to sign in again."""
    (config.parent / "data/secret").unlink()
    assert found(config)["secret"].verdict is WARNING
    assert not (config.parent / "data/secret").exists()


def test_a_key_in_a_configuration_that_others_can_read_is_a_fault(config: Path) -> None:
    """In one that they cannot it is still a warning, for it is shared with the file."""
    config.write_text(f'{TALK}[intake]\nsecret = "Xk29fLq0aTz7RbVw"\n')
    config.chmod(0o644)
    assert found(config)["secret files"].verdict is FAULT
    config.chmod(0o600)
    assert found(config)["secret files"].verdict is WARNING


def test_mistakes_of_the_configuration_are_faults_and_the_rest_is_looked_at(config: Path) -> None:
    """A variable that is not set stops neither the database nor the disk from being looked at."""
    config.write_text(f"{TALK}[telegram]\n[web]\nprot = 1\n")
    examined = examine(config)
    faults = [one.what for one in examined.findings if one.check == "configuration"]
    assert len(faults) == 2
    assert not examined.safe
    assert {"database", "disk room"} <= {one.check for one in examined.findings}


class TestBackups:
    def test_none_is_a_warning(self, config: Path) -> None:
        """Where there is something to lose."""
        assert found(config)["backups"].verdict is WARNING

    def test_a_whole_one_of_today_is_well(self, config: Path) -> None:
        """It was read to its end."""
        back_up(place_of(config))
        assert found(config)["backups"].verdict is OK

    def test_an_old_one_is_a_warning(self, config: Path) -> None:
        """Its age is that in its name, whatever the file system says."""
        made = back_up(place_of(config)).file
        made.rename(made.with_name("floormic-20200101T000000Z.tar"))
        assert found(config)["backups"].verdict is WARNING

    def test_a_damaged_one_is_a_fault(self, config: Path) -> None:
        """One flipped bit."""
        made = back_up(place_of(config)).file
        data = bytearray(made.read_bytes())
        data[10_000] ^= 1
        made.write_bytes(data)
        assert found(config)["backups"].verdict is FAULT


# -- machine -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "files", "database", "verdict"),
    [
        (80e9, 1000, 10e6, OK),
        (80e9, None, 10e6, OK),
        (80e9, 0, 10e6, FAULT),
        (100e6, 1000, 10e6, FAULT),
        (1e9, 1000, 800e6, WARNING),
    ],
)
def test_room_is_judged_by_the_database_and_an_evening(
    free: float, files: int | None, database: float, verdict: Verdict
) -> None:
    """Too little for an evening is a fault, too little to pack the database is a warning; so are files without end."""
    assert machine.judge_room(int(free), files, int(database), 5000).verdict is verdict


def test_the_largest_evening_of_the_store_counts() -> None:
    """Who had a hundred thousand messages once may have them again."""
    assert machine.judge_room(200_000_000, 9, 0, 0).verdict is OK
    assert machine.judge_room(200_000_000, 9, 0, 100_000).verdict is FAULT


def test_a_small_disk_is_found(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel tells it."""
    about = os.statvfs(config.parent)
    fields = [*about[:4], 1000, *about[5:]]
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    assert found(config)["disk room"].verdict is FAULT


@pytest.mark.parametrize(
    ("kind", "read_only", "verdict"),
    [
        ("ext4", False, OK), ("", False, OK), ("ext4", True, FAULT), ("nfs4", False, FAULT), ("cifs", False, FAULT),
        ("9p", False, FAULT), ("fuse.sshfs", False, FAULT), ("tmpfs", False, WARNING), ("overlay", False, WARNING),
    ],
)  # fmt: skip
def test_file_systems_on_which_the_log_does_not_work_are_faults(kind: str, read_only: bool, verdict: Verdict) -> None:
    """Network and read-only ones; one that is gone with the machine is a warning."""
    assert machine.judge_system(kind, read_only).verdict is verdict


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    """The longest mount point that holds the folder, also with blanks in it; of two at one place the later one."""
    (tmp_path / "my data/deep").mkdir(parents=True)
    line = "36 35 98:0 / {} rw,noatime master:1 - {} /dev/x rw\n".format
    shown = str(tmp_path / "my data").replace(" ", "\\040")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(line("/", "ext4") + line(shown, "ext4") + line(shown, "nfs4") + line("/other", "tmpfs"))
    assert machine_probes.file_system(tmp_path / "my data/deep/data", mounts) == "nfs4"
    assert machine_probes.file_system(tmp_path, mounts) == "ext4"


def test_the_real_file_system_is_told() -> None:
    """/dev/shm is a tmpfs on every Linux."""
    assert machine_probes.file_system(Path("/dev/shm")) == "tmpfs"


@pytest.mark.parametrize(
    ("ahead", "synchronised", "newest", "verdict"),
    [
        ({}, True, None, OK),
        ({}, None, None, OK),
        ({}, False, None, WARNING),
        ({"a": 1.0}, False, None, OK),
        ({"a": -20.0}, True, None, WARNING),
        ({"a": 900.0}, True, None, FAULT),
        ({"a": 900.0, "b": 0.2}, True, None, OK),
        ({}, True, 2000.0, FAULT),
        ({}, True, 1010.0, OK),
    ],
)
def test_clocks_are_judged(
    ahead: Mapping[str, float], synchronised: bool | None, newest: float | None, verdict: Verdict
) -> None:
    """Servers first (one that is wrong itself is overruled), then the kernel; never before the newest message."""
    assert machine.judge_clock(ahead, synchronised, newest, 1000.0).verdict is verdict


def test_a_program_that_was_off_for_long_or_has_a_wrong_clock_is_told_that_forgetting_waits(config: Path) -> None:
    """Where old evenings are forgotten at all, before the start and in the day after it."""
    (config.parent / "data/floormic.sqlite3").unlink()
    asyncio.run(filled(config.parent / "data/floormic.sqlite3", time.time() - 40 * 86_400))
    assert "forgetting" not in found(config)
    config.write_text(f"{config.read_text()}[privacy]\nkeep_days = 30\n")
    assert found(config)["forgetting"].verdict is WARNING
    assert "40 days went by" in found(config)["forgetting"].what


async def test_a_clock_is_compared_with_that_of_a_chat() -> None:
    """By its Date header, whatever it answers otherwise."""

    async def late(request: web.Request) -> web.Response:
        return web.Response(status=404, headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})

    async with serving(late) as url:
        [ahead] = (await network_probes.clocks([url], 5)).values()
    assert ahead == pytest.approx(time.time() - 1_767_225_600, abs=5)


def test_the_kernel_tells_whether_something_sets_the_clock() -> None:
    """Where it may be asked; it never raises."""
    assert machine_probes.is_synchronised() in {True, False, None}


def test_a_zone_that_nobody_chose_is_told() -> None:
    """Quiet hours in UTC are rarely meant."""
    assert machine.judge_zone("", 0.0, "UTC").verdict is WARNING
    assert machine.judge_zone("", 28_800.0, "CST").verdict is OK
    assert machine.judge_zone("Etc/UTC", 0.0, "UTC").verdict is OK


@pytest.mark.parametrize(
    ("available", "running", "verdict"),
    [(4e9, False, OK), (0.9e9, False, WARNING), (0.5e9, False, FAULT), (0.5e9, True, OK), (0.1e9, True, WARNING),
     (None, False, OK)],
)  # fmt: skip
def test_memory_is_judged_by_what_the_model_takes(available: float | None, running: bool, verdict: Verdict) -> None:
    """A program that runs has its own already."""
    assert machine.judge_memory(available, running).verdict is verdict


def test_a_container_has_no_more_memory_than_it_may(tmp_path: Path) -> None:
    """The smaller of the two counts."""
    (tmp_path / "memory.max").write_text("300000000\n")
    (tmp_path / "memory.current").write_text("100000000\n")
    assert machine_probes.memory_available(tmp_path) == 200_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert (machine_probes.memory_available(tmp_path) or 0) > 200_000_000


def test_the_limit_of_open_files_is_that_of_the_process() -> None:
    """Of another one as it runs with it, not as we do."""
    child = subprocess.Popen(["bash", "-c", "ulimit -n 200; echo ready; read"], stdin=-1, stdout=-1)
    assert child.stdout
    child.stdout.readline()
    assert machine_probes.descriptors(child.pid) == 200
    child.communicate(b"\n")
    assert [machine.judge_descriptors(limit).verdict for limit in (200, 1024, 65_536)] == [FAULT, WARNING, OK]


def test_an_sqlite_with_the_bug_is_told() -> None:
    """3.7.0 to 3.51.2 may lose committed rows."""
    verdicts = [
        machine.judge_sqlite(one, "sqlite3").verdict for one in ((3, 46, 1), (3, 51, 2), (3, 51, 3), (3, 53, 0))
    ]
    assert verdicts == [WARNING, WARNING, OK, OK]


def test_packages_that_are_too_old_or_missing_are_faults() -> None:
    """Against what the program itself requires; what is only for some systems or extras may be missing."""
    required = [
        "aiohttp>=3.13.4",
        "pypdf[crypto]>=6.0",
        'pysqlite3>=0.6.1; sys_platform == "x"',
        'a>=1; extra == "dev"',
    ]
    has = {"aiohttp": "3.13.4", "pypdf": "6.1"}
    assert machine.judge_packages(required, has, (3, 11, 7)).verdict is OK
    old = machine.judge_packages(required, {**has, "aiohttp": "3.13.3"}, (3, 11, 7))
    assert (old.verdict, "aiohttp 3.13.3 (at least 3.13.4)" in old.what) == (FAULT, True)
    assert machine.judge_packages(required, {"aiohttp": "3.14"}, (3, 11, 7)).verdict is FAULT
    assert machine.judge_packages(required, has, (3, 10, 2)).verdict is FAULT


def test_what_is_installed_here_is_found() -> None:
    """Its own requirements are read from its metadata."""
    required, installed = machine_probes.packages()
    assert any(line.startswith("aiohttp>=") for line in required)
    assert "aiohttp" in installed


def test_root_is_no_user_for_it() -> None:
    """Nor is one whose data are another's."""
    assert [machine.judge_user(*one).verdict for one in ((0, 0), (5, 6), (5, 5))] == [WARNING, WARNING, OK]


# -- model and courses -------------------------------------------------------------------------------------------------


def test_a_model_whose_weights_were_cut_off_is_a_fault(tmp_path: Path) -> None:
    """As a download that broke leaves it; the model is not loaded for that."""
    assert store_probes.broken_model("bundled") == store_probes.broken_model("bundled-int8") == ""
    model = tmp_path / "model"
    model.mkdir()
    assert "no weights" in store_probes.broken_model(str(model))
    head = json.dumps({"w": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}}).encode()
    weights = model / "model.safetensors"
    weights.write_bytes(len(head).to_bytes(8, "little") + head + b"12345678")
    assert store_probes.broken_model(str(model)) == ""
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "not whole" in store_probes.broken_model(str(model))
    weights.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "not whole" in store_probes.broken_model(str(model))


def test_a_model_without_a_calibration_is_a_warning(config: Path, tmp_path: Path) -> None:
    """Its answers are only suggested. Of what another process has nothing is said that only asking would tell."""
    ours = bundled_calibration().fingerprint
    assert [store_probes.is_calibrated("unix:/a", tmp_path, one) for one in (ours, "", "other")] == [True, None, None]
    assert store_probes.is_calibrated("bundled", tmp_path, "") is True
    assert store_probes.is_calibrated("bundled-int8", tmp_path, "") is True
    assert store_probes.is_calibrated("another/model", tmp_path, "") is False
    assert [holdings.judge_encoder("", one).verdict for one in (True, None, False)] == [OK, OK, WARNING]


def test_what_the_program_would_not_start_with_is_a_fault(tmp_path: Path) -> None:
    """A calibration that cannot be used is named with its file. Vectors of another model are told where that is sure:
    ours beside one's own, or one's own beside ours, but not beside what another process has."""
    assert store_probes.broken_calibration(tmp_path) == ""
    (tmp_path / "calibration.json").write_text("{")
    broken = store_probes.broken_calibration(tmp_path)
    assert broken == str(tmp_path / "calibration.json")
    told = holdings.judge_encoder("", True, broken)
    assert (told.verdict, broken in told.what, "delete the file" in told.mend) == (FAULT, True, True)
    ours = bundled_calibration().fingerprint
    tried = [
        ("bundled", ours),
        ("bundled-int8", ours),
        ("bundled", ""),
        ("models/mine", "another"),
        ("unix:/run/e", ours),
    ]
    assert not any(store_probes.other_vectors(*one) for one in tried)
    assert all(store_probes.other_vectors(*one) for one in [("models/mine", ours), ("bundled", "another")])
    assert holdings.judge_encoder("", False, "", others=True).mend == "floormic reencode"


def test_a_course_with_mistakes_is_told(config: Path) -> None:
    """With the first of them and its place."""
    course = config.parent / "course"
    course.mkdir()
    (course / "faq.md").write_text("## A question without an answer\n")
    config.write_text(f'{TALK}course = "course"\n')
    assert (found(config)["course"].verdict, "faq.md:1" in found(config)["course"].what) == (WARNING, True)


# -- pages -------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(handler: object, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"{'https' if context else 'http'}://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


def certified(folder: Path, days: float, name: str = "localhost") -> ssl.SSLContext:
    """A server's side of TLS whose certificate, its own authority, ends so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=90))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    hidden = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(pem + hidden)
    (folder / "authority.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.parametrize(
    ("days", "name", "trusted", "verdict", "said"),
    [
        pytest.param(60.0, "localhost", True, OK, "good for", id="good"),
        pytest.param(10.0, "localhost", True, WARNING, "ends in", id="ends soon"),
        pytest.param(-1.0, "localhost", True, FAULT, "expired", id="expired"),
        pytest.param(60.0, "elsewhere.example", True, FAULT, "localhost", id="another name"),
        pytest.param(60.0, "localhost", False, FAULT, "self-signed", id="nobody knows who signed it"),
    ],
)
async def test_certificates_are_looked_at(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: float,
    name: str,
    trusted: bool,
    verdict: Verdict,
    said: str,
) -> None:
    """Served by a real server, checked as browsers do."""
    context = certified(tmp_path, days, name)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    async def hello(request: web.Request) -> web.Response:
        return web.Response()

    async with serving(hello, context) as url:
        one = outside.judge_certificate(*await network_probes.certificate(url, time.time(), 5))
    assert (one.verdict, said in one.what) == (verdict, True), one


async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that takes a connection and says nothing."""
    await asyncio.sleep(600)
    writer.close()  # held until then: Python 3.13 closes what nobody holds


async def test_a_server_that_does_not_answer_is_told_within_the_limit() -> None:
    """Neither TLS nor the page is waited for."""
    held = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = held.sockets[0].getsockname()[1]
    began = time.monotonic()
    days, trouble = await network_probes.certificate(f"https://127.0.0.1:{port}", time.time(), 0.3)
    answer = await network_probes.ask(f"http://127.0.0.1:{port}", frozenset(), 0.3)
    assert (days, "no answer within" in trouble, "no answer within" in answer.trouble) == (None, True, True)
    assert time.monotonic() - began < 10
    held.close()


async def test_a_public_address_that_leads_elsewhere_is_a_fault(config: Path) -> None:
    """To a page of somebody else, to another Floormic, to nothing; to this one it is well."""
    settings = load(config)

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="Welcome to nginx!")

    async def other(request: web.Request) -> web.Response:
        return web.json_response([{"id": "another", "title": "Another talk"}])

    here = frozenset({"talk"})
    async with open_hall(settings, encoder=SameWords()), serving(hello) as nginx, serving(other) as second:
        verdicts = [
            outside.judge_way_in(url, await network_probes.ask(url, here, 5)).verdict
            for url in (settings.web.url, nginx, second, "http://127.0.0.1:1")
        ]
    assert verdicts == [OK, FAULT, FAULT, FAULT]


def test_an_address_that_can_be_listened_to_is_told() -> None:
    """http outside of this machine, or none at all."""
    verdicts = [
        outside.judge_address(*one).verdict
        for one in (
            ("https://floor.example.org", "127.0.0.1"), ("http://localhost:8080", "127.0.0.1"),
            ("http://floor.example.org", "0.0.0.0"), ("", "127.0.0.1"), ("", "0.0.0.0"),
        )
    ]  # fmt: skip
    assert verdicts == [OK, OK, WARNING, WARNING, WARNING]


def test_proxies_that_anybody_can_be_are_a_fault() -> None:
    """And none at all before an https address is a warning."""
    https = "https://floor.example.org"
    verdicts = [
        outside.judge_proxies(https, "127.0.0.1", trusted).verdict
        for trusted in (["127.0.0.1"], ["10.0.0.0/8"], [], ["0.0.0.0/0"], ["::/0"], ["11.0.0.0/8"])
    ]
    assert verdicts == [OK, OK, WARNING, FAULT, FAULT, FAULT]


def test_a_stopped_program_is_not_asked_for_on_its_way_in(config: Path) -> None:
    """systemd would start it; that it could not be followed is said, and is no fault."""
    config.write_text(f'[web]\nport = {load(config).web.port}\npublic_url = "http://localhost:1"\n{TALK}')
    assert (found(config)["way in"].verdict, "does not run" in found(config)["way in"].what) == (OK, True)


def test_a_port_that_another_program_has_is_a_fault(config: Path) -> None:
    """Found before the evening and not at the start."""
    port = load(config).web.port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert found(config, limit=1)["port"].verdict is FAULT


# -- chats -------------------------------------------------------------------------------------------------------------


def telegram(config: Path, base_url: str) -> None:
    file = config.parent / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    port = load(config).web.port
    config.write_text(
        f'[web]\nport = {port}\n{TALK}[telegram]\nmode = "polling"\ntoken_file = "token"\nbase_url = "{base_url}"\n'
    )


async def test_the_keys_of_a_chat_are_tried(config: Path) -> None:
    """As `floormic connect` does; what the platform answered is told."""
    async with FakeTelegram() as server:
        telegram(config, server.base_url.removesuffix("/bot"))
        one = (await asyncio.to_thread(found, config))["chat"]
    assert (one.verdict, "floormic_bot" in one.what) == (OK, True), one


async def test_a_chat_that_does_not_even_stop_holds_nobody_up(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was given up may take its time to tidy up."""

    async def stubborn(*_: object) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        return ""

    telegram(config, "http://127.0.0.1:1")
    monkeypatch.setitem(KINDS, "telegram", replace(KINDS["telegram"], try_out=stubborn))
    began = time.monotonic()
    one = (await asyncio.to_thread(found, config, 1.0))["chat"]
    assert (one.verdict, "no answer within" in one.what) == (FAULT, True)
    assert time.monotonic() - began < 15


async def test_a_chat_that_hangs_is_a_fault_and_holds_nobody_up(config: Path) -> None:
    """Each look has its time, so that all of them together take no longer than the longest."""
    held = await asyncio.start_server(silent, "127.0.0.1", 0)
    telegram(config, f"http://127.0.0.1:{held.sockets[0].getsockname()[1]}")
    began = time.monotonic()
    examined = await asyncio.to_thread(examine, config, limit=1.0)
    assert time.monotonic() - began < 15
    [one] = [one for one in examined.findings if one.check == "chat"]
    assert (one.verdict, "no answer within" in one.what) == (FAULT, True)
    assert not examined.safe
    held.close()


def test_a_source_that_cannot_be_tried_says_so(config: Path) -> None:
    """It is no fault."""
    (config.parent / "data/lobby").write_text("Xk29fLq0aTz7RbVw")
    (config.parent / "data/lobby").chmod(0o600)
    config.write_text(f'{TALK}[intake]\nsecret_file = "data/lobby"\n')
    one = found(config)["chat"]
    assert (one.verdict, "nothing to try" in one.what) == (OK, True)


def test_a_look_that_breaks_or_hangs_is_told_and_the_others_go_on(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network disk that is gone does not answer for minutes."""

    def hanging(*_: object) -> None:
        time.sleep(30)

    def breaking(*_: object) -> None:
        raise RuntimeError("nobody expected this")

    monkeypatch.setattr(machine_probes, "room", hanging)
    monkeypatch.setattr(machine_probes, "packages", breaking)
    began = time.monotonic()
    findings = found(config, limit=1.0)
    assert time.monotonic() - began < 15
    assert (findings["disk room"].verdict, findings["packages"].verdict) == (WARNING, WARNING)
    assert "nobody expected this" in findings["packages"].what
    assert findings["database"].verdict is OK


# -- the command -------------------------------------------------------------------------------------------------------


def doctor(config: Path, *options: str, language: str = "en_US.UTF-8") -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(cli.__file__).parent.parent), "LANG": language}
    command = [sys.executable, "-m", "bot.cli", "doctor", "--config", str(config), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**env, "HOME": "/tmp"})


def test_the_status_says_whether_it_is_safe(config: Path) -> None:
    """0 safe, 1 something must be mended; the verdict is in words and marks, not in colours alone."""
    done = doctor(config)
    assert (done.returncode, "Safe to run tonight" in done.stdout, done.stderr) == (0, True, "")
    (config.parent / "data/secret").write_text("short")
    done = doctor(config)
    assert (done.returncode, "Not safe to run tonight" in done.stdout) == (1, True)
    assert "✗ mend: the secret of this installation is too easy to guess" in done.stdout
    assert "      → delete the file; a new one is made" in done.stdout


def test_programs_read_it_as_json(config: Path) -> None:
    """`safe` and the findings, with names that stay the same."""
    (config.parent / "data/secret").write_text("short")
    said = json.loads(doctor(config, "--json").stdout)
    assert said["safe"] is False
    [secret] = [one for one in said["findings"] if one["check"] == "secret"]
    assert set(secret) == {"group", "check", "verdict", "what", "mend"}
    assert secret["verdict"] == "fault"


def test_chinese_lines_have_their_parts_in_their_places() -> None:
    """A part that is a sentence of its own does not swallow the words around it."""
    free = outside.judge_free_port("127.0.0.1", 8080, "", False)
    taken = outside.judge_free_port("127.0.0.1", 8080, "another program uses it", False)
    assert in_language(free.what, "zh") == "127.0.0.1 的端口 8080 空闲"
    assert in_language(taken.what, "zh") == "127.0.0.1 的端口 8080：被别的程序占用"


def test_it_speaks_chinese(config: Path) -> None:
    """Every line of it."""
    lines = [line for line, _ in told_examination(examine(config), "zh") if line.strip()]
    english = [line for line in lines if not any("\u4e00" <= one <= "\u9fff" for one in line)]
    assert english == []
