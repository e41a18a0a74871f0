"""What was said aloud: a transcript is sent and searched, what was answered in it confirmed; and the page for that."""

import json

from aiohttp import web

from bot.aloud import link_at, looked_for, read_offset, stands
from bot.courses import TooLarge
from bot.errors import BadInput
from bot.given import ALOUD
from bot.live import Told
from bot.model import Proposal, Proposed, Question, Status, Transcript
from bot.phrases import in_language
from bot.queueing import rank, ranked
from bot.web.api import reply
from bot.web.guards import streamed
from bot.web.reading import read_body, read_name
from bot.web.rendering import page_response
from bot.web.routes import API, Parameter, Route
from bot.web.schemas import ActionOut
from bot.web.site import CALLER, Caller, Site
from bot.web.transcript_json import (
    ConfirmBody,
    PassageOut,
    ProposalOut,
    RefuseBody,
    RestOut,
    SearchingOut,
    StagedOut,
    TranscriptBody,
    TranscriptFile,
    TranscriptOut,
    TranscriptProblem,
)
from knowledge.aloud import Passage
from knowledge.captions import LARGEST

TOPIC = "transcript"

SHOWN = 100  # problems
STAGED = 5  # questions by which people see whether the transcript fits
PIECE = 256 * 1024  # bytes


class TranscriptRoutes:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._turn = 0
        site.live.add_topic(TOPIC, self.told)

    def routes(self) -> list[Route]:
        path = f"{API}/sessions/{{session}}/transcript"
        text = {"type": "string", "maxLength": 1000}
        sent = [
            Parameter("name", "the file's name", {"type": "string", "maxLength": 200}),
            Parameter("offset", "when it begins after the talk did, as 00:01:30 or -00:01:30; none: guessed", text),
            Parameter("recording", "the address of the recording", text),
        ]
        seconds = Parameter("seconds", "of the transcript", {"type": "number", "minimum": 0})
        return [
            Route(
                "GET",
                path,
                "expert",
                self.state,
                "The transcript, and where questions were answered",
                reply=TranscriptOut,
            ),
            Route(
                "POST",
                path,
                "moderator",
                self.send,
                "Send a transcript (VTT or SRT) in the place of the one there is; it is searched at once",
                reply=TranscriptOut,
                status=201,
                parameters=sent,
                largest=LARGEST,
            ),
            Route(
                "PATCH",
                path,
                "moderator",
                self.set,
                "When it begins, and where the recording is",
                body=TranscriptBody,
                reply=TranscriptOut,
            ),
            Route("DELETE", path, "moderator", self.drop, "Remove it; what was confirmed stays", reply=TranscriptOut),
            Route(
                "POST", path + "/search", "moderator", self.search, "Look for the questions anew", reply=TranscriptOut
            ),
            Route(
                "GET", path + "/said", "expert", self.said, "What is said then", reply=PassageOut, parameters=[seconds]
            ),
            Route(
                "POST",
                path + "/confirm",
                "expert",
                self.confirm,
                "These questions were answered aloud there: whoever asked hears it",
                body=ConfirmBody,
                reply=ActionOut,
            ),
            Route(
                "POST",
                path + "/refuse",
                "expert",
                self.refuse,
                "This question is not answered there",
                body=RefuseBody,
                reply=TranscriptOut,
            ),
            Route("GET", "/s/{session}/transcript", "expert", self.page, "What was answered aloud", kind="page"),
        ]

    async def told(self, session: str) -> Told:
        """Staff hears how far a search is, and that there is something new."""
        searching = self._site.transcripts.searching(session)
        self._turn += 1
        said = (
            {"turn": self._turn, "done": searching.done, "texts": searching.texts}
            if searching
            else {"turn": self._turn}
        )
        return Told(None, json.dumps(said).encode())

    async def page(self, request: web.Request) -> web.Response:
        return page_response(self._site, request[CALLER], "transcript.html", {"largest": LARGEST})

    async def state(self, request: web.Request) -> web.Response:
        return reply(await self._out(request[CALLER]))

    async def send(self, request: web.Request) -> web.Response:
        site, caller, query = self._site, request[CALLER], request.query
        name = read_name(query.get("name", "")) or "transcript.vtt"
        try:
            offset = read_offset(query["offset"]) if query.get("offset") else None
            data = bytearray()
            async for piece in streamed(site, request, PIECE):
                data += piece
                if len(data) > LARGEST:
                    raise TooLarge(f"larger than {LARGEST >> 20} MB, as no transcript is: split it")
            recording = query.get("recording", "")
            await site.transcripts.take(caller.here, name, bytes(data), caller.who, offset, recording)
        except BadInput as error:
            raise type(error)(in_language(f"{name}: {error}", caller.lang)) from error
        return reply(await self._out(caller), status=201)

    async def set(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, TranscriptBody)
        await self._site.transcripts.set(caller.here, caller.who, body.offset, body.recording)
        return reply(await self._out(caller))

    async def drop(self, request: web.Request) -> web.Response:
        await self._site.transcripts.drop(request[CALLER].here.id, request[CALLER].who)
        return reply(await self._out(request[CALLER]))

    async def search(self, request: web.Request) -> web.Response:
        await self._site.transcripts.search_anew(request[CALLER].here)
        return reply(await self._out(request[CALLER]))

    async def said(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        seconds = _seconds(request.query.get("seconds", ""))
        passage = await self._site.transcripts.said_at(caller.here.id, seconds)
        kept = await self._site.store.transcript(caller.here.id)
        return reply(_passage(passage, kept.recording if kept else ""))

    async def confirm(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, ConfirmBody)
        wanted = {one.question: one.start for one in body.questions}
        action = await self._site.transcripts.confirm(caller.here, caller.who, wanted)
        return reply(ActionOut(action=action.id))

    async def refuse(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, RefuseBody)
        await self._site.transcripts.refuse(caller.here.id, caller.who, body.question, body.on)
        return reply(await self._out(caller))

    async def _out(self, caller: Caller) -> TranscriptOut:
        site, session = self._site, caller.here
        kept = await site.store.transcript(session.id)
        began = await site.transcripts.began(session)
        questions = looked_for(await site.store.questions(session.id))
        pairs = await site.transcripts.proposals(session.id) if kept else []
        pairs = [(one, about) for one, about in pairs if about.status not in {Status.DISMISSED, Status.MERGED}]
        proposed = {about.id for _, about in pairs}
        searching, failed = site.transcripts.searching(session.id), site.transcripts.failed(session.id)
        staged = sorted((q for q in questions if q.staged_at is not None), key=lambda q: q.staged_at or 0.0)
        recording = kept.recording if kept else ""
        return TranscriptOut(
            transcript=_file(kept, began) if kept else None,
            searching=SearchingOut(done=searching.done, texts=searching.texts) if searching else None,
            failed=failed,
            failed_zh=in_language(failed, "zh"),
            began=began,
            staged=[StagedOut(title=q.title, at=q.staged_at or 0.0) for q in staged[:STAGED]],
            proposals=[_proposal(*pair, recording) for pair in sorted(pairs, key=lambda pair: rank(pair[1]))],
            rest=[
                RestOut(question=q.id, title=q.title, people=q.wanting, status=q.status.value)
                for q in ranked(questions)
                if q.id not in proposed
            ],
            largest=LARGEST,
        )


def _file(kept: Transcript, began: float | None) -> TranscriptFile:
    return TranscriptFile(
        name=kept.name,
        by=kept.by,
        at=kept.at,
        zero=kept.zero,
        dated=kept.dated.value,
        offset=None if kept.zero is None or began is None else kept.zero - began,
        ends=max((line.end for line in kept.lines), default=0.0),
        lines=len(kept.lines),
        problem_count=len(kept.problems),
        problems=[
            TranscriptProblem(line=line, text=text, text_zh=in_language(text, "zh"))
            for line, text in kept.problems[:SHOWN]
        ],
        recording=kept.recording,
        searched=kept.searched,
    )


def _proposal(one: Proposal, about: Question, recording: str) -> ProposalOut:
    answer, state = about.state.answer, stands(one, about.state)
    written = about.status is Status.ANSWERED and answer is not None and answer.text not in ALOUD.values()
    return ProposalOut(
        question=about.id,
        title=about.title,
        people=about.wanting,
        status=about.status.value,
        written=written and state is not Proposed.CONFIRMED,
        state=state.value,
        passage=_passage(one.passage, recording),
        others=[_passage(other, recording) for other in one.others],
    )


def _passage(one: Passage, recording: str) -> PassageOut:
    return PassageOut(start=one.start, end=one.end, text=one.text, link=link_at(recording, one.start), asked=one.asked)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise BadInput("seconds: a number from 0 on", "seconds")
    return seconds
