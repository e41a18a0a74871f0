"""Signs in a line that it asks something, or that it does not: Chinese, English, and a little German."""

import re

import numpy as np
from numpy.typing import NDArray

from knowledge.text import normalise

CUES: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "ends with ?": r"\?$",
        "?": r"\?",
        "吗": r"吗|嘛\?|么$|么\?",
        "呢": r"呢$|呢\?",
        "怎么": r"怎么|如何|怎样|咋",
        "什么": r"什么|啥",
        "哪": r"哪",
        "谁": r"谁",
        "多少": r"几|多少|多久|多大|多长|多远",
        "either or": r"(.)[不没]\1|有没有|能否|可否|是否",
        "为什么": r"为什么|为啥|为何",
        "politeness": r"求|麻烦|请问|请教|想问|问一下|问下|咨询|劳驾",
        "wish": r"想(?:了解|知道|听|看|要|请)|希望|能不能|可以.*[吗不]$|可不可以",
        "ends with 不": r"不$|没$|没有$|不\?",
        "failure": r"听不[到见清]|没声|黑屏|卡[了死住得]|看不[到清见]|打不开|进不去|登不|收不到|没收到|报错|不行了"
        r"|失败|闪退|找不到",
        "thing wanted": r"链接|地址|课件|ppt|回放|录播|源码|资料",
        "deed wanted": r"发一[下份]|分享|再[讲说放来]|推荐|讲讲|说说|展开",
        "not understood": r"不懂|不明白|没听懂|分不清|搞不清|不知道|不清楚|没搞懂",
        "begins like a question": r"^(?:how|what|when|where|which|who|whose|why|is|are|am|do|does|did|can|could|would|"
        r"will|should|has|have|any|may)\b",
        "how": r"\b(?:how|what|when|where|which|why)\b",
        "please": r"\bplease\b|\bpls\b|\bplz\b|\bneed\b|\bwant\b|\blink\b",
        "broken": r"\b(?:can't|cannot|doesn't|not working|no sound|no audio|frozen|error|fails?)\b",
        "German": r"^(?:was|wie|wo|wann|warum|welche[rs]?|wer|kann|können|könnten|ist|sind|gibt|muss)\b|\bbitte\b",
        "speaks to": r"^(?:老师|请|各位|楼上|回|@)",
        "to another viewer": r"楼上|前面那|兄弟|哥们",
        "laughter": r"哈哈|666|笑死|牛|厉害|强",
        "thanks": r"谢谢|感谢|辛苦|thank",
        "ends with 了": r"了$",
        "ends softly": r"吧$|啊$|呀$|嘛$",
        "we": r"我也|我们|我",
        "rhetorical": r"不就|还不|难道|谁还|谁不|不会吧|何必|哪有|怎么可能|谁懂|什么都|谁都|怎么都|哪都",
        "quotation": r"[\"“”]",
        "solved": r"原来|终于|搞定|解决|好了|懂了|明白了|学到|收到|记",
        "I did": r"\bi (?:think|guess|got|fixed|love|did)\b|\blol\b|\bgot it\b|\bhaha",
        "Chinese": r"[\u4e00-\u9fff]",
        "plain English": r"^[a-z ,.'!?]+$",
    }.items()
}

LENGTH = ("length", "at most 3 characters", "at most 6 characters", "25 characters or more")
NAMES = (*CUES, *LENGTH)
"""Of all features, in order."""

SIZE = len(NAMES)


def cues(text: str) -> NDArray[np.float64]:
    """Shape (SIZE,): 1 for each sign that is there, then four of the length."""
    plain = normalise(text)
    length = len(plain)
    signs = [float(bool(pattern.search(plain))) for pattern in CUES.values()]
    return np.array([*signs, min(length, 60) / 30, length <= 3, length <= 6, length >= 25], dtype=np.float64)
