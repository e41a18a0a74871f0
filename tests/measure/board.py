"""How long a message takes from its arrival to the board in a browser: `python -m tests.measure.board`.

A sender posts the sample chat over and over, from ever new people, to the signed intake at a steady rate; headless
Chromium shows the board. A message counts as shown when the frame is painted after the event that brought its question
to a number of messages that includes it.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import aiohttp
from playwright.async_api import Page, async_playwright

from bot.app import Hall, open_hall
from bot.connectors.intake import IntakeOptions
from bot.settings import SessionSettings, Settings, WebSettings

SECRET = "only-for-this-measuring-run-0123"
SAMPLE = Path(str(files("knowledge") / "sample" / "zh"))

WATCH = """
window.shown = [];
const Plain = window.EventSource;
window.EventSource = class extends Plain {
  constructor(...given) {
    super(...given);
    this.addEventListener("questions", (event) => {
      const counts = JSON.parse(event.data).questions.map((q) => [q.id, q.messages ?? 0]);
      requestAnimationFrame(() => setTimeout(() => {
        const at = (performance.timeOrigin + performance.now()) / 1000;
        for (const [id, messages] of counts) window.shown.push([id, messages, at]);
      }));
    });
  }
};
"""


def settings(folder: Path) -> Settings:
    talk = SessionSettings(id="talk", title="Measured", course=SAMPLE / "course")
    intake = IntakeOptions(name="lobby", session="talk", secret=SECRET)
    return Settings(data=folder, web=WebSettings(port=0), session=(talk,), sources=(intake,))


async def post(client: aiohttp.ClientSession, id: str, text: str) -> None:
    body = json.dumps({"id": id, "user": id, "name": "", "text": text, "at": time.time()})
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": f"sha256={digest}"}
    async with client.post("/in/lobby", data=body, headers=headers) as reply:
        reply.raise_for_status()


def texts() -> list[str]:
    """What is said in the sample chat."""
    return [json.loads(line)["text"] for line in (SAMPLE / "chat.jsonl").read_text(encoding="utf-8").splitlines()]


async def send(url: str, rate: float, seconds: float) -> dict[str, float]:
    """Post steadily; when each message was sent, by its id."""
    said = texts()
    sent: dict[str, float] = {}
    posts = []
    async with aiohttp.ClientSession(url) as client:
        began = time.time()
        for n in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + n / rate - time.time()))
            sent[str(n)] = time.time()
            posts.append(asyncio.ensure_future(post(client, str(n), said[n % len(said)])))
        await asyncio.gather(*posts)
    return sent


async def delays(hall: Hall, page: Page, sent: dict[str, float]) -> list[float]:
    """Seconds from sending to the painted frame, for each message that asked something."""
    await hall.drained()
    await asyncio.sleep(1.0)
    events = defaultdict(list)
    for question, messages, at in await page.evaluate("window.shown"):
        events[question].append((messages, at))
    position: dict[str, int] = defaultdict(int)
    found = []
    for message, placement in await hall.store.placements("talk"):
        if placement and placement.question:
            position[placement.question] += 1
            nth = position[placement.question]
            shown = [at for messages, at in events[placement.question] if messages >= nth]
            found.append(min(shown) - sent[message.external_id])
    return found


async def measure(rate: float, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_hall(settings(Path(folder))) as hall, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = await browser.new_page()
            await page.add_init_script(WATCH)
            await page.goto(hall.link("moderator"))
            await page.click("main button")
            await page.goto(hall.session_url("talk", "board"))
            await hall.loaded()
            sent = await send(hall.url, rate, seconds)
            took = sorted(await delays(hall, page, sent))
            await browser.close()
    percentile = statistics.quantiles(took, n=100)
    print(f"messages   {len(sent)} at {rate:g} a second, {len(took)} of them askings")
    print(
        f"to board   median {percentile[49] * 1000:.0f} ms, p99 {percentile[98] * 1000:.0f} ms, most {took[-1]:.3f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.rate, chosen.seconds))
