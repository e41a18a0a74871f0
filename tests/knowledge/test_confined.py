"""What people send as a course, and what others send to do harm: real files, read as the program reads them."""

import io
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import docx
import pytest

from knowledge.archives import NotTaken
from knowledge.confined import USUAL, Limits, course_of, lines_of, read_sent
from knowledge.course import Course, read_course

SAMPLE = Path("knowledge/sample/zh/course")
FAQ = "# 常见问题\n\n## 有录像吗？\n\n有，明天上传。\n"
WITHIN = 10.0  # seconds of the processor: those of the clock depend on what else the machine does
PATIENT = replace(USUAL, patience=30.0)
GROWTH = 50 * 1024  # KiB


def zipped(files: Mapping[str, bytes | str], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


async def read(folder: Path, data: bytes, name: str = "course.zip", limits: Limits = PATIENT) -> Course:
    sent = folder / "sent"
    sent.write_bytes(data)
    return await read_sent(sent, name, folder / "into", limits=limits)


def below(folder: Path) -> list[Path]:
    """The files in a folder and in those in it."""
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def peak(forget: bool = False) -> int:
    """The most memory that this process ever had, in KiB, since it was last asked to forget that."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def busy() -> float:
    """Seconds of the processor that this process and its children that ended have taken."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


async def harmless(folder: Path, data: bytes, name: str = "course.zip") -> Course | str:
    """What became of it: the course, or why it was refused. Whatever it is, it takes neither time nor memory."""
    sent = folder / "sent"
    sent.write_bytes(data)
    del data
    before, began = peak(forget=True), busy()
    try:
        became: Course | str = await read_sent(sent, name, folder / "into", limits=PATIENT)
    except NotTaken as error:
        became = str(error)
    assert busy() - began < WITHIN
    assert peak() - before < GROWTH
    assert {path.relative_to(folder).parts[0] for path in below(folder)} <= {"sent", "into"}
    return became


async def test_a_zipped_folder_reads_as_the_folder_does(tmp_path: Path) -> None:
    """Entries, passages and their ids are those of the same folder read in place, and the order too."""
    files = {f"我的课程/{path.name}": path.read_bytes() for path in below(SAMPLE)}
    assert await read(tmp_path, zipped(files)) == read_course(SAMPLE)


async def test_what_other_systems_leave_in_archives_is_passed_over(tmp_path: Path) -> None:
    """macOS's and Windows's litter is neither read nor complained of, and a folder around the folder is taken off."""
    litter = dict.fromkeys(("__MACOSX/课/._faq.md", "课/.DS_Store", "课/Thumbs.db", "课/~$draft.docx"), b"\x00\x05")
    course = await read(tmp_path, zipped({**litter, "课/": "", "课/内/faq.md": FAQ, "课/内/deep/notes.md": "# A\n\nb"}))
    assert [entry.id for entry in course.entries] == ["faq#有录像吗"]
    assert [passage.id for passage in course.passages] == ["deep/notes#A"]
    assert not course.problems


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
async def test_names_without_a_word_of_their_encoding(tmp_path: Path, encoding: str) -> None:
    """Chinese Windows writes GB18030 and says nothing, older macOS UTF-8: both read as their sender reads them."""
    name = "第三讲 笔记.md".encode(encoding)
    stand_in = "x" * (len(name) - 3) + ".md"
    data = zipped({stand_in: "# 伺服\n\n调参数。", "faq.md": FAQ}).replace(stand_in.encode(), name)
    course = await read(tmp_path, data)
    assert [passage.id for passage in course.passages] == ["第三讲 笔记#伺服"]


async def test_a_name_in_the_extra_field_goes_before_the_plain_one(tmp_path: Path) -> None:
    """Info-ZIP writes the name in UTF-8 beside the plain one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        part = zipfile.ZipInfo("notes.md")
        told = struct.pack("<BL", 1, zlib.crc32(b"notes.md")) + "讲义.md".encode()
        part.extra = struct.pack("<HH", 0x7075, len(told)) + told
        archive.writestr(part, "# A\n\nb")
    assert [passage.id for passage in (await read(tmp_path, made.getvalue())).passages] == ["讲义#A"]


async def test_a_single_file_is_a_course_too(tmp_path: Path) -> None:
    """One .md or .docx is taken as it is, under its own name without the folders of its sender."""
    assert [e.id for e in (await read(tmp_path, FAQ.encode(), "C:\\课\\faq.md")).entries] == ["faq#有录像吗"]
    made = io.BytesIO()
    document = docx.Document()
    document.add_heading("安装", 1)
    document.add_paragraph("先断电。")
    document.save(made)
    (tmp_path / "second").mkdir()
    course = await read(tmp_path / "second", made.getvalue(), "手册.docx")
    assert [passage.id for passage in course.passages] == ["手册.docx#安装"]


async def test_what_is_not_read_is_told_once_for_each_kind_and_is_not_unpacked(tmp_path: Path) -> None:
    """A course with pictures beside its texts is taken; programs and archives in it are not even unpacked."""
    pictures = {f"pic{n}.png": b"\x89PNG" for n in range(40)}
    inner = {"inner.zip": zipped({"faq.md": FAQ}), "run.exe": b"MZ"}
    course = await read(tmp_path, zipped({**pictures, **inner, "faq.md": FAQ}))
    assert {problem.file for problem in course.problems} == {"run.exe", "pic0.png (+39)", "inner.zip"}
    assert [path.name for path in below(tmp_path / "into")] == ["faq.md"]


async def test_a_picture_beside_the_folder_changes_no_id(tmp_path: Path) -> None:
    """It is not kept, so that the next version, packed of what is kept, would have other ones."""
    faq = "## Is it free?\n\nYes.\n"
    found = []
    for n, files in enumerate(({"week1/faq.md": faq, "cover.png": b"x"}, {"week1/faq.md": faq}, {"faq.md": faq})):
        (tmp_path / str(n)).mkdir()
        found.append((await read(tmp_path / str(n), zipped(files))).entries[0].id)
    assert found == ["faq#is-it-free"] * 3


async def test_a_file_that_is_not_what_its_name_says_is_told(tmp_path: Path) -> None:
    """The first bytes must fit the ending."""
    course = await read(tmp_path, zipped({"a.pdf": b"MZ\x90", "b.docx": b"<html>", "faq.md": FAQ}))
    assert ["no such file" in problem.message for problem in course.problems] == [True, True]
    assert len(course.entries) == 1


def links() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("faq.md")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return made.getvalue()


def overlapping() -> bytes:
    """Many entries of the table lead to the one file that is there (as in "A better zip bomb", Fifield 2019)."""
    data = zipped({"a0.md": b"\0" * 5_000_000})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    table = b"".join(entry.replace(b"a0.md", b"a%d.md" % n) for n in range(10))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, len(table), start, 0)
    return data[:start] + table + tail


def lying() -> bytes:
    """The table says that a megabyte comes out, and it is 200."""
    size = 200_000_000
    data = zipped({"faq.md": b"\0" * size})
    return data.replace(struct.pack("<L", size), struct.pack("<L", 1_000_000))


def locked() -> bytes:
    data = bytearray(zipped({"faq.md": FAQ}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def nested() -> bytes:
    inner = zipped({"faq.md": b"\0" * 100_000_000})
    for _ in range(4):
        inner = zipped({f"{n}.zip": inner for n in range(16)})
    return inner


HARMFUL: dict[str, tuple[Callable[[], bytes], str]] = {
    "ratio": (lambda: zipped({"faq.md": b"\0" * 45_000_000}), "times its size"),
    "total": (lambda: zipped({f"{n}.md": b"\0" * 45_000_000 for n in range(7)}), "more than 300 MB"),
    "nested": (nested, "nothing that a course is read from"),
    "overlapping": (overlapping, "overlap"),
    "lying": (lying, "broken"),
    "count": (lambda: zipped({f"{n}.md": "x" for n in range(6000)}), "more than 5,000 files"),
    "read count": (lambda: zipped({f"{n}.md": "x" for n in range(600)}), "more than 500 files"),
    "up": (lambda: zipped({"../../faq.md": FAQ}), "outside of the course"),
    "up by backslashes": (lambda: zipped({"a\\..\\..\\faq.md": FAQ}), "outside of the course"),
    "root": (lambda: zipped({"/etc/cron.d/faq.md": FAQ}), "outside of the course"),
    "drive": (lambda: zipped({"C:\\faq.md": FAQ}), "outside of the course"),
    "deep": (lambda: zipped({"a/" * 40 + "faq.md": FAQ, "b.md": ""}), "cannot be used"),
    "long": (lambda: zipped({"好" * 100 + ".md": FAQ}), "cannot be used"),
    "line break": (lambda: zipped({"a\nb.md": FAQ}), "cannot be used"),
    "twice": (lambda: zipped({"faq.md": FAQ, "FAQ.md": FAQ}), "two files of one name"),
    "link": (links, "a link or device"),
    "locked": (locked, "password"),
    "lzma": (lambda: zipped({"faq.md": FAQ}, zipfile.ZIP_LZMA), "unusual way"),
    "cut off": (lambda: zipped({"faq.md": FAQ * 1000})[:-40], "broken"),
    "no archive": (lambda: b"MZ" + b"\0" * 5000, "is no ZIP file"),
    "empty": (lambda: b"", "is no ZIP file"),
    "empty archive": (lambda: zipped({}), "nothing that a course is read from"),
}


@pytest.mark.parametrize("harm", HARMFUL)
async def test_what_is_sent_to_do_harm_is_refused(tmp_path: Path, harm: str) -> None:
    """Within ten seconds of the processor, with a text that says why; nothing lands outside, and this process hardly
    grows."""
    made, why = HARMFUL[harm]
    became = await harmless(tmp_path, made())
    assert isinstance(became, str), became.problems
    assert why in became


def office(document: bytes) -> bytes:
    """A .docx whose text is this."""
    made = io.BytesIO()
    docx.Document().save(made)
    with zipfile.ZipFile(made) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    return zipped({**parts, "word/document.xml": document})


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
LAUGHING = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]><d>&l9;</d>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE d SYSTEM "file:///etc/passwd"><d/>'


def pdf(objects: list[bytes]) -> bytes:
    """A PDF of these objects, the first of which is its root."""
    body, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + table + tail


def stream(data: bytes, filters: bytes = b"/FlateDecode") -> bytes:
    return b"<< /Length %d /Filter %s >>\nstream\n%s\nendstream" % (len(data), filters, data)


def paged(content: bytes, pages: int = 1) -> bytes:
    kids = b" ".join([b"3 0 R"] * pages)
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
            content,
        ]
    )


BOMBS: dict[str, Callable[[], dict[str, bytes]]] = {
    "laughs": lambda: {"a.docx": office(LAUGHING.encode())},
    "laughs in UTF-16": lambda: {"a.docx": office(LAUGHING.replace("?>", ' encoding="UTF-16"?>', 1).encode("utf-16"))},
    "entity from outside": lambda: {"a.docx": office(OUTSIDE.encode())},
    "slides that laugh": lambda: {"a.pptx": zipped({"ppt/presentation.xml": LAUGHING})},
    "document of blanks": lambda: {"a.docx": office(b" " * 190_000_000)},
    "deep XML": lambda: {"a.docx": office(b"<a>" * 1_000_000)},
    "stream of blanks": lambda: {"a.pdf": paged(stream(zlib.compress(b" " * 300_000_000, 1)))},
    "stream in a stream": lambda: {
        "a.pdf": paged(stream(zlib.compress(zlib.compress(b" " * 300_000_000, 9)), b"[/FlateDecode /FlateDecode]"))
    },
    "stream of words": lambda: {"a.pdf": paged(stream(zlib.compress(b"BT (a) Tj ET\n" * 4_000_000, 9)))},
    "a page ever again": lambda: {"a.pdf": paged(stream(zlib.compress(b"BT (a) Tj ET\n" * 2000, 9)), 100_000)},
    "pages in a ring": lambda: {
        "a.pdf": pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 9 /Kids [2 0 R] >>"])
    },
    "brackets": lambda: {"a.pdf": paged(b"[" * 2_000_000)},
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_inside_of_a_document_harms_nobody(tmp_path: Path, bomb: str) -> None:
    """The document gives nothing but a problem, or all is refused with its name; within ten seconds of the
    processor and without that this process grows."""
    became = await harmless(tmp_path, zipped({**BOMBS[bomb](), "faq.md": FAQ}, zipfile.ZIP_STORED))
    if isinstance(became, str):
        assert "a.pdf" in became or "a.docx" in became or "a.pptx" in became, became
    else:
        assert [entry.id for entry in became.entries] == ["faq#有录像吗"]
        assert not became.passages
        assert [problem.file[0] for problem in became.problems] == ["a"]


async def test_a_library_is_no_course(tmp_path: Path) -> None:
    """More text than can be held and made into vectors is refused, and not cut."""
    words = " ".join(str(at * 7919 % 100_003) for at in range(80_000))
    many = zipped({f"{n}.md": f"# A{n}\n\n{words}" for n in range(20)})
    with pytest.raises(NotTaken, match="more text than 8 MB"):
        await read(tmp_path, many, limits=Limits(seconds=300))


async def test_what_takes_too_long_is_stopped(tmp_path: Path) -> None:
    """The limit of time by the clock holds, and the text names it."""
    with pytest.raises(NotTaken, match="takes more than 0 s to read"):
        await read(tmp_path, zipped({"faq.md": FAQ}), limits=Limits(seconds=0.01))


async def test_what_keeps_the_processor_too_long_is_stopped(tmp_path: Path) -> None:
    """However patient one is with a busy machine: the limit of the processor holds, and the text names it and the
    file."""
    data = zipped(BOMBS["a page ever again"](), zipfile.ZIP_STORED)
    with pytest.raises(NotTaken, match=r"takes more than 1 s to read \(a.pdf\)"):
        await read(tmp_path, data, limits=Limits(seconds=1.0, seconds_a_megabyte=0.0, patience=300.0))


async def test_what_was_read_is_kept_and_read_again() -> None:
    """As lines, whatever stands in them; lines that are not all there are no course."""
    course = read_course(SAMPLE)
    kept = "".join(lines_of(course))
    assert course_of(kept) == course
    with pytest.raises(NotTaken):
        course_of(kept[: len(kept) // 2])
