"""The queue as JSON: what one who knows a part of it is sent, and how often it has to be made."""

import json
from dataclasses import replace
from types import MappingProxyType

from bot.live import View
from bot.model import Session
from bot.web.compressing import KEPT
from bot.web.queue_json import WHOLE, QueueJson
from tests.bot.values import question

SESSION = Session("talk", "A talk")


def test_whoever_knows_less_is_sent_all_of_it_and_few_answers_are_made() -> None:
    """Whatever revision is asked from, all that changed since is there; near the newest nothing else, and of a thousand
    revisions so few different answers come that all are kept compressed, in both encodings."""
    questions = [replace(question(f"q{n}"), revision=3 * n) for n in range(1, 401)]
    view = View(MappingProxyType({one.id: one for one in questions}), 1200)
    made, answers = QueueJson(), set()
    for since in (WHOLE, *range(1201)):
        payload = made.payload(view, SESSION, since, False)
        answers.add(id(payload))
        sent = {one["id"] for one in json.loads(payload)["questions"]}
        changed = {one.id for one in questions if one.revision > since}
        assert changed <= sent
        assert sent == changed or since <= 1184
        assert len(sent) <= 2 * len(changed) + 10
    assert len(answers) <= KEPT // 2
