"""How experts answer what was left open: what counts as a source, what a later answer must have seen, whom an answer
reaches, and what the staff's chats are told. Decides; calls nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.errors import BadInput
from bot.model import (
    COURSE,
    GONE,
    Address,
    Answer,
    Asked,
    Delivery,
    Question,
    QuestionState,
    Reference,
    Session,
    Status,
)

MOST_REFERENCES = 10
LONGEST_URL = 2000
LONGEST_TITLE = 120

TOP = 3
"""Questions that the staff's chat is shown."""

TITLE = 80  # characters of a question there
NAMES = 8  # of those whom no chat tells

WORDS = {
    "zh": {
        "over": "《{title}》结束了，还有 {n} 个问题没有回答。",
        "asked": "《{title}》还有 {n} 个问题等待专家回答。",
        "top": "最多人想知道的：",
        "line": "{rank}. {title}（{people} 人）",
        "where": "专家请在这里回答（需要登录）：{url}",
        "both": "{first}、{second}",
    },
    "en": {
        "over": "{title} is over, and {n} questions are still open.",
        "over_one": "{title} is over, and 1 question is still open.",
        "asked": "{title}: {n} questions wait for an expert.",
        "asked_one": "{title}: 1 question waits for an expert.",
        "top": "What most people want to know:",
        "line": "{rank}. {title} ({people})",
        "where": "Experts answer here, signed in: {url}",
        "both": "{first}, {second}",
    },
}


@dataclass(frozen=True, slots=True)
class Stands:
    """How a question stood for whoever answers it."""

    status: Status
    title: str
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Unreached:
    """Askers in a chat that cannot be written to: how many, and the first names. They read the answer on the page."""

    source: str
    people: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hearers:
    """Who hears an answer in their chat: `people` in so many `chats`, and who does not."""

    people: int
    chats: int
    unreached: tuple[Unreached, ...] = ()


def checked(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """Those of an answer, tidy; empty ones are left out. Raises `BadInput` with what is wrong."""
    tidy = [Reference(one.url.strip(), " ".join(one.title.split())) for one in references]
    kept = tuple(dict.fromkeys(one for one in tidy if one.url or one.title))
    if len(kept) > MOST_REFERENCES:
        raise BadInput(f"an answer has at most {MOST_REFERENCES} sources, this has {len(kept):,}", "references")
    for one in kept:
        _check(one)
    return kept


def _check(one: Reference) -> None:
    if len(one.url) > LONGEST_URL:
        raise BadInput(f"a link has at most {LONGEST_URL:,} characters, this has {len(one.url):,}", "references")
    if len(one.title) > LONGEST_TITLE:
        raise BadInput(
            f"the title of a source has at most {LONGEST_TITLE} characters, this has {len(one.title):,}", "references"
        )
    if one.url and not is_link(one.url):
        raise BadInput(
            f"this is no link: {one.url[:TITLE]}. A link begins with https:// or http:// and names a site",
            "references",
        )
    if "://" in one.title:  # it could name another site than the one it leads to
        raise BadInput(f"the title of a source is no place for a link: {one.title}", "references")


def is_link(text: str) -> bool:
    """Whether this is a whole address of the web: no spaces, a host, and nobody's password in it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not any(c.isspace() or not c.isprintable() for c in text)
    host = parts.hostname or ""
    whole = plain and parts.scheme in {"http", "https"} and bool(host.strip(".")) and "@" not in parts.netloc
    return whole and port != 0


def line_of(one: Reference) -> str:
    """A source as answers keep it and chats say it: its title, then its link."""
    return f"{one.title} {one.url}".strip()


def overtaken(state: QuestionState, seen: Stands) -> bool:
    """Does it stand otherwise than whoever answers it has seen it? That it was approved or came on stage is nothing to
    them."""
    if state.status is Status.MERGED or state.title != seen.title:
        return True
    answered_at = None if state.answer is None else state.answer.at
    done = {Status.ANSWERED, Status.DISMISSED}
    return answered_at != seen.answered_at or (state.status in done) != (seen.status in done)


def added(answer: Answer, text: str, references: Sequence[str], who: str, language: str) -> Answer:
    """An answer with what somebody adds to it: both texts, both names, all sources."""
    sources = tuple(dict.fromkeys((*answer.sources, *references)))
    return Answer(f"{answer.text}\n\n{text.strip()}", _both(answer.by, who, language), answer.at, sources)


def _both(before: str, who: str, language: str) -> str:
    if before == COURSE:
        return who
    if who in re.split("[,、] ?", before):
        return before
    return WORDS["zh" if language == "zh" else "en"]["both"].format(first=before, second=who)


def hearers(asked: Iterable[Asked], replying: frozenset[str]) -> Hearers:
    """Who of those who asked hears an answer where they asked; who was forgotten waits for none. `replying`: the
    sources that can be written to."""
    heard: set[tuple[str, str]] = set()
    chats: set[tuple[str, str]] = set()
    others: dict[str, dict[str, str]] = {}
    for one in (one for one in asked if not one.message.author.startswith(GONE)):
        message, address = one.message, one.message.address
        if address is not None and address.connector in replying:
            heard.add((message.source, message.author))
            chats.add((address.connector, address.chat))
        else:
            others.setdefault(message.source, {})[message.author] = message.author_name
    unreached = []
    for source, people in sorted(others.items()):
        missing = {id: name for id, name in people.items() if (source, id) not in heard}
        if missing:
            names = tuple(dict.fromkeys(filter(None, missing.values())))[:NAMES]
            unreached.append(Unreached(source, len(missing), names))
    return Hearers(len(heard), len(chats), tuple(unreached))


def call(session: Session, waiting: Sequence[Question], url: str, address: Address, key: str, at: float) -> Delivery:
    """Asks the experts in the staff's chat: how many questions are open, the first of them (`waiting` is in the order
    of demand), and where to answer. The link lets nobody in: a group has more readers than experts."""
    say = WORDS["zh" if session.language == "zh" else "en"]
    head = "asked" if session.ended_at is None else "over"
    if len(waiting) == 1:
        head = f"{head}_one" if f"{head}_one" in say else head
    lines = [
        say[head].format(title=_short(session.title), n=len(waiting)),
        say["top"],
        *(
            say["line"].format(rank=rank, title=_short(question.title), people=question.wanting)
            for rank, question in enumerate(waiting[:TOP], 1)
        ),
        say["where"].format(url=url),
    ]
    return Delivery(key, session.id, address, "\n".join(lines), not_before=at)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"
