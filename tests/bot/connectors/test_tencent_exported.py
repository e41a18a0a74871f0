"""Exported chats, in every form that people have them."""

import io
import json
import tracemalloc
import zipfile
from datetime import date, datetime, time, timedelta, timezone
from time import monotonic
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.connectors.tencent_classroom import exported, tables
from bot.connectors.tencent_classroom.chatlog import read_chatlog
from bot.connectors.tencent_classroom.clock import Moment, read_moment, resolved
from bot.connectors.tencent_classroom.exported import Guess, Said, decode, messages, read_export, said
from bot.errors import BadInput

DAY = date(2026, 11, 1)
EVENING = datetime(2026, 11, 1, 19, 30, 5, tzinfo=timezone(timedelta(hours=8))).timestamp()


def read(data: bytes | str, name: str) -> tuple[Guess, list[Said]]:
    guess = read_export(data.encode() if isinstance(data, str) else data, name)
    return guess, said(guess, guess.columns, DAY)[0]


def lines(data: bytes | str, name: str) -> list[tuple[float | None, str, str]]:
    return [(one.at and one.at - EVENING, one.name, one.text) for one in read(data, name)[1]]


def workbook(*rows: list[Any], title: str = "Chat") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


BOTH = [(0, "张三", "有回放吗"), (4, "李四", "课件, 在哪里？")]
FORMS = {
    "one line each": ("chat.txt", "19:30:05 张三：有回放吗\n19:30:09 李四: 课件, 在哪里？\n"),
    "one line each, in brackets": ("chat.txt", "[19:30:05] 张三：有回放吗\n[19:30:09] 李四：课件, 在哪里？"),
    "one line each, with a day": (
        "chat.txt",
        "2026-11-01 19:30:05 张三：有回放吗\n2026-11-01 19:30:09 李四：课件, 在哪里？",
    ),
    "the time behind the name": ("chat.txt", "张三(19:30:05)：有回放吗\n李四(19:30:09)：课件, 在哪里？\n"),
    "a meeting's client, to everyone": (
        "chat.txt",
        "19:30:05 张三 对 所有人 说：有回放吗\n19:30:09 李四 to Everyone: 课件, 在哪里？",
    ),
    "name and time above": ("chat.txt", "张三 19:30:05\n有回放吗\n\n李四 19:30:09\n课件, 在哪里？\n"),
    "time and name above": ("chat.txt", "2026-11-01 19:30:05 张三\n有回放吗\n2026-11-01 19:30:09 李四\n课件, 在哪里？"),
    "with lines about the meeting": (
        "chat.txt",
        "会议主题：MES 入门\n会议号：445 999 969\n\n"
        "张三 2026/11/01 19:30:05\n有回放吗\n李四 2026/11/01 19:30:09\n课件, 在哪里？\n",
    ),
    "csv": ("chat.csv", '时间,昵称,内容\n2026/11/1 19:30:05,张三,有回放吗\n2026/11/1 19:30:09,李四,"课件, 在哪里？"\n'),
    "csv with semicolons": ("c.csv", "name;text;time\n张三;有回放吗;19:30:05\n李四;课件, 在哪里？;19:30:09\n"),
    "csv under lines about the meeting": (
        "chat.csv",
        "会议主题,MES 入门\n会议号,445999969\n\n发送人,发送时间,聊天内容\n"
        '张三,19:30:05,有回放吗\n李四,19:30:09,"课件, 在哪里？"',
    ),
    "csv without names of columns": ("c.csv", '19:30:05,张三,有回放吗\n19:30:09,李四,"课件, 在哪里？"\n'),
    "tsv": ("chat.tsv", "Time\tName\tMessage\n19:30:05\t张三\t有回放吗\n19:30:09\t李四\t课件, 在哪里？\n"),
    "tsv that calls itself text": ("chat.txt", "19:30:05\t张三\t有回放吗\n19:30:09\t李四\t课件, 在哪里？\n"),
    "json": (
        "chat.json",
        json.dumps([
            {"time": "2026-11-01T19:30:05+08:00", "nickname": "张三", "content": "有回放吗"},
            {"time": "2026-11-01T11:30:09Z", "nickname": "李四", "content": "课件, 在哪里？"},
        ]),
    ),
    "json in an envelope": (
        "chat.json",
        json.dumps({"code": 0, "data": {"list": [
            {"msg_time": int(EVENING * 1000), "user": {"nick": "张三", "id": "u1"}, "msg": "有回放吗"},
            {"msg_time": int(EVENING * 1000) + 4000, "user": {"nick": "李四", "id": "u2"}, "msg": "课件, 在哪里？"},
        ]}}),
    ),
    "json lines": (
        "chat.jsonl",
        f'{{"timestamp": {EVENING:.0f}, "name": "张三", "text": "有回放吗"}}\n'
        f'{{"timestamp": {EVENING + 4:.0f}, "name": "李四", "text": "课件, 在哪里？"}}\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_every_encoding_is_read(form: str, encoding: str) -> None:
    """Time, name and text come out whole, and the guess is sure enough to go on by itself."""
    name, text = FORMS[form]
    data = text.encode(encoding)
    if encoding == "utf-16-le" and data.count(0) <= len(data) // 5:
        pytest.skip("without a mark, Chinese in UTF-16 looks like other things; nobody saves it so")
    guess, found = read(data, name)
    assert [(one.at and one.at - EVENING, one.name, one.text) for one in found] == BOTH
    assert guess.confidence >= 0.5
    assert guess.problems == () or form == "with lines about the meeting"


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_of_every_machine_are_read(ends: str) -> None:
    """Files of Windows and of old Macs."""
    for name, text in FORMS.values():
        assert lines(text.replace("\n", ends), name) == BOTH


def test_a_spreadsheet_is_read_with_times_as_cells_and_as_text() -> None:
    """Dates, times and texts of cells are understood; lines above the columns' names and an id of the person too."""
    data = workbook(
        ["会议主题", "MES 入门"],
        [],
        ["发送时间", "用户ID", "姓名", "消息内容"],
        [datetime(2026, 11, 1, 19, 30, 5), "u1", "张三", "有回放吗"],
        [time(19, 30, 9), "u2", "李四", "课件, 在哪里？"],
        ["2026-11-01 19:30:10", 7, "王五", 42],
    )
    guess, found = read(data, "chat.xlsx")
    assert [(one.at and one.at - EVENING, one.name, one.text) for one in found] == [*BOTH, (5, "王五", "42")]
    assert [(one.line, one.user) for one in found] == [(4, "u1"), (5, "u2"), (6, "7")]
    assert (guess.form, guess.columns) == ("xlsx", {"time": 0, "user": 1, "name": 2, "text": 3})


def test_what_is_said_in_several_lines_stays_together() -> None:
    """Lines without a head of their own belong to the message above, also where they look a little like a head."""
    text = "张三 19:30:05\n第一行\n\n见面 8:30\n第三行\n李四 19:30:09\n好\n"
    assert lines(text, "c.txt") == [(0, "张三", "第一行\n\n见面 8:30\n第三行"), (4, "李四", "好")]


def test_after_midnight_it_is_the_next_day() -> None:
    """Times without a day go on; one that comes a little out of order does not jump a day."""
    moments = [Moment(None, 86390), Moment(None, 86380), Moment(None, 5)]
    began = resolved(moments, DAY)
    assert [at - began[0] for at in began] == [0, -10, 15]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-01 19:30:05", 0),
        ("2026/11/1 19:30", -5),
        ("2026年11月1日 19:30:05", 0),
        ("2026.11.01 下午7:30:05", 0),
        ("2026-11-01 7:30:05 PM", 0),
        ("2026-11-01T19:30:05.123+08:00", 0),
        ("2026-11-01T11:30:05Z", 0),
        ("【2026-11-01 19：30：05】", 0),
        (f"{EVENING:.0f}", 0),
        (f"{EVENING * 1000:.0f}", 0),
    ],
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    """Each is the same evening."""
    moment = read_moment(text)
    assert moment
    assert moment.at == EVENING + seconds


@pytest.mark.parametrize(
    "text", ["", "25:00", "19:61", "2026-13-01 10:00", "2026-02-30 10:00", "12345", "19.30", "99999999999999", "١٩:٣٠",
             "2026-11-01 19:30+99:99"]
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    """Numbers and days that do not exist are no times."""
    assert read_moment(text) is None


def test_rows_that_cannot_be_used_are_named_with_their_line() -> None:
    """No text, no time, too long: each is skipped with its line, the others are read."""
    text = f"时间,昵称,内容\n19:30:05,张三,\n半夜,李四,好\n19:30:06,王五,{'长' * 10_001}\n19:30:05,赵六,有回放吗\n"
    guess = read_export(text.encode(), "c.csv")
    found, problems = said(guess, guess.columns, DAY)
    assert [(p.line, p.why) for p in problems] == [
        (2, "has no text"),
        (3, "has a time that cannot be read"),
        (4, "is longer than 10,000 characters"),
    ]
    assert [(one.line, one.text) for one in found] == [(5, "有回放吗")]


def test_a_quotation_mark_that_never_ends_swallows_nothing() -> None:
    """It stands for itself where a row would else span half of the file."""
    text = '时间,昵称,内容\n19:30:05,张三,"什么是 MES\n' + "19:30:06,李四,第二条\n" * 300
    assert len(read(text, "c.csv")[1]) == 301


def test_ids_come_from_the_content() -> None:
    """The same file has the same ids, a longer one keeps them, and who says the same again says it twice."""
    text = "19:30:05 张三：有吗\n19:30:05 张三：有吗\n19:30:05 李四：有吗\n"
    first, second = read(text, "a.txt")[1], read(text + "19:30:07 张三：有吗\n", "b.txt")[1]
    assert len({one.id for one in second}) == 4
    assert [one.id for one in first] == [one.id for one in second[:3]]
    table = "时间,昵称,内容\n19:30:05,张三,有吗\n"
    assert read(table, "c.csv")[1][0].id == first[0].id


def test_nobody_said_it_under_no_name() -> None:
    """Without a name each message is its own person; without a time it is given one."""
    guess = read_export("内容\n有回放吗\n课件呢\n".encode(), "c.csv")
    found, _ = said(guess, {"text": 0}, DAY)
    made = messages(found[-2:], "tencent_classroom", "talk", 5.0)
    assert [(m.text, m.at, m.address) for m in made] == [("有回放吗", 5.0, None), ("课件呢", 5.0, None)]
    assert len({m.author for m in made}) == 2


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"", "a.csv", "is empty"),
        (b"  \n\n", "a.txt", "is empty"),
        (b"\xd0\xcf\x11\xe0....", "a.xls", "save it as .xlsx"),
        (b"PK\x03\x04broken", "a.xlsx", "cannot be read as a spreadsheet"),
        (b"\xff\xff\xff", "a.txt", "no text in UTF-8, UTF-16 or GB18030"),
        ("张三：有回放吗\n".encode(), "a.txt", "no message in it"),
        (b'{"a": 1}', "a.json", "no message in it"),
        (b"[1, 2", "a.json", "is no JSON"),
        (b"[" * 100_000, "a.json", "JSON|nested"),
        (b'{"a":' * 100_000, "a.json", "JSON|nested"),
    ],
)
def test_a_file_that_is_none_says_what_to_do(data: bytes, name: str, why: str) -> None:
    """One line for people; no other exception."""
    with pytest.raises(BadInput, match=why):
        read_export(data, name)


def test_a_part_that_is_blown_up_is_refused() -> None:
    """200 KB of empty texts would keep the program busy for a minute, though they unpack to less than the most; a real
    chat that repeats itself is read."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"<si><t/></si>" * 7_000_000)
    with pytest.raises(BadInput, match="far more than it weighs"):
        read_export(stream.getvalue(), "bomb.xlsx")
    book = openpyxl.Workbook()
    for _ in range(10_000):
        book.active.append(["19:30:00", "张三", "有回放吗"])
    real = io.BytesIO()
    book.save(real)
    assert len(read_export(real.getvalue(), "chat.xlsx").rows) == 10_000


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spreadsheet may claim gigabytes: it is not unpacked."""
    monkeypatch.setattr(tables, "LARGEST_RATIO", 10**6)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (tables.LARGEST_UNPACKED + 1))
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="unpacks to more than"):
            read_export(stream.getvalue(), "bomb.xlsx")
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(exported, "LARGEST_FILE", 10)
    with pytest.raises(BadInput, match="is larger than"):
        read_export(b"x" * 11, "a.txt")


def test_more_rows_than_a_chat_has_are_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of a file that is too long is named, in every form."""
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    text = "时间,昵称,内容\n" + "19:30:05,张三,有吗\n" * 9
    guess = read_export(text.encode(), "c.csv")
    assert len(guess.rows) == 2
    assert "the rest is left out" in guess.problems[-1].why
    guess = read_export(workbook(["时间", "内容"], *[["19:30:05", "有吗"]] * 9), "c.xlsx")
    assert len(guess.rows) == 2
    assert "the rest is left out" in guess.problems[-1].why


@pytest.mark.parametrize(
    "line",
    ["x" + " :" * 99, "a" + " " * 198, "a 1:11 " * 28, "[1:11] :" * 24, "1:11 " + "a " * 97, "[1:11" + " " * 190 + "x",
     "from " * 20 + "1:11", "2026-11-01 " * 18],
)  # fmt: skip
def test_no_line_takes_long(line: str) -> None:
    """Lines made to be looked at again and again take less than a millisecond each."""
    began = monotonic()
    read_chatlog(f"{line}\n" * 2000)
    assert monotonic() - began < 2


NAMES = st.sampled_from(["a.csv", "a.tsv", "a.txt", "a.json", "a.jsonl", "a.xlsx", "聊天", ""])
PIECES = st.sampled_from(
    ["19:30:05", "2026-11-01 19:30:05", "张三", "：", ":", ",", "\t", ";", '"', "\n", "\r", " ", "[", "{", "}", "]",
     "时间", "内容", "name", "text", "有回放吗", "\0", "1e999", "9" * 30, "😀"]
)  # fmt: skip


def taken(data: bytes, name: str) -> None:
    """Whatever it is, it is read or refused with a line for people, and can be stored."""
    try:
        guess = read_export(data, name)
    except BadInput as error:
        refused = str(error)
        assert refused and "\n" not in refused  # noqa: PT018 (not every input is refused)
        return
    assert 0 <= guess.confidence <= 1
    found, _ = said(guess, guess.columns, DAY)
    assert len({one.id for one in found}) == len(found)
    for message in messages(found, "s", "talk", 1.0):
        "".join((message.text, message.author, message.author_name)).encode()
        assert message.author


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000), NAMES)
@example(b'{"a": ' + b"9" * 6000 + b"}", "a.json")
@example(b'[{"text": "\\ud800", "time": 1e400}]', "a.json")
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    """No bytes make another exception."""
    taken(data, name)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60), NAMES, st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_anything_like_a_chat_is_read_or_refused(pieces: list[str], name: str, encoding: str) -> None:
    """Nor does what is nearly a chat."""
    taken("".join(pieces).encode(encoding), name)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_spreadsheet_with_any_broken_byte_is_read_or_refused(data: st.DataObject) -> None:
    """Nor does a spreadsheet that was damaged."""
    whole = bytearray(SHEET)
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    taken(bytes(whole), "a.xlsx")


SHEET = workbook(["时间", "内容"], ["19:30:05", "有吗"])


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.recursive(PLAIN, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=6), x, max_size=4)))
def test_any_json_is_read_or_refused(value: Any) -> None:
    """Nor does any JSON."""
    taken(json.dumps(value).encode(), "a.json")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300).filter(lambda text: "\0" not in text and "\r" not in text))
def test_text_comes_back_from_every_encoding(text: str) -> None:
    """What is encoded in UTF-8 with a mark or in UTF-16 with a mark is decoded to the same."""
    text = text.removeprefix("\ufeff")
    for encoding in ("utf-8-sig", "utf-16"):
        try:
            data = text.encode(encoding)
        except UnicodeEncodeError:
            return
        assert decode(data)[0] == text.removeprefix("\ufeff")
