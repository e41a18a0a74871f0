import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotAllowed
from bot.model import CourseMatch, Status
from bot.queueing import FOLLOWS, OPEN, offered_now, ranked, require_follows, visible, waiting
from tests.bot.values import TALK, question, state

QUESTIONS = st.lists(
    st.builds(
        question,
        id=st.uuids().map(str),
        people=st.integers(0, 50),
        last_at=st.floats(0, 1e9),
        status=st.sampled_from(Status),
        pinned=st.booleans(),
    ),
    max_size=20,
)


def test_more_people_come_first_and_freshness_breaks_ties() -> None:
    """A question that more people ask comes before one that fewer ask; of equals, the one asked last."""
    few, old, fresh = question("a", 2, 900.0), question("b", 5, 10.0), question("c", 5, 20.0)
    assert [q.id for q in ranked([few, old, fresh])] == ["c", "b", "a"]


def test_who_has_an_answer_does_not_make_a_question_urgent() -> None:
    """Eight asked and the course answered seven of them: it comes after what two wait for. Where all have an answer and
    a person put it back all the same, all eight count."""
    told, two = replace(question("a", 8), waiting=1), replace(question("b", 2), waiting=2)
    assert [q.id for q in ranked([told, two])] == ["b", "a"]
    assert [q.id for q in ranked([replace(told, waiting=0), two])] == ["a", "b"]


def test_a_pinned_question_comes_before_any_demand() -> None:
    """A moderator's pin beats the count of people."""
    assert [q.id for q in ranked([question("a", 99), question("b", 1, pinned=True)])] == ["b", "a"]


@given(QUESTIONS)
def test_rank_does_not_depend_on_the_order_of_arrival(questions: list) -> None:
    """The same questions in another order give the same queue."""
    assert ranked(questions) == ranked(questions[::-1])


@given(QUESTIONS)
def test_only_open_questions_wait(questions: list) -> None:
    """Nothing answered, dismissed or merged waits, and nothing open is left out."""
    assert {q.id for q in waiting(questions)} == {q.id for q in questions if q.status in OPEN}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
def test_every_pair_of_statuses_is_decided(before: Status, after: Status) -> None:
    """A change of status that the table does not name is refused, and one that it names is not."""
    if after in FOLLOWS[before]:
        require_follows(before, after)
    else:
        with pytest.raises(NotAllowed):
            require_follows(before, after)


def test_merged_is_final() -> None:
    """A merged question does not come back by an act of its own; only undo brings it back."""
    assert FOLLOWS[Status.MERGED] == frozenset()


def test_viewers_see_new_questions_unless_a_session_is_reviewed() -> None:
    """With review a new question is hidden until it is approved; a dismissed or merged one always is."""
    from dataclasses import replace

    reviewed = replace(TALK, review=True)
    assert visible(state(), TALK)
    assert not visible(state(), reviewed)
    assert visible(state(status=Status.QUEUED), reviewed)
    for hidden in (Status.DISMISSED, Status.MERGED):
        assert not visible(state(status=hidden), TALK)


def test_what_a_course_that_changed_says_now() -> None:
    """What was sent stays and is offered to nobody else unless the course still says it; what was suggested follows the
    course, and keeps what the mode auto would have done where it is the same part."""
    then = CourseMatch("faq#a", 0.9, "suggested", "Monday", sure=True)
    reworded, other = replace(then, text="Tuesday", sure=False), CourseMatch("faq#b", 0.7, "suggested", "Downstairs")
    assert offered_now(None, other) == other
    assert offered_now(then, replace(then, sure=False, score=0.8)) == then
    hidden = replace(then, state="withheld")  # the session's answers were off, or are off now
    assert (offered_now(hidden, then), offered_now(then, hidden)) == (then, hidden)
    assert offered_now(then, reworded) == replace(reworded, sure=True)
    assert offered_now(then, other) == other
    assert offered_now(then, None) is None
    sent = replace(then, state="sent")
    for now, gone in ((None, True), (reworded, True), (other, True), (then, False)):
        assert offered_now(sent, now) == replace(sent, gone=gone)
