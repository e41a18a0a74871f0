"""One message that asks two different things becomes two askings.

Rules over the surface alone: a wrong split costs more than a missed one. Two questions stand apart where the second is
announced ("另外…", "also …"), or where a clause ends between two things that every hall asks for; each must ask by
itself and be about something of its own. How many they split of what was written as one asking, and of the talks:
docs/understanding.md. What is missed has mostly no connective, or leans on the words before.
"""

import re

from knowledge.text import normalise
from knowledge.wording import pieces

MOST = 3
"""Askings of a message at most: more of them are a story, and stay together."""

LONGEST = 400
"""Characters: nobody types two short questions that long."""

CUTS = 16
"""Places at most where a message may be split."""

_MARKS = "?？!！。.;；,，、~…"

_ANNOUNCED = re.compile(
    rf"(?:(?<=[{_MARKS}\s])|(?<=[吗嗎嘛呢]))(?:"
    r"另外|另[问問]|[顺順]便|[顺順][带帶]|再(?:[问問]|[请請]教)(?:一?[下个個]|老[师師])|[还還]想(?:[问問]|[请請]教)|第二[个個][问問][题題]"
    r"|[还還]有(?:就是|[一个個]+[问問][题題]|[,，、\s]"
    r"|(?![什甚][么麼]|哪|[谁誰]|[几幾]|多少|啥)(?=[^?？,，。\s]{0,12}(?:哪|[什甚][么麼]|怎|咋|啥|[几幾]|多少|多久|[谁誰]|能不能|可以|能否"
    r"|是不是|是否|[了过過][吗嗎没沒])))"
    r"|(?:and |plus,? |oh,? )?(?:also\b|another question|one more (?:question|thing)|second question|by the way\b"
    r"|btw\b)"
    r")",
    re.IGNORECASE,
)
"""Words that begin another question, after a mark, a space, or a particle that ends a question."""

_BEGINS = re.compile(
    r"[\s,，]*(?:how|what|when|where|which|who|why|is|are|can|could|will|would|should"
    r"|(?:do|does|did|has|have)\s+(?:i|we|you|they|the)\b)",
    re.IGNORECASE,
)
"""How an English question begins; "also" that has none behind it and no mark before it stands in the middle of one."""

_CLAUSE = re.compile(
    r"[?？!！。;；,，]+\s*|\s+(?=[^\x00-\x7f])|(?<=[^\x00-\x7f])\s+|\. +"
    r"|\s+(?=and\s+(?:is|are|can|could|will|do|does|where|when|how|what|which|who)\b)",
    re.IGNORECASE,
)

_ASKS = re.compile(
    r"\?|吗|嘛\b|么(?:$|[ ,.。])|怎么|怎样|咋|如何|哪|什么|啥|谁|几(?!乎|个月|年来)|多少|多久|多长|多大|(.)[不没]\1"
    r"|有没有|是否|能否|可否|(?<![要需追请征])求|(?:不|没|没有)$"
    r"|^(?:and |also,? |btw,? )?(?:how|what|when|where|which|who|why|is|are|do|does|did|can|could|will|would|should"
    r"|has|have)\b"
)
_CHECK = re.compile(r"(?:听|看)得?[到见]\S{0,3}|在吗|有人吗|吃了|can you hear|hello|对[吗吧]|是[吗吧]\?*$|好吗")
"""What is asked to hear whether somebody is there: no question to be answered later."""

_LEANS = re.compile(
    r"^(?:还是|或者?|要不|or\b)|它|他们|她|这[个种样些]|那[个种样些]|前者|后者|其中|一样|(?<!哪)里面?(?:有|能|会)"
    r"|\b(?:it|its|they|them|that|this|those|these|one|same|so)\b"
)
"""A part that speaks of what another part named, or goes on choosing."""

_ASIDE = re.compile(
    r"(?:^|[,.。;!] *)(?:不管|无论|不论|甭管)[^?]*$"
    r"|^(?:and |also,? )?when(?:ever)?\s+"
    r"(?!(?:is|are|was|were|will|would|can|could|do|does|did|should|has|have)\b)[^?]*$"
)
"""A clause that only leads to the question after it."""

_COMMON: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "recording": r"回放|回看|重播|录播|录屏|录像|录制|回访|\brecord(?:ing|ed)?s?\b|\breplay\b",
        "slides": r"课件|客件|ppt|幻灯|讲义|讲稿|\bslides?\b|\bdeck\b|\bhandouts?\b",
        "certificate": r"证书|结业证|学时|学分|\bcertificates?\b",
        "group": r"(?:进|拉|加|入|建|有|交流|微信)群|群(?:号|二维码|吗|在哪)"
        r"|\b(?:a|the|chat|telegram|wechat) group\b|\bgroup chat\b",
        "end": r"几点(?:结束|下课|讲完)|什么时候(?:结束|下课|讲完)",
        "next talk": r"下一?(?:讲|期|场|节|次课|次讲|周讲)(?!.{0,3}前)|\bnext (?:talk|session|lecture|week)\b",
    }.items()
}
"""What every hall asks for, in words that stand by themselves: they never speak of what the other part named."""

_FILLER = re.compile(
    r"请问|请教|想问|问一?下|麻烦|劳驾|老师|讲师|主播|助教|大家|各位|我们|你们|咱们|有没有|是不是|能不能|可不可以|要不要|会不会"
    r"|行不行|好不好|什么时候|怎么样?|怎样|咋样?|如何|哪[里儿个些天]?|什么|多少|多久|多长|多大|为什么|为啥|啥|谁|今[天晚]|现在"
    r"|刚[才刚]|另外|还有|还想|顺便|对了|然后|以后|需要|应该|可能|知道|可以|一[下个]|[这那][个些种样]?|谢谢|感谢|问题"
    r"|[几吗呢吧啊呀嘛么的了是在有会能要不没就都也还再去给把被让和跟与或请求我你您他想到下上说讲看听发拿找用做弄搞]"
)
"""What carries no subject: taken out before two parts are compared."""

_SMALL = re.compile(
    r"an|the|is|are|was|were|be|been|do|does|did|can|could|will|would|should|may|might|have|has|had|we|you|he|she|me|us|my"
    r"|our|your|to|of|in|on|for|at|by|with|from|and|or|also|please|pls|there|here|how|what|when|where|which|who|why|any"
    r"|some|get|thanks|thank|hi|hello|if|just|about|much|many|long|not|no|yes|know|want|ask|question|more|another|btw|way"
    r"|second|plus|oh|then"
)


def split(text: str) -> tuple[str, ...]:
    """The askings of a message in its own words and order, none of them empty; the text itself where there is one.

    The same text gives the same parts, at most `MOST`.
    """
    if len(text) > LONGEST:
        return (text,)
    parts = _split(text.strip())
    return parts if 1 < len(parts) <= MOST else (text,)


def _split(text: str) -> tuple[str, ...]:
    plain = normalise(text)
    if _asks(plain):
        for at, announced in _cuts(text, plain):
            left, right = text[:at].rstrip(), text[at:].lstrip()
            if left and right and _apart(normalise(left), normalise(right), announced):
                return (*_split(left), *_split(right))
    return (text,)


def _cuts(text: str, plain: str) -> list[tuple[int, bool]]:
    """Where another question is announced, then where else a clause ends; and which of the two it is. None where there
    are too many: each costs two looks at the text, and messages come in faster than they are understood.
    """
    cuts = [
        (found.start(), True)
        for found in _ANNOUNCED.finditer(text)
        if not found[0].lower().endswith("also")
        or text[: found.start()].rstrip()[-1:] in _MARKS
        or _BEGINS.match(text, found.end())
    ]
    if len(_named(plain)) > 1:
        cuts += ((found.end(), False) for found in _CLAUSE.finditer(text))
    return cuts if len(cuts) <= CUTS else []


def _apart(left: str, right: str, announced: bool) -> bool:
    """Whether both ask, each about a thing of its own."""
    if _LEANS.search(right) or _ASIDE.search(left) or not (_asks(left) and _asks(right)):
        return False
    here, there = _named(left), _named(right)
    if here & there:
        return False
    if here and there:
        return True
    own, other = here | _content(left), there | _content(right)
    return announced and bool(own) and bool(other) and not own & other


def _asks(plain: str) -> bool:
    return bool(_ASKS.search(_CHECK.sub("", plain)))


def _named(plain: str) -> frozenset[str]:
    return frozenset(name for name, pattern in _COMMON.items() if pattern.search(plain))


def _content(plain: str) -> frozenset[str]:
    words = pieces(_FILLER.sub(" ", plain))
    return frozenset(word for word in words if len(word) > 1 and not _SMALL.fullmatch(word))
