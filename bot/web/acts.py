"""What staff do over the API: acts on questions, undo, one question with all its wordings, the ledgers.

Every id is looked up in the session of the address before the desk sees it: a moderator of one session cannot reach
into another. Acts of one session come one after the other, so that what the sender saw is compared with what the act
then changes.
"""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from aiohttp import web
from pydantic import TypeAdapter

from bot.accounts import at_least
from bot.desk import may_undo
from bot.errors import BadInput, NoRole, NotFound
from bot.model import Action, Asked, Change, Seen, Setting, Status
from bot.queueing import visible
from bot.web.api import reply
from bot.web.queue_json import likely_out, staff_question
from bot.web.reading import clean, read_body, read_numbers
from bot.web.rounds import goes_at
from bot.web.routes import API, Parameter, Route
from bot.web.schemas import (
    ActBody,
    ActionOut,
    AskedOut,
    LastAct,
    LedgerRow,
    LikelyOut,
    LineBody,
    PublicLedgerRow,
    QuestionDetail,
    ReasonOut,
    ReasonsOut,
    SeenBody,
    SettingOut,
    UndoBody,
    UndoneOut,
    Words,
)
from bot.web.sessions import may_set
from bot.web.site import CALLER, Caller, Desk, Site
from bot.web.texts import say
from knowledge.reasons import Reason, Reasons, because, worded

LEDGER = TypeAdapter(list[LedgerRow])
PUBLIC_LEDGER = TypeAdapter(list[PublicLedgerRow])
LEDGER_LENGTH = 500
LINES = 200
WORDS = Parameter("q", "only those with these words in them", {"type": "string", "maxLength": 200})
MESSAGES = Parameter(
    "message",
    "some of its wordings, by their ids; none: the question as a whole",
    {"type": "array", "items": {"type": "integer", "minimum": 0}},
)
LIKELY_OUT = TypeAdapter(list[LikelyOut])
LINES_OUT = TypeAdapter(list[AskedOut])
MOST_WORDINGS = 3  # of an act in the history
OF_QUESTION = Parameter("question", "only what was done to this one", {"type": "string", "maxLength": 100})


@dataclass(frozen=True, slots=True)
class Act:
    """`needs` names the fields that must be given; `one`: it works on a single question."""

    least: str
    call: Callable[[Desk, str, ActBody], Awaitable[Action]]
    needs: Sequence[str] = ()
    one: bool = True


ACTS: Mapping[str, Act] = {
    "approve": Act("moderator", lambda desk, who, a: desk.approve(who, a.questions), one=False),
    "assign": Act(
        "moderator", lambda desk, who, a: desk.assign(who, a.questions, clean(a.name or "")), ["name"], one=False
    ),
    "dismiss": Act(
        "moderator", lambda desk, who, a: desk.dismiss(who, a.questions, clean(a.reason), a.shown), one=False
    ),
    "reopen": Act("moderator", lambda desk, who, a: desk.reopen(who, a.questions), one=False),
    "merge": Act("moderator", lambda desk, who, a: desk.merge(who, a.questions, a.into or ""), ["into"], one=False),
    "apart": Act("moderator", lambda desk, who, a: desk.apart(who, a.questions, a.into or ""), ["into"], one=False),
    "edit": Act("moderator", lambda desk, who, a: desk.edit(who, a.questions[0], clean(a.title or "")), ["title"]),
    "split": Act("moderator", lambda desk, who, a: desk.split(who, a.questions[0], a.messages or []), ["messages"]),
    "confirm": Act("moderator", lambda desk, who, a: desk.confirm(who, a.questions[0], a.messages or []), ["messages"]),
    "not_asking": Act(
        "moderator", lambda desk, who, a: desk.not_asking(who, a.questions[0], a.messages or []), ["messages"]
    ),
    "move": Act(
        "moderator",
        lambda desk, who, a: desk.move(who, a.messages or [], a.questions[0], a.into or ""),
        ["messages", "into"],
    ),
    "stage": Act("speaker", lambda desk, who, a: desk.stage(who, a.questions[0])),
    "unstage": Act("speaker", lambda desk, who, a: desk.unstage(who, a.questions[0])),
    "next": Act("speaker", lambda desk, who, a: desk.next(who, a.questions[0], clean(a.text or ""), a.into)),
    "accept": Act("moderator", lambda desk, who, a: desk.accept(who, a.questions[0])),
    "recall": Act("moderator", lambda desk, who, a: desk.recall(who, a.questions[0], a.earlier or ""), ["earlier"]),
    "again": Act("moderator", lambda desk, who, a: desk.again(who, a.questions[0], a.earlier or ""), ["earlier"]),
    "not_again": Act(
        "moderator", lambda desk, who, a: desk.not_again(who, a.questions[0], a.earlier or ""), ["earlier"]
    ),
    "pin": Act("moderator", lambda desk, who, a: desk.pin(who, a.questions, True), one=False),
    "unpin": Act("moderator", lambda desk, who, a: desk.pin(who, a.questions, False), one=False),
    "label": Act("moderator", lambda desk, who, a: _label(desk, who, a), one=False),
    "answer": Act(
        "expert",
        lambda desk, who, a: desk.answer(who, a.questions[0], clean(a.text or ""), [clean(x) for x in a.sources]),
        ["text"],
    ),
}
"""What may be done, and who may do it."""

SPEAKERS = {"stage", "unstage", "next", "poll_show", "poll_hide", "poll_close"}
"""What speakers do, as the ledger calls it, and so what they may take back."""


def _label(desk: Desk, who: str, act: ActBody) -> Awaitable[Action]:
    if act.labels is None:
        return desk.relabel(who, act.questions, [clean(x) for x in act.add], [clean(x) for x in act.remove])
    if len(act.questions) != 1 or act.add or act.remove:
        raise BadInput('"label" sets the labels of one question; several take what they "add" and "remove"')
    return desk.label(who, act.questions[0], [clean(x) for x in act.labels])


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
                "GET",
                session + "/questions/{question}/likely",
                "expert",
                self.likely,
                "The questions that it may be the same as, or that some of its wordings may ask instead; the likeliest "
                "first, empty where nobody can tell just now",
                reply=list[LikelyOut],
                parameters=[MESSAGES],
            ),
            Route(
                "POST",
                session + "/actions",
                "expert",
                self.act,
                "Do something to questions; experts may answer, speakers work the stage, the rest needs a moderator",
                also="speaker",
                body=ActBody,
                reply=ActionOut,
            ),
            Route(
                "GET",
                session + "/wordings",
                "expert",
                self.wordings,
                "The questions of which one wording, or the name of who asks it, holds each of these words: their ids",
                reply=list[str],
                parameters=[WORDS],
            ),
            Route(
                "GET",
                session + "/lines",
                "moderator",
                self.lines,
                f"What was said and taken for no question, the likeliest questions first, {LINES} at most",
                reply=list[AskedOut],
                parameters=[WORDS],
            ),
            Route(
                "POST",
                session + "/lines",
                "moderator",
                self.take,
                "Take such a line for a question: it goes the way of all that ask",
                body=LineBody,
                reply=ActionOut,
            ),
            Route(
                "POST",
                session + "/undo",
                "speaker",
                self.undo,
                "Take an action back; speakers only what they did themselves",
                body=UndoBody,
                reply=UndoneOut,
            ),
            Route(
                "GET",
                session + "/actions",
                "moderator",
                self.ledger,
                f"What was done, the newest first, of the last {LEDGER_LENGTH}",
                reply=list[LedgerRow],
                parameters=[OF_QUESTION],
            ),
            Route(
                "GET",
                session + "/ledger",
                "viewer",
                self.public_ledger,
                "What was dismissed and why, the newest first; where the session shows that to everybody",
                reply=list[PublicLedgerRow],
            ),
        ]

    async def question(self, request: web.Request) -> web.Response:
        caller, id = request[CALLER], request.match_info["question"]
        await require_here(self._site, caller, [id])
        question = await self._site.store.question(id)
        asked = [asked_out(one) for one in await self._site.store.asked(id)]
        last = await self._last(caller.here.id, id)
        return reply(QuestionDetail(**staff_question(question).model_dump(), asked=asked, last=last))

    async def likely(self, request: web.Request) -> web.Response:
        caller, id = request[CALLER], request.match_info["question"]
        await require_here(self._site, caller, [id])
        messages = read_numbers(request, "message")
        if messages and not {one.message.id for one in await self._site.store.asked(id)}.issuperset(messages):
            raise NotFound(say(caller.lang, "no_wording"))
        found = await self._site.likely(caller.here.id, id, messages)
        return web.json_response(body=LIKELY_OUT.dump_json([likely_out(one) for one in found]))

    async def _last(self, session: str, id: str) -> LastAct | None:
        for action in await self._site.store.actions(session, limit=LEDGER_LENGTH):
            change = action.change
            if id in _touched(change):
                return LastAct(id=action.id, at=change.at, who=change.who, what=change.what)
        return None

    async def act(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, ActBody)
        act = ACTS[body.do]
        if not at_least(caller.role, act.least):
            raise NoRole(say(caller.lang, "role_short"))
        if body.do == "next" and not body.text:
            body = body.model_copy(update={"text": say(caller.here.language, "aloud")})
        elif body.text and not caller.staff:
            raise NoRole(say(caller.lang, "speaker_text"))
        _require_fields(act, body)
        self._site.in_time(caller, body.by)
        await require_here(self._site, caller, [*body.questions, *([body.into] if body.into else [])])
        desk, session = self._site.desk, caller.here.id
        async with desk.turn(session):
            await desk.require_seen(session, _seen(body.seen), body.questions[0] if body.do == "stage" else "")
            action = await act.call(desk, caller.who, body)
        return reply(ActionOut(action=action.id, goes_at=goes_at(action.change.deliveries, self._site.now())))

    async def wordings(self, request: web.Request) -> web.Response:
        words = clean(request.query.get("q", ""))
        return web.json_response(sorted(await self._site.store.asked_with(request[CALLER].here.id, words)))

    async def lines(self, request: web.Request) -> web.Response:
        words = clean(request.query.get("q", ""))
        found = await self._site.store.unasked(request[CALLER].here.id, LINES, words)
        return web.json_response(body=LINES_OUT.dump_json([asked_out(one) for one in found]))

    async def take(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, LineBody)
        action = await self._site.desk.take(caller.who, caller.here.id, body.message)
        return reply(ActionOut(action=action.id))

    async def undo(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        body = await read_body(request, UndoBody) if await request.read() else UndoBody()
        self._site.in_time(caller, body.by)
        allowed = may_set(caller.role)
        if not at_least(caller.role, "moderator"):
            body = UndoBody(action=await self._own(caller, body.action))
        async with self._site.desk.turn(caller.here.id):
            action = await self._site.desk.undo(caller.who, caller.here.id, body.action, may_set=allowed)
        again = {after.id: after.status.value for _, after in action.change.questions if after is not None}
        return reply(UndoneOut(action=action.id, questions=again))

    async def _own(self, caller: Caller, action: int | None) -> int:
        """That act, or the newest that stands: one that this speaker did as a speaker.

        Raises `NoRole` for another, `NotFound` where there is none.

        Acts know people by their names, which can change; so what was done before the role began is nobody's here.
        """
        now, session = self._site.now(), caller.here.id
        since = min(one.since for one in caller.me.grants if one.holds(session, now) and one.role == caller.role)
        for one in await self._site.store.actions(session, limit=LEDGER_LENGTH):
            own = one.change.who == caller.who and one.change.what in SPEAKERS and one.change.at >= since
            if own and (one.id == action or (action is None and not one.undone)):
                return one.id
        if action is None:
            raise NotFound("there is nothing to undo")
        raise NoRole(say(caller.lang, "role_short"))

    async def ledger(self, request: web.Request) -> web.Response:
        caller, of = request[CALLER], request.query.get("question")
        actions = await self._site.store.actions(caller.here.id, limit=LEDGER_LENGTH)
        named = {action.id: _messages(action.change)[:MOST_WORDINGS] for action in actions}
        texts = await self._site.store.texts(caller.here.id, {id for ids in named.values() for id in ids})
        rows = [
            _row(action, may_set(caller.role), [texts[id] for id in named[action.id] if id in texts])
            for action in actions
        ]
        return web.json_response(body=LEDGER.dump_json([row for row in rows if of is None or of in row.questions]))

    async def public_ledger(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        if not caller.here.ledger:
            raise NotFound(say(caller.lang, "no_ledger"))
        view = await self._site.live.view(caller.here.id)
        actions = await self._site.store.actions(caller.here.id, limit=LEDGER_LENGTH)
        when = {
            after.id: action.change.at
            for action in reversed(actions)
            for _, after in action.change.questions
            if after is not None and after.status is Status.DISMISSED
        }
        rows = [
            PublicLedgerRow(
                at=when.get(q.id, q.last_at),
                title=q.title if q.state.reason_shown else "",
                reason=q.state.reason if q.state.reason_shown else "",
                people=q.people,
            )
            for q in view.questions.values()
            if q.status is Status.DISMISSED
        ]
        return web.json_response(body=PUBLIC_LEDGER.dump_json(sorted(rows, key=lambda row: -row.at)))


async def require_here(site: Site, caller: Caller, ids: Sequence[str]) -> None:
    """Raises `NotFound` for a question that is not one of the caller's session, or that the caller does not see."""
    for id in dict.fromkeys(ids):
        state = (await site.store.question(id)).state
        if state.session != caller.here.id or not (caller.staff or visible(state, caller.here)):
            raise NotFound(say(caller.lang, "no_question", question=id))


def _require_fields(act: Act, body: ActBody) -> None:
    missing = [name for name in act.needs if not getattr(body, name) and (name, body.name) != ("name", "")]
    if missing:
        raise BadInput(f'"{body.do}" needs {" and ".join(missing)}')
    if act.one and len(body.questions) != 1:
        raise BadInput(f'"{body.do}" takes one question, not {len(body.questions)}')


def _seen(told: Mapping[str, SeenBody]) -> dict[str, Seen]:
    return {
        id: Seen(None if one.status is None else Status(one.status), one.title, one.answered_at)
        for id, one in told.items()
    }


def asked_out(one: Asked) -> AskedOut:
    message, placement = one.message, one.placement
    reasons = placement.reasons
    if placement.asking and not one.asking:
        reasons = Reasons(because("told_nothing", 0.0))
    elif placement.question != (one.question or None):  # by a move, a split or a merge
        reasons = replace(reasons, grouping=because("put", 1.0))
    elif one.confirmed:
        reasons = replace(reasons, grouping=because("confirmed", 1.0))
    return AskedOut(
        message=message.id,
        text=message.text,
        author_name=message.author_name,
        source=message.source,
        at=message.at,
        similarity=one.similarity,
        doubtful=one.doubtful,
        probability=placement.probability,
        answer=placement.answer.score if placement.answer and placement.answer.state != "withheld" else None,
        reasons=ReasonsOut(
            asking=[_reason(one) for one in reasons.asking],
            grouping=[_reason(one) for one in reasons.grouping],
            answer=[_reason(one) for one in reasons.answer],
        ),
        state="asking" if one.asking else "not_asking",
    )


def _reason(one: Reason) -> ReasonOut:
    return ReasonOut(**asdict(one), text=Words(**worded(one)))


def _touched(change: Change) -> list[str]:
    """The questions that it changes; where it changes none, those whose wordings it takes out or brings back."""
    changed = [state.id for pair in change.questions for state in pair if state is not None]
    return list(dict.fromkeys(changed or [id for move in change.moves for id in (move.before, move.after) if id]))


def _messages(change: Change) -> list[int]:
    """Those that it moves, takes out, takes for a question or confirms."""
    confirmed = [
        message
        for before, after in change.questions
        if before and after
        for message in sorted(set(after.confirmed) - set(before.confirmed))
    ]
    taken = [] if change.takes is None else [change.takes]
    return list(dict.fromkeys([*taken, *(move.message for move in change.moves), *confirmed]))


def _row(action: Action, allowed: Container[str], wordings: Sequence[str]) -> LedgerRow:
    """`allowed`: the settings that the caller may change."""
    change = action.change
    polls = dict.fromkeys(
        state.title for pair in (*change.polls, *change.surveys) for state in pair if state is not None
    )
    return LedgerRow(
        id=action.id,
        at=change.at,
        who=change.who,
        what=change.what,
        questions=_touched(change),
        settings=[_setting(one) for one in change.settings],
        polls=list(polls),
        wordings=list(wordings),
        undone=action.undone,
        undoable=not action.undone and change.undoes is None and may_undo(change, allowed),
    )


def _setting(one: Setting) -> SettingOut:
    if one.name == "course":  # where its folder lies is nobody's business
        return SettingOut(name=one.name, before=bool(one.before), after=bool(one.after))
    return SettingOut(**asdict(one))
