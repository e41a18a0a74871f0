"""A session's course as organisers send it: read before it is used, and the earlier ones kept."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from aiohttp import web

from bot.courses import ELSEWHERE, LARGEST, TOO_LARGE, Changes, Piece, TooLarge, Version, changes, file_of
from bot.errors import BadInput, Conflict
from bot.live import Told
from bot.model import Session
from bot.phrases import in_language
from bot.web.api import reply
from bot.web.guards import streamed
from bot.web.reading import read_body, read_name
from bot.web.routes import API, Parameter, Route
from bot.web.schemas import (
    CourseChangesOut,
    CourseFileOut,
    CourseOut,
    CourseProblemOut,
    CourseReadOut,
    CourseVersionOut,
    PieceOut,
    UseCourseBody,
)
from bot.web.site import CALLER, Site
from knowledge.material import Course

SHOWN = 100
"""Problems, and pieces of each kind of change."""

PIECE = 256 * 1024
"""Bytes that are written at once."""

TOPIC = "course"


class CourseRoutes:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(TOPIC, self.told)

    def routes(self) -> list[Route]:
        path = f"{API}/sessions/{{session}}/course"
        name = Parameter("name", "the file's name", {"type": "string", "minLength": 1, "maxLength": 200})
        return [
            Route("GET", path, "organiser", self.state, "The session's course and its versions", reply=CourseOut),
            Route(
                "POST",
                path,
                "organiser",
                self.send,
                "Send a course folder as ZIP, or one of its files, to be read; it is not used yet",
                reply=CourseReadOut,
                status=201,
                parameters=[name],
                largest=LARGEST,
            ),
            Route(
                "GET",
                path + "/{version}",
                "organiser",
                self.version,
                "What a version would change",
                reply=CourseReadOut,
            ),
            Route(
                "POST",
                path + "/use",
                "organiser",
                self.use,
                "Answer from this version from now on",
                body=UseCourseBody,
                reply=CourseOut,
            ),
        ]

    async def told(self, session: str) -> Told:
        """Staff sees how far a course that comes in is."""
        reading = self._site.courses.reading(session)
        if reading is None:
            return Told(None, b"{}")
        return Told(None, json.dumps(asdict(reading)).encode())

    async def state(self, request: web.Request) -> web.Response:
        return reply(await self._out(request[CALLER].here))

    async def send(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        name = read_name(request.query.get("name", "")) or "course.zip"
        try:
            if (request.content_length or 0) > LARGEST:
                raise TooLarge(TOO_LARGE)
            pieces = streamed(site, request, PIECE)
            version, course = await site.courses.take(caller.here.id, name, pieces, caller.who)
        except (BadInput, Conflict) as error:
            raise type(error)(in_language(f"{name}: {error}", caller.lang)) from error
        await site.record(caller, "course_send")
        return reply(await self._read_out(caller.here, version, course), status=201)

    async def version(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        version, course = await self._site.courses.read(caller.here.id, request.match_info["version"])
        return reply(await self._read_out(caller.here, version, course))

    async def use(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        body = await read_body(request, UseCourseBody)
        action = await self._site.courses.use(caller.here, body.version, caller.who)
        return reply(await self._out(await self._site.session(caller.here.id, caller.lang), action))

    async def _out(self, session: Session, action: int | None = None) -> CourseOut:
        courses = self._site.courses
        versions = await courses.versions(session.id)
        used = next((version for version in versions if version.folder == session.course), None)
        read = read_out(await courses.present(session), _version(used, session) if used else None, None)
        kept = [_version(one, session) for one in versions]
        return CourseOut(used=read, versions=kept, largest=LARGEST, action=action)

    async def _read_out(self, session: Session, version: Version, course: Course) -> CourseReadOut:
        differs = version.folder != session.course
        against = changes(await self._site.courses.present(session), course) if differs else None
        return read_out(course, _version(version, session), against)


def read_out(course: Course, version: CourseVersionOut | None, against: Changes | None) -> CourseReadOut:
    """What was understood of a course, for people to look through."""
    entries = Counter(file_of(entry) for entry in course.entries)
    passages = Counter(file_of(passage) for passage in course.passages)
    problems = Counter(problem.file for problem in course.problems)
    files = dict.fromkeys((*entries, *passages, *problems))
    return CourseReadOut(
        version=version,
        entries=len(course.entries),
        passages=len(course.passages),
        files=[
            CourseFileOut(file=file, entries=entries[file], passages=passages[file], problems=problems[file])
            for file in sorted(files)
        ],
        problem_count=len(course.problems),
        problems=[
            CourseProblemOut(file=one.file, line=one.line, text=one.message, text_zh=in_language(one.message, "zh"))
            for one in course.problems[:SHOWN]
        ],
        changes=_changes_out(against) if against else None,
    )


def _changes_out(found: Changes) -> CourseChangesOut:
    return CourseChangesOut(
        new=len(found.new),
        gone=len(found.gone),
        changed=len(found.changed),
        first_new=_first(found.new),
        first_gone=_first(found.gone),
        first_changed=_first(found.changed),
    )


def _first(pieces: Sequence[Piece]) -> list[PieceOut]:
    return [PieceOut(id=piece.id, title=piece.title, source=piece.source) for piece in pieces[:SHOWN]]


def _version(version: Version, session: Session) -> CourseVersionOut:
    name = version.folder if version.id == ELSEWHERE else version.name
    used = version.folder == session.course
    return CourseVersionOut(id=version.id, name=name, by=version.by, at=version.at, used=used)
