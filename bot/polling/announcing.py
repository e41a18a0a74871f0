"""What chats are told about a poll: that it began and how to vote, and what it brought."""

import re
from collections.abc import Iterable

from bot.model import Button, Poll, PollKind, PollState
from bot.polling.rules import CHOICE, choices, marks

TOLD = 10
"""Words of a cloud that a chat is told."""

BUTTON = "poll"
"""The act of a button that votes; it names "POLL>CHOICE", without a choice it takes the vote back."""

TEXTS = {
    "zh": {
        "anew": "重新选择",
        "poll": "投票：{title}",
        "single": "请直接回复{mark}，例如“{one}”。",
        "multiple": "可选多项，最多 {most} 项：请直接回复{mark}，例如“{several}”。",
        "number": "编号",
        "letter": "字母",
        "own": "请直接回复选项的文字。",
        "scale": "请直接回复 {low} 到 {high} 的数字。",
        "end": "{number} = {word}",
        "words": "请回复“词 ……”，最多 {most} 个词，用空格隔开，例如“词 可靠 快”。",
        "words_one": "请回复“词 ……”，例如“词 可靠”。",
        "open": "请回复“答：……”。",
        "again": "可以再改，以最后一次为准。",
        "closed": "投票结束：{title}（{people} 人）",
        "mean": "平均 {mean:.1f}",
        "texts": "收到 {n} 种回答。",
        "nobody": "没有人投票。",
        "line": "{option}：{n}（{share}%）",
        "word": "{text} × {n}",
        "between": "、",
    },
    "en": {
        "anew": "Choose anew",
        "poll": "Poll: {title}",
        "single": "Just reply with its {mark}, like “{one}”.",
        "multiple": "Choose up to {most}: just reply with their {mark}s, like “{several}”.",
        "number": "number",
        "letter": "letter",
        "own": "Just reply with the words of an option.",
        "scale": "Just reply with a number from {low} to {high}.",
        "end": "{number} = {word}",
        "words": "Reply “word: …” with up to {most} words, like “word: reliable, fast”.",
        "words_one": "Reply “word: …”, like “word: reliable”.",
        "open": "Reply “answer: …”.",
        "again": "You can change it; the last one counts.",
        "closed": "Poll closed: {title} ({people} voted)",
        "mean": "Mean {mean:.1f}",
        "texts": "{n} different answers came in.",
        "nobody": "Nobody voted.",
        "line": "{option}: {n} ({share}%)",
        "word": "{text} × {n}",
        "between": ", ",
    },
}


def announcement(state: PollState, language: str) -> str:
    """That there is a poll, what it asks, and how to vote by typing."""
    return TEXTS["zh" if language == "zh" else "en"]["poll"].format(title=asking(state, language))


def asking(state: PollState, language: str) -> str:
    """What is asked, and how to vote by typing."""
    say = TEXTS["zh" if language == "zh" else "en"]
    lines = [state.title, *_choices(state), _how(state, say), say["again"]]
    if state.kind is PollKind.SCALE:
        ends = zip((state.low, state.high), state.ends, strict=True)
        lines[1:1] = [say["end"].format(number=number, word=word) for number, word in ends if word]
    return "\n".join(lines)


def poll_buttons(state: PollState, language: str) -> tuple[Button, ...]:
    """One for each choice, where there are choices. Pressing one twice is the same as once, so that what a platform
    tells twice counts once; of several, one presses more until there are enough, or chooses anew."""
    made = [Button(BUTTON, f"{state.id}>{choice}", label) for choice, label in choices(state)]
    if state.kind is PollKind.MULTIPLE:
        made.append(Button(BUTTON, f"{state.id}>", TEXTS["zh" if language == "zh" else "en"]["anew"]))
    return tuple(made)


def _choices(state: PollState) -> list[str]:
    named = zip(marks(state), state.options, strict=True)
    return [f"{mark}. {option}" if mark else f"- {option}" for mark, option in named]


def _how(state: PollState, say: dict[str, str]) -> str:
    if state.kind not in CHOICE:
        kind = "words_one" if state.kind is PollKind.WORDS and state.most == 1 else state.kind.value
        return say[kind].format(low=state.low, high=state.high, most=state.most)
    first, second = marks(state)[:2]
    if not first:
        return say["own"]
    kind = "multiple" if state.most > 1 else "single"
    mark = say["number" if first.isdecimal() else "letter"]
    return say[kind].format(mark=mark, one=first, several=f"{first} {second}", most=state.most)


def result(poll: Poll, language: str) -> str:
    """What it brought."""
    say = TEXTS["zh" if language == "zh" else "en"]
    state = poll.state
    lines = [say["closed"].format(title=state.title, people=poll.people)]
    shown = [text for text in poll.texts if text.key not in state.muted]
    if not poll.people:
        lines.append(say["nobody"])
    elif state.kind in CHOICE:
        lines += [_line(option, poll.counts.get(n, 0), poll.people, say) for n, option in enumerate(state.options, 1)]
    elif state.kind is PollKind.SCALE:
        lines.append(say["mean"].format(mean=mean(poll)))
        numbers = range(state.low, state.high + 1)
        lines += [_line(str(n), poll.counts.get(n, 0), poll.people, say) for n in numbers]
    elif state.kind is PollKind.WORDS:
        lines.append(say["between"].join(say["word"].format(text=t.text, n=t.people) for t in shown[:TOLD]))
    else:
        lines.append(say["texts"].format(n=len(shown)))
    return "\n".join(lines)


def unsaid(said: str, words: Iterable[str], instead: str) -> str:
    """What a chat was told that a poll brought, with something else in the place of these words of a cloud."""
    begins = "|".join(f"(?<={re.escape(say['between'])})" for say in TEXTS.values())
    for word in words:
        told = re.escape(TEXTS["en"]["word"].format(text=word, n=""))
        said = re.sub(rf"(?:^|{begins}){told}(?=\d)", TEXTS["en"]["word"].format(text=instead, n=""), said, flags=re.M)
    return said


def mean(poll: Poll) -> float:
    votes = sum(poll.counts.values())
    return sum(number * people for number, people in poll.counts.items()) / votes if votes else 0.0


def _line(option: str, people: int, all: int, say: dict[str, str]) -> str:
    return say["line"].format(option=option, n=people, share=round(100 * people / all))
