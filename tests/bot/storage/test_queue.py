"""Contract of `ports.Queue`."""

from dataclasses import replace

import numpy as np
import pytest

from bot.errors import AskedMeanwhile, BadInput, Conflict, NotAllowed, NotFound
from bot.model import (
    Action,
    Address,
    Answer,
    Button,
    Change,
    CourseMatch,
    Delivery,
    Likely,
    Message,
    Mode,
    Mood,
    Move,
    Person,
    Placed,
    Placement,
    Pulse,
    Session,
    Status,
)
from bot.ports import Store
from bot.replies import answer_key, reason_key
from tests.bot.storage.acts import arrive, ask, change, merge, undo
from tests.bot.values import TALK, message, state

ZOE = Person("web", "zoe", "Zoe")


async def test_sessions_are_kept_and_updated(store: Store) -> None:
    """A session is read back as it was saved last, in the order of founding."""
    full = Session(
        "b", "Talk B", "series", "Ann", 1.0, 2.0, "course/", "en", True, True, Mode.OFF, Mode.SUGGEST, Mode.AUTO
    )
    await store.save_session(full)
    await store.save_session(TALK)
    await store.save_session(replace(full, title="Talk B, again", ended_at=None))
    assert await store.sessions() == [replace(full, title="Talk B, again", ended_at=None), TALK]


async def test_demand_counts_people_once(store: Store) -> None:
    """Two messages of one person, and a vote of somebody who asked, are still one person; chats count askers."""
    await ask(store, "q1", "u1")
    await ask(store, "q1", "u1", similarity=0.9)
    await ask(store, "q1", "u1", source="web", similarity=0.8)
    await store.vote("q1", Person("telegram", "u1"), True, 1.0)
    await store.vote("q1", ZOE, True, 1.0)
    found = await store.question("q1")
    assert (found.people, found.askers, found.votes, found.messages) == (3, 2, 1, 3)
    assert found.chats == {"telegram": 1, "web": 1}
    assert (found.first_at, found.last_at, found.sureness) == (101.0, 103.0, 0.8)


async def test_what_asks_nothing_may_be_taken_for_a_question(store: Store) -> None:
    """The likeliest first, of equals the newest; one that is taken waits for the pipeline again as asked on purpose.
    What asks, waits, votes or is not there is refused, and then nothing changed."""
    texts = ("Öl 太少", "louder please", "hello", "Is it on?", "1")
    messages = [message(0, text, external_id=f"m{n}") for n, text in enumerate(texts, 1)]
    await store.apply(Change("talk", 1.0, "Mo", "pulse_on", pulse=True))
    await store.receive(messages, votes=[Pulse("talk", Person("telegram", "u1"), Mood.FAST, 1.0, "m5")])
    waiting = await store.pending("talk", 9)
    chances = (0.1, 0.4, 0.1, 0.9)
    placed = [Placement(one.id, p > 0.5, p, "q4" if p > 0.5 else None) for one, p in zip(waiting, chances, strict=True)]
    vector = np.ones(3, dtype=np.float32)
    await store.place("talk", [Placed(one, vector, state("q4") if one.asking else None) for one in placed])
    assert [one.message.text for one in await store.unasked("talk", 9)] == ["louder please", "hello", "Öl 太少"]
    assert len(await store.unasked("talk", 1)) == 1
    for words, found in {"EL": ["hello"], "ö": ["Öl 太少"], "ÖＬ": ["Öl 太少"], "太": ["Öl 太少"], "%": []}.items():
        assert [one.message.text for one in await store.unasked("talk", 9, words)] == found
    (second,) = [one.id for one in waiting if one.text == "louder please"]
    take = Change("talk", 2.0, "Mo", "take", takes=second)
    await store.apply(take)
    (again,) = await store.pending("talk", 9)
    assert (again.id, again.text, again.explicit, again.taken) == (second, "louder please", True, True)
    assert [one.message.text for one in await store.unasked("talk", 9)] == ["hello", "Öl 太少"]
    votes = max(one.id for one, _ in await store.placements("talk"))
    refused = [(second, Conflict), (waiting[3].id, Conflict), (votes, NotAllowed), (10**6, NotFound)]
    for id, error in refused:
        with pytest.raises(error):
            await store.apply(replace(take, takes=id))
    await store.place("talk", [Placed(Placement(second, True, 1.0, "q2"), vector, state("q2"))])
    assert [one.message.text for one in await store.asked("q2")] == ["louder please"]
    assert [one.change.what for one in await store.actions("talk")] == ["take", "pulse_on"]


async def test_a_question_is_found_by_any_of_its_wordings(store: Store) -> None:
    """Whatever their capitals and width, also where they were merged into it, and by who asks; not by words of two
    wordings, nor by what asks nothing."""
    await ask(store, "q1", text="Is there a recording?")
    await ask(store, "q2", text="ＧＥＴ the Video later")
    out = await ask(store, "q1", "u3", text="will it be kept")
    await change(store, "merge", (state("q2"), state("q2", status=Status.MERGED, merged_into="q1")))
    by_name = {"u3": {"q1"}, "u3 kept": {"q1"}, "u3 video": set()}
    for words, found in {"video": {"q1"}, "get LATER": {"q1"}, "recording video": set(), "": {"q1"}, **by_name}.items():
        assert await store.asked_with("talk", words) == found
    assert await store.asked_with("other", "video") == set()
    assert await store.texts("talk", [out.id, out.id + 9]) == {out.id: out.text}
    assert await store.texts("other", [out.id]) == {}
    assert await store.asked_with("talk", "kept") == {"q1"}
    await change(store, "not_asking", moves=(Move(out.id, "q1", ""),))
    assert await store.asked_with("talk", "kept") == set()


async def test_a_founding_message_says_nothing_of_sureness(store: Store) -> None:
    """Its similarity is that to a group it did not join."""
    await ask(store, "q1", similarity=0.2)
    assert (await store.question("q1")).sureness is None


async def test_messages_that_may_ask_something_else_are_counted(store: Store) -> None:
    """Of those that joined, each message once, whoever wrote it; not what founded the question, nor who voted."""
    await ask(store, "q1", "u1", similarity=0.1)
    for who, similarity in (("u1", 0.4), ("u2", 0.5), ("u2", 0.45), ("u3", 0.3)):
        await ask(store, "q1", who, similarity=similarity)
    await store.vote("q1", ZOE, True, 1.0)
    found = await store.question("q1")
    assert (found.messages, found.doubtful, found.sureness) == (5, 3, 0.3)


async def test_what_is_counted_as_doubtful_is_what_is_marked(store: Store) -> None:
    """Of a question into which another was merged only its own: a person put the others there."""
    for question, similarity in (("q1", None), ("q1", 0.3), ("q2", None), ("q2", 0.4), ("q2", 0.2)):
        await ask(store, question, similarity=similarity)
    await change(store, "merge", (state("q2"), state("q2", status=Status.MERGED, merged_into="q1")))
    found = await store.question("q1")
    assert (found.messages, found.doubtful, found.sureness) == (5, 1, 0.3)
    assert [one.doubtful for one in await store.asked("q1")].count(True) == 1


async def test_what_a_person_confirmed_is_doubtful_no_longer(store: Store) -> None:
    """Nor does it say how sure the group is; taken back, all is as before. The other doubtful ones stay."""
    for similarity in (None, 0.9, 0.3, 0.4):
        await ask(store, "q1", similarity=similarity)
    least, other = (one.message.id for one in (await store.asked("q1"))[2:])
    before = (await store.question("q1")).state
    act = await change(store, "confirm", (before, replace(before, confirmed=(least,))))
    found = await store.question("q1")
    assert (found.messages, found.doubtful, found.sureness) == (4, 1, 0.4)
    wordings = await store.asked("q1")
    assert [one.message.id for one in wordings if one.doubtful] == [other]
    assert [one.similarity for one in wordings if one.confirmed] == [None]
    await change(store, "undo", (found.state, before), undoes=act.id)
    found = await store.question("q1")
    assert (found.doubtful, found.sureness) == (2, 0.3)


async def test_what_a_person_says_asks_nothing_is_out_of_the_question(store: Store) -> None:
    """It counts for nobody there, stands last among what asks nothing, is told to whoever decides later, and comes back
    as it was; what was taken for a question is told too, in the order in which it was said."""
    await ask(store, "q1")
    out = await ask(store, "q1", "u2", text="The sound is back")
    line = await arrive(store, text="louder", user="u3")
    await store.place("talk", [Placed(Placement(line.id, False, 0.2))])
    act = await change(store, "not_asking", moves=(Move(out.id, "q1", ""),))
    found = await store.question("q1")
    assert (found.messages, found.people) == (1, 1)
    assert [one.message.id for one in await store.unasked("talk", 9)] == [line.id, out.id]
    assert [one.question for one in await store.askings("talk", 9)] == ["q1", ""]
    assert [one.asks for one in await store.heard("talk")] == [True, False, False]
    assert await store.told("talk") == [(out.text, False)]
    await change(store, "take", takes=line.id)
    assert await store.told("talk") == [(out.text, False), (line.text, True)]
    await change(store, "take", takes=out.id)
    assert await store.told("talk") == [(line.text, True), (out.text, True)]
    with pytest.raises(Conflict, match="moved by somebody else"):
        await change(store, "undo", moves=(Move(out.id, "", "q1"),), undoes=act.id)


async def test_what_was_taken_out_comes_back(store: Store) -> None:
    await ask(store, "q1")
    out = await ask(store, "q1", "u2")
    act = await change(store, "not_asking", moves=(Move(out.id, "q1", ""),))
    await change(store, "undo", moves=(Move(out.id, "", "q1"),), undoes=act.id)
    assert [one.message.id for one in await store.asked("q1")][-1] == out.id
    assert (await store.unasked("talk", 9), await store.told("talk")) == ([], [])


async def test_a_message_moved_by_hand_says_nothing_of_sureness(store: Store) -> None:
    """Its similarity is that to the group the program chose, not to the one a person put it in."""
    await ask(store, "q1")
    await ask(store, "q2")
    moved = await ask(store, "q1", similarity=0.6)
    await change(store, "move", moves=(Move(moved.id, "q1", "q2"),))
    assert [(q.id, q.sureness) for q in await store.questions("talk")] == [("q1", None), ("q2", None)]


async def test_a_vote_counts_once_and_can_be_taken_back(store: Store) -> None:
    """A second vote and a second taking back change nothing, not even the revision."""
    await ask(store, "q1")
    seen = []
    for on in (True, True, False, False):
        await store.vote("q1", ZOE, on, 1.0)
        found = await store.question("q1")
        seen.append((found.votes, found.revision))
    assert seen == [(1, 2), (1, 2), (0, 3), (0, 3)]
    with pytest.raises(NotFound):
        await store.vote("q9", ZOE, True, 1.0)


async def test_a_merge_never_counts_a_person_twice(store: Store) -> None:
    """Who asked or voted in both groups is one of the final group's people, and their vote is on the final one."""
    await ask(store, "q1", "u1")
    await ask(store, "q2", "u1")
    await ask(store, "q2", "u2")
    await store.vote("q1", ZOE, True, 1.0)
    await store.vote("q2", ZOE, True, 1.0)
    await merge(store, "q2", "q1")
    found = await store.question("q1")
    assert (found.people, found.askers, found.votes, found.messages) == (3, 2, 1, 3)
    assert await store.votes_of("talk", ZOE) == {"q1"}
    assert [a.question for a in await store.asked("q1")] == ["q1"] * 3
    assert [a.question for a in await store.asked("q2")] == ["q1"] * 2


async def test_taking_a_vote_back_takes_it_from_merged_groups_too(store: Store) -> None:
    """The voter sees one question, so one click must do."""
    await ask(store, "q1")
    await ask(store, "q2")
    await store.vote("q2", ZOE, True, 1.0)
    await merge(store, "q2", "q1")
    await store.vote("q1", ZOE, False, 2.0)
    assert await store.votes_of("talk", ZOE) == set()
    assert (await store.question("q1")).votes == 0


async def test_undoing_a_merge_restores_both_groups(store: Store) -> None:
    """Messages, votes and counts are as before, except for the revision."""
    await ask(store, "q1", "u1")
    await ask(store, "q2", "u2")
    await store.vote("q2", ZOE, True, 1.0)
    before = await store.questions("talk")
    merged = await merge(store, "q2", "q1")
    newest = (await store.question("q1")).revision
    await undo(store, merged)
    assert {q.id for q in await store.questions("talk", newest)} == {"q1", "q2"}
    after = await store.questions("talk")
    assert sorted((replace(q, revision=0) for q in after), key=lambda q: q.id) == [
        replace(q, revision=0) for q in before
    ]


async def test_votes_go_along_when_a_split_is_undone(store: Store) -> None:
    """Who voted for what was split off votes for where it goes back to, once, and can take that back."""
    await ask(store, "q1")
    moved = await ask(store, "q1", "u2")
    await store.vote("q1", Person("web", "bo"), True, 1.0)
    split = await change(store, "split", (None, state("q2")), moves=(Move(moved.id, "q1", "q2"),))
    for person in (ZOE, Person("web", "bo")):
        await store.vote("q2", person, True, 2.0)
    await undo(store, split)
    found = await store.question("q1")
    assert (found.people, found.votes) == (4, 2)
    assert await store.votes_of("talk", ZOE) == {"q1"}
    await store.vote("q1", ZOE, False, 3.0)
    assert (await store.question("q1")).votes == 1


async def test_a_split_out_of_a_merged_group_is_undone_exactly(store: Store) -> None:
    """The message returns to the very group it lay in, so that the merge before it can be undone as well."""
    await ask(store, "q1")
    stays = await ask(store, "q2")
    moved = await ask(store, "q2")
    merged = await merge(store, "q2", "q1")
    split = await change(store, "split", (None, state("q3")), moves=(Move(moved.id, "q1", "q3"),))
    assert split.change.moves == (Move(moved.id, "q2", "q3"),)
    await undo(store, split)
    await undo(store, merged)
    assert [a.message.id for a in await store.asked("q2")] == [stays.id, moved.id]
    with pytest.raises(NotFound):
        await store.question("q3")


async def test_since_gives_only_what_changed(store: Store) -> None:
    """A vote, a joining message, a move and a merge show exactly the questions whose view they change."""
    for id in ("q1", "q2", "q3"):
        await ask(store, id)
    moved = await ask(store, "q1")

    async def news(since: int) -> set[str]:
        return {q.id for q in await store.questions("talk", since)}

    newest = 4
    await store.vote("q2", ZOE, True, 1.0)
    assert await news(newest) == {"q2"}
    await change(store, "move", moves=(Move(moved.id, "q1", "q3"),))
    assert await news(newest + 1) == {"q1", "q3"}
    await merge(store, "q2", "q3")
    assert await news(newest + 2) == {"q2", "q3"}
    await ask(store, "q2")
    assert await news(newest + 3) == {"q2", "q3"}
    assert await news(newest + 4) == set()
    order = [q.revision for q in await store.questions("talk")]
    assert order == sorted(order)


async def test_a_suggestion_follows_a_merge_and_is_news(store: Store) -> None:
    """The suggested group is named by its final id, never the question itself, and watchers learn of the change."""
    for id in ("q1", "q2", "q3"):
        await ask(store, id)
    await ask(store, "q1", similarity=0.4, suggested="q2")
    assert (await store.question("q1")).suggested_merge == (Likely("q2", 0.4),)
    newest = (await store.question("q1")).revision
    await merge(store, "q2", "q3")
    assert (await store.questions("talk", newest))[0].suggested_merge == (Likely("q3", 0.4),)
    before = (await store.question("q3")).state
    rewired = (await store.question("q2")).state
    await change(
        store,
        "merge",
        (rewired, replace(rewired, merged_into="q1")),
        (before, replace(before, status=Status.MERGED, merged_into="q1")),
    )
    assert (await store.question("q1")).suggested_merge == ()


async def test_the_likeliest_of_what_is_suggested_comes_first(store: Store) -> None:
    """Each as likely as it was of any of the messages, whichever came first."""
    for id in ("q1", "q2", "q3"):
        await ask(store, id)
    for other, similarity in (("q2", 0.4), ("q3", 0.7), ("q2", 0.5), ("q3", 0.3)):
        await ask(store, "q1", similarity=similarity, suggested=other)
    assert (await store.question("q1")).suggested_merge == (Likely("q3", 0.7), Likely("q2", 0.5))


@pytest.mark.parametrize("named", ["q1", "q2"])
async def test_what_is_kept_apart_is_not_suggested_and_that_is_news(store: Store, named: str) -> None:
    """Whichever of the two names the other, also where the other is merged into a third one, until it is taken back."""
    for id in ("q1", "q2", "q3"):
        await ask(store, id)
    await ask(store, "q1", similarity=0.4, suggested="q2")
    newest = (await store.question("q1")).revision
    state = (await store.question(named)).state
    action = await change(store, "apart", (state, replace(state, apart=("q1" if named == "q2" else "q2",))))
    assert {q.id: q.suggested_merge for q in await store.questions("talk", newest)}["q1"] == ()
    merged = await merge(store, "q2", "q3")
    newest = merged and (await store.question("q3")).revision
    assert (await store.question("q1")).suggested_merge == ()
    await undo(store, merged)
    await undo(store, action)
    assert {q.id: q.suggested_merge for q in await store.questions("talk", newest)}["q1"] == (Likely("q2", 0.4),)


async def test_what_one_wording_of_many_suggests_is_no_answer_to_the_question(store: Store) -> None:
    """A suggestion is as sure as it is of all messages: what a stray one among seven would get is not shown, and of two
    the one that most of them would."""
    await ask(store, "q1", answer=CourseMatch("faq#stray", 0.93, "sent", "x"))
    assert (await store.question("q1")).suggested_answer == CourseMatch("faq#stray", 0.93, "sent", "x")
    for _ in range(4):
        await ask(store, "q1")
    assert (await store.question("q1")).suggested_answer is None
    for score in (0.5, 0.7, 0.6):
        await ask(store, "q1", answer=CourseMatch("faq#most", score, "suggested", "y"))
    assert (await store.question("q1")).suggested_answer == CourseMatch("faq#most", 0.225, "suggested", "y")


async def test_the_best_course_answer_that_nobody_rejected_is_suggested(store: Store) -> None:
    """What most likely answers all wordings, only while the question is open; who rejects it says nothing of others."""
    await ask(store, "q1", answer=CourseMatch("faq#1", 0.9, "sent", "x"))
    best = CourseMatch("faq#2", 0.6, "suggested", "y")
    await ask(store, "q1", answer=best)
    await ask(store, "q1", answer=CourseMatch("faq#3", 0.5, "suggested", "z"))
    before = (await store.question("q1")).state
    rejected = replace(before, rejected=("faq#1",))
    await change(store, "not_answered", (before, rejected))
    assert (await store.question("q1")).suggested_answer == replace(best, score=0.3)
    await change(store, "dismiss", (rejected, replace(rejected, status=Status.DISMISSED)))
    assert (await store.question("q1")).suggested_answer is None


async def test_who_was_sent_an_answer_does_not_wait(store: Store) -> None:
    """Of three who asked and one who voted, the course answered two; one of these asked again and got nothing. As soon
    as somebody says that it is no answer all four wait, and when it is answered nobody does."""
    sent = CourseMatch("faq#1", 0.9, "sent", "x")
    for user, answer in (("u1", sent), ("u2", sent), ("u3", replace(sent, state="suggested")), ("u2", None)):
        await ask(store, "q1", user, answer=answer)
    await store.vote("q1", Person("web", "w1"), True, 9.0)
    before = (await store.question("q1")).state
    assert ((one := await store.question("q1")).people, one.waiting, one.wanting) == (4, 3, 3)
    rejected = replace(before, rejected=("faq#1",))
    await change(store, "not_answered", (before, rejected))
    assert (await store.question("q1")).waiting == 4
    await change(store, "dismiss", (rejected, replace(rejected, status=Status.DISMISSED)))
    assert ((one := await store.question("q1")).waiting, one.wanting) == (0, 4)


async def test_an_earlier_evenings_answer_is_one(store: Store) -> None:
    """Who was sent what was answered on an earlier evening does not wait, also after the question was merged."""
    found = CourseMatch("earlier:one#q9", 0.9, "sent", "From noon.", where="Evening one")
    one = await arrive(store, user="u1")
    placement = Placement(one.id, True, 0.9, "q1", memory=found)
    await store.place("talk", [Placed(placement, None, state("q1"))])
    await ask(store, "q2", "u2")
    await merge(store, "q1", "q2")
    assert ((two := await store.question("q2")).people, two.waiting) == (2, 1)


async def test_a_state_is_read_back_whole(store: Store) -> None:
    """Every field of a question's state survives, and the ledger keeps before and after."""
    await ask(store, "q1")
    before = (await store.question("q1")).state
    answer = Answer("Yes: page 3.", "Ann", 7.5, ("notes#a", "https://example.org"))
    after = replace(
        before, title="T", status=Status.ANSWERED, pinned=True, labels=("a", "b"), reason="r", answer=answer
    )
    action = await change(store, "answer", (before, after))
    assert (await store.question("q1")).state == after
    assert await store.actions("talk") == [action]
    assert action.change == Change("talk", 500.0, "ann", "answer", ((before, after),))


async def test_a_change_of_something_else_meanwhile_is_a_conflict(store: Store) -> None:
    """Where any `before` is no longer what stands, nothing of the change happens."""
    await ask(store, "q1")
    await ask(store, "q2")
    one, two = [(await store.question(id)).state for id in ("q1", "q2")]
    with pytest.raises(Conflict):
        await change(store, "edit", (one, replace(one, title="new")), (replace(two, title="stale"), two))
    with pytest.raises(Conflict):
        await change(store, "found", (None, one))
    assert (await store.question("q1")).state == one
    assert await store.actions("talk") == []


async def test_a_move_from_elsewhere_is_a_conflict(store: Store) -> None:
    """A message is moved only from where it is; one that is not there is not found."""
    await ask(store, "q1")
    await ask(store, "q2")
    waiting = await arrive(store)
    for move in (Move(1, "q2", "q1"), Move(waiting.id, "", "q1")):
        with pytest.raises(Conflict):
            await change(store, "move", moves=(move,))
    for move in (Move(1, "q1", "q9"), Move(99, "q1", "q2")):
        with pytest.raises(NotFound):
            await change(store, "move", moves=(move,))


async def test_a_chain_of_merges_is_refused(store: Store) -> None:
    """`merged_into` always names a final group of the same session, so readers need no walk."""
    for id in ("q1", "q2", "q3"):
        await ask(store, id)
    await ask(store, "x1", session="other")
    await merge(store, "q1", "q2")
    for loser, winner in (("q2", "q3"), ("q3", "q1"), ("q3", "q3"), ("q3", "x1"), ("q3", "nowhere")):
        with pytest.raises(Conflict):
            await merge(store, loser, winner)


async def test_a_question_with_messages_is_never_removed(store: Store) -> None:
    """Nothing collected is lost by an undo."""
    await ask(store, "q1")
    before = (await store.question("q1")).state
    with pytest.raises(Conflict):
        await change(store, "remove", (before, None))


async def test_a_removed_question_is_told_once_to_those_who_knew_it(store: Store) -> None:
    """It comes as merged into nothing and without demand; a fresh reader never hears of it."""
    await ask(store, "q1")
    split = await change(store, "split", (None, state("q2")), moves=(Move(1, "q1", "q2"),))
    newest = (await store.question("q2")).revision
    await undo(store, split)
    gone = next(q for q in await store.questions("talk", newest) if q.id == "q2")
    assert (gone.status, gone.state.merged_into, gone.people, gone.messages) == (Status.MERGED, "", 0, 0)
    assert [q.id for q in await store.questions("talk")] == ["q1"]
    with pytest.raises(NotFound):
        await store.question("q2")


async def test_an_action_is_undone_once(store: Store) -> None:
    """The ledger says so, keeps both, and a second try is a conflict; redoing is undoing the undo."""
    await ask(store, "q1")
    split = await change(store, "split", (None, state("q2")), moves=(Move(1, "q1", "q2"),))
    back = await undo(store, split)
    assert [(a.id, a.undone) for a in await store.actions("talk")] == [(back.id, False), (split.id, True)]
    with pytest.raises(Conflict):
        await undo(store, split)
    with pytest.raises(NotFound):
        await change(store, "undo", undoes=99)
    await undo(store, back)
    assert (await store.question("q2")).messages == 1


async def test_the_ledger_is_read_newest_first_and_from_a_place_on(store: Store) -> None:
    """`limit` and `since` cut it; another session has its own."""
    ids = [(await change(store, what)).id for what in "abc"]
    assert [a.change.what for a in await store.actions("talk", 2)] == ["c", "b"]
    assert [a.id for a in await store.actions("talk", since=ids[1])] == ids[2:]
    assert await store.actions("other") == []


async def test_what_a_person_asked_is_theirs_alone(store: Store) -> None:
    """By chat and author, in order; what asked nothing names no question."""
    mine = await ask(store, "q1", "u1")
    await ask(store, "q1", "u2")
    await ask(store, "q1", "u1", source="web")
    assert [a.message for a in await store.asked_by("talk", mine.person)] == [mine]
    assert await store.asked("nowhere") == []
    assert await store.asked("") == []


async def test_a_change_that_mixes_questions_is_refused(store: Store) -> None:
    """A pair is one question of the change's session."""
    await ask(store, "q1")
    one = (await store.question("q1")).state
    for pair in ((one, state("q2")), (None, None), (None, replace(state("q3"), session="other"))):
        with pytest.raises(BadInput):
            await change(store, "odd", pair)


async def test_a_change_says_what_is_to_be_said(store: Store) -> None:
    """Deliveries of a change wait after it, with their buttons, and not after a conflict."""
    said = Delivery("answer:q1:web:c", "talk", Address("web", "c"), "Yes.", (Button("vote", "q1", "+1"),))
    with pytest.raises(Conflict):
        await change(store, "answer", (state("q9"), state("q9")), deliveries=(said,))
    assert await store.deliveries("talk") == []
    action = await change(store, "answer", deliveries=(said,))
    assert await store.deliveries("talk") == [said]
    assert (await store.actions("talk"))[0] == action


async def test_undo_takes_back_what_still_waits(store: Store) -> None:
    """All that the act said and was not sent, also where it would have edited something; a refused undo takes back
    nothing."""
    await ask(store, "q1")
    keys = ("new", "edits", "sent", "reworded")
    said = tuple(Delivery(f"digest:talk:{key}", "talk", Address("web", key), "Yes.") for key in keys)
    new, edits, sent, reworded = said
    action = await change(store, "answer", deliveries=said)
    await store.settle(replace(edits, sent_id="7"))
    await store.settle(replace(sent, state="sent", sent_id="8"))
    await store.deliver([replace(reworded, text="No.")])
    stands = await store.deliveries("talk")
    with pytest.raises(Conflict):
        await change(store, "undo", (state("q9"), None), undoes=action.id)
    assert await store.deliveries("talk") == stands
    await change(store, "undo", undoes=action.id, deliveries=(replace(new, text="Once more."),))
    assert [(one.state, one.text) for one in await store.deliveries("talk")] == [
        ("waiting", "Once more."), ("failed", "Yes."), ("sent", "Yes."), ("waiting", "No."),
    ]  # fmt: skip


async def test_what_a_question_loses_is_not_told(store: Store) -> None:
    """Its answer and its reason, as far as they wait, whoever wrote them there; no other question's."""
    await ask(store, "q1")
    open_ = (await store.question("q1")).state
    answered = replace(open_, status=Status.ANSWERED, answer=Answer("Yes.", "ann", 1.0))
    dismissed = replace(open_, status=Status.DISMISSED, reason="later", reason_shown=True)
    for lost, kind, other in ((answered, "answer", "reason"), (dismissed, "reason", "answer")):
        waits = [f"{kind}:q1:web:{kind}:m1", f"{kind}:q12:web:{kind}", f"{other}:q1:web:{kind}"]
        await change(store, "give", (open_, lost))
        await store.deliver([Delivery(key, "talk", Address("web", kind), "Yes.") for key in waits])
        await change(store, "pin", (lost, replace(lost, pinned=True)))
        await change(store, "unpin", (replace(lost, pinned=True), lost))
        assert [one.key for one in await store.due(1.0) if one.address.chat == kind] == waits
        await change(store, "reopen", (lost, open_))
        assert [one.key for one in await store.due(1.0) if one.address.chat == kind] == waits[1:]


TOLD = Answer("Tomorrow.", "ann", 400.0)


def saying(question: str, one: Message, words: str = "Tomorrow.") -> Delivery:
    """What the chat of this message is told as the answer to a question."""
    address = one.address or Address("", "")
    return Delivery(answer_key(question, address), "talk", address, words, not_before=9000.0)


async def answered(store: Store, question: str, *asked: Message, words: str = "Tomorrow.") -> Action:
    before = (await store.question(question)).state
    after = replace(before, status=Status.ANSWERED, answer=replace(TOLD, text=words))
    return await change(
        store, "answer", (before, after), deliveries=tuple(saying(question, one, words) for one in asked)
    )


async def waiting(store: Store) -> list[str]:
    """The chats that are still to be told something, in order."""
    return [one.address.chat for one in await store.deliveries("talk") if one.state == "waiting"]


@pytest.mark.parametrize("then", ["corrected", "reopened", "merged"])
async def test_who_asks_while_an_answer_is_changed_is_told_what_stands(store: Store, then: str) -> None:
    """The message was understood before the act and is placed after it: its asker hears the new answer, that of the
    question which this one became, or nothing where none stands any more; never the one that was taken back."""
    await store.save_session(TALK)
    first, other = await ask(store, "q1"), await ask(store, "q2", "u2")
    await answered(store, "q1", first)
    late = await arrive(store, user="u3", text="And when?")
    understood = Placed(Placement(late.id, True, 0.9, "q1"), replies=True)
    if then == "corrected":
        await answered(store, "q1", first, words="On Monday.")
    elif then == "reopened":
        before = (await store.question("q1")).state
        await change(store, "reopen", (before, replace(before, status=Status.QUEUED, answer=None)))
    else:
        await answered(store, "q2", other, words="On Monday.")
        await merge(store, "q1", "q2")
    await store.place("talk", [understood])
    said = [one.text for one in await store.deliveries("talk") if one.address.chat == "u3"]
    assert len(said) == (then != "reopened")
    assert all("And when?" in text and "On Monday." in text for text in said)


async def test_who_asks_what_was_answered_meanwhile_is_told_that_at_once(store: Store) -> None:
    """Not that the question was heard: nobody would answer it a second time. Nor is anything said to whom nothing can
    be said, or whom the course told it."""
    await store.save_session(TALK)
    first = await ask(store, "q1")
    chats = ("u2", "u3", "u4")
    late = [await arrive(store, user=chat) for chat in chats]
    await answered(store, "q1", first)
    heard = [replace(saying("q1", one, "Got it"), key=f"ack:q1:telegram:{one.author}") for one in late]
    decided = [Placement(one.id, True, 0.9, "q1") for one in late]
    by_course = replace(heard[1], key="course:q1:telegram:u3:9", text="Of the course")
    await store.place(
        "talk",
        [
            Placed(decided[0], replies=True, deliveries=(heard[0],)),
            Placed(decided[1], deliveries=(by_course,)),
            Placed(decided[2]),
        ],
    )
    said = {one.address.chat: one.text for one in await store.deliveries("talk") if one.address.chat in chats}
    assert set(said) == {"u2", "u3"}
    assert "Tomorrow." in said["u2"]
    assert said["u3"] == "Of the course"


async def test_an_answer_is_refused_that_does_not_know_of_whoever_asked_meanwhile(store: Store) -> None:
    """Of a question and of what was merged into it; nor of whoever was forgotten. Of the same askings it is let
    through, and refused it changed nothing. Who builds upon what somebody changed is told that instead."""
    one, two = await ask(store, "q1"), await ask(store, "q2", "u2")
    await merge(store, "q2", "q1")
    before = (await store.question("q1")).state
    act = Change("talk", 500.0, "ann", "pin", ((before, replace(before, pinned=True)),))
    three = await ask(store, "q2", "u3")
    with pytest.raises(AskedMeanwhile):
        await store.apply(act, {"q1": (2, one.id + two.id)})
    assert (await store.question("q1")).state == before
    all_of_it = {"q1": (3, one.id + two.id + three.id), "q2": (2, two.id + three.id)}
    with pytest.raises(AskedMeanwhile):
        await store.apply(act, {**all_of_it, "q2": (0, 0)})
    await store.apply(act, all_of_it)
    with pytest.raises(Conflict) as refused:
        await store.apply(act, {"q1": (0, 0)})
    assert not isinstance(refused.value, AskedMeanwhile)
    await store.forget(Person("telegram", "u2"), None, 600.0)
    await ask(store, "q1", "u4")
    with pytest.raises(AskedMeanwhile):
        await store.apply(Change("talk", 700.0, "ann", "note"), all_of_it)


async def test_whoever_asks_on_in_a_late_message_of_two_parts_hears_the_answer(store: Store) -> None:
    """Both parts are told under one key: the answer stays where one of them is split off."""
    await ask(store, "q1")
    late = [await ask(store, "q1", "u2", chat="room") for _ in range(2)]
    address = replace(late[0].address or Address("", ""), message="m9")
    for one in late:
        await store.settle(replace(saying("q1", one), state="sent"))
    parts = [await ask(store, "q1", "u2", address=address) for _ in range(2)]
    said = replace(saying("q1", parts[0]), key=f"{answer_key('q1', address)}:m9")
    before = (await store.question("q1")).state
    await change(store, "answer", (before, replace(before, status=Status.ANSWERED, answer=TOLD)), deliveries=(said,))
    await change(store, "split", (None, state("q9")), moves=(Move(parts[1].id, "q1", "q9"),))
    assert await waiting(store) == ["room"]
    await change(store, "move", moves=(Move(parts[0].id, "q1", "q9"),))
    assert await waiting(store) == []


@pytest.mark.parametrize("way", ["split", "move", "not_asking"])
async def test_who_asks_something_else_does_not_hear_the_answer_of_what_they_left(store: Store, way: str) -> None:
    """Nor why that was dismissed. Where it still waits, as at night; in a chat in which somebody still asks that it is
    told."""
    stays = await ask(store, "q1")
    goes = [await ask(store, "q1", "u2"), await ask(store, "q1", "u3", chat="room"), await ask(store, "q1", "u4")]
    room = await ask(store, "q1", "u5", chat="room")
    await ask(store, "q2", "u6")
    await answered(store, "q1", stays, goes[0], goes[2], room)
    to = {"split": "q9", "move": "q2", "not_asking": ""}[way]
    pairs = ((None, state("q9")),) if way == "split" else ()
    await change(store, way, *pairs, moves=tuple(Move(one.id, "q1", to) for one in goes))
    assert await waiting(store) == ["u1", "room"]
    one, two = await ask(store, "q3", "u7"), await ask(store, "q3", "u8")
    before = (await store.question("q3")).state
    after = replace(before, status=Status.DISMISSED, reason="Not of this talk.", reason_shown=True)
    said = [replace(saying("q3", each), key=reason_key("q3", each.address or Address("", ""))) for each in (one, two)]
    await change(store, "dismiss", (before, after), deliveries=tuple(said))
    await change(store, "move", moves=(Move(two.id, "q3", "q2"),))
    assert await waiting(store) == ["u1", "room", "u7"]


async def test_what_is_merged_says_no_answer_of_its_own_any_more(store: Store) -> None:
    """Its askers hear that of the question which it became, once."""
    one, two = await ask(store, "q1"), await ask(store, "q2", "u2")
    await answered(store, "q1", one)
    await answered(store, "q2", two, words="On Monday.")
    await merge(store, "q2", "q1")
    assert await waiting(store) == ["u1"]
