"""`floormic encoder`: who has no model of its own understands with it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.app.calibrating import check_encoder
from bot.model import Status
from bot.settings import Settings
from tests.bot.app.test_hall import open_hall, settings
from tests.bot.values import message

FLOORMIC = (sys.executable, "-c", "from bot.cli import main; main()", "encoder", "--socket")


@contextmanager
def serving() -> Iterator[Path]:
    """The command as it is started, until it is stopped as systemd stops it."""
    with TemporaryDirectory(prefix="fm") as folder:
        socket = Path(folder, "encoder.sock")
        process = subprocess.Popen([*FLOORMIC, str(socket)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert f'model = "unix:{socket}"' in process.stdout.readline()
            yield socket
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        assert not socket.exists()


@pytest.mark.model
async def test_a_hall_understands_with_the_model_of_another_process(tmp_path: Path) -> None:
    """A question is found and founded, and the thresholds are those of the model that the other process has."""
    with serving() as socket:
        model = Settings.model_validate({"data": tmp_path, "encoder": {"model": f"unix:{socket}"}}).encoder
        said = settings(tmp_path).model_copy(update={"encoder": model})
        assert await asyncio.to_thread(check_encoder, said) == ([], [])
        async with open_hall(said) as hall:
            await hall.store.receive(
                [message(1, text="请问老师，今天的回放在哪里可以看？"), message(2, text="哈哈哈哈")]
            )
            await hall.drained()
            (question,) = await hall.store.questions("talk")
            assert question.status is Status.NEW


def test_without_the_other_process_the_check_says_what_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with the command, and no start."""
    monkeypatch.setattr("knowledge.encoder_service.PATIENCE", 0.2)
    said = Settings.model_validate({"data": tmp_path, "encoder": {"model": f"unix:{tmp_path}/none.sock"}})
    wrong, _ = check_encoder(said)
    assert len(wrong) == 1
    assert f"start one: floormic encoder --socket {tmp_path}/none.sock" in wrong[0]
