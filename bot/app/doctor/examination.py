"""One examination: every look at once, each with its time, and nothing that one of them meets keeps the others."""

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # documented: the driver it found best

from bot.app.doctor import (
    holdings,
    machine,
    machine_probes,
    network_probes,
    outside,
    shared,
    shared_probes,
    store_probes,
)
from bot.app.doctor.finding import Finding, Verdict, ok, warning
from bot.app.doctor.shared_probes import Shared
from bot.app.doctor.store_probes import Stored
from bot.app.keeping import Place, backups_in, place_of
from bot.app.source_status import installation, standing
from bot.app.sources import load
from bot.errors import FloormicError, SettingsError
from bot.settings import Settings
from bot.storage.copying import Inside
from knowledge.course import read_course

LIMIT = 10.0
"""Seconds that a look may take."""

READABLE = 2 << 30
"""Bytes of a backup that are read to the end."""

Look = Callable[["Subject"], Awaitable[Finding | Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class Examined:
    """Findings by group, in the order in which they are told."""

    at: float
    seconds: float
    running: bool
    groups: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def findings(self) -> list[Finding]:
        return [one for found in self.groups.values() for one in found]

    @property
    def safe(self) -> bool:
        return all(one.verdict is not Verdict.FAULT for one in self.findings)


@dataclass
class Subject:
    """What is examined. `settings` is None where the configuration cannot be used; `problems` says why."""

    config: Path | None
    place: Place
    settings: Settings | None
    problems: Sequence[str]
    now: float
    limit: float
    shared: Shared | None = None
    unusable: str = ""
    """What PostgreSQL says, and why it says nothing; neither where the database is a file."""

    @cached_property
    def runner(self) -> int:
        if not self.place.postgres:
            return self.place.runner
        return -1 if self.shared and self.shared.users else 0  # on whatever machine

    @property
    def founded(self) -> bool:
        """Whether there is anything to lose."""
        return bool(self.shared and self.shared.schema) if self.place.postgres else self.place.database.exists()

    @cached_property
    def _store(self) -> "asyncio.Task[Stored | None]":
        return asyncio.ensure_future(asyncio.to_thread(store_probes.stored, self.place))

    async def store(self) -> Stored | None:
        """Read once for all looks. None where there is no database, or none that can be read; `database` says so."""
        if self.place.postgres:
            return _stored(self.shared) if self.shared else None
        try:
            return await asyncio.shield(self._store)
        except FloormicError:
            return None


def _stored(shared: Shared) -> Stored:
    """As far as it says the same of a file; on this machine's disk it takes nothing."""
    inside = Inside(shared.schema, {})
    return Stored(inside, (), shared.newest, shared.largest, shared.sessions, shared.encoder, 0, shared.looked)


class Detached(ThreadPoolExecutor):
    """A thread for each piece of work, which nobody waits for at the end: a dead network disk or name server must not
    hold the command."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()

        def run() -> None:
            try:
                result = work(*arguments, **named)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...


def examine(config: Path | None, *, now: Callable[[], float] = time.time, limit: float = LIMIT) -> Examined:
    """Look at an installation; `limit`: seconds for each look. Raises `SettingsError` where the configuration is no
    file that can be read at all."""
    place = place_of(config)
    problems: Sequence[str] = ()
    settings: Settings | None = None
    try:
        settings = load(config)
    except SettingsError as error:
        problems = error.problems
    return asyncio.run(_examine(Subject(config, place, settings, problems, now(), limit)))


async def _examine(subject: Subject) -> Examined:
    asyncio.get_running_loop().set_default_executor(Detached())
    began = time.monotonic()
    if subject.place.postgres:  # the other looks want to know whether the program runs
        await _ask_postgres(subject)
    looks = [(group, name, look) for group, all_ in LOOKS.items() for name, look in all_]
    found = await asyncio.gather(*(_within(subject, name, look) for _, name, look in looks))
    groups: dict[str, list[Finding]] = {}
    for (group, _, _), findings in zip(looks, found, strict=True):
        groups.setdefault(group, []).extend(findings)
    told = {group: findings for group, findings in groups.items() if findings}
    return Examined(subject.now, time.monotonic() - began, bool(subject.runner), told)


async def _ask_postgres(subject: Subject) -> None:
    asking = asyncio.to_thread(shared_probes.shared, subject.place, subject.now, subject.limit / 4)
    try:
        subject.shared = await asyncio.wait_for(asking, subject.limit)
    except FloormicError as error:
        subject.unusable = str(error)
    except TimeoutError:
        subject.unusable = f"the database does not answer within {subject.limit:g} s"


async def _within(subject: Subject, name: str, look: Look) -> Sequence[Finding]:
    """What a look finds, or that it found nothing in its time."""
    task = asyncio.ensure_future(look(subject))
    # Longer than each single question to the network, so that those say themselves what did not answer.
    done, _ = await asyncio.wait({task}, timeout=1.5 * subject.limit)
    if not done:
        task.cancel()
        said = f"{name}: this took longer than {1.5 * subject.limit:g} s and was not looked at"
        return [warning(name, said, "look at the disk and the network, and run it again")]
    try:
        result = task.result()
    except Exception as error:  # a look that breaks is told, whatever broke it
        return [warning(name, f"{name}: could not be looked at: {error or type(error).__name__}", "look at it by hand")]
    return [result] if isinstance(result, Finding) else result


# -- the looks -------------------------------------------------------------------------------------------------------


async def _configuration(subject: Subject) -> Sequence[Finding]:
    return holdings.judge_configuration(subject.problems, subject.settings.warnings if subject.settings else ())


async def _packages(subject: Subject) -> Finding:
    required, installed = await asyncio.to_thread(machine_probes.packages)
    return machine.judge_packages(required, installed, sys.version_info[:3])


async def _sqlite(subject: Subject) -> Sequence[Finding]:
    if subject.place.postgres:
        return []
    return [machine.judge_sqlite(sqlite3.sqlite_version_info, sqlite3.__name__)]


async def _room(subject: Subject) -> Finding:
    free, files = await asyncio.to_thread(machine_probes.room, subject.place.data)
    store = await subject.store()
    return machine.judge_room(free, files, store.size if store else 0, store.largest if store else 0)


async def _file_system(subject: Subject) -> Finding:
    data = subject.place.data
    kind = await asyncio.to_thread(machine_probes.file_system, data) if not subject.place.postgres else ""
    return machine.judge_system(kind, await asyncio.to_thread(machine_probes.is_read_only, data))


async def _clock(subject: Subject) -> Finding:
    urls = network_probes.addresses(subject.settings.sources) if subject.settings else []
    ahead = await network_probes.clocks(urls, subject.limit / 2)
    store = await subject.store()
    return machine.judge_clock(ahead, machine_probes.is_synchronised(), store.newest if store else None, subject.now)


async def _forgetting(subject: Subject) -> Sequence[Finding]:
    store, days = await subject.store(), subject.settings.privacy.keep_days if subject.settings else 0
    return machine.judge_forgetting(store.looked if store else None, days, subject.now)


async def _zone(subject: Subject) -> Finding:
    configured = subject.settings.after.zone if subject.settings else ""
    return machine.judge_zone(configured, *machine_probes.zone(subject.now))


async def _memory(subject: Subject) -> Finding:
    return machine.judge_memory(machine_probes.memory_available(), bool(subject.runner))


async def _descriptors(subject: Subject) -> Finding:
    return machine.judge_descriptors(machine_probes.descriptors(subject.runner))


async def _user(subject: Subject) -> Finding:
    owner = store_probes.mode_of(subject.place.data)
    user = machine_probes.user_of(subject.runner)
    if not subject.runner and user == 0 and owner:
        user = owner.owner  # root looks at what is another's
    return machine.judge_user(user, owner.owner if owner else user)


async def _database(subject: Subject) -> Sequence[Finding]:
    if subject.place.postgres:
        return _shared(subject)
    return [holdings.judge_integrity(await asyncio.to_thread(store_probes.damage_of, subject.place))]


def _shared(subject: Subject) -> Sequence[Finding]:
    if (found := subject.shared) is None:
        return [shared.judge_unusable(subject.unusable)]
    sources = [one.name for one in subject.settings.sources] if subject.settings else []
    return [
        shared.judge_reached(found.place, found.version, found.size),
        shared.judge_vectors(found.vectors, bool(found.schema)),
        *shared.judge_owner(found.ours),
        shared.judge_clocks(found.ahead),
        shared.judge_leases(found.users, found.leases),
        *(
            [shared.judge_backlog(found.backlog, found.users, found.leases, sources, subject.now)]
            if found.backlog
            else []
        ),
    ]


async def _schema(subject: Subject) -> Sequence[Finding]:
    if found := subject.shared:
        if not found.schema:
            return [ok("schema", "there are no tables yet; the program makes them at its first start")]
        return [holdings.judge_schema(found.newer, found.pending)]
    store = await subject.store()
    return [holdings.judge_schema(store.inside.newer, store.pending)] if store else []


async def _folder(subject: Subject) -> Finding:
    data = subject.place.data
    return holdings.judge_folder(store_probes.mode_of(data), await asyncio.to_thread(store_probes.modes, data))


async def _backups(subject: Subject) -> Finding:
    if subject.place.postgres:
        return ok("backups", "pg_dump copies this database, as docs/backup.md says; its copies are not looked at here")
    folder, holds = subject.place.backups, subject.founded
    found = await asyncio.to_thread(backups_in, folder)
    if not found:
        return holdings.judge_backups(None, 0, "", folder, holds)
    newest, at = found[0]
    wrong = None
    if newest.stat().st_size <= READABLE:
        reading = asyncio.ensure_future(asyncio.to_thread(store_probes.wrong_with, newest))
        done, _ = await asyncio.wait({reading}, timeout=subject.limit)
        wrong = reading.result() if done else None
    return holdings.judge_backups(newest, subject.now - at, wrong, folder, holds)


async def _secret(subject: Subject) -> Finding:
    weakness = await asyncio.to_thread(store_probes.weakness_of_secret, subject.place)
    return holdings.judge_secret(weakness, subject.founded)


async def _secret_files(subject: Subject) -> Finding:
    place = subject.place
    paths = [place.secret, *place.secrets, *((place.data / "secrets").rglob("*"))]
    files = [mode for path in dict.fromkeys(paths) if path.is_file() and (mode := store_probes.mode_of(path))]
    config = store_probes.mode_of(place.config) if place.config else None
    return holdings.judge_secret_files(files, config, place.plain)


async def _port(subject: Subject) -> Sequence[Finding]:
    if subject.settings is None:
        return []
    web, running = subject.settings.web, bool(subject.runner)
    if running and not web.port:
        return []  # it took any, and nobody knows which
    if running:
        local = web.model_copy(update={"public_url": ""}).url
        return [outside.judge_running_port(web.host, web.port, await _asked(subject, local))]
    bind = await asyncio.to_thread(network_probes.cannot_bind, web.host, web.port)
    kept = bool(bind) and await asyncio.to_thread(network_probes.is_kept_for_us)
    return [outside.judge_free_port(web.host, web.port, bind, kept)]


async def _asked(subject: Subject, url: str) -> outside.Answer:
    store = await subject.store()
    return await network_probes.ask(url, store.sessions if store else frozenset(), subject.limit / 2)


async def _address(subject: Subject) -> Sequence[Finding]:
    return (
        [outside.judge_address(subject.settings.web.public_url, subject.settings.web.host)] if subject.settings else []
    )


async def _certificate(subject: Subject) -> Sequence[Finding]:
    url = subject.settings.web.public_url if subject.settings else ""
    if not url.startswith("https://"):
        return []
    return [outside.judge_certificate(*await network_probes.certificate(url, subject.now, subject.limit / 2))]


async def _way_in(subject: Subject) -> Sequence[Finding]:
    url = subject.settings.web.public_url.rstrip("/") if subject.settings else ""
    if not url:
        return []
    # Asked while it is stopped, systemd would start it.
    return [outside.judge_way_in(url, await _asked(subject, url) if subject.runner else None)]


async def _proxies(subject: Subject) -> Sequence[Finding]:
    if subject.settings is None:
        return []
    web = subject.settings.web
    return [outside.judge_proxies(web.public_url, web.host, web.trusted_proxies)]


async def _chats(subject: Subject) -> Sequence[Finding]:
    """While the program runs it says how they are: a second one that tries the keys could throw it out of a chat."""
    settings = subject.settings
    if settings is None:
        return []
    if subject.runner:
        now = await asyncio.to_thread(standing, installation(subject.config), subject.now)
        known = {one.source: one for one in now.sources}
        return [
            outside.judge_source(one.name, known[one.name].state, known[one.name].trouble)
            if one.name in known
            else outside.judge_source(one.name, "", "")
            for one in settings.sources
        ]
    tried = await asyncio.gather(
        *(network_probes.try_out(one, settings, subject.place, subject.limit) for one in settings.sources)
    )
    return [outside.judge_chat(one.name, *said) for one, said in zip(settings.sources, tried, strict=True)]


async def _model(subject: Subject) -> Sequence[Finding]:
    if subject.settings is None:
        return []
    model, data = subject.settings.encoder.model, subject.place.data
    store = await subject.store()
    broken = await asyncio.to_thread(store_probes.broken_model, model)
    encoder = store.encoder if store else ""
    return [
        holdings.judge_encoder(
            broken,
            store_probes.is_calibrated(model, data, encoder),
            store_probes.broken_calibration(data),
            store_probes.other_vectors(model, encoder),
        )
    ]


async def _courses(subject: Subject) -> Sequence[Finding]:
    sessions = subject.settings.sessions if subject.settings else ()
    folders = {one.id: one.course for one in sessions if one.course is not None}

    def read(folder: Path) -> list[str]:
        return [
            f"{one.file}{f':{one.line}' if one.line else ''}: {one.message}" for one in read_course(folder).problems
        ]

    found = {id: await asyncio.to_thread(read, folder) for id, folder in folders.items()}
    return holdings.judge_courses(found)


LOOKS: dict[str, list[tuple[str, Look]]] = {
    "Program": [
        ("configuration", _configuration),
        ("packages", _packages),
        ("sqlite", _sqlite),
        ("model", _model),
        ("course", _courses),
    ],
    "Machine": [
        ("disk room", _room),
        ("file system", _file_system),
        ("clock", _clock),
        ("forgetting", _forgetting),
        ("time zone", _zone),
        ("memory", _memory),
        ("open files", _descriptors),
        ("user", _user),
    ],
    "Data": [
        ("database", _database),
        ("schema", _schema),
        ("data folder", _folder),
        ("secret", _secret),
        ("secret files", _secret_files),
        ("backups", _backups),
    ],
    "Pages": [
        ("port", _port),
        ("public address", _address),
        ("certificate", _certificate),
        ("way in", _way_in),
        ("proxies", _proxies),
    ],
    "Chats": [("chat", _chats)],
}
