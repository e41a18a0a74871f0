"""A running hall: store, pipelines, connectors, outbox and pages, started in the order in which they need each other.

The pages and connectors accept messages as soon as the store is open: the inbox keeps them until the model is loaded.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from bot.accounts import Actor
from bot.app.chores import chores
from bot.app.elsewhere import Hearers, listener
from bot.app.floor import Unwatched
from bot.app.following import KIND as PIPELINES
from bot.app.following import Following
from bot.app.forgetting import forget_daily
from bot.app.minds import Minds
from bot.app.peers import Peers, address, told
from bot.app.promoting import Promoting
from bot.app.remembering import Remembering
from bot.app.reporting import Reporting, unsteady
from bot.app.rounding import answers_at, holding, make_rounds
from bot.app.service import handed_over, keep_watched, notify
from bot.app.shared import Share, Work, agreed, sharing
from bot.app.sources import make_connectors
from bot.app.stores import open_configured
from bot.app.tending import Tasks
from bot.app.trends import SeriesTrends
from bot.app.vitals import Vitals
from bot.connectors.hooks import ELSEWHERE
from bot.connectors.names import CHATS
from bot.courses import Courses
from bot.desk import Desk
from bot.errors import NotFound, SettingsError
from bot.experts import Experts
from bot.leasing import Alone, Keeper, Silence
from bot.limits import Rate
from bot.live import Live
from bot.logs import fault
from bot.metrics import Measured, Metrics
from bot.model import Address, CourseMatch, Delivery, Feed, Likely, Preview, Session
from bot.options import SourceOptions
from bot.outbox import Outbox
from bot.pipeline import Pipeline
from bot.polls import Polls
from bot.ports import Connector, HookReply, HookRequest, Leases, Notices, Now, Store, Told
from bot.promotions import Promotions
from bot.quiet import SCHEDULED, is_quiet
from bot.reach import ANSWERING
from bot.reaching import Reaching
from bot.rounds import TOPIC as AFTER
from bot.settings import LimitsSettings, Settings, keep_secret
from bot.staffroom import StaffRoom
from bot.storage.connection import sqlite_version
from bot.storage.postgres import PostgresStore
from bot.supervisor import Supervisor
from bot.surveys import SURVEY, Surveys
from bot.traffic import Traffic
from bot.transcripts import Transcripts
from bot.trying import Tryouts
from bot.web.course import TOPIC as COURSE
from bot.web.limits import Limits
from bot.web.peers import PEER, LookBody, Peer
from bot.web.promotions import TOPIC as FAQ
from bot.web.reach import TOPIC as REACH
from bot.web.server import make_web, version
from bot.web.serving import Serving, serve
from bot.web.sessions import TOPIC as SESSION
from bot.web.signin import SignIn
from bot.web.source_json import Configured
from bot.web.transcripts import TOPIC as TRANSCRIPT
from bot.web.tryout import TOPIC as TRYOUT
from bot.web.vitals import ModelState
from knowledge.encoder import Encoder, EncoderGone

log = logging.getLogger(__name__)

T = TypeVar("T")

TIDY_EVERY = 3600.0
"""Seconds."""

ROLES = ("web", "pipeline", "connectors", "outbox")
"""What a process may do: serve the pages, understand what came in, listen to the sources, say what is to be said and do
what the clock says. One process may have several; several may have one."""

LOOKED_UP = 3
"""Texts that are looked up at the same time, before anybody asks them."""


class Hall:
    """The program, started by `open_hall`. `url` is where the pages are."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        minds: Minds,
        now: Now,
        extra: Callable[["Hall"], Sequence[Connector]],
        metrics: Metrics,
        vitals: Vitals,
        listening: socket.socket | None = None,
        *,
        roles: Collection[str] = ROLES,
        leases: Leases,
        notices: Notices,
        share: Share | None = None,
    ) -> None:
        self.settings = settings
        self.roles = frozenset(roles)
        self._listening = listening
        self.store = store
        self.now = now
        self._minds = minds
        self.metrics, self._vitals = metrics, vitals
        self._leases, self._notices, self._share = leases, notices, share
        self.keeper = Keeper(leases)
        self._tasks = Tasks()
        self._understanding: asyncio.Future[None] | None = None
        self.live = Live(store)
        self.following = Following(
            store,
            minds,
            self.keeper,
            self._pipeline,
            configured={session.id for session in settings.sessions},
            begun=lambda session: self._remembering.asked(session),
        )
        self.pipelines = self.following.pipelines
        self.surveys = Surveys(
            store,
            self.live.changed,
            now,
            sending=lambda: self._outbox.wake(),
            replying=lambda: self._replying,
            staff=self._is_staff,
            page=lambda session: self.session_url(session, "feedback"),
            gather=minds.gather,
            quiet=lambda at: is_quiet(at, settings.after.hours),
        )
        self._reaching = Reaching(
            store, lambda: self._replying, now, lambda: self._outbox.wake(), say_at=answers_at(settings.after)
        )
        self.polls = Polls(
            store,
            self.live.changed,
            now,
            sending=lambda: self._outbox.wake(),
            replying=lambda: self._replying,
            staff=self._is_staff,
            also=self.surveys.asks,
        )
        self._remembering = Remembering(store, minds, self.pipelines, self.live.changed)
        self.desk = Desk(
            store,
            self._acted,
            now,
            sending=lambda: self._outbox.wake(),
            settled=self._settled,
            arrived=self._arrived,
            polls_changed=self._polls_changed,
            edits=lambda name: name in self.connectors and self.connectors[name].abilities.edit,
            replying=lambda: self._replying,
            duties_changed=partial(self._told, AFTER),
            say_at=answers_at(settings.after),
        )
        self.experts = Experts(
            store,
            self.desk,
            self.live.changed,
            now,
            sending=lambda: self._outbox.wake(),
            replying=lambda: self._replying,
            staff=self._staff_chats,
            page=lambda session: self.session_url(session, "experts"),
            best=self.best,
        )
        self._listening_to: set[str] = set()
        self._keeping: asyncio.Future[None] | None = None
        self._staff: dict[str, StaffRoom] = {}
        self._staffing: dict[str, asyncio.Future[None]] = {}
        self.tryouts = Tryouts(
            now,
            partial(self._told, TRYOUT),
            lambda source: source in self._replying,
            partial(notices.say, TRYOUT),
        )
        self.courses = Courses(
            settings.data / "courses", store.sessions, now, put=self._put_course, changed=partial(self._told, COURSE)
        )
        self.transcripts = Transcripts(
            store, now, encode=minds.encode, put=self.desk.aloud, changed=partial(self._told, TRANSCRIPT)
        )
        self.promotions = Promotions(
            store, self.courses, now, changed=partial(self._told, FAQ), acted=self.live.changed
        )
        self._promoting = Promoting(self.promotions, store)
        self.traffic = Traffic()
        self.floor = Unwatched(
            store,
            self.desk,
            self._arrived,
            lambda: self._outbox.wake(),
            polls=self.polls,
            surveys=self.surveys,
            linked=self._linked,
            tryouts=self.tryouts,
            now=now,
            staff=self._staff,
            received=metrics.received,
            traffic=self.traffic,
        )
        self.sign_in = SignIn(keep_secret(settings.secret_file).encode(), store, now)
        configured = make_connectors(settings, now, self.sign_in.key)
        self.connectors: dict[str, Connector] = {c.name: c for c in (*configured, *extra(self))}
        self._outbox = Outbox(
            store,
            self.connectors,
            now,
            page=self.session_url,
            settled=self._said,
            held_until=holding(settings.after),
            shared=True,
            stray=lambda connector: self.keeper.want("outbox", connector),
        )
        self.supervisor = Supervisor(
            self.floor, store, self.connectors.values(), now, said=self._outbox.said, leads=self._leads
        )
        self._sources = {source.name: Configured(source.kind, source.session) for source in settings.sources}
        self.trends = SeriesTrends(store)
        self.reports = Reporting(
            store, self._sources, now, minds.gather, unsteady(settings), self.trends.of, settings.after.hours.zone
        )
        self.rounds = make_rounds(
            settings,
            store,
            now,
            able=lambda: {name: c.abilities for name, c in self.connectors.items() if c.abilities.reply},
            staff=self._is_staff,
            feeds=lambda source: self._sources[source].session,
            page=self.session_url,
            summary=lambda session: self.reports.summary(session.id, self.session_url(session.id, "report")),
            changed=self.live.changed,
            sending=self._outbox.wake,
        )
        self.peers = Peers(self.sign_in.key("peers"), self.keeper.holder, leases.owner)
        self._serving: Serving | None = None
        self._looking_up = 0

    @property
    def url(self) -> str:
        if self._serving is None:
            return self.settings.web.url
        return self.settings.web.public_url.rstrip("/") or self._serving.url

    def link(self, role: str = "organiser", name: str = "") -> str:
        """A one-use address that signs somebody in."""
        return f"{self.url}/signin/{self.sign_in.link(role, name or role)}"

    def session_url(self, session: str, page: str = "") -> str:
        return f"{self.url}/s/{session}" + (f"/{page}" if page else "")

    async def drained(self) -> None:
        """Until all that was received is placed."""
        await self.loaded()
        await self.following.drained()

    async def start(self) -> None:
        self._notices.subscribe(self._listener())
        self._notices.hear(TRYOUT, self.tryouts.follow)
        await self._notices.begin()
        self._tasks.keep("notices", self._notices.run)
        if isinstance(self.store, PostgresStore):
            self._tasks.keep("clock", self.store.watch_clock)
        for session in self.settings.sessions:
            await self.store.configure_session(session.session(self.settings.after))
        await self._read_feeds()
        web = self.settings.web
        self._serving = await serve(
            make_web(
                store=self.store,
                desk=self.desk,
                polls=self.polls,
                surveys=self.surveys,
                live=self.live,
                receive=self.floor.receive,
                look_up=self.look_up,
                likely=self.likely,
                hooks=self.connectors,
                sign_in=self.sign_in,
                now=self.now,
                zone=self.settings.after.hours.zone,
                public_url=web.public_url,
                sources=CHATS,
                sources_now=self.supervisor.reports,
                configured=self._sources,
                in_file={session.id for session in self.settings.sessions},
                feed=self.feed,
                courses=self.courses,
                promotions=self.promotions,
                tryouts=self.tryouts,
                experts=self.experts,
                rounds=self.rounds,
                defaults={name: getattr(self.settings.after, name) for name in ("digest", "personal", "report")},
                transcripts=self.transcripts,
                trusted_proxies=web.trusted_proxies,
                limits=_limits(self.settings.limits),
                precision=self.settings.answers.precision,
                replying=lambda: self._replying,
                forgotten=self._forgotten,
                reports=self.reports,
                trends=self.trends.of,
                condition=self._vitals.condition,
                observer=self.metrics,
                metrics=self.metrics.read,
                metrics_readers=web.metrics,
                metrics_token=web.metrics_token.get_secret_value(),
                call=self._call,
                say=self._notices.say,
                hear=self._notices.hear,
                peer=Peer(self.peers.knows, self._look_for_peer),
                pages="web" in self.roles,
            ),
            web.host,
            web.port,
            self._listening,
        )
        self._leases.at = address(web.host, urlsplit(self._serving.url).port or 0)
        self._tasks.keep("watchdog", keep_watched)
        self._tasks.keep("vitals", partial(self._vitals.run, self.store))
        self._tasks.keep("tidying", self._tidy)
        if "connectors" in self.roles:
            self._tasks.keep("sources", self.supervisor.beat)
            self.keeper.offer("connector", self._listen, self.connectors)
        if self.roles & {"connectors", "outbox"}:  # some chats are answered by whoever listens to them
            apart = [name for name, c in self.connectors.items() if not c.abilities.together]
            self._tasks.keep("outbox", self._outbox.run)
            self.keeper.offer("outbox", self._outbox.carry, apart if "outbox" in self.roles else ())
        if "outbox" in self.roles:
            for what, work in self._by_the_clock().items():
                self._tasks.keep(what, work)
        self._keeping = self._tasks.keep("leases", self.keeper.run)
        if "pipeline" in self.roles:
            self._tasks.keep("earlier evenings", self._remember)
            self._understanding = self.following.begin()

    def _by_the_clock(self) -> dict[str, Work]:
        """What comes round by itself: a loop each, or a share of what all processes do together."""
        days = self.settings.privacy.keep_days
        if self._share is None:
            return {
                "reaching": self._reaching.run,
                "forgetting": partial(forget_daily, self.store, days, self.now),
                "FAQ": self._promoting.run,
                "surveys": self.surveys.run,
                "rounds": self.rounds.run,
            }
        shared = chores(
            self.store,
            days,
            self.now,
            reaching=self._reaching,
            promoting=self._promoting,
            surveys=self.surveys,
            rounds=self.rounds,
        )
        return {"chores": self._share(shared, self.metrics.looked)}

    async def _listen(self, source: str) -> None:
        """To one source, for as long as it is ours; where it is answered over what listens, by this process too."""
        together = self.connectors[source].abilities.together
        options = next((one for one in self.settings.sources if one.name == source), None)
        self._listening_to.add(source)
        if options:
            self._open_staff(options)
        if together:
            self.keeper.want("outbox", source)
        try:
            await self.supervisor.listen(source)
        finally:
            self._listening_to.discard(source)
            self._staff.pop(source, None)
            if room := self._staffing.pop(source, None):
                room.cancel()
            if together:
                await self.keeper.leave("outbox", source)

    async def _pipeline(self, session: Session) -> Pipeline:
        return await self._minds.pipeline(
            session,
            self.store,
            replying=self._replying,
            changed=self._placed,
            sending=self._outbox.wake,
            placed=self.metrics.placed,
            crowded=self.traffic.crowded,
        )

    async def _read_feeds(self) -> None:
        for feed in await self.store.feeds():
            known = self._sources.get(feed.source)
            configured = next((one for one in self.settings.sources if one.name == feed.source), None)
            if known is None or configured is None or configured.session != feed.said:  # the file has a newer word
                continue
            if known.session != feed.session:
                self._sources[feed.source] = replace(known, session=feed.session)
                if feed.source in self._listening_to:
                    self._open_staff(configured)

    def _settled(self, id: str) -> None:
        """A session was opened or is set otherwise."""
        self.live.changed(id, SESSION)
        self.live.changed(id, AFTER)
        self.rounds.wake()
        self._promoting.acted()
        self._settle(id)
        self._tasks.keep(f"experts of {id}", partial(self.experts.settled, id))

    def _settle(self, id: str) -> None:
        if "pipeline" in self.roles:
            self.following.settled(id)

    async def feed(self, source: str, session: str, by: Actor) -> None:
        """What the source brings goes to this session from now on."""
        said = next(one.session for one in self.settings.sources if one.name == source)
        await self.store.keep_feed(Feed(source, session, said), by, self.now())
        self._sources[source] = replace(self._sources[source], session=session)
        if source in self._listening_to:
            self._open_staff(next(one for one in self.settings.sources if one.name == source))

    def _leads(self, source: str, session: str) -> str:
        return self._sources[source].session if source in self._sources else session

    async def _tidy(self) -> None:
        """A program that runs for weeks keeps in memory what goes on, not all evenings that ever were."""
        while True:
            await asyncio.sleep(TIDY_EVERY)
            self.live.rest()
            await self.following.let_go(self.now())

    async def _remember(self) -> None:
        with suppress(SettingsError):  # said where the program starts
            await self.loaded()
            await self._remembering.run()

    def _acted(self, session: str) -> None:
        """People did something in the queue of a session."""
        self._changed(session)
        self._remembering.acted(session)
        self._promoting.acted()

    def _placed(self, session: str) -> None:
        """The queue of a session has more."""
        self._changed(session)
        self._remembering.asked(session)

    def _told(self, topic: str, session: str) -> None:
        self.live.changed(session, topic)

    async def _put_course(self, who: str, session: Session, folder: str) -> int | None:
        action = await self.desk.set_up(who, session.id, {"course": folder})
        return action.id if action else None

    async def look_up(self, session: str, text: str) -> Preview:
        """What would become of a text that is being written. Nothing while others are looked up, the model loads or the
        encoder is away: it must not cost those who did ask."""
        if session in self.pipelines:
            return await self._look(session, lambda pipeline: pipeline.preview(text)) or Preview()
        return await self.peers.preview(session, text) or Preview()

    async def best(self, session: str, text: str) -> CourseMatch | None:
        """What of the course fits a text best, looked up in the same way; of an evening that is long over as well."""
        await self._reopen(session)
        if session in self.pipelines:
            return await self._look(session, lambda pipeline: pipeline.best(text))
        return await self.peers.best(session, text)

    async def likely(self, session: str, question: str, messages: Collection[int]) -> list[Likely]:
        """The questions that these wordings of one (none: that question as a whole) may ask instead, the likeliest
        first; of an evening that is long over as well."""
        await self._reopen(session)
        if pipeline := self.pipelines.get(session):
            return await pipeline.likely(question, messages)  # of what is there: the encoder is not needed
        return await self.peers.likely(session, question, messages)

    async def _reopen(self, session: str) -> None:
        if "pipeline" in self.roles and not self.keeper.wants(PIPELINES, session):
            await self.following.reopen(session)

    async def _look_for_peer(self, what: str, asked: LookBody) -> bytes:
        match what:
            case "preview":
                return told(await self._look(asked.session, lambda pipeline: pipeline.preview(asked.text)))
            case "best":
                return told(await self._look(asked.session, lambda pipeline: pipeline.best(asked.text)))
            case "likely":
                pipeline = self.pipelines.get(asked.session)
                return told(await pipeline.likely(asked.question, asked.messages) if pipeline else [])
        raise NotFound(f"nothing is called {what!r}")

    async def _look(self, session: str, look: Callable[[Pipeline], Awaitable[T]]) -> T | None:
        pipeline = self.pipelines.get(session)
        if pipeline is None or self._looking_up >= LOOKED_UP:
            return None
        self._looking_up += 1
        try:
            return await look(pipeline)
        except EncoderGone:
            return None
        finally:
            self._looking_up -= 1

    def play(self, recorded: Connector) -> None:
        """Play a recorded chat. It is none of the sources: nobody has to see to it, and nothing of it is missed."""
        self._tasks.keep(recorded.name, partial(recorded.run, self.floor))

    def _open_staff(self, source: SourceOptions) -> None:
        """The staff's chat of a source sees the session that the source feeds now."""
        if not source.staff:
            return
        if before := self._staffing.pop(source.name, None):
            before.cancel()
        room = self._staff[source.name] = StaffRoom(
            self._sources[source.name].session,
            Address(source.name, source.staff, private=False),
            self.store,
            self.desk,
            self.live,
            likely=self.likely,
            now=self.now,
            sending=lambda: self._outbox.wake(),
            names=CHATS,
        )
        self._staffing[source.name] = self._tasks.keep(f"staff's chat of {source.name}", room.run)

    @property
    def _replying(self) -> frozenset[str]:
        return frozenset(name for name, c in self.connectors.items() if c.abilities.reply)

    def _staff_chats(self, session: str) -> list[Address]:
        """The staff's chats of the sources that feed this session now."""
        return [
            Address(one.name, one.staff, private=False)
            for one in self.settings.sources
            if one.staff and self._sources[one.name].session == session
        ]

    def _is_staff(self, chat: Address) -> bool:
        return any(one.name == chat.connector and one.is_staff(chat.chat) for one in self.settings.sources)

    def _changed(self, session: str) -> None:
        """The questions of a session did."""
        self.live.changed(session)
        self._reaching.changed()

    async def _forgotten(self) -> None:
        """Somebody of the audience was: nothing of theirs stays in memory either."""
        self._minds.forget()
        self.following.forget()
        self._remembering.forgotten()
        self.tryouts.forget()
        self._promoting.forgotten()
        for session in await self.store.sessions():
            self.live.changed(session.id)
            self.polls.counted(session.id)

    def _said(self, delivery: Delivery) -> None:
        self.metrics.settled(delivery)
        self.tryouts.settled(delivery)
        if delivery.key.startswith(ANSWERING):
            self.live.changed(delivery.session, REACH)
        if delivery.key.startswith(SCHEDULED):
            self.live.changed(delivery.session, AFTER)

    def _linked(self, session: str) -> None:
        """Two persons are one: what they asked and voted counts once."""
        self.live.changed(session)
        self.polls.counted(session)
        self.live.changed(session, SURVEY)

    def _polls_changed(self, session: str) -> None:
        self.polls.changed(session)
        self.surveys.changed(session)

    def _arrived(self, sessions: set[str]) -> None:
        for session in sessions if "pipeline" in self.roles else ():
            self.following.arrived(session)

    async def _call(self, source: str, request: HookRequest) -> HookReply:
        """What a platform calls us with is taken by whoever listens to that source."""
        if not self.settings.postgres or self.keeper.holds("connector", source):
            return await self.connectors[source].hook(request)
        if self.peers.knows(request.headers.get(PEER, "")):
            return ELSEWHERE
        return await self.peers.hook(source, request)

    def _listener(self) -> Told:
        """What other processes wrote is followed as if it was done here."""
        return listener(
            Hearers(
                live=self.live,
                arrived=lambda session: self._arrived({session}),
                queue=self._placed,
                acted=self._acted_elsewhere,
                sending=self._outbox.wake,
                sources=lambda: self._tasks.keep("feeds", self._read_feeds),
                forgotten=lambda: self._tasks.keep("forgetting", self._forgotten),
            )
        )

    def _acted_elsewhere(self, session: str) -> None:
        self._acted(session)
        self._polls_changed(session)
        self.rounds.wake()
        self._settle(session)

    @property
    def model_state(self) -> ModelState:
        """Whether messages are understood yet; what is asked before waits."""
        if "pipeline" not in self.roles:
            return ModelState("elsewhere")
        if self._understanding is None or not self._understanding.done():
            return ModelState("loading")
        if not self._understanding.cancelled() and (error := self._understanding.exception()):
            return ModelState("failed", str(error) if isinstance(error, SettingsError) else type(error).__name__)
        return ModelState("loaded")

    async def loaded(self) -> None:
        """Until the model and every course are read. Raises what went wrong with them."""
        if self._understanding is not None:
            await asyncio.shield(self._understanding)

    async def _drain(self) -> None:
        """Serve on while a proxy learns that nobody should come here any more."""
        if "web" in self.roles and self.settings.web.drain:
            self._vitals.stopping = True
            await asyncio.sleep(self.settings.web.drain)

    async def stop(self) -> None:
        if self._keeping:  # others may go on at once
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._serving:
            await self._drain()
            await self._serving.close()
        await self.transcripts.close()
        await self.following.close()
        await self._tasks.cancel()
        await self.peers.close()
        for connector in self.connectors.values():
            with suppress(Exception):
                await connector.close()
        self._minds.close()
        await self._leases.close()
        await self.store.close()


def _limits(said: LimitsSettings) -> Limits:
    return Limits(
        writes=Rate(10 * said.requests, said.requests),
        networks=Rate(30 * said.requests, 3 * said.requests),
        newcomers=Rate(said.people, 2),
        newcomers_of_network=Rate(3 * said.people, 6),
        newcomers_of_session=Rate(20 * said.people, 100),
    )


@asynccontextmanager
async def open_hall(
    settings: Settings,
    *,
    now: Now = time.time,
    encoder: Encoder | None = None,
    extra: Callable[[Hall], Sequence[Connector]] = lambda _: (),
    listening: socket.socket | None = None,
    roles: Collection[str] = ROLES,
) -> AsyncIterator[Hall]:
    """Build and start the program; stop it at the end. `encoder` replaces the configured one, `extra` adds connectors,
    `listening` is a socket to serve on in place of the configured address. `roles`: which of `ROLES` this process has.

    Raises `StoreBusy` where another process has the database, `SettingsError` where the port is taken, or for some of
    the roles on a database that is a file.
    """
    if set(roles) != set(ROLES) and not settings.postgres:
        raise SettingsError(
            ["--role: one process owns a database that is a file; set `database` to one in PostgreSQL for several"]
        )
    # A thread that understands keeps the others from Python for so long at a time; 5 ms, as it is, are much for a page.
    sys.setswitchinterval(0.001)
    # Python's 700 new objects make it look for cycles ever again through what thousands of streams hold for long: when
    # 10,000 come in that was a fifth of the work. Memory is the same.
    gc.set_threshold(10_000)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    hall: Hall | None = None
    metrics = Metrics(version(), sqlite_version, lambda metrics: vitals.look(metrics, store))
    vitals = Vitals(
        settings.data,
        settings.database,
        now,
        model=lambda: hall.model_state if hall else ModelState("loading"),
        sources=lambda: hall.supervisor.healths() if hall else (),
        lagged=metrics.lagged,
    )

    def committed(calls: int, seconds: float, error: Exception | None) -> None:
        metrics.committed(calls, seconds, error)
        vitals.committed(calls, seconds, error)

    store = await open_configured(settings, now=now, committed=committed)
    leases, notices = agreed(store) if isinstance(store, PostgresStore) else (Alone(), Silence())
    share = sharing(store) if isinstance(store, PostgresStore) else None
    try:
        minds = Minds(
            settings.encoder.model,
            settings.encoder.threads or spare_threads(),
            precision=settings.answers.precision,
            calibrations=settings.data,
            encoder=encoder,
            measured=lambda found: Measured(found, metrics),
        )
        hall = Hall(
            settings,
            store,
            minds,
            now,
            extra,
            metrics,
            vitals,
            listening,
            roles=roles,
            leases=leases,
            notices=notices,
            share=share,
        )
        await hall.start()
        yield hall
    finally:
        await (hall.stop() if hall else store.close())


def spare_threads() -> int:
    """All processors but one: with as many threads as processors the model waits for its slowest thread whenever the
    pages need a moment (on two processors p99 to the board was twice as long). And the model is asked from a thread
    that is not the first of the process, which OpenMP counts beside it: with more threads than processors it no longer
    keeps them awake, and two are slower than one (68 to 80 texts a second; 81 with one, 120 from the first thread)."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if hasattr(os, "sched_getaffinity") else 1


def told_to_stop() -> asyncio.Event:
    """Set once somebody stops the program (SIGINT, SIGTERM)."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def until_stopped(hall: Hall, stopped: asyncio.Event | None = None) -> None:
    """Until somebody stops the program (`told_to_stop`) or it cannot go on."""
    waiting = asyncio.ensure_future((stopped or told_to_stop()).wait())
    loading = asyncio.ensure_future(hall.loaded())
    await asyncio.wait({waiting, loading}, return_when=asyncio.FIRST_COMPLETED)
    if loading.done():
        loading.result()
    await waiting


async def run(
    settings: Settings,
    say: Callable[[str], None],
    *,
    to_log: bool = False,
    roles: Collection[str] = ROLES,
) -> None:
    """Run the configured program until it is stopped, and say where it is. `to_log`: what is said is kept in a log, in
    which no link may stand that signs somebody in. `roles`: which of `ROLES` this process has."""
    asyncio.get_running_loop().set_exception_handler(fault)
    stopped = told_to_stop()  # first of all: who starts only to be stopped closes its store too
    async with open_hall(settings, listening=handed_over(), roles=roles) as hall:
        for session in settings.sessions:
            log.info("session %s: %s", session.id, hall.session_url(session.id))
        say(f"Floormic is listening at {hall.url}")
        if "web" in hall.roles:
            say("Sign in with `floormic link`" if to_log else f"Sign in as organiser (works once): {hall.link()}")
        notify("READY=1", f"STATUS=Listening at {hall.url}")
        await until_stopped(hall, stopped)
        notify("STOPPING=1", "STATUS=Ending what is under way")
