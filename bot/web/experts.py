"""Experts over HTTP: their page, drafts, answers that overwrite nobody's, and asking them."""

import segno
from aiohttp import web
from pydantic import BaseModel

from bot.accounts import Grant
from bot.errors import Conflict
from bot.experts import TOPIC, Overtaken, Written
from bot.live import Told
from bot.model import Draft, Status
from bot.reviewing import Stands
from bot.web.account_schemas import LinkOut
from bot.web.acts import asked_out, require_here
from bot.web.api import reply
from bot.web.expert_json import (
    AnswerConflict,
    CalledOut,
    DeclinedOut,
    DraftBody,
    DraftConflict,
    DraftingOut,
    DraftOut,
    ExpertAnswerBody,
    ExpertInviteBody,
    ExpertsTold,
    HearersOut,
    MyReviewOut,
    ReferenceOut,
    ReviewOut,
    TakeBackBody,
    TogetherBody,
    UnreachedOut,
)
from bot.web.failures import failure_of
from bot.web.queue_json import staff_question
from bot.web.reading import clean, read_account_name, read_body
from bot.web.rendering import page_response, public_url
from bot.web.rounds import goes_at
from bot.web.routes import API, Route
from bot.web.schemas import ActionOut, SuggestedAnswer
from bot.web.site import CALLER, Caller, Site

LINK_LASTS = 72 * 3600.0
"""Seconds that a link for an expert is good: they may read it only tomorrow."""

ROLE_LASTS = 30 * 86_400.0
"""Seconds that an expert may answer in the session."""


class ExpertRoutes:
    """Handlers over a `Site`, and a topic of its `Live` that only staff are told."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self._told)

    def routes(self) -> list[Route]:
        session = API + "/sessions/{session}"
        question, experts = session + "/questions/{question}", session + "/experts"
        return [
            Route("GET", "/s/{session}/experts", "expert", self.page, "For experts: what is open", kind="page"),
            Route("GET", experts, "expert", self.mine, "What I have under way as an expert", reply=MyReviewOut),
            Route(
                "POST",
                experts + "/call",
                "moderator",
                self.call,
                "Ask the experts in the staff's chats, with what is open and where to answer",
                reply=CalledOut,
            ),
            Route(
                "POST",
                experts + "/invitations",
                "moderator",
                self.invite,
                "A one-use link with which one expert answers in this session",
                body=ExpertInviteBody,
                reply=LinkOut,
                status=201,
            ),
            Route(
                "POST",
                experts + "/undo",
                "expert",
                self.take_back,
                "Take my own answer or merge back, before anybody is told",
                body=TakeBackBody,
                reply=ActionOut,
            ),
            Route(
                "GET",
                question + "/review",
                "expert",
                self.review,
                "A question for whoever answers it: wordings, whom an answer reaches, what the course says",
                reply=ReviewOut,
            ),
            Route(
                "PUT",
                question + "/draft",
                "expert",
                self.keep_draft,
                "Keep what I have typed; 409 where another device of mine wrote on, with what it kept",
                body=DraftBody,
                reply=DraftOut,
            ),
            Route(
                "POST",
                question + "/answer",
                "expert",
                self.answer,
                "Answer it once; 409 where it stands otherwise than I have seen it, with how it stands",
                body=ExpertAnswerBody,
                reply=ActionOut,
            ),
            Route("PUT", question + "/declined", "expert", self.decline, "It is not for me", reply=MyReviewOut),
            Route("DELETE", question + "/declined", "expert", self.accept, "It is for me after all", reply=MyReviewOut),
            Route(
                "POST",
                question + "/together",
                "expert",
                self.together,
                "Answer it together with another question: it becomes part of that one",
                body=TogetherBody,
                reply=ActionOut,
            ),
        ]

    async def page(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        return page_response(self._site, caller, "experts.html", {"person": caller.me.person})

    # -- asking them -------------------------------------------------------------------------------------------------

    async def call(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        return reply(CalledOut(chats=await self._site.experts.ask(caller.here.id, caller.who)))

    async def invite(self, request: web.Request) -> web.Response:
        site, caller, body = self._site, request[CALLER], await read_body(request, ExpertInviteBody)
        name = read_account_name(body.name, caller.lang) if body.name.strip() else ""
        now = site.now()
        grant = Grant("expert", caller.here.id, now + ROLE_LASTS, now)
        token, made = await site.sign_in.invite([grant], name, LINK_LASTS, caller.actor)
        link = f"{public_url(site, caller)}/signin/{token}"
        drawn = segno.make(link, micro=False).svg_data_uri(border=2, light="#fff", omitsize=True)
        return reply(LinkOut(invitation=made.id, link=link, qr=drawn, expires_at=made.expires_at), status=201)

    # -- what is an expert's own -------------------------------------------------------------------------------------

    async def mine(self, request: web.Request) -> web.Response:
        return await self._mine(request[CALLER])

    async def keep_draft(self, request: web.Request) -> web.Response:
        caller, body, id = request[CALLER], await read_body(request, DraftBody), request.match_info["question"]
        references = tuple(one.reference() for one in body.references)
        typed = body.text if body.text.strip() else ""
        draft = Draft(id, caller.me.person, typed, tuple(one for one in references if one.url or one.title))
        try:
            kept = await self._site.experts.keep_draft(caller.here.id, draft, body.base)
        except Conflict as error:
            stands = await self._site.store.draft(id, caller.me.person) or Draft(id, caller.me.person, "")
            return _conflict(error, caller, DraftConflict, now=_draft(stands))
        return reply(_draft(kept))

    async def decline(self, request: web.Request) -> web.Response:
        return await self._decline(request, on=True)

    async def accept(self, request: web.Request) -> web.Response:
        return await self._decline(request, on=False)

    async def _decline(self, request: web.Request, *, on: bool) -> web.Response:
        caller = request[CALLER]
        id = request.match_info["question"]
        await self._site.experts.decline(caller.here.id, id, caller.me.person, on)
        return await self._mine(caller)

    async def _mine(self, caller: Caller) -> web.Response:
        store, me, session = self._site.store, caller.me.person, caller.here.id
        drafts = [_draft(one) for one in await store.drafts(session) if one.person == me]
        declined = [one.question for one in await store.declined(session) if one.person == me]
        return reply(MyReviewOut(drafts=drafts, declined=declined))

    async def _told(self, session: str) -> Told:
        store = self._site.store
        drafts = [
            DraftingOut(question=one.question, person=one.person, name=one.name, at=one.at)
            for one in await store.drafts(session)
        ]
        declined = [
            DeclinedOut(question=one.question, person=one.person, name=one.name)
            for one in await store.declined(session)
        ]
        return Told(None, ExpertsTold(drafts=drafts, declined=declined).model_dump_json().encode())

    # -- one question ------------------------------------------------------------------------------------------------

    async def review(self, request: web.Request) -> web.Response:
        found = await self._site.experts.review(request[CALLER].here.id, request.match_info["question"])
        course, hearers = found.course, found.hearers
        said = SuggestedAnswer(source=course.source, score=course.score, text=course.text) if course else None
        unreached = [
            UnreachedOut(source=one.source, people=one.people, names=list(one.names)) for one in hearers.unreached
        ]
        return reply(
            ReviewOut(
                asked=[asked_out(one) for one in found.asked],
                hearers=HearersOut(people=hearers.people, chats=hearers.chats, unreached=unreached),
                course=said,
            )
        )

    async def answer(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, ExpertAnswerBody)
        seen = Stands(Status(body.seen.status), body.seen.title, body.seen.answered_at)
        references = tuple(one.reference() for one in body.references)
        written = Written(body.id, clean(body.text), references, body.how, seen)
        try:
            action = await self._site.experts.answer(
                caller.who, caller.me.person, caller.here.id, request.match_info["question"], written
            )
        except Overtaken as error:
            return _overtaken(error, caller)
        return reply(ActionOut(action=action.id, goes_at=goes_at(action.change.deliveries, self._site.now())))

    async def together(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, TogetherBody)
        id = request.match_info["question"]
        await require_here(self._site, caller, [id, body.into])
        try:
            action = await self._site.experts.together(caller.who, caller.here.id, id, body.into)
        except Overtaken as error:
            return _overtaken(error, caller)
        return reply(ActionOut(action=action.id))

    async def take_back(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, TakeBackBody)
        # Acts know people by their names, which can change; so what was done before the role began is nobody's here.
        now, session = self._site.now(), caller.here.id
        since = min(one.since for one in caller.me.grants if one.holds(session, now) and one.role == caller.role)
        action = await self._site.experts.take_back(caller.who, session, body.action, since)
        return reply(ActionOut(action=action.id))


def _draft(draft: Draft) -> DraftOut:
    references = [ReferenceOut(url=one.url, title=one.title) for one in draft.references]
    return DraftOut(question=draft.question, text=draft.text, references=references, at=draft.at)


def _overtaken(error: Overtaken, caller: Caller) -> web.Response:
    return _conflict(error, caller, AnswerConflict, now=staff_question(error.now))


def _conflict(error: Conflict, caller: Caller, model: type[BaseModel], **more: BaseModel) -> web.Response:
    """A refusal as any other, with what stands beside it."""
    failure = failure_of(error, caller.lang)
    body = {"error": failure.text, "code": failure.code, "questions": list(failure.questions), **more}
    return reply(model.model_validate(body), status=failure.status)
