"""The board and the alerts speak of metrics that there are, in words that Grafana and Prometheus know."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import Metrics

ROOT = Path(__file__).parent.parent
BOARD = ROOT / "config/grafana.json"
ALERTS = ROOT / "config/alerts.yml"
PROMTOOL = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
PROMETHEUS = {"up"}
"""What Prometheus itself knows of every target."""

SAMPLES = re.compile(r"\b(floormic_\w+|process_\w+|python_\w+|up(?=\{))")


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """The samples of /metrics and the labels of each, as a program says them."""
    metrics = Metrics("1", "3")
    metrics.answered("GET", "/", 200, 0.1)
    metrics.encoded(1, 0.1)
    for gauge in (metrics.up, metrics.since, metrics.outbox, metrics.scheduled):
        gauge.labels("web").set(1)
    for counter in (metrics._received, metrics._repeated):
        counter.labels("web")
    metrics._deliveries.labels("web", "sent")
    page, _ = asyncio.run(metrics.read(""))
    return {
        sample.name: set(sample.labels) | {"instance", "job"}
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BOARD.read_text(encoding="utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    return [panel for panel in board()["panels"] if panel["type"] != "row"]


def queries() -> Iterator[tuple[str, str]]:
    """Every query of the board and of the alerts with the name of its place."""
    for panel in panels():
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    for note in board()["annotations"]["list"]:
        yield note["name"], note["expr"]
    for variable in board()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]
    yield from ((rule["alert"], rule["expr"]) for rule in rules())


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def test_every_metric_of_board_and_alerts_is_one_that_the_program_tells(known: dict[str, set[str]]) -> None:
    """With the labels that it is asked by, and every query asks for at least one."""
    asked = dict(queries())
    assert len(asked) >= 40
    for place, query in queries():
        names = SAMPLES.findall(query)
        assert names, place
        assert {name for name in names if name not in known} <= PROMETHEUS, place
        for name, filters in re.findall(r"(floormic_\w+)\{([^}]*)\}", query):
            assert set(re.findall(r"(\w+)\s*[!=]", filters)) <= known[name], place
        labels = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", query) for label in by.split(",")}
        assert labels <= set.union(*(known.get(name, set()) for name in names)), place


def test_every_metric_of_ours_is_described(known: dict[str, set[str]]) -> None:
    """docs/watching.md has a line for each, and for nothing else."""
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known if name.startswith("floormic_")}
    described = set(re.findall(r"^\| `(floormic_\w+)`", (ROOT / "docs/watching.md").read_text(encoding="utf-8"), re.M))
    assert described == ours


def test_every_alert_is_described() -> None:
    """docs/watching.md has a line for each, and for nothing else; each says what to do itself, too."""
    described = set(re.findall(r"^\| `(Floormic\w+)`", (ROOT / "docs/watching.md").read_text(encoding="utf-8"), re.M))
    assert described == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert len(rule["annotations"]["action"]) > 20


def test_grafana_knows_every_field_of_the_board() -> None:
    """Read with Grafana's own schema and written again, nothing is missing that was there."""
    register_default_plugins()
    known = json.loads(json.dumps(Dashboard.from_json(board()), cls=JSONEncoder))
    assert list(lost(board(), known)) == []


def lost(given: Any, kept: Any, place: str = "") -> Iterator[str]:
    """The places of what stands in `given` and not in `kept`."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key not in kept and value not in ({}, [], None, "", False, 0):
                yield f"{place}.{key}"
            elif key in kept:
                yield from lost(value, kept[key], f"{place}.{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif given != kept:
        yield place


def test_the_panels_lie_beside_each_other() -> None:
    """None over another one, none outside of the 24 columns, each with an id and a sentence of its own."""
    taken: set[tuple[int, int]] = set()
    for panel in board()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in board()["panels"]}) == len(board()["panels"])
    assert all(len(panel["description"]) > 8 for panel in panels())


@PROMTOOL
def test_promtool_takes_the_alerts() -> None:
    """Prometheus' own checker has no objection."""
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@PROMTOOL
def test_prometheus_can_read_every_query_of_the_board(tmp_path: Path) -> None:
    """With Grafana's own words filled in, each is a query without a mistake."""
    asked = [
        re.sub(r"\$__rate_interval", "1m", re.sub(r"\$(instance|job)", ".*", query))
        for panel in panels()
        for query in (target["expr"] for target in panel["targets"])
    ]
    recorded = [{"record": f"board:{number}", "expr": query} for number, query in enumerate(asked)]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": recorded}]}))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SERIES = {
    "FloormicDown": ('up{job="floormic",instance="a"}', "1x4 0x20", "0x4 1x20"),
    "FloormicStoreNotWritable": ('floormic_store_writable{instance="a"}', "0x20", "1x20"),
    "FloormicSourceDown": ('floormic_source_up{instance="a",source="telegram"}', "1 0x30", "1x8 0x7 1x30"),
    "FloormicMessagesWait": ('floormic_inbox_oldest_seconds{instance="a"}', "0+15x30", "0+1x20 0x20"),
    "FloormicModelNotLoaded": ('floormic_model_loaded{instance="a"}', "0x30", "0x8 1x30"),
    "FloormicOutboxGrows": ('floormic_outbox_waiting{instance="a",source="telegram"}', "0+5x60", "60-1x60"),
    "FloormicDeliveriesFail": (
        'floormic_deliveries_total{instance="a",source="telegram",outcome="failed"}', "0+1x40", "0x30 1x30",
    ),
    "FloormicDiskNearlyFull": ('floormic_disk_free_bytes{instance="a"}', "9e8x30", "9e10x30"),
    "FloormicFails": ('floormic_http_requests_total{instance="a",status="5xx"}', "0+9x40", "0x40"),
    "FloormicEventLoopLate": ('floormic_event_loop_lag_seconds_bucket{instance="a",le="0.1"}', "0x40", "0+9x40"),
}  # fmt: skip
BESIDE = {
    "FloormicDiskNearlyFull": [('floormic_disk_size_bytes{instance="a"}', "1e11x60")],
    "FloormicFails": [('floormic_http_requests_total{instance="a",status="2xx"}', "0+50x60")],
    "FloormicEventLoopLate": [
        ('floormic_event_loop_lag_seconds_bucket{instance="a",le="1.0"}', "0+9x60"),
        ('floormic_event_loop_lag_seconds_bucket{instance="a",le="+Inf"}', "0+9x60"),
    ],
}
"""A value every 15 seconds: of the metric that makes the alert fire, and that does not; and what stands beside it."""


@PROMTOOL
@pytest.mark.parametrize("fires", [True, False])
def test_each_alert_fires_when_it_must_and_only_then(tmp_path: Path, fires: bool) -> None:
    """Played to Prometheus' own evaluation: an evening on which something is wrong, and one on which nothing is for
    long."""
    assert set(SERIES) == {rule["alert"] for rule in rules()}
    tests = []
    for alert, (series, bad, good) in SERIES.items():
        played = [(series, bad if fires else good), *BESIDE.get(alert, [])]
        tests.append(
            {
                "interval": "15s",
                "input_series": [{"series": name, "values": values} for name, values in played],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                        "eval_time": "9m",
                        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                    }
                ],
            }
        )
    file = tmp_path / "alerts_test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "15s", "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
