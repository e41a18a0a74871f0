"""Is this message asking something of the speaker or the organiser?

`cheap` decides what needs no model, `judge` the rest. Both say why.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.answering import Evidence
from knowledge.calibration import AskingJudge
from knowledge.context import EMPTY, Context
from knowledge.cues import LENGTH, NAMES, cues
from knowledge.encoder import unreadable
from knowledge.logistic import CalibrationError, Logistic, chance
from knowledge.reasons import Reason, because, signs, strongest
from knowledge.text import addressed, normalise, plain

COURSE = ("course", "course_margin", "course_said", "course_share")
"""Whether there is a course, and how well its best part fits: what a course holds is what people ask."""

FEATURES = (*NAMES, *Context.NAMES, *COURSE)
"""What the judgement weighs beside the vector."""


@dataclass(frozen=True, slots=True)
class Asking:
    """`probability` (0..1) that the message asks, and why. `sure`: sure enough to be answered without a human."""

    asks: bool
    probability: float
    reasons: tuple[Reason, ...] = ()
    sure: bool = False


ON_PURPOSE = Asking(True, 1.0, because("on_purpose", 1.0), sure=True)
"""Of what was sent as a question."""

MARKED = 0.65
"""The probability that a line asks of which nothing can be read but a question mark."""

_MARKED = re.compile("[?？؟՞፧]")
_NOTHING = re.compile(r"[\W\d_]*(?:$|[a-z]{60})")  # no word has as many letters
_CHATTER = re.compile(
    r"(?:(?=[\W\d_]*[16])[\W\d_]*+|"
    r"[\W\d_]*+(?:哈+|嘿+|呵+|嗯+|哦+|啊+|好+|赞+|牛+|强+|收到|(?:来了)+|签到|打卡|报到|前排|沙发|在的?|谢谢|感谢|辛苦了?|"
    r"(?:各?位?)?(?:老师|大家|同学们?)?(?:早上|上午|中午|下午|晚上|晚)?好|你好|您好|hi+|hey|hello|lol|ok|yes|no|yep|thanks?|"
    r"thx|ty|gg|brb|wow|nice|cool|great|moin|hallo|danke|hahaha|haha|ha))(?:[\W\d_]|了|啦|呀|啊|哈|吧|老师|all|everyone|you)*+$"
)
"""Possessive, for no part may begin as the one before ends: two thousand digits had been minutes of backtracking."""
_NOTICE = re.compile(
    r"\s*[【\[(（]\s*(?:助教|管理员|主持人?|公告|通知|系统|小助手|客服|staff|mod|admin|notice)\s*[】\])）]", re.I
)
_OTHERS = re.compile(r"\s*(?:回复?|答)\s*楼[上下]|\s*楼[上下](?:的|那位)?(?:[,，:：\s]|$)")


class Detector:
    """Finds askings. `judge` is the calibration for the encoder whose vectors it is given; where that has no weights
    for vectors only the words count. Raises `CalibrationError` where it weighs other features.
    """

    def __init__(self, judge: AskingJudge) -> None:
        self._judge = judge
        self._cheap = _weights(judge.cheap.over(NAMES, "asking"))
        self._full = _weights(judge.full.over(FEATURES, "asking"))
        self._vector = np.array(judge.vector, dtype=np.float64)

    def cheap(self, text: str) -> Asking | None:
        """A decision that needs no vector, or None where `judge` must look."""
        whole = plain(text)
        if _NOTICE.match(whole):
            return Asking(False, 0.01, because("notice", 0.01))
        if self.chatter(text):
            return Asking(False, 0.01, because("chatter", 0.01))
        if addressed(text) or _OTHERS.match(whole):
            return Asking(False, 0.05, because("to_viewer", 0.05))
        seen = cues(text)
        probability = _chance(self._cheap, seen)
        if probability < self._judge.surely_not:
            return Asking(False, probability, _why(self._judge.cheap, NAMES, seen))
        return None

    @classmethod
    def on_purpose(cls, text: str) -> Asking:
        """Of what was sent through a way that is there for asking: nothing else is looked at."""
        return Asking(False, 0.0, because("chatter", 0.0)) if cls.chatter(text) else ON_PURPOSE

    @staticmethod
    def chatter(text: str) -> bool:
        """Whether this is surely nothing, even where people type questions: empty, digits, emoji, one endless word, a
        greeting."""
        short = normalise(text)
        return bool(_NOTHING.match(short) or _CHATTER.match(short))

    def judge(
        self, text: str, vector: NDArray[np.float32], context: Context = EMPTY, fits: Evidence | None = None
    ) -> Asking:
        """`vector` is that of `text` by the calibrated encoder, `context` what stood before it in the chat, `fits` how
        well the course does (None without one). Raises `CalibrationError` for a vector of another dimension.
        """
        if unreadable(vector):
            # A person should see what may well be a question.
            marked = bool(_MARKED.search(text))
            probability = MARKED if marked else 1 - MARKED
            return Asking(marked, probability, because("unreadable", probability))
        seen = cues(text)
        if len(self._vector):
            if len(vector) != len(self._vector):
                raise CalibrationError(f"calibrated for {len(self._vector)} dimensions, the vector has {len(vector)}")
            seen, meaning = np.concatenate([seen, context.features(), fitting(fits)]), float(self._vector @ vector)
            probability = _chance(self._full, seen, meaning)
            reasons = _why(self._judge.full, FEATURES, seen, meaning)
        else:
            probability = _chance(self._cheap, seen)
            reasons = _why(self._judge.cheap, NAMES, seen)
        return Asking(probability >= self._judge.asks, probability, reasons, probability >= self._judge.sure)


def fitting(fits: Evidence | None) -> NDArray[np.float64]:
    """Shape (4,), in the order of `COURSE`; all 0 without a course."""
    return np.array([1.0, fits.margin, fits.said, fits.share] if fits else [0.0] * len(COURSE))


def _weights(logistic: Logistic) -> NDArray[np.float64]:
    """In the order of its features, the bias last."""
    return np.array([*logistic.weights.values(), logistic.bias])


def _chance(weights: NDArray[np.float64], features: NDArray[np.float64], more: float = 0.0) -> float:
    return chance(float(weights[:-1] @ features) + float(weights[-1]) + more)


def _why(
    logistic: Logistic, names: Sequence[str], features: NDArray[np.float64], meaning: float = 0.0
) -> tuple[Reason, ...]:
    """What of the words, the chat before and the meaning counted most."""
    values = dict(zip(names, features.tolist(), strict=True))
    about = {name: name for name in NAMES}
    told = signs(logistic, values, about)
    held = sum(sign.weight for sign in told if sign.code in COURSE) if values.get(COURSE[0]) else 0.0
    long = sum(sign.weight for sign in told if sign.code in LENGTH)
    apart = {*COURSE, *LENGTH}
    found = [
        replace(sign, code="cue" if values[sign.code] else "no_cue") if sign.code in about else sign
        for sign in strongest(sign for sign in told if sign.code not in apart)
    ]
    ones = {"meaning": meaning, "held": held, "length": long}
    return strongest([*(Reason(code, round(weight, 4)) for code, weight in ones.items()), *found])
