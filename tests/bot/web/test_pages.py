"""What can be said of templates, words and colours without a browser."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import bot.web
from bot.model import Change
from bot.sessions import SETTINGS
from bot.web.acts import ACTS
from bot.web.schemas import Code, StatusName
from bot.web.words import read_words, translated

HERE = Path(bot.web.__file__).parent
STATIC = HERE / "static"
TEMPLATES = sorted((HERE / "templates").glob("*.html"))
SCRIPTS = sorted(STATIC.rglob("*.js"))
INCLUDES = re.compile(r'\{% include "([^"]+)" %\}')
PARTS = {name for path in TEMPLATES for name in INCLUDES.findall(path.read_text())}
PAGES = [path for path in TEMPLATES if path.name not in PARTS and path.name != "base.html"]
Words = dict[str, tuple[str, str]]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lines_in(script: Path) -> list[tuple[str, str, str]]:
    """What a file of words says: key, Chinese, English."""
    line = r'^  "?([\w.]+)"?: \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$'
    return re.findall(line, script.read_text(), re.MULTILINE)


def words_in(script: Path) -> Words:
    """The same by key."""
    return {key: (chinese, english) for key, chinese, english in lines_in(script)}


WORD_FILES = (STATIC / "i18n.js", *(STATIC / "words").glob("*.js"))
WORDS = {key: both for script in WORD_FILES for key, both in words_in(script).items()}


def read_template(path: Path) -> str:
    """With what it includes."""
    return INCLUDES.sub(lambda found: (path.parent / found[1]).read_text(), path.read_text())


def scripts_of(template: Path) -> set[Path]:
    """The scripts that a page loads, with all that they import."""
    text = template.read_text()
    names = re.findall(r'type="module" src="/static/([^"]+)"', text) or ["plain.js"]
    waiting, found = [STATIC / name for name in names], set[Path]()
    while waiting:
        script = waiting.pop()
        if script not in found:
            found.add(script)
            waiting += [
                (script.parent / name).resolve()
                for name in re.findall(r'(?:from|import) "(\.[^"]+)"', script.read_text())
            ]
    return found


def keys_of_template(path: Path) -> Iterator[str]:
    text = (HERE / "templates" / "base.html").read_text() + read_template(path)
    keys = re.findall(r'data-i18n="([^"]+)"', text)
    keys += [pair.split(":")[1] for pairs in re.findall(r'data-i18n-attr="([^"]+)"', text) for pair in pairs.split(";")]
    for key in keys:
        found = re.compile(re.sub(r"\\{\\{\\ \w+\\ \\}\\}", r"\\w+", re.escape(key)))
        yield from [known for known in WORDS if found.fullmatch(known)] or [key]


def keys_of_script(path: Path) -> Iterator[str]:
    for call in re.findall(r"\bt\(([^()]*)", path.read_text()):
        yield from re.findall(r'"([\w]+(?:\.\w+)*)"', call)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_word_a_page_uses_is_loaded_with_it(page: Path) -> None:
    """No page shows the name of a key instead of a text."""
    scripts = scripts_of(page)
    loaded = {key for script in scripts for key in words_in(script)}
    used = {*keys_of_template(page), *(key for script in scripts for key in keys_of_script(script))}
    assert len(used) > 10
    assert sorted(key for key in used if key not in loaded) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_page_comes_from_the_server_in_either_language(page: Path) -> None:
    """What a page says before any script runs is in the language it was asked in: English pages hold no Chinese."""
    words = read_words(STATIC)
    source = (HERE / "templates" / "base.html").read_text() + read_template(page)
    english, chinese = (translated(source, words[language]) for language in ("en", "zh"))
    assert not re.search("[\u4e00-\u9fff]", english.replace(words["en"]["menu.language"], ""))
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert re.findall(r"<[a-z]\w*|{%.*?%}", english) == re.findall(r"<[a-z]\w*|{%.*?%}", chinese)


def test_words_with_markup_in_them_stay_words() -> None:
    """A word is text on the page, in elements, in attributes and where its key is made on the page."""
    words = {"a": '<b> & "c"', "lane.new": "New"}
    template = '<p data-i18n="a">x</p><i data-i18n-attr="title:a" title="x"></i><u data-i18n="lane.{{ lane }}">y</u>'
    said = "&lt;b&gt; &amp; &#34;c&#34;"
    assert translated(template, words) == (
        f'<p data-i18n="a">{said}</p><i data-i18n-attr="title:a" title="{said}"></i>'
        '<u data-i18n="lane.{{ lane }}">{{ words["lane." ~ lane ~ ""] }}</u>'
    )


def test_no_word_is_said_twice() -> None:
    """No key stands twice, in one file or in two: the last one would win, and that is the one loaded last."""
    keys = [key for script in WORD_FILES for key, *_ in lines_in(script)]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []


def acts_in_the_ledger() -> set[str]:
    """What the program ever calls a `Change`: the texts that reach its argument `what`, through whichever functions."""
    trees = [ast.parse(path.read_text()) for path in HERE.parent.rglob("*.py")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    carriers, found, before = {"Change": [field.name for field in fields(Change)].index("what")}, set[str](), -1
    while len(carriers) + len(found) != before:
        before = len(carriers) + len(found)
        for function in functions:
            given = [one.arg for one in function.args.args if one.arg != "self"]
            for what in whats(function, carriers):
                if isinstance(what, ast.Constant):
                    found.add(str(what.value))
                if isinstance(what, ast.Name) and what.id in given:
                    carriers[function.name] = given.index(what.id)
    return found


def whats(function: ast.AST, carriers: Mapping[str, int]) -> Iterator[ast.expr]:
    """What a function hands to `carriers` (name and place of the argument): either side of a choice, also by way of a
    variable."""
    nodes = list(ast.walk(function))
    for call in (node for node in nodes if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name in carriers:
            named = [keyword.value for keyword in call.keywords if keyword.arg == "what"]
            for what in (*call.args[carriers[name] :][:1], *named):
                yield from sides(what)
                for node in nodes if isinstance(what, ast.Name) else ():
                    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == what.id:
                        yield from sides(node.value)


def sides(what: ast.expr) -> list[ast.expr]:
    return [what.body, what.orelse] if isinstance(what, ast.IfExp) else [what]


def test_every_act_state_and_error_has_a_word() -> None:
    """What the API may name, the pages can say."""
    done = {*ACTS, *acts_in_the_ledger()}
    assert {"undo", "set_up", "poll_reopen", "pulse_off"} <= done
    assert sorted(what for what in done if f"did.{what}" not in WORDS) == []
    assert sorted(name for name in SETTINGS if f"settings.{name}" not in WORDS) == []
    assert {f"status.{status}" for status in (*get_args(StatusName), "received", "nothing_asked")} <= WORDS.keys()
    assert {f"error.{code}" for code in get_args(Code)} <= WORDS.keys()


def test_every_word_exists_in_both_languages() -> None:
    """Chinese holds Chinese, English holds none, and both fill the same places."""
    assert len(WORDS) > 150
    for key, (chinese, english) in WORDS.items():
        assert chinese.strip(), key
        assert english.strip(), key
        if key != "menu.language":
            assert not re.search(r"[\u4e00-\u9fff]", english), key
            assert re.search(r"[\u4e00-\u9fff：]", chinese), key
        for form in english.split("|"):
            assert set(re.findall(r"{\w+}", form)) == set(re.findall(r"{\w+}", chinese)), key


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_keep_to_the_content_security_policy(path: Path) -> None:
    """No inline style, no inline handler, no script or style but files of ours and data, nothing from elsewhere."""
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|\|\s*safe", text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
    for attributes, inside in re.findall(r"<(?:script|style)([^>]*)>(.*?)</(?:script|style)>", text, re.S):
        ours = (not inside and "src=" in attributes) or re.fullmatch(r"{{ inline\([^)]*\) }}", inside)
        assert ours or 'type="application/json"' in attributes


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_scripts_make_no_markup_of_texts(path: Path) -> None:
    """What people wrote becomes text nodes only; nothing is evaluated."""
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
    )


def test_every_icon_that_is_used_is_drawn() -> None:
    """An icon's name that nobody drew would leave a hole beside its word."""
    drawn = set(re.findall(r'<symbol id="i-(\w+)"', (HERE / "templates" / "icons.svg").read_text()))
    used = {name for path in TEMPLATES for name in re.findall(r'icon\("(\w+)"\)', path.read_text())}
    used |= {name for path in SCRIPTS for name in re.findall(r'\bicon(?:\(|: )"(\w+)"', path.read_text())}
    assert len(used) > 20
    assert used <= drawn


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the light and the dark theme, by name."""
    text = (HERE / "static" / "base.css").read_text()
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", text.split("@media (prefers-color-scheme")[0]))
    dark = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", text.split(':root[data-theme="dark"]')[1].split("}")[0]))
    return {"light": light, "dark": {**light, **dark}}


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two #rrggbb colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *(
            (text, ground)
            for text in ("ink", "faint", "brand-text", "green", "amber", "red")
            for ground in ("paper", "surface")
        ),
        ("ink", "sunk"),
        ("faint", "sunk"),
        ("faint", "brand-soft"),
        ("faint", "green-soft"),
        ("brand-ink", "brand"),
        ("stage-ink", "stage"),
        ("brand-text", "brand-soft"),
        ("green", "green-soft"),
        ("amber", "amber-soft"),
        ("red", "red-soft"),
    ],
)
def test_texts_can_be_read(theme: str, text: str, ground: str) -> None:
    """Every pair of text and ground that the style sheets use has a contrast of at least 4.5."""
    colours = palettes()[theme]
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_of_fields_can_be_seen(theme: str) -> None:
    """The border of a field stands out from what is around it by at least 3."""
    colours = palettes()[theme]
    assert min(contrast(colours["edge"], colours[ground]) for ground in ("paper", "surface")) >= 3


def test_both_ways_to_the_dark_theme_give_the_same_colours() -> None:
    """The system's choice and the toggle's do not drift apart."""
    blocks = re.findall(
        r"(?:not\(\[data-theme=\"light\"\]\)|:root\[data-theme=\"dark\"\]) {([^}]*)}",
        (HERE / "static" / "base.css").read_text(),
    )
    colours = [dict(re.findall(r"--([\w-]+): ([^;]+);", block)) for block in blocks]
    assert len(colours) == 2
    assert colours[0] == colours[1]
