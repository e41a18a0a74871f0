from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.model import Answer, CourseMatch, Session, Status
from bot.replies import (
    UNDO_WITHIN,
    acknowledgement,
    answers,
    course_answer,
    evening_line,
    joined,
    late_answer,
    link_reply,
    unnamed,
)
from tests.bot.values import TALK, asked, message, state

ANSWERED = state(status=Status.ANSWERED, answer=Answer("Yes, tomorrow.", "Li", 200.0, ("https://example.org",)))


def test_one_acknowledgement_for_a_question_in_a_chat() -> None:
    """A second asker in the same chat rewords the first acknowledgement instead of adding one."""
    first = acknowledgement(TALK, state(), message(1, chat="-100", private=False), 1)
    second = acknowledgement(TALK, state(), message(2, user="u2", chat="-100", private=False), 8)
    assert first
    assert second
    assert first.key == second.key
    assert "7 other" in second.text
    assert second.not_before > message(2).at


def test_nobody_is_acknowledged_without_a_way_back() -> None:
    """A message without an address gets no delivery."""
    silent = replace(message(1), address=None)
    assert acknowledgement(TALK, state(), silent, 1) is None
    assert late_answer(TALK, ANSWERED, silent, 0.0) is None
    assert course_answer(TALK, "q1", silent, CourseMatch("faq#a", 0.9, "sent", "Yes."), "faq.md:3") is None


def test_a_course_answer_names_its_source_and_can_be_contradicted() -> None:
    """The source stands in the text, and a button says that it does not answer the question."""
    said = course_answer(TALK, "q1", message(1), CourseMatch("faq#a", 0.9, "sent", "Yes."), "faq.md:3")
    assert said
    assert "faq.md:3" in said.text
    assert [b.act for b in said.buttons] == ["not_answered"]


@pytest.mark.parametrize(("language", "said"), [("zh", "往期回答"), ("en", "an earlier answer")])
def test_an_earlier_answer_is_not_called_course_material(language: str, said: str) -> None:
    """What a person said on an earlier evening names that evening as its source, and what it is."""
    match = CourseMatch("earlier:one#q1", 0.9, "sent", "Yes.")
    delivery = course_answer(replace(TALK, language=language), "q1", message(1), match, "Evening one, 2026-03-03")
    assert delivery
    assert "Evening one, 2026-03-03" in delivery.text
    assert said in delivery.text


@pytest.mark.parametrize(("language", "line"), [("zh", "Queues，2026-03-03"), ("en", "Queues, 2026-03-03")])
def test_an_evening_is_named_with_its_date(language: str, line: str) -> None:
    """The mark between the two is that of the evening's language."""
    at = datetime(2026, 3, 3, 19, 30).astimezone().timestamp()
    assert evening_line(Session("one", "Queues", language=language, starts_at=at), 0.0) == line


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everyone_hears_an_answer_once_in_their_own_chat(language: str) -> None:
    """Two people in private get one message each in their own words; a group gets one that names its askers."""
    talk = replace(TALK, language=language)
    wordings = [
        asked(message(1, "recording?", "u1")),
        asked(message(2, "Where can I watch it later?", "u2")),
        asked(message(3, "replay", "u2")),
        asked(message(4, "link", "u3", chat="-100", private=False)),
        asked(message(5, "video", "u4", chat="-100", private=False)),
    ]
    said = answers(talk, ANSWERED, wordings, [], 300.0)
    assert [d.address.chat for d in said] == ["u1", "u2", "-100"]
    assert "recording?" in said[0].text
    assert "Where can I watch it later?" in said[1].text
    assert "U3" in said[2].text
    assert "U4" in said[2].text
    assert all("Yes, tomorrow." in d.text and "Li" in d.text and "https://example.org" in d.text for d in said)


def test_a_corrected_answer_rewords_what_late_joiners_heard() -> None:
    """A late joiner of a group chat has a message of their own, and a correction reaches it."""
    late = message(9, "replay?", "u9", chat="-100", private=False)
    said_late = late_answer(TALK, ANSWERED, late, 400.0)
    assert said_late
    corrected = replace(ANSWERED, answer=Answer("No.", "Li", 500.0))
    said = answers(TALK, corrected, [asked(message(4, chat="-100", private=False)), asked(late)], [said_late], 500.0)
    assert {d.key for d in said} == {"answer:q1:telegram:-100", said_late.key}
    assert all("No." in d.text for d in said)


def test_who_has_no_name_is_called_by_the_role_in_the_language_of_the_talk() -> None:
    """A link without a name is one of a role, which is said as people say it."""
    nameless = replace(ANSWERED, answer=Answer("Yes.", "moderator", 300.0))
    for talk, said in ((TALK, "a moderator"), (replace(TALK, language="zh"), "主持人")):
        assert said in answers(talk, nameless, [asked(message(1))], [], 300.0)[0].text


def test_asking_again_is_answered_again_in_reply_to_that() -> None:
    """Who asks in private what was answered there before is not left without a word: rewording the old message would
    tell them nothing."""
    first = answers(TALK, ANSWERED, [asked(message(1))], [], 300.0)[0]
    again = late_answer(TALK, ANSWERED, message(7, "And the replay?"), 400.0)
    assert again
    assert again.key != first.key
    assert "And the replay?" in again.text


@pytest.mark.parametrize(("chat", "private"), [("u1", True), ("-100", False)])
def test_what_was_taken_back_told_nobody(chat: str, private: bool) -> None:
    """Who came to the question before and was told nothing after all is told when they come again, in one message."""
    newcomer = asked(message(2, "Replay?", chat=chat, private=private))
    (first,) = joined(TALK, ANSWERED, [newcomer], [], 1.0)
    (again,) = joined(TALK, ANSWERED, [newcomer], [replace(first, state="failed")], 2.0)
    assert again == replace(first, not_before=2.0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_names_of_a_busy_group_leave_room_for_the_answer(language: str) -> None:
    """A hundred askers with long names in a chat that takes 2,000 bytes, as Satori does: the answer is read whole, the
    wordings are quoted, and how many ask is told."""
    answer = "每路网关按一千个采样点每秒计算，历史数据保留三年。" * 3
    wordings = [f"{n}：{'网关的历史数据能保留多久' * 6}" for n in range(8)]
    askers = [
        asked(
            message(n, wordings[n % 8], f"u{n}", author_name=f"数字化车间第{n}小组的老王" * 3, chat="-1", private=False)
        )
        for n in range(1, 101)
    ]
    question = replace(ANSWERED, answer=Answer(answer, "Li", 200.0))
    (said,) = answers(replace(TALK, language=language), question, askers, [], 1.0)
    assert len(said.text.encode()) < 2000
    assert answer in said.text
    assert said.text.count("网关的历史") >= 5
    assert str(len(askers) // 8) in said.text
    alone = replace(askers[0], message=replace(askers[0].message, author_name="王" * 200))
    (said,) = answers(replace(TALK, language=language), question, [alone], [], 1.0)
    assert said.text.startswith(("有人问：", "Somebody asked: "))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["Ann", "A", "好", "Ann, Bob", "a.b|c", "Carl"])
def test_a_name_among_those_who_asked_is_taken_out_and_nothing_else(name: str, language: str) -> None:
    """However short it is and whoever else asked: wherever it is no name, in a question or the answer, it stays."""
    talk = replace(TALK, language=language)
    answered = replace(ANSWERED, answer=Answer(f"{name}, ask: A, Ann, 好、Carl", name, 200.0))
    wordings = [f"What of {name}, Bob?", "What of A, 好、Carl?", *"123456"]

    def told(called: str) -> str:
        others = (
            asked(message(n, wordings[n % 8], f"u{n}", author_name=f"{name}{n}", chat="-1", private=False))
            for n in range(1, 40)
        )
        first = (
            asked(message(50 + n, text, "u0", author_name=called, chat="-1", private=False))
            for n, text in enumerate([*wordings, "other"])
        )
        (said,) = answers(talk, answered, [*first, *others], [], 300.0)
        return said.text

    instead = "\N{WHITE SQUARE}" * len(name)  # as many names have room beside it
    assert unnamed(told(name), name, instead) == told(instead)


def test_a_late_joiner_hears_nothing_that_can_still_be_taken_back() -> None:
    """It waits for the undo with everybody."""
    late = late_answer(TALK, ANSWERED, message(7), 201.0)
    assert late
    assert late.not_before == 200.0 + UNDO_WITHIN


GROUP: dict[str, Any] = {"chat": "-100", "private": False}


@pytest.mark.parametrize(("language", "same"), [("zh", "U3、U4问：slides?"), ("en", "U3, U4 asked: slides?")])
def test_a_group_hears_each_asker_in_their_own_words(language: str, same: str) -> None:
    """Everybody's wording stands with their name; who said the same shares a line; who has no name is somebody."""
    wordings = [
        asked(message(1, "Is there a recording?", "u1", **GROUP)),
        asked(message(2, "Where is the replay?", "u2", author_name="", **GROUP)),
        asked(message(3, "slides?", "u3", **GROUP)),
        asked(message(4, "slides?", "u4", **GROUP)),
    ]
    (said,) = answers(replace(TALK, language=language), ANSWERED, wordings, [], 300.0)
    lines = said.text.split("\n\n")[0].split("\n")
    assert lines[0].startswith("U1")
    assert "Is there a recording?" in lines[0]
    assert lines[1].startswith("有人" if language == "zh" else "Somebody")
    assert lines[2] == same
    assert len(lines) == 3


def test_a_crowd_in_a_group_is_quoted_within_bounds() -> None:
    """Two hundred wordings do not fill the chat: the first are quoted, of the others some names are told."""
    crowd = [asked(message(n, f"wording {n}", f"u{n}", **GROUP)) for n in range(200)]
    (said,) = answers(TALK, ANSWERED, crowd, [], 300.0)
    assert said.text.count("wording") == 5
    assert "195 people asked the same" in said.text
    assert len(said.text) < 1000


def test_whoever_is_merged_in_later_hears_it_and_nobody_twice() -> None:
    """In a group the first answer stays as it is and the new ones get their own; who heard it in private already does
    not hear it again; a chat that was told nothing is told."""
    first = [asked(message(1, "recording?", "u1", **GROUP)), asked(message(2, "recording?", "u2"))]
    sent = answers(TALK, ANSWERED, first, [], 300.0)
    new = [
        asked(message(5, "replay?", "u5", **GROUP)),
        asked(message(6, "video?", "u6", **GROUP)),
        asked(message(7, "replay?", "u2")),
        asked(message(8, "replay?", "u8")),
    ]
    said = joined(TALK, ANSWERED, new, sent, 400.0)
    assert [d.address.chat for d in said] == ["-100", "u8"]
    assert {d.key for d in said}.isdisjoint(d.key for d in sent)
    assert "U5 asked: replay?" in said[0].text
    assert "U6 asked: video?" in said[0].text
    assert "U1" not in said[0].text


@pytest.mark.parametrize("edits", [True, False])
def test_a_correction_is_said_once_in_each_chat(edits: bool) -> None:
    """A chat that can edit has every message put right; another one hears the correction once, not for each."""
    wordings = [asked(message(n, "recording?", f"u{n}", **GROUP)) for n in (1, 2)]
    sent = [*answers(TALK, ANSWERED, wordings, [], 300.0)]
    for n in (3, 4):
        late = late_answer(TALK, ANSWERED, message(n, f"late {n}", f"u{n}", **GROUP), 400.0)
        assert late
        sent.append(late)
        wordings.append(asked(message(n, f"late {n}", f"u{n}", **GROUP)))
    corrected = replace(ANSWERED, answer=Answer("No.", "Li", 500.0))
    said = answers(TALK, corrected, wordings, sent, 500.0, lambda _: edits)
    assert [d.key for d in said] == [d.key for d in (sent if edits else sent[-1:])]
    assert all("No." in d.text for d in said)


def test_a_question_without_an_answer_says_nothing() -> None:
    """Sending an answer that is not there is a fault of the caller."""
    with pytest.raises(ValueError, match="no answer"):
        answers(TALK, state(), [asked(message(1))], [], 0.0)


def test_a_long_question_is_quoted_short() -> None:
    """A question of thousands of characters does not fill the asker's chat again."""
    said = answers(TALK, ANSWERED, [asked(message(1, "why " * 1000))], [], 300.0)[0]
    assert len(said.text) < 300


def test_wrong_codes_do_not_fill_a_chat() -> None:
    """Who says one wrong code after the other is told so once a minute, since what a group is told is limited and the
    answers of everybody else wait behind it; a right code is always confirmed."""
    group: dict[str, Any] = {"chat": "-100", "private": False, "user": "u1"}
    wrong = [link_reply(message(n, "link AAAA-BBBB", **group, at=600.0 + n / 10), False, "en") for n in range(100)]
    assert len({said.key for said in wrong if said}) == 1
    later = link_reply(message(101, "link AAAA-BBBB", **group, at=700.0), False, "en")
    other = link_reply(message(102, "link AAAA-BBBB", chat="-100", private=False, user="u2", at=600.0), False, "en")
    right = link_reply(message(103, "link AAAA-BBBB", **group, at=600.0), True, "en")
    assert len({said.key for said in (wrong[0], later, other, right) if said}) == 4
