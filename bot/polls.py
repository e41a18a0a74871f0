"""What staff and viewers do with polls, and the pulse: how viewers feel about the talk just now.

Every act of staff is a `Change` in the one ledger, so that the desk's undo takes it back. What is typed in chats is
heard before it is written, and written with its message in one transaction.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.errors import Conflict, NotAllowed, NotFound
from bot.model import (
    Action,
    Address,
    Change,
    Delivery,
    Message,
    Mood,
    Person,
    Poll,
    PollState,
    PollStatus,
    PollVote,
    Pulse,
    Results,
    Session,
)
from bot.polling import (
    announcement,
    asks_alike,
    checked,
    checked_choices,
    poll_buttons,
    pressed,
    result,
    typed_mood,
    typed_vote,
)
from bot.ports import Now, Store

POLLS, PULSE = "polls", "pulse"
"""The topics that watchers are told."""

ASKED = ("kind", "title", "options", "most", "low", "high", "ends", "results")
"""The fields of a poll that say what it asks; the others say how it stands."""

MOST_POLLS = 100
"""In one session."""

EARLY = 60.0
"""Seconds by which a chat's clock may be behind ours: what was said longer before a poll was opened is no vote."""

UNDO_WITHIN = 6.0
"""Seconds before a result is said in chats, so that a slip can be taken back."""

Changed = Callable[[str, str], None]
"""Tells that a topic of a session changed, after the commit."""

Pair = tuple[PollState | None, PollState | None]


async def _nothing(message: Message) -> Sequence[PollState]:
    return ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What is listened for in a session: votes in these polls, and moods where `pulse` is on."""

    polls: tuple[PollState, ...]
    pulse: bool


class Polls:
    """All methods may raise `NotFound`, `NotAllowed`, `BadInput`, `Conflict` and `StoreError`; then nothing changed.

    `replying` names the connectors that can answer in their chats; `staff` knows the staff's own chats, which are told
    nothing that is for the audience. `also`: what a message may answer beside polls, as something that is open.
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
        also: Callable[[Message], Awaitable[Sequence[PollState]]] = _nothing,
    ) -> None:
        self._also = also
        self._store = store
        self._changed = changed
        self._now = now
        self._sending = sending
        self._replying = replying
        self._staff = staff
        self._listening: dict[str, Heard] = {}
        self._turn = 0

    # -- what staff does -----------------------------------------------------------------------------------------------

    async def make(self, who: str, session: str, wish: PollState) -> Poll:
        """Of `wish` what a poll asks counts, not how it stands."""
        if len(await self._store.polls(session)) >= MOST_POLLS:
            raise NotAllowed(f"a session has at most {MOST_POLLS} polls; remove one first")
        made = _fresh(wish, session)
        await self._apply(who, "poll_make", [(None, made)])
        return Poll(made)

    async def edit(self, who: str, session: str, id: str, wish: PollState, seen: PollState | None = None) -> Action:
        """What is asked may change until it is started, for what chats were told, and the buttons there, stay as they
        were; its title and who sees the result may always. `seen` is what it asked for whoever changes it: raises
        `Conflict` where it asks otherwise by now, and not what is wished already."""
        poll = await self._poll(session, id)
        before = poll.state
        after = _asking(before, wish)
        overtaken = seen is not None and any(getattr(seen, name) != getattr(before, name) for name in ASKED)
        if overtaken and after != before:
            raise Conflict("somebody changed this poll just now; look at it again, then decide")
        if (before.round or poll.people) and not asks_alike(before, after):
            raise NotAllowed("people were asked this already; copy the poll to ask something else")
        return await self._apply(who, "poll_edit", [(before, after)])

    async def remove(self, who: str, session: str, id: str) -> Action:
        before = (await self._poll(session, id)).state
        if before.status is PollStatus.OPEN:
            raise NotAllowed("this poll is open; close it first")
        return await self._apply(who, "poll_remove", [(before, None)])

    async def start(self, who: str, session: str, id: str) -> Action:
        """Open it, or open it again; it goes on the stage, and every chat that can be written to is told."""
        return await _once_more(lambda: self._start(who, session, id))

    async def _start(self, who: str, session: str, id: str) -> Action:
        before = (await self._poll(session, id)).state
        if before.status is PollStatus.OPEN:
            raise Conflict("this poll is open already")
        now = self._now()
        after = replace(before, status=PollStatus.OPEN, shown=True, round=before.round + 1, opened_at=now)
        said = await self._to_chats(session, after, "open", lambda language: announcement(after, language), now)
        what = "poll_reopen" if before.round else "poll_start"
        return await self._apply(who, what, [*await self._off_stage(session, id), (before, after)], said)

    async def close(self, who: str, session: str, id: str) -> Action:
        """No more votes; chats are told the result unless that is for staff alone."""
        poll = await self._poll(session, id)
        if poll.state.status is not PollStatus.OPEN:
            raise Conflict("this poll is not open")
        after = replace(poll.state, status=PollStatus.CLOSED)
        told = replace(poll, state=after)
        said: tuple[Delivery, ...] = ()
        if after.results is not Results.STAFF:
            at = self._now() + UNDO_WITHIN
            said = await self._to_chats(session, after, "result", lambda language: result(told, language), at)
        return await self._apply(who, "poll_close", [(poll.state, after)], said)

    async def show(self, who: str, session: str, id: str, on: bool = True) -> Action:
        """Put it on the stage in the place of any other, or take it from there."""
        return await _once_more(lambda: self._show(who, session, id, on))

    async def _show(self, who: str, session: str, id: str, on: bool) -> Action:
        before = (await self._poll(session, id)).state
        others = await self._off_stage(session, id) if on else []
        return await self._apply(
            who, "poll_show" if on else "poll_hide", [*others, (before, replace(before, shown=on))]
        )

    async def mute(self, who: str, session: str, id: str, key: str, on: bool = True) -> Action:
        """Hide a word or text from everybody but staff, or show it again."""
        before = (await self._poll(session, id)).state
        muted = tuple(dict.fromkeys((*before.muted, key))) if on else tuple(k for k in before.muted if k != key)
        return await self._apply(
            who, "poll_mute" if on else "poll_unmute", [(before, replace(before, muted=muted[-1000:]))]
        )

    async def copy(self, who: str, session: str, origin: str, ids: Sequence[str] = ()) -> Action:
        """Polls of another session (or of this one) as drafts here: those named, or all."""
        known = await self._store.polls(origin)
        chosen = [poll.state for poll in known if not ids or poll.state.id in ids]
        if not chosen or (ids and len(chosen) < len(set(ids))):
            raise NotFound(f"there is no such poll in session {origin!r}")
        if len(await self._store.polls(session)) + len(chosen) > MOST_POLLS:
            raise NotAllowed(f"a session has at most {MOST_POLLS} polls; remove some first")
        return await self._apply(who, "poll_copy", [(None, _fresh(state, session)) for state in chosen])

    async def switch_pulse(self, who: str, session: str, on: bool) -> Action:
        change = Change(session, self._now(), who, "pulse_on" if on else "pulse_off", pulse=on)
        return await self._commit(change)

    # -- what the audience does ----------------------------------------------------------------------------------------

    async def vote(self, session: str, id: str, person: Person, choices: Sequence[str]) -> Poll:
        """The last one counts; none takes it back."""
        state = (await self._poll(session, id)).state
        if choices:
            await self._store.vote_poll(PollVote(id, person, checked_choices(state, choices)))
        else:
            await self._store.unvote_poll(id, person)
        self._changed(session, POLLS)
        return await self._store.poll(id)

    async def press(self, session: str, id: str, person: Person, choice: str) -> tuple[Poll, tuple[str, ...]]:
        """A button of one choice, see `polling.pressed`; how the poll stands now and what this person has chosen."""
        state = (await self._poll(session, id)).state
        before = (await self._store.poll_votes_of(session, person)).get(id, ())
        chosen = pressed(state, before, choice)
        return await self.vote(session, id, person, chosen), chosen

    async def feel(self, session: str, person: Person, mood: Mood) -> None:
        await self._store.feel(Pulse(session, person, mood, self._now()))
        self._changed(session, PULSE)

    async def heard(self, messages: Sequence[Message]) -> list[PollVote | Pulse]:
        """What of these messages is a vote or a mood."""
        found: list[PollVote | Pulse] = []
        for message in messages:
            listening = await self._listen(message.session)
            known = (*listening.polls, *await self._also(message))
            polls = [poll for poll in known if message.at >= poll.opened_at - EARLY]
            if polls and (voted := typed_vote(message.text, polls)):
                poll, choices = voted
                found.append(PollVote(poll.id, message.person, choices, message.external_id))
            elif listening.pulse and (mood := typed_mood(message.text)):
                # When it came, not when it was said: the line is about now, and a chat's clock may be wrong.
                found.append(Pulse(message.session, message.person, mood, self._now(), message.external_id))
        return found

    def counted(self, session: str) -> None:
        """Something that was heard in this session is written."""
        self._changed(session, POLLS)
        self._changed(session, PULSE)

    # -- how -----------------------------------------------------------------------------------------------------------

    def changed(self, session: str) -> None:
        """Polls of this session were changed in the store, here or by undo."""
        self._turn += 1
        self._listening.pop(session, None)
        self.counted(session)

    async def _listen(self, session: str) -> Heard:
        if (known := self._listening.get(session)) is not None:
            return known
        turn = self._turn
        polls = [poll.state for poll in await self._store.polls(session)]
        heard = Heard(
            tuple(poll for poll in polls if poll.status is PollStatus.OPEN), await self._store.pulse_on(session)
        )
        if turn == self._turn:  # else it was changed while it was read
            self._listening[session] = heard
        return heard

    async def _poll(self, session: str, id: str) -> Poll:
        poll = await self._store.poll(id)
        if poll.state.session != session:
            raise NotFound(f"there is no poll {id!r} in session {session!r}")
        return poll

    async def _off_stage(self, session: str, id: str) -> list[Pair]:
        states = [poll.state for poll in await self._store.polls(session)]
        return [(state, replace(state, shown=False)) for state in states if state.shown and state.id != id]

    async def _to_chats(
        self, session: str, state: PollState, what: str, words: Callable[[str], str], at: float
    ) -> tuple[Delivery, ...]:
        """The words to every chat of the session that can be written to, once in each round of the poll."""
        language = (await self._session(session)).language
        text = words(language)
        replying = set(self._replying())
        return tuple(
            Delivery(
                key=f"poll:{state.id}:{state.round}:{what}:{chat.connector}:{chat.chat}",
                session=session,
                address=chat,
                text=text,
                buttons=poll_buttons(state, language) if state.status is PollStatus.OPEN else (),
                not_before=at,
                poll=state,
            )
            for chat in await self._store.chats(session)
            if chat.connector in replying and not self._staff(chat)
        )

    async def _session(self, id: str) -> Session:
        found = next((session for session in await self._store.sessions() if session.id == id), None)
        if found is None:
            raise NotFound(f"there is no session {id!r}")
        return found

    async def _apply(self, who: str, what: str, pairs: Sequence[Pair], said: tuple[Delivery, ...] = ()) -> Action:
        session = next(state.session for pair in pairs for state in pair if state is not None)
        return await self._commit(Change(session, self._now(), who, what, deliveries=said, polls=tuple(pairs)))

    async def _commit(self, change: Change) -> Action:
        action = await self._store.apply(change)
        self.changed(change.session)
        if change.deliveries:
            self._sending()
        return action


async def _once_more(act: Callable[[], Awaitable[Action]]) -> Action:
    """Somebody put another poll on the stage meanwhile: there is room for one, and the last one counts."""
    try:
        return await act()
    except Conflict:
        return await act()


def _fresh(wish: PollState, session: str) -> PollState:
    """A draft that asks the same."""
    return _asking(PollState(f"p{secrets.token_hex(6)}", session, wish.kind, wish.title), wish)


def _asking(state: PollState, wish: PollState) -> PollState:
    """The poll as it stands, asking what is wished. Raises `BadInput`."""
    asked = {name: getattr(wish, name) for name in ASKED}
    return checked(replace(state, **asked))
