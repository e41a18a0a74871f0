"""Small labelled data of every form, written where a test wants them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

TOPIC = {
    "faq": [{"id": "f1", "q": "回放在哪里看", "a": "主页。"}],
    "groups": [
        {"id": "g1", "faq": "f1", "asks": ["回放在哪里看", "回放在哪里看？"]},
        {"id": "g2", "faq": None, "asks": ["怎么开发票"]},
    ],
    "not_asking": ["666", "哈哈哈"],
}

MESSAGES = ("回放在哪里看？", "666", "回放在哪里看", "怎么开发票？", "哈哈哈")
LABELS = (
    ("question", "g1", "replay"),
    ("chatter", None, None),
    ("question", "g1", "replay"),
    ("question", "g2", None),
    ("chatter", None, None),
)
FAQ = "# FAQ\n\n## 回放在哪里看\n<!-- id: replay -->\n\n在主页。\n"


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def message(n: int, text: str) -> dict[str, Any]:
    return {"id": f"m{n}", "t": float(n), "platform": "web", "user": f"u{n}", "name": "", "text": text}


def label(n: int, kind: str, group: str | None, source: str | None, ambiguous: bool = False) -> dict[str, Any]:
    return {"id": f"m{n}", "kind": kind, "group": group, "answerable": source, "ambiguous": ambiguous}


def write_talk(folder: Path, labels: Iterable[Mapping[str, Any]] | None = None) -> Path:
    (folder / "course").mkdir(parents=True)
    (folder / "course" / "faq.md").write_text(FAQ, encoding="utf-8")
    write_lines(folder / "chat.jsonl", (message(n, text) for n, text in enumerate(MESSAGES)))
    write_lines(folder / "labels.jsonl", labels or (label(n, *row) for n, row in enumerate(LABELS)))
    return folder


def write_topic(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "one.json").write_text(json.dumps(TOPIC, ensure_ascii=False), encoding="utf-8")
    return folder


def write_public(folder: Path) -> Path:
    """One of each public set, a few lines each, in the form that it has where it is published."""
    for name in ("stackfaq", "zoomcamp", "hint3", "cped", "fragjetzt", "drcd_zhtw", "cmrc2018_zh"):
        (folder / name).mkdir(parents=True)
    write_lines(
        folder / "stackfaq/groups.jsonl",
        [
            {"group": n, "question": f"how to {word}", "rephrasings": [f"{word} how", f"can I {word}"], "answers": []}
            for n, word in enumerate(("strike text", "reset a password", "rename a file"))
        ],
    )
    names = ("alpha", "beta", "gamma", "delta")
    write_lines(
        folder / "zoomcamp/documents.jsonl",
        [{"text": f"{n} it is", "section": "s", "question": f"what is {n}", "course": "c", "id": n} for n in names],
    )
    write_lines(
        folder / "zoomcamp/ground_truth.jsonl",
        [{"question": f"tell me what is {n}", "course": "c", "document": n} for n in names],
    )
    (folder / "hint3/curekart_train.csv").write_text("sentence,label\nwhere is my order,ORDER\nmy order,ORDER\n")
    (folder / "hint3/curekart_test.csv").write_text("sentence,label\nwhere is my order,ORDER\nHy,NO_NODES_DETECTED\n")
    bank = folder / "intents_en/BANKING77-OOS"
    for part, labels in (("train", "label"), ("test", "label"), ("id-oos/test", "label_original")):
        (bank / part).mkdir(parents=True)
        (bank / part / "seq.in").write_text("where is my card\nhow do I pay\n")
        (bank / part / labels).write_text("card\npay\n")
    (bank / "ood-oos/test").mkdir(parents=True)
    (bank / "ood-oos/test/seq.in").write_text("how tall is a tree\n")
    write_lines(
        folder / "cped/valid.jsonl",
        [{"text": "怎么了？", "is_question": True}, {"text": "没事", "is_question": False}],
    )
    write_lines(
        folder / "fragjetzt/posts_de.jsonl",
        [{"text": "Warum ist das so?", "has_qmark": True}, {"text": "Moin", "has_qmark": False}],
    )
    article = {
        "title": "茶",
        "paragraphs": [
            {
                "context": f"第{n}種茶產於南方{n}山。",
                "id": str(n),
                "qas": [{"question": f"第{n}種茶產於哪裡", "id": f"{n}-1", "answers": [{"text": f"南方{n}山"}]}],
            }
            for n in range(4)
        ],
    }
    for name in ("drcd_zhtw", "cmrc2018_zh"):
        (folder / name / "set.json").write_text(json.dumps({"data": [article]}, ensure_ascii=False), encoding="utf-8")
    return folder
