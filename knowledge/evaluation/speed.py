"""How fast and how large: what needs no labels."""

import itertools
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np

from knowledge.encoder import Encoder
from knowledge.evaluation.metrics import Figure, middle

SPOKEN = (
    "有回放吗",
    "老师课件在哪里下载",
    "接娃去了，后面的怎么补看，能保留多久",
    "where can I find the slides of today?",
    "网关要和变频器隔开多远，装的时候要停机吗",
    "我们厂里二十台老冲床，没有网口，只有继电器柜，想采开停机的状态，花不了太多钱，有什么办法吗",
    "請問發票怎麼開",
    "声音断断续续的",
)
"""Lines as long as people write them."""

SAID = (
    "怎么开发票？ 报名页填写抬头和税号，三个工作日内发到邮箱。",
    "Where can I watch the recording? It is uploaded two hours after the session; the link stays in the chat.",
    "网关安装 网关装在电柜内导轨上，和变频器隔开二十厘米以上，天线引到柜外。",
)
"""Course texts as long as people write them."""

TEXTS = tuple(f"{text} {n}" for n in range(32) for text in SPOKEN)
ALONE = 200
"""Messages by themselves: of fewer a p99 is the slowest one."""


def encoder_speed(encoder: Encoder, texts: Sequence[str] = TEXTS) -> dict[str, Figure]:
    """The encoder alone: in batches, one message by itself, and one that is then read beside a course text; `texts` are
    as people write them."""
    encoder.encode(texts[:8])
    begun = time.perf_counter()
    encoder.encode(texts)
    rate = len(texts) / (time.perf_counter() - begun)
    alone, read = [], []
    for text, said in zip(texts[:ALONE], itertools.cycle(SAID), strict=False):
        begun = time.perf_counter()
        encoder.encode([text])
        alone.append(1000 * (time.perf_counter() - begun))
        encoder.read([(text, said)])
        read.append(1000 * (time.perf_counter() - begun))
    return {
        "messages a second": Figure(rate, unit="count"),
        "one message, median": Figure(float(np.median(alone)), unit="ms"),
        "one message, p99": Figure(float(np.quantile(alone, 0.99)), unit="ms"),
        "one message and reading, median": Figure(float(np.median(read)), unit="ms"),
        "one message and reading, p99": Figure(float(np.quantile(read, 0.99)), unit="ms"),
    }


START = "import sys; from knowledge.encoder import load_encoder; load_encoder(sys.argv[1]).encode(['a'])"
ROUNDS = 3


def start(model: str) -> dict[str, Figure]:
    """From the start of a process to its first vector by this encoder: the median of `ROUNDS`, with the least and the
    most. Raises `CalledProcessError` where it cannot be loaded by that name."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", START, model], check=True, capture_output=True)  # noqa: S603 (ourselves)
        rounds.append(Figure(time.perf_counter() - begun, unit="s"))
    return {"start to the first vector": middle(rounds)}


def memory() -> dict[str, Figure]:
    """The most memory that this process has held; nothing where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return {}
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"memory at most": Figure(most / (1024**2 if sys.platform == "darwin" else 1024), unit="MB")}
