"""What is installed on a server is complete, and the files of `config/` fit the program."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.cli import floormic

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config"
DOCKERFILE = (CONFIG / "Dockerfile").read_text(encoding="utf-8")
UNITS = sorted(path.name for path in CONFIG.glob("floormic*.*"))
EXPOSED = 1.5
"""The most that `systemd-analyze security` may say of a service; 10 is the worst."""

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
RUN = "from bot.cli import main; main()"
PATIENCE = 120.0  # seconds, on a machine that has other things to do


def copied() -> list[str]:
    """What the Dockerfile takes from the source."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [one for line in lines for one in line.split()[:-1]]


def commands(text: str) -> Iterator[list[str]]:
    """Every call of `floormic` in a unit or on a page, as its words."""
    for line in re.findall(r"^(?:ExecStart=\S*|# .*?(?:-- |exec floormic ))floormic ([a-z]+\b.*)$", text, re.MULTILINE):
        yield line.split()


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as pip unpacks it, from a wheel that was built from nothing but what the Dockerfile copies."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=source, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    shutil.rmtree(source)
    return folder / "site"


def environ(installed: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", **more}


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return str(reply.read().decode("utf-8", "replace"))


def until_it_holds(what: str, url: str, holds: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if holds in page(url):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"{what}: {url} never had {holds!r}")


@pytest.mark.model
def test_an_installation_needs_nothing_of_the_source_and_writes_nothing_into_itself(
    installed: Path, tmp_path: Path
) -> None:
    """From a wheel alone, in an empty folder: `init`, `check` in Chinese, `run` with its pages, scripts and model."""
    before = tree(installed)
    for words in (["init", "."], ["check"]):
        done = subprocess.run(
            [sys.executable, "-c", RUN, *words],
            cwd=tmp_path,
            env=environ(installed, LC_ALL="zh_CN.UTF-8"),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert "没有错误" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = (tmp_path / "floormic.toml").read_text(encoding="utf-8")
    (tmp_path / "floormic.toml").write_text(config.replace("#port = 8080", f"port = {port}"), encoding="utf-8")
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, "run"], cwd=tmp_path, env=environ(installed), stdout=log, stderr=log
        )
    try:
        until_it_holds("the program", f"{url}/healthz", "ok")
        for script in re.findall(r'"(/static/[^"]+)"', page(f"{url}/s/talk")):
            assert page(url + script), script
        for path in ("/s/talk/stage", "/s/talk/overlay", "/signin", "/api/v1/openapi.json"):
            assert page(url + path), path
        headers = {"Content-Type": "application/json", "Origin": url}
        body = json.dumps({"text": "Will there be a recording?"}).encode()
        asking = urllib.request.Request(f"{url}/api/v1/sessions/talk/messages", body, headers)
        urllib.request.urlopen(asking, timeout=30).close()
        until_it_holds("the question", f"{url}/api/v1/sessions/talk/questions", "recording")
    finally:
        process.terminate()
        status = process.wait(PATIENCE)
    assert status == 0, (tmp_path / "log").read_text()
    assert tree(installed) == before


def test_the_image_is_made_of_what_is_there() -> None:
    """Every file that the Dockerfile copies exists, goes through .dockerignore, and pyproject.toml needs no other."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    assert set(copied()) == let_in
    assert all((ROOT / name).exists() for name in copied())
    assert {"pyproject.toml", "README.md", "LICENSE", "constraints.txt", "bot", "knowledge"} <= let_in


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    """Not as root, with the data in a volume, and healthy when /healthz on the usual port says so."""
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER floormic$", final, re.MULTILINE)
    assert re.search(r"^VOLUME /data$", final, re.MULTILINE)
    assert "http://127.0.0.1:8080/healthz" in final
    assert 'ENTRYPOINT ["floormic"]' in final
    assert not re.search(r"apt-get|gcc|build-essential", final)


@pytest.mark.parametrize("file", [*(f"config/{name}" for name in UNITS), "docs/running.md", "docs/scale.md"])
def test_what_a_unit_or_the_page_calls_is_there(file: str) -> None:
    """Every `floormic …` that is written there is a command, with options that it knows."""
    for name, *words in commands((ROOT / file).read_text(encoding="utf-8")):
        if name == "floormic":  # docker compose exec SERVICE COMMAND
            name, *words = words
        known = floormic.commands[name]
        options = {one for parameter in known.params if isinstance(parameter, click.Option) for one in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options | {"--help"}


@pytest.mark.parametrize("name", ["running.md", "scale.md"])
def test_what_the_page_names_of_the_source_is_there(name: str) -> None:
    """Every file of `config/` that the page copies or builds with exists."""
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in re.findall(r"config/([\w.*-]+)", page):
        assert list(CONFIG.glob(name.rstrip("."))), name


def instance(unit: str) -> str:
    """A unit by its name; of a template the one that is called 8081, as a port may be."""
    return unit.replace("@.", "@8081.")


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_the_unit(unit: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing, and what runs is confined as far as is meant."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for name in UNITS:
        text = (CONFIG / name).read_text(encoding="utf-8")
        text = text.replace("/opt/floormic/bin/floormic", "/bin/true")
        (tmp_path / instance(name)).write_text(text, encoding="utf-8")
    file = tmp_path / instance(unit)
    verified = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    if unit.endswith(".service"):
        judged = subprocess.run(["systemd-analyze", "security", "--offline=true", file], capture_output=True, text=True)
        (exposure,) = re.findall(r"Overall exposure level for .*: ([\d.]+)", judged.stdout)
        assert float(exposure) <= EXPOSED
