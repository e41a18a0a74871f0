"""The JSON API of viewers: sessions, the queue, asking, voting, one's own questions."""

import secrets

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from bot.errors import BadInput, NotFound
from bot.linking import GOOD_FOR, hashed, new_code, shown
from bot.live import View
from bot.model import (
    COURSE,
    Address,
    Message,
    Person,
    PollVote,
    Question,
    QuestionState,
    Session,
    Status,
)
from bot.opting import said as said_opting
from bot.ports import HookRequest
from bot.queueing import visible
from bot.replies import sources_of
from bot.web.compressing import compress
from bot.web.failures import LARGEST_BODY
from bot.web.guards import role_in
from bot.web.identity import SOURCE, Participant
from bot.web.queue_json import answer_out, question_for, question_out
from bot.web.reading import read_body, read_name, read_since, read_text
from bot.web.rendering import session_out
from bot.web.routes import API, AS, Parameter, Route
from bot.web.schemas import (
    AnswerOut,
    AskBody,
    AskOut,
    CodeBody,
    Feeling,
    LinkCodeOut,
    LinkedOut,
    MineOut,
    MyMessage,
    PreviewBody,
    PreviewOut,
    QuestionOut,
    QueueOut,
    SessionOut,
    ToldBody,
    UnlinkBody,
)
from bot.web.site import CALLER, Caller, Site, TooFast
from bot.web.texts import say

PENDING = 1000  # how many unplaced messages are looked through for one's own

SESSIONS = TypeAdapter(list[SessionOut])
SINCE = Parameter("since", "the revision you know", {"type": "integer", "minimum": 0, "default": 0})


def reply(model: BaseModel, status: int = 200) -> web.Response:
    return web.json_response(text=model.model_dump_json(), status=status)


class Api:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        session = API + "/sessions/{session}"
        question = session + "/questions/{question}"
        return [
            Route("GET", API + "/sessions", "viewer", self.sessions, "All sessions", reply=list[SessionOut]),
            Route("GET", session, "viewer", self.session, "One session", reply=SessionOut),
            Route(
                "GET",
                session + "/questions",
                "viewer",
                self.questions,
                "The questions that changed since a revision; viewers get those they may see",
                reply=QueueOut,
                parameters=[SINCE, AS],
            ),
            Route(
                "POST",
                session + "/messages",
                "viewer",
                self.ask,
                "Ask; durable when answered",
                body=AskBody,
                reply=AskOut,
                status=202,
            ),
            Route(
                "POST",
                session + "/preview",
                "viewer",
                self.preview,
                "Whether others ask the same, and what the course says, before it is sent; nothing is kept",
                body=PreviewBody,
                reply=PreviewOut,
            ),
            Route("GET", session + "/mine", "viewer", self.mine, "What I asked and what became of it", reply=MineOut),
            Route(
                "POST",
                session + "/me",
                "viewer",
                self.take_over,
                "Go on as the participant of a code",
                body=CodeBody,
                reply=MineOut,
            ),
            Route(
                "POST",
                session + "/me/link",
                "viewer",
                self.offer_link,
                "A code to say in another chat, to be the same person there",
                reply=LinkCodeOut,
                status=201,
            ),
            Route(
                "DELETE",
                session + "/me/link",
                "viewer",
                self.unlink,
                "Somebody on another chat is not me after all",
                body=UnlinkBody,
                reply=MineOut,
            ),
            Route(
                "PUT",
                session + "/me/told",
                "viewer",
                self.set_told,
                "Whether I am told what comes by itself, on every chat I linked",
                body=ToldBody,
                reply=MineOut,
            ),
            Route("PUT", question + "/vote", "viewer", self.vote, "I want to know too", reply=QuestionOut),
            Route("DELETE", question + "/vote", "viewer", self.unvote, "Take the vote back", reply=QuestionOut),
            Route(
                "POST",
                question + "/not-answered",
                "viewer",
                self.not_answered,
                "The course's answer does not answer my question",
                reply=QuestionOut,
            ),
            *(
                Route(
                    method,
                    "/in/{source}",
                    "viewer",
                    self.hook,
                    f"What a platform {what}; verified by its connector, at most {LARGEST_BODY // 1024} KiB",
                    kind="hook",
                    reply="application/octet-stream",
                    knock=self._require_source,
                )
                for method, what in (("POST", "calls"), ("GET", "calls to see whether the address is ours"))
            ),
        ]

    async def sessions(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        found = [session_out(s, role_in(self._site, caller, s.id)) for s in await self._site.store.sessions()]
        return web.json_response(body=SESSIONS.dump_json(found))

    async def session(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        return reply(session_out(caller.here, caller.role))

    async def questions(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        since = read_since(request)
        view = await self._site.live.view(caller.here.id)
        known = since if since <= view.revision else 0  # a revision of another database
        payload = self._site.queue_json.payload(view, caller.here, known, caller.staff)
        return compress(request, web.json_response(body=payload), shared=True)

    async def ask(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        body = await read_body(request, AskBody)
        text = read_text(body.text, caller.lang)
        site.take_as(caller, "messages")
        asker = self._named(caller, body.name)
        external_id = f"{asker.id}:{body.id or secrets.token_urlsafe(12)}"
        message = _message(caller.here, asker, external_id, text, site.now())
        with site.turn(caller, asker, external_id):
            was_out = await site.store.is_out(asker.person)
            await site.receive([message])
        on = said_opting(text)
        told = on if was_out or on is False else None
        is_test = site.tryouts.is_test(message)
        vote, mood = await self._heard(message)
        return reply(
            AskOut(
                message=external_id,
                code=asker.shown_code,
                test=is_test,
                vote=vote,
                mood=mood,
                told=told,
            ),
            status=202,
        )

    async def _heard(self, message: Message) -> tuple[str, Feeling | None]:
        """What it chose in a poll, in the words of the options; what mood it told."""
        said = next(iter(await self._site.polls.heard([message])), None)
        if isinstance(said, PollVote):
            state = (await self._site.store.poll(said.poll)).state
            return " · ".join(state.options[int(one) - 1] if state.options else one for one in said.choices), None
        return "", said.mood.value if said else None

    async def preview(self, request: web.Request) -> web.Response:
        """A courtesy: whoever types too fast gets nothing, not an error."""
        site, caller = self._site, request[CALLER]
        body = await read_body(request, PreviewBody)
        try:
            site.take_as(caller, "previews")
        except TooFast:
            return reply(PreviewOut(question=None, surely=False, answer=None))
        found = await site.look_up(caller.here.id, body.text)
        view = await site.live.view(caller.here.id)
        question = view.questions.get(found.question or "")
        shown = question if question and visible(question.state, caller.here) else None
        answer = found.answer
        return reply(
            PreviewOut(
                question=question_out(shown) if shown else None,
                surely=bool(shown) and found.surely,
                answer=AnswerOut(text=answer.text, by=COURSE, at=site.now(), sources=list(sources_of(answer)))
                if answer
                else None,
            )
        )

    async def mine(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        return reply(await self._mine(caller.here, self._site.participant(caller)))

    async def take_over(self, request: web.Request) -> web.Response:
        """Wrong codes are counted by address, so that nobody tries many; a right one costs nothing."""
        site, caller = self._site, request[CALLER]
        body = await read_body(request, CodeBody)
        site.may_guess(caller)
        code = site.participants.read_code(body.code)
        if code is None:
            raise BadInput(say(caller.lang, "bad_code"))
        found = await self._mine(caller.here, site.participants.of(code))
        if not found.messages and not found.votes:
            site.guessed_wrong(caller)
            raise NotFound(say(caller.lang, "no_code"))
        site.greet(caller, site.participants.of(code, found.name))
        return reply(found)

    async def offer_link(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        participant = site.take_as(caller, "votes")
        code = new_code()
        await site.store.offer_link(hashed(code), participant.person, site.now() + GOOD_FOR)
        words = say(caller.lang, "link_say", code=shown(code))
        return reply(LinkCodeOut(code=shown(code), say=words, seconds=GOOD_FOR), status=201)

    async def unlink(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        body = await read_body(request, UnlinkBody)
        participant = site.participant(caller)
        await site.store.unlink(participant.person, Person(body.source, body.id))
        site.live.changed(caller.here.id)
        site.polls.counted(caller.here.id)
        return reply(await self._mine(caller.here, participant))

    async def set_told(self, request: web.Request) -> web.Response:
        site, caller, body = self._site, request[CALLER], await read_body(request, ToldBody)
        participant = site.take_as(caller, "votes")
        if body.on:
            await site.store.opt_in(participant.person)
        else:
            await site.store.opt_out(participant.person, site.now())
        return reply(await self._mine(caller.here, participant))

    async def vote(self, request: web.Request) -> web.Response:
        return await self._vote(request, on=True)

    async def unvote(self, request: web.Request) -> web.Response:
        return await self._vote(request, on=False)

    async def not_answered(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        person = site.take_as(caller, "votes").person
        question = await self._question(request)
        return _one(await site.desk.not_answered(caller.here.id, question.id, person), caller)

    async def hook(self, request: web.Request) -> web.Response:
        source = request.match_info["source"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = HookRequest(request.method, dict(request.query), headers, await request.read())
        answer = await self._site.call(source, asked)
        return web.Response(
            status=answer.status,
            body=answer.body,
            headers={"Content-Type": answer.content_type, **dict(answer.headers)},
        )

    def _require_source(self, request: web.Request) -> None:
        if request.match_info["source"] not in self._site.hooks:
            raise NotFound(say(request[CALLER].lang, "no_page"))

    async def _vote(self, request: web.Request, *, on: bool) -> web.Response:
        site, caller = self._site, request[CALLER]
        person = site.take_as(caller, "votes").person
        question = await self._question(request)
        return _one(await site.desk.vote(caller.here.id, question.id, person, on), caller)

    async def _question(self, request: web.Request) -> Question:
        """The question of the address, as far as the caller may know of it; a merged one stands for its group."""
        caller, id = request[CALLER], request.match_info["question"]
        question = await self._site.store.question(id)
        if question.state.merged_into:
            question = await self._site.store.question(question.state.merged_into)
        shown = caller.staff or visible(question.state, caller.here)
        if question.state.session != caller.here.id or not shown:
            raise NotFound(say(caller.lang, "no_question", question=id))
        return question

    def _named(self, caller: Caller, name: str | None) -> Participant:
        """The caller under the name given now, which this device remembers."""
        asker = self._site.participant(caller)
        if name is not None and read_name(name) != asker.name:
            asker = self._site.participants.of(asker.code, read_name(name))
            self._site.greet(caller, asker)
        return asker

    async def _mine(self, session: Session, participant: Participant) -> MineOut:
        site, person = self._site, participant.person
        # Pending first: what is placed meanwhile is then found twice, rather than not at all.
        pending = await site.store.pending(session.id, PENDING)
        linked = await site.store.linked(person)
        mine = {(one.source, one.id) for one in (person, *linked)}
        unplaced = [m for m in pending if (m.source, m.author) in mine]
        placed = await site.desk.mine(session.id, person)
        view = await site.live.view(session.id)
        known = {m.id for m, _ in placed}
        messages = [_placed(m, state, view, session) for m, state in placed]
        messages += [_received(m) for m in unplaced if m.id not in known]
        votes = sorted(await site.store.votes_of(session.id, person))
        names = [m.author_name for m, _ in placed if m.author_name and m.source == person.source]
        return MineOut(
            code=participant.shown_code,
            name=participant.name or (names[-1] if names else ""),
            messages=messages,
            votes=votes,
            linked=[LinkedOut(source=one.source, id=one.id, name=one.name) for one in linked],
            told=not await site.store.is_out(person),
        )


def _one(question: Question, caller: Caller) -> web.Response:
    return reply(question_for(question, caller.here, caller.staff))


def _message(session: Session, asker: Participant, external_id: str, text: str, at: float) -> Message:
    address = Address(SOURCE, session.id, external_id, asker.id)
    return Message(session.id, SOURCE, external_id, asker.id, asker.name, text, at, address, explicit=True)


def _placed(message: Message, state: QuestionState | None, view: View, session: Session) -> MyMessage:
    """An answer reaches its asker also where the question is not shown to everybody."""
    shown = view.questions.get(state.id) if state and visible(state, session) else None
    return MyMessage(
        id=message.external_id,
        part=message.part,
        source=message.source,
        text=message.text,
        at=message.at,
        question=question_out(shown) if shown else None,
        state=state.status.value if state else "nothing_asked",
        answer=answer_out(state.answer) if state else None,
        reason=state.reason if state and state.status is Status.DISMISSED and state.reason_shown else "",
    )


def _received(message: Message) -> MyMessage:
    return MyMessage(
        id=message.external_id,
        part=message.part,
        source=message.source,
        text=message.text,
        at=message.at,
        question=None,
        state="received",
        answer=None,
    )
