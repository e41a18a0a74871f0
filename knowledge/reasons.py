"""Why something was decided: the strongest signs for and against, as codes with numbers, and how they read.

Rooms give signs; whoever shows a decision words them. A sign without words here is shown by its code.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from knowledge.logistic import Logistic

SHOWN = 3
"""Signs that are kept with a decision."""

_NOTHING: Mapping[str, str] = {}

_SLIGHT = 0.05
"""Log-odds below which a sign is no reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One sign. `weight`: what it added to the log-odds of the decision, against what is usual (negative: it spoke
    against). `value` is the number behind it, `detail` what it is about ("where", "faq#3").
    """

    code: str
    weight: float
    value: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reasons:
    """The strongest of the three decisions about a message: whether it asks, which question, what the course says."""

    asking: tuple[Reason, ...] = ()
    grouping: tuple[Reason, ...] = ()
    answer: tuple[Reason, ...] = ()


def strongest(reasons: Iterable[Reason], count: int = SHOWN) -> tuple[Reason, ...]:
    """The weightiest, weightiest first; of equals the first."""
    felt = [reason for reason in reasons if abs(reason.weight) >= _SLIGHT]
    return tuple(sorted(felt, key=lambda reason: -abs(reason.weight))[:count])


def because(code: str, probability: float) -> tuple[Reason, ...]:
    """A single reason that decides by itself."""
    return (Reason(code, odds(probability)),)


def signs(logistic: Logistic, features: Mapping[str, float], about: Mapping[str, str] = _NOTHING) -> list[Reason]:
    """What each feature of a regression adds against what is typical. `about`: the detail of those that have one, whose
    number says nothing to people."""
    return [
        Reason(
            name,
            round(weight * (features[name] - logistic.typical.get(name, 0.0)), 4),
            None if name in about else round(features[name], 4),
            about.get(name, ""),
        )
        for name, weight in logistic.weights.items()
    ]


def odds(probability: float) -> float:
    """Log-odds of a probability, which is kept off 0 and 1."""
    kept = min(max(probability, 1e-4), 1 - 1e-4)
    return round(math.log(kept / (1 - kept)), 4)


def worded(reason: Reason) -> Mapping[str, str]:
    """The reason in Chinese and English: {"zh", "en"}. Its numbers say nothing to people."""
    turned = reason.value is not None and reason.value < 0 if reason.code in _LESS else reason.weight < 0
    pair = (_LESS.get(reason.code) or _AGAINST.get(reason.code)) if turned else None
    zh, en = pair or _WORDS.get(reason.code, (reason.code, reason.code))
    about_zh, about_en = _DETAILS.get(reason.detail, (reason.detail, reason.detail))
    return {"zh": zh.format(detail=about_zh), "en": en.format(detail=about_en)}


_WORDS: dict[str, tuple[str, str]] = {
    # grouping
    "first": ("还没有别的问题", "there was no other question yet"),
    "own_repeat": ("同一个人又发了同样的话", "the same person sent the same line again"),
    "unreadable": ("这种文字无法识别", "in a script that cannot be read"),
    "same_text": ("与更早的一条一字不差", "word for word an earlier one"),
    "cosine": ("意思相近", "alike in meaning"),
    "ahead": ("比别的问题都更像", "nearer than any other question"),
    "above": ("在本场问题里格外接近", "nearer than questions here usually are"),
    "course": ("要的是课程资料的同一处", "both need the same part of the course"),
    "kinds": ("都在问“{detail}”", "both ask {detail}"),
    "asked_again": ("也像另外几个同义的问题", "near to other questions that ask the same, too"),
    "told_same": ("主持人把这样的问法归到这里", "a moderator put such a wording there"),
    "put": ("主持人把它放到了这里", "a moderator put it here"),
    "confirmed": ("主持人确认它问的是这个", "a moderator confirmed it"),
    "told_apart": ("主持人说过这是两个问题", "a moderator keeps these questions apart"),
    # asking
    "on_purpose": ("用提问方式发来的", "sent in a way that is there for asking"),
    "long": ("很长：只读了开头和结尾", "long: only its beginning and its end are read"),
    "taken": ("主持人认为这是问题", "a moderator takes it for a question"),
    "told_asking": ("主持人认为这样的话是问题", "a moderator takes such words for a question"),
    "told_nothing": ("主持人认为这样的话不是提问", "a moderator says that such words ask nothing"),
    "notice": ("工作人员的通知", "a notice of the staff"),
    "chatter": ("闲聊", "chatter"),
    "to_viewer": ("是对另一位观众说的", "speaks to another viewer"),
    "flood": ("这个人短时间内发了太多消息", "its author said too much in a short time"),
    "slow_mode": ("慢速模式：同一个人刚刚提过问", "slow mode: the same person asked a moment ago"),
    "not_understood": ("没能读懂这条消息", "it could not be understood"),
    "replies": (
        "像是在回答别的观众，所以不自动发回答",
        "it seems to tell another viewer: nothing is sent by itself",
    ),
    "meaning": ("整句的意思像在提问", "its meaning is that of a question"),
    "cue": ("有提问的迹象：{detail}", "a sign of asking: {detail}"),
    "no_cue": ("没有{detail}", "without {detail}"),
    "held": ("课程资料里有与它相近的内容", "the course holds something near to it"),
    "length": ("句子的长短常见于提问", "as long as lines that ask"),
    "just_asked": ("刚才有别的观众提问", "another viewer just asked"),
    "spoke": ("这个人之前说过话", "its author spoke before"),
    "author_asks": ("这个人常提问", "its author often asks"),
    "chat_asks": ("大家正在提问", "many ask just now"),
    # the course's answer
    "margin": ("这一处明显比别处更贴近", "this part is nearer than any other"),
    "said": ("与这里的回答相近", "near to what is said there"),
    "part": ("找到的是{detail}", "what was found is {detail}"),
    "words": ("问题里的关键词", "the question's rare words"),  # until November 2026, as the next one
    "words_margin": ("别处有没有这些词", "whether other parts hold these words"),
    "share": ("课程里只有这一处相关", "it stands out in the course"),
    "read": ("连起来读，这里回答了它", "read together, it answers"),
}

_AGAINST: dict[str, tuple[str, str]] = {
    "length": ("句子的长短不常见于提问", "longer or shorter than lines that ask"),
    "cosine": ("意思不太像", "not very alike in meaning"),
    "course": ("要的不是课程资料的同一处", "they need different parts of the course"),
    "ahead": ("也像别的问题", "as near to another question"),
    "above": ("本场的问题大多也这么接近", "no nearer than questions here usually are"),
    "kinds": ("问的不是同一类事", "they ask for different kinds of thing"),
    "meaning": ("整句的意思不像在提问", "its meaning is not that of a question"),
    "held": ("课程资料里没有与它相近的内容", "the course holds nothing near to it"),
    "cue": ("不像提问的迹象：{detail}", "a sign of not asking: {detail}"),
    "margin": ("课程里别处也一样贴近", "other parts are as near"),
    "said": ("与这里的回答不太像", "not near to what is said there"),
    "share": ("课程里好几处都相关", "several parts of the course are as near"),
    "read": ("连起来读，不太像是回答", "read together, it hardly answers"),
}

_LESS: dict[str, tuple[str, str]] = {
    "just_asked": ("刚才没有别的观众提问", "no other viewer just asked"),
    "spoke": ("这个人之前没说过话", "its author did not speak before"),
    "author_asks": ("这个人很少提问", "its author seldom asks"),
    "chat_asks": ("现在很少有人提问", "few ask just now"),
}
"""What stood before in the chat, where there is less of it than is usual; which speaks for asking is learnt."""

_DETAILS: dict[str, tuple[str, str]] = {
    # kinds of thing that are asked for
    "where": ("在哪里", "where"),
    "when": ("什么时候", "when"),
    "long": ("多久", "how long"),
    "cost": ("价钱", "what it costs"),
    "number": ("多少", "how many"),
    "why": ("为什么", "why"),
    "who": ("谁", "who"),
    "which": ("哪一个", "which"),
    "what": ("是什么", "what it is"),
    "how": ("怎么做", "how"),
    # kinds of parts; decisions until December 2026 do not say which
    "": ("课程资料的一处", "a part of the course"),
    "entry": ("常见问题", "an entry of the FAQ"),
    "passage": ("课程资料的段落", "a passage of the notes"),
    "term": ("术语解释", "a term of the glossary"),
    # cues; of their words those that say most of what else is among them
    "多少": ("几、多少", "几, 多少"),
    "ends with ?": ("句末的问号", "? at the end"),
    "either or": ("有没有、是不是", "有没有, 是不是"),
    "politeness": ("请问、求", "请问, 求"),
    "wish": ("想看、希望、能不能", "想看, 希望, 能不能"),
    "ends with 不": ("句末的“不”“没”", "不 or 没 at the end"),
    "failure": ("打不开、没声音", "打不开, 没声音"),
    "thing wanted": ("链接、课件、回放", "链接, 课件, 回放"),
    "deed wanted": ("发一下、讲讲", "发一下, 讲讲"),
    "not understood": ("没听懂、不清楚", "没听懂, 不清楚"),
    "begins like a question": ("英文疑问句开头", "the beginning of a question"),
    "please": ("please、need", "please, need"),
    "broken": ("英文的故障说法", "not working"),
    "German": ("德文疑问词", "a German question word"),
    "speaks to": ("开头的“老师”“请”“回”", "老师, 请 or 回 at the beginning"),
    "to another viewer": ("楼上、兄弟", "楼上, 兄弟"),
    "laughter": ("哈哈、666、厉害", "哈哈, 666, 厉害"),
    "thanks": ("谢谢", "thanks"),
    "ends with 了": ("句末的“了”", "了 at the end"),
    "ends softly": ("句末的语气词", "a softening particle"),
    "we": ("我、我们", "我, 我们"),
    "rhetorical": ("反问的说法", "a rhetorical turn"),
    "quotation": ("引号", "quotation marks"),
    "solved": ("收到、好了、明白了", "收到, 好了, 明白了"),
    "I did": ("英文的“我已经”", "I did"),
    "Chinese": ("中文", "Chinese"),
    "plain English": ("纯英文", "plain English"),
    "length": ("长短", "its length"),
    "at most 3 characters": ("不超过 3 个字", "3 characters at most"),
    "at most 6 characters": ("不超过 6 个字", "6 characters at most"),
    "25 characters or more": ("25 个字以上", "25 characters or more"),
}
