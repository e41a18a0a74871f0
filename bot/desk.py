"""What people do with the queue: approve, assign, edit, merge, split, stage, answer, dismiss, vote, undo.

Reads what stands, asks `queueing` whether the act is allowed, hands the store one `Change`, tells who watches.
Every act returns the ledger's `Action`; `undo` takes any of them back. An act on several questions is one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Container, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from itertools import islice
from types import MappingProxyType
from typing import Any, ParamSpec

from bot.aloud import spoken
from bot.apart import Pair, apart_from, left_behind, rejected, taken_back, together
from bot.errors import AskedMeanwhile, BadInput, Conflict, NotAllowed, NotFound
from bot.given import lasting
from bot.model import (
    COURSE,
    LONGEST_TITLE,
    Action,
    Answer,
    Asked,
    Change,
    Delivery,
    Message,
    Move,
    Person,
    PollState,
    Question,
    QuestionState,
    Seen,
    Session,
    SettingValue,
    Status,
    founded_ids,
    title_of,
)
from bot.ports import Changed, Now, Store
from bot.queueing import OPEN, as_seen, fingerprints, require_follows, visible, waiting
from bot.queueing import earlier as before
from bot.reach import Heard, reach
from bot.replies import UNDO_WITHIN, answers, by_course, joined, last_asked, reasons, recalled
from bot.sessions import SETTINGS, to_set
from bot.sessions import taken_back as taken_back_settings

OTHERWISE = "somebody changed this question just now; nothing was done. Look at it, then decide"
LONGEST_ANSWER = 4000
LONGEST_REASON = 500
LONGEST_NAME = 60
LONGEST_LABEL = 40
MOST_LABELS = 20  # on one question
EVERYTHING = 1 << 31  # messages
OFTEN = 20  # times that an act is worded anew: what is asked comes a few times a second
A = ParamSpec("A")
Told = dict[str, Sequence[Asked]]
"""Who asks each of some questions."""


def _worded_anew(act: Callable[A, Coroutine[Any, Any, Action]]) -> Callable[A, Coroutine[Any, Any, Action]]:
    """An act that is done again where somebody asks, while it is worded, what it answers, who is to be told too, or is
    forgotten, who is not to be quoted."""

    @wraps(act)
    async def acted(*args: A.args, **named: A.kwargs) -> Action:
        for _ in range(OFTEN):
            with suppress(AskedMeanwhile):
                return await act(*args, **named)
        return await act(*args, **named)

    return acted


class Desk:
    """All methods may raise `NotFound`, `NotAllowed`, `BadInput`, `Conflict` and `StoreError`; then nothing changed."""

    def __init__(
        self,
        store: Store,
        changed: Changed,
        now: Now,
        *,
        sending: Callable[[], None] = lambda: None,
        settled: Changed = lambda _: None,
        arrived: Callable[[set[str]], None] = lambda _: None,
        polls_changed: Changed = lambda _: None,
        edits: Callable[[str], bool] = lambda _: True,
        replying: Callable[[], Container[str]] = frozenset,
        duties_changed: Changed = lambda _: None,
        say_at: Callable[[Session, float, float], float] = lambda _session, _asked, now: now,
    ) -> None:
        """`settled` is told, by its id, that a session was opened or set otherwise, `arrived` in which ones something
        waits to be placed, `polls_changed` that its polls, its survey or its pulse were, `duties_changed` that what is
        due after it was; after the commit. `edits` says of a connector, by its name, whether it can edit what it said,
        `replying` names those that can say anything. `say_at(session, asked_at, now)`: when an answer, given now to
        what was asked last at that time, may reach people."""
        self._edits, self._replying = edits, replying
        self._duties_changed = duties_changed
        self._polls_changed = polls_changed
        self._store = store
        self._changed = changed
        self._now = now
        self._sending = sending
        self._settled = settled
        self._arrived = arrived
        self._say_at = say_at
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, session: str) -> asyncio.Lock:
        """Held from looking at what stands until the act is done: acts on what one has seen take turns in a session."""
        return self._turns[session]

    async def require_seen(self, session: str, seen: Mapping[str, Seen], stages: str = "") -> None:
        """Raises `Conflict` with the questions that do not stand as whoever acts has seen them.

        Who `stages` a question names what was on stage then: is something else there by now, that is a conflict too. To
        a stage that is free by now whoever wants it may go; so what was on stage need not be there any more.
        """
        builds_on = {stages} if stages else seen.keys()
        states = [await self._state(id) for id in seen if id in builds_on]
        otherwise = [q.id for q in states if q.session != session or not as_seen(q, seen[q.id])]
        if stages and seen:
            known = {stages, *(id for id, one in seen.items() if one.status is Status.ON_STAGE)}
            standing = await self._store.questions(session)
            otherwise += [q.id for q in standing if q.status is Status.ON_STAGE and q.id not in known]
        if otherwise:
            raise Conflict(OTHERWISE, otherwise)

    # -- what moderators do ------------------------------------------------------------------------------------------

    async def approve(self, who: str, ids: Sequence[str]) -> Action:
        return await self._set_status(who, "approve", ids, Status.QUEUED)

    async def reopen(self, who: str, ids: Sequence[str]) -> Action:
        """Back into the queue; a recorded answer is dropped, so that a new one can be given. One of the course is not
        used for this question again, and whoever was sent it waits."""
        states = await self._states(ids)
        after = [replace(_to(_refused(q, _course_sources(q)), Status.QUEUED), answer=None) for q in states]
        return await self._apply(who, "reopen", list(zip(states, after, strict=True)))

    @_worded_anew
    async def dismiss(self, who: str, ids: Sequence[str], reason: str = "", shown: bool = False) -> Action:
        """With `shown` whoever asked may read the reason, and is told it where nobody else reads."""
        reason = reason.strip()
        if len(reason) > LONGEST_REASON:
            raise BadInput(f"a reason has at most {LONGEST_REASON} characters, this has {len(reason):,}")
        pairs: list[Pair] = []
        said: list[Delivery] = []
        told: Told = {}
        for state in await self._states(ids):
            after = replace(_to(state, Status.DISMISSED), reason=reason, reason_shown=shown)
            pairs.append((state, after))
            if shown and reason:
                told[state.id] = await self._store.asked(state.id)
                said += await self._reasons(after, told[state.id])
        return await self._apply(who, "dismiss", pairs, deliveries=tuple(said), told=told)

    async def assign(self, who: str, ids: Sequence[str], expert: str) -> Action:
        """`expert` shall answer them; "": nobody in particular."""
        expert = " ".join(expert.split())
        if len(expert) > LONGEST_NAME:
            raise BadInput(f"a name has at most {LONGEST_NAME} characters, this has {len(expert):,}")
        pairs = [(q, replace(q, assigned=expert)) for q in await self._states(ids)]
        return await self._apply(who, "assign", _changed(pairs, "assigned so"))

    async def stage(self, who: str, id: str) -> Action:
        """Show it on the stage; what was there goes back to the queue, and a poll makes room."""
        state = await self._state(id)
        on_stage = [
            q.state for q in await self._store.questions(state.session) if q.status is Status.ON_STAGE and q.id != id
        ]
        pairs: list[Pair] = [(q, _to(q, Status.QUEUED)) for q in on_stage]
        pairs.append((state, _to(state, Status.ON_STAGE)))
        return await self._apply(who, "stage", pairs, polls=await self._polls_off(state.session))

    async def unstage(self, who: str, id: str) -> Action:
        return await self._set_status(who, "unstage", [id], Status.QUEUED)

    @_worded_anew
    async def next(self, who: str, id: str, text: str, then: str | None = None) -> Action:
        """Record an answer to the question on stage and show `then` in its place (None: nothing), as one act; a poll
        that is shown makes room.

        Raises `Conflict` where `id` is not on stage (any more): a press that comes late, or twice, changes nothing.
        """
        text = _checked(text, LONGEST_ANSWER, "an answer")
        state = await self._state(id)
        if state.status is not Status.ON_STAGE:
            raise Conflict("this question is not on stage any more")
        answered = replace(_to(state, Status.ANSWERED), answer=Answer(text, who, self._now()))
        pairs: list[Pair] = [(state, answered)]
        if then is not None:
            coming = await self._state(then)
            pairs.append((coming, _to(coming, Status.ON_STAGE)))
        asked = await self._store.asked(id)
        said = await self._said(answered, asked)
        off = await self._polls_off(state.session)
        return await self._apply(who, "next", pairs, deliveries=said, polls=off, told={id: asked})

    async def edit(self, who: str, id: str, title: str) -> Action:
        title = _checked(title, LONGEST_TITLE, "a title")
        state = await self._state(id)
        return await self._apply(who, "edit", [(state, replace(state, title=title))])

    async def pin(self, who: str, ids: str | Sequence[str], on: bool = True) -> Action:
        pairs = [(q, replace(q, pinned=on)) for q in await self._states(ids)]
        return await self._apply(who, "pin" if on else "unpin", _changed(pairs, "pinned" if on else "not pinned"))

    async def label(self, who: str, id: str, labels: Sequence[str]) -> Action:
        """These are its labels, and no others."""
        state = await self._state(id)
        return await self._apply(who, "label", [(state, replace(state, labels=_labels(labels)))])

    async def relabel(
        self, who: str, ids: Sequence[str], add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> Action:
        """Put labels on these questions and take others off; what else they carry stays."""
        gone = set(_labels(remove))
        if not gone and not _labels(add):
            raise BadInput("name a label to put on or to take off")
        pairs = [
            (q, replace(q, labels=_labels([*(one for one in q.labels if one not in gone), *add])))
            for q in await self._states(ids)
        ]
        return await self._apply(who, "label", _changed(pairs, "labelled so"))

    async def answer(
        self, who: str, id: str, text: str, sources: Sequence[str] = (), *, by: str = "", once: str = ""
    ) -> Action:
        """Record an answer and bring it to everyone who asked. Answering again corrects what was said. `by`: who gave
        it ("": whoever records it); `once` as in `Change`.

        What was merged meanwhile is answered with the question that it became; raises `NotAllowed` where that has an
        answer already, for whoever wrote this one has not seen it.
        """
        text = _checked(text, LONGEST_ANSWER, "an answer")
        return await self._answer(who, "answer", id, Answer(text, by or who, self._now(), tuple(sources)), once)

    @_worded_anew
    async def tell_again(self, who: str, id: str) -> Action:
        """Try once more to bring the answer to those whom it did not reach, at night in the morning. Raises
        `NotAllowed` where there is nobody who can be tried."""
        state = await self._state(id)
        session = await self._session(state.session)
        asked, sent = await self._store.asked(id), await self._store.answering(state.session)
        at = self._say_at(session, last_asked(asked), self._now())
        found = reach(state, asked, sent, self._replying())
        failed = [one for one in found if one.heard is Heard.FAILED]
        worded = {one.key for one in sent if one.text}  # whose words were forgotten with somebody gets them anew
        keys = {one.delivery for one in failed} & worded
        said = [replace(one, state="waiting", attempts=0, not_before=at) for one in sent if one.key in keys]
        never = {one.person for one in failed if one.delivery not in worded}
        if untold := [one for one in asked if one.message.person in never]:
            said += joined(session, state, untold, sent, at)
        if not said:
            raise NotAllowed("there is nobody whom this answer did not reach and who can be tried again")
        return await self._apply(who, "tell_again", [(state, state)], deliveries=tuple(said), told={id: asked})

    @_worded_anew
    async def aloud(self, who: str, answers: Mapping[str, Answer]) -> Action:
        """These questions were answered aloud, as one act; whoever asked hears where. An answer in words that a
        question has already stays, and gets the sources of its `Answer`."""
        pairs: list[Pair] = []
        said: list[Delivery] = []
        told: Told = {}
        for state in await self._states(list(answers)):
            require_follows(state.status, Status.ANSWERED)
            after = spoken(state, answers[state.id])
            pairs.append((state, after))
            if after != state:
                told[state.id] = await self._store.asked(state.id)
                said += await self._said(after, told[state.id])
        return await self._apply(who, "aloud", _changed(pairs, "answered so"), deliveries=tuple(said), told=told)

    async def accept(self, who: str, id: str) -> Action:
        """Answer with what the course suggests."""
        found = (await self._store.question(id)).suggested_answer
        if found is None:
            raise NotAllowed("the course suggests nothing for this question")
        return await self._answer(who, "accept", id, replace(by_course(found, self._now()), accepted=True))

    async def recall(self, who: str, id: str, earlier: str) -> Action:
        """Answer with what a person answered to the question `earlier` on an earlier evening of the series; everyone
        who asked hears it, with its date."""
        state, source = await self._state(id), await self._state(earlier)
        evening, answer = await self._evening(state, source), lasting(source)
        if answer is None:
            raise NotAllowed("no person answered that on an earlier evening of the series")
        found = Answer(answer.text, COURSE, self._now(), recalled(evening, source, answer), accepted=True)
        return await self._answer(who, "recall", id, found)

    @_worded_anew
    async def merge(self, who: str, ids: Sequence[str], into: str) -> Action:
        """Groups `ids` become part of `into`; askers hear its answer where there is one. Where only others of them are
        answered, all become part of the one that was answered last: so no answer goes with a question that it was
        given to."""
        asked_into = await self._state(into)
        chosen = [asked_into, *(q for q in await self._states(ids) if q.id != into)]
        if len(chosen) == 1:
            raise BadInput("choose at least two different questions to merge")
        if asked_into.status is Status.MERGED or any(q.session != asked_into.session for q in chosen):
            raise NotAllowed("a question can only be merged into one of the same session that still stands")
        winner = _keeps(chosen)
        into, losers = winner.id, [q for q in chosen if q is not winner]
        gone = {q.id for q in losers}
        known = await self._known(winner.session)
        earlier = [q for q in known if q.merged_into in gone]
        pairs: list[Pair] = [(q, replace(q, merged_into=into)) for q in earlier]
        pairs += [(q, replace(_to(q, Status.MERGED), merged_into=into)) for q in losers]
        tells = winner.status is Status.ANSWERED
        told = {q.id: await self._store.asked(q.id) for q in losers} if tells else {}
        said = await self._joined(winner, [one for those in told.values() for one in those])
        return await self._apply(who, "merge", pairs, deliveries=said, told=told)

    async def apart(self, who: str, ids: Sequence[str], other: str) -> Action:
        """The questions `ids` are not `other`: it is not proposed for them, and later wordings keep to that."""
        states = [q for q in await self._states(ids) if q.id != other]
        target = await self._state(other)
        if not states or any(q.session != target.session for q in states):
            raise BadInput("name two different questions of one session to keep them apart")
        if Status.MERGED in {target.status, *(q.status for q in states)}:
            raise NotAllowed("a merged question is part of another one; split it off instead")
        known = await self._known(target.session)
        mine = {id for q in states for id in together(q.id, known)}
        others = together(other, known)
        return await self._apply(who, "apart", [(q, apart_from(q, others)) for q in known if q.id in mine])

    async def again(self, who: str, id: str, earlier: str) -> Action:
        """The question asks what `earlier` asked on an earlier evening of the series, whatever was said before of it or
        of what was merged into it. What an asker called no answer stays none."""
        state, thread = await self._thread(id, earlier)
        known = await self._known(state.session)
        whole = set(together(id, known))
        same = (*(one for one in state.again if one != earlier), earlier)
        parts = [
            (q, replace(q, apart=tuple(one for one in q.apart if one not in thread))) for q in known if q.id in whole
        ]
        pairs = [(q, replace(said, again=same) if q.id == id else said) for q, said in parts]
        return await self._apply(who, "again", _changed(pairs, "said already"))

    async def not_again(self, who: str, id: str, earlier: str) -> Action:
        """It asks something else than `earlier` and all that asked the same there; that is not proposed any more, and
        what was answered there is no answer to it (`misses`)."""
        state, thread = await self._thread(id, earlier)
        said = replace(state, again=tuple(one for one in state.again if one not in thread))
        said = apart_from(said, (one for one in thread if one not in state.apart))
        return await self._apply(who, "not_again", _changed([(state, said)], "said already"))

    @_worded_anew
    async def split(self, who: str, id: str, messages: Sequence[int]) -> Action:
        """The wordings `messages` become a question of their own, which is another one than they came from."""
        state = await self._state(id)
        asked = await self._store.asked(id)
        chosen = [a for a in asked if a.message.id in set(messages)]
        if not chosen or len(chosen) == len(asked):
            raise BadInput("choose some, but not all, of the question's wordings to split off")
        text = chosen[0].message.text
        known = await self._known(state.session)
        apart, refused = left_behind(state, known), tuple(sorted(rejected(state, known)))
        title = title_of(text) or state.title  # whoever was forgotten left no words
        new = QuestionState(
            await self._free_id(chosen[0].message), state.session, title, text, rejected=refused, apart=apart
        )
        moves = tuple(Move(a.message.id, a.question, new.id) for a in chosen)
        return await self._apply(who, "split", [(None, new)], moves, told={id: asked})

    async def confirm(self, who: str, id: str, messages: Sequence[int]) -> Action:
        """These wordings do ask `id`, however far they are from its others: they are doubtful no longer."""
        state = await self._state(id)
        _chosen([one for one in await self._store.asked(id) if one.question == id], messages, id)
        said = replace(state, confirmed=tuple(sorted({*state.confirmed, *messages})))
        return await self._apply(who, "confirm", _changed([(state, said)], "confirmed"))

    async def not_asking(self, who: str, id: str, messages: Sequence[int]) -> Action:
        """These wordings of `id` ask nothing: they go out of the queue, and so will what is said in the same words. A
        question that has no others goes with them; raises `NotAllowed` where a person answered it or it is on stage."""
        pairs, moves = await self._out(id, messages)
        session = (await self._state(id)).session
        return await self._commit(Change(session, self._now(), who, "not_asking", pairs, moves))

    async def take(self, who: str, session: str, message: int) -> Action:
        """A message that the program took for no question is one: it goes the way of all that ask, founds a question or
        joins what asks the same. Taken back, a person has said that it asks nothing."""
        return await self._commit(Change(session, self._now(), who, "take", takes=message))

    @_worded_anew
    async def move(self, who: str, messages: Sequence[int], question: str, to: str) -> Action:
        """Wordings go from `question` to another question of the session, which is so said to be another."""
        source, target = await self._state(question), await self._state(to)
        asked = await self._store.asked(question)
        chosen = _chosen(asked, messages, question)
        elsewhere = target.session == source.session and target.status is not Status.MERGED and to != question
        if not elsewhere or len(chosen) == len(asked):
            raise NotAllowed("wordings move to another standing question of the session and never leave none behind")
        known = await self._known(source.session)
        said = await self._joined(target, chosen)
        after = apart_from(target, left_behind(source, known))
        if target.status in OPEN:
            sent = {one.placement.sent.source for one in chosen if one.placement.sent}
            after = _refused(after, sorted(sent & rejected(source, known)))
        moves = tuple(Move(a.message.id, a.question, to) for a in chosen)
        return await self._apply(who, "move", [(target, after)], moves, said, told={question: asked})

    async def open_session(self, who: str, session: Session) -> Action:
        """A new session. Raises `Conflict` where there is one of its id."""
        return await self._commit(Change(session.id, self._now(), who, "open", opens=session))

    async def set_up(self, who: str, session: str, wanted: Mapping[str, SettingValue]) -> Action | None:
        """Set fields of a session to these values; None where they are so already."""
        settings = to_set(await self._session(session), wanted)
        if not settings:
            return None
        return await self._commit(Change(session, self._now(), who, "set_up", settings=settings))

    @_worded_anew
    async def undo(
        self, who: str, session: str, action: int | None = None, *, may_set: Container[str] = SETTINGS
    ) -> Action:
        """Take back an action, by default the newest of this person that still stands: what somebody else just did is
        taken back by its number alone. Raises `Conflict` where later ones built on it.

        What has already been said in chats cannot be unsaid; what still waits is not sent. A merge that is taken back
        says that the questions are not the same. Where another question is on stage by now, the one that was
        goes into the queue. `may_set` names the session's settings that this person may change.
        """
        found = await self._to_undo(who, session, action, may_set)
        change = found.change
        if change.takes is not None:
            pairs, moves = await self._untaken(session, change.takes)
            return await self._commit(Change(session, self._now(), who, "undo", pairs, moves, undoes=found.id))
        back = [Move(m.message, m.after, m.before) for m in reversed(change.moves)]
        back += await self._joined_since(change)
        known = await self._known(session)
        pairs = _beside(taken_back(change, known), known)
        said, told = await self._said_before(change)
        return await self._commit(
            Change(
                session,
                self._now(),
                who,
                "undo",
                pairs,
                tuple(back),
                (*said, *await self._said_to_who_returns(change)),
                undoes=found.id,
                settings=taken_back_settings(change.settings),
                polls=tuple((after, before) for before, after in reversed(change.polls)),
                pulse=None if change.pulse is None else not change.pulse,
                surveys=tuple((after, before) for before, after in reversed(change.surveys)),
                duties=tuple((after, before) for before, after in change.duties),
            ),
            told,
        )

    # -- what the audience does --------------------------------------------------------------------------------------

    async def vote(self, session: str, id: str, person: Person, on: bool = True) -> Question:
        question = await self._final(session, id)
        await self._store.vote(question.id, person, on, self._now())
        self._changed(session)
        return await self._store.question(question.id)

    async def not_answered(self, session: str, id: str, person: Person) -> Question:
        """An asker says the course's answer misses: the question goes back to the queue, and the source is not used
        for it again. Raises `NotAllowed` for somebody who did not ask it."""
        question = await self._final(session, id)
        who = (person.source, person.id)
        asked = await self._store.asked(question.id)
        mine = [a for a in asked if (a.message.person.source, a.message.person.id) == who]
        matches = [match for a in mine for match in (a.placement.answer, a.placement.memory) if match]
        sent = {match.source for match in matches if match.state == "sent"}
        sources = sent or {match.source for match in matches if match.state != "withheld"}
        sources |= set(_course_sources(question.state))
        if not mine:
            raise NotAllowed("only somebody who asked this can say that it was not answered")
        before = question.state
        after = _refused(before, sorted(sources))
        if before.status is Status.ANSWERED and before.answer and before.answer.by == COURSE:
            after = replace(after, status=Status.NEW, answer=None)
        if after != before:
            # A button may bring another name than messages do; forgetting knows the one that stands there.
            name = mine[0].message.author_name or person.id
            await self._apply(f"{person.source}:{name}", "not_answered", [(before, after)])
        return await self._store.question(question.id)

    async def top(self, session: str, limit: int = 5) -> list[Question]:
        found = await self._session(session)
        return waiting(q for q in await self._store.questions(session) if visible(q.state, found))[:limit]

    async def mine(self, session: str, person: Person) -> list[tuple[Message, QuestionState | None]]:
        asked = await self._store.asked_by(session, person)
        return [(a.message, await self._following(a.question) if a.question else None) for a in asked]

    # -- how -----------------------------------------------------------------------------------------------------------

    @_worded_anew
    async def _answer(self, who: str, what: str, id: str, answer: Answer, once: str = "") -> Action:
        state = await self._state(id)
        if state.merged_into:
            state = await self._state(state.merged_into)
            if state.status is Status.ANSWERED:
                raise NotAllowed(f"this question was merged into another one, which is answered: {state.title}")
        after = replace(_to(state, Status.ANSWERED), answer=answer)
        asked = await self._store.asked(state.id)
        said = await self._said(after, asked)
        return await self._apply(who, what, [(state, after)], deliveries=said, once=once, told={state.id: asked})

    async def _said(self, question: QuestionState, asked: Sequence[Asked]) -> tuple[Delivery, ...]:
        if question.answer is None:
            return ()
        session = await self._session(question.session)
        sent = await self._store.answering(question.session)
        return answers(session, question, asked, sent, self._leaves(session, asked), self._edits)

    async def _joined(self, question: QuestionState, asked: Sequence[Asked]) -> tuple[Delivery, ...]:
        """The recorded answer to those who come to the question now."""
        if question.answer is None or question.status is not Status.ANSWERED:
            return ()
        session = await self._session(question.session)
        sent = await self._store.answering(question.session)
        return joined(session, question, asked, sent, self._leaves(session, asked))

    async def _reasons(self, question: QuestionState, asked: Sequence[Asked]) -> tuple[Delivery, ...]:
        session = await self._session(question.session)
        return reasons(session, question, asked, self._leaves(session, asked))

    async def _said_before(self, change: Change) -> tuple[tuple[Delivery, ...], Told]:
        """The answers and reasons that stand again: who heard another one, or was to hear them, hears them; and an
        answer that is part of no other question any more, who did not hear it. Also who asks what they answer."""
        said: list[Delivery] = []
        told: Told = {}
        for old, new in change.questions:
            if old is None:
                continue
            answers = old.answer is not None and old.answer != (new.answer if new else None)
            dismisses = bool(old.reason) and not (new and new.reason)
            parts = bool(old.answer and not old.merged_into and new and new.merged_into)
            if not (answers or dismisses or parts):
                continue
            asked = told[old.id] = await self._store.asked(old.id)
            if answers and old.answer:
                said += await self._said_again(change, old, old.answer, asked)
            if dismisses:
                said += await self._reasons(old, asked)
            if parts:
                said += await self._joined(old, asked)
        return tuple(said), told

    async def _said_to_who_returns(self, change: Change) -> list[Delivery]:
        """What a person said meanwhile to a question that a message had left and comes back to."""
        here = {
            one.message.id: one
            for id in {move.after for move in change.moves}
            for one in (await self._store.asked(id) if id else await self._store.askings(change.session, EVERYTHING))
        }
        said: list[Delivery] = []
        for id in dict.fromkeys(move.before for move in change.moves if move.before):
            back = [here[move.message] for move in change.moves if move.before == id and move.message in here]
            with suppress(NotFound):  # where it comes back itself
                state = await self._following(id)
                said += [*await self._joined(state, back), *await self._reasons(state, back)]
        return said

    async def _said_again(
        self, change: Change, question: QuestionState, answer: Answer, asked: Sequence[Asked]
    ) -> Sequence[Delivery]:
        said = await self._said(question, asked)
        if not answer.by_itself:
            return said
        # The course told each asker by itself; only who heard something else since, or came later and still waits for
        # that, is told again. What the act itself would have said is withheld.
        sent, taken = await self._store.answering(question.session), {one.key for one in change.deliveries}
        late = {one.key for one in sent if one.state == "waiting"} - taken
        heard = {one.key for one in sent if one.sent_id or one.state in {"sending", "sent"}}
        return [one for one in said if one.key in heard | late]

    def _leaves(self, session: Session, asked: Sequence[Asked]) -> float:
        """When what is told to those who asked goes out: as soon as it can no more be taken back, but not at night."""
        return self._say_at(session, last_asked(asked), self._now() + UNDO_WITHIN)

    async def _out(self, id: str, messages: Iterable[int]) -> tuple[tuple[Pair, ...], tuple[Move, ...]]:
        """What takes these wordings out of a question and all questions, and that one where it has no others."""
        state, asked = await self._state(id), [one for one in await self._store.asked(id) if one.question == id]
        chosen = _chosen(asked, messages, id)
        moves = tuple(Move(a.message.id, a.question, "") for a in chosen)
        if len(chosen) < len(asked):
            return (), moves
        if state.status is Status.ON_STAGE:
            raise NotAllowed("no wording of it would be left, and it is on stage: take it off the stage first")
        if state.status is Status.ANSWERED and not state.answered_by_itself:
            raise NotAllowed("no wording of it would be left, and a person answered it: reopen it first")
        known = await self._known(state.session)
        whole = set(together(id, known))
        return tuple((one, None) for one in known if one.id in whole), moves

    async def _untaken(self, session: str, message: int) -> tuple[tuple[Pair, ...], tuple[Move, ...]]:
        """What takes a line out again that was taken for a question."""
        asked = await self._store.askings(session, EVERYTHING)
        here = next((one for one in asked if one.message.id == message), None)
        if here is None:
            raise Conflict(f"message {message} is not placed yet, or it was forgotten: look again in a moment")
        if not here.question:
            raise Conflict(f"somebody said meanwhile that message {message} asks nothing")
        return await self._out(here.question, [message])

    async def _joined_since(self, change: Change) -> list[Move]:
        """Where a split is undone, what joined the new question meanwhile goes where its founders go."""
        founded = {after.id for before, after in change.questions if before is None and after is not None}
        known = {m.message for m in change.moves}
        return [
            Move(a.message.id, a.question, change.moves[0].before)
            for id in founded
            for a in await self._store.asked(id)
            if a.question == id and a.message.id not in known
        ]

    async def _to_undo(self, who: str, session: str, action: int | None, may_set: Container[str]) -> Action:
        for one in await self._store.actions(session, limit=500):
            may = may_undo(one.change, may_set)
            if action is None and one.change.who != who:
                continue
            if action == one.id and not may:
                raise NotAllowed("this needs more rights to be taken back, or cannot be taken back at all")
            if action == one.id or (action is None and may and not one.undone and one.change.undoes is None):
                return one
        if action is not None:
            raise NotFound(f"there is no action {action}")
        raise NotFound("you did nothing that is left to undo; what others did is in the history")

    async def _thread(self, id: str, earlier: str) -> tuple[QuestionState, tuple[str, ...]]:
        """A question, and what asked the same as `earlier` on earlier evenings, that one first."""
        question, other = await self._store.question(id), await self._state(earlier)
        await self._evening(question.state, other)
        asked = {one.question: one for one in question.earlier.evenings} if question.earlier else {}
        return question.state, tuple(dict.fromkeys((earlier, *(asked if earlier in asked else ()))))

    async def _evening(self, state: QuestionState, other: QuestionState) -> Session:
        """That of the other question, which was before this one's in its series. Raises `NotAllowed`."""
        sessions = await self._store.sessions()
        here = next(one for one in sessions if one.id == state.session)
        evening = next((one for one in before(here, sessions) if one.id == other.session), None)
        if evening is None:
            raise NotAllowed("that was not asked on an earlier evening of the series")
        return evening

    async def _set_status(self, who: str, what: str, ids: Sequence[str], status: Status) -> Action:
        return await self._apply(who, what, [(q, _to(q, status)) for q in await self._states(ids)])

    async def _apply(
        self,
        who: str,
        what: str,
        questions: Sequence[Pair],
        moves: tuple[Move, ...] = (),
        deliveries: tuple[Delivery, ...] = (),
        polls: tuple[tuple[PollState, PollState], ...] = (),
        once: str = "",
        told: Mapping[str, Sequence[Asked]] = MappingProxyType({}),
    ) -> Action:
        session = next(q.session for pair in questions for q in pair if q is not None)
        return await self._commit(
            Change(session, self._now(), who, what, tuple(questions), moves, deliveries, polls=polls, once=once), told
        )

    async def _commit(self, change: Change, told: Mapping[str, Sequence[Asked]] = MappingProxyType({})) -> Action:
        """`told`: who asks the questions whose answers it tells, all of them."""
        action = await self._store.apply(change, fingerprints(told))
        self._changed(change.session)
        if change.settings or change.opens:
            self._settled(change.session)
        if change.takes is not None:
            self._arrived({change.session})
        if change.polls or change.surveys or change.pulse is not None:
            self._polls_changed(change.session)
        if change.duties:
            self._duties_changed(change.session)
        if change.deliveries:
            self._sending()
        return action

    async def _session(self, id: str) -> Session:
        found = next((s for s in await self._store.sessions() if s.id == id), None)
        if found is None:
            raise NotFound(f"there is no session {id!r}")
        return found

    async def _state(self, id: str) -> QuestionState:
        return (await self._store.question(id)).state

    async def _states(self, ids: str | Sequence[str]) -> list[QuestionState]:
        """Of one question or of several."""
        if not ids:
            raise BadInput("name at least one question")
        states = [await self._state(id) for id in dict.fromkeys([ids] if isinstance(ids, str) else ids)]
        if len({q.session for q in states}) > 1:
            raise BadInput("the questions belong to different sessions")
        return states

    async def _final(self, session: str, id: str) -> Question:
        """The question of this session, or the one it was merged into."""
        question = await self._store.question(id)
        if question.state.merged_into:
            question = await self._store.question(question.state.merged_into)
        if question.state.session != session:
            raise NotFound(f"there is no question {id!r} in session {session!r}")
        return question

    async def _following(self, id: str) -> QuestionState:
        state = await self._state(id)
        return await self._state(state.merged_into) if state.merged_into else state

    async def _polls_off(self, session: str) -> tuple[tuple[PollState, PollState], ...]:
        shown = [poll.state for poll in await self._store.polls(session) if poll.state.shown]
        return tuple((state, replace(state, shown=False)) for state in shown)

    async def _known(self, session: str) -> list[QuestionState]:
        return [question.state for question in await self._store.questions(session)]

    async def _free_id(self, message: Message) -> str:
        for id in islice(founded_ids(message.id), 1000):
            try:
                await self._store.question(id)
            except NotFound:
                return id
        raise Conflict("this message was split off too often")


def may_undo(change: Change, may_set: Container[str]) -> bool:
    """Whether somebody who may change these settings of a session may take it back. That a session was opened stays,
    and so does what left nothing else as it was: a file that was sent, an entry that is reviewed elsewhere."""
    pairs = (*change.questions, *change.polls, *change.surveys, *change.duties)
    said = change.moves or change.settings or change.deliveries or change.pulse is not None or change.takes is not None
    differs = bool(said) or any(before != after for before, after in pairs)
    return differs and change.opens is None and all(setting.name in may_set for setting in change.settings)


def _chosen(asked: Iterable[Asked], messages: Iterable[int], question: str) -> list[Asked]:
    """Those of a question's wordings. Raises `NotFound` where one of them is none, `BadInput` where there is none."""
    wanted = set(messages)
    chosen = [one for one in asked if one.message.id in wanted]
    if missing := wanted - {one.message.id for one in chosen}:
        raise NotFound(f"message {min(missing)} does not belong to question {question}")
    if not chosen:
        raise BadInput("choose at least one wording")
    return chosen


def _to(state: QuestionState, status: Status) -> QuestionState:
    if state.status is status and status is not Status.ANSWERED:
        raise Conflict(f"the question is {status} already")
    require_follows(state.status, status)
    return replace(state, status=status, reason="", reason_shown=False)  # a reason is why it is dismissed now


def _keeps(merged: Sequence[QuestionState]) -> QuestionState:
    """Which of these the others become part of: the first, or else what a person answered."""
    answered = [(q.answer.at, q) for q in merged if q.status is Status.ANSWERED and q.answer and not q.answer.by_itself]
    first = merged[0]
    if first.status is Status.ANSWERED or not answered:
        return first
    if first.status is Status.ON_STAGE:
        raise NotAllowed("one of these is on stage and another one is answered: take the first off the stage before")
    return max(answered, key=lambda one: one[0])[1]


def _beside(pairs: Sequence[Pair], known: Iterable[QuestionState]) -> tuple[Pair, ...]:
    """These, with the queue for what would come on stage beside a question that stays there."""
    goes = {now.id for now, then in pairs if now and not _staged(then)}
    taken = any(_staged(q) and q.id not in goes for q in known)
    return tuple(
        (now, replace(then, status=Status.QUEUED) if then and taken and _staged(then) and not _staged(now) else then)
        for now, then in pairs
    )


def _staged(state: QuestionState | None) -> bool:
    return state is not None and state.status is Status.ON_STAGE


def _changed(pairs: Sequence[Pair], how: str) -> Sequence[Pair]:
    """Those that the act changes. Raises `Conflict` where it changes none: somebody was faster."""
    found = [(before, after) for before, after in pairs if before != after]
    if not found:
        raise Conflict(f"this is {how} already")
    return found


def _labels(labels: Sequence[str]) -> tuple[str, ...]:
    tidy = tuple(dict.fromkeys(label.strip()[:LONGEST_LABEL].strip() for label in labels if label.strip()))
    if len(tidy) > MOST_LABELS:
        raise BadInput(f"a question carries at most {MOST_LABELS} labels, these are {len(tidy)}")
    return tidy


def _refused(state: QuestionState, sources: Iterable[str]) -> QuestionState:
    """These are no answer to it."""
    return replace(state, rejected=tuple(dict.fromkeys((*state.rejected, *sources))))


def _course_sources(state: QuestionState) -> tuple[str, ...]:
    return state.answer.sources[:1] if state.answer and state.answer.by == COURSE else ()


def _checked(text: str, longest: int, what: str) -> str:
    text = text.strip()
    if not text or len(text) > longest:
        raise BadInput(f"{what} needs 1 to {longest:,} characters, this has {len(text):,}")
    return text
