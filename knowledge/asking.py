"""Is this message asking something of the speaker or the organiser?

`cheap` decides what needs no model, `judge` the rest. Both say why.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.text import addressed, normalise


@dataclass(frozen=True, slots=True)
class Asking:
    """`probability` (0..1) that the message asks; `reason` for a moderator, in a few words."""

    asks: bool
    probability: float
    reason: str


_NOTHING = re.compile(r"[\W\d_]*$")
_CHATTER = re.compile(
    r"[\W\d_]*(?:6+|1+|\+1|哈+|嘿+|呵+|嗯+|哦+|啊+|好+|赞+|牛+|强+|收到|来了|签到|打卡|报到|前排|沙发|在的?|谢谢|感谢|辛苦了?|"
    r"(?:各?位?)?(?:老师|大家|同学们?)?(?:早上|上午|中午|下午|晚上|晚)?好|你好|您好|hi+|hey|hello|lol|ok|yes|no|yep|thanks?|"
    r"thx|ty|gg|brb|wow|nice|cool|great|\+?1|moin|hallo|danke|hahaha|haha|ha)(?:[\W\d_]|了|啦|呀|啊|哈|吧|老师|all|everyone|you)*$"
)
_NOTICE = re.compile(
    r"\s*[【\[(（]\s*(?:助教|管理员|主持人?|公告|通知|系统|小助手|客服|staff|mod|admin|notice)\s*[】\])）]", re.I
)
_OTHERS = re.compile(r"(?:回复?|答)?\s*(?:楼上|楼下|前面|上面)(?:那?位|的?同学|的)|^(?:回|答)楼上")


class Detector:
    """Finds askings. Stateless after it was made."""

    def cheap(self, text: str) -> Asking | None:
        """A decision that needs no vector, or None where `judge` must look."""
        if _NOTICE.match(text):
            return Asking(False, 0.01, "a notice of the staff")
        if self.chatter(text):
            return Asking(False, 0.01, "chatter")
        if addressed(text):
            return Asking(False, 0.05, "speaks to another viewer")
        return None

    def chatter(self, text: str) -> bool:
        """Whether this is surely nothing, even where people type questions: empty, digits, emoji, a greeting."""
        plain = normalise(text)
        return bool(_NOTHING.match(plain) or _CHATTER.match(plain))

    def judge(self, text: str, vector: NDArray[np.float32]) -> Asking:
        plain = normalise(text)
        if "?" in plain:
            return Asking(True, 0.8, "question mark")
        if re.search(
            r"吗|怎么|如何|什么|哪|几|多少|多久|能不能|有没有|求|啥|咋|谁|how|what|when|where|which|who|why|can",
            plain,
        ):
            return Asking(True, 0.7, "question word")
        return Asking(False, 0.3, "no sign of a question")
