"""What stands in the staff's chat: texts and buttons. Decides; calls nothing.

A button's `act` begins with "staff_"; what it names is "QUESTION", or "QUESTION>MORE" where it needs more than that.
Ids of questions hold no ">".
"""

from collections.abc import Iterable, Mapping, Sequence

from bot.fitting import cut
from bot.model import Button, Likely, Question, Status
from bot.queueing import waiting

STAFF = "staff_"
LISTED = 8
"""Questions in the list: more do not fit the buttons' row on a phone."""

OTHERS = 6
"""Questions to merge into that are offered."""

TITLE = 160
CARD_TITLE = 600
SUGGESTION = 600

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "head": "{title}\n待处理 {open} · 台上 {stage} · 已回答 {answered}",
        "line": "{rank}. {title}（{people} 人{marks}）",
        "staged": "台上：{title}",
        "none": "还没有问题。",
        "how": "点数字打开一个问题。",
        "new": "新",
        "queued": "已排队",
        "on_stage": "台上",
        "answered": "已回答",
        "dismissed": "已搁置",
        "merged": "已合并",
        "pinned": "置顶",
        "suggests": "有建议回答",
        "same": "可能重复",
        "card_head": "{status} · {people} 人想知道{told} · {chats}",
        "told": "（另有 {n} 人已收到解答）",
        "chat": "{name} {n}",
        "suggested": "课程资料建议的回答（把握 {sure}%）：\n{text}",
        "maybe": "可能与这个相同（把握 {sure}%）：{title}（{people} 人）",
        "reply": "回复这条消息，写下的就是发给所有提问者的回答。",
        "answer": "{by} 的回答：\n{text}",
        "why": "搁置原因：{reason}",
        "merge_into": "合并到哪个问题？",
        "dismiss_why": "为什么搁置？",
        "b_approve": "通过",
        "b_stage": "上台",
        "b_unstage": "下台",
        "b_aloud": "已口头回答",
        "b_dismiss": "搁置…",
        "b_reopen": "放回队列",
        "b_pin": "置顶",
        "b_unpin": "取消置顶",
        "b_accept": "采用并发送",
        "b_same": "合并进来",
        "b_apart": "不是同一个",
        "b_merge": "合并到…",
        "b_undo": "撤销",
        "b_back": "返回",
        "b_into": "→ {title}",
        "r_topic": "与主题无关",
        "r_none": "不是问题",
        "r_rude": "不合适",
        "r_private": "涉及隐私",
        "r_": "不说明原因",
        "aloud": "这个问题已在现场口头回答。",
        "did_approve": "已通过",
        "did_stage": "已上台",
        "did_unstage": "已下台",
        "did_answer": "回答已发送",
        "did_accept": "课程回答已发送",
        "did_dismiss": "已搁置",
        "did_reopen": "已放回队列",
        "did_pin": "已置顶",
        "did_unpin": "已取消置顶",
        "did_merge": "已合并",
        "did_apart": "已记下：不是同一个问题",
        "did_undo": "已撤销",
        "opened": "问题在下面",
        "gone": "这个问题不在了。",
        "conflict": "别人刚刚改过，请看一眼再操作。",
        "no": "现在不能这样做。",
        "overtaken": "这个问题已经有了回答，您写的没有发出。请看卡片；要替换它，请再回复一次。",
        "not_a_card": "请回复一个问题的卡片：先在列表里点它的数字。",
        "too_long": "回答最多 {most} 个字符，您写了 {length} 个。请写短一些。",
    },
    "en": {
        "head": "{title}\nOpen {open} · on stage {stage} · answered {answered}",
        "line": "{rank}. {title} ({people}{marks})",
        "staged": "On stage: {title}",
        "none": "No questions yet.",
        "how": "Press a number to open a question.",
        "new": "new",
        "queued": "queued",
        "on_stage": "on stage",
        "answered": "answered",
        "dismissed": "dismissed",
        "merged": "merged",
        "pinned": "pinned",
        "suggests": "answer suggested",
        "same": "maybe the same",
        "card_head": "{status} · {people} want to know{told} · {chats}",
        "told": " ({n} more have an answer)",
        "chat": "{name} {n}",
        "suggested": "Answer suggested from the course ({sure}% sure):\n{text}",
        "maybe": "May be the same ({sure}% sure): {title} ({people})",
        "reply": "Reply to this message: what you write is the answer to everyone who asked.",
        "answer": "Answered by {by}:\n{text}",
        "why": "Dismissed because: {reason}",
        "merge_into": "Merge into which question?",
        "dismiss_why": "Why dismiss it?",
        "b_approve": "Approve",
        "b_stage": "Stage",
        "b_unstage": "Off stage",
        "b_aloud": "Answered aloud",
        "b_dismiss": "Dismiss…",
        "b_reopen": "Reopen",
        "b_pin": "Pin",
        "b_unpin": "Unpin",
        "b_accept": "Send the suggestion",
        "b_same": "Merge it in",
        "b_apart": "Not the same",
        "b_merge": "Merge into…",
        "b_undo": "Undo",
        "b_back": "Back",
        "b_into": "→ {title}",
        "r_topic": "Off topic",
        "r_none": "Not a question",
        "r_rude": "Inappropriate",
        "r_private": "Private matter",
        "r_": "No reason",
        "aloud": "This was answered aloud during the talk.",
        "did_approve": "Approved",
        "did_stage": "On stage",
        "did_unstage": "Off stage",
        "did_answer": "Answer sent",
        "did_accept": "Course answer sent",
        "did_dismiss": "Dismissed",
        "did_reopen": "Reopened",
        "did_pin": "Pinned",
        "did_unpin": "Unpinned",
        "did_merge": "Merged",
        "did_apart": "Noted: not the same question",
        "did_undo": "Undone",
        "opened": "It is below",
        "gone": "This question is not here any more.",
        "conflict": "Somebody changed it just now. Look again, then decide.",
        "no": "This is not possible now.",
        "overtaken": "This has an answer by now; yours was not sent. Look at the card; reply again to replace it.",
        "not_a_card": "Reply to the card of a question: press its number in the list first.",
        "too_long": "An answer has at most {most} characters, yours has {length}. Make it shorter.",
    },
}

REASONS = ("topic", "none", "rude", "private", "")

ACTS: Mapping[Status, Sequence[str]] = {
    Status.NEW: ("approve", "stage", "aloud", "dismiss", "pin", "merge"),
    Status.QUEUED: ("stage", "aloud", "dismiss", "pin", "merge"),
    Status.ON_STAGE: ("aloud", "unstage", "dismiss"),
    Status.ANSWERED: ("reopen",),
    Status.DISMISSED: ("reopen",),
    Status.MERGED: (),
}
"""What a card offers, in this order."""

BEHIND = {"why": "dismiss", "into": "merge", "unpin": "pin"}
"""Behind which of them other buttons are."""

Sheet = tuple[str, tuple[Button, ...]]
"""A text and its buttons."""


def offered(act: str, status: Status) -> bool:
    """Whether a card of this status has such a button; else who pressed it looked at an older card. What no status
    decides always is."""
    if act == "accept":
        return status not in {Status.ANSWERED, Status.MERGED}
    button = BEHIND.get(act, act)
    return button in ACTS[status] or not any(button in acts for acts in ACTS.values())


def words(language: str) -> Mapping[str, str]:
    return WORDS["zh" if language == "zh" else "en"]


def one_line(text: str, most: int) -> str:
    return cut(" ".join(text.split()), most)


def list_sheet(title: str, questions: Sequence[Question], language: str) -> Sheet:
    """The most wanted open questions, each with a button of its number."""
    say = words(language)
    first = waiting(questions)
    count = {status: sum(q.status is status for q in questions) for status in Status}
    lines = [
        say["head"].format(
            title=one_line(title, TITLE),
            open=count[Status.NEW] + count[Status.QUEUED],
            stage=count[Status.ON_STAGE],
            answered=count[Status.ANSWERED],
        ),
        *_staged(questions, say),
        "",
    ]
    for rank, question in enumerate(first[:LISTED], 1):
        marks = "".join(f" · {say[mark]}" for mark in _marks(question))
        lines.append(
            say["line"].format(rank=rank, title=one_line(question.title, TITLE), people=question.wanting, marks=marks)
        )
    lines += [say["how"]] if first else [say["none"]]
    buttons = [Button(f"{STAFF}open", q.id, str(rank)) for rank, q in enumerate(first[:LISTED], 1)]
    return "\n".join(lines), tuple(buttons)


def _staged(questions: Iterable[Question], say: Mapping[str, str]) -> list[str]:
    """Whoever stages another one has seen what is there."""
    return [say["staged"].format(title=one_line(q.title, TITLE)) for q in questions if q.status is Status.ON_STAGE]


def _marks(question: Question) -> list[str]:
    return [
        question.status.value,
        *(["pinned"] if question.state.pinned else []),
        *(["suggests"] if question.suggested_answer else []),
        *(["same"] if question.suggested_merge else []),
    ]


def card_sheet(
    question: Question, others: Mapping[str, Question], names: Mapping[str, str], language: str, last: int | None = None
) -> Sheet:
    """One question with what can be done to it. `names`: what chats are called; `last`: the act that its undo takes
    back."""
    say, state = words(language), question.state
    merges = [one for one in question.suggested_merge if one.question in others]
    same = others[merges[0].question] if merges else None
    chats = " · ".join(say["chat"].format(name=names.get(s, s), n=n) for s, n in sorted(question.chats.items()))
    told = question.people - question.wanting
    head = say["card_head"].format(
        status=say[state.status.value],
        people=question.wanting,
        told=say["told"].format(n=told) if told else "",
        chats=chats or "–",
    )
    parts = [
        head,
        cut(state.title.strip(), CARD_TITLE),
        *_staged((q for id, q in others.items() if id != question.id), say),
    ]
    if state.answer and state.status is Status.ANSWERED:
        parts.append(say["answer"].format(by=state.answer.by, text=cut(state.answer.text, SUGGESTION)))
    if state.reason and state.status is Status.DISMISSED:
        parts.append(say["why"].format(reason=one_line(state.reason, TITLE)))
    if question.suggested_answer:
        sure = round(question.suggested_answer.score * 100)
        parts.append(say["suggested"].format(sure=sure, text=cut(question.suggested_answer.text, SUGGESTION)))
    if same:
        parts.append(
            say["maybe"].format(
                sure=round(merges[0].likelihood * 100), title=one_line(same.title, TITLE), people=same.wanting
            )
        )
    if state.status not in {Status.MERGED, Status.ANSWERED}:
        parts.append(say["reply"])
    return "\n\n".join(parts), _buttons(question, same, say, last)


def _buttons(question: Question, same: Question | None, say: Mapping[str, str], last: int | None) -> tuple[Button, ...]:
    acts = [("unpin" if act == "pin" and question.state.pinned else act) for act in ACTS[question.status]]
    made = [Button(STAFF + act, question.id, say[f"b_{act}"]) for act in acts]
    if question.suggested_answer and offered("accept", question.status):
        made.append(Button(f"{STAFF}accept", question.id, say["b_accept"]))
    if same:
        made += [Button(f"{STAFF}{act}", f"{question.id}>{same.id}", say[f"b_{act}"]) for act in ("same", "apart")]
    if last is not None:
        made.append(Button(f"{STAFF}undo", f"{question.id}>{last}", say["b_undo"]))
    return tuple(made)


def merge_sheet(question: Question, questions: Sequence[Question], likely: Sequence[Likely], language: str) -> Sheet:
    """The card while one chooses what to merge it into: what is `likely` the same first, then by demand."""
    say = words(language)
    others = {q.id: q for q in questions if q.id != question.id and q.status is not Status.MERGED}
    first = [others.pop(one.question) for one in likely if one.question in others]
    chosen = [*first, *waiting(others.values())][:OTHERS]
    into = [
        Button(f"{STAFF}into", f"{question.id}>{q.id}", say["b_into"].format(title=one_line(q.title, 40)))
        for q in chosen
    ]
    text = f"{one_line(question.title, CARD_TITLE)}\n\n{say['merge_into']}"
    return text, (*into, Button(f"{STAFF}back", question.id, say["b_back"]))


def dismiss_sheet(question: Question, language: str) -> Sheet:
    """The card while one says why it is dismissed."""
    say = words(language)
    reasons = [Button(f"{STAFF}why", f"{question.id}>{name}", say[f"r_{name}"]) for name in REASONS]
    text = f"{one_line(question.title, CARD_TITLE)}\n\n{say['dismiss_why']}"
    return text, (*reasons, Button(f"{STAFF}back", question.id, say["b_back"]))
