"""What was said aloud in a session: taken in, searched for answers in the background, confirmed or refused by people.

One transcript a session. A search that is asked for while another one runs takes its place.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.aloud import (
    answer_at,
    chosen,
    dated,
    looked_for,
    read_recording,
    renewed,
    search,
    talk_began,
    wordings,
)
from bot.errors import BadInput, FloormicError, NotFound
from bot.model import Action, Answer, Change, Dated, Proposal, Proposed, Question, Session, Transcript
from bot.ports import Now, Store
from knowledge.aloud import Passage, Speech, passage_at, views
from knowledge.archives import NotTaken
from knowledge.captions import read_captions, sentences

log = logging.getLogger(__name__)

Told = Callable[[int, int], None]
"""Hears how many texts are read, and of how many."""

Encode = Callable[[Sequence[str], Told], Awaitable[NDArray[np.float32]]]
"""Texts to unit vectors, shape (n, d), without stopping anything else."""

Put = Callable[[str, Mapping[str, Answer]], Awaitable[Action]]
"""Questions were answered aloud, as somebody says: one act in the ledger."""

LONGEST_NAME = 200

ENDED = "the transcript has ended by then"
NOTHING = "there is no passage for this question: say the time"


@dataclass(frozen=True, slots=True)
class Searching:
    """How far a search is: `done` of `texts` are read (0 of 0: it has just begun)."""

    done: int = 0
    texts: int = 0


class Transcripts:
    """All methods may raise `NotFound`, `BadInput` and `StoreError`; then nothing changed. `changed` is told the
    session whose transcript, proposals or search changed."""

    def __init__(
        self,
        store: Store,
        now: Now,
        *,
        encode: Encode,
        put: Put,
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store, self._now = store, now
        self._encode, self._put, self._changed = encode, put, changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._searching: dict[str, Searching] = {}
        self._failed: dict[str, str] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def searching(self, session: str) -> Searching | None:
        return self._searching.get(session)

    def failed(self, session: str) -> str:
        """Why the last search was given up; "" where it was not."""
        return self._failed.get(session, "")

    async def take(
        self, session: Session, name: str, data: bytes, by: str, offset: float | None = None, recording: str = ""
    ) -> Transcript:
        """Keep a VTT or SRT file in the place of the one there was, and look for answers in it. `offset`: seconds after
        the talk's beginning at which it begins; None: as the stage or the talk say."""
        recording = read_recording(recording)
        try:
            read = await asyncio.to_thread(read_captions, data)
        except NotTaken as error:
            raise BadInput(str(error)) from error
        kept = Transcript(
            session.id,
            " ".join(name.split())[:LONGEST_NAME],
            by,
            self._now(),
            read.lines,
            read.problems,
            recording=recording,
        )
        kept = dated(kept, offset, await self.began(session))
        async with self._turns[session.id]:  # what is confirmed meanwhile stays
            await self._stop(session.id)
            await self._store.keep_transcript(
                kept,
                [one for one in await self._store.proposals(session.id) if _is_said(one)],
                self._done(session.id, by, "transcript_send"),
            )
        self.search(session)
        return kept

    async def began(self, session: Session) -> float | None:
        """From when offsets count."""
        return talk_began(session, await self._store.questions(session.id))

    async def set(self, session: Session, who: str, offset: float | None, recording: str) -> None:
        """When it begins (None: as the stage or the talk say), and where the recording is. Searches anew where it
        begins otherwise."""
        began = await self.began(session)
        async with self._turns[session.id]:
            before = await self._transcript(session.id)
            stays = offset is None and before.dated is not Dated.HAND
            moved = before if stays else dated(before, offset, began)
            await self._store.keep_transcript(
                replace(moved, recording=read_recording(recording)), noted=self._done(session.id, who, "transcript_set")
            )
        self._changed(session.id)
        if moved.zero != before.zero:
            self.search(session)

    async def drop(self, session: str, who: str) -> None:
        """What was confirmed stays answered."""
        async with self._turns[session]:
            await self._stop(session)
            await self._store.drop_transcript(session, self._done(session, who, "transcript_drop"))
        self._failed.pop(session, None)
        self._changed(session)

    async def said_at(self, session: str, seconds: float) -> Passage:
        """What is said from a second of the transcript on. Raises `NotFound` after its end."""
        transcript = await self._transcript(session)
        found = passage_at(await asyncio.to_thread(sentences, transcript.lines), seconds)
        if found is None:
            raise NotFound(ENDED)
        return found

    # -- searching -----------------------------------------------------------------------------------------------------

    def search(self, session: Session) -> None:
        """Look for the session's questions in its transcript, in the background."""
        if running := self._tasks.pop(session.id, None):
            running.cancel()
        self._failed.pop(session.id, None)
        self._searching[session.id] = Searching()
        task = asyncio.create_task(self._search(session))
        self._tasks[session.id] = task
        task.add_done_callback(lambda done: self._ended(session.id, done))
        self._changed(session.id)

    async def search_anew(self, session: Session) -> None:
        """As a person asks for it. Raises `NotFound` where there is nothing to search."""
        await self._transcript(session.id)
        self.search(session)

    async def searched(self, session: str) -> None:
        """Until no search runs for it."""
        while task := self._tasks.get(session):
            await asyncio.wait([task])

    async def close(self) -> None:
        for session in list(self._tasks):
            await self._stop(session)

    async def _stop(self, session: str) -> None:
        if task := self._tasks.get(session):
            task.cancel()
            await asyncio.wait([task])

    def _ended(self, session: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(session) is not task:
            return  # another one took its place
        del self._tasks[session]
        self._searching.pop(session, None)
        if not task.cancelled() and (error := task.exception()):
            self._failed[session] = str(error) if isinstance(error, FloormicError) else type(error).__name__
            log.error("the transcript of %s could not be searched", session, exc_info=error)
        self._changed(session)

    async def _search(self, session: Session) -> None:
        transcript = await self._transcript(session.id)
        every = await self._store.questions(session.id)
        questions = looked_for(every)
        finals = {q.id: q.state.merged_into for q in every if q.state.merged_into}
        asked = wordings(questions, await self._store.remembered(session.id), finals)
        said = await asyncio.to_thread(sentences, transcript.lines)
        told = views(said)
        new = [text for texts in asked.values() for text, vector in texts if vector is None]
        vectors = await self._encode([*told, *new], lambda done, of: self._read(session.id, done, of))
        known = dict(zip(new, vectors[len(told) :], strict=True))
        asked = {
            id: [(text, known[text] if vector is None else vector) for text, vector in texts]
            for id, texts in asked.items()
        }
        speech, began = Speech(said, vectors[: len(told)]), talk_began(session, every)
        done, found = await asyncio.to_thread(search, speech, transcript, questions, asked, began)
        async with self._turns[session.id]:  # what people say meanwhile counts
            now = await self._transcript(session.id)
            if now.lines != transcript.lines:
                return  # another file took its place; what was found is not said there
            proposals = renewed(found, await self._store.proposals(session.id), [q.id for q in questions])
            now = replace(now, zero=done.zero, dated=done.dated, searched=self._now())
            await self._store.keep_transcript(now, proposals)

    def _read(self, session: str, done: int, texts: int) -> None:
        if session in self._searching:
            self._searching[session] = Searching(done, texts)
            self._changed(session)

    # -- what people say to it -----------------------------------------------------------------------------------------

    async def proposals(self, session: str) -> list[tuple[Proposal, Question]]:
        """With the questions that they are about now."""
        questions = {q.id: q for q in await self._store.questions(session)}
        found: dict[str, tuple[Proposal, Question]] = {}
        for one in await self._store.proposals(session):
            question = questions.get(one.question)
            if question is not None and question.state.merged_into:
                question = questions.get(question.state.merged_into)
            if question is not None and (question.id not in found or question.id == one.question):
                found[question.id] = (replace(one, question=question.id), question)
        return list(found.values())

    async def confirm(self, session: Session, who: str, wanted: Mapping[str, float | None]) -> Action:
        """These questions were answered aloud where it is proposed (None), or from that second of the transcript on;
        one act. Whoever asked hears it."""
        transcript = await self._transcript(session.id)
        said = await asyncio.to_thread(sentences, transcript.lines)
        known = {question.id: one for one, question in await self.proposals(session.id)}
        confirmed: list[Proposal] = []
        for id, start in wanted.items():
            final = await self._final(session.id, id)
            passage = chosen(known.get(final), start, said)
            if passage is None:
                raise NotFound(NOTHING if start is None else ENDED)
            others = known[final].others if final in known else ()
            confirmed.append(Proposal(final, passage, others, Proposed.CONFIRMED))
        answers = {
            one.question: answer_at(one.passage, session, transcript.recording, self._now()) for one in confirmed
        }
        async with self._turns[session.id]:
            action = await self._put(who, answers)
            for one in confirmed:
                await self._store.keep_proposal(session.id, one)
        self._changed(session.id)
        return action

    async def refuse(self, session: str, who: str, question: str, on: bool = True) -> None:
        """It is not answered there; or, not `on`, it may be after all."""
        async with self._turns[session]:
            known = {about.id: one for one, about in await self.proposals(session)}
            if question not in known:
                raise NotFound(NOTHING)
            state = Proposed.REFUSED if on else Proposed.WAITING
            await self._store.keep_proposal(session, replace(known[question], state=state))
            await self._store.apply(self._done(session, who, "aloud_refuse" if on else "aloud_reconsider"))
        self._changed(session)

    def _done(self, session: str, who: str, what: str) -> Change:
        """A row of the ledger; there is nothing in it to take back."""
        return Change(session, self._now(), who, what)

    async def _final(self, session: str, id: str) -> str:
        state = (await self._store.question(id)).state
        if state.session != session:
            raise NotFound(f"there is no question {id!r} in session {session!r}")
        return state.merged_into or id

    async def _transcript(self, session: str) -> Transcript:
        found = await self._store.transcript(session)
        if found is None:
            raise NotFound("this session has no transcript yet")
        return found


def _is_said(proposal: Proposal) -> bool:
    return proposal.state is Proposed.CONFIRMED
