"""The command `floormic`. Parses, calls, prints; what it calls is imported when it is needed, so that help is fast.

Exit status: 0 all went well, 1 `check` found mistakes, `doctor` what must be mended, `sources` a source that is down or
`restore --check` less than the backup says, 2 it could not be done (the reason is on standard error), 130 stopped by
Ctrl-C.
"""

import asyncio
import logging
import math
import os
import sys
import time
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from bot import console
from bot.errors import BadInput, FloormicError, SettingsError
from bot.logs import set_up

if TYPE_CHECKING:
    from bot.app import Measured, Preview, Standing
    from bot.ports import Accounts
    from bot.settings import Settings
    from bot.trends import Rows
    from knowledge.evaluation.words import Language

log = logging.getLogger(__name__)

DEFAULT_CONFIG = Path("floormic.toml")
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
THERE, THERE_FOLDER = (
    click.Path(True, path_type=Path, dir_okay=False),
    click.Path(True, path_type=Path, file_okay=False),
)
"""Of what would be missed only after minutes of work."""


class Number(click.FloatRange):
    """Without "nan", which is in every range, and without end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found: float = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no number that can be used.", param, ctx)
        return found


config_option = click.option(
    "--config",
    type=FILE,
    help="Configuration file. Default: floormic.toml in the current folder, if there is one; else embedded defaults.",
)


def main() -> None:
    """Run the command line; never shows a traceback for what the program itself raised."""
    set_up(say=console.worded)
    try:
        status = floormic.main(standalone_mode=False)
    except click.Abort:  # what click makes of Ctrl-C
        status = 130
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except FloormicError as error:
        click.echo(f"floormic: {console.worded(str(error))}", err=True)
        status = 2
    except BrokenPipeError:  # the reader of a pipe went away, as `head` does
        sys.stderr.close()
        status = 2
    sys.exit(status if isinstance(status, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def floormic() -> None:
    """Collects, groups, answers and queues the questions of a live audience."""


@floormic.command()
@click.argument("folder", type=FOLDER, default=Path("."), metavar="[DIR]")
def init(folder: Path) -> None:
    """Write a commented floormic.toml and an empty course folder into DIR (default: here). Overwrites nothing."""
    template = Path(__file__).parent / "templates" / "init"
    for source in sorted(path for path in template.rglob("*") if path.is_file()):
        target = folder / source.relative_to(template)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as stream:
                stream.write(source.read_text(encoding="utf-8"))
        except FileExistsError:
            click.echo(console.worded(f"{target} is there already and stays as it is"))
        except OSError as error:
            raise BadInput(f"{target} cannot be written: {error.strerror}") from error
        else:
            click.echo(console.worded(f"{target} written"))
    click.echo(console.worded("Next: edit floormic.toml, write the course, then `floormic check` and `floormic run`."))


@floormic.command()
@config_option
def check(config: Path | None) -> int:
    """Read the configuration, the courses and the model it names, and say every mistake with its place."""
    from bot import app
    from knowledge.course import read_course

    try:
        settings = _settings(config)
    except SettingsError as error:
        click.echo(console.worded(str(error)))
        click.echo(console.worded(console.counted(len(error.problems), "mistake")), err=True)
        return 1
    wrong, doubtful = app.check_encoder(settings)
    mistakes = len(wrong)
    for mistake in wrong:
        click.echo(console.worded(mistake))
    for warning in (*settings.warnings, *doubtful):
        click.echo(console.worded(f"{warning} (a warning)"))
    for session in settings.sessions:
        if session.course and session.course.exists():
            course = read_course(session.course)
            mistakes += len(course.problems)
            console.show_problems(session.course, course)
            click.echo(console.worded(f"session {session.id}: {console.measure(course)} in {session.course}"), err=True)
    click.echo(console.worded(console.counted(mistakes, "mistake")), err=True)
    return 1 if mistakes else 0


@floormic.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(config: Path | None, as_json: bool) -> int:
    """Say whether this installation is safe to run tonight, and how to mend what is not. The program may be running;
    nothing is written. The status is 1 where something must be mended."""
    import json

    from bot import app

    found = app.examine(_config(config))
    if as_json:
        click.echo(json.dumps(app.examination_json(found), ensure_ascii=False, indent=2))
    else:
        console.show_styled(app.told_examination(found, console.terminal_language()))
    return 0 if found.safe else 1


@floormic.command()
@config_option
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Instead of what `[log]` says."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Instead of what `[log]` says.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["web", "pipeline", "connectors", "outbox"]),
    help="Do only this part, beside other processes on the same PostgreSQL; repeatable. Default: all of it.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of what `[web]` says. 0 takes any free one.")
def run(
    config: Path | None, log_level: str | None, log_format: str | None, roles: tuple[str, ...], port: int | None
) -> None:
    """Listen, queue, answer and serve the pages until stopped with Ctrl-C."""
    from bot import app

    settings = _settings(config)
    if port is not None:
        settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})
    form = log_format or settings.log.format
    # What programs read stays in English.
    set_up(
        log_level or settings.log.level,
        form,
        secrets=app.secrets_of(settings),
        say=console.worded if form == "text" else str,
    )
    for warning in settings.warnings:
        log.warning("%s", warning)
    to_log = not sys.stdout.isatty()
    asyncio.run(
        app.run(settings, lambda text: click.echo(console.worded(text)), to_log=to_log, roles=roles or app.ROLES)
    )
    _leave()


@floormic.command()
@config_option
@click.option("--hours", type=Number(min=0.1), default=24.0, show_default=True, help="Look back so far.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--watch", is_flag=True, help="Draw it anew every two seconds, until Ctrl-C.")
def sources(config: Path | None, hours: float, as_json: bool, watch: bool) -> int:
    """Show how every source is: connected since when, what came, what was missed. The program may be running; the
    status is 1 where it is not, or where a source is not connected."""
    from bot import app

    if as_json and watch:
        raise BadInput("--json and --watch do not go together")
    found = app.installation(_config(config))

    def told(standing: "Standing") -> str:
        return console.worded("\n".join(app.told(standing, time.time())))

    if watch:
        console.watch(lambda: told(app.standing(found, time.time(), hours)))
    now = time.time()
    standing = app.standing(found, now, hours)
    click.echo(standing.model_dump_json(indent=2) if as_json else told(standing))
    return 0 if standing.well else 1


@floormic.command()
@config_option
@click.argument("kind", required=False)
@click.option("--list", "listing", is_flag=True, help="Show every kind with what it can do.")
@click.option(
    "--set", "values", multiple=True, metavar="KEY=VALUE", help="An option, also name and session; repeatable."
)
@click.option(
    "--secret-env", "variables", multiple=True, metavar="KEY=VARIABLE", help="A secret is in this variable; repeatable."
)
@click.option("--replace", is_flag=True, help="Write over the source of that name; what is not given stays.")
@click.option("--force", is_flag=True, help="Write it also where the platform refuses.")
@click.option("--yes", is_flag=True, help="Ask nothing: what is missing is a mistake.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of the guide. Default: as $LANG.")
def connect(
    config: Path | None,
    kind: str | None,
    listing: bool,
    values: tuple[str, ...],
    variables: tuple[str, ...],
    replace: bool,
    force: bool,
    yes: bool,
    language: str | None,
) -> None:
    """Set up a source of this KIND: how to get its keys, a try on the platform, and the table in the configuration.
    Secrets are written into files of their own, beside the data."""
    from bot import app

    language = language or console.terminal_language()
    if listing:
        console.show_kinds(app.kinds(language))
        return
    if kind is None:
        raise BadInput("name a kind, such as telegram; `floormic connect --list` shows them all")
    given = app.Given(_pairs("--set", values), _pairs("--secret-env", variables), yes, force, replace)
    app.connect(kind, config or DEFAULT_CONFIG, given, console.Terminal(language), language)


@floormic.command()
@config_option
@click.argument("name")
def listen(config: Path | None, name: str) -> None:
    """Show what the configured source NAME delivers, as it comes, until Ctrl-C; nothing is stored or answered. Stop the
    program first. Where the platform waits for a confirmation it gets none, so that the program gets all of it later
    (Telegram, everything that calls us); what it says only once, over an open connection, is gone with being shown."""
    from bot import app

    settings = _settings(config)
    click.echo(console.worded(f"Listening to {name}; nothing is kept. Ctrl-C ends."), err=True)
    asyncio.run(app.listen(settings, name, click.echo, language=console.terminal_language()))


@floormic.command()
@click.option("--once", is_flag=True, help="Replay at full speed, print a short summary and exit.")
@click.option("--speed", type=Number(min=0), default=20.0, show_default=True, help="Times as fast as it was.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes any free one.")
def demo(once: bool, speed: float, port: int) -> int:
    """Replay the sample session on the embedded defaults and print the addresses of the pages."""
    from bot import app

    return asyncio.run(app.demo(once=once, speed=speed, port=port, say=lambda text: click.echo(console.worded(text))))


@floormic.command()
@config_option
@click.argument("chat", type=FILE, metavar="CHAT.jsonl")
@click.option("--course", type=THERE_FOLDER, help="Course folder. Default: no course.")
@click.option("--speed", type=Number(min=0), default=0.0, help="Times as fast as it was; 0 (default): full.")
@click.option("--database", type=FILE, help="Keep the database here, and go on where it stopped. Default: in memory.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Of the session.")
@click.option("--out", type=FILE, required=True, help="Write one JSON line a message here.")
def replay(
    config: Path | None,
    chat: Path,
    course: Path | None,
    speed: float,
    database: Path | None,
    language: str,
    out: Path,
) -> None:
    """Feed a recorded chat through the same pipeline as a live one; write what was decided about each message."""
    from bot import app

    if out.resolve() == chat.resolve():
        raise BadInput(f"{out} is the chat itself, which would be lost: name another file to write")
    with suppress(OSError):  # what cannot be made, nothing can be written into
        out.parent.mkdir(parents=True, exist_ok=True)
    _writable(out)
    with closing(app.minds_of(_settings(config))) as minds, console.progress("replaying", _lines(chat)) as progress:
        done = asyncio.run(app.replay(chat, course, speed, out, database, language, progress, minds=minds))
    for broken in done.broken:
        console.tell(f"{chat}:{broken.line}: skipped: {broken.why}")
    rate = done.messages / done.seconds if done.seconds else 0
    lines = [f"messages   {done.messages}", f"questions  {done.askings}", f"groups     {done.questions}"]
    lines.append(f"answers    {done.sent} sent, {done.suggested} suggested")
    lines.append(f"skipped    {console.counted(len(done.broken), 'line')}")
    lines.append(f"seconds    {done.seconds:.1f} ({rate:.0f} messages a second)")
    click.echo(console.worded("\n".join(lines)))


@floormic.command()
@config_option
@click.argument("session", required=False, default="")
@click.option("--series", default="", help="Of this series instead: its evenings side by side.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "xlsx", "csv", "md", "json"]),
    default="html",
    show_default=True,
    help="As what.",
)
@click.option("--no-names", is_flag=True, help="Name nobody: no asker, no expert, nobody in the texts.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of the report. Default: that of the session.")
@click.option("--out", type=FILE, help="Write it here. Default: standard output.")
def report(
    config: Path | None, session: str, series: str, form: str, no_names: bool, language: str | None, out: Path | None
) -> None:
    """Write the report of SESSION, or of a series: what was asked, answered by whom and how fast, what was left."""
    from bot import app

    if bool(session) == bool(series):
        raise BadInput("name a session, or a series with --series")
    wanted = app.ReportWish(form, False if no_names else None, language or "")
    data = asyncio.run(app.report(_settings(config), session, series, wanted, time.time))
    if out is None:
        sys.stdout.buffer.write(data)
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}") from error
    console.tell(f"{out} written")


@floormic.command()
@config_option
@click.argument("series")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one line for each of --rows.")
@click.option(
    "--rows",
    type=click.Choice(["questions", "topics", "gaps"]),
    default="questions",
    show_default=True,
    help="What a line of the CSV is: a question, a topic on an evening, or a gap.",
)
def trends(config: Path | None, series: str, as_csv: bool, rows: "Rows") -> None:
    """Show what SERIES was about: its topics from evening to evening, what rises and falls, and what was asked and not
    answered. Stop the program first; its pages show the same."""
    from bot import app
    from bot.trends import to_csv, to_text

    found = asyncio.run(app.trends(_settings(config), series))
    if as_csv:
        # The mark tells spreadsheets that it is UTF-8.
        sys.stdout.buffer.write(to_csv(found, rows).encode("utf-8-sig"))
    else:
        click.echo(console.worded(to_text(found)))


@floormic.command()
@config_option
@click.argument("session")
@click.argument("file", type=FILE)
@click.option("--offset", default="", metavar="[-]00:01:30", help="It begins so long after the talk. Default: guessed.")
@click.option("--recording", default="", help="Address of the recording that it is of.")
def transcript(config: Path | None, session: str, file: Path, offset: str, recording: str) -> None:
    """Read what was said aloud in SESSION from FILE (WebVTT or SRT), and find which questions were answered where. Stop
    the program first; people confirm what was found on the page /s/SESSION/transcript."""
    from bot import app

    with console.progress("reading") as progress:
        work = app.transcribe(_settings(config), session, file, offset, recording, lambda done, _: progress(done))
        found = asyncio.run(work)
    console.show_transcribed(found)


@floormic.command()
@config_option
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--ask", metavar="QUESTION", help="Show what this question would be answered.")
@click.option("--alike", is_flag=True, help="Also name entries that may ask the same (reads them with the model).")
def course(config: Path | None, folder: Path, ask: str | None, alike: bool) -> int:
    """Show what is read from a course folder and, with --ask, what a question would be answered from it."""
    from knowledge.course import read_course

    read = read_course(folder)
    if ask is None:
        console.show_course(read)
    else:
        console.show_answer(_settings(config), read, ask)
    if alike:
        console.show_alike(_settings(config), read)
    console.show_problems(folder, read)
    console.tell(console.measure(read))
    return 1 if read.problems else 0


@floormic.command()
@config_option
@click.option(
    "--role",
    type=click.Choice(["organiser", "moderator", "expert", "speaker"]),
    default="moderator",
    show_default=True,
    help="What the person may do.",
)
@click.option("--name", default="", help="Who it is for; shown in the ledger. Default: the role.")
@click.option("--session", default="", help="Only for this session. Default: for all of them.")
@click.option("--hours", type=Number(min=0.1, max=720), default=24.0, show_default=True, help="Valid so long.")
def link(config: Path | None, role: str, name: str, session: str, hours: float) -> None:
    """Print a link that signs somebody in once. Needs only the secret file, so the program may be running."""
    from bot.accounts import may_be_called
    from bot.settings import keep_secret
    from bot.web.signin import SignIn

    settings = _settings(config)
    if session and session not in {known.id for known in settings.sessions}:
        raise BadInput(f"there is no session {session!r} in the configuration")
    if not may_be_called(name):
        raise BadInput(
            f"Floormic itself uses names such as {name!r}: course for what the course answers, and a name with a dot "
            "and a source behind it for those who act in the staff's chat; choose another one"
        )
    # A link is only signed here; it is looked up and used up by the running program, so that no store is needed.
    sign_in = SignIn(keep_secret(settings.secret_file).encode(), cast("Accounts", None), time.time)
    token = sign_in.link(role, name or role, session, hours * 3600)
    click.echo(f"{settings.web.url}/signin/{token}")


@floormic.command()
@config_option
@click.argument("session")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--names", is_flag=True, help="Keep what people are called. Default: they are numbered.")
def label(config: Path | None, session: str, folder: Path, names: bool) -> None:
    """Write the chat of SESSION, its course and what became of each message into DIR: once you have corrected it, a
    labelled talk for `floormic bench` and `floormic calibrate`. Stop the program first."""
    from bot import app
    from knowledge.evaluation.talks import DRAFT, LABELS

    done = asyncio.run(app.label(_settings(config), session, folder, names=names))
    course = f"{done.answerable} of them answered by the course" if done.course else "no course"
    askings = f"{console.counted(done.askings, 'asking')} in {console.counted(done.groups, 'group')}, {course}"
    click.echo(console.worded(f"{folder}: {console.counted(done.messages, 'message')}, {askings}"))
    click.echo(
        console.worded(
            f"{folder / DRAFT} says what Floormic and your moderators took each message for: measured on that, the "
            f"program would only agree with itself. Correct it line by line, save it as {LABELS}, then run "
            f"`floormic bench --talk {folder}`. Texts may hold names: keep the folder as you keep the chat."
        )
    )


@floormic.command()
@config_option
@click.option(
    "--talk", "talks", type=THERE_FOLDER, multiple=True, help="Folder of a labelled talk; may be given repeatedly."
)
@click.option("--topics", type=THERE_FOLDER, help="Folder of labelled topics (*.json).")
@click.option("--public", type=THERE_FOLDER, help="Folder with public sets, each in its own folder.")
@click.option("--series", type=THERE, help="Which questions of several evenings are the same; the talks lie beside it.")
@click.option("--chat", type=THERE, help="Replay this chat for the speed of the whole path. Default: the first talk's.")
@click.option("--course", type=THERE_FOLDER, help="Course folder for --chat. Default: no course.")
@click.option("--model", help="The encoder to measure, as in the configuration. Default: the configured one.")
@click.option(
    "--baseline", "baselines", multiple=True, help="Another encoder to set beside it; may be given repeatedly."
)
@click.option("--html", type=FILE, help="Also write a page with pictures and the worst mistakes here.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Of the page. Default: as $LANG.")
def bench(config: Path | None, html: Path | None, language: "Language | None", **wanted: Any) -> int:
    """Measure this machine's speed and, on labelled data, how well Floormic understands, beside simpler means. Status 1
    where some of the data could not be used."""
    from bot import app
    from knowledge.evaluation import table

    _writable(html, as_it_is=html is not None and _as_it_is(html) is not None)
    measured = app.bench(_settings(config), app.Wanted(**wanted), console.progress, console.tell)
    click.echo(table(measured.result, console.terminal_language()))
    if html:
        _write_page(html, measured, language or console.terminal_language())
    return 1 if measured.failed else 0


@floormic.command()
@config_option
@click.option("--model", help="The encoder, as in the configuration. Default: the configured one.")
@click.option("--talks", type=FOLDER, help="Folder of labelled talks or topics. Default: those of the program.")
@click.option("--out", type=FILE, help="Write it here. Default: calibration.json in the data folder, where it is used.")
def calibrate(config: Path | None, model: str | None, talks: Path | None, out: Path | None) -> None:
    """Choose the thresholds of an encoder on labelled talks, each judged by what the others taught."""
    from bot import app
    from knowledge.calibration import FILE as CALIBRATION

    settings = _settings(config)
    if out is None:
        with suppress(OSError):  # what cannot be made, nothing can be written into
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    _writable(out or settings.data / CALIBRATION)
    began = time.perf_counter()
    with console.progress("calibrating", 100) as progress:
        done = app.calibrate_model(settings, model, talks, out, progress)
    click.echo(console.wide("", 42) + "  " + console.worded("before   after"))
    for name, after in done.outcome.after.items():
        both = done.outcome.before.get(name, math.nan), after
        told = ("–" if math.isnan(figure) else f"{figure:.3f}" for figure in both)
        click.echo(f"{console.wide(console.worded(name), 42)}  {'  '.join(f'{figure:>6}' for figure in told)}")
    minutes = (time.perf_counter() - began) / 60
    console.tell(f"{console.counted(done.talks, 'talk')}, {minutes:.1f} minutes; {done.file} written")
    if done.silent:
        console.tell(done.silent)
    if done.worse:
        listed = ", ".join(console.worded(name) for name in done.worse)
        console.tell(f"Worse than before on these talks: {listed}. More labelled talks make it better")
    if done.silent or done.worse:
        console.tell(f"{done.file} counts from the next start on; without the file all is as it was before")


@floormic.command()
@click.option("--socket", type=FILE, required=True, help="Listen at this Unix socket.")
@click.option("--model", default="bundled", show_default=True, help="The encoder, as in the configuration.")
@click.option(
    "--threads",
    type=click.IntRange(0, 256),
    default=0,
    help="Threads for the model; 0 (default) leaves one processor to everything else.",
)
def encoder(socket: Path, model: str, threads: int) -> None:
    """Serve one model to several processes of this machine, which name it as `unix:SOCKET`, until stopped."""
    from bot import app

    set_up("info", "text", secrets=(), say=console.worded)
    asyncio.run(app.serve_encoder(model, threads or None, socket, lambda text: click.echo(console.worded(text))))
    _leave()


@floormic.command()
@config_option
def reencode(config: Path | None) -> None:
    """Make the vectors in the database anew where they are of another encoder. Stop the program first."""
    from bot import app

    with console.progress("encoding") as progress:
        done = asyncio.run(app.reencode(_settings(config), lambda done, of: progress(done)))
    told = f"{console.counted(done, 'message')} encoded anew" if done else "nothing to encode anew"
    click.echo(console.worded(told))


@floormic.command()
@config_option
@click.argument("target", type=click.Path(path_type=Path), required=False, metavar="[FILE or DIR]")
@click.option("--without-secrets", is_flag=True, help="Leave secrets out; people then have to sign in again.")
@click.option("--keep", type=click.IntRange(min=1), help="Remove older ones of the folder but the newest so many.")
def backup(config: Path | None, target: Path | None, without_secrets: bool, keep: int | None) -> None:
    """Write everything (database, courses, configuration, secrets) as one file, and read it back before saying that it
    is done. The program may be running. Default: a new file in the configured folder `backups`."""
    with suppress(OSError):  # where systemd has seen to it already, and forbids it
        os.nice(10)  # the program that runs comes first
    from bot import app

    place = app.place_of(_config(config))
    with console.progress("copying", 100) as progress:
        told = console.percent(progress)
        done = app.back_up(place, target, with_secrets=not without_secrets, keep=keep or 0, told=told)
    for line in app.told_backup(done):
        click.echo(console.worded(line))


@floormic.command()
@config_option
@click.argument("file", type=FILE)
@click.option(
    "--check", "rehearsing", is_flag=True, help="Only rehearse: restore it elsewhere, open it, and remove it."
)
@click.option("--replace", is_flag=True, help="Move the data that are there aside. Nothing is deleted.")
def restore(config: Path | None, file: Path, rehearsing: bool, replace: bool) -> int:
    """Bring back what `floormic backup` wrote to FILE. Stop the program first. The status is 1 where a rehearsal found
    less than the backup says."""
    from bot import app

    if rehearsing and replace:
        raise BadInput("--check and --replace do not go together")
    with console.progress("reading", 100) as progress:
        if rehearsing:
            rehearsed = app.rehearse(file, console.percent(progress))
            lines, wrong = app.told_rehearsal(rehearsed, file), bool(rehearsed.fewer)
        else:
            done = app.restore(
                file, config or DEFAULT_CONFIG, replace=replace, now=time.time(), told=console.percent(progress)
            )
            lines, wrong = app.told_restore(done), False
    for line in lines:
        click.echo(console.worded(line))
    return 1 if wrong else 0


@floormic.command()
@config_option
@click.option("--from", "source", required=True, metavar="ADDRESS", help="What is moved: sqlite:PATH or postgresql://…")
@click.option("--to", "target", required=True, metavar="ADDRESS", help="Where to; an empty database, or a new file.")
def move(config: Path | None, source: str, target: str) -> None:
    """Copy the whole database of an installation from SQLite to PostgreSQL, or back, and compare both. Stop the program
    first. What is moved stays as it is; the configuration is yours to change, as the last lines say."""
    from bot import app

    place = app.place_of(_config(config))
    with console.progress("moving", 100) as progress:
        done = app.move(place, source, target, console.percent(progress))
    for line in app.told_move(done, place):
        click.echo(console.worded(line))


@floormic.command()
def version() -> None:
    """Print the version of Floormic and of Python."""
    import platform
    from importlib.metadata import version as installed

    click.echo(f"floormic {installed('floormic')} (Python {platform.python_version()})")


@floormic.command("import")
@config_option
@click.argument("file", type=FILE)
@click.option("--session", default="", help="Session that it belongs to. Needed if there are several.")
@click.option("--columns", metavar="time=1,name=2,text=3", help="Which column holds what. Default: guessed.")
@click.option("--yes", is_flag=True, help="Ask nothing. Refused where the columns are only a guess in the dark.")
def import_(config: Path | None, file: Path, session: str, columns: str | None, yes: bool) -> int:
    """Read a chat that was exported to FILE (CSV, TSV, XLSX, JSON, TXT) into a session. Stop the program first. The
    status is 1 where rows were skipped."""
    from bot import app

    def confirm(preview: "Preview") -> bool:
        console.show_preview(file, preview)
        if yes and not (preview.sure or columns):
            raise BadInput(f"{file}: the columns are not clear enough to go on by themselves; say them with --columns")
        return yes or click.confirm(console.worded("Import it so?"), err=True)

    done = asyncio.run(app.import_chat(_settings(config), file, session, _column_numbers(columns), confirm))
    if done is None:
        click.echo(console.worded("nothing imported"), err=True)
        return 0
    for problem in done.skipped:
        click.echo(console.worded(f"{file}:{problem.line}: skipped: {problem.why}"), err=True)
    skipped = console.counted(len(done.skipped), "row")
    click.echo(console.worded(f"messages   {done.messages}\nnew        {done.new}\nskipped    {skipped}"))
    return 1 if done.skipped else 0


@floormic.command()
@config_option
@click.option("--person", metavar="SOURCE:ID", help="Forget this person, and whoever they linked to themselves.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Forget everybody of evenings before this day.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def forget(config: Path | None, person: str | None, before: datetime | None, yes: bool) -> None:
    """Forget a person, or everybody of old evenings: what they said stays as counts alone. Stop the program first."""
    from bot import app

    if (person is None) == (before is None):
        raise BadInput("say either --person SOURCE:ID or --before DATE")
    if before and before.year < 1970:
        raise BadInput("--before: no evening is older than 1970: name a later day")
    if not yes and not click.confirm(console.worded("This cannot be undone. Forget it?"), err=True):
        click.echo(console.worded("nothing was forgotten"), err=True)
        return
    done = asyncio.run(app.forget(_settings(config), person or "", before and before.astimezone(), time.time))
    persons, messages = console.counted(done.persons, "person", "persons"), console.counted(done.messages, "message")
    click.echo(console.worded(f"forgot {persons} in {messages}"))


@floormic.command()
@config_option
@click.option("--person", metavar="SOURCE:ID", required=True, help="Whose data.")
@click.option(
    "--format", "kind", type=click.Choice(["json", "html"]), default="json", show_default=True, help="Of the file."
)
@click.option("--out", type=FILE, help="Write it here. Default: standard output.")
def export(config: Path | None, person: str, kind: str, out: Path | None) -> None:
    """Write everything that is kept of one person. Stop the program first."""
    from bot import app

    text = asyncio.run(app.export(_settings(config), person, kind, console.terminal_language(), time.time))
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}") from error
    console.tell(f"{out} written")


def _config(config: Path | None) -> Path | None:
    return config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)


def _settings(config: Path | None) -> "Settings":
    from bot import app

    return app.load(_config(config))


def _leave() -> NoReturn:
    """End at once: all is on the disk, and threads that load or use the model would keep us for seconds."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in given:
        key, mark, value = text.partition("=")
        if not mark or not key.strip():
            raise BadInput(f"{option} {text}: write it as {option} key=value")
        pairs[key.strip()] = value.strip()
    return pairs


def _writable(file: Path | None, *, as_it_is: bool = False) -> None:
    """Minutes of work come before it is written, beside itself at first or into it `as_it_is`."""
    if file is None:
        return
    there = file.resolve().parent
    plain = file.is_file() or not file.exists()
    if os.access(file, os.W_OK) if as_it_is else plain and there.is_dir() and _takes_files(there):
        return
    raise BadInput(f"{file} cannot be written: {'name another file' if there.is_dir() else f'make the folder {there}'}")


def _takes_files(folder: Path) -> bool:
    """Tried, for what is allowed may fail all the same, as in /proc; nothing is left of it."""
    from tempfile import TemporaryFile

    try:
        with TemporaryFile(dir=folder):
            return os.access(folder, os.W_OK)
    except OSError:
        return False


def _as_it_is(file: Path) -> Path | int | None:
    """Where a page is to be written into what is there: a pipe or a device, what is printed to already (its
    descriptor), a file beside which nothing may be put. None where a new file takes its place."""
    if not file.exists():
        return None
    for printed in (1, 2):
        with suppress(OSError):  # closed
            if os.path.samestat(file.stat(), os.fstat(printed)):
                return printed
    return None if file.is_file() and os.access(file.resolve().parent, os.W_OK) else file


def _write_page(file: Path, measured: "Measured", language: "Language") -> None:
    import shlex

    from bot import app
    from knowledge.evaluation import Heading, page

    command = shlex.join(["floormic", *sys.argv[1:]])
    heading = Heading(command, app.code_version(), time.strftime("%Y-%m-%d %H:%M"))
    failed = [console.worded(problem, language) for problem in measured.failed]
    text = page(measured.result, heading, failed, language)
    data = text.encode("utf-8", "replace")
    try:
        if (into := _as_it_is(file)) is None:
            _replace(file.resolve(), data)
        else:
            sys.stdout.flush()
            with open(into, "wb", closefd=not isinstance(into, int)) as stream:
                stream.write(data)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}") from error
    console.tell(f"{file} written")


def _replace(file: Path, data: bytes) -> None:
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def _lines(file: Path) -> int | None:
    """How many lines; None where it cannot be read, which is reported by whoever reads it."""
    try:
        with file.open(encoding="latin-1") as stream:  # every byte is a letter of it
            return sum(1 for _ in stream)
    except OSError:
        return None


def _column_numbers(text: str | None) -> dict[str, int] | None:
    """`time=1,name=2,text=3` as a mapping."""
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not number.strip().isdecimal() for _, _, number in pairs):
        raise BadInput(f"--columns {text}: write it as time=1,name=2,text=3, counted from 1")
    return {role.strip(): int(number) for role, _, number in pairs}


if __name__ == "__main__":
    main()
