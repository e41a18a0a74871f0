"""What the running program says of itself: its metrics, its log, and whether traffic may come."""

import asyncio
import json
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from bot.connectors.intake import signature
from tests.fake_intake import SECRET, FakeChat, answering
from tests.running import PATIENCE, Running, running

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]

PRIVATE = {
    "name": "Zephyrine Quokkabottom",
    "id": "ou_zq-44771199",
    "phone": "+86 139 5550 4417",
    "mail": "zephyrine.q@wombat.example",
    "text": "xyzzy-plugh-marker",
    "chat": "chat-of-the-quokkas-81",
    "token": "Bearer-like-a8f7e6d5c4b3",
}
CONFIG = """
[web]
port = 0
[log]
format = "json"
[[session]]
id = "talk"
title = "A talk"
language = "en"
[intake]
secret = "{secret}"
reply_url = "{url}"
"""
QUESTIONS = (
    "Is there a recording of this talk?",
    "How long does the battery last in winter?",
    "Why do you use a gyroscope and not a camera?",
    "Which license does the code have?",
    "What does the sensor cost in quantities of ten?",
)


@dataclass
class Evening:
    """The program after an evening, and what was sent to it."""

    program: Running
    chat: FakeChat
    metrics: dict[str, Metric]
    page: str
    web: int = 0
    posted: int = 0
    forged: int = 0
    requests: list[str] = field(default_factory=list)

    def value(self, name: str, **labels: str) -> float:
        return value(self.metrics, name, **labels)


def value(metrics: dict[str, Metric], name: str, **labels: str) -> float:
    """The sum of what has these labels."""
    return sum(
        sample.value
        for metric in metrics.values()
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def scraped(program: Running) -> tuple[dict[str, Metric], str]:
    status, page = await program.get("/metrics")
    assert status == 200
    return {metric.name: metric for metric in text_string_to_metric_families(page)}, page


async def post(program: Running, id: str, text: str, secret: str = SECRET) -> int:
    """The other program of the intake posts a line of its chat."""
    said = {"id": id, "text": text, "user": PRIVATE["id"], "name": PRIVATE["name"], "chat": PRIVATE["chat"]}
    body = json.dumps([said]).encode()
    stamp = str(int(time.time()))
    headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": signature(secret.encode(), stamp, body)}
    async with program.client.post(f"{program.url}/in/intake", data=body, headers=headers) as answer:
        return answer.status


async def until_placed(program: Running, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while value((await scraped(program))[0], "floormic_placements_total") < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def until_said(program: Running, chat: FakeChat) -> None:
    """Until something was said and nothing waits to be: what is under way is in no count, so it must be so twice."""
    async with asyncio.timeout(PATIENCE):
        heard = -1
        while True:
            metrics = (await scraped(program))[0]
            waiting = value(metrics, "floormic_outbox_waiting") + value(metrics, "floormic_outbox_scheduled")
            if not waiting and len(chat.requests) == heard > 0:
                return
            heard = len(chat.requests)
            await asyncio.sleep(1.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evening]:
    """Lines from the page and from a chat, some twice, some forged, one cut; the chat first refuses what it is told."""
    folder = tmp_path_factory.mktemp("watching")
    async with FakeChat() as chat:
        chat.will(answering(500), answering(429, retry_after="1"))
        async with running(folder, CONFIG.format(secret=SECRET, url=chat.url)) as program:
            made = Evening(program, chat, {}, "")
            for number, text in enumerate(QUESTIONS):
                status, _, request = await program.ask(f"{text} {PRIVATE['text']} {PRIVATE['phone']}")
                assert status == 202
                made.web += 1
                made.requests.append(request)
                for _ in range(2):  # delivered twice
                    assert await post(program, f"line-{number}", f"{text} {PRIVATE['mail']} {PRIVATE['token']}") < 300
                made.posted += 1
            for _ in range(3):
                assert await post(program, f"x-{PRIVATE['id']}", PRIVATE["text"], secret="not-the-secret-1234") == 403
                made.forged += 1
            await program.get(f"/signin/{PRIVATE['token']}")
            await program.get(f"/{PRIVATE['name']}?q={PRIVATE['phone']}", Cookie=f"floormic-login={PRIVATE['token']}")
            reader, writer = await asyncio.open_connection("127.0.0.1", int(program.url.rpartition(":")[2]))
            writer.write(f"POST /in/intake HTTP/1.1\r\nX: {PRIVATE['name']}\x00\r\n\r\n{PRIVATE['text']}".encode())
            await reader.read()
            writer.close()
            await until_placed(program, made.web + made.posted)
            await until_said(program, chat)
            made.metrics, made.page = await scraped(program)
            yield made
        assert program.process.returncode == 0


async def test_what_was_sent_is_what_was_counted(evening: Evening) -> None:
    """Messages by source, those that came twice, those that found a place, refusals, and what was said."""
    assert evening.value("floormic_messages_received_total", source="web") == evening.web
    assert evening.value("floormic_messages_received_total", source="intake") == evening.posted
    assert evening.value("floormic_messages_repeated_total", source="intake") == evening.posted
    assert evening.value("floormic_placements_total") == evening.web + evening.posted
    assert evening.value("floormic_placements_total", outcome="founded") >= 1
    nothing = evening.value("floormic_placements_total", outcome="no_question")
    asked = evening.value("floormic_placements_total") - nothing
    assert evening.value("floormic_answers_total") == asked
    assert evening.value("floormic_placement_lag_seconds_count") == evening.web + evening.posted
    posts = {"method": "POST", "route": "/in/{source}"}
    assert evening.value("floormic_http_requests_total", **posts, status="2xx") == 2 * evening.posted
    assert evening.value("floormic_http_requests_total", **posts, status="4xx") == evening.forged
    assert evening.value("floormic_deliveries_total", source="intake", outcome="sent") == len(evening.chat.requests) - 2
    assert evening.value("floormic_deliveries_total", source="intake", outcome="retried") == 1
    assert evening.value("floormic_deliveries_total", source="intake", outcome="limited") == 1
    assert evening.value("floormic_store_commits_total", outcome="done") > 0
    assert evening.value("floormic_encoder_batch_texts_sum") > 0
    assert (evening.value("floormic_inbox_waiting"), evening.value("floormic_outbox_waiting")) == (0, 0)
    for name in ("store_writable", "model_loaded", "source_up", "build_info"):
        assert evening.value(f"floormic_{name}") == 1, name
    for name in ("disk_free_bytes", "disk_size_bytes", "database_bytes", "source_changed_timestamp_seconds"):
        assert evening.value(f"floormic_{name}") > 0, name


async def test_the_names_follow_the_conventions(evening: Evening) -> None:
    """Every metric of ours has a help and a type; counters end in _total, times are in seconds, sizes in bytes; and no
    label holds what somebody wrote or who somebody is."""
    ours = {name: metric for name, metric in evening.metrics.items() if name.startswith("floormic_")}
    assert len(ours) > 25
    for name, metric in ours.items():
        assert metric.documentation.endswith("."), name
        assert metric.type in {"counter", "gauge", "histogram", "info"}, name
        assert re.fullmatch(r"[a-z][a-z_]*", name), name
        if metric.type == "counter":
            assert f"# TYPE {name}_total counter" in evening.page
        assert not re.search(r"_(ms|millis|minutes|kb|mb)\b", name), name
        assert {label for sample in metric.samples for label in sample.labels} <= {
            "source", "outcome", "route", "method", "status", "audience", "le", "version", "python", "sqlite", "chore",
        }, name  # fmt: skip
    routes = {sample.labels["route"] for sample in evening.metrics["floormic_http_requests"].samples}
    assert {"/in/{source}", "/signin/{token}", "(no such address)"} <= routes
    for private in PRIVATE.values():
        assert private not in evening.page


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
async def test_promtool_finds_nothing_wrong(evening: Evening) -> None:
    """Prometheus' own checker reads the page and has no objection."""
    checker = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await checker.communicate(evening.page.encode())
    assert (checker.returncode, said.decode()) == (0, "")


@pytest.mark.skipif(not shutil.which("prometheus"), reason="Prometheus is not installed")
async def test_prometheus_scrapes_it(evening: Evening, tmp_path: Path) -> None:
    """The real Prometheus reads the page as it asks by default, with our alerts loaded, and knows the same counts."""
    port, rules = free_port(), Path(__file__).parents[3] / "config/alerts.yml"
    scraped = {"job_name": "floormic", "static_configs": [{"targets": [evening.program.url.removeprefix("http://")]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scraped], "rule_files": [str(rules)]}
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))
    prometheus = await asyncio.create_subprocess_exec(
        "prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}", stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        asked = {"query": 'floormic_messages_received_total{source="web"}'}
        async with asyncio.timeout(PATIENCE):
            while not (found := await _query(evening, port, "query", asked)):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        assert float(found["result"][0]["value"][1]) == evening.web
        (group,) = (await _query(evening, port, "rules", {}))["groups"]
        assert len(group["rules"]) > 8
        assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    finally:
        prometheus.terminate()
        await prometheus.wait()


async def _query(evening: Evening, port: int, what: str, asked: dict[str, str]) -> dict[str, Any]:
    """What Prometheus answers; {} while it has nothing."""
    try:
        async with evening.program.client.get(f"http://127.0.0.1:{port}/api/v1/{what}", params=asked) as answer:
            found: dict[str, Any] = (await answer.json())["data"]
    except (aiohttp.ClientError, KeyError):
        return {}
    return found if found.get("result") or found.get("groups") else {}


def free_port() -> int:
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        return int(trying.getsockname()[1])


async def test_openmetrics_is_spoken_to_who_asks_for_it(evening: Evening) -> None:
    """As Prometheus asks by default."""
    status, page = await evening.program.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert page.endswith("# EOF\n")


async def test_it_is_well_and_ready(evening: Evening) -> None:
    """With its model loaded and its source connected, and it says so to this machine."""
    assert (await evening.program.get("/healthz"))[0] == 200
    status, page = await evening.program.get("/readyz")
    ready = json.loads(page)
    assert (status, ready["ready"], ready["reasons"]) == (200, True, [])
    assert ready["details"]["model"] == "loaded"
    assert [(one["name"], one["connected"]) for one in ready["details"]["sources"]] == [("intake", True)]


async def test_the_log_is_one_object_a_line_and_holds_nothing_personal(evening: Evening) -> None:
    """At the default level, after forged, cut and doubled lines and answers that were not taken."""
    events: list[dict[str, Any]] = evening.program.events
    assert events
    assert all({"time", "level", "logger", "message"} <= set(event) for event in events)
    log = "\n".join(evening.program.log)
    assert [private for private in (*PRIVATE.values(), SECRET) if private in log] == []
