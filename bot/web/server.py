"""The one constructor of the web side."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Container, Mapping, Sequence
from datetime import tzinfo
from functools import cache, partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from aiohttp import web

from bot.accounts import Actor
from bot.courses import Courses
from bot.experts import Experts
from bot.limits import Buckets, Pauses
from bot.live import Live
from bot.model import SettingValue
from bot.polls import Polls
from bot.ports import Connector, FindLikely, Now, Store
from bot.promotions import Promotions
from bot.rounds import Rounds
from bot.surveys import Surveys
from bot.transcripts import Transcripts
from bot.trying import Tryouts
from bot.web.account import Account
from bot.web.acts import Acts
from bot.web.api import Api
from bot.web.assets import Assets
from bot.web.course import CourseRoutes
from bot.web.effects import Effects
from bot.web.events import Events
from bot.web.experts import ExpertRoutes
from bot.web.failures import LARGEST_BODY
from bot.web.guards import Proxies, make_guards, set_headers
from bot.web.hands import Hands
from bot.web.identity import Participants
from bot.web.installable import Installable
from bot.web.limits import Limits
from bot.web.observing import Nobody, Observer, make_observing, name_request
from bot.web.openapi import openapi_document
from bot.web.pages import Pages
from bot.web.peers import Peer, PeerRoutes
from bot.web.people import People
from bot.web.polls import Polling
from bot.web.privacy import Privacy
from bot.web.promotions import TOPIC as FAQ
from bot.web.promotions import PromotionRoutes
from bot.web.queue_json import QueueJson
from bot.web.reach import Reach
from bot.web.rendering import HERE, make_templates
from bot.web.reports import ReportPages
from bot.web.rounds import RoundsRoutes
from bot.web.routes import API, Policy, Route
from bot.web.sessions import Sessions
from bot.web.signin import SignIn
from bot.web.site import (
    Call,
    Desk,
    FeedSession,
    FindTrends,
    Hear,
    LookUp,
    Receive,
    Reports,
    Say,
    Site,
    SourcesNow,
)
from bot.web.source_json import Configured
from bot.web.sources import Sources
from bot.web.staging import Staging
from bot.web.surveys import SurveyRoutes
from bot.web.transcripts import TranscriptRoutes
from bot.web.trends import SeriesTrends
from bot.web.tryout import TryoutRoutes
from bot.web.vitals import LOOPBACK, VITAL, Condition, Read, Readers, VitalRoutes
from knowledge.calibration import PRECISION


async def _feeds_nothing(source: str, session: str, by: Actor) -> None: ...


async def _nobody() -> None: ...


def make_web(
    *,
    store: Store,
    desk: Desk,
    live: Live,
    receive: Receive,
    look_up: LookUp,
    likely: FindLikely,
    hooks: Mapping[str, Connector],
    sign_in: SignIn,
    now: Now,
    public_url: str,
    trusted_proxies: Sequence[str],
    reports: Reports,
    trends: FindTrends,
    sources_now: SourcesNow,
    courses: Courses,
    tryouts: Tryouts,
    transcripts: Transcripts,
    zone: tzinfo | None = None,
    configured: Mapping[str, Configured] | None = None,
    replying: Callable[[], Container[str]] = frozenset,
    forgotten: Callable[[], Awaitable[None]] = _nobody,
    in_file: Collection[str] = (),
    feed: FeedSession = _feeds_nothing,
    sources: Mapping[str, Mapping[str, str]] | None = None,
    polls: Polls | None = None,
    promotions: Promotions | None = None,
    experts: Experts | None = None,
    surveys: Surveys | None = None,
    rounds: Rounds | None = None,
    defaults: Mapping[str, SettingValue] | None = None,
    limits: Limits | None = None,
    precision: float = PRECISION,
    condition: Callable[[], Condition] = Condition,
    observer: Observer | None = None,
    metrics: Read | None = None,
    metrics_readers: Sequence[str] = LOOPBACK,
    metrics_token: str = "",
    call: Call | None = None,
    say: Say = lambda *_: None,
    hear: Hear = lambda *_: None,
    peer: Peer | None = None,
    pages: bool = True,
) -> web.Application:
    """The application with all its pages and the API; the caller runs it.

    `public_url` is where people reach it ("": as they came); with https cookies are Secure. `trusted_proxies` are
    addresses or networks whose X-Forwarded-* headers count. In `zone` (None: this machine's) a new session finds its
    day and its time. `sources` names chats for people, by source and language; `configured` says of each source its
    kind and session, as they are now; `replying` names those that can say something; `forgotten` is called when
    somebody was forgotten. `in_file` are the sessions that the configuration names, `defaults` is what a new one is set
    to; `feed` points a source at a session. `precision` is that of answers. `condition` says how the program is,
    `observer` hears of every request, `metrics` is what was counted, for readers in these networks and with that token
    ("": none). `call` is what platforms call (None: the hook itself), `peer` answers other processes of this
    installation; `say` and `hear` are how they tell each other what is kept nowhere. Without `pages` there is nothing
    else, but for how the program is.
    """
    assets = Assets(HERE / "static")
    limits = limits or Limits()
    site = Site(
        store=store,
        desk=desk,
        polls=polls or Polls(store, live.changed, now),
        surveys=surveys or Surveys(store, live.changed, now),
        live=live,
        receive=receive,
        look_up=look_up,
        likely=likely,
        hooks=hooks,
        call=call or (lambda source, request: hooks[source].hook(request)),
        say=say,
        hear=hear,
        sign_in=sign_in,
        now=now,
        zone=zone,
        public_url=public_url.rstrip("/"),
        reports=reports,
        trends=trends,
        sources=sources or {},
        sources_now=sources_now,
        configured={} if configured is None else configured,
        in_file=in_file,
        feed=feed,
        courses=courses,
        tryouts=tryouts,
        transcripts=transcripts,
        experts=experts or Experts(store, desk, live.changed, now),
        replying=replying,
        rounds=rounds or Rounds(store, now, changed=live.changed),
        defaults=defaults or {},
        forgotten=forgotten,
        limits=limits,
        precision=precision,
        participants=Participants(sign_in.key("participants")),
        queue_json=QueueJson(),
        templates=make_templates(assets),
        assets=assets,
        buckets={
            "messages": Buckets(limits.messages, now),
            "votes": Buckets(limits.votes, now),
            "previews": Buckets(limits.previews, now),
            "writes": Buckets(limits.writes, now),
            "networks": Buckets(limits.networks, now),
            "newcomers": Buckets(limits.newcomers, now),
            "newcomers_of_network": Buckets(limits.newcomers_of_network, now),
            "newcomers_of_session": Buckets(limits.newcomers_of_session, now),
            "guesses": Buckets(limits.guesses, now),
            "account_guesses": Buckets(limits.account_guesses, now),
        },
        known=Pauses(now, most=100_000),
        asked=Pauses(now),
    )
    promotions = promotions or Promotions(
        store, courses, now, changed=lambda id: live.changed(id, FAQ), acted=live.changed
    )
    observer = observer or Nobody()
    proxies = Proxies(trusted_proxies)
    vitals = VitalRoutes(site, condition, Readers(metrics_readers, metrics_token, proxies), metrics)
    return _application(site, promotions, trusted_proxies, vitals, observer, peer, pages)


def _application(
    site: Site,
    promotions: Promotions,
    trusted_proxies: Sequence[str],
    vitals: VitalRoutes,
    observer: Observer,
    peer: Peer | None,
    pages: bool,
) -> web.Application:
    events = Events(site, observer.streaming)
    document = Document(site)
    parts = (
        vitals,
        Api(site),
        Acts(site),
        Hands(site),
        ExpertRoutes(site),
        Effects(site),
        events,
        Pages(site),
        Installable(site),
        Polling(site),
        SurveyRoutes(site),
        Reach(site),
        RoundsRoutes(site),
        PromotionRoutes(site, promotions),
        Privacy(site),
        Sessions(site),
        ReportPages(site),
        Sources(site),
        Staging(site),
        CourseRoutes(site),
        TryoutRoutes(site),
        SeriesTrends(site),
        TranscriptRoutes(site),
        Account(site),
        People(site),
        document,
        *((PeerRoutes(peer),) if peer else ()),
    )
    routes = [route for part in parts for route in part.routes()]
    policy = Policy(route for route in routes if pages or route.kind == "hook" or route.path in VITAL)
    document.describe(policy)
    observing = make_observing(policy, Proxies(trusted_proxies), observer)
    guards = make_guards(site, policy, trusted_proxies)
    app = web.Application(middlewares=[observing, *guards], client_max_size=LARGEST_BODY)
    policy.add_to(app)
    app[POLICY] = policy
    app.on_response_prepare.append(set_headers(site, policy))
    app.on_response_prepare.append(name_request)
    app.on_shutdown.append(events.close)
    if pages:
        app.cleanup_ctx.append(partial(_compressed, site))
    return app


async def _compressed(site: Site, app: web.Application) -> AsyncIterator[None]:
    """The static files are compressed while the first visitors come: the pages do not wait for it."""
    over = threading.Event()
    compressing = asyncio.create_task(asyncio.to_thread(site.assets.compress, over))
    yield
    over.set()
    await compressing


class Document:
    """Serves the OpenAPI document."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._described: Callable[[], dict[str, object]] = dict

    def routes(self) -> list[Route]:
        return [
            Route("GET", API + "/openapi.json", "viewer", self.openapi, "This document", reply=dict[str, object]),
        ]

    def describe(self, policy: Policy) -> None:
        """It is made when somebody asks for it, and not at every start."""
        self._described = cache(partial(openapi_document, policy, version(), self._site.public_url))

    async def openapi(self, request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(self._described))


POLICY = web.AppKey("policy", Policy)


def version() -> str:
    """That of this program, "0" where it is not installed."""
    try:
        return version_of("floormic")
    except PackageNotFoundError:
        return "0"
