"""Contract of `ports.Transcripts`: one transcript a session, and the passages that answer its questions."""

from dataclasses import replace

from bot.model import Dated, Person, Proposal, Proposed, Transcript
from bot.ports import Store
from knowledge.aloud import Passage
from knowledge.captions import Spoken
from tests.bot.storage.acts import ask
from tests.bot.values import state

FULL = Transcript(
    "talk",
    "讲座.vtt",
    "Ann",
    5.0,
    (Spoken(0.5, 2.0, "好，\ud800开始"), Spoken(2.0, 3.5, "第一个问题")),
    ((3, "no time"), (None, "backwards")),
    1_700_000_000.5,
    Dated.STAGE,
    "https://v.example/a",
    9.0,
)
HERE = Passage(2.0, 30.0, "第一个问题", 0.9)


async def test_a_transcript_is_kept_as_it_was_sent(store: Store) -> None:
    """Every field; another one takes its place; half a letter in it harms nothing."""
    assert await store.transcript("talk") is None
    await store.keep_transcript(FULL)
    assert await store.transcript("talk") == replace(FULL, lines=(Spoken(0.5, 2.0, "好，\ufffd开始"), *FULL.lines[1:]))
    bare = Transcript("talk", "b.srt", "Bob", 6.0)
    await store.keep_transcript(bare)
    assert await store.transcript("talk") == bare
    assert await store.transcript("other") is None


async def test_proposals_are_replaced_together_or_one_by_one(store: Store) -> None:
    """In order of time; what is not given with a transcript stays, and dropping it drops them."""
    first = Proposal("q1", HERE, (replace(HERE, start=9.0, score=0.7),))
    second = Proposal("q2", replace(HERE, start=1.0), state=Proposed.REFUSED)
    await store.keep_transcript(FULL, [first, second])
    assert await store.proposals("talk") == [second, first]
    confirmed = replace(first, state=Proposed.CONFIRMED)
    await store.keep_proposal("talk", confirmed)
    await store.keep_transcript(FULL)
    assert await store.proposals("talk") == [second, confirmed]
    await store.keep_transcript(FULL, [confirmed])
    assert await store.proposals("talk") == [confirmed]
    await store.drop_transcript("talk")
    assert (await store.transcript("talk"), await store.proposals("talk")) == (None, [])


async def test_a_wording_that_was_forgotten_meanwhile_is_not_written_again(store: Store) -> None:
    """By a search that read it before, or by whoever confirms what they saw before; those of others stay."""
    await ask(store, "q1", "ann", text="Zucchini?", founds=state("q1", title="Zucchini?"))
    await ask(store, "q1", "bob", text="Where?")
    found = Proposal("q1", replace(HERE, asked="Zucchini?"), (replace(HERE, asked="Where?"),))
    await store.keep_transcript(FULL, [found])
    assert await store.proposals("talk") == [found]
    await store.forget(Person("telegram", "ann"), None, 9.0)
    forgotten = replace(found, passage=HERE)
    await store.keep_transcript(FULL, [found])
    assert await store.proposals("talk") == [forgotten]
    await store.keep_proposal("talk", found)
    assert await store.proposals("talk") == [forgotten]
