"""What the command `floormic` asks and shows in a terminal, in its language.

What it calls is imported when it is needed, so that help is fast.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import click

if TYPE_CHECKING:
    from bot.app import Preview, Transcribed
    from bot.settings import Settings
    from knowledge.course import Course


def worded(text: str, language: str = "") -> str:
    """In the language of the terminal, or in this one; line by line, for what one is shown may have many."""
    from bot.phrases import in_language

    return "\n".join(in_language(line, language or terminal_language()) for line in text.split("\n"))


def tell(text: str) -> None:
    """On standard error, in the language of the terminal."""
    click.echo(worded(text), err=True)


def terminal_language() -> Literal["en", "zh"]:
    """That of the terminal, as far as the program speaks it."""
    spoken = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if spoken.lower().startswith("zh") else "en"


class Terminal:
    """Whoever sits before it is asked and told in their language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def say(self, text: str) -> None:
        click.echo(worded(text, self._language))

    def guide(self, text: str) -> None:
        from bot.app.terminal import steps

        click.echo(steps(text, shutil.get_terminal_size().columns) + "\n")

    def ask(self, question: str, default: str = "") -> str:
        return str(click.prompt(worded(question, self._language), default=default, show_default=bool(default)))

    def ask_secret(self, question: str) -> str:
        return str(click.prompt(worded(question, self._language), default="", show_default=False, hide_input=True))

    def choose(self, question: str, choices: Mapping[str, str]) -> str:
        shown = ", ".join(f"[{key}] {worded(meaning, self._language)}" for key, meaning in choices.items())
        asked = f"{worded(question, self._language)} {shown}"
        return str(click.prompt(asked, type=click.Choice(list(choices)), show_choices=False))


def show_kinds(rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for at, name in enumerate(rows[0]):
        table.add_column(name, no_wrap=at != 1, overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    Console(highlight=False).print(table)


def show_styled(lines: Iterable[tuple[str, str]]) -> None:
    """(Text, style) each."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line, style in lines:
        console.print(Text(line, style))


def watch(draw: Callable[[], str]) -> NoReturn:
    from rich.live import Live
    from rich.text import Text

    with Live(Text(draw()), auto_refresh=False, vertical_overflow="visible") as live:
        while True:
            time.sleep(2)
            live.update(Text(draw()), refresh=True)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, told how much is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(worded(what), total=total)
        yield lambda done: bar.update(task, completed=done)


def percent(progress: Callable[[int], None]) -> Callable[[int, int], None]:
    return lambda done, of: progress(100 * done // of)


def show_course(course: "Course") -> None:
    also = worded("also:")
    for entry in course.entries:
        click.echo(f"{click.style(entry.id, bold=True)}  ({entry.source})\n  {entry.question}")
        for phrasing in entry.phrasings:
            click.echo(f"  {also} {phrasing}")
        click.echo(f"  → {_shortened(entry.answer)}")
    for passage in course.passages:
        click.echo(f"{click.style(passage.id, bold=True)}  ({passage.source})\n  {_shortened(passage.text)}")


def show_answer(settings: "Settings", course: "Course", ask: str) -> None:
    from bot import app

    match = app.ask(settings, course, ask, tell)
    if match is None:
        click.echo(worded("nothing: the course is empty"))
        return
    said = {"answer": "would be answered", "suggest": "would be suggested to a moderator", "silent": "stays silent"}
    click.echo(worded(f"{said[match.verdict]} ({match.score:.0%} sure): {match.source}  ({match.where})\n"))
    click.echo(match.text)


def show_alike(settings: "Settings", course: "Course") -> None:
    from bot import app

    for one, other in app.alike(settings, course, tell):
        asked = f"“{_printable(one.question)}”, “{_printable(other.question)}”"
        click.echo(
            worded(
                f"{one.source} and {other.source} may ask the same ({asked}): make one of them, or say in both "
                "questions what tells them apart; as it is, whichever fits better is sent, or neither"
            )
        )


def show_problems(folder: Path, course: "Course") -> None:
    for problem in course.problems:
        click.echo(worded(f"{folder / problem.place if folder.exists() else folder}: {problem.message}"))


def show_transcribed(found: "Transcribed") -> None:
    from knowledge.captions import clock

    kept = found.transcript
    for line, problem in kept.problems:
        tell(f"{kept.name}{f':{line}' if line else ''}: {problem}")
    for proposal, question in found.proposals:
        title = _printable(question.title)
        click.echo(f"{clock(proposal.passage.start)}  {proposal.state.value:9}  {question.wanting:>4}  {title}")
    if kept.zero is not None:
        begins = f"{datetime.fromtimestamp(kept.zero):%Y-%m-%d %H:%M:%S}"
        click.echo(worded(f"the transcript begins {begins}; if it does not, say so with --offset"), err=True)
    count = len(found.proposals)
    told = f"questions that may have been answered aloud, to be confirmed on the page: {count}"
    click.echo(worded(told if count else "no question was found that was answered aloud"), err=True)


def show_preview(file: Path, preview: "Preview") -> None:
    guess = preview.guess
    said = filter(None, (guess.form, guess.encoding, worded(counted(len(guess.rows), "row"))))
    click.echo(f"{file}: {', '.join(said)}")
    for role, column in preview.columns.items():
        title = guess.header[column] if column < len(guess.header) else ""
        click.echo(worded(f"  {role:4}  column {column + 1}  {_printable(title)}"))
    click.echo(worded(f"  how sure the columns are: {guess.confidence:.0%}"))
    for line in preview.first:
        when = "" if line.at is None else f"{datetime.fromtimestamp(line.at, preview.zone):%Y-%m-%d %H:%M:%S}"
        click.echo(f"{line.line:>6}  {when}  {_printable(f'{line.name}: {line.text}')}")


def measure(course: "Course") -> str:
    return f"{counted(len(course.entries), 'FAQ entry', 'FAQ entries')}, {counted(len(course.passages), 'passage')}"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"


def wide(text: str, width: int) -> str:
    """Filled up to that many cells."""
    from bot.app.terminal import cells

    return text + " " * (width - cells(text))


def _printable(text: str) -> str:
    """What a stranger wrote must not command the terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in _shortened(text, 80))


def _shortened(text: str, width: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
