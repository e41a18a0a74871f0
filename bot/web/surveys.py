"""Surveys over the API, what watchers are told of them, the questionnaire, and the page where staff asks and reads."""

from aiohttp import web

from bot.errors import NotAllowed
from bot.live import Told
from bot.model import PollStatus
from bot.surveying import default
from bot.surveys import SURVEY
from bot.web.api import reply
from bot.web.compressing import compress
from bot.web.guards import role_in
from bot.web.pages import KEPT
from bot.web.reading import read_body
from bot.web.rendering import page_response
from bot.web.routes import API, Route
from bot.web.schemas import ActionOut
from bot.web.signin import at_least
from bot.web.site import CALLER, Caller, Site
from bot.web.survey_json import (
    AnswerBody,
    StaffSurveyOut,
    SurveyActBody,
    SurveyBody,
    SurveyCopyBody,
    SurveyOut,
    form_out,
    staff_survey_out,
    survey_now,
    survey_out,
)
from bot.web.texts import say


class SurveyRoutes:
    """Handlers over a `Site`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.live.add_topic(SURVEY, self._tell)

    def routes(self) -> list[Route]:
        survey = API + "/sessions/{session}/survey"
        answer = survey + "/answers/{item}"
        return [
            Route(
                "GET",
                survey,
                "viewer",
                self.survey,
                "What is asked after the talk, and what I answered",
                reply=SurveyOut,
            ),
            Route(
                "PUT",
                answer,
                "viewer",
                self.answer,
                "Answer one item; the last answer counts",
                body=AnswerBody,
                reply=SurveyOut,
            ),
            Route("DELETE", answer, "viewer", self.unanswer, "Take the answer back", reply=SurveyOut),
            Route(
                "GET",
                survey + "/results",
                "expert",
                self.results,
                "The survey with all that it brought, compared with earlier evenings of the series",
                reply=StaffSurveyOut,
            ),
            Route(
                "PUT",
                survey,
                "moderator",
                self.save,
                "Make the survey, or change what it asks",
                body=SurveyBody,
                reply=ActionOut,
            ),
            Route("DELETE", survey, "moderator", self.remove, "Remove it; undo brings it back", reply=ActionOut),
            Route(
                "POST",
                survey + "/actions",
                "moderator",
                self.act,
                "Open it (without one, the questionnaire that is ready to use), or close it",
                body=SurveyActBody,
                reply=ActionOut,
            ),
            Route(
                "POST",
                survey + "/copies",
                "moderator",
                self.copy,
                "Ask what a session asks that I may see as staff, as a draft",
                body=SurveyCopyBody,
                reply=ActionOut,
            ),
            Route("GET", "/s/{session}/feedback", "viewer", self.page, "The questionnaire after the talk", kind="page"),
            Route("GET", "/s/{session}/survey", "expert", self.staff_page, "The survey and its results", kind="page"),
        ]

    # -- staff -----------------------------------------------------------------------------------------------------

    async def staff_page(self, request: web.Request) -> web.Response:
        site, caller = self._site, request[CALLER]
        mine = {
            one.id: one
            for one in await site.store.sessions()
            if one.id != caller.here.id and at_least(role_in(site, caller, one.id), "expert")
        }
        asking = [survey.session for survey in await site.store.surveys() if survey.session in mine]
        page = {
            "others": [{"id": id, "title": mine[id].title, "series": mine[id].series} for id in reversed(asking)],
            "ready": {lang: form_out(default(caller.here.id, lang)).model_dump() for lang in ("zh", "en")},
        }
        return page_response(site, caller, "survey.html", page)

    async def results(self, request: web.Request) -> web.Response:
        here = request[CALLER].here
        return reply(staff_survey_out(here.id, here.language, await self._site.surveys.found(here)))

    async def save(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, SurveyBody)
        action = await self._site.surveys.save(caller.who, body.wish(caller.here.id), body.seen)
        return reply(ActionOut(action=action.id))

    async def remove(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        return reply(ActionOut(action=(await self._site.surveys.remove(caller.who, caller.here.id)).id))

    async def act(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, SurveyActBody)
        surveys = self._site.surveys
        do = surveys.open if body.do == "open" else surveys.close
        return reply(ActionOut(action=(await do(caller.who, caller.here.id)).id))

    async def copy(self, request: web.Request) -> web.Response:
        caller, body = request[CALLER], await read_body(request, SurveyCopyBody)
        origin = await self._site.session(body.session, caller.lang)
        if not at_least(role_in(self._site, caller, origin.id), "expert"):
            raise NotAllowed(say(caller.lang, "not_allowed"))
        action = await self._site.surveys.copy(caller.who, caller.here.id, origin.id)
        return reply(ActionOut(action=action.id))

    # -- viewers ---------------------------------------------------------------------------------------------------

    async def page(self, request: web.Request) -> web.Response:
        """With the questions in it, so that it can be read and answered without a network. What the caller answered is
        not: others may have the device later."""
        site, caller = self._site, request[CALLER]
        site.participant(caller)  # the cookie that makes it the same person at every answer
        survey = survey_out(await site.store.survey(caller.here.id), {})
        response = page_response(site, caller, "feedback.html", {"survey": survey.model_dump()})
        if not caller.staff:
            response.headers["Cache-Control"] = KEPT
        return compress(request, response)

    async def survey(self, request: web.Request) -> web.Response:
        return await self._as_seen(request[CALLER])

    async def answer(self, request: web.Request) -> web.Response:
        return await self._answer(request, (await read_body(request, AnswerBody)).choices)

    async def unanswer(self, request: web.Request) -> web.Response:
        return await self._answer(request, [])

    async def _answer(self, request: web.Request, choices: list[str]) -> web.Response:
        site, caller = self._site, request[CALLER]
        person = site.take_as(caller, "votes").person
        await site.surveys.answer(caller.here.id, request.match_info["item"], person, choices)
        return await self._as_seen(caller)

    async def _as_seen(self, caller: Caller) -> web.Response:
        store, session = self._site.store, caller.here.id
        mine = await store.survey_answers_of(session, self._site.participant(caller).person)
        return reply(survey_out(await store.survey(session), mine))

    # -- watchers --------------------------------------------------------------------------------------------------

    async def _tell(self, session: str) -> Told:
        store = self._site.store
        survey = await store.survey(session)
        people = (await store.turnout(session))[0] if survey and survey.status is not PollStatus.DRAFT else 0
        everybody, staff = survey_now(survey), survey_now(survey, people)
        return Told(everybody.model_dump_json().encode(), staff.model_dump_json().encode())
