"""What the program counts, for Prometheus. The only place that knows its library.

Everybody who is counted calls a function that they were handed, or is heard in what they tell already; nothing here is
global. Labels have few values: sources are configured, routes are declared; sessions and people are no labels at all.
"""

import platform
import time
from collections import Counter as Tally
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.model import Delivery, Message, Placed
from knowledge.encoder import Around, Encoder

REMEMBERED = 50_000
"""Messages whose arrival is remembered until they are placed."""

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Upper bounds: of seconds, of seconds, and of things that are done together."""

CHORES = ("reaching", "promoting", "surveys", "rounds", "forgetting")
"""What comes round by itself, see `app.chores`."""

Gauges = Callable[["Metrics"], Awaitable[None]]
"""Sets what is only looked at when somebody asks."""


class Metrics:
    """All counts of one program. `look` is called before each reading, for what is a state and not an event."""

    def __init__(self, version: str, sqlite: str, look: Gauges | None = None) -> None:
        self._registry = CollectorRegistry()
        self._look = look
        self._arrived: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._flying: dict[str, int] = {}
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram | None]] = {}
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._audience()
        self._understanding()
        self._telling()
        self._machine()
        labels = {"version": version, "python": platform.python_version(), "sqlite": sqlite}
        self._gauge("floormic_build_info", "What runs here; always 1.", *labels).labels(**labels).set(1)

    def _audience(self) -> None:
        self._received = self._counter("floormic_messages_received_total", "Messages taken in for good.", "source")
        self._repeated = self._counter(
            "floormic_messages_repeated_total",
            "Messages delivered once more; nothing comes of them.",
            "source",
        )
        self.streams = self._gauge("floormic_streams_open", "Pages that listen for what is new.", "audience")
        for audience in ("staff", "viewers"):
            self.streams.labels(audience)
        self._requests = self._counter(
            "floormic_http_requests_total", "Requests answered.", "method", "route", "status"
        )
        self._request_time = self._histogram(
            "floormic_http_request_seconds", "Time to answer a request, but for streams.", QUICK, "route"
        )

    def _understanding(self) -> None:
        self._placements = self._counter(
            "floormic_placements_total", "Messages understood: no question, founded one, joined one.", "outcome"
        )
        self._answers = self._counter(
            "floormic_answers_total", "Questions looked up in the course and earlier evenings.", "outcome"
        )
        for outcome in ("no_question", "founded", "joined"):
            self._placements.labels(outcome)
        for outcome in ("sent", "suggested", "silent"):
            self._answers.labels(outcome)
        self._lag = self._histogram("floormic_placement_lag_seconds", "From a message's arrival to its place.", SLOW)
        self._encoder_time = self._histogram("floormic_encoder_batch_seconds", "Time of a call of the encoder.", QUICK)
        self._encoder_batch = self._histogram("floormic_encoder_batch_texts", "Texts in a call of the encoder.", COUNTS)
        self._reading_time = self._histogram("floormic_reading_batch_seconds", "Time to read texts in pairs.", QUICK)
        self._reading_batch = self._histogram("floormic_reading_batch_pairs", "Pairs in such a call.", COUNTS)
        self.inbox = self._gauge("floormic_inbox_waiting", "Messages that are not placed yet.")
        self.inbox_age = self._gauge("floormic_inbox_oldest_seconds", "Age of the oldest of them; 0 without any.")
        self.model = self._gauge("floormic_model_loaded", "1 once the language model is loaded.")

    def _telling(self) -> None:
        self._deliveries = self._counter(
            "floormic_deliveries_total",
            "Tries to say something: sent, failed (given up), retried, limited (told to wait).",
            "source",
            "outcome",
        )
        self.outbox = self._gauge("floormic_outbox_waiting", "Deliveries that may go now and wait.", "source")
        self.scheduled = self._gauge("floormic_outbox_scheduled", "Deliveries that may not go yet.", "source")
        self._chores = self._counter(
            "floormic_chores_total",
            "Looks at what comes round by itself, with several processes: done, failed, stalled (their process died).",
            "chore",
            "outcome",
        )
        for chore in CHORES:
            for outcome in ("done", "failed", "stalled"):
                self._chores.labels(chore, outcome)
        self.up = self._gauge("floormic_source_up", "1 while a source hears its chat.", "source")
        self.since = self._gauge("floormic_source_changed_timestamp_seconds", "Since when that is so.", "source")

    def _machine(self) -> None:
        self._loop_lag = self._histogram(
            "floormic_event_loop_lag_seconds", "How much later than due the event loop does something.", QUICK
        )
        self._commits = self._counter("floormic_store_commits_total", "Transactions of the store.", "outcome")
        for outcome in ("done", "failed"):
            self._commits.labels(outcome)
        self._commit_time = self._histogram("floormic_store_commit_seconds", "Time of a transaction.", QUICK)
        self._commit_calls = self._histogram("floormic_store_commit_calls", "Calls that shared a transaction.", COUNTS)
        self.writable = self._gauge("floormic_store_writable", "0 while the store cannot be written.")
        self.writer = self._gauge("floormic_store_writer_waiting", "Calls that wait for the next transaction.")
        self.database = self._gauge("floormic_database_bytes", "Size of the database with its log.")
        self.disk_free = self._gauge("floormic_disk_free_bytes", "Free space where the database lies.")
        self.disk_size = self._gauge("floormic_disk_size_bytes", "Size of that disk.")

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(name, help, labels, registry=self._registry)

    def _gauge(self, name: str, help: str, *labels: str) -> Gauge:
        return Gauge(name, help, labels, registry=self._registry)

    def _histogram(self, name: str, help: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, help, labels, buckets=buckets, registry=self._registry)

    # -- what is told ------------------------------------------------------------------------------------------------

    def received(self, messages: Sequence[Message], new: int) -> None:
        """So many of these messages, which one source brought together, were new."""
        if not messages:
            return
        source, now = messages[0].source, time.monotonic()
        self._received.labels(source).inc(new)
        if again := len(messages) - new:
            self._repeated.labels(source).inc(again)
        for message in messages if new else ():
            self._arrived.setdefault((message.session, message.source, message.external_id), now)
        while len(self._arrived) > REMEMBERED:
            self._arrived.popitem(last=False)

    def placed(self, messages: Sequence[Message], placed: Sequence[Placed]) -> None:
        """These were placed; in the event loop, after the commit."""
        now = time.monotonic()
        for outcome, count in Tally(map(_placement, placed)).items():
            self._placements.labels(outcome).inc(count)
        for outcome, count in Tally(_answer(one) for one in placed if one.placement.asking).items():
            self._answers.labels(outcome).inc(count)
        for message in messages:
            arrived = self._arrived.pop((message.session, message.source, message.external_id), None)
            if arrived and not message.taken:
                self._lag.observe(now - arrived)

    def settled(self, delivery: Delivery) -> None:
        """How a delivery stands was written. What was never tried, for nothing is to be said, is not counted."""
        if delivery.state == "sending":
            self._flying[delivery.key] = delivery.attempts
        elif attempts := self._flying.pop(delivery.key, 0):
            again = "retried" if delivery.attempts == attempts else "limited"
            outcome = again if delivery.state == "waiting" else delivery.state
            self._deliveries.labels(delivery.address.connector, outcome).inc()

    def encoded(self, texts: int, seconds: float) -> None:
        """In the thread that understands."""
        self._encoder_batch.observe(texts)
        self._encoder_time.observe(seconds)

    def read_pairs(self, pairs: int, seconds: float) -> None:
        """In the thread that understands."""
        self._reading_batch.observe(pairs)
        self._reading_time.observe(seconds)

    def committed(self, calls: int, seconds: float, error: Exception | None) -> None:
        """In the writing thread."""
        self._commits.labels("failed" if error else "done").inc()
        self._commit_time.observe(seconds)
        self._commit_calls.observe(calls)

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """A request was; `seconds` None for a stream, which lasts as long as somebody listens."""
        which = method, route, status // 100
        if which not in self._answered:  # to find them by their labels costs more than to count
            counter = self._requests.labels(method, route, f"{status // 100}xx")
            self._answered[which] = counter, None if seconds is None else self._request_time.labels(route)
        counter, times = self._answered[which]
        counter.inc()
        if seconds is not None and times is not None:
            times.observe(seconds)

    def streaming(self, staff: bool, by: int) -> None:
        """So many streams more, or less."""
        self.streams.labels("staff" if staff else "viewers").inc(by)

    def looked(self, chore: str, outcome: str) -> None:
        """What became of one look at what comes round by itself: done, failed, or stalled (whoever did it is gone)."""
        self._chores.labels(chore, outcome).inc()

    def lagged(self, seconds: float) -> None:
        self._loop_lag.observe(seconds)

    # -- what is read ------------------------------------------------------------------------------------------------

    async def read(self, accept: str) -> tuple[bytes, str]:
        """The page for a reader that takes this: body and content type."""
        if self._look is not None:
            await self._look(self)
        encode, content_type = choose_encoder(accept)
        return encode(_Plain(self._registry)), content_type


class _Plain(Collector):
    """Without when each counter began: a series more for each, which nobody asks for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class Measured(Around):
    """An encoder whose calls are counted."""

    def __init__(self, encoder: Encoder, metrics: Metrics) -> None:
        super().__init__(encoder)
        self._metrics = metrics

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        began = time.perf_counter()
        vectors = super().encode(texts)
        if texts:
            self._metrics.encoded(len(texts), time.perf_counter() - began)
        return vectors

    def read(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        began = time.perf_counter()
        odds = super().read(pairs)
        self._metrics.read_pairs(len(pairs), time.perf_counter() - began)
        return odds


def _placement(placed: Placed) -> str:
    if not placed.placement.asking:
        return "no_question"
    return "founded" if placed.founds is not None else "joined"


def _answer(placed: Placed) -> str:
    """The better one of what the course and an earlier evening said; what a mode withheld is silent."""
    states = {match.state for match in (placed.placement.answer, placed.placement.memory) if match}
    return next((state for state in ("sent", "suggested") if state in states), "silent")
