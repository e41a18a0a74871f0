"""What a series was about, over HTTP: a page, JSON and CSV."""

from urllib.parse import quote

from aiohttp import web

from bot.errors import BadInput
from bot.trends import ROWS, Gap, Row, Trends, to_csv
from bot.web.api import reply
from bot.web.rendering import page_response
from bot.web.routes import API, Parameter, Route
from bot.web.site import CALLER, Site
from bot.web.texts import say
from bot.web.trends_schemas import (
    ChatShare,
    GapOut,
    PointOut,
    SeriesEvening,
    TopicCell,
    TopicOut,
    TrendsOut,
)

CSV = Parameter("rows", "what a line is", {"type": "string", "enum": list(ROWS), "default": ROWS[0]})


class SeriesTrends:
    """Handlers over a `Site`. Only who moderates every session may see what all of them brought."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/series/{series}", "moderator", self.page, "What a series was about", kind="page"),
            Route(
                "GET",
                API + "/series/{series}/trends",
                "moderator",
                self.trends,
                "What a series was about: topics by evening and chat, what rose and fell, gaps",
                reply=TrendsOut,
            ),
            Route(
                "GET",
                "/series/{series}/trends.csv",
                "moderator",
                self.csv,
                "The same for further mining",
                kind="file",
                parameters=(CSV,),
            ),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """Of a series that is not there, the names of those there are."""
        caller, series = request[CALLER], request.match_info["series"]
        sessions = await self._site.store.sessions()
        there = any(session.series == series for session in sessions)
        others = dict.fromkeys(session.series for session in sessions if session.series)
        response = page_response(
            self._site,
            caller,
            "trends.html",
            {"series": series},
            path=quote(series, safe=""),
            others=None if there else {name: quote(name, safe="") for name in others},
            rows=ROWS,
        )
        response.set_status(200 if there else 404)
        return response

    async def trends(self, request: web.Request) -> web.Response:
        return reply(trends_out(await self._site.trends(request.match_info["series"])))

    async def csv(self, request: web.Request) -> web.Response:
        caller, rows = request[CALLER], request.query.get("rows", ROWS[0])
        kind = next((one for one in ROWS if one == rows), None)
        if kind is None:
            raise BadInput(say(caller.lang, "bad_rows", rows=", ".join(ROWS)))
        series = request.match_info["series"]
        # The mark tells spreadsheets that it is UTF-8.
        body = to_csv(await self._site.trends(series), kind).encode("utf-8-sig")
        name = quote(f"{series}-{kind}.csv", safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)


def trends_out(trends: Trends) -> TrendsOut:
    counts = [sum(point.evening == at for point in trends.points) for at in range(len(trends.evenings))]
    return TrendsOut(
        series=trends.series,
        people=trends.askers,
        evenings=[
            SeriesEvening(
                session=session.id,
                title=session.title,
                starts_at=session.starts_at,
                people=trends.people[at],
                questions=counts[at],
            )
            for at, session in enumerate(trends.evenings)
        ],
        topics=[_topic(row) for row in trends.rows],
        questions=[
            PointOut(
                id=point.question.id,
                title=point.question.title,
                status=point.question.status.value,
                people=point.question.people,
                evening=point.evening,
                topic=point.topic,
                same=point.same,
                asked_before=point.again,
                x=None if place is None else place[0],
                y=None if place is None else place[1],
            )
            for point, place in zip(trends.points, trends.places, strict=True)
        ],
        gaps=[_gap(gap) for gap in trends.gaps],
    )


def _topic(row: Row) -> TopicOut:
    name = row.topic.name
    return TopicOut(
        id=row.topic.id,
        heading=name.heading,
        words=list(name.words),
        language="zh" if name.language == "zh" else "en",
        example=row.example.title,
        people=row.people,
        questions=sum(cell.questions for cell in row.cells),
        asked_before=sum(cell.again for cell in row.cells),
        answered=sum(cell.answered for cell in row.cells),
        run=row.run,
        first=row.first,
        last=row.last,
        cells=[
            TopicCell(
                questions=cell.questions,
                people=cell.people,
                share=cell.share,
                asked_before=cell.again,
                answered=cell.answered,
                change=cell.change,
            )
            for cell in row.cells
        ],
        chats={
            source: ChatShare(people=people, leaning=row.leaning.get(source, 0)) for source, people in row.chats.items()
        },
    )


def _gap(gap: Gap) -> GapOut:
    people = {at: sum(p.question.waiting for p in gap.points if p.evening == at) for at in gap.evenings}
    return GapOut(
        id=gap.question.id,
        title=gap.question.title,
        session=gap.question.state.session,
        people=gap.people,
        evenings=list(people.items()),
        topic=gap.topic,
        suggested=gap.suggested,
    )
