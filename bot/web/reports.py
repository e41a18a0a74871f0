"""The pages of reports, and their files."""

from dataclasses import replace
from urllib.parse import quote

from aiohttp import web

from bot.errors import BadInput
from bot.web.guards import role_in
from bot.web.routes import Parameter, Route
from bot.web.signin import at_least
from bot.web.site import CALLER, Caller, ReportWish, Site
from bot.web.texts import say
from bot.web.words import LANGUAGES

FORMATS = ("html", "xlsx", "csv", "md", "json")
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
PARAMETERS = (
    Parameter("format", "as what", {"type": "string", "enum": list(FORMATS), "default": "html"}),
    Parameter(
        "names", "0: it names nobody; 1: it does; left out: as the talk is set", {"type": "integer", "enum": [0, 1]}
    ),
    Parameter("lang", "language of the report; left out: that of the talk", {"type": "string", "enum": ["zh", "en"]}),
    Parameter("download", "1: as a file to keep, without ways to elsewhere", {"type": "integer", "enum": [0, 1]}),
)


class ReportPages:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [
            Route(
                "GET",
                "/s/{session}/report",
                "expert",
                self.session,
                "The report",
                kind="page",
                parameters=PARAMETERS,
            ),
            Route(
                "GET",
                "/series/{series}/report",
                "organiser",
                self.series,
                "The report of a series: its evenings side by side",
                kind="page",
                parameters=PARAMETERS,
            ),
        ]

    async def session(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        wanted = self._wanted(request, caller)
        if wanted.names and not caller.here.names and not at_least(caller.role, "organiser"):
            wanted = replace(wanted, names=None)  # what an organiser switched off, nobody else switches on
        return _file(await self._site.reports.session(caller.here.id, wanted), caller.here.id, wanted)

    async def series(self, request: web.Request) -> web.Response:
        name, wanted = request.match_info["series"], self._wanted(request, request[CALLER])
        return _file(await self._site.reports.series(name, wanted), name, wanted)

    def _wanted(self, request: web.Request, caller: Caller) -> ReportWish:
        query = request.query
        format, names, language = query.get("format", "html"), query.get("names"), query.get("lang", "")
        if format not in FORMATS:
            raise BadInput(say(caller.lang, "bad_format", formats=", ".join(FORMATS)))
        kept = format != "html" or query.get("download") == "1"
        return ReportWish(
            format,
            None if names is None else names != "0",
            language if language in LANGUAGES else "",
            "" if kept else request.rel_url.raw_path,
            to_series=at_least(role_in(self._site, caller, ""), "organiser"),
        )


def _file(made: tuple[bytes, str], name: str, wanted: ReportWish) -> web.Response:
    body, content_type = made
    headers = {"Content-Type": content_type, "Content-Security-Policy": CSP}
    if not wanted.address:
        nobody = "-no-names" if wanted.names is False else ""
        called = quote(f"{name}{nobody}.{wanted.format}", safe="")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{called}"
    return web.Response(body=body, headers=headers)
