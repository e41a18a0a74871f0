"""What other processes wrote, told to whatever follows it in this one.

A process tells itself what it does by callbacks. What it hears of others (`Notices`) is a session and the kinds of
things that were written there, named in `bot.storage.store`; where a notice was missed, everything may be another one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.experts import TOPIC as EXPERTS
from bot.live import Live
from bot.polls import POLLS, PULSE
from bot.ports import Changed, Told
from bot.rounds import TOPIC as AFTER
from bot.surveys import SURVEY
from bot.web.promotions import TOPIC as FAQ
from bot.web.reach import TOPIC as REACH
from bot.web.staging import TOPIC as STAGE
from bot.web.transcripts import TOPIC as TRANSCRIPT

Signal = Callable[[], object]

TOPICS: Mapping[str, tuple[str, ...]] = {
    "polls": (POLLS,),
    "voted": (POLLS, PULSE, SURVEY),
    "pulse": (PULSE,),
    "surveys": (SURVEY,),
    "drafts": (EXPERTS,),
    "rounds": (AFTER,),
    "promotions": (FAQ,),
    "transcripts": (TRANSCRIPT,),
    "stage": (STAGE,),
    "settled": (REACH, AFTER),
}
"""What watchers are told anew after a write of this kind."""


@dataclass(frozen=True, slots=True)
class Hearers:
    """What follows what is written. `arrived`: a message came in; `queue`: questions of a session changed; `acted`:
    people did something there, or nobody knows what was done; `sending`: something is to be said; `sources`: which
    session a source feeds changed; `forgotten`: somebody of the audience was."""

    live: Live
    arrived: Changed
    queue: Changed
    acted: Changed
    sending: Signal
    sources: Signal
    forgotten: Signal


def listener(to: Hearers) -> Told:
    """What `Notices` may call."""

    def told(session: str, kinds: frozenset[str]) -> None:
        unknown = "everything" in kinds
        if unknown or kinds & {"sending", "placed", "applied"}:
            to.sending()
        if not session:
            if unknown or "sources" in kinds:
                to.sources()
            if unknown or "forgotten" in kinds:
                to.forgotten()
            return
        if unknown or "arrived" in kinds:
            to.arrived(session)
        if unknown or kinds & {"applied", "sessions"}:
            to.acted(session)
        if unknown or kinds & {"applied", "sessions", "links", "forgotten"}:
            to.live.changed_wholly(session)
            return
        if kinds & {"placed", "queue", "stage"}:
            to.queue(session)
        for topic in {topic for kind in kinds for topic in TOPICS.get(kind, ())}:
            to.live.changed(session, topic)

    return told
