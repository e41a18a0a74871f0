"""Where a question was answered aloud."""

import numpy as np
import pytest

from knowledge.aloud import SURE, Answered, Sought, Speech, begins_at, passage_at, views
from knowledge.captions import Spoken
from tests.bot.encoders import SameWords

ENCODER = SameWords()
SAID = [
    "Welcome to all of you.",
    "So, somebody asks: is there a recording?",
    "Yes, it is on the page from Monday on.",
    "And that is for everybody.",
    "Next question, which queue do you use?",
    "We use Redis, for now.",
    "Somebody asks, who pays for it? Let me come back to that.",
    "Back to the slides.",
]


def speech(*texts: str, apart: float = 20.0) -> Speech:
    said = [Spoken(apart * n, apart * (n + 0.8), text) for n, text in enumerate(texts)]
    # the words alone decide, and a quarter of a cosine for a question that is read as it was asked
    return Speech(said, ENCODER.encode(views(said)))


def sought(id: str, *texts: str, asked: float | None = None, staged: tuple[float, float] | None = None) -> Sought:
    return Sought(id, texts, ENCODER.encode(texts), asked, staged)


def best(found: list[Answered]) -> dict[str, float]:
    return {one.question: one.passage.start for one in found}


def test_an_answer_begins_where_the_speaker_comes_to_the_question() -> None:
    """Its text with what is said then, not with the question that was read; it ends where it is long enough."""
    exact = sought("q1", "Quite another thing", SAID[1])
    (found,) = speech(*SAID).answered([exact])
    assert found.passage.asked == SAID[1]
    assert found.passage.start == 20.0
    assert found.passage.text.startswith("Yes, it is on the page from Monday on. And that is for everybody.")
    assert found.passage.end <= 20.0 + 60.0 + 20.0


def test_what_is_put_off_is_not_answered() -> None:
    """Though it was read word by word."""
    talk = speech(*SAID)
    found = talk.nearest([sought("q1", SAID[1]), sought("q3", SAID[6])])
    assert best(found) == {"q1": 20.0, "q3": 120.0}
    assert [one.question for one in talk.answered([sought("q1", SAID[1]), sought("q3", SAID[6])])] == ["q1"]


def test_nothing_is_answered_before_it_was_asked() -> None:
    """Of two places the later one; and none where all of it was said before."""
    talk = speech(SAID[1], SAID[2], SAID[0], SAID[7], SAID[3], SAID[1], SAID[2])
    assert best(talk.answered([sought("q1", SAID[1], asked=50.0)])) == {"q1": 100.0}
    assert talk.nearest([sought("q1", SAID[1], asked=500.0)]) == []


def test_the_time_on_stage_tells_two_places_apart() -> None:
    """The other one is offered beside it."""
    texts = [SAID[1], SAID[2], SAID[0], SAID[7], SAID[3], SAID[1], SAID[2]]
    for staged, first, other in (((0.0, 60.0), 0.0, 100.0), ((90.0, 1e9), 100.0, 0.0)):
        (found,) = speech(*texts).answered([sought("q1", SAID[1], staged=staged)])
        assert found.passage.start == first
        assert [one.start for one in found.others] == [other]


def test_a_question_that_nobody_took_up_is_nowhere() -> None:
    """Words that stand in every sentence say nothing."""
    talk = speech(*SAID)
    assert talk.answered([sought("q9", "How do I reset my password?"), sought("q8", "???"), sought("q7", "to")]) == []


def test_when_a_transcript_begins_follows_from_questions_that_agree() -> None:
    """Three at least, whatever the others say."""

    def at(id: str, start: float, score: float = 1.0) -> Answered:
        place = passage_at([Spoken(start, start + 5, "so")], start)
        assert place is not None
        return Answered(id, type(place)(place.start, place.end, place.text, score))

    found = [at("a", 100.0), at("b", 200.0), at("c", 310.0), at("d", 400.0), at("e", 500.0, SURE - 0.1)]
    staged = {"a": 1090.0, "b": 1200.0, "c": 1300.0, "d": 9000.0, "e": 1500.0}
    assert begins_at(found, staged) == 990.0
    assert begins_at(found[:2], staged) is None
    assert begins_at(found, {}) is None


@pytest.mark.parametrize(("said", "asked"), [([], ["q"]), (SAID, [])])
def test_nothing_is_found_where_nothing_is(said: list[str], asked: list[str]) -> None:
    """An empty transcript, or nobody who asked."""
    assert speech(*said).nearest([sought(id, "Is there a recording?") for id in asked]) == []


def test_a_passage_is_what_is_said_from_a_second_on() -> None:
    """The sentence that is being spoken, and what follows for a minute; nothing after the end."""
    said = [Spoken(10.0 * n, 10.0 * n + 9, f"Sentence {n}.") for n in range(20)]
    place = passage_at(said, 42.0)
    assert place is not None
    assert (place.start, place.text.split(". ")[0], place.text.count("Sentence")) == (42.0, "Sentence 4", 6)
    assert passage_at(said, 500.0) is None


@pytest.mark.model
def test_on_the_talk_that_judges_it_proposals_are_right() -> None:
    """On the English talk nothing was chosen: nine of ten proposals are right, within seconds of where it was
    said, and six of ten answers are found."""
    from knowledge.encoder import load_encoder
    from tests.measure.aloud.__main__ import JUDGED_BY, judged, read_talk

    talk = read_talk(JUDGED_BY, load_encoder())
    result = judged(talk, talk.speech.nearest(talk.sought))
    assert result.right / max(1, result.right + len(result.wrong)) >= 0.9
    assert result.right / len(talk.answered) >= 0.6
    assert np.median(np.abs(result.errors)) <= 5
    assert np.abs(result.errors).max() <= 20
