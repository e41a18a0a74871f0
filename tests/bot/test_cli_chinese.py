"""In a Chinese terminal a person reads Chinese: commands, warnings, errors. Names, paths and commands stay."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from bot import app, cli, console
from bot.app.minds import Minds
from bot.app.terminal import cells
from bot.errors import FloormicError
from bot.model import CourseMatch, Recurrence, Session
from bot.phrases import chinese, in_language
from bot.settings import Settings
from bot.storage.sqlite import open_store
from knowledge.course import read_course
from knowledge.encoder import EncoderError
from knowledge.evaluation import Figure
from tests.bot.encoders import SameWords
from tests.bot.storage.acts import ask
from tests.bot.test_trends import evening, found
from tests.bot.values import question
from tests.fakes import HashEncoder
from tests.knowledge.evaluation.labelled import MESSAGES, label, message, write_lines, write_talk
from tests.talks import write_talk as write_whole_talk

KEPT = re.compile(
    r"[\w/.#*-]*\.(jsonl|json|md|toml|html|sqlite3)(:\d+)*|floormic [a-z]+|--[a-z]+|\[\w+\]|https?://\S+"
    r"|(?<![A-Za-z])(floormic|Floormic|FAQ|JSON|UTF-8|TF-IDF|BM25|Brier|B-cubed|ROC|F1|MB|ms|p99|course|faq"
    r"|pip install)(?![A-Za-z])"
)
"""What a Chinese engineer writes so, and what the reader has to type."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Chinese terminal in an empty folder, and a quick encoder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for module in ("judging", "calibrating", "reencoding", "minds"):
        monkeypatch.setattr(f"bot.app.{module}.load_encoder", lambda *_, **__: HashEncoder())
    return tmp_path


def said(*arguments: str | Path) -> str:
    """All that the command says, and what `main` would say of what it raises."""
    done = CliRunner().invoke(cli.floormic, [str(one) for one in arguments], standalone_mode=False)
    if done.exception and not isinstance(done.exception, FloormicError):
        raise done.exception
    return done.output + (console.worded(str(done.exception)) if done.exception else "")


def english(text: str, *names: str) -> list[str]:
    """The words that are left without `names`, of the tests' own making."""
    for name in sorted((str(Path.cwd()), *names), key=len, reverse=True):
        text = text.replace(name, "")
    return re.findall("[A-Za-z]{2,}", KEPT.sub("", text))


FAQ = "## 回放在哪里看\n- 回放怎么看\n\n在主页。\n\n## 在哪里看回放\n\n在首页的最下面。\n"


BACKWARDS = "2 lines begin before the one above them: they were put in order of time"
TRANSCRIPT = SimpleNamespace(name="talk.vtt", problems=((None, BACKWARDS),), zero=None)


def write_course(folder: Path, faq: str = FAQ) -> Path:
    folder.mkdir()
    (folder / "faq.md").write_text(faq, encoding="utf-8")
    return folder


def test_course_speaks_chinese(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read, what is wrong with it, what would be answered, and which entries may ask the same."""
    write_course(here / "课程")
    (here / "课程/notes.md").write_text("##没有空格\n", encoding="utf-8")
    (here / "课程/a.exe").write_text("x")
    names = ("hash", "faq", "notes", "exe", "pdf", "docx", "pptx", "vtt", "srt", "markdown", ".md")
    for options in ((), ("--ask", "回放在哪里看")):
        told = said("course", "课程", *options)
        assert english(told, *names) == [], told
    monkeypatch.setattr(app, "alike", lambda *_: [read_course(here / "课程").entries])
    told = said("course", "课程", "--alike")
    assert "可能问的是同一件事" in told
    assert english(told, *names) == []
    write_course(here / "空", "")
    assert english(said("course", "空", "--ask", "回放"), "hash") == []
    assert english(said("course", "没有")) == []


def test_check_speaks_chinese(here: Path) -> None:
    """Warnings and the last lines; that mistakes of the configuration are in English is written in docs/commands.md."""
    write_course(here / "课程", "## 没有回答\n")
    (here / "floormic.toml").write_text(
        '[answers]\nprecision = 0.99\n[encoder]\nmodel = "某个模型"\n[[session]]\nid = "talk"\ntitle = "t"\n'
        'course = "课程"\n[[session]]\nid = "two"\ntitle = "t"\ncourse = "没有"\n'
    )
    told = said("check")
    assert "（警告）" in told
    assert english(told, "hash", "talk", "two", "encoder] model", "course") == [], told
    (here / "floormic.toml").write_text("[answers]\nprecision = 0.99\n")
    told = said("check")
    assert "会发送" in told
    assert english(told) == []


def test_replay_speaks_chinese(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became of the chat, what was skipped and why, and what is refused."""
    chat = write_lines(here / "chat.jsonl", (message(n, text) for n, text in enumerate(MESSAGES)))
    with chat.open("a") as stream:
        stream.write('no\n[]\n{"id": 1}\n{"id": "1", "text": "x", "t": -1}\n')
    monkeypatch.setattr(app, "minds_of", lambda _: Minds(encoder=SameWords()))
    told = said("replay", "chat.jsonl", "--out", "out.jsonl")
    assert "每秒" in told
    assert english(told, '"id"', '"text"') == [], told
    assert "asking" in json.loads((here / "out.jsonl").read_text().splitlines()[0])
    (here / "none.jsonl").write_text("no\n")
    for file, out in (("none.jsonl", "o.jsonl"), ("chat.jsonl", "chat.jsonl"), ("chat.jsonl", "chat.jsonl/o.jsonl")):
        assert english(said("replay", file, "--out", out)) == []


async def asked(here: Path) -> None:
    store = await open_store(Settings.model_validate({"data": here / "data"}).database)
    await store.save_session(Session("talk", "t", series="s"))
    await store.save_session(Session("empty", "t"))
    await ask(store, "q1", text="有回放吗", answer=CourseMatch("faq#a", 0.97, "sent", "有"))
    await store.close()


def test_label_speaks_chinese(here: Path) -> None:
    """What was written, what to do with it, and what is refused."""
    asyncio.run(asked(here))
    told = said("label", "talk", "新的")
    assert "1 条消息，1 条提问，共 1 组，没有课程" in told
    assert english(told) == [], told
    for wrong in (("talk", "新的"), ("empty", "b"), ("none", "c")):
        assert english(said("label", *wrong), "'empty'", "'none'", "empty", "talk") == []


def test_reencode_report_export_and_forget_speak_chinese(here: Path) -> None:
    """What was done; the report itself is in the language of the session, what programs read stays as it is."""
    asyncio.run(asked(here))
    told = said("reencode") + said("reencode") + said("report", "talk", "--out", "r.html") + said("report")
    told += said("report", "talk", "--out", "no/r.html") + said("report", "none")
    told += said("export", "--person", "telegram:u1", "--out", "e.json") + said("export", "--person", "telegram:x")
    told += said("forget", "--person", "telegram:u1", "--yes")
    assert "没有需要重新编码的消息" in told
    assert "已写入 r.html" in told
    assert "已写入 e.json" in told
    assert english(told, "telegram:u1", "telegram:x", "'none'", "no/", "talk", "empty") == [], told


def test_trends_speak_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is to say of a series; the heading of its CSV stays."""
    ids = [f"cloud{at}x{n}" for at in (1, 2) for n in range(20)]
    wanted = {id: question(id, people=9, title="？" * 70) for id in ids}
    looked = replace(wanted["cloud1x0"], suggested_answer=CourseMatch("faq#1", 0.6, "suggested", "x"))
    first = evening(1, [("cloud", 20), ("price", 2)], **wanted | {"cloud1x0": looked})
    second = evening(2, [("cloud", 20), ("price", 30)], **wanted)
    again = [Recurrence("cloud2x1", "cloud1x1", 0.9, sure=True)]
    many = [first, replace(second, recurrences=again), evening(3, [("cloud", 1), ("price", 40), ("sound", 8)])]

    async def trends(*_: object) -> Any:
        return found(*many)

    monkeypatch.setattr(app, "trends", trends)
    told = said("trends", "A series")
    titles = [one.title for each in many for one in each.questions]
    assert "（2 场）" in told
    assert english(told, "A series", *titles, "cloud", "price", "sound") == [], told
    assert said("trends", "A series", "--csv").lstrip("\ufeff").startswith("series,evening,session")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started to see how long that takes, and a model that nobody has is none."""
    monkeypatch.setattr("bot.app.benching.start", lambda _: {"start to the first vector": Figure(1.0, unit="s")})

    def none(model: str, *_: object) -> Any:
        raise EncoderError(
            f"{model!r} is no Sentence Transformers model for texts that can be loaded; name `bundled`, the folder of "
            f"one or its name on the hub (FileNotFoundError: there is no folder {model})"
        )

    monkeypatch.setattr("bot.app.benching.load_encoder", none)


@pytest.mark.usefixtures("quick")
def test_bench_speaks_chinese(here: Path) -> None:
    """Its warnings, what could not be measured, its table, and by default its page; `--language` is that of the page
    alone."""
    write_talk(here / "讲座一")
    (here / "讲座一/course/notes.md").write_text("##没有空格\n", encoding="utf-8")
    write_talk(here / "讲座二", [label(0, "question", None, None)])
    (here / "系列.json").write_text(json.dumps({"sessions": [{"id": "讲座一"}, {"id": "无"}], "recurring": []}))
    (here / "public").mkdir()
    given = ["--talk", "讲座一", "--talk", "讲座二", "--series", "系列.json", "--public", "public", "--baseline", "./m"]
    told = said("bench", *given, "--html", "bench.html")
    sets = ("stackfaq", "zoomcamp", "hint3", "intents_en", "drcd_zhtw", "cmrc2018_zh", "cped", "fragjetzt")
    names = (*sets, "public", "'hash'", "Sentence Transformers", "bundled", "hub", "FileNotFoundError", "semhash")
    names = (*names, *(f"'m{n}'" for n in range(5)), "scikit-learn", "sklearn")
    assert "（警告）" in told
    assert "已写入 bench.html" in told
    assert english(told, *names) == [], told
    page = (here / "bench.html").read_text(encoding="utf-8")
    assert "Floormic 理解能力评测" in page
    assert "没有标注：请在 labels.jsonl 里加一行" in page
    said("bench", "--html", "bench.html", "--language", "en")
    assert "What Floormic understands" in (here / "bench.html").read_text(encoding="utf-8")
    for wrong in (["--html", "无/b.html"], ["--course", "讲座一/course"]):
        assert english(said("bench", *wrong)) == []


def test_calibrate_speaks_chinese(here: Path) -> None:
    """The table of before and after, in columns, what was written, and what cannot be used."""
    for name in ("a", "b", "c"):
        write_whole_talk(here / "讲座", name)
    told = said("calibrate", "--talks", "讲座")
    assert "校准前  校准后" in told
    assert "calibration.json" in told
    assert english(told, "precision", "[answers]") == [], told
    figures = [line for line in told.splitlines() if re.search(r"\d\.\d{3}$", line)]
    assert len({cells(line) for line in figures}) == 1
    (here / "空").mkdir()
    for wrong in (["--talks", "空"], ["--out", "无/c.json"]):
        assert english(said("calibrate", *wrong)) == []
    write_talk(here / "一/a")
    assert english(said("calibrate", "--talks", "一")) == []


def test_what_is_being_done_is_named_in_chinese() -> None:
    """Beside the bar of whatever takes long."""
    source = Path(cli.__file__).read_text(encoding="utf-8") + Path(app.benching.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'(?:progress|with bar)\("(\w+)"', source))
    assert {"replaying", "calibrating", "encoding", "copying", "start", "encoder"} <= named
    assert [what for what in sorted(named) if not re.search("[\u4e00-\u9fff]", console.worded(what))] == []


def test_what_has_many_lines_is_said_in_chinese_too() -> None:
    """The limit is that of a line."""
    assert set(console.worded("\n".join(["nothing imported"] * 500)).split("\n")) == {"没有导入"}


def test_the_problem_of_a_whole_file_stands_behind_one_colon(capsys: pytest.CaptureFixture[str]) -> None:
    """No line of it is to blame, so none is named."""
    console.show_transcribed(SimpleNamespace(transcript=TRANSCRIPT, proposals=()))  # type: ignore[arg-type]
    assert capsys.readouterr().err.startswith("talk.vtt：有 2 行比它上面一行开始得早")


def test_no_mark_stands_twice() -> None:
    """Whatever a line of the book is about: also what follows a file and no line of it."""
    twice = re.compile("[：，。；、！？][：，。；、:,;]|:：|（（|））")
    for line in chinese():
        for part in ("x", "7", "x: y", "/a/b:3"):
            told = in_language(line.replace("{#}", "7").replace("{}", part), "zh")
            assert not twice.search(told), told
