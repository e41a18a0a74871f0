"""Labelled talks, written where a test wants them."""

import json
from pathlib import Path

NEEDS = {
    "replay": ("有回放吗", "回放在哪里看", "回放哪里有啊", "请问有没有回放", "回放回放"),
    "invoice": ("怎么开发票", "发票怎么开啊", "开发票找谁", "请问发票怎么开"),
    "gateway": ("网关要自己买吗", "网关是不是自己买", "请问网关自己买吗"),
}
NOTHING = ("666", "老师讲得真好", "我们厂也有一台旧的", "今天下雨了", "学到了学到了", "我是来打卡的", "声音很清楚")


def write_talk(folder: Path, name: str, doubtful: bool = False) -> None:
    """A talk in which words are all there is: whoever asks for the same uses the same ones."""
    (folder / name / "course").mkdir(parents=True)
    (folder / name / "course/faq.md").write_text(
        "# 问答\n\n## 回放在哪里看\n<!-- id: replay -->\n\n主页。\n\n## 怎么开发票\n<!-- id: invoice -->\n\n小程序。\n",
        encoding="utf-8",
    )
    chat, labels = [], []
    lines = [(text, group) for group, texts in NEEDS.items() for text in texts] + [(text, None) for text in NOTHING]
    for at, (text, group) in enumerate(lines * 2):
        chat.append({"id": f"m{at}", "t": 9.0 * at, "platform": "web", "user": f"u{at}", "name": "", "text": text})
        answerable = group if group in ("replay", "invoice") else None
        labels.append(
            {"id": f"m{at}", "kind": "question" if group else "chatter", "group": group, "answerable": answerable}
            | {"ambiguous": doubtful and at % 5 == 0}
        )
    for file, rows in (("chat.jsonl", chat), ("labels.jsonl", labels)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name / file).write_text(text, encoding="utf-8")
