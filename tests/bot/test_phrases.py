"""The lines of the program in Chinese: none is out of date, none that somebody meets is missing."""

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app.sources import KINDS
from bot.phrases import chinese, in_language

BOT = Path(__file__).parents[2] / "bot"
RAISED = {"ConnectorError", "Refused", "TryLater", "SessionOver", "NoAnswer", "notice", "lost"}
PLATFORM = re.compile(r"(Bilibili|Kuaishou|WeCom|Telegram|Satori|DingTalk|Discord|Feishu|Slack): ")
NOT_SHOWN = re.compile("this is no|is no (Telegram|WeCom) chat|reply_url")
"""What only a delivery of our own making meets, and what the other program of a signed intake is told."""

COMPOSED = {
    "there are several sessions: {}",
    "should be a valid integer, unable to parse string as an integer, not {}",
    *(f"  {role}  column {{}}  {{}}" for role in ("time", "name", "text", "user")),
    "● connected",
    "● connected, also to what was said before",
    "{} (not tried again)",
    "  sending     {} of {} a minute and {} of {} an hour in the busiest chat",
    "no mistakes",
    *(f"{number} {what}" for number in ("no", "{}") for what in ("FAQ entries", "passages", "rows", "lines")),
    *(f"{number} {what}" for number in ("no", "{}") for what in ("messages", "persons", "askings", "groups")),
    *(f"{{}} {what}" for what in ("FAQ entry", "passage", "mistake", "mistakes", "row", "line", "message", "person")),
    *(f"{{}} {what}" for what in ("asking", "group", "talk", "talks", "evening", "evenings", "question", "questions")),
    "{}: {}, {} in {}, no course",
    "  {}  {} on {} evenings",
    "chat.jsonl and no labels.jsonl",
    *(os.strerror(number) for number in (errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOTDIR, errno.EEXIST)),
    *(os.strerror(number) for number in (errno.ENAMETOOLONG, errno.EROFS, errno.ENOSPC, errno.ECONNREFUSED)),
    *(f"Expecting {what}" for what in ("value", "',' delimiter", "':' delimiter")),
    *("Expecting property name enclosed in double quotes", "Illegal trailing comma before end of object"),
    *("Unterminated string starting at", "Extra data"),
}
"""What is put together in several places, or by others: the system, and who reads JSON."""


def template(node: ast.AST) -> str:
    """A text of the source with `{}` for what differs, as of a line of the log; "" for what is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{[^{}]*\}|%[sd]", "{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join("{}" if isinstance(part, ast.FormattedValue) else template(part) for part in node.values)
    return ""


def trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders:
        for file in sorted((BOT / folder).rglob("*.py")):
            yield ast.parse(file.read_text(encoding="utf-8"))


def of_knowledge() -> Iterator[ast.Module]:
    """What reads courses and labels, and loads models, says what is wrong with them; `training` is no command."""
    for file in sorted((BOT.parent / "knowledge").rglob("*.py")):
        if file.parent.name != "training":
            yield ast.parse(file.read_text(encoding="utf-8"))


def in_source() -> set[str]:
    return {
        said
        for tree in (*trees(""), *of_knowledge())
        for node in ast.walk(tree)
        for said in template(node).split("\n")
        if said
    }


def as_pattern(said: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, said.split("{}"))), re.DOTALL)


def test_every_line_of_the_book_is_one_that_the_program_says() -> None:
    """An English line that was changed in the code has to be changed in the book, or its Chinese is never shown."""
    whole = in_source()
    known = whole | {PLATFORM.sub("", said).removesuffix(" (code {})") for said in whole} | COMPOSED
    patterns = [as_pattern(said) for said in known if len(said.replace("{}", "")) > 7]

    def is_said(line: str) -> bool:
        plain = line.replace("{#}", "{}")
        return plain in known or bool(PLATFORM.fullmatch(plain[:-2])) or any(one.fullmatch(plain) for one in patterns)

    assert [line for line in chinese() if not is_said(line)] == []


def test_a_line_and_its_chinese_have_the_same_parts() -> None:
    """No part is lost or invented, whatever its order."""
    for line, words in chinese().items():
        count = len(re.findall(r"\{#?\}", line))
        numbered = re.findall(r"\{(\d)\}", words)
        assert len(numbered) == count if numbered else words.count("{}") == count, line
        assert {int(n) for n in numbered} <= set(range(count)), line


def said_by_connectors() -> set[str]:
    """What connectors raise or note: written there, or in a constant that is named there."""
    found: set[str] = set()
    constants: dict[str, set[str]] = {}
    calls: list[ast.Call] = []
    for tree in trees("connectors"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
                constants.setdefault(node.targets[0].id, set()).update(filter(None, map(template, values)))
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in RAISED:
                    calls.append(node)
    for call in calls:
        given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "text")]
        for one in given:
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "format":
                one = one.func.value
            found |= constants.get(one.id, set()) if isinstance(one, ast.Name) else {template(one)}
    return {said for said in found if re.search(r"[a-z] [a-z]", said)}


def test_what_the_chats_of_an_evening_in_china_may_say_is_in_the_book() -> None:
    """No trouble of a source is shown in English on a Chinese page; what stays so is named here."""
    missing = [
        said
        for said in sorted(said_by_connectors())
        if not NOT_SHOWN.search(said) and not re.search("[\u4e00-\u9fff]", in_language(said.replace("{}", "7"), "zh"))
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the program was not running", "程序没有在运行"),
        (
            "Bilibili: this computer's clock is 20 minutes ahead, so it takes no signature. Set the clock (automatic "
            "time). (code 4003)",
            "哔哩哔哩：本机时钟快了 20 分钟，签名因此被拒。请把时间设为自动校准。（错误码 4003）",
        ),
        ("app_id: is needed with variant open: the number of the project", "app_id：必须填写：项目 ID"),
        ("Tencent Cloud did not answer in time; check the network", "腾讯云没有及时响应，请检查网络"),
        (
            "channels: nothing is known of this (floormic connect channels tells how)",
            "channels: nothing is known of this (floormic connect channels tells how)",
        ),
        (
            "Tencent Cloud knows no such room: check room and sdk_app_id (ResourceNotFound.Room)",
            "腾讯云没有这个房间：请检查 room 和 sdk_app_id（ResourceNotFound.Room）",
        ),
        ("one\nthe program was not running", "one\n程序没有在运行"),
        ("a line that nobody knows: really", "a line that nobody knows: really"),
        ("{} {0} {x}", "{} {0} {x}"),
        ("", ""),
    ],
)
def test_a_line_is_said_in_chinese(text: str, said: str) -> None:
    """Its parts too; what is not known stays as it is, and English stays English."""
    assert in_language(text, "zh") == said
    assert in_language(text, "en") == text


def test_what_connect_asks_is_in_the_book() -> None:
    """Every question about a platform of an evening in China, and what each is about."""
    wanted = ("bilibili", "channels", "kuaishou", "wecom", "telegram", "intake")
    for kind in (KINDS[name] for name in wanted):
        assert in_language(kind.options.about, "zh") != kind.options.about
        for key, info in kind.options.model_fields.items():
            if info.json_schema_extra:  # secrets; the others are asked where they are missing
                assert in_language(str(info.description), "zh") != info.description, key
