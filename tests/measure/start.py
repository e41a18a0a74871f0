"""Start-up time and memory: `python -m tests.measure.start`.

Starts `floormic run` with the bundled model on an empty folder, waits until the pages answer and until a question that
was posted is in the queue, and reads the resident memory of the process.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

CONFIG = '[web]\nport = 0\n\n[[session]]\nid = "talk"\ntitle = "Measured"\nlanguage = "en"\n'


def resident(pid: int) -> float:
    """MB of memory that the process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def questions(url: str) -> list[object]:
    with urllib.request.urlopen(f"{url}/api/v1/sessions/talk/questions") as reply:
        return list(json.load(reply)["questions"])


def ask(url: str) -> None:
    body = json.dumps({"text": "Will there be a recording?"}).encode()
    headers = {"Content-Type": "application/json", "Origin": url}
    urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/sessions/talk/messages", body, headers)).close()


def measure() -> None:
    command = Path(sys.executable).with_name("floormic")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "floormic.toml").write_text(CONFIG, encoding="utf-8")
        began = time.perf_counter()
        program = subprocess.Popen([command, "run"], cwd=folder, stdout=subprocess.PIPE, text=True)
        assert program.stdout
        url = program.stdout.readline().split()[-1]
        pages, empty = time.perf_counter() - began, resident(program.pid)
        ask(url)
        while not questions(url):
            time.sleep(0.05)
        placed, full = time.perf_counter() - began, resident(program.pid)
        program.terminate()
        stopping = time.perf_counter()
        program.wait()
    print(f"pages answer after        {pages:.1f} s, {empty:.0f} MB")
    print(f"first question placed at  {placed:.1f} s, {full:.0f} MB")
    print(f"stopped after             {time.perf_counter() - stopping:.1f} s")


if __name__ == "__main__":
    measure()
