"""What is one asking, what is two."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.splitting import LONGEST, MOST, split
from knowledge.training.topics import read_topics

TALKS = sorted((Path(__file__).parents[2] / "knowledge" / "talks").glob("*/labels.jsonl"))


@pytest.mark.parametrize(
    "parts",
    [
        ["课件在哪下？", "另外网关要不要自己买"],
        ["where are the slides?", "and is there a certificate"],
        ["where are the slides", "and is there a certificate"],
        ["几点结束", "有回放吗"],
        ["有群嗎", "另外課件在哪下"],
        ["老师，屏幕字太小了，PPT 会发吗，", "另外下一讲是哪天"],
        ["我们厂是做注塑的，三十台机器，网关要不要自己买？", "还有就是下一讲几号 谢谢老师"],
        ["有回放不", "顺便问下网关多少钱", "还有就是下一讲几号"],
        ["Our PLC only has Profibus, how do we connect it?", "Also, link for the handout?"],
        ["漏气率多少算合格？", "还有电表是不是每个车间都得装"],
        ["上升沿是啥 上楼的沿？", "还有課件更新了没"],
        ["When is the next session?", "And is there a group on Telegram?"],
        ["Is this recorded?", "Will the slides be shared?"],
        ["Is this recorded", "also how do we get the certificate"],
    ],
)
def test_two_different_questions_are_two_askings(parts: list[str]) -> None:
    """Where a connective, a mark or a gap stands between two questions about different things, each gets its part."""
    assert split(" ".join(parts)) == tuple(parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "666",
        "课件在哪下？",
        "有回放吗？回放在哪看？",
        "有回放吗 在哪看录播",
        "证书是电子的？还是发纸质的？",
        "用网关好还是直接换PLC好？",
        "大家好，能听到吗？课件在哪下",
        "大家好，能听到吗？另外课件在哪下",
        "老师晚上好！请问有回放吗",
        "请问有回放吗？谢谢老师，辛苦了",
        "我们三十台机床，有的是发那科，有的是三菱，另外还有十台老的，怎么接？",
        "MES和ERP有什么区别？还有什么系统",
        "网关多少钱？还有人吗",
        "网关多少钱？另外它支持Modbus吗",
        "看板卡一个料号发几张，有没有公式",
        "这家水泵厂在哪个城市，能不能组织大家去看看",
        "老师说“先问为什么要建，再问怎么建”，受教",
        "回放什么时候出？下一讲之前能放出来吗",
        "Is there a recording? Where can I watch the recording?",
        "Does the gateway also support Modbus?",
        "Will the recording also include the chat?",
        "When I watch the recording, do I get the certificate too?",
        "不管有没有回放，课件能发一下吗",
        "按要求交了课件，证书什么时候发",
        "Do you prefer Modbus or OPC UA? And why?",
        "有回放吗？课件呢？证书呢？群号多少，怎么进群？",
    ],
)
def test_one_question_stays_one(text: str) -> None:
    """A story, a choice, a repetition, a greeting, a sound check, what leans on the words before: nothing is split."""
    assert split(text) == (text,)


@settings(deadline=None)
@given(
    st.text(st.sampled_from("课件回放证书群在哪吗？?，, 。另外还有also 几点结束it\n\u3000👍"), max_size=LONGEST + 20)
    | st.text()
)
def test_parts_are_the_message(text: str) -> None:
    """Whatever the text: at most three parts, none blank, together all that was said, and none splits again."""
    parts = split(text)
    assert 1 <= len(parts) <= MOST
    if len(parts) > 1:
        assert all(part.strip() for part in parts)
        assert re.sub(r"\s", "", "".join(parts)) == re.sub(r"\s", "", text)
        assert [split(part) for part in parts] == [(part,) for part in parts]


def test_single_askings_are_left_alone() -> None:
    """Of the askings written for training, each of which asks one thing, fewer than one in a thousand is split."""
    askings = [ask for topic in read_topics() for group in topic.groups for ask in group.asks]
    assert sum(len(split(ask)) > 1 for ask in askings) < len(askings) / 1000


@pytest.mark.skipif(not TALKS, reason="no talks")
def test_what_asks_nothing_is_left_alone() -> None:
    """Of the lines of whole talks that ask nothing, fewer than one in two hundred is split; of the askings as many as
    docs/understanding.md says."""
    others = asked = lines = askings = 0
    for path in TALKS:
        kinds = {row["id"]: row["kind"] for row in map(json.loads, path.open(encoding="utf-8"))}
        for row in map(json.loads, (path.parent / "chat.jsonl").open(encoding="utf-8")):
            asks = kinds[row["id"]] in ("question", "request")
            lines, askings = lines + (not asks), askings + asks
            parted = len(split(row["text"])) > 1
            others, asked = others + (parted and not asks), asked + (parted and asks)
    assert others < lines / 200
    page = (Path(__file__).parents[2] / "docs" / "understanding.md").read_text(encoding="utf-8")
    assert f"; {asked:,} of {askings:,} askings of the talks are." in page
