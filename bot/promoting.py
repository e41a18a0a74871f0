"""From an expert's answer to an entry of the course's FAQ: what is written, and how a file of it changes. Decides;
calls nothing.

What people typed is cleaned before it stands in a course: no names, no addressed persons, no addresses or numbers of
people. It is escaped, so that what is read back (`knowledge.markdown`) is what was written.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence

from bot.errors import NotAllowed
from bot.given import in_writing, lasting
from bot.model import EARLIER, Answer, Asked, QuestionState
from knowledge.markdown import read_faq
from knowledge.material import Course, Entry, Found
from knowledge.text import normalise, whole_word

PHRASINGS = 6
SHORTEST, LONGEST = 4, 120
"""Characters of a phrasing."""

ALIKE = 0.85
"""Two phrasings with so much in common (0..1) are one."""

LONGEST_ENTRY = 8000
"""Characters."""


def promotable(state: QuestionState) -> Answer | None:
    """The answer that a person wrote; None where there is none. What was said aloud is no text for a course."""
    answer = lasting(state)
    return answer if answer and in_writing(answer) else None


def heading_of(state: QuestionState, asked: Sequence[Asked]) -> str:
    """The question of an entry. Raises `NotAllowed` where everything that people typed says something about a person:
    what a moderator worded stands as it is."""
    names = {one.message.author_name.strip() for one in asked}
    typed = {" ".join(text.split()) for text in (state.original, *(one.message.text for one in asked))}
    title = " ".join(state.title.split())
    # A title that was typed may have been cut.
    question = _impersonal(title, names) if any(text.startswith(title) for text in typed) else title
    question = question or next(filter(None, (cleaned(one.message.text, names) for one in asked)), "")
    if not question:
        raise NotAllowed("this question says something about a person; word its title yourself, then propose it")
    return question


def entry_of(state: QuestionState, asked: Sequence[Asked], course: Course, language: str) -> str:
    """The Markdown of an entry: its question, phrasings that the course does not have yet, the answer with sources.

    Raises `ValueError` where no person answered, `NotAllowed` as `heading_of` does.
    """
    answer = promotable(state)
    if answer is None:
        raise ValueError("no person answered this question")
    question = heading_of(state, asked)
    names = {one.message.author_name.strip() for one in asked}
    texts = (cleaned(text, names) for text in dict.fromkeys(one.message.text for one in asked))
    known = {_key(wording) for entry in course.entries for wording in (entry.question, *entry.phrasings)}
    sources = [source for source in answer.sources if not source.startswith(EARLIER)]
    phrasings = _different(question, (text for text in texts if text and _key(text) not in known))
    return written(question, phrasings, answer.text, sources, language)


def cleaned(text: str, names: Iterable[str]) -> str:
    """A wording as it may stand in a course; "" where it is too short or long, or says something about a person."""
    line = _impersonal(text, names)
    return line if SHORTEST <= len(line) <= LONGEST else ""


def _impersonal(text: str, names: Iterable[str]) -> str:
    """In one line, without addressed persons; "" where it says something about a person."""
    line = _ADDRESSED.sub(" ", " ".join(text.split()))
    line = " ".join(line.split()).strip(" ,，、:：;；-—~")
    small = line.lower()
    # A pattern for each of a thousand askers would take its time: most names are nowhere in it.
    named = any(len(name) > 1 and name in small and whole_word(name).search(small) for name in map(str.lower, names))
    # Who types "@老师回放在哪" leaves no gap: what of it is the name only people can tell.
    return "" if named or "@" in line or "＠" in line or _PERSONAL.search(text) or not _key(line) else line


def forms(text: str) -> set[str]:
    """As what something that was typed may stand in an entry."""
    lines = {" ".join(text.split()), _impersonal(text, ())}
    return {*lines, *map(_escaped, lines)} - {""}


def reworded(entry: str, change: Callable[[str], str]) -> str:
    """The entry with its heading and each phrasing changed; the answer, which is an expert's, stays."""
    return "\n".join(change(line) if _WORDING.match(line) else line for line in entry.split("\n"))


def written(question: str, phrasings: Sequence[str], answer: str, sources: Sequence[str], language: str) -> str:
    """The entry as Markdown, without a line end at its end."""
    also, see = ("也问：", "参考：") if language == "zh" else ("also: ", "See: ")
    lines = [f"## {_escaped(question)}", *(f"- {also}{one}" for one in phrasings), ""]
    lines.append(_paragraphs(answer))
    if sources:
        lines += ["", _escaped(see + " · ".join(sources))]
    return "\n".join(lines)


def read(entry: str) -> Entry | None:
    """The one entry that this Markdown holds; None where it is none, or several, or has more around it."""
    found = Found("faq.md")
    read_faq(found, "faq", entry)
    one = found.entries[0] if len(found.entries) == 1 and not found.problems else None
    return one if one and entry.lstrip().startswith("## ") else None


def added(text: str, entry: str, instead: str = "") -> str:
    """The FAQ with this entry, at the place of another one (`instead`) where that stands there, else at its end."""
    if (at := _place(text, instead)) is not None:
        return text[:at] + entry + text[at + len(instead) :]
    return f"{text.rstrip()}\n\n{entry}\n".lstrip("\n")


def removed(text: str, entry: str) -> str | None:
    """The FAQ without it; None where it does not stand there as it was written."""
    if (at := _place(text, entry)) is None:
        return None
    before, after = text[:at], text[at + len(entry) :]
    return "\n\n".join(part for part in (before.rstrip(), after.strip("\n").rstrip()) if part) + "\n"


def standing(text: str, entry: str) -> str:
    """The entry where the FAQ has it as it was written, and nothing more under its heading; else "", for it is somebody
    else's by now."""
    return "" if _place(text, entry) is None else entry


def _place(text: str, entry: str) -> int | None:
    at = text.find(entry) if entry else -1
    while at >= 0:
        if (at == 0 or text[at - 1] == "\n") and _BEHIND.match(text, at + len(entry)):
            return at
        at = text.find(entry, at + 1)
    return None


def taken(text: str, entry: str) -> str:
    """Where another entry of this FAQ has the id that this one gets from its heading ("faq.md:3"), "" where none
    has."""
    found, wanted = Found("faq.md"), read(entry)
    read_faq(found, "faq", text)
    others = (one for one in found.entries if wanted and one.id == wanted.id and one.question != wanted.question)
    return next((one.source for one in others), "")


def holds(text: str, entry: str) -> bool:
    """Whether a reader of this FAQ finds the entry: what stands before it may swallow it, as an open block of code."""
    found, wanted = Found("faq.md"), read(entry)
    read_faq(found, "faq", text)
    return wanted is not None and any(
        (one.question, one.phrasings, one.answer) == (wanted.question, wanted.phrasings, wanted.answer)
        for one in found.entries
    )


def doubled(course: Course, entry: str, written: str) -> Entry | None:
    """The entry of the course that is asked in the same words already, other than what was `written` before."""
    one, own = read(entry), read(written) if written else None
    if one is None:
        return None
    mine = {_key(own.question)} if own else set()
    asked = _key(one.question)
    for other in course.entries:
        if asked in {_key(wording) for wording in (other.question, *other.phrasings)} and asked not in mine:
            return other
    return None


def diff(before: str, after: str, name: str) -> str:
    """What changes in a file, as a unified diff that `patch` and `git apply` take; "" where nothing does."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def faq_of(names: Iterable[str]) -> str:
    """Of the paths in a course the one that new entries go to: faq.md, or else the first FAQ; the shallowest."""
    found = [name for name in names if re.fullmatch(r"faq[^/]*\.(md|markdown)", name.rpartition("/")[2].lower())]
    return min(
        found, key=lambda name: (name.lower().rpartition("/")[2] != "faq.md", name.count("/"), name), default="faq.md"
    )


def _different(question: str, texts: Iterable[str]) -> list[str]:
    kept = [_key(question)]
    found: list[str] = []
    for text in texts:
        key = _key(text)
        if key and all(difflib.SequenceMatcher(None, key, other).ratio() < ALIKE for other in kept):
            kept.append(key)
            found.append(text)
        if len(found) == PHRASINGS:
            break
    return found


def _key(text: str) -> str:
    """Equal for what reads the same, as where entries are read."""
    return normalise(text).strip(" ?!.,:;~…。、，")


def _paragraphs(text: str) -> str:
    """Plain text as Markdown that is read back as this text; a line end stays one."""
    blocks = re.split(r"\n\s*\n", text.replace("\r", "").strip())
    return "\n\n".join("\\\n".join(_escaped(line.strip()) for line in block.split("\n")) for block in blocks)


def _escaped(line: str) -> str:
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"[\\`*_\[\]<>#&|~!=+-]", _escape, line))


def _escape(found: re.Match[str]) -> str:
    """In the middle of a line only what is a mark there, so that people can read it."""
    mark = found.group()
    inside = found.start() > 0
    return mark if inside and mark in "=+-!~" else f"\\{mark}"


_WORDING = re.compile(r"##[ \t]|[-*+]\s+(?:also|也问|也問)\s*[:：]", re.IGNORECASE)
"""How a line of an entry begins that says how it is asked."""
_BEHIND = re.compile(r"\s*(?:\Z|\n#{1,2}[ \t])")
"""What stands behind an entry: the end, or the next heading."""
_ADDRESSED = re.compile(r"[@＠][^\s,，:：。!！?？]+(?=[\s,，:：]|$)")
_PERSONAL = re.compile(
    r"https?://|www\.|(?<![\w.+-])[\w.+-]+@[\w-]+\.\w+|(?<!\d)\+?\d(?:[ -]?\d){6,}"
    r"|微信|weixin|wechat|vx[:：]|qq[:：号]|电话|手机号|我叫|我是.{1,6}公司|my (name|phone|email)",
    re.IGNORECASE,
)
"""What says who somebody is, or how to reach them."""
