"""A course folder is read completely, or its problems say what to mend."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import course as course_module
from knowledge.course import Course, read_course, watch_course
from tests.waiting import until

FAQ = """# Spring course

Some words of welcome.

## Where is the replay?
<!-- id: replay -->
- also: Is it recorded?
- 也问：有回放吗

On [the page](https://example.org/p), **by noon**,
each day:

1. open it
2. log in

### On a phone
The same.

## 讲义在哪？！ PPT 呢

在主页，
当晚上传。
"""

PATIENCE = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "course"
    place.mkdir()
    return place


def messages(course: Course) -> str:
    return "\n".join(f"{problem.file}:{problem.line} {problem.message}" for problem in course.problems)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("**注意：**请提前安装。", "注意：请提前安装。"),
        ("孪生是**“孪生”**的意思。", "孪生是“孪生”的意思。"),
        ("**Note:**读这里", "Note:读这里"),
        ("**bold** and *so*", "bold and so"),
        ("2**3 is `2**3`", "2**3 is 2**3"),
        ("用 vector<int> 存放，floormic --key <token>", "用 vector<int> 存放，floormic --key <token>"),
        ("Monday<br>Tuesday<br/>Friday", "Monday\nTuesday\nFriday"),
        ("a <b>word</b> <!-- not this --> here", "a word  here"),
        ("<token>\nstands alone", "<token>\nstands alone"),
        ("<div>\nin a <section>block</section><br>of two\n</div>", "in a block\nof two"),
    ],
)
def test_what_is_read_is_what_its_author_sees(folder: Path, written: str, read: str) -> None:
    """Marks beside Chinese punctuation are marks, angle brackets that are no HTML are text, and a line end is one."""
    (folder / "faq.md").write_text(f"## Q?\n\n{written}\n", encoding="utf-8")
    (entry,) = read_course(folder).entries
    assert entry.answer == read


@pytest.mark.parametrize("blank", ["\u3000", "\xa0"])
def test_a_wide_blank_makes_a_heading_too(folder: Path, blank: str) -> None:
    """As an input method types it: the entry does not become a part of the one before."""
    (folder / "faq.md").write_text(f"## 有回放吗\n\n有。\n\n##{blank}回放在哪\n\n主页。\n", encoding="utf-8")
    course = read_course(folder)
    assert [(entry.question, entry.answer) for entry in course.entries] == [
        ("有回放吗", "有。"),
        ("回放在哪", "主页。"),
    ]
    assert course.problems == ()


def test_a_term_with_its_colon_in_bold_is_a_term(folder: Path) -> None:
    """As it is often typed in Chinese, without a blank behind."""
    (folder / "glossary.md").write_text("- **OEE：**设备综合效率\n", encoding="utf-8")
    (term,) = read_course(folder).passages
    assert (term.heading, term.text) == ("OEE", "设备综合效率")


def test_faq_gives_entries_with_phrasings_plain_answers_and_places(folder: Path) -> None:
    """An FAQ entry carries its id, its other phrasings, an answer without markup, and the line of its heading."""
    (folder / "faq.md").write_text(FAQ, encoding="utf-8")
    course = read_course(folder)
    replay, slides = course.entries
    assert course.problems == ()
    assert (replay.id, replay.question, replay.source) == ("replay", "Where is the replay?", "faq.md:5")
    assert replay.phrasings == ("Is it recorded?", "有回放吗")
    assert replay.answer == (
        "On the page (https://example.org/p), by noon, each day:\n\n1. open it\n2. log in\n\nOn a phone\n\nThe same."
    )
    assert (slides.id, slides.answer) == ("faq#讲义在哪-ppt-呢", "在主页，当晚上传。")


def test_every_markdown_file_that_begins_with_faq_is_an_faq(folder: Path) -> None:
    """FAQ-organiser.md holds questions too, and its default ids name that file."""
    (folder / "FAQ-organiser.md").write_text("## When?\nAt noon.\n")
    assert [entry.id for entry in read_course(folder).entries] == ["FAQ-organiser#when"]


def test_headings_in_code_are_no_questions(folder: Path) -> None:
    """`## text` inside a code fence belongs to the answer."""
    (folder / "faq.md").write_text("## How to comment?\n```\n## like this\n```\n")
    course = read_course(folder)
    assert [(entry.question, entry.answer) for entry in course.entries] == [("How to comment?", "## like this")]


def test_notes_give_a_passage_for_each_heading_with_text(folder: Path) -> None:
    """Passage ids are the heading as written, a repeated heading is numbered, a folder is part of the id."""
    (folder / "week2").mkdir()
    (folder / "week2" / "notes.md").write_text(
        "# 讲义\n\n## 断网续传\n缓存 72 小时。\n\n## Intro\na\n\n## Intro\nb\n", "utf-8"
    )
    passages = read_course(folder).passages
    assert [p.id for p in passages] == ["week2/notes#断网续传", "week2/notes#Intro", "week2/notes#Intro-2"]
    assert (passages[0].heading, passages[0].text, passages[0].source) == (
        "断网续传",
        "缓存 72 小时。",
        "week2/notes.md:3",
    )


def test_a_line_of_dashes_below_a_paragraph_makes_no_heading_of_it(folder: Path) -> None:
    """Where headings are marked with "##" it is a rule, and the paragraph stays in its section."""
    (folder / "notes.md").write_text("## 安装\n网关装在导轨上。\n---\n## 接线\n双绞线。\n", "utf-8")
    assert [(p.heading, p.text) for p in read_course(folder).passages] == [
        ("安装", "网关装在导轨上。"),
        ("接线", "双绞线。"),
    ]


@pytest.mark.parametrize("file", ["glossary.md", "Glossary.md", "glossary.en.md", "week2/glossary-zh.md"])
def test_what_a_glossary_says_is_a_term(folder: Path, file: str) -> None:
    """However it is written and wherever it lies."""
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("- **OEE**：设备综合效率。\n", "utf-8")
    (folder / "notes.md").write_text("## OEE\n看板上的第一个数。\n", "utf-8")
    assert {p.text: p.is_term for p in read_course(folder).passages} == {
        "设备综合效率。": True,
        "看板上的第一个数。": False,
    }


def test_glossary_terms_take_both_colons_and_keep_other_text(folder: Path) -> None:
    """Terms are passages whichever colon follows them; other text of the glossary is not lost."""
    terms = "- **MES**：制造执行系统。\n- **P-F interval**: from sign to failure\n- **RMS:** a figure\n- nothing\n"
    text = f"# Terms\n\nRead me first.\n\n{terms}"
    (folder / "glossary.md").write_text(text, encoding="utf-8")
    course = read_course(folder)
    assert {p.id: p.text for p in course.passages} == {
        "glossary#MES": "制造执行系统。",
        "glossary#P-F interval": "from sign to failure",
        "glossary#RMS": "a figure",
        "glossary#Terms": "Read me first.",
    }
    assert [(problem.line, "not a glossary term" in problem.message) for problem in course.problems] == [(8, True)]


def test_readme_and_what_programs_leave_behind_are_passed_over(folder: Path) -> None:
    """README.md, hidden files and Office's lock files are no course material and no problem."""
    for name in ("README.md", ".DS_Store", "~$slides.pptx", "Thumbs.db", "faq.md~"):
        (folder / name).write_text("## no\nno\n")
    assert read_course(folder) == Course((), (), ())


def test_an_empty_folder_is_fine_and_a_missing_one_is_one_problem(folder: Path) -> None:
    """No material yet is a normal state; a wrong path is told once."""
    assert read_course(folder) == Course((), (), ())
    assert len(read_course(folder / "nowhere").problems) == 1
    (folder / "file.md").write_text("")
    assert len(read_course(folder / "file.md").problems) == 1


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("# T\n\n## Where?\n<!-- id: x -->\n- also: so\n\n## When?\nNow.\n", 3, "no answer"),
        ("##\ntext\n## Q\nA\n", 1, "without text"),
        ("## A?\n<!-- id: x -->\n1\n\n## B?\n<!-- id: x -->\n2\n", 5, "already taken by faq.md:1"),
        ("## A?\n1\n\n## A?\n2\n", 4, "“A?” contradicts faq.md:1"),
        ("## A?\n1\n\n## a\n1\n", 4, "“a” says the same as faq.md:1"),
        ("## A?\n1\n##B?\n2\n", 3, "put a space"),
        ("just words\n", None, "no question"),
    ],
)
def test_faults_of_an_faq_are_told_with_their_line(folder: Path, text: str, line: int | None, says: str) -> None:
    """Each fault of an FAQ is one problem with the line to look at."""
    (folder / "faq.md").write_text(text)
    (problem,) = read_course(folder).problems
    assert (problem.file, problem.line) == ("faq.md", line)
    assert says in problem.message


def test_entries_that_contradict_are_told_with_both_places_and_nothing_else_is_lost(folder: Path) -> None:
    """Words that two entries are asked in, in either script, lead to the first; the second keeps its other wordings."""
    (folder / "faq-a.md").write_text("## 有錄像嗎？\n- 也问：回放在哪\n\n在课程页。\n", "utf-8")
    (folder / "faq-b.md").write_text(
        "# Kurs\n\n## 有录像吗\n- also: Is it recorded?\n- 也问：回放在哪？\n\n没有。\n", "utf-8"
    )
    course = read_course(folder)
    assert [(e.question, e.phrasings, e.answer) for e in course.entries] == [
        ("有錄像嗎？", ("回放在哪",), "在课程页。"),
        ("Is it recorded?", (), "没有。"),
    ]
    (problem,) = course.problems
    assert (problem.file, problem.line) == ("faq-b.md", 3)
    assert problem.message.startswith("“有录像吗”, “回放在哪？” contradicts faq-a.md:1, ")
    assert "delete or mend" in problem.message


def test_entries_that_say_the_same_are_told_with_both_places(folder: Path) -> None:
    """The same answer, broken into lines otherwise and in the other script, is no contradiction."""
    (folder / "faq-a.md").write_text("## 有录像吗\n在课程页，\n当晚上传。\n", "utf-8")
    (folder / "faq-b.md").write_text("## 錄像\n- 也問：有錄像嗎\n\n在課程頁，當晚上傳。\n", "utf-8")
    course = read_course(folder)
    assert [(e.question, e.phrasings) for e in course.entries] == [("有录像吗", ()), ("錄像", ())]
    (problem,) = course.problems
    assert (problem.file, problem.line) == ("faq-b.md", 1)
    assert problem.message.startswith("“有錄像嗎” says the same as faq-a.md:1, ")


def test_an_entry_may_repeat_its_own_words_and_marks_are_no_words(folder: Path) -> None:
    """A wording twice in one entry does no harm, and neither “C” and “C++” nor two headings of emoji are the same."""
    second = "## C++? <!-- id: cpp -->\n2\n\n## 🎁\n3\n\n## 🎉 <!-- id: party -->\n4\n"
    (folder / "faq.md").write_text(f"## C?\n- also: c\n\n1\n\n{second}", "utf-8")
    course = read_course(folder)
    assert messages(course) == ""
    assert len(course.entries) == 4


def test_other_encodings_are_read_and_told(folder: Path) -> None:
    """GB18030 and UTF-16 files of Windows are read, with the advice to save them as UTF-8; a UTF-8 mark is fine."""
    for name, encoding in (("a.md", "gb18030"), ("b.md", "utf-16"), ("c.md", "utf-8-sig")):
        (folder / name).write_bytes("## 振动\r\n有效值。\r\n".encode(encoding))
    course = read_course(folder)
    assert [p.text for p in course.passages] == ["有效值。"] * 3
    assert [(p.file, "save it as UTF-8" in p.message) for p in course.problems] == [("a.md", True), ("b.md", True)]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("faq.md", bytes(range(256)) * 20, "no text"),
        ("talk.vtt", b"\x00\x01\x02" * 99, "no text"),
        ("talk.vtt", b"no captions here", "no captions in it"),
        ("talk.vtt", b"WEBVTT\n\n", "no captions"),
        ("slides.pdf", b"%PDF-1.7 and then nothing", "could not be read"),
        ("slides.pptx", b"PK\x03\x04 broken", "could not be read"),
        ("notes.docx", b"\xd0\xcf\x11\xe0" + b"x" * 600, "password"),
        ("notes.pages", b"?", "move it out"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_problem_and_the_rest_is_read(
    folder: Path, name: str, data: bytes, says: str
) -> None:
    """One broken file costs nothing but itself."""
    (folder / name).write_bytes(data)
    (folder / "faq-good.md").write_text("## Q?\nA.\n")
    course = read_course(folder)
    assert [entry.question for entry in course.entries] == ["Q?"]
    assert [problem.file for problem in course.problems] == [name]
    assert says in course.problems[0].message


def test_a_file_beyond_the_cap_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than the cap is told, not loaded."""
    monkeypatch.setattr(course_module, "LARGEST", 10)
    (folder / "notes.md").write_text("# Heading\nlonger than ten bytes\n")
    course = read_course(folder)
    assert course.passages == ()
    assert "larger than" in messages(course)


def test_links_are_followed_inside_the_folder_only(folder: Path) -> None:
    """A link out of the course (file or folder) is a problem and its target stays unread; one inside is read."""
    outside = folder.parent / "secret"
    outside.mkdir()
    (outside / "notes.md").write_text("## Secret\nkeep out\n")
    (folder / "stolen.md").symlink_to(outside / "notes.md")
    (folder / "stolen").symlink_to(outside)
    (folder / "dangling.md").symlink_to(folder / "nothing.md")
    (folder / "notes.md").write_text("## Open\nread me\n")
    (folder / "again.md").symlink_to(folder / "notes.md")
    course = read_course(folder)
    assert [p.id for p in course.passages] == ["again#Open", "notes#Open"]
    assert [p.file for p in course.problems] == ["dangling.md", "stolen", "stolen.md"]
    assert "could not be opened" in course.problems[0].message
    assert messages(course).count("leads out of the course folder") == 2


def test_a_pipe_in_the_folder_does_not_hang_the_reader(folder: Path) -> None:
    """Only ordinary files are opened."""
    os.mkfifo(folder / "notes.md")
    assert "not an ordinary file" in messages(read_course(folder))


def test_a_folder_that_may_not_be_opened_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the walk cannot enter does not vanish without a word."""
    (folder / "week2").mkdir()
    real = os.scandir

    def scandir(place: str) -> object:
        if str(place).endswith("week2"):
            raise PermissionError(13, "Permission denied", str(place))
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    (problem,) = read_course(folder).problems
    assert (problem.file, "may not be opened" in problem.message) == ("week2", True)


@given(st.binary(max_size=400) | st.text(alphabet="#-*: \n<>!id也问：also[]()|`\\&x\t", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_told(data: bytes) -> None:
    """Whatever stands in a Markdown file, reading it never raises and ids never repeat."""
    with temporary_folder() as place:
        for name in ("faq.md", "notes.md", "glossary.md"):
            (place / name).write_bytes(data)
        course = read_course(place)
    ids = [entry.id for entry in course.entries] + [passage.id for passage in course.passages]
    assert len(ids) == len(set(ids))
    assert not [problem for problem in course.problems if "could not be read" in problem.message]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def make(folder: Path) -> None:
    folder.mkdir()


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


async def test_a_change_is_seen(folder: Path) -> None:
    """Rewriting a file calls back with the new course, once for writes in quick succession."""
    faq = folder / "faq.md"
    faq.write_text("## Old?\nyes\n")
    async with watching(folder) as seen:
        for text in ("", "## New?\n", "## New?\nyes\n"):
            faq.write_text(text)
        course = await asyncio.wait_for(seen.get(), PATIENCE)
        assert [entry.question for entry in course.entries] == ["New?"]
        faq.write_text("## New?\nyes\n")
        await asyncio.sleep(0.5)
        assert seen.empty(), "the same content is no change"


async def test_a_folder_that_comes_later_or_again_is_seen(folder: Path) -> None:
    """Removing the folder and making it anew is noticed, as happens when a course is copied over."""
    remove(folder)
    async with watching(folder) as seen:
        make(folder)
        assert (await asyncio.wait_for(seen.get(), PATIENCE)).problems == ()
        (folder / "faq.md").write_text("## Q?\nA\n")
        assert len((await asyncio.wait_for(seen.get(), PATIENCE)).entries) == 1
        remove(folder)
        while not (course := await asyncio.wait_for(seen.get(), PATIENCE)).problems:
            pass
        assert "no such course folder" in course.problems[0].message
        make(folder)
        assert (await asyncio.wait_for(seen.get(), PATIENCE)).problems == ()


async def test_a_folder_that_is_back_before_anybody_looks_is_watched(folder: Path) -> None:
    """Where the folder is made anew in the very moment in which its end is noticed, changes in the new one are seen."""
    seen = asyncio.Queue[Course]()

    async def changed(course: Course) -> None:
        if course.problems:
            make(folder)
        await seen.put(course)

    task = asyncio.create_task(watch_course(folder, changed, settle_ms=100, missing_s=0.2))
    await asyncio.sleep(0.5)
    remove(folder)
    assert (await asyncio.wait_for(seen.get(), PATIENCE)).problems
    (folder / "faq.md").write_text("## Q?\nA\n")
    while not (await asyncio.wait_for(seen.get(), PATIENCE)).entries:
        pass
    task.cancel()


async def test_what_could_not_be_taken_over_is_tried_again(folder: Path) -> None:
    """A change that failed once, as while the store is full, counts without another one; then it is taken over once."""
    taken: list[str] = []

    async def once(course: Course) -> None:
        taken.append(course.entries[0].question)
        if len(taken) == 1:
            raise RuntimeError("full")

    (folder / "faq.md").write_text("## Q?\nA\n")
    nothing = Course((), (), ())
    task = asyncio.create_task(watch_course(folder, once, known=nothing, settle_ms=100, missing_s=0.1))
    await until(lambda: len(taken) == 2)
    await asyncio.sleep(0.5)
    assert taken == ["Q?", "Q?"]
    task.cancel()


async def test_a_failing_listener_does_not_end_the_watch(folder: Path) -> None:
    """The next change arrives although taking over the last one failed."""
    calls = asyncio.Queue[Course]()

    async def fail(course: Course) -> None:
        await calls.put(course)
        raise RuntimeError("full")

    task = asyncio.create_task(watch_course(folder, fail, settle_ms=100, missing_s=0.1))
    try:
        await asyncio.sleep(0.3)
        for number in (1, 2):
            (folder / "faq.md").write_text(f"## Q{number}?\nA\n")
            while (await asyncio.wait_for(calls.get(), 10)).entries[0].question != f"Q{number}?":
                pass
    finally:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class watching:
    """The courses that `watch_course` reports, as a queue; the watch ends with the block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = asyncio.Queue[Course]()

    async def __aenter__(self) -> asyncio.Queue[Course]:
        self.task = asyncio.create_task(watch_course(self.folder, self.seen.put, settle_ms=200, missing_s=0.1))
        await asyncio.sleep(1.0)  # the watch has begun, also where six tests share two processors
        return self.seen

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
