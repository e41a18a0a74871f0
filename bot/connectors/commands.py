"""What people can tell the bot in a chat, and what it says to that by itself, the same in every chat.

`/help`, `/questions`, `/mine` and `/ask …` are understood wherever they stand; in private, and behind a mention of the
bot, plain words do as well, for some chats keep what begins with / to themselves. What is the pipeline's to say stands
in `bot.replies`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.errors import BadInput, FloormicError, StoreError
from bot.fitting import cut
from bot.linking import said_code
from bot.model import (
    Abilities,
    Address,
    Button,
    Cursor,
    Delivery,
    Message,
    Person,
    PollState,
    Question,
    QuestionState,
    Status,
)
from bot.opting import said as said_opting
from bot.polling import BUTTON
from bot.ports import Floor

Texts = Mapping[str, Mapping[str, str]]
"""By language ("zh", "en") and name."""

TOP = 5
MINE = 10

ASK = re.compile(r"/(?:ask(?![A-Za-z0-9_])|提问|提問)[\s:：]*", re.IGNORECASE)
ASK_WORD = re.compile(r"(?:提问|提問)(?=[\s:：]|$)[\s:：]*")
"""Only behind a mention and in private, and not the beginning of another word."""

SLASHED = re.compile(r"/([A-Za-z0-9_-]{1,64}|[\u4e00-\u9fff]{1,8})(?=\s|$)")
NAMES = {
    "questions": "top",
    "排行": "top",
    "mine": "mine",
    "my questions": "mine",
    "我的问题": "mine",
    "我的問題": "mine",
    "我的提问": "mine",
    "我的提問": "mine",
    "help": "help",
    "start": "start",
    "帮助": "help",
    "幫助": "help",
}
ENDS = "。.!！?？"

PRESS = re.compile(r"(vote|not_answered|poll):(.{1,80})", re.DOTALL)

WORDS: Texts = {
    "zh": {
        "about": "我替讲者收集大家的提问，把问同一件事的合在一起，课程资料里已有答案的会直接回答。",
        "private": "私聊：直接把问题发给我。",
        "group": "群里：@我 您的问题，或者 /ask 您的问题。",
        "list": "排行（或 /questions）：大家最想问的问题",
        "list_votes": "排行（或 /questions）：大家最想问的问题，可以投票",
        "list_mine": "我的问题（或 /mine）：我问过的问题怎么样了",
        "list_link": "绑定 绑定码（或 /link 绑定码，绑定码在网页上获取）：这里和网页上算同一个人",
        "list_stop": "退订（或 /stop）：不再收到活动回顾、提醒和问卷；订阅：恢复",
        "again": "好的，以后会再发活动回顾、提醒和问卷给您。",
        "how": "群里用这些词要先 @我，带 / 的不用。",
        "later": "专家回答之后，我会在您提问的地方告诉您。",
        "more": "",
        "hint": "请写成：/ask 您的问题。",
        "top": "大家最想问的：",
        "top_line": "{rank}. {title}（{people} 人想知道）",
        "top_none": "还没有人提问，来当第一个吧。",
        "top_button": "我也想知道 {rank}",
        "mine": "您的提问：",
        "mine_here": "您在这里的提问：",
        "mine_here_only": "您在这里的提问（其他地方的请私聊我查看）：",
        "mine_line": "• {text}\n  {state}",
        "mine_none": "您还没有提过问题。",
        "poll": "已记下您的选择：{chosen}",
        "poll_between": "；",
        "poll_none": "已收回您的选择，可以重新选。",
        "poll_enough": "已经选够了；要换，请先按“重新选择”。",
        "poll_over": "这个投票已经结束。",
        "vote": "已计入，共 {people} 人想知道",
        "not_answered": "已转入提问队列，会请讲者或专家来回答",
        "gone": "这个问题已经不在队列里了",
        "trouble": "暂时做不到，请稍后再试。",
        "received": "已收到",
        "state_new": "已收到",
        "state_queued": "排队中",
        "state_on_stage": "正在台上回答",
        "state_answered": "已回答",
        "state_answered_text": "已回答：{answer}",
        "state_dismissed": "未选用",
        "state_dismissed_why": "未选用：{reason}",
        "state_merged": "已与同样的问题合并",
    },
    "en": {
        "about": "I collect questions for the speaker, put together those that ask the same, and answer what the "
        "course material already answers.",
        "private": "In private: just send me your question.",
        "group": "In a group: mention me and write your question, or /ask your question.",
        "list": "questions (or /questions): what most people want to know",
        "list_votes": "questions (or /questions): what most people want to know (you can vote)",
        "list_mine": "my questions (or /mine): what became of my questions",
        "list_link": "link and the code that the web page shows (or /link): you are the same person there",
        "list_stop": "stop (or /stop): no more digests, reminders and surveys; start: get them again",
        "again": "All right: digests, reminders and surveys come to you again.",
        "how": "In a group mention me before these words; with the / there is no need.",
        "later": "When an expert answers, I tell you where you asked.",
        "more": "",
        "hint": "Please write: /ask your question.",
        "top": "What most people want to know:",
        "top_line": "{rank}. {title} ({people} want to know)",
        "top_none": "Nobody has asked yet: be the first.",
        "top_button": "Me too: {rank}",
        "mine": "Your questions:",
        "mine_here": "Your questions from this chat:",
        "mine_here_only": "Your questions from this chat (write to me in private for the others):",
        "mine_line": "• {text}\n  {state}",
        "mine_none": "You have not asked anything yet.",
        "poll": "Your choice counts: {chosen}",
        "poll_between": "; ",
        "poll_none": "Your choice is taken back; choose anew.",
        "poll_enough": "That is as many as may be chosen; press “Choose anew” to change.",
        "poll_over": "This poll is closed.",
        "vote": "Counted: {people} want to know",
        "not_answered": "It goes to the queue; the speaker or an expert will be asked",
        "gone": "This question is no longer in the queue",
        "trouble": "That does not work right now, please try again later.",
        "received": "received",
        "state_new": "received",
        "state_queued": "in the queue",
        "state_on_stage": "being answered on stage",
        "state_answered": "answered",
        "state_answered_text": "answered: {answer}",
        "state_dismissed": "not taken up",
        "state_dismissed_why": "not taken up: {reason}",
        "state_merged": "merged with the same question",
    },
}

STATES: Mapping[Status, str] = {status: f"state_{status}" for status in Status}
NOTHING: Texts = {"zh": {}, "en": {}}


@dataclass(frozen=True, slots=True)
class Command:
    """Somebody wants to be told something: `what` is "help", "start" (help, and to hear what comes by
    itself again), "hint" (how to ask), "top" or "mine"."""

    what: str
    external_id: str
    address: Address
    person: Person


@dataclass(frozen=True, slots=True)
class Said:
    """What a text says: a command, or a `text` to be heard, `explicit` where a command says that it is a question."""

    text: str = ""
    command: str = ""
    explicit: bool = False


def read(text: str, addressed: bool) -> Said:
    """`addressed`: in private, or the bot was mentioned (the mention is no part of the text)."""
    text = text.strip()
    if said_code(text):
        return Said(text.removeprefix("/"), explicit=text.startswith("/"))
    if said_opting(text) is False:
        return Said(text.removeprefix("/"), explicit=text.startswith("/"))
    if asked := ASK.match(text) or (ASK_WORD.match(text) if addressed else None):
        rest = text[asked.end() :]
        return Said(rest, explicit=True) if rest else Said(command="hint")
    slashed = SLASHED.match(text)
    name = slashed[1] if slashed else text.rstrip(ENDS) if addressed else ""
    command = NAMES.get(name.lower(), "help" if slashed and addressed else "")
    return Said(command=command) if command else Said(text)


def understood(message: Message, every_message: bool = True) -> Message | Command | None:
    """What a line of a chat means; `explicit` says that it speaks to the bot. None for one that says nothing, for a
    command where nobody can be told anything and, without `every_message`, for what nobody said to the bot."""
    address = message.address
    said = read(message.text, message.explicit or (address is not None and address.private))
    if said.command:
        return Command(said.command, message.external_id, address, message.person) if address else None
    explicit = message.explicit or said.explicit
    return replace(message, text=said.text, explicit=explicit) if said.text and (explicit or every_message) else None


async def receive(
    floor: Floor,
    heard: Iterable[Message | Command],
    cursor: Cursor | None,
    session: str,
    language: str,
    abilities: Abilities,
    own: Texts = NOTHING,
    more: Sequence[Delivery] = (),
) -> int:
    """Keep what was heard, with the answers to commands and what `more` is to be said, in one transaction; how many
    messages were new. As `reply`."""
    heard = list(heard)
    replies = [await reply(c, floor, session, language, abilities, own) for c in heard if isinstance(c, Command)]
    return await floor.receive([m for m in heard if isinstance(m, Message)], cursor, [*replies, *more])


async def reply(
    command: Command,
    floor: Floor,
    session: str,
    language: str,
    abilities: Abilities,
    own: Texts = NOTHING,
) -> Delivery:
    """The answer to a command. Its key is that of the command, so a redelivered command is answered once.

    `own` are the words that are others in this chat, by language. Raises `StoreError`; what else the floor refuses
    becomes a text.
    """
    say, buttons = words(language, own), tuple[Button, ...]()
    try:
        if command.what == "top":
            questions = await floor.top(session, TOP)
            text, buttons = _top(questions, say), _votes(questions, say) if abilities.buttons else ()
        elif command.what == "mine":
            text = _mine(await floor.mine(session, command.person), command.address, abilities, say)
        elif command.what == "hint":
            text = say["hint"]
        else:
            again = command.what == "start" and await floor.hear_again(command.person)
            text = "\n\n".join([*([say["again"]] if again else []), help_text(language, abilities, own)])
    except StoreError:
        raise
    except FloormicError:
        text = say["trouble"]
    key = f"reply:{command.address.connector}:{command.external_id}"
    return Delivery(key, session, command.address, text, buttons)


def words(language: str, own: Texts = NOTHING) -> Mapping[str, str]:
    chosen = "zh" if language == "zh" else "en"
    return {**WORDS[chosen], **own[chosen]}


def help_text(language: str, abilities: Abilities, own: Texts = NOTHING) -> str:
    """What the bot is for, how one asks, and which commands there are."""
    say = words(language, own)
    ways = [say["private"] if abilities.private else "", say["group"]]
    lists = [
        say["list_votes" if abilities.buttons else "list"],
        say["list_mine"],
        say["list_link"],
        say["list_stop"],
        say["how"],
    ]
    paragraphs = ([say["about"]], ways, lists, [say["later"]], [say["more"]])
    return "\n\n".join("\n".join(line for line in lines if line) for lines in paragraphs if any(lines))


def press_id(button: Button) -> str:
    """What a button carries."""
    return f"{button.act}:{button.question}"


async def press(floor: Floor, session: str, id: object, person: Person, language: str) -> str | None:
    """Count a pressed button; what to tell the one who pressed it, None where it is no button of ours.

    Raises `StoreError`: then it is not counted.
    """
    pressed = PRESS.fullmatch(id) if isinstance(id, str) else None
    if pressed is None:
        return None
    return await done(floor, session, pressed[1], pressed[2], person, language)


async def done(
    floor: Floor, session: str, act: str, about: str, person: Person, language: str, own: Texts = NOTHING
) -> str:
    """Do what a pressed button says; what to tell the one who pressed it. Raises `StoreError`: then it is not done."""
    if act == BUTTON:
        return await _chosen(floor, session, about, person, words(language, own))
    return counted(act, await count(floor, session, act, about, person), language, own)


async def _chosen(floor: Floor, session: str, about: str, person: Person, say: Mapping[str, str]) -> str:
    id, _, choice = about.partition(">")
    try:
        poll, chosen = await floor.press_poll(session, id, person, choice)
    except StoreError:
        raise
    except BadInput:
        return say["poll_enough"]
    except FloormicError:
        return say["poll_over"]
    return told_choice(poll.state, chosen, say)


def told_choice(state: PollState, chosen: Sequence[str], say: Mapping[str, str]) -> str:
    """What somebody is told who voted."""
    named = [state.options[int(c) - 1] if state.options and c.isdecimal() else c for c in chosen]
    chosen = say["poll_between"].join(one_line(name, 60) for name in named)
    return say["poll"].format(chosen=chosen) if named else say["poll_none"]


async def count(floor: Floor, session: str, act: str, question: str, person: Person) -> Question | None:
    """How the question stands after a button was pressed; None where it is not in the queue any more.

    `act` is that of a `Button`. Raises `StoreError`: then it is not counted.
    """
    try:
        return await (floor.vote if act == "vote" else floor.not_answered)(session, question, person)
    except StoreError:
        raise
    except FloormicError:
        return None


def counted(act: str, question: Question | None, language: str, own: Texts = NOTHING) -> str:
    """What somebody is told who pressed a button; `question` as `count` gives it."""
    say = words(language, own)
    return say["gone"] if question is None else say[act].format(people=question.wanting)


def one_line(text: str, limit: int = 120) -> str:
    return cut(" ".join(text.split()), limit)


def _top(questions: list[Question], say: Mapping[str, str]) -> str:
    if not questions:
        return say["top_none"]
    lines = [
        say["top_line"].format(rank=rank, title=one_line(question.title), people=question.wanting)
        for rank, question in enumerate(questions, 1)
    ]
    return "\n".join([say["top"], *lines])


def _votes(questions: list[Question], say: Mapping[str, str]) -> tuple[Button, ...]:
    return tuple(
        Button("vote", question.id, say["top_button"].format(rank=rank)) for rank, question in enumerate(questions, 1)
    )


def _mine(
    mine: list[tuple[Message, QuestionState | None]], address: Address, abilities: Abilities, say: Mapping[str, str]
) -> str:
    """In a group only what was asked in that group: the others may have been asked in private."""
    here = [(m, q) for m, q in mine if m.address and (m.address.connector, m.address.chat) == _chat(address)]
    shown = mine if address.private else here
    title = say["mine" if address.private else "mine_here_only" if abilities.private else "mine_here"]
    if not shown:
        return f"{title}\n{say['mine_none']}" if mine else say["mine_none"]
    lines = [say["mine_line"].format(text=one_line(m.text), state=_state(q, say)) for m, q in shown[-MINE:]]
    return "\n".join([title, *lines])


def _chat(address: Address) -> tuple[str, str]:
    return address.connector, address.chat


def _state(question: QuestionState | None, say: Mapping[str, str]) -> str:
    if question is None:
        return say["received"]
    if question.status is Status.ANSWERED and question.answer:
        return say["state_answered_text"].format(answer=one_line(question.answer.text, 200))
    if question.status is Status.DISMISSED and question.reason and question.reason_shown:
        return say["state_dismissed_why"].format(reason=one_line(question.reason, 200))
    return say[STATES[question.status]]
