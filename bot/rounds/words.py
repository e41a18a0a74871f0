"""What chats are told after a talk. Decides; sends nothing."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.fitting import cut, fit, measure
from bot.model import Abilities, Session
from bot.replies import quoted

TOP = 5
"""Answered questions of a digest."""

LADDER = ((TOP, 160), (TOP, 80), (3, 80), (3, 40), (1, 40), (0, 0))
"""So many questions, and so many characters of each answer: the first that a chat has room for."""

STEPS = (300, 120, 50)
"""Characters of each answer in a personal digest, likewise."""

TEXTS = {
    "zh": {
        "thanks": "《{title}》结束了，感谢参与！",
        "asked": "共收到 {groups} 个问题，已回答 {answered} 个。",
        "top": "大家最想知道的：",
        "line": "{rank}. {title}\n   {answer}",
        "line_bare": "{rank}. {title}",
        "rest": "全部问题和回答：{url}",
        "next": "下一场：《{title}》，{day}",
        "out": "不想再收到这类消息，请回复“退订”。",
        "personal": "《{title}》结束了，您的提问：",
        "mine": "• {quote}\n  {state}",
        "answered": "已回答：{answer}",
        "answered_before": "已回答（已经发给您）",
        "dismissed": "未选用。原因：{reason}",
        "dismissed_bare": "未选用",
        "open": "还没有回答，会请专家补答，答了就告诉您。",
        "day": "{month}月{day}日（周{weekday}）{time}",
    },
    "en": {
        "thanks": "“{title}” is over. Thank you for taking part!",
        "asked": "{groups} questions were asked, {answered} of them are answered.",
        "top": "What most people wanted to know:",
        "line": "{rank}. {title}\n   {answer}",
        "line_bare": "{rank}. {title}",
        "rest": "All questions and answers: {url}",
        "next": "Next: “{title}”, {day}",
        "out": "To get no more of these messages, reply “stop”.",
        "personal": "“{title}” is over. Your questions:",
        "mine": "• {quote}\n  {state}",
        "answered": "Answered: {answer}",
        "answered_before": "Answered (you were told)",
        "dismissed": "Not taken into the talk. The reason: {reason}",
        "dismissed_bare": "Not taken into the talk",
        "open": "Not answered yet. An expert will be asked, and you will be told.",
        "day": "{weekday} {date}, {time}",
    },
}
WEEKDAYS = {
    "zh": ("一", "二", "三", "四", "五", "六", "日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def words(language: str) -> Mapping[str, str]:
    return TEXTS["zh" if language == "zh" else "en"]


@dataclass(frozen=True, slots=True)
class Evening:
    """What a digest is made of: how many questions there were and are answered, the `top` ones with their answers, the
    address of the page, and the next evening of the series (None: not known)."""

    session: Session
    groups: int
    answered: int
    top: Sequence[tuple[str, str]]
    url: str
    next: Session | None = None
    zone: tzinfo | None = None

    @property
    def empty(self) -> bool:
        return not self.groups and self.next is None


def digest(evening: Evening, abilities: Abilities | None = None) -> str:
    """As much of it as a chat has room for; without `abilities` all of it."""
    texts = [_digest(evening, most, length) for most, length in LADDER]
    return _fitting(texts, abilities, evening.url)


def _digest(evening: Evening, most: int, length: int) -> str:
    say = words(evening.session.language)
    lines = [say["thanks"].format(title=evening.session.title)]
    if evening.groups:
        lines[0] += ("" if evening.session.language == "zh" else " ") + say["asked"].format(
            groups=evening.groups, answered=evening.answered
        )
    top = [_line(rank, title, answer, length, say) for rank, (title, answer) in enumerate(evening.top[:most], 1)]
    parts = ["\n".join(lines), "\n".join([say["top"], *top]) if top else "", _ending(evening, say)]
    return "\n\n".join(part for part in parts if part)


def _line(rank: int, title: str, answer: str, length: int, say: Mapping[str, str]) -> str:
    short = cut(" ".join(answer.split()), length)
    return say["line" if short else "line_bare"].format(rank=rank, title=quoted(title), answer=short)


def _ending(evening: Evening, say: Mapping[str, str]) -> str:
    lines = [say["rest"].format(url=evening.url)] if evening.url else []
    if evening.next is not None and evening.next.starts_at is not None:
        day = day_of(evening.next.starts_at, evening.session.language, evening.zone)
        lines.append(say["next"].format(title=evening.next.title, day=day))
    return "\n".join([*lines, say["out"]])


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a question that somebody asked: `state` is a key of `TEXTS`, `more` the answer or the reason.
    `news`: they were not told yet."""

    asked: str
    state: str
    more: str = ""
    news: bool = True


def personal(evening: Evening, fates: Sequence[Fate], abilities: Abilities | None = None) -> str:
    """What became of somebody's own questions."""
    texts = [_personal(evening, fates, length) for length in STEPS]
    return _fitting(texts, abilities, evening.url)


def _personal(evening: Evening, fates: Sequence[Fate], length: int) -> str:
    say = words(evening.session.language)
    lines = [
        say["mine"].format(
            quote=quoted(fate.asked),
            state=say[fate.state].format(answer=_short(fate.more, length), reason=_short(fate.more, length)),
        )
        for fate in fates
    ]
    return "\n\n".join([say["personal"].format(title=evening.session.title), "\n".join(lines), _ending(evening, say)])


def _short(text: str, length: int) -> str:
    return cut(" ".join(text.split()), length)


def _fitting(texts: Sequence[str], abilities: Abilities | None, url: str) -> str:
    if abilities is None:
        return texts[0]
    short = next((text for text in texts if measure(text, abilities.unit) <= abilities.length), texts[-1])
    return fit(short, abilities, url)


def day_of(at: float, language: str, zone: tzinfo | None) -> str:
    """A day with its time."""
    local, say = datetime.fromtimestamp(at, zone), words(language)
    weekday = WEEKDAYS["zh" if language == "zh" else "en"][local.weekday()]
    date, time = f"{local.day} {calendar.month_name[local.month]}", f"{local:%H:%M}"
    return say["day"].format(month=local.month, day=local.day, date=date, weekday=weekday, time=time)
