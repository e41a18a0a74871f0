"""What a viewer's first visit weighs and when it shows something: `python -m tests.measure.viewer`.

Headless Chromium with an empty cache and a slow network opens the viewer page of a session with questions in it. The
weight is what came over the wire, headers included, until the page was live and the network quiet, what the service
worker fetches for later left out: it comes from the browser's cache. First (FCP) and largest (LCP) content are the
browser's own figures, from the start of the navigation. The profiles slow down the page, not the machine.
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from tests.bot.web.browsing import PHONE, Crowd, open_crowd

LIMIT = 150 * 1024  # bytes


@dataclass(frozen=True)
class Profile:
    """Milliseconds from asking to the first byte; kilobits a second down and up."""

    latency: float
    down: float
    up: float


PROFILES = {
    "slow 3G (400 ms, 400 kbit/s)": Profile(400, 400, 400),
    "fast 3G (150 ms, 1,600 kbit/s)": Profile(150, 1600, 750),
    "no throttling": Profile(0, 0, 0),
}


@dataclass
class Visit:
    """Times in milliseconds. `trips`: the longest chain of requests, each begun after the one before had ended. `late`:
    the files that a script asked for and not the page itself."""

    fcp: float = 0.0
    lcp: float = 0.0
    live: float = 0.0
    trips: int = 0
    requests: list[tuple[str, float, float, int]] = field(default_factory=list)  # address, began, ended, bytes
    late: list[str] = field(default_factory=list)

    @property
    def weight(self) -> int:
        return sum(size for *_, size in self.requests)


WATCH = """
window.largest = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => (window.largest = one.startTime)))
  .observe({type: "largest-contentful-paint", buffered: true});
"""


async def visit(browser: Browser, address: str, profile: Profile) -> Visit:
    """Open the page as somebody who was never here."""
    context = await browser.new_context(viewport=PHONE, locale="zh-CN", is_mobile=True, has_touch=True)
    page = await context.new_page()
    await page.add_init_script(WATCH)
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    if profile.down:
        limits = {
            "latency": profile.latency,
            "downloadThroughput": profile.down * 125,
            "uploadThroughput": profile.up * 125,
        }
        await devtools.send("Network.emulateNetworkConditions", {"offline": False, **limits})
    under_way: dict[str, tuple[str, float]] = {}
    seen = Visit()

    def sent(event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        under_way[event["requestId"]] = (url, event["timestamp"])
        if "/static/" in url and event["initiator"]["type"] == "script":
            seen.late.append(url)

    def loaded(event: dict[str, Any]) -> None:
        url, began = under_way.pop(event["requestId"], ("", 0.0))
        if url:
            seen.requests.append((url, began, event["timestamp"], int(event["encodedDataLength"])))

    devtools.on("Network.requestWillBeSent", sent)
    devtools.on("Network.loadingFinished", loaded)
    await page.goto(address)
    await page.locator("#connection[data-state=live]").wait_for(state="attached", timeout=60_000)
    seen.live = await page.evaluate("performance.now()")
    await page.wait_for_timeout(1500)  # what comes after: the icon, the manifest
    seen.fcp = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    seen.lcp = await page.evaluate("window.largest")
    seen.trips = longest_chain(seen.requests)
    await context.close()
    return seen


def longest_chain(requests: list[tuple[str, float, float, int]]) -> int:
    """How many requests had to wait for each other, at most."""
    best: list[tuple[float, int]] = []
    for _, began, ended, _ in sorted(requests, key=lambda one: one[1]):
        best.append((ended, 1 + max((depth for end, depth in best if end <= began), default=0)))
    return max((depth for _, depth in best), default=0)


async def fill(crowd: Crowd, questions: int) -> None:
    """A queue as in the middle of an evening."""
    for n in range(questions):
        await crowd.asks(
            f"第 {n} 个问题：这个模型在手机上运行时，内存和电量大约要用多少？有没有实测过的数字可以参考？", 1 + n % 5
        )


async def measure(visits: int, questions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_crowd(Path(folder)) as crowd, async_playwright() as playwright:
            await fill(crowd, questions)
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            address = crowd.hall.session_url("talk")
            for name, profile in PROFILES.items():
                seen = [await visit(browser, address, profile) for _ in range(visits)]
                fcp, lcp, live = (
                    statistics.median(getattr(one, key) for one in seen) for key in ("fcp", "lcp", "live")
                )
                most = max(one.weight for one in seen)
                requests = max(len(one.requests) for one in seen)
                print(f"{name}: {most / 1024:.1f} KB in {requests} requests, {max(one.trips for one in seen)} in a row")
                page = next(size for url, *_, size in seen[0].requests if url == address)
                best = min(one.fcp for one in seen)
                print(f"    the page alone {page / 1024:.1f} KB, first content at best {best:.0f} ms")
                print(f"    first content {fcp:.0f} ms, largest {lcp:.0f} ms, live {live:.0f} ms")
            await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=5, help="of each profile; the median is printed")
    parser.add_argument("--questions", type=int, default=60)
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.visits, chosen.questions))
