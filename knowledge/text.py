"""One normal form of a message, so that everything behind it sees one spelling of one thing."""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Protocol

LONGEST = 2000
"""Characters that are looked at, of what is longer at both ends: every step below costs by the character."""

LETTER = "[A-Za-z0-9\u00c0-\u024f\u0370-\u04ff]"
"""Of words with gaps between them."""

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)
_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\u20e3\U0001f000-\U0001faff]")
_EMOTE = re.compile(r"\[[^\[\]\s\d]{1,8}\]")  # [doge], [捂脸]: how Chinese chats write theirs
_SPEAKER = re.compile(
    r"(?<![A-Za-z0-9._%+-])@(?=[\u4e00-\u9fff]{0,3}(?:老师|讲师|教授|博士|主播|主持人?|主讲|讲者|助教|助理|小助手|管理员|嘉宾|客服|工作人员|主办|组委会|会务|运营)"
    r"|所有人|全体成员"
    r"|(?:host|speaker|presenter|organi[sz]er|admin|mod|moderator|all|everyone|here|channel)s?(?![a-z0-9_-]))",
    re.IGNORECASE,
)
"""Also with a name, "@王老师": where a viewer is called so, a line too much is judged, and none is lost."""
_APOSTROPHES = str.maketrans("’‘ʼ", "'''")
"""As phones type them."""
_ADDRESSED = re.compile(r"(?:回复\s*)?(?<![A-Za-z0-9._%+-])@[^\s@:,，]{1,24}(?:[\s:,，]+|$)")
"""Not what stands behind "@" in an address of mail."""
_OTHERWISE = re.compile("(產線上|指標|序列號|核心)")
"""Words of plants and halls that OpenCC takes for Taiwan's of computers: "online", "pointer", "serial", "kernel"."""
_REPEATED_MARK = re.compile(r"([^\w\s])\1+")
_REPEATED_LETTER = re.compile(rf"(?!(?:(?<!{LETTER})(?:iii|aaa|ccc)|(?<=[xv])iii)(?!{LETTER}))([^\W\d])\1{{2,}}")
"""Not of a Roman number, a size of battery or a mark: class III is not class II."""
_REPEATED_WORD = re.compile(r"([^\W\d_]{2,4})\1{2,}")


@lru_cache(maxsize=8192)
def normalise(text: str) -> str:
    """The text with full-width forms made plain, in simplified characters and lower case; without emoji, control
    characters, addressed names ("@somebody") and long repeats. Any input; the same output when applied again.
    """
    for _ in range(8):  # one step can make room for another: "@<emoji>name"
        shorter = _step(ends(text, LONGEST))
        if shorter == text:
            break
        text = shorter
    return text


def ends(text: str, most: int) -> str:
    """The text; of one with more than so many characters the beginning and the end, for after a long story comes what
    is asked."""
    if len(text) <= most:
        return text
    begun = most // 2
    return f"{text[:begun].rstrip()} {text[begun + 1 - most :].lstrip()}"


def addressed(text: str) -> bool:
    """Whether the message speaks to another viewer by name ("@somebody …"), not to the speaker."""
    name = _ADDRESSED.match(plain(text).lstrip())
    return name is not None and not _SPEAKER.search(name[0])


def whole_word(text: str) -> re.Pattern[str]:
    """Finds this where it is no part of a longer word. Chinese has no gaps, so that there every place is good."""
    before = f"(?<!{LETTER})" if re.match(LETTER, text) else ""
    after = f"(?!{LETTER})" if re.match(LETTER, text[-1:]) else ""
    return re.compile(before + re.escape(text) + after)


def plain(text: str) -> str:
    """The text in plain forms and simplified characters, with all that is in it."""
    return simplified(unicodedata.normalize("NFKC", ends(text, LONGEST)))


def _step(text: str) -> str:
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        text = simplified(_EMOJI.sub(" ", text.translate(_APOSTROPHES)))
    if "[" in text:
        text = _EMOTE.sub(" ", text)
    if "@" in text:
        text = _ADDRESSED.sub(" ", _SPEAKER.sub(" ", text))
    text = _REPEATED_MARK.sub(r"\1", text)
    text = _REPEATED_LETTER.sub(r"\1\1", text)
    text = _REPEATED_WORD.sub(r"\1\1", text)
    return ends(" ".join(text.split()), LONGEST)


def simplified(text: str) -> str:
    """Traditional to simplified characters with the words of Taiwan; what is not traditional passes untouched."""
    words, letters, traditional = _converters()
    if traditional.isdisjoint(text):
        return text
    parts = _OTHERWISE.split(text)
    return "".join((letters if at % 2 else words).convert(part) for at, part in enumerate(parts))


class _Converter(Protocol):
    def convert(self, string: str) -> str: ...


@cache
def _converters() -> tuple[_Converter, _Converter, frozenset[str]]:
    """OpenCC by words and by characters, and the characters whose presence makes it worth its 50 microseconds."""
    from opencc import OpenCC  # type: ignore[import-untyped]

    return OpenCC("tw2sp"), OpenCC("t2s"), frozenset(_traditional_characters())


def _traditional_characters() -> set[str]:
    from importlib.resources import files

    lines = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if "\t" in line)
    return {old for old, new in pairs if old not in new.split()}
