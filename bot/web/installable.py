"""What makes the viewer page an app on the device: its manifest, and the worker that opens it, and the questionnaire
after the talk, without a network."""

import json
from typing import cast
from urllib.parse import quote

from aiohttp import web

from bot.web.compressing import compress
from bot.web.routes import Route
from bot.web.site import CALLER, Site
from bot.web.words import LANGUAGES, Words

ICONS = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-maskable.png", "512x512", "maskable"),
)
SHORT = 12  # characters of a name that fit below an icon
PAGES = ("viewer.js", "feedback.js")
SHELL = ("favicon.svg", "icon-192.png")


class Installable:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/worker.js", "viewer", self.worker, "The viewer page's service worker", kind="file"),
            Route(
                "GET",
                "/s/{session}/app.webmanifest",
                "viewer",
                self.manifest,
                "The viewer page as an app: its name, icons and where it starts",
                kind="page",
            ),
        ]

    async def worker(self, request: web.Request) -> web.Response:
        """It differs with each release, which is how a browser notices that there is a new one."""
        assets = self._site.assets
        modules = dict.fromkeys(name for page in PAGES for name in assets.modules(page))
        files = [assets.url(name) for name in (*modules, *SHELL)]
        head = f"const RELEASE = {json.dumps(assets.release)};\nconst FILES = {json.dumps(files)};\n"
        body = (head + assets.text("worker.js")).encode()
        headers = {"Cache-Control": "no-cache"}
        return compress(
            request, web.Response(body=body, content_type="text/javascript", charset="utf-8", headers=headers)
        )

    async def manifest(self, request: web.Request) -> web.Response:
        caller, assets = request[CALLER], self._site.assets
        session, here = caller.here, f"/s/{quote(caller.here.id, safe='')}"
        document = {
            "id": here,
            "name": session.title,
            "short_name": session.title[:SHORT],
            "description": self._words(caller.lang)["app.purpose"],
            "lang": "zh-CN" if caller.lang == "zh" else "en",
            "start_url": here,
            "scope": here,
            "display": "standalone",
            "background_color": "#f6f5f1",
            "theme_color": "#f6f5f1",
            "icons": [
                {"src": assets.url("favicon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
                *(
                    {"src": assets.url(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
                    for name, sizes, purpose in ICONS
                ),
            ],
            "shortcuts": [{"name": self._words(caller.lang)["viewer.tab.mine"], "url": f"{here}#mine"}],
        }
        return web.json_response(
            document, content_type="application/manifest+json", headers={"Cache-Control": "no-cache"}
        )

    def _words(self, lang: str) -> Words:
        return cast("Words", self._site.templates[lang if lang in LANGUAGES else "en"].globals["words"])
