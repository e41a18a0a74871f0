"""All platforms at once, two of them failing on the way."""

from importlib.resources import files
from pathlib import Path

import pytest

from bot.replies import UNDO_WITHIN
from tests.evening import RIGS, evening, recorded, replayed

SAMPLE = Path(str(files("knowledge") / "sample" / "zh"))
ANSWER = "讲完以后二十分钟内上传，主页的回放栏里看。"


@pytest.mark.model
async def test_one_evening_of_all_chats_is_one_queue(tmp_path: Path) -> None:
    """A talk on seven platforms makes the queue that a plain replay makes, each message once, though two platforms
    throw us out on the way; whoever can be answered is answered in their chat, and what was missed is reported."""
    lines = [one for one in recorded(SAMPLE / "chat.jsonl") if one.platform in RIGS or one.platform == "web"]
    course = SAMPLE / "course"
    async with evening(tmp_path, course) as hall:
        for at, one in enumerate(lines):
            if at == len(lines) // 3:
                await hall.cut("bilibili", "listening")
            if at == len(lines) // 2:
                await hall.cut("telegram", "listening")
            await hall.say(one)
        await hall.hall.drained()
        messages, queue = await hall.messages(), await hall.queue()
        assert len([m for m in messages if m.part == 1]) == len(lines)
        assert queue == await replayed(messages, lines, course)

        for id in await hall.one_for_each_chat_that_can_be_answered():
            await hall.hall.desk.answer("Ann", id, f"{ANSWER} ({id})")
            hall.clock.ahead += UNDO_WITHIN + 1
            await hall.answered(id, f"{ANSWER} ({id})")
        reports = {report.health.source: report for report in await hall.hall.supervisor.reports()}
    missed = {name: report.missed(hall.clock()) for name, report in reports.items()}
    assert missed.pop("bilibili") > 0
    assert missed.pop("channels") > 0  # until the listener in the broadcaster's browser first spoke
    assert set(missed.values()) == {0.0}
    assert [o.filled for o in reports["telegram"].outages] == [True]
