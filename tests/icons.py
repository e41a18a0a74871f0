"""The icons of the viewer page as an app, drawn from favicon.svg by Chromium: `python -m tests.icons`.

A maskable icon fills its square and keeps what matters within the middle 80 %, since each system cuts its own shape.
"""

import asyncio
import re

from playwright.async_api import async_playwright

from bot.web.rendering import HERE
from tests.bot.web.browsing import CHROMIUM

STATIC = HERE / "static"


async def draw() -> None:
    svg = (STATIC / "favicon.svg").read_text(encoding="utf-8")
    full = re.sub(r' rx="9"', "", svg)
    maskable = full.replace("<g ", '<g transform="translate(4 4) scale(.75)" ', 1)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, size, image in (("icon-192", 192, svg), ("icon-512", 512, svg), ("icon-maskable", 512, maskable)):
            page = await browser.new_page(viewport={"width": size, "height": size})
            await page.set_content(
                f"<style>body {{ margin: 0 }} svg {{ display: block; width: {size}px }}</style>{image}"
            )
            await page.screenshot(path=STATIC / f"{name}.png", omit_background=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(draw())
