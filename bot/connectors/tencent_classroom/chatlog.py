"""Chats that were saved as plain text, to a table of time, name and text. Pure.

Two forms are read: "19:30:05 张三：有回放吗" in one line, and a line with name and time above what was said.
"""

import re
from collections import Counter

from bot.connectors.tencent_classroom.clock import read_moment
from bot.connectors.tencent_classroom.tables import LONGEST_CELL, MOST_ROWS, Problem, Row, Table

HEADER = ("time", "name", "text")
LONGEST_NAME = 64
PREAMBLE = 20
"""So many lines about the meeting may stand above the first message."""

LONGEST_HEAD = 200
"""Characters of a line within which time and name are looked for."""

DAY = r"20[0-9]{2}\s?[-/.年]\s?[0-9]{1,2}\s?[-/.月]\s?[0-9]{1,2}日?[T ]{0,2}"
CLOCK = r"[0-9]{1,2}[:：][0-9]{2}(?:[:：][0-9]{2}(?:[.,][0-9]{1,9})?)?"
TIME = rf"(?P<time>(?:{DAY})?(?:上午|下午|[AP]M ?)?{CLOCK}(?: ?[AP]M)?)"
NAME = r"(?P<name>\S[^:：\t]{0,120})"
OPEN, CLOSE = r"[\[(（【]", r"[\])）】]"

# Each can begin at one place only, so that no line takes long.
ONE_LINE = re.compile(rf"{OPEN}?{TIME}{CLOSE}?\s*(?:from\s+)?{NAME}[:：]\s*(?P<text>\S.*)", re.I)
TIME_FIRST = re.compile(rf"{OPEN}?{TIME}{CLOSE}?\s+{NAME}[:：]?", re.I)
IN_BRACKETS = re.compile(rf"\s?{OPEN}{TIME}{CLOSE}\s?[:：]\s?(?P<text>\S.*)", re.I)
AT_THE_END = re.compile(
    rf"[\s:：]{OPEN}?{TIME}{CLOSE}?[:：]?$|{OPEN}{TIME.replace('<time>', '<enclosed>')}{CLOSE}$", re.I
)
ANY_TIME = re.compile(r"[0-9][:：][0-9]{2}")
AUDIENCE = re.compile(r"\s*(?:->|→|\bto\b|对|发送给)\s*(?:everyone|all|所有人|全体成员|大家).*$|\s+说$", re.I)


def read_chatlog(text: str) -> Table:
    """`sure` is the share of the lines that have the form which the file has as a whole."""
    lines = text.split("\n")
    heads = [_head(line) for line in lines]
    shapes = Counter(_shape(head) for head in heads if head)
    usual = max(shapes, key=lambda shape: shapes[shape], default=None)
    return _gather(lines, [head if head and _shape(head) == usual else None for head in heads])


def _shape(head: tuple[str, str, str]) -> tuple[bool, str]:
    """How the heads of one file look alike: "see you 8:30" in a message is none of those with seconds."""
    return bool(head[2]), re.sub(r"[0-9]+", "0", head[0])


def _head(line: str) -> tuple[str, str, str] | None:
    """Time, name and text of a line that begins a message."""
    whole = line.strip()
    start = whole[:LONGEST_HEAD]
    if not ANY_TIME.search(start):
        return None
    if found := ONE_LINE.match(start):
        return _checked(found["time"], found["name"], whole[found.start("text") :])
    if found := IN_BRACKETS.search(start):
        return _checked(found["time"], start[: found.start()], whole[found.start("text") :])
    if found := TIME_FIRST.fullmatch(whole[: LONGEST_HEAD + 1]):
        return _checked(found["time"], found["name"], "")
    if len(whole) <= LONGEST_HEAD and (found := AT_THE_END.search(whole)):
        return _checked(found["time"] or found["enclosed"], whole[: found.start()].rstrip(":： "), "")
    return None


def _checked(time: str, name: str, text: str) -> tuple[str, str, str] | None:
    """None where the time is none, or what stands in the place of the name is too long for one."""
    name = AUDIENCE.sub("", name).strip()
    ok = 0 < len(name) <= LONGEST_NAME and not re.search(r"[:：\t]", name) and read_moment(time) is not None
    return (time, name, text) if ok else None


def _gather(lines: list[str], heads: list[tuple[str, str, str] | None]) -> Table:
    """What stands between two heads belongs to the first of them."""
    rows: list[Row] = []
    problems: list[Problem] = []
    said: list[str] = []
    begun: tuple[int, str, str] | None = None

    def close() -> None:
        if begun:
            # Longer ones are told by whoever reads the rows.
            rows.append(Row(begun[0], (begun[1], begun[2], "\n".join(said).strip()[: LONGEST_CELL + 1])))

    lost = 0
    for number, (line, head) in enumerate(zip(lines, heads, strict=True), 1):
        if head and len(rows) >= MOST_ROWS:
            problems.append(Problem(number, f"more than {MOST_ROWS:,} messages; the rest is left out, split the file"))
            break
        if head:
            close()
            begun, said = (number, head[0], head[1]), [head[2]]
        elif begun:
            said.append(line)
        elif line.strip():
            lost += 1
    close()
    if rows and lost:
        problems.insert(0, Problem(1, f"{lost} lines before the first message are left out"))
    sure = _sure(len(rows), lines[rows[0].line - 1 :]) if rows and lost <= PREAMBLE else _sure(len(rows), lines)
    return Table("txt", tuple(rows), HEADER if rows else (), tuple(problems), sure)


def _sure(messages: int, lines: list[str]) -> float:
    filled = sum(1 for line in lines if line.strip())
    # A message takes one line or two; more are a message that somebody wrote in several.
    return min(1.0, 2 * messages / filled) if filled else 0.0
