"""What the surface of a message says: its pieces, and what kind of thing it asks for."""

import re
from functools import lru_cache

from knowledge.text import normalise

WHAT = "what"
"""The kind of those who ask what something is or means."""

_PIECE = re.compile(r"[a-z0-9][a-z0-9.+#]*|[\u3400-\u9fff]+|[^\W\d_]+")
_KINDS: dict[str, re.Pattern[str]] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "where": r"哪里|哪儿|哪下|哪看|在哪|去哪|从哪|何处|地址|链接|(?:啥|什么)地方|入口|\b(?:where|link|url|wo)\b",
        "when": r"什么时候|啥时候?|几点|几号|何时|多会儿?|哪天|时间|多久(?:能|才|会)|\bwhen\b|what time|\bwann\b",
        "long": r"多久|多长|几天|几个月|期限|有效期|一直|过期|下架|how long|\bexpir|\bwie lange\b",
        "cost": r"多少钱|价格|价钱|费用|收费|几块|贵|怎么卖|报价|免费|\bcost|\bprice|\bfee|\bpay|how much|\bkostet",
        "number": r"多少|几个|几节|几讲|几次|多大|how many|\bwie viel",
        "why": r"为什么|为啥|为何|怎么会|咋会|原因|\bwhy\b|\bwarum\b",
        "who": r"谁|哪位|\bwho\b|\bwer\b",
        "which": r"哪个|哪种|哪款|哪家|选型|选|推荐|\bwhich\b|\brecommend|\bwelche",
        WHAT: r"什么是|是什么|是啥|啥是|什么意思|啥意思|区别|what is|what's|what does|difference|\bwas ist\b",
        "how": r"怎么|怎样|如何|咋|步骤|\bhow\b|\bwie\b",
    }.items()
}


@lru_cache(maxsize=8192)
def kinds(text: str) -> frozenset[str]:
    """What kinds of thing a message asks for: "where", "when", "cost" …; empty where nothing tells."""
    plain = normalise(text)
    return frozenset(kind for kind, pattern in _KINDS.items() if pattern.search(plain))


def forget() -> None:
    """No message stays in memory."""
    normalise.cache_clear()
    kinds.cache_clear()


def pieces(plain: str) -> list[str]:
    """Words of spaced scripts, and pairs of neighbours of Chinese runs (a single character where it stands alone)."""
    found: list[str] = []
    for run in _PIECE.findall(plain):
        if run[0] < "\u3400" or len(run) == 1:
            found.append(run)
        else:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
    return found
