"""What is written about the program is true of it."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.app.sources import KINDS
from bot.cli import floormic
from bot.settings import Settings, connectors_page, describe_settings, load_settings, settings_page
from tests.torture.scenario import scenarios

OPTIONS = [kind.options for kind in KINDS.values()]
ROOT = Path(__file__).parent.parent
ENVIRON = {
    "FLOORMIC_DATABASE": "postgresql://db/hall",
    "FLOORMIC_TELEGRAM_TOKEN": "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
    "FLOORMIC_METRICS_TOKEN": "m3trics-Tok3n-of-the-tests",
}
OTHER_WAYS = ("The file with it.", "Itself.")
"""How the further ways of giving a secret begin; of several ways only one can be taken."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """The text below each heading of the second level, by the first `code` word or words in it."""
    parts = re.split(r"^## `floormic (\w+)[^`]*`\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def options() -> Iterator[tuple[str, str]]:
    for name, command in floormic.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield name, max(parameter.opts, key=len)


def test_every_command_has_its_section() -> None:
    """docs/commands.md has a section for each command, and for nothing else."""
    assert set(sections(read("docs/commands.md"))) == set(floormic.commands)


@pytest.mark.parametrize(("command", "option"), list(options()))
def test_every_option_stands_in_the_section_of_its_command(command: str, option: str) -> None:
    """Each option of a command is in the table of its section."""
    assert f"| `{option}" in sections(read("docs/commands.md"))[command]


def test_no_section_has_an_option_that_is_not_there() -> None:
    """What the tables of docs/commands.md name can be typed."""
    written = {
        (command, option)
        for command, text in sections(read("docs/commands.md")).items()
        for option in re.findall(r"^\| `(--[\w-]+)", text, re.MULTILINE)
    }
    assert written == set(options())


def test_every_command_says_what_it_does() -> None:
    """Each command and option has a help text."""
    for command in floormic.commands.values():
        assert command.help
        assert all(p.help for p in command.params if isinstance(p, click.Option))


def test_the_page_of_the_settings_is_made_from_the_code() -> None:
    """docs/settings.md is what `make docs` writes."""
    assert read("docs/settings.md") == settings_page(OPTIONS)


def test_the_table_of_the_connectors_is_made_from_the_code() -> None:
    """docs/connectors.md says of each kind what its abilities say, as `make docs` writes it."""
    page = read("docs/connectors.md")
    assert page == connectors_page(page, list(KINDS.values()))
    assert all(f"| [`{name}`]" in page for name in KINDS)


def test_every_setting_is_described() -> None:
    """No setting is without a sentence, and every table of the file has its section on the page."""
    rows = describe_settings(OPTIONS)
    assert all(len(row.description) > 10 for row in rows)
    sections = {
        "", "[web]", "[limits]", "[log]", "[encoder]", "[answers]", "[after]", "[privacy]", "[[session]]",
        *(f"[{kind}]" for kind in KINDS),
    }  # fmt: skip
    assert {row.section for row in rows} == sections


def uncommented(text: str) -> str:
    """The example with every setting switched on: `#name = …` and `#[table]` are settings, `# text` is prose."""
    return re.sub(r"^#(?=[\w\[])", "", text, flags=re.MULTILINE)


def test_the_example_configuration_can_be_used_as_it_is() -> None:
    """config/example.toml is a valid configuration."""
    assert isinstance(load_settings(ROOT / "config/example.toml", {}, OPTIONS), Settings)


def test_the_example_shows_every_setting() -> None:
    """Each setting of the program's own tables stands in the example; a kind of source has its settings on the page."""
    example = tomllib.loads(uncommented(read("config/example.toml")))
    shown = {("", key) for key in example if not isinstance(example[key], dict | list)}
    for table, content in example.items():
        if table in KINDS:
            continue
        if isinstance(content, dict):
            shown |= {(f"[{table}]", key) for key in content}
        elif isinstance(content, list):
            shown |= {(f"[[{table}]]", key) for key in content[0]}
    assert shown == {
        (row.section, row.key) for row in describe_settings([]) if not row.description.startswith(OTHER_WAYS)
    }


def test_the_example_shows_the_defaults() -> None:
    """What the example has behind a # is what holds without it."""
    example = tomllib.loads(uncommented(read("config/example.toml")))
    for row in describe_settings([]):
        table = example if not row.section else example[row.section.strip("[]")]
        table = table[0] if isinstance(table, list) else table
        if row.default and not row.description.startswith(OTHER_WAYS):
            assert table[row.key] == tomllib.loads(f"x = {row.default}")["x"], row


def test_the_example_works_with_everything_switched_on(tmp_path: Path) -> None:
    """Taking every # away leaves a configuration that only wants its secret."""
    text = uncommented(read("config/example.toml"))
    (tmp_path / "floormic.toml").write_text(text, encoding="utf-8")
    loaded = load_settings(tmp_path / "floormic.toml", ENVIRON, OPTIONS)
    assert [(source.kind, source.name, source.session) for source in loaded.sources] == [
        ("telegram", "telegram", "talk")
    ]


def test_the_demo_configuration_names_the_sample_courses() -> None:
    """config/demo.toml loads without a warning: the courses are there."""
    loaded = load_settings(ROOT / "config/demo.toml", {}, OPTIONS)
    assert loaded.warnings == ()
    assert [session.language for session in loaded.sessions] == ["zh", "en"]


def test_the_readme_names_the_two_commands() -> None:
    """A newcomer finds `make demo` and `make test`, and the Makefile has them."""
    makefile = read("Makefile")
    for target in ("demo", "test"):
        assert f"$ make {target}" in read("README.md")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", *map("docs/{}.md".format, (
    "settings", "commands", "bench", "api", "measurements", "intake", "connectors", "backup", "privacy", "scale",
))])  # fmt: skip
def test_links_between_the_pages_lead_somewhere(page: str) -> None:
    """Every relative link of a page is a file that exists."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page)):
        if not target.endswith(".png"):
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_commands_that_the_pages_show_exist() -> None:
    """Whatever the pages tell a reader to type is a command with such options."""
    for page in (
        "README.md", "docs/commands.md", "docs/settings.md", "docs/scale.md", "bot/templates/init/floormic.toml",
    ):  # fmt: skip
        for name, rest in re.findall(r"(?:\$ \S*|`)floormic ([a-z]+)([^`\n]*)", read(page)):
            assert name in floormic.commands, (page, name)
            known = {option for command, option in options() if command == name} | {"--help"}
            assert set(re.findall(r"--[a-z-]+", rest.split("#")[0])) <= known, (page, name, rest)


def test_what_security_names_is_there() -> None:
    """Each test file and scenario that SECURITY.md names can be run."""
    page = read("SECURITY.md")
    files = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert len(files) > 15
    assert sorted(file for file in files if not (ROOT / file).is_file()) == []
    assert set(re.findall(r"scenario `([^`]+)`", page)) <= {one.name for one in scenarios()}
