"""Is this message asking something of the speaker or the organiser?

`cheap` decides what needs no model, `judge` the rest. Both say why.
"""

import math
import re
from dataclasses import dataclass
from functools import cache as once
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from knowledge.cues import SIZE, cues, strongest
from knowledge.encoder import BUNDLED
from knowledge.neighbours import DIGITS
from knowledge.text import addressed, normalise


@dataclass(frozen=True, slots=True)
class Asking:
    """`probability` (0..1) that the message asks; `reason` for a moderator, in a few words."""

    asks: bool
    probability: float
    reason: str

    @property
    def sure(self) -> bool:
        """Sure enough to be answered without a human."""
        return self.asks and self.probability >= SURE


_NOTHING = re.compile(r"[\W\d_]*$")
_CHATTER = re.compile(
    r"[\W\d_]*(?:6+|1+|\+1|哈+|嘿+|呵+|嗯+|哦+|啊+|好+|赞+|牛+|强+|收到|(?:来了)+|签到|打卡|报到|前排|沙发|在的?|谢谢|感谢|辛苦了?|"
    r"(?:各?位?)?(?:老师|大家|同学们?)?(?:早上|上午|中午|下午|晚上|晚)?好|你好|您好|hi+|hey|hello|lol|ok|yes|no|yep|thanks?|"
    r"thx|ty|gg|brb|wow|nice|cool|great|\+?1|moin|hallo|danke|hahaha|haha|ha)(?:[\W\d_]|了|啦|呀|啊|哈|吧|老师|all|everyone|you)*$"
)
_NOTICE = re.compile(
    r"\s*[【\[(（]\s*(?:助教|管理员|主持人?|公告|通知|系统|小助手|客服|staff|mod|admin|notice)\s*[】\])）]", re.I
)
_OTHERS = re.compile(r"\s*(?:回复?|答)\s*楼[上下]|\s*楼[上下](?:的|那位)?(?:[,，:：\s]|$)")


class Detector:
    """Finds askings. `encoder` is the name of the encoder whose vectors it is given: its weights over vectors are
    those of the bundled one, and for another only the words count.
    """

    def __init__(self, encoder: str = BUNDLED) -> None:
        self._weights = _weights()
        self._bundled = encoder == BUNDLED

    def cheap(self, text: str) -> Asking | None:
        """A decision that needs no vector, or None where `judge` must look."""
        if _NOTICE.match(text):
            return Asking(False, 0.01, "a notice of the staff")
        if self.chatter(text):
            return Asking(False, 0.01, "chatter")
        if addressed(text) or _OTHERS.match(text):
            return Asking(False, 0.05, "speaks to another viewer")
        odds = _chance(cues(text), self._weights["cues"])
        if odds < SURELY_NOT:
            return Asking(False, odds, "no sign of a question")
        return None

    def chatter(self, text: str) -> bool:
        """Whether this is surely nothing, even where people type questions: empty, digits, emoji, a greeting."""
        plain = normalise(text)
        return bool(_NOTHING.match(plain) or _CHATTER.match(plain))

    def judge(self, text: str, vector: NDArray[np.float32]) -> Asking:
        """`vector` is that of `text` by the encoder that was named."""
        weights, features = self._weights["cues"], cues(text)
        if self._bundled and len(vector) + SIZE + 1 == len(self._weights["cues_and_vector"]):
            weights, features = self._weights["cues_and_vector"], np.concatenate([features, vector])
        probability = _chance(features, weights)
        sign = strongest(text)
        reason = f"a sign of it: {sign}" if sign else "no sign but its meaning"
        return Asking(probability >= ASKS, probability, reason)


def _chance(features: NDArray[np.float64], weights: NDArray[np.float32]) -> float:
    return round(1 / (1 + math.exp(-float(features @ weights[:-1] + weights[-1]))), DIGITS)


@once
def _weights() -> dict[str, NDArray[np.float32]]:
    with (files("knowledge") / "models" / "asking.npz").open("rb") as file, np.load(file) as arrays:
        return {name: arrays[name] for name in arrays.files}


ASKS = 0.4
"""Best F1 over 18 hand-written topics at the share of askings that a chat has (two of five)."""

SURE = 0.6
"""Precision .94 there."""

SURELY_NOT = 0.06
"""Below it the cues alone decide, without the encoder: 36 % of what asks nothing on the topics, .7 % of the askings."""
