"""What staff and people do with surveys, and what a survey does by itself.

Every act of staff is a `Change` in the one ledger, so that the desk's undo takes it back; what the clock does stands
there under the program's own name. What is typed in chats is heard with the votes of polls (`Polls.heard`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.errors import Conflict, NotAllowed, NotFound, StoreError
from bot.model import (
    Action,
    Address,
    Change,
    Delivery,
    Message,
    Person,
    Poll,
    PollKind,
    PollState,
    PollStatus,
    PollVote,
    Session,
    SurveyState,
)
from bot.polling import checked_choices, poll_buttons, pressed
from bot.ports import Now, Store
from bot.queueing import earlier
from bot.replies import UNDO_WITHIN
from bot.surveying import (
    LONGEST_ANSWER,
    Earlier,
    Feedback,
    asked,
    closes,
    default,
    edited,
    feedback,
    first_asked,
    invitation,
    like,
    next_item,
    next_open,
    opened,
    opens,
    reminder,
    reminder_due,
    tag,
    thanks,
)

log = logging.getLogger(__name__)

SURVEY = "survey"
"""The topic that watchers are told."""

ITSELF = "floormic"
"""Who stands in the ledger for what the clock does."""

PAUSE = 30.0
"""Seconds between two looks at the clock."""

Changed = Callable[[str, str], None]
"""Tells that a topic of a session changed, after the commit."""

Gather = Callable[[Sequence[str]], Awaitable[Sequence[int]]]
"""The number of the group of each text: those that say the same have the same."""


async def each_alone(texts: Sequence[str]) -> Sequence[int]:
    """Where nothing understands them."""
    return range(len(texts))


@dataclass(frozen=True, slots=True)
class Found:
    """A survey with what its items brought, and what follows from that."""

    survey: SurveyState
    results: tuple[Poll, ...]
    feedback: Feedback


class Surveys:
    """All methods may raise `NotFound`, `NotAllowed`, `BadInput`, `Conflict` and `StoreError`; then nothing changed.

    `replying` names the connectors that can answer in their chats; `staff` knows the staff's own chats; `page` is the
    address of a session's questionnaire. `quiet`: whether nothing may be said now that comes by itself.
    """

    def __init__(
        self,
        store: Store,
        changed: Changed,
        now: Now,
        *,
        sending: Callable[[], None] = lambda: None,
        replying: Callable[[], Iterable[str]] = lambda: (),
        staff: Callable[[Address], bool] = lambda _: False,
        page: Callable[[str], str] = lambda session: f"/s/{session}/feedback",
        quiet: Callable[[float], bool] = lambda _: False,
        gather: Gather = each_alone,
    ) -> None:
        self._store = store
        self._changed = changed
        self._now = now
        self._sending = sending
        self._replying = replying
        self._staff = staff
        self._page = page
        self._quiet = quiet
        self._gather = gather
        self._open: dict[str, SurveyState | None] = {}
        self._turn = 0

    # -- what staff does -----------------------------------------------------------------------------------------------

    async def save(self, who: str, wish: SurveyState, seen: str) -> Action:
        """Make the survey of a session, or change what it asks; of `wish` counts what it asks, how long and how often.

        `seen` is the `surveying.tag` of what whoever acts has seen. Raises `Conflict` where it stands otherwise by now.
        """
        before = await self._store.survey(wish.session)
        if tag(before) != seen:
            raise Conflict("somebody changed the survey just now; look at it again, then decide")
        if before is None:
            return await self._apply(who, "survey_make", None, edited(default(wish.session, ""), wish, ()))
        answered = {one.state.id for one in await self._store.survey_results(wish.session) if one.people}
        after = edited(before, wish, answered)
        if after.status is PollStatus.OPEN and after.closes_at <= self._now():
            raise NotAllowed("it would be closed already; give it more days, or close it")
        return await self._apply(who, "survey_edit", before, after)

    async def copy(self, who: str, session: str, origin: str) -> Action:
        """A draft like the survey of another session, in the place of a draft that is there."""
        model = await self._store.survey(origin)
        if model is None or origin == session:
            raise NotFound(f"session {origin!r} has no survey to copy")
        before = await self._store.survey(session)
        if before is not None and before.status is not PollStatus.DRAFT:
            raise NotAllowed("this session's survey was opened already; change it instead")
        return await self._apply(who, "survey_copy", before, like(model, session))

    async def remove(self, who: str, session: str) -> Action:
        before = await self._survey(session)
        if before.status is PollStatus.OPEN:
            raise NotAllowed("this survey is open; close it first")
        return await self._apply(who, "survey_remove", before, None)

    async def open(self, who: str, session: str) -> Action:
        """Open it, or open it again; without one the questionnaire that is ready to use. Every chat that can be written
        to is told, once."""
        before = await self._store.survey(session)
        if before is not None and before.status is PollStatus.OPEN:
            raise Conflict("this survey is open already")
        language = (await self._session(session)).language
        now = self._now()
        after = opened(before or default(session, language), now)
        said = await self._to_chats(after, language, now + UNDO_WITHIN)
        what = "survey_reopen" if before is not None and before.opened_at else "survey_open"
        return await self._apply(who, what, before, after, said)

    async def close(self, who: str, session: str) -> Action:
        """No more answers; a chat that was not told yet hears nothing of it."""
        before = await self._survey(session)
        if before.status is not PollStatus.OPEN:
            raise Conflict("this survey is not open")
        return await self._apply(who, "survey_close", before, replace(before, status=PollStatus.CLOSED))

    async def found(self, session: Session) -> Found | None:
        """What it brought, compared with the earlier evenings of the series; None without a survey."""
        survey = await self._store.survey(session.id)
        if survey is None:
            return None
        results = await self._store.survey_results(session.id)
        texts = [one for one in results if one.state.kind is PollKind.OPEN]
        groups = {one.state.id: await self._gather([text.text for text in one.texts]) for one in texts}
        before = await self._before(session)
        turnout = await self._store.turnout(session.id)
        return Found(survey, tuple(results), feedback(survey, results, turnout, groups, session, before))

    async def _before(self, session: Session) -> list[Earlier]:
        known = {survey.session for survey in await self._store.surveys() if survey.opened_at}
        evenings = [one for one in earlier(session, await self._store.sessions()) if one.id in known]
        evenings.sort(key=lambda one: one.starts_at or 0.0)
        return [Earlier(one, tuple(await self._store.survey_results(one.id))) for one in evenings]

    # -- what the audience does ----------------------------------------------------------------------------------------

    async def answer(self, session: str, id: str, person: Person, choices: Sequence[str]) -> None:
        """The last answer counts; none takes it back."""
        item = _item(await self._survey(session), id)
        if choices:
            said = checked_choices(item, choices, LONGEST_ANSWER)
            await self._store.answer_survey(session, PollVote(id, person, said))
        else:
            await self._store.unanswer_survey(session, id, person)
        self._changed(session, SURVEY)

    async def say(self, session: str, id: str, person: Person, choices: Sequence[str]) -> Poll:
        """The same in a chat, which goes on there (see `answered`); how the item stands now."""
        await self.answer(session, id, person, choices)
        await self.answered(session, person)
        return next(one for one in await self._store.survey_results(session) if one.state.id == id)

    async def press(self, session: str, id: str, person: Person, choice: str) -> tuple[Poll, tuple[str, ...]]:
        """A button of one choice, see `polling.pressed`; how the item stands now and what this person has chosen."""
        item = _item(await self._survey(session), id)
        before = (await self._store.survey_answers_of(session, person)).get(id, ())
        chosen = pressed(item, before, choice)
        return await self.say(session, id, person, chosen), chosen

    async def asks(self, message: Message) -> Sequence[PollState]:
        """What somebody may answer with this message, where it is typed: in a chat that was asked the item that it was
        asked, and where nobody else reads first what comes next for this person."""
        chat = message.address
        survey = await self._opened(message.session)
        if survey is None or chat is None or not self._told(chat):
            return ()
        first = first_asked(survey)
        if not chat.private:
            return (first,) if first else ()
        following = next_open(survey, await self._store.survey_answers_of(message.session, message.person))
        return tuple({item.id: item for item in (following, first) if item}.values())

    async def answered(self, session: str, person: Person) -> None:
        """Somebody answered in a chat: where only they read, the next item follows, or thanks after the last one."""
        self._changed(session, SURVEY)
        survey, chat = await self._opened(session), await self._store.private_chat(session, person)
        if survey is None or chat is None or not self._told(chat):
            return
        language = (await self._session(session)).language
        item = next_open(survey, await self._store.survey_answers_of(session, person))
        said = Delivery(
            key=f"feedback:{session}:{item.id if item else 'thanks'}:{chat.connector}:{chat.chat}",
            session=session,
            address=chat,
            text=next_item(item, language) if item else thanks(first_asked(survey), language),
            buttons=poll_buttons(item, language) if item else (),
            not_before=self._now(),
            poll=item,
        )
        await self._store.deliver([said])
        self._sending()

    # -- what it does by itself ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Open, close and remind when it is time, until cancelled."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                log.warning("surveys wait: %s", error)
            await asyncio.sleep(PAUSE)

    async def look(self) -> None:
        """Do what is due now."""
        now = self._now()
        surveys = {survey.session: survey for survey in await self._store.surveys()}
        for session in await self._store.sessions():
            survey = surveys.get(session.id)
            if opens(session, survey, now) and not await self._was_opened(session):
                await self._by_itself(self.open, session.id)
            elif survey is not None and closes(survey, now):
                await self._by_itself(self.close, session.id)
            elif survey is not None and not self._quiet(now):
                await self._remind(survey, session.language, now)

    async def _was_opened(self, session: Session) -> bool:
        """Since its talk ended: what a person took back does not come again."""
        acts = await self._store.actions(session.id, what=["survey_open"])
        return any(one.change.at >= (session.ended_at or 0.0) for one in acts)

    async def _by_itself(self, act: Callable[[str, str], Awaitable[Action]], session: str) -> None:
        try:
            await act(ITSELF, session)
        except Conflict:  # somebody was faster
            log.debug("the survey of %s was changed meanwhile", session)

    async def _remind(self, survey: SurveyState, language: str, now: float) -> None:
        session = survey.session
        number = reminder_due(survey, await self._store.reminded(session), now)
        if not number:
            return
        first = first_asked(survey)
        said = [
            Delivery(
                key=f"survey:{session}:remind:{survey.opened_at:.0f}:{number}:{chat.connector}:{chat.chat}",
                session=session,
                address=chat,
                text=reminder(first, language, self._page(session)),
                buttons=poll_buttons(first, language) if first else (),
                not_before=now,
                poll=first,
            )
            for chat in await self._store.silent(session)
            if self._told(chat)
        ]
        await self._store.remind(session, number, said)
        self._sending()

    # -- how -----------------------------------------------------------------------------------------------------------

    def changed(self, session: str) -> None:
        """The survey of this session was changed in the store, here or by undo."""
        self._turn += 1
        self._open.pop(session, None)
        self._changed(session, SURVEY)

    async def _opened(self, session: str) -> SurveyState | None:
        """The survey of a session where it is open; asked of the store once."""
        if session in self._open:
            return self._open[session]
        turn = self._turn
        survey = await self._store.survey(session)
        found = survey if survey is not None and survey.status is PollStatus.OPEN else None
        if turn == self._turn:  # else it was changed while it was read
            self._open[session] = found
        return found

    def _told(self, chat: Address) -> bool:
        """Whether a chat of the audience can be written to."""
        return chat.connector in set(self._replying()) and not self._staff(chat)

    async def _to_chats(self, survey: SurveyState, language: str, at: float) -> tuple[Delivery, ...]:
        """That it is open, to every chat but those of people who want to hear nothing that comes by itself."""
        session, first = survey.session, first_asked(survey)
        words = partial(invitation, survey, first, language, self._page(session))
        return tuple(
            Delivery(
                key=f"survey:{session}:open:{chat.address.connector}:{chat.address.chat}",
                session=session,
                address=chat.address,
                text=words(private=chat.address.private),
                buttons=poll_buttons(first, language) if first else (),
                not_before=at,
                poll=first,
            )
            for chat in await self._store.hearings(session)
            if self._told(chat.address) and not chat.out
        )

    async def _survey(self, session: str) -> SurveyState:
        found = await self._store.survey(session)
        if found is None:
            raise NotFound("this session has no survey")
        return found

    async def _session(self, id: str) -> Session:
        found = next((session for session in await self._store.sessions() if session.id == id), None)
        if found is None:
            raise NotFound(f"there is no session {id!r}")
        return found

    async def _apply(
        self,
        who: str,
        what: str,
        before: SurveyState | None,
        after: SurveyState | None,
        said: tuple[Delivery, ...] = (),
    ) -> Action:
        session = next(state.session for state in (before, after) if state is not None)
        action = await self._store.apply(
            Change(session, self._now(), who, what, deliveries=said, surveys=((before, after),))
        )
        self.changed(session)
        if said:
            self._sending()
        return action


def _item(survey: SurveyState, id: str) -> PollState:
    found = next((item for item in asked(survey) if item.id == id), None)
    if found is None:
        raise NotFound("the survey does not ask this any more; load the page again")
    return found
