"""The whole program on its own sample: nothing to configure, nothing kept."""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from bot.app.hall import Hall, open_hall, until_stopped
from bot.connectors.replay import Replay
from bot.settings import SessionSettings, Settings, WebSettings

LANGUAGES = ("zh", "en")
Say = Callable[[str], None]


async def demo(*, once: bool = False, speed: float = 20.0, port: int = 8080, say: Say) -> int:
    """Start the program, play the sample sessions at `speed` times their own, print the addresses.

    With `once` at full speed, then a summary, then the end. Returns the exit status.
    """
    with as_file(files("knowledge") / "sample") as sample, tempfile.TemporaryDirectory(prefix="floormic-demo-") as data:
        settings = _settings(sample, Path(data), 0 if once else port)
        began = time.perf_counter()
        played = {session.id: asyncio.Event() for session in settings.sessions}

        async with open_hall(settings) as hall:
            for id, event in played.items():
                hall.play(_player(sample / id.removeprefix("demo-"), id, hall, 0.0 if once else speed, event))
            if not once:
                _addresses(hall, say)
            say("Loading the language model …")
            await hall.loaded()
            say("Playing the sample sessions …")
            if once:
                await asyncio.gather(*(event.wait() for event in played.values()))
                await hall.drained()
                await _summary(hall, time.perf_counter() - began, say)
                return 0
            await until_stopped(hall)
    return 0


def _settings(sample: Path, data: Path, port: int) -> Settings:
    sessions = []
    for language in LANGUAGES:
        talk = json.loads((sample / language / "session.json").read_text(encoding="utf-8"))
        sessions.append(
            SessionSettings(
                id=f"demo-{language}",
                title=talk["title"],
                series=talk.get("series", ""),
                speaker=talk.get("speaker", ""),
                language=talk["language"],
                course=sample / language / "course",
            )
        )
    return Settings(data=data, web=WebSettings(port=port), session=tuple(sessions))


def _player(folder: Path, session: str, hall: Hall, speed: float, played: asyncio.Event) -> Replay:
    player = Replay(
        folder / "chat.jsonl",
        session,
        now=hall.now,
        speed=speed,
        drained=hall.drained,
        done=played.set,
    )
    player.name = f"replay-{session}"
    return player


def _addresses(hall: Hall, say: Say) -> None:
    say("")
    for session in hall.settings.sessions:
        say(f"{session.title}")
        say(f"  viewer page      {hall.session_url(session.id)}")
        say(f"  moderator board  {hall.session_url(session.id, 'board')}")
        say(f"  stage            {hall.session_url(session.id, 'stage')}")
        say(f"  overlay          {hall.session_url(session.id, 'overlay')}")
        say(f"  report           {hall.session_url(session.id, 'report')}")
    say("")
    say("Sign in first (this link works once), then open the board and the report:")
    say(f"  {hall.link('organiser', 'Demo')}")
    say("Stop with Ctrl-C. Nothing of the demo is kept.")
    say("")


async def _summary(hall: Hall, seconds: float, say: Say) -> None:
    placed = [
        (message, placement)
        for session in hall.settings.sessions
        for message, placement in await hall.store.placements(session.id)
        if placement
    ]
    placements = [placement for _, placement in placed]
    say(f"messages   {sum(message.part == 1 for message, _ in placed)}")
    say(f"questions  {sum(p.asking for p in placements)}")
    say(f"groups     {len({p.question for p in placements if p.question})}")
    say(f"answers    {sum(p.answer is not None and p.answer.state == 'sent' for p in placements)} sent")
    say(f"seconds    {seconds:.1f}")
