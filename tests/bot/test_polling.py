"""The rules of polls: what may be one, what is a vote and what only looks like one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.model import Mood, Poll, PollKind, PollState, PollStatus, PollText, Results
from bot.polling import (
    announcement,
    checked,
    checked_choices,
    key,
    marks,
    poll_buttons,
    result,
    results_visible,
    typed_mood,
    typed_vote,
)


def poll(kind: PollKind = PollKind.SINGLE, *options: str, id: str = "p1", **more: object) -> PollState:
    return PollState(id, "talk", kind, "选哪个？", options, **more)  # type: ignore[arg-type]


SINGLE = poll(PollKind.SINGLE, "Kubernetes", "Docker Compose", "直接部署", "不清楚")
MULTIPLE = poll(PollKind.MULTIPLE, "Redis", "Kafka", "RabbitMQ", "别的", most=3)
SCALE = poll(PollKind.SCALE)
WORDS = poll(PollKind.WORDS, most=3)
OPEN = poll(PollKind.OPEN)


def chosen(text: str, *polls: PollState) -> tuple[str, ...] | None:
    found = typed_vote(text, polls)
    return found and found[1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"),
        (" 2 ", "2"),
        ("A", "1"),
        ("a", "1"),
        ("１", "1"),
        ("Ｂ", "2"),
        ("①", "1"),
        ("②", "2"),
        ("3️⃣", "3"),
        ("选A", "1"),
        ("選B", "2"),
        ("选 2", "2"),
        ("我选C", "3"),
        ("选项B", "2"),
        ("投A", "1"),
        ("投票给 2", "2"),
        ("A.", "1"),
        ("2、", "2"),
        ("(C)", "3"),
        ("【4】", "4"),
        ("b!", "2"),
        ("2。", "2"),
        ("答案是 B", "2"),
        ("Kubernetes", "1"),
        ("kubernetes", "1"),
        ("docker compose!", "2"),
        ("ＤＯＣＫＥＲ　Compose", "2"),
        ("直接部署", "3"),
        ("“直接部署”", "3"),
        ("选 直接部署", "3"),
        ("I choose B", "2"),
        ("i vote for 3", "3"),
        ("Option C", "3"),
        ("my answer is 2", "2"),
        ("Answer: B", "2"),
    ],
)
def test_one_option_is_said_by_number_letter_or_words(text: str, number: str) -> None:
    """In any width, script, case, ring or bracket, with or without a word for choosing."""
    assert chosen(text, SINGLE) == (number,)


@pytest.mark.parametrize(
    "text",
    [
        "A 方案怎么部署?",
        "A方案怎么部署",
        "5G",
        "1 3",
        "0",
        "5",
        "01",
        "1.5",
        "1.5倍速",
        "1?",
        "A？",
        "选哪个？",
        "选哪个",
        "1个问题",
        "第1个没听懂",
        "a question about Kubernetes",
        "Kubernetes 怎么扩容",
        "Kubernetes?",
        "为什么选A",
        "is it A or B",
        "A or B",
        "A还是B",
        "K8s",
        "666",
        "111",
        "ok",
        "e",
        "Z",
        "@小明 1",
        "回复 @小明: A",
        "",
        "？",
        "哈哈",
        "选",
        "option",
        "1:30",
        "12:00 开始吗",
        "-1",
        "+1",
        "1+1",
        "1/2",
        "2024",
        "A股",
        "B站",
        "C语言怎么学",
        "d" * 500,
        "I choose not to answer",
        "my answer is no",
        "投票在哪里",
        "答案是什么",
        "选课在哪选",
        "How do I choose a Kubernetes node?",
    ],
)
def test_what_is_more_than_a_choice_is_no_vote(text: str) -> None:
    """Questions, counts, names and chatter go their own way."""
    assert chosen(text, SINGLE) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1 3", "13"),
        ("1,3", "13"),
        ("1，3", "13"),
        ("1、3", "13"),
        ("3 1", "13"),
        ("AC", "13"),
        ("选ac", "13"),
        ("A C", "13"),
        ("a,c", "13"),
        ("A和C", "13"),
        ("1 and 3", "13"),
        ("1 & 3", "13"),
        ("① ③", "13"),
        ("2", "2"),
        ("ABC", "123"),
        ("Redis, RabbitMQ", "13"),
        ("Redis、别的", "14"),
        ("kafka", "2"),
        ("1 1", "1"),
        ("1, kafka", "12"),
        ("1；3", "13"),
    ],
)
def test_several_options_are_said_with_something_between(text: str, numbers: str) -> None:
    """Capital letters may stand together; the order says nothing."""
    assert chosen(text, MULTIPLE) == tuple(numbers)


@pytest.mark.parametrize(
    "text",
    ["ac", "bad", "BAD", "CAB", "13", "123", "1 2 3 4", "1 5", "1.3", "Redis 和 Kafka 有什么区别", "A and what", "AE"],
)
def test_several_that_could_be_something_else_are_no_vote(text: str) -> None:
    """Words, numbers and more than may be chosen."""
    assert chosen(text, MULTIPLE) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", "5"),
        ("５", "5"),
        ("③", "3"),
        ("4分", "4"),
        ("4 分", "4"),
        ("打3分", "3"),
        ("4/5", "4"),
        ("3 stars", "3"),
        ("2!", "2"),
    ],
)
def test_a_number_is_a_place_on_the_scale(text: str, number: str) -> None:
    """With or without a word for it."""
    assert chosen(text, SCALE) == (number,)


@pytest.mark.parametrize("text", ["0", "6", "5G", "4/6", "3.5", "5?", "A", "5 个问题", "3分钟", "1 2", "10"])
def test_what_is_not_on_the_scale_is_no_vote(text: str) -> None:
    """Too small, too large, or about something else."""
    assert chosen(text, SCALE) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("词 可靠 快", ("可靠", "快")),
        ("词：可靠、快", ("可靠", "快")),
        ("詞 可靠", ("可靠",)),
        ("#AI", ("AI",)),
        ("#AI #算力", ("AI", "算力")),
        ("#AI#", ("AI",)),
        ("word: fast", ("fast",)),
        ("Words: very fast, cheap", ("very fast", "cheap")),
        ("词 a b c d", ("a", "b", "c")),
        ("词 可靠 可靠", ("可靠",)),
        ("词 🚀", ("🚀",)),
    ],
)
def test_words_are_said_behind_a_sign(text: str, words: tuple[str, ...]) -> None:
    """As they were written, each once, the first ones where there are too many."""
    assert chosen(text, WORDS) == words


@pytest.mark.parametrize(
    "text",
    [
        "可靠",
        "词云是什么",
        "词 是什么意思？",
        "word up",
        "words are hard",
        "单词 可靠",
        "C# 好用",
        "# 标题",
        "1",
        "词" + " " + "很" * 40,
    ],
)
def test_words_without_a_sign_are_chatter(text: str) -> None:
    """Anything could be a word."""
    assert chosen(text, WORDS) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("答：因为快", "因为快"),
        ("答: why not?", "why not?"),
        ("答 因为快", "因为快"),
        ("回答：A", "A"),
        ("Answer: it is fast", "it is fast"),
    ],
)
def test_a_text_is_said_behind_a_sign(text: str, said: str) -> None:
    """Behind a colon it may even ask."""
    assert chosen(text, OPEN) == (said,)


@pytest.mark.parametrize(
    "text",
    [
        "因为快",
        "答案是什么",
        "答 为什么？",
        "回答一下我的问题",
        "answer me please",
        "请回答：为什么",
        "答：" + "长" * 301,
    ],
)
def test_a_text_without_a_sign_goes_its_own_way(text: str) -> None:
    """What is not said to the poll, or too long for it."""
    assert chosen(text, OPEN) is None


@pytest.mark.parametrize("text", ["1", "A", "选A", "词 快", "#快", "答：快", "5", "Kubernetes"])
def test_without_an_open_poll_everything_is_chatter(text: str) -> None:
    """Nothing is voted in nothing."""
    assert typed_vote(text, []) is None


def test_of_two_open_polls_the_latest_that_is_meant_takes_the_vote() -> None:
    """Not the first in the list; and one that cannot be meant leaves it to the other."""
    first = replace(SINGLE, id="first", opened_at=1.0)
    second = replace(SCALE, id="second", opened_at=2.0)
    for polls in ([first, second], [second, first]):
        assert typed_vote("2", polls) == (second, ("2",))
        assert typed_vote("B", polls) == (first, ("2",))


def test_options_that_are_numbers_are_called_by_letters() -> None:
    """ "2" is the option that says 2, never the second one."""
    years = poll(PollKind.SINGLE, "1", "3", "2")
    assert marks(years) == ("A", "B", "C")
    assert chosen("2", years) == ("3",)
    assert chosen("B", years) == ("2",)
    letters = poll(PollKind.SINGLE, "B", "A")
    assert marks(letters) == ("1", "2")
    assert chosen("A", letters) == ("2",)
    assert marks(poll(PollKind.SINGLE, "1", "A")) == ("", "")


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    """A vote or none, never an error; a vote is one that the poll takes."""
    for one in (SINGLE, MULTIPLE, SCALE, WORDS, OPEN):
        if (found := typed_vote(text, [one])) is not None:
            assert checked_choices(one, found[1]) == found[1]
    typed_mood(text)


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("太快了", Mood.FAST),
        ("太快了！！！", Mood.FAST),
        ("讲得太快了", Mood.FAST),
        ("Too fast!", Mood.FAST),
        ("太慢了", Mood.SLOW),
        ("too slow", Mood.SLOW),
        ("没听懂", Mood.LOST),
        ("沒聽懂", Mood.LOST),
        ("lost me", Mood.LOST),
        ("I’m lost…", Mood.LOST),
        ("讲得好", Mood.GREAT),
        ("great", Mood.GREAT),
    ],
)
def test_a_mood_is_said_in_short(text: str, mood: Mood) -> None:
    """In both languages and scripts."""
    assert typed_mood(text) is mood


@pytest.mark.parametrize(
    "text",
    [
        "太快了吧这个增长",
        "没听懂第三步",
        "没听懂？",
        "is it too fast for production",
        "too fast?",
        "great question: why",
        "快",
        "",
        "@小明 太快了",
    ],
)
def test_more_than_a_mood_is_none(text: str) -> None:
    """Whoever says what they did not understand asks something."""
    assert typed_mood(text) is None


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (poll(PollKind.SINGLE, *(f"o{n}" for n in range(1000))), "options, this has 1,000"),
        (poll(PollKind.SINGLE, "only"), "2 to 20 options"),
        (poll(PollKind.SINGLE, "a", " "), "2 to 20 options"),
        (poll(PollKind.SINGLE, "Redis", "ＲＥＤＩＳ！"), "the same"),
        (poll(PollKind.SINGLE, "a", "b" * 101), "at most 100"),
        (poll(PollKind.MULTIPLE, "a", "b", most=3), "options can be chosen"),
        (poll(PollKind.MULTIPLE, "a", "b", most=0), "options can be chosen"),
        (poll(PollKind.SCALE, low=1, high=11), "a scale lies"),
        (poll(PollKind.SCALE, low=5, high=5), "a scale lies"),
        (poll(PollKind.SCALE, ends=("x" * 41, "")), "ends of a scale"),
        (poll(PollKind.WORDS, most=6), "word cloud"),
        (replace(SINGLE, title=" \u202e "), "asks something"),
        (replace(SINGLE, title="x" * 301), "asks something"),
    ],
)
def test_what_cannot_be_a_poll_is_refused_with_what_to_do(wish: PollState, problem: str) -> None:
    """Too many options, the same one twice, texts that are too long or empty."""
    with pytest.raises(BadInput, match=problem):
        checked(wish)


def test_a_poll_is_kept_tidy() -> None:
    """Without line breaks, steering marks and what its kind has no use for."""
    made = checked(replace(poll(PollKind.SINGLE, " a\nb ", "", "\u202ec"), most=7, low=3, ends=("x", "y")))
    assert (made.options, made.most, made.low, made.ends) == (("a b", "c"), 1, 1, ("", ""))
    assert checked(poll(PollKind.OPEN, "a", "b", most=3)).options == ()


@pytest.mark.parametrize(
    ("state", "choices"),
    [
        (SINGLE, ["1", "2"]),
        (SINGLE, ["5"]),
        (SINGLE, ["x"]),
        (SINGLE, []),
        (SINGLE, ["²"]),
        (SINGLE, ["1" * 5000]),
        (MULTIPLE, ["1", "2", "3", "4"]),
        (SCALE, ["0"]),
        (WORDS, ["a", "b", "c", "d"]),
        (WORDS, [" "]),
        (WORDS, ["x" * 31]),
        (OPEN, ["x" * 301]),
        (OPEN, ["a", "b"]),
    ],
)
def test_what_cannot_be_chosen_is_refused(state: PollState, choices: list[str]) -> None:
    """Too many, too long, not there, or nothing."""
    with pytest.raises(BadInput):
        checked_choices(state, choices)


def test_the_same_word_has_one_key() -> None:
    """Case, width, script and what stands around say nothing; an emoji is a word too."""
    assert key("開源！") == key("开源") == "开源"
    assert key(" ＡＩ。") == key("ai")
    assert key("🚀") == "🚀"


def test_results_are_seen_when_the_poll_says_so() -> None:
    """While it is open, once it is closed, or never; an announced draft shows nothing that it does not have."""
    closed = replace(SINGLE, results=Results.CLOSED, status=PollStatus.OPEN, round=1)
    assert not results_visible(closed)
    assert results_visible(replace(closed, status=PollStatus.CLOSED))
    assert results_visible(replace(closed, results=Results.LIVE))
    assert not results_visible(replace(closed, results=Results.STAFF, status=PollStatus.CLOSED))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "state", [SINGLE, MULTIPLE, SCALE, WORDS, OPEN, replace(WORDS, most=1), poll(PollKind.SINGLE, "1", "A")]
)
def test_what_the_announcement_advises_is_a_vote(state: PollState, language: str) -> None:
    """Every example between quotation marks counts, with real words for dots."""
    text = announcement(state, language)
    assert state.title in text
    assert all(option in text for option in state.options)
    examples = [part.split("”")[0] for part in text.split("“")[1:]]
    for example in examples:
        assert typed_vote(example.replace("……", "可靠").replace("…", "reliable"), [state]), example
    assert examples or state.kind is PollKind.SCALE or marks(state)[0] == ""


def test_the_result_is_said_in_numbers() -> None:
    """People and shares of options, the mean of a scale, the words that are not muted."""
    assert result(Poll(SINGLE, 3, {1: 2, 3: 1}), "en").splitlines() == [
        "Poll closed: 选哪个？ (3 voted)",
        "Kubernetes: 2 (67%)",
        "Docker Compose: 0 (0%)",
        "直接部署: 1 (33%)",
        "不清楚: 0 (0%)",
    ]
    assert "平均 4.5" in result(Poll(SCALE, 2, {4: 1, 5: 1}), "zh")
    texts = (PollText("fast", "Fast", 2), PollText("bad", "Bad", 1))
    assert result(Poll(replace(WORDS, muted=("bad",)), 3, texts=texts), "en").splitlines()[1:] == ["Fast × 2"]
    assert "没有人投票" in result(Poll(OPEN), "zh")


def test_each_choice_has_a_button_that_names_it() -> None:
    """A chat with buttons shows each option with its sign; only several choices can be begun anew."""
    assert [(b.question, b.label) for b in poll_buttons(replace(SINGLE, options=("Redis", "Kafka")), "en")] == [
        ("p1>1", "1. Redis"),
        ("p1>2", "2. Kafka"),
    ]
    assert [b.question for b in poll_buttons(MULTIPLE, "zh")] == ["p1>1", "p1>2", "p1>3", "p1>4", "p1>"]
    assert [b.label for b in poll_buttons(SCALE, "en")] == ["1", "2", "3", "4", "5"]
    assert poll_buttons(WORDS, "en") == poll_buttons(OPEN, "en") == ()
