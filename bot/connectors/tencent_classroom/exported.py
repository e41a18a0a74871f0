"""An exported chat, whatever form it has, to what was said. Pure: bytes and a file name in, messages out.

CSV, TSV, XLSX, JSON and plain text are told apart by what is in them. Which column holds what is guessed, with how sure
the guess is, and a person may say it instead.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from bot.connectors.tencent_classroom.chatlog import read_chatlog
from bot.connectors.tencent_classroom.clock import CHINA, Moment, read_moment, resolved
from bot.connectors.tencent_classroom.tables import (
    LONGEST_CELL,
    Problem,
    Row,
    Table,
    read_json,
    read_separated,
    read_workbook,
)
from bot.errors import BadInput
from bot.model import Message

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes."""

ROLES = ("time", "text", "name", "user")
"""What a column may hold; `user` is an id that the same person keeps. Only `text` is needed."""

WORDS = {
    "time": ("time", "timestamp", "date", "datetime", "at", "sent", "created", "时间", "日期"),
    "name": ("name", "nickname", "nick", "sender", "from", "author", "user", "username", "speaker",
             "昵称", "姓名", "发送人", "发送者", "发言人", "用户名", "用户", "成员", "名称"),
    "text": ("text", "message", "content", "msg", "body", "comment", "question",
             "内容", "消息", "文本", "弹幕", "评论", "提问", "问题", "发言", "聊天记录"),
    "user": ("userid", "uid", "openid", "account", "fromaccount", "用户id", "账号"),
}  # fmt: skip
PREFIXES = (
    "", "发送", "发言", "聊天", "消息", "提问", "用户", "create", "send", "sent", "msg", "message",
    "chat", "user", "sender",
)  # fmt: skip
NAMES = {role: {before + word for before in PREFIXES for word in words} for role, words in WORDS.items()}
"""How the columns are called, in small letters without blanks and underscores."""

SAMPLE = 60
"""Rows by which the columns are judged."""

PREAMBLE = 20
"""So many lines about the meeting may stand above the names of the columns."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A file as it was read. `columns` maps a role to its column, counted from 0; `confidence` is from 0 to 1.

    `header` names the columns ("" where nothing does); `rows` are those below it.
    """

    form: str
    encoding: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    columns: Mapping[str, int]
    confidence: float
    problems: tuple[Problem, ...] = ()

    @property
    def width(self) -> int:
        return max([len(self.header), *(len(row.cells) for row in self.rows[:SAMPLE])])


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the file. `id` is made of its content, so that the same file gives the same ones."""

    line: int
    id: str
    at: float | None
    name: str
    user: str
    text: str


def read_export(data: bytes, name: str) -> Guess:
    """Raises `BadInput`, whose text says what to do."""
    if len(data) > LARGEST_FILE:
        raise BadInput(f"is larger than {LARGEST_FILE // 1024**2} MB; split it")
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput("is a spreadsheet of the old kind; open it and save it as .xlsx")
    if data.startswith(b"PK\x03\x04"):
        return _guess(read_workbook(data), "")
    text, encoding = decode(data)
    if not text.strip():
        raise BadInput("is empty")
    return _guess(_table(text, name.lower()), encoding)


def decode(data: bytes) -> tuple[str, str]:
    """The text with plain line ends, and its encoding. Raises `BadInput`."""
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""), encoding
    raise BadInput("is no text in UTF-8, UTF-16 or GB18030; save it anew as UTF-8")


def _encodings(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    head = data[:2000]
    # Half of the bytes of English in UTF-16 are zero; other text has none.
    if head.count(0) > len(head) // 5:
        return ("utf-16-le", "utf-16-be") if head[1::2].count(0) >= head[::2].count(0) else ("utf-16-be", "utf-16-le")
    return ("utf-8-sig", "gb18030")


def _table(text: str, name: str) -> Table:
    if name.endswith((".json", ".jsonl")) or text.lstrip()[:1] in ("{", "["):
        try:
            return read_json(text)
        except BadInput:
            if name.endswith((".json", ".jsonl")):
                raise
    if name.endswith(".csv"):
        return read_separated(text, _delimiter(text, ",;\t|"), "csv")
    if name.endswith((".tsv", ".tab")):
        return read_separated(text, "\t", "tsv")
    log = read_chatlog(text)
    if log.sure >= 0.5:
        return log
    delimiter = _delimiter(text, "\t,;")
    if sum(delimiter in line for line in text.split("\n")[:SAMPLE]) > min(SAMPLE, text.count("\n") + 1) // 2:
        return read_separated(text, delimiter, "tsv" if delimiter == "\t" else "csv")
    return log


def _delimiter(text: str, marks: str) -> str:
    """The mark that most of the first lines have, the first of `marks` among equals."""
    lines = text.split("\n")[:SAMPLE]
    return max(marks, key=lambda mark: sum(mark in line for line in lines))


def _guess(table: Table, encoding: str) -> Guess:
    header, rows = table.header, table.rows
    if not header:
        header, rows = _headed(rows)
    if not rows:
        raise BadInput("has no message in it that can be recognised")
    scores = {
        (role, column): _score(role, column, header, rows[:SAMPLE]) for role in ROLES for column in _span(header, rows)
    }
    columns: dict[str, int] = {}
    for role in ROLES:
        left = [column for column in _span(header, rows) if column not in columns.values()]
        best = max(left, key=lambda column: scores[role, column], default=None)
        if best is not None and scores[role, best] >= 0.3:
            columns[role] = best
    sure = [scores[role, columns[role]] if role in columns else 0.0 for role in ("time", "text")]
    return Guess(table.form, encoding, header, rows, columns, round(min(sure) * table.sure, 2), table.problems)


def _span(header: Sequence[str], rows: Sequence[Row]) -> range:
    return range(max([len(header), *(len(row.cells) for row in rows[:SAMPLE])]))


def _headed(rows: tuple[Row, ...]) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """The row that names the columns, and those below it; exports put lines about the meeting above."""
    for index, row in enumerate(rows[:PREAMBLE]):
        named = {role for role in ROLES for cell in row.cells if _named(role, cell) == 1.0}
        if len(named) >= 2 and not any(read_moment(cell) for cell in row.cells):
            return row.cells, rows[index + 1 :]
    return (), rows


def _named(role: str, title: str) -> float:
    """How surely this title means this role."""
    title = title.strip().lower().replace(" ", "").replace("_", "")
    joined = title.replace(".", "")
    if {joined, title.rsplit(".", 1)[-1]} & NAMES[role]:
        return 1.0
    return 0.6 if len(title) <= 20 and any(len(word) > 1 and word in title for word in WORDS[role]) else 0.0


def _score(role: str, column: int, header: Sequence[str], rows: Sequence[Row]) -> float:
    cells = [row.cells[column].strip() for row in rows if column < len(row.cells)]
    filled = [cell for cell in cells if cell]
    looks = _looks(role, filled) * len(filled) / len(rows) if filled else 0.0
    title = header[column] if column < len(header) else ""
    if not title:
        return 0.9 * looks
    # A column that is called a time and holds none is none.
    return 0.6 * _named(role, title) + 0.4 * looks if role != "time" or looks else 0.0


def _looks(role: str, cells: Sequence[str]) -> float:
    times = sum(read_moment(cell) is not None for cell in cells) / len(cells)
    length = sum(len(cell) for cell in cells) / len(cells)
    match role:
        case "time":
            return times
        case "text":
            return (1 - times) * min(1.0, 0.5 + length / 20) * (0.3 if all(map(str.isdigit, cells)) else 1.0)
        case "name":
            return (1 - times) * (0.9 if length <= 16 else 0.2)
    return 0.0  # an id looks like anything; only its title tells


def said(guess: Guess, columns: Mapping[str, int], day: date, zone: tzinfo = CHINA) -> tuple[list[Said], list[Problem]]:
    """What was said, in the order of the file, and which rows were skipped. `day` is that of times without one, and
    `zone` that of those which name none."""
    kept: list[tuple[Row, Moment | None]] = []
    problems = list(guess.problems)
    for row in guess.rows:
        moment = read_moment(_at(row, columns.get("time")), zone)
        if why := _wrong(row, moment, columns):
            problems.append(Problem(row.line, why))
        else:
            kept.append((row, moment))
    times = iter(resolved([moment for _, moment in kept if moment], day, zone))
    count: Counter[str] = Counter()
    found = []
    for row, moment in kept:
        name, text = _at(row, columns.get("name")), _at(row, columns.get("text"))
        content = "\x1f".join([moment.stamp if moment else "", name, text])
        count[content] += 1
        id = hashlib.sha256(f"{content}\x1f{count[content]}".encode()).hexdigest()[:32]
        user = _at(row, columns.get("user")) or name or f"anonymous-{id[:8]}"
        found.append(Said(row.line, id, next(times) if moment else None, name[:200], user[:200], text))
    return found, sorted(problems, key=lambda problem: problem.line)


def _wrong(row: Row, moment: Moment | None, columns: Mapping[str, int]) -> str:
    text = _at(row, columns.get("text"))
    if not text:
        return "has no text"
    if len(text) > LONGEST_CELL:
        return f"is longer than {LONGEST_CELL:,} characters"
    return "has a time that cannot be read" if "time" in columns and moment is None else ""


def _at(row: Row, column: int | None) -> str:
    return row.cells[column].strip() if column is not None and column < len(row.cells) else ""


def messages(lines: Sequence[Said], source: str, session: str, otherwise: float) -> list[Message]:
    """`otherwise`: when those were said that have no time, in Unix seconds."""
    return [
        Message(session, source, one.id, one.user, one.name, one.text, otherwise if one.at is None else one.at)
        for one in lines
    ]
