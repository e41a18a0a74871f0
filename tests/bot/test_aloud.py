"""The rules about what was answered aloud."""

from dataclasses import replace

import numpy as np
import pytest

from bot.aloud import (
    answer_at,
    dated,
    link_at,
    looked_for,
    read_offset,
    read_recording,
    renewed,
    search,
    spoken,
    stands,
    talk_began,
    wordings,
)
from bot.errors import BadInput
from bot.given import ALOUD
from bot.model import Answer, Dated, Person, Proposal, Proposed, Remembered, Status, Transcript
from knowledge.aloud import Answered, Passage, Speech, views
from knowledge.captions import Spoken
from tests.bot.encoders import SameWords
from tests.bot.values import TALK, question, state

HERE = Passage(4360.0, 4400.0, "Yes, it is on the page from Monday on.", 1.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:01:30", 90), ("-1:30", -90), ("−0:05", -5), ("+90", 90), ("1:00:00", 3600), (" 12 s", 12)],
)
def test_an_offset_is_read_with_its_sign(text: str, seconds: float) -> None:
    """Hours and minutes may be left out."""
    assert read_offset(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "--3", "1;30"])
def test_what_is_no_offset_is_told(text: str) -> None:
    """With how it is written."""
    with pytest.raises(BadInput, match="00:01:30"):
        read_offset(text)


def test_a_recording_is_an_address_of_the_web_and_is_opened_at_the_moment() -> None:
    """Nothing else becomes a link; an address that has a fragment already keeps it."""
    assert read_recording(" https://v.example/talk ") == "https://v.example/talk"
    assert read_recording("") == ""
    for bad in ("javascript:alert(1)", "v.example", 'https://v.example/"x'):
        with pytest.raises(BadInput):
            read_recording(bad)
    assert link_at("https://v.example/a", 4360.7) == "https://v.example/a#t=4360"
    assert link_at("https://v.example/#/a", 5) == "https://v.example/#/a&t=5"


def test_an_answer_says_when_and_what_in_the_language_of_the_talk() -> None:
    """By the speaker's name, with the recording from there on, else with the time, as its source."""
    said = answer_at(HERE, replace(TALK, speaker="Dr. Lin"), "https://v.example/a", 9.0)
    assert said.text == "Answered aloud at 01:12:40: “Yes, it is on the page from Monday on.”"
    assert (said.by, said.at, said.sources) == ("Dr. Lin", 9.0, ("https://v.example/a#t=4360",))
    chinese = answer_at(HERE, replace(TALK, language="zh"), "", 9.0)
    assert chinese.text.startswith("现场 01:12:40 已口头回答：“Yes")
    assert (chinese.by, chinese.sources) == ("speaker", ("现场 01:12:40",))


def test_an_answer_in_words_stays_and_gets_the_time() -> None:
    """Only what says no more than "answered aloud", or where, gives way to the passage."""
    aloud = answer_at(HERE, TALK, "", 9.0)
    written = Answer("On the course page.", "Ann", 5.0, ("faq#1",))
    kept = spoken(state(status=Status.ANSWERED, answer=written), aloud).answer
    assert kept == replace(written, sources=("faq#1", "aloud, at 01:12:40"))
    for bare in (ALOUD["en"], ALOUD["zh"], answer_at(Passage(1, 2, "So."), TALK, "", 1.0).text):
        assert spoken(state(status=Status.ANSWERED, answer=Answer(bare, "Ann", 5.0)), aloud).answer == aloud
    assert spoken(state(), aloud) == state(status=Status.ANSWERED, answer=aloud)


def test_a_confirmation_that_was_undone_waits_again() -> None:
    """What counts is whether the question's answer says where it was given."""
    confirmed = Proposal("q1", HERE, state=Proposed.CONFIRMED)
    answered = spoken(state(), answer_at(HERE, TALK, "", 9.0))
    assert stands(confirmed, answered) is Proposed.CONFIRMED
    assert stands(confirmed, state()) is Proposed.WAITING
    linked = spoken(
        state(status=Status.ANSWERED, answer=Answer("In words", "Ann", 1.0)),
        answer_at(HERE, TALK, "https://v.example", 9.0),
    )
    assert stands(confirmed, linked) is Proposed.CONFIRMED


def test_a_search_anew_keeps_what_people_said() -> None:
    """What was confirmed stays; what was refused comes back only at another place; what is gone is forgotten."""
    at = {n: Passage(100.0 * n, 100.0 * n + 30, "…", 1.0) for n in range(1, 9)}
    before = [
        Proposal("q1", at[1], state=Proposed.CONFIRMED),
        Proposal("q2", at[2], state=Proposed.REFUSED),
        Proposal("q3", at[3], state=Proposed.REFUSED),
        Proposal("q4", at[4]),
        Proposal("gone", at[5], state=Proposed.CONFIRMED),
    ]
    found = [Answered("q1", at[6]), Answered("q2", replace(at[2], start=210.0)), Answered("q3", at[7])]
    after = {one.question: one for one in renewed(found, before, ["q1", "q2", "q3", "q4"])}
    assert after == {"q1": before[0], "q2": before[1], "q3": Proposal("q3", at[7])}


def test_offsets_count_from_the_talk_else_from_the_stage_else_from_the_first_question() -> None:
    """Whatever is known of when it began."""
    asked = [replace(question("q1"), first_at=50.0), replace(question("q2"), first_at=60.0, staged_at=70.0)]
    assert talk_began(replace(TALK, starts_at=10.0), asked) == 10.0
    assert talk_began(TALK, asked) == 70.0
    assert talk_began(TALK, asked[:1]) == 50.0
    assert talk_began(TALK, []) is None


def test_an_offset_needs_a_beginning_and_has_a_limit() -> None:
    """A slip of days is told."""
    transcript = Transcript("talk", "a.vtt", "Ann", 1.0)
    assert dated(transcript, -90.0, 1000.0) == replace(transcript, zero=910.0, dated=Dated.HAND)
    assert dated(replace(transcript, zero=1.0, dated=Dated.HAND), None, 1000.0) == transcript
    for offset, began in ((90_000.0, 1.0), (float("nan"), 1.0), (5.0, None)):
        with pytest.raises(BadInput):
            dated(transcript, offset, began)


def speech_of(*texts: str) -> tuple[Speech, tuple[Spoken, ...]]:
    said = tuple(Spoken(100.0 * n, 100.0 * n + 10, text) for n, text in enumerate(texts))
    return Speech(said, SameWords().encode(views(said))), said


ASKED = ["Is there a recording?", "How long does it take?", "Which queue do you use?", "Who pays for it?"]


def test_the_stage_tells_when_a_transcript_began() -> None:
    """Where several questions that came on stage agree; else the talk's beginning does, and a transcript that counts
    the hours of the day begins with its first line."""
    speech, said = speech_of("Welcome.", *ASKED)
    on_stage = [
        replace(question(f"q{n}", title=text), first_at=1000.0, staged_at=5000.0 + 100 * n)
        for n, text in enumerate(ASKED, 1)
    ]
    known = {q.id: [(q.title, SameWords().encode([q.title])[0])] for q in on_stage}
    transcript = Transcript("talk", "a.vtt", "Ann", 1.0, said)
    found, answers = search(speech, transcript, on_stage, known, 4000.0)
    assert (found.zero, found.dated) == (5000.0, Dated.STAGE)
    assert [one.passage.start for one in answers] == [100.0, 200.0, 300.0, 400.0]
    unstaged = [replace(q, staged_at=None) for q in on_stage]
    found, _ = search(speech, transcript, unstaged, known, 4000.0)
    assert (found.zero, found.dated) == (4000.0, Dated.START)
    late = replace(transcript, lines=tuple(Spoken(one.start + 70_000, one.end + 70_000, one.text) for one in said))
    assert search(speech, late, unstaged, known, 4000.0)[0].zero == 4000.0 - 70_000
    by_hand = replace(transcript, zero=7.0, dated=Dated.HAND)
    assert search(speech, by_hand, on_stage, known, 4000.0)[0].zero == 7.0
    assert search(speech, transcript, unstaged, known, None)[0].dated is Dated.UNKNOWN


def test_what_was_merged_is_looked_for_in_its_group_and_what_was_dismissed_is_not() -> None:
    """By title and wordings, each once."""
    questions = looked_for(
        [question("q1"), question("q2", status=Status.DISMISSED), question("q3", status=Status.MERGED)]
    )
    assert [q.id for q in questions] == ["q1"]
    vector = np.ones(3, dtype=np.float32)
    heard = [
        Remembered(n, id, id, text, vector, None, Person("chat", "u"), id)
        for n, (id, text) in enumerate([("q1", "Recording?"), ("q3", "Will it be recorded?"), ("q2", "no")])
    ]
    found = wordings(questions, heard, {"q3": "q1"})
    assert [text for text, _ in found["q1"]] == ["Is there a recording?", "Recording?", "Will it be recorded?"]
    assert set(found) == {"q1"}
