"""What staff do over the API: acts on questions, undo, one question with all its wordings, the ledger.

Every id is looked up in the session of the address before the desk sees it: a moderator of one session cannot reach
into another.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from aiohttp import web
from pydantic import TypeAdapter

from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.model import Action, Asked
from bot.web.api import reply
from bot.web.queue_json import staff_question
from bot.web.reading import clean, read_body
from bot.web.routes import API, Route
from bot.web.schemas import (
    ActBody,
    ActionOut,
    AskedOut,
    LedgerRow,
    QuestionDetail,
    ReasonOut,
    ReasonsOut,
    SettingOut,
    UndoBody,
    Words,
)
from bot.web.sessions import may_set
from bot.web.signin import at_least
from bot.web.site import CALLER, Caller, Desk, Site
from bot.web.texts import say
from knowledge.reasons import Reason, worded

LEDGER = TypeAdapter(list[LedgerRow])
LEDGER_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Act:
    """`needs` names the fields that must be given; `one`: it works on a single question."""

    least: str
    call: Callable[[Desk, str, ActBody], Awaitable[Action]]
    needs: Sequence[str] = ()
    one: bool = True


ACTS: Mapping[str, Act] = {
    "approve": Act("moderator", lambda desk, who, a: desk.approve(who, a.questions), one=False),
    "dismiss": Act("moderator", lambda desk, who, a: desk.dismiss(who, a.questions, clean(a.reason)), one=False),
    "reopen": Act("moderator", lambda desk, who, a: desk.reopen(who, a.questions), one=False),
    "merge": Act("moderator", lambda desk, who, a: desk.merge(who, a.questions, a.into or ""), ["into"], one=False),
    "apart": Act("moderator", lambda desk, who, a: desk.apart(who, a.questions, a.into or ""), ["into"], one=False),
    "edit": Act("moderator", lambda desk, who, a: desk.edit(who, a.questions[0], clean(a.title or "")), ["title"]),
    "split": Act("moderator", lambda desk, who, a: desk.split(who, a.questions[0], a.messages or []), ["messages"]),
    "move": Act("moderator", lambda desk, who, a: _move(desk, who, a), ["messages", "into"]),
    "stage": Act("moderator", lambda desk, who, a: desk.stage(who, a.questions[0])),
    "unstage": Act("moderator", lambda desk, who, a: desk.unstage(who, a.questions[0])),
    "next": Act(
        "moderator", lambda desk, who, a: desk.next(who, a.questions[0], clean(a.text or ""), a.into), ["text"]
    ),
    "accept": Act("moderator", lambda desk, who, a: desk.accept(who, a.questions[0])),
    "pin": Act("moderator", lambda desk, who, a: desk.pin(who, a.questions[0], True)),
    "unpin": Act("moderator", lambda desk, who, a: desk.pin(who, a.questions[0], False)),
    "label": Act(
        "moderator",
        lambda desk, who, a: desk.label(who, a.questions[0], [clean(x) for x in a.labels or []]),
        ["labels"],
    ),
    "answer": Act(
        "expert",
        lambda desk, who, a: desk.answer(who, a.questions[0], clean(a.text or ""), [clean(x) for x in a.sources]),
        ["text"],
    ),
}
"""What may be done, and who may do it."""


def _move(desk: Desk, who: str, act: ActBody) -> Awaitable[Action]:
    if act.messages is None or len(act.messages) != 1:
        raise BadInput("move takes exactly one message at a time")
    return desk.move(who, act.messages[0], act.questions[0], act.into or "")


class Acts:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        session = API + "/sessions/{session}"
        return [
            Route(
                "GET",
                session + "/questions/{question}",
                "expert",
                self.question,
                "One question with all its wordings",
                reply=QuestionDetail,
            ),
            Route(
                "POST",
                session + "/actions",
                "expert",
                self.act,
                "Do something to questions; experts may answer, the rest needs a moderator",
                body=ActBody,
                reply=ActionOut,
            ),
            Route(
                "POST",
                session + "/undo",
                "moderator",
                self.undo,
                "Take an action back",
                body=UndoBody,
                reply=ActionOut,
            ),
            Route(
                "GET",
                session + "/actions",
                "moderator",
                self.ledger,
                f"What was done, the newest first, at most {LEDGER_LENGTH}",
                reply=list[LedgerRow],
            ),
        ]

    async def question(self, request: web.Request) -> web.Response:
        caller, id = request[CALLER], request.match_info["question"]
        await self._require_here(caller, [id])
        question = await self._site.store.question(id)
        asked = [_asked(one) for one in await self._site.store.asked(id)]
        return reply(QuestionDetail(**staff_question(question).model_dump(), asked=asked))

    async def act(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, ActBody)
        act = ACTS[body.do]
        if not at_least(caller.role, act.least):
            raise NotAllowed(say(caller.lang, "not_allowed"))
        _require_fields(act, body)
        if body.by is not None and self._site.now() > body.by:
            raise Conflict(say(caller.lang, "too_late"))
        await self._require_here(caller, [*body.questions, *([body.into] if body.into else [])])
        action = await act.call(self._site.desk, caller.who, body)
        return reply(ActionOut(action=action.id))

    async def undo(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        body = await read_body(request, UndoBody) if request.can_read_body else UndoBody()
        allowed = may_set(caller.role)
        action = await self._site.desk.undo(caller.who, caller.here.id, body.action, may_set=allowed)
        return reply(ActionOut(action=action.id))

    async def ledger(self, request: web.Request) -> web.Response:
        actions = await self._site.store.actions(request[CALLER].here.id, limit=LEDGER_LENGTH)
        return web.json_response(body=LEDGER.dump_json([_row(action) for action in actions]))

    async def _require_here(self, caller: Caller, ids: Sequence[str]) -> None:
        for id in dict.fromkeys(ids):
            if (await self._site.store.question(id)).state.session != caller.here.id:
                raise NotFound(say(caller.lang, "no_question", question=id))


def _require_fields(act: Act, body: ActBody) -> None:
    missing = [name for name in act.needs if not getattr(body, name)] if body.do != "label" else []
    if body.do == "label" and body.labels is None:
        missing = ["labels"]
    if missing:
        raise BadInput(f'"{body.do}" needs {" and ".join(missing)}')
    if act.one and len(body.questions) != 1:
        raise BadInput(f'"{body.do}" takes one question, not {len(body.questions)}')


def _asked(one: Asked) -> AskedOut:
    message, placement = one.message, one.placement
    return AskedOut(
        message=message.id,
        text=message.text,
        author_name=message.author_name,
        source=message.source,
        at=message.at,
        similarity=placement.similarity,
        probability=placement.probability,
        answer=placement.answer.score if placement.answer else None,
        reasons=ReasonsOut(
            asking=[_reason(one) for one in placement.reasons.asking],
            grouping=[_reason(one) for one in placement.reasons.grouping],
            answer=[_reason(one) for one in placement.reasons.answer],
        ),
        state="asking" if placement.asking else "not_asking",
    )


def _reason(one: Reason) -> ReasonOut:
    return ReasonOut(**asdict(one), text=Words(**worded(one)))


def _row(action: Action) -> LedgerRow:
    change = action.change
    touched = dict.fromkeys(state.id for pair in change.questions for state in pair if state is not None)
    return LedgerRow(
        id=action.id,
        at=change.at,
        who=change.who,
        what=change.what,
        questions=list(touched),
        settings=[SettingOut(**asdict(one)) for one in change.settings if one.name != "course"],
        undone=action.undone,
    )
