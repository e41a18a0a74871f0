"""What the bot says in chats: the texts and keys of deliveries. Decides; sends nothing.

A delivery's key is what makes "once" true (see `Delivery`):
`ack:` one acknowledgement for a question in a chat, reworded as more people ask;
`course:` the course's answer to one message;
`answer:` a person's answer: one for each chat, and one for each asking that came to the question later;
`reason:` why a question was dismissed, where its asker may read it: one for each private chat;
`link:` whether a code that somebody said was good;
`opt:` that somebody hears no more, or again, what comes by itself;
`try:` that a test message was heard.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from bot.model import (
    COURSE,
    EARLIER,
    GONE,
    Address,
    Answer,
    Asked,
    Button,
    CourseMatch,
    Delivery,
    Message,
    QuestionState,
    Session,
    Status,
)

REWORD_AFTER = 5.0
"""Seconds between two rewordings of an acknowledgement: chats limit edits, and nobody reads each one."""

UNDO_WITHIN = 6.0
"""Seconds before a person's answer leaves, so that a slip can be taken back before anybody reads it."""

QUOTE_LENGTH = 60
NAMES_IN_A_GROUP = 20
NAMES_LENGTH = 120
"""Characters of all names together: some chats take 2,000 bytes, and the answer stands behind them."""
WORDINGS_IN_A_GROUP = 5
"""So many wordings of a question are quoted to a group; of further askers the names alone are told."""

TEXTS = {
    "zh": {
        "first": "已收到您的问题：{title}",
        "same": "已收到。和另外 {others} 人问的是同一个问题：{title}",
        "me_too": "我也想知道",
        "course": "{text}\n\n出处：{source}（课程资料，自动回复）",
        "earlier": "{text}\n\n出处：{source}（往期回答，自动回复）",
        "not_answered": "没有回答我的问题",
        "answer": "您问：{quote}\n\n{text}",
        "asked": "{names}问：{quote}",
        "asked_too": "{names}也问了同样的问题",
        "somebody": "有人",
        "reason": "您问：{quote}\n\n这个问题未被选用。原因：{text}",
        "by": "（{by}回答）",
        "role_organiser": "主办方",
        "role_moderator": "主持人",
        "role_expert": "专家",
        "role_speaker": "讲者",
        "sources": "参考：{sources}",
        "answered_earlier": "往期回答：{sources}",
        "evening": "{title}，{day}",
        "and_more": "等 {count} 人",
        "joiner": "、",
        "linked": "已绑定：您在这里的提问也会出现在网页“我的提问”里，同一个问题只算一个人。",
        "opted_out": "好的，不会再发活动回顾、提醒和问卷给您。您自己的问题有了回答，仍会告诉您。想恢复请回复“订阅”。",
        "opted_in": "好的，以后会再发活动回顾、提醒和问卷给您。不想收到时，请回复“退订”。",
        "heard": "Floormic 收到了。",
        "not_linked": "这个绑定码无效、已过期或已被使用。请在网页“我的提问”里重新获取一个。",
    },
    "en": {
        "first": "Got your question: {title}",
        "same": "Got it. Same question as {others} other(s): {title}",
        "me_too": "I want to know too",
        "course": "{text}\n\nSource: {source} (course material, automatic reply)",
        "earlier": "{text}\n\nSource: {source} (an earlier answer, automatic reply)",
        "not_answered": "This does not answer it",
        "answer": "You asked: {quote}\n\n{text}",
        "asked": "{names} asked: {quote}",
        "asked_too": "{names} asked the same",
        "somebody": "Somebody",
        "reason": "You asked: {quote}\n\nThis was not taken into the talk. The reason: {text}",
        "by": "(answered by {by})",
        "role_organiser": "the organiser",
        "role_moderator": "a moderator",
        "role_expert": "an expert",
        "role_speaker": "the speaker",
        "sources": "See: {sources}",
        "answered_earlier": "Answered earlier: {sources}",
        "evening": "{title}, {day}",
        "and_more": " and others, {count} people",
        "joiner": ", ",
        "linked": "Linked: what you ask here is also among your questions on the web page, and you count once.",
        "opted_out": "All right: no more digests, reminders or surveys for you. You are still told the answers to your "
        "own questions. To get the others again, reply “start”.",
        "opted_in": "All right: digests, reminders and surveys come to you again. To get no more of them, reply "
        "“stop”.",
        "heard": "Floormic hears you.",
        "not_linked": "This code is wrong, too old or already used. Get a new one on the web page, at your questions.",
    },
}


def link_reply(message: Message, done: bool, language: str) -> Delivery | None:
    """What somebody hears who said a code; None where the chat has no way back. That codes are wrong is said once a
    minute, for a chat can be told only so much."""
    if message.address is None:
        return None
    said = message.external_id if done else f"{message.address.chat}:{message.author}:{message.at // 60:.0f}"
    return Delivery(
        key=f"link:{message.source}:{said}",
        session=message.session,
        address=message.address,
        text=words(language)["linked" if done else "not_linked"],
        not_before=message.at,
    )


def opt_reply(message: Message, on: bool, language: str) -> Delivery | None:
    """What somebody hears who wants to hear what comes by itself, or does not any more; once a minute, for a chat can
    be told only so much. None where the chat has no way back."""
    if message.address is None:
        return None
    return Delivery(
        key=f"opt:{message.source}:{message.address.chat}:{message.author}:{on}:{message.at // 60:.0f}",
        session=message.session,
        address=message.address,
        text=words(language)["opted_in" if on else "opted_out"],
        not_before=message.at,
    )


def test_reply(message: Message, key: str, language: str) -> Delivery | None:
    """What somebody hears who says the code of a test run; None where the chat has no way back."""
    if message.address is None:
        return None
    return Delivery(key, message.session, message.address, words(language)["heard"], not_before=message.at)


def worth_repeating(delivery: Delivery) -> bool:
    """Whether what was said in other words before is said again where the chat cannot edit: a corrected answer is, a
    new count of who asks the same is not."""
    return not delivery.key.startswith("ack:")


def words(language: str) -> dict[str, str]:
    return TEXTS["zh" if language == "zh" else "en"]


def quoted(text: str) -> str:
    """One line, short enough to be recognised."""
    line = " ".join(text.split())
    return line if len(line) <= QUOTE_LENGTH else line[: QUOTE_LENGTH - 1] + "…"


def acknowledgement(session: Session, question: QuestionState, message: Message, people: int) -> Delivery | None:
    """Says that a question was heard and how many ask the same; None where the chat has no way back."""
    if message.address is None:
        return None
    say, first = words(session.language), people <= 1
    title = quoted(question.title)
    address = message.address
    return Delivery(
        key=f"ack:{question.id}:{address.connector}:{address.chat}",
        session=session.id,
        address=address,
        text=say["first"].format(title=title) if first else say["same"].format(others=people - 1, title=title),
        buttons=(Button("vote", question.id, say["me_too"]),),
        not_before=message.at if first else message.at + REWORD_AFTER,
    )


def _course_key(question: str, address: Address) -> str:
    return f"course:{question}:{address.connector}:{address.chat}:{address.message}"


def course_answer(session: Session, question: str, message: Message, match: CourseMatch, where: str) -> Delivery | None:
    """The course's own words to one message, with their source and a way to say that they miss."""
    if message.address is None:
        return None
    say, address = words(session.language), message.address
    return Delivery(
        key=_course_key(question, address),
        session=session.id,
        address=address,
        text=say["earlier" if match.source.startswith(EARLIER) else "course"].format(text=match.text, source=where),
        buttons=(Button("not_answered", question, say["not_answered"]),),
        not_before=message.at,
    )


def sources_of(match: CourseMatch) -> tuple[str, ...]:
    """The sources of an answer that was found: its id, and of an earlier evening also that for people."""
    return (match.source, match.where) if match.where else (match.source,)


def by_course(match: CourseMatch, at: float) -> Answer:
    """What was found, as the answer of the course that nobody accepted."""
    return Answer(match.text, COURSE, at, sources_of(match))


def earlier_id(evening: str, question: str) -> str:
    """Names what was answered to a question on an evening, see `EARLIER`."""
    return f"{EARLIER}{evening}#{question}"


def evening_line(evening: Session, answered_at: float) -> str:
    """An evening for people, with its date: when it was, or else when it was answered."""
    day = datetime.fromtimestamp(evening.starts_at or answered_at).astimezone().date().isoformat()
    return words(evening.language)["evening"].format(title=evening.title, day=day)


def recalled(evening: Session, question: QuestionState, answer: Answer) -> tuple[str, ...]:
    """The sources of an earlier evening's answer that is given again."""
    return (earlier_id(evening.id, question.id), evening_line(evening, answer.at), *for_people(answer.sources))


def for_people(sources: Iterable[str]) -> list[str]:
    """Without the ids of earlier answers, beside which their evening stands."""
    return [source for source in sources if not source.startswith(EARLIER)]


def answers(
    session: Session,
    question: QuestionState,
    asked: Sequence[Asked],
    sent: Iterable[Delivery],
    at: float,
    edits: Callable[[str], bool] = lambda _: True,
) -> tuple[Delivery, ...]:
    """A person's answer to everyone who asked: one message a chat, each asker in their own words.

    What a chat was told before (`sent`) is reworded, in every message there; in a chat of a connector that cannot edit
    (`edits`, by its name) the newest of them alone, so that a correction is said once. Whom the course told it already
    is told nothing.
    """
    if question.answer is None:
        raise ValueError("the question has no answer to send")
    sent = list(sent)
    told = _told(question, sent)
    return tuple(
        said
        for chat, messages in _by_chat(_unheard(question, asked, sent)).items()
        for said in _to_chat(session, question, question.answer, messages, told[chat], at, edits(chat[0]))
    )


def _unheard(question: QuestionState, asked: Sequence[Asked], sent: Sequence[Delivery]) -> Sequence[Asked]:
    """Of an answer of the course: without those whom it told just this, and who were told nothing else as an answer to
    this question since. What failed or was taken back told nobody."""
    answer = question.answer
    if answer is None or answer.by != COURSE:
        return asked
    said = [one for one in sent if one.state != "failed"]
    told, given = _told(question, said), {one.key for one in said}

    def knows(one: Asked) -> bool:
        match, address = one.placement.sent, _address(one.message)
        if match is None or match.source not in answer.sources[:1] or match.text != answer.text:
            return False
        given_here = _course_key(one.placement.question or "", address) in given
        return given_here and not told[address.connector, address.chat]

    return [one for one in asked if not knows(one)]


def joined(
    session: Session, question: QuestionState, asked: Sequence[Asked], sent: Iterable[Delivery], at: float
) -> tuple[Delivery, ...]:
    """The recorded answer to those whose askings came to the question after it was answered, by a merge or a move.

    One message a chat; none in a private one that was told it already, for there it is the same person, nor to whom the
    course told it. What failed or was taken back told nobody.
    """
    if question.answer is None:
        raise ValueError("the question has no answer to send")
    sent = list(sent)
    told, said = _told(question, (one for one in sent if one.state != "failed")), []
    for chat, messages in _by_chat(_unheard(question, asked, sent)).items():
        first = _address(messages[0])
        if not told[chat]:
            said.append(_said(session, question, question.answer, messages, at))
        elif not first.private:
            said.append(_said(session, question, question.answer, messages, at, first.message))
    return tuple(said)


def late_answer(session: Session, question: QuestionState, message: Message, at: float) -> Delivery | None:
    """The recorded answer to somebody who asks what was answered before, in reply to just that asking; not before it
    can no longer be taken back."""
    if question.answer is None or message.address is None:
        return None
    leaves = max(at, question.answer.at + UNDO_WITHIN)
    return _said(session, question, question.answer, [message], leaves, message.address.message)


def as_it_stands(session: Session, question: QuestionState, message: Message) -> Delivery | None:
    """What a person has said to this question already, to somebody who asks it now: the answer, or why it was
    dismissed. None where there is nothing that they may know."""
    if question.status is Status.ANSWERED:
        return late_answer(session, question, message, message.at)
    return reason(session, question, message, message.at) if question.status is Status.DISMISSED else None


def reasons(session: Session, question: QuestionState, asked: Sequence[Asked], at: float) -> tuple[Delivery, ...]:
    """Why it was dismissed, to everyone who asked where nobody else reads; nothing where they may not know."""
    said = (reason(session, question, one.message, at) for one in asked)
    return tuple({d.key: d for d in said if d}.values())


def reason(session: Session, question: QuestionState, message: Message, at: float) -> Delivery | None:
    """The same to one asker; None in a group, where others would read it."""
    address = message.address
    if not question.reason_shown or not question.reason or address is None or not address.private:
        return None
    return Delivery(
        key=reason_key(question.id, address),
        session=session.id,
        address=address,
        text=words(session.language)["reason"].format(quote=quoted(message.text), text=question.reason),
        not_before=at,
    )


def reason_key(question: str, address: Address) -> str:
    """Under which a chat hears why a question was dismissed."""
    return f"reason:{question}:{address.connector}:{address.chat}"


def last_asked(asked: Sequence[Asked]) -> float:
    """When the last of these was said."""
    return max((one.message.at for one in asked), default=0.0)


Chat = tuple[str, str]
"""A connector and a chat of it."""


def _address(message: Message) -> Address:
    return message.address or Address("", "")


def _by_chat(asked: Sequence[Asked]) -> dict[Chat, list[Message]]:
    """What was asked where somebody can be answered."""
    chats: dict[Chat, list[Message]] = {}
    for one in asked:
        if (address := one.message.address) is not None and not address.user.startswith(GONE):
            chats.setdefault((address.connector, address.chat), []).append(one.message)
    return chats


def _told(question: QuestionState, sent: Iterable[Delivery]) -> defaultdict[Chat, list[Delivery]]:
    """The answers to this question that each chat was told, in order."""
    told: defaultdict[Chat, list[Delivery]] = defaultdict(list)
    for one in sent:
        if one.key.startswith(f"answer:{question.id}:"):
            told[one.address.connector, one.address.chat].append(one)
    return told


def _to_chat(
    session: Session,
    question: QuestionState,
    answer: Answer,
    messages: Sequence[Message],
    told: Sequence[Delivery],
    at: float,
    edits: bool,
) -> list[Delivery]:
    """One chat's answer in reply to the first who asked there, or its corrections."""
    main, known = answer_key(question.id, _address(messages[0])), {one.key for one in told}
    late = {_address(m).message: m for m in messages if f"{main}:{_address(m).message}" in known}
    first = [m for m in messages if _address(m).message not in late]
    said = [_said(session, question, answer, first or messages, at)] if first or main in known else []
    said += [_said(session, question, answer, [m], at, id) for id, m in late.items()]
    if edits or not known:
        return said
    newest = told[-1].key if main in known or not first else main
    return [one for one in said if one.key == newest] or said[:1]


def answer_key(question: str, address: Address) -> str:
    """Under which a chat hears what a person answers to a question. That of one who asked later: with ":" and the id of
    their message behind it."""
    return f"answer:{question}:{address.connector}:{address.chat}"


def _said(
    session: Session, question: QuestionState, answer: Answer, messages: Sequence[Message], at: float, late: str = ""
) -> Delivery:
    """One message with the answer, in reply to the first of these; `late`: the id of the asking that came later."""
    address, say = _address(messages[0]), words(session.language)
    if address.private:
        text = say["answer"].format(quote=quoted(messages[0].text), text=_signed(answer, say))
    else:
        text = "\n".join(_asked(messages, say)) + f"\n\n{_signed(answer, say)}"
    key = answer_key(question.id, _address(messages[0]))
    return Delivery(f"{key}:{late}" if late else key, session.id, address, text, not_before=at)


def _asked(messages: Sequence[Message], say: dict[str, str]) -> list[str]:
    """Who asked it in a group, each in their own words, which others may share."""
    wordings: dict[str, list[str]] = {}
    for message in messages:
        wordings.setdefault(quoted(message.text), []).append(message.author_name)
    shown = list(wordings.items())[:WORDINGS_IN_A_GROUP]
    told = {name for _, names in shown for name in names}
    rest = [m.author_name for m in messages if m.author_name not in told]
    room = NAMES_LENGTH // (len(shown) + any(rest))
    lines = [
        say["asked"].format(names=_names(names, say, room) or say["somebody"], quote=quote) for quote, names in shown
    ]
    return [*lines, say["asked_too"].format(names=_names(rest, say, room))] if any(rest) else lines


def unnamed(said: str, name: str, instead: str) -> str:
    """What a group was told, with other words in the place of this name among those who asked."""
    before, after = rf"(?:(?:(?!{_ASKED}).)*?(?:{_JOINER}))?", rf"(?:(?:{_JOINER}|{_AND_MORE}).*)?(?:{_ASKED})"
    listed = re.compile(rf"^({before}){re.escape(name)}(?={after})", re.MULTILINE)
    return listed.sub(lambda found: found[1] + instead, said)


def _around(line: str) -> str:
    """What stands beside the names in such a line, in any language, as a pattern."""
    beside = (say[line].removeprefix("{names}").partition("{")[0] for say in TEXTS.values())
    return "|".join(map(re.escape, beside))


_ASKED, _JOINER, _AND_MORE = f"{_around('asked')}|{_around('asked_too')}", _around("joiner"), _around("and_more")


def _signed(answer: Answer, say: dict[str, str]) -> str:
    lines = [answer.text]
    if answer.by and answer.by != "course":
        lines.append(say["by"].format(by=say.get(f"role_{answer.by}", answer.by)))
    if shown := for_people(answer.sources):
        earlier = len(shown) < len(answer.sources)
        lines.append(say["answered_earlier" if earlier else "sources"].format(sources=", ".join(shown)))
    return "\n".join(lines)


def _names(names: Sequence[str], say: dict[str, str], room: int) -> str:
    """As many of them as fit into so many characters."""
    known, shown = list(dict.fromkeys(n for n in names if n)), list[str]()
    for name in known:
        if len(shown) < NAMES_IN_A_GROUP and len(name) <= room:
            shown.append(name)
            room -= len(name) + len(say["joiner"])
    listed = say["joiner"].join(shown or [say["somebody"]] * bool(known))
    return listed + say["and_more"].format(count=len(known)) if len(known) > max(1, len(shown)) else listed
