"""What is known of a person as a file to hand over: JSON for programs, HTML that stands alone for people. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from typing import Any

from bot.model import Known

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:start;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#12171b;"
    "color:#e9edee}}"
)

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "title": "我们保存的关于您的数据",
        "nothing": "没有。",
        "persons": "您在各个聊天里的身份",
        "messages": "您说的话，和后来的结果",
        "votes": "您投过的“我也想知道”",
        "poll_votes": "您在投票和问卷里的选择",
        "pulse": "您点过的听课感受",
        "told": "发给您的消息",
        "opted_out": "不再主动通知您",
        "linked": "您把聊天绑定到了网页",
        "colon": "：",
        "yes": "是",
        "no": "否",
        "source": "聊天",
        "id": "编号",
        "name": "名字",
        "session": "讲座",
        "at": "时间",
        "text": "内容",
        "question": "归入的问题",
        "answer": "回答",
        "poll": "投票",
        "choices": "选择",
        "mood": "感受",
        "state": "状态",
    },
    "en": {
        "title": "What is kept of you",
        "nothing": "Nothing.",
        "persons": "Who you are in each chat",
        "messages": "What you said, and what became of it",
        "votes": "Questions you wanted answered too",
        "poll_votes": "What you chose in polls and surveys",
        "pulse": "How you felt about the talk",
        "told": "What you were told",
        "opted_out": "You wish to hear nothing that comes by itself",
        "linked": "You linked a chat to the web page",
        "colon": ": ",
        "yes": "yes",
        "no": "no",
        "source": "chat",
        "id": "id",
        "name": "name",
        "session": "talk",
        "at": "time",
        "text": "text",
        "question": "question",
        "answer": "answer",
        "poll": "poll",
        "choices": "choices",
        "mood": "mood",
        "state": "state",
    },
}
VALUES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "zh": {
        "mood": {"fast": "太快了", "slow": "太慢了", "lost": "没听懂", "great": "讲得好"},
        "state": {"sent": "已发送", "sending": "正在发送", "waiting": "等待发送", "failed": "未送达"},
    },
    "en": {},
}
"""What people read in place of a value, by column; what is not here stands as it is."""

PARTS = ("messages", "votes", "poll_votes", "pulse", "told")
MARKS = ("opted_out", "linked")


def to_json(known: Known) -> str:
    """Times are ISO 8601 in UTC."""
    rows = {part: [_plain(row) for row in getattr(known, part)] for part in PARTS}
    persons = [asdict(one) for one in known.persons]
    marks = {mark: getattr(known, mark) for mark in MARKS}
    return json.dumps({"persons": persons, **rows, **marks}, ensure_ascii=False, indent=2)


def to_html(known: Known, language: str) -> str:
    """A page without script, font or network."""
    chosen = "zh" if language == "zh" else "en"
    say, values = WORDS[chosen], VALUES[chosen]
    parts = [_part(say, "persons", [asdict(one) for one in known.persons])]
    parts += [_part(say, part, [_worded(_plain(row), values) for row in getattr(known, part)]) for part in PARTS]
    for mark in MARKS:
        parts.append(f"<p>{escape(say[mark])}{say['colon']}{say['yes' if getattr(known, mark) else 'no']}</p>")
    head = f"<title>{escape(say['title'])}</title><style>{STYLE}</style>"
    start = f'<!doctype html><html lang="{chosen}"><meta charset="utf-8">'
    return f"{start}{head}<h1>{escape(say['title'])}</h1>{''.join(parts)}</html>"


def _part(say: Mapping[str, str], part: str, rows: Sequence[Mapping[str, Any]]) -> str:
    head = f"<h2>{escape(say[part])}</h2>"
    if not rows:
        return f"{head}<p>{escape(say['nothing'])}</p>"
    titles = "".join(f'<th scope="col">{escape(say[name])}</th>' for name in rows[0])
    body = "".join("<tr>" + "".join(f'<td dir="auto">{_cell(v)}</td>' for v in row.values()) + "</tr>" for row in rows)
    return f"{head}<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return escape(", ".join(map(str, value)) if isinstance(value, list) else str(value)).replace("\n", "<br>")


def _worded(row: Mapping[str, Any], values: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {name: values[name].get(value, value) if name in values else value for name, value in row.items()}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """With readable times and choices."""
    found = dict(row)
    if "at" in found:
        found["at"] = datetime.fromtimestamp(found["at"], UTC).isoformat(timespec="seconds")
    if isinstance(found.get("choices"), str):
        found["choices"] = json.loads(found["choices"])
    return found
