"""Every failure as an answer: JSON for programs, a page for people, never a traceback."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from bot.courses import TooLarge
from bot.errors import BadInput, Conflict, Crowded, LastOrganiser, NoRole, NotAllowed, NotFound, StoreError
from bot.phrases import in_language
from bot.tracing import request_id
from bot.web.rendering import page_response
from bot.web.schemas import Code, Error
from bot.web.site import CALLER, Caller, NoSeat, Site, TooFast
from bot.web.texts import say

log = logging.getLogger(__name__)

RETRY_AFTER = 2  # seconds, where the store could not do it
LARGEST_BODY = 256 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Failure:
    status: int
    code: Code
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    about: str = ""
    questions: Sequence[str] = ()


def failure_of(error: Exception, lang: str) -> Failure:
    """What to tell about an exception."""
    match error:
        case TooFast():
            return Failure(429, "too_fast", str(error), {"Retry-After": str(error.seconds)})
        case NoSeat():
            return Failure(503, "busy", str(error), {"Retry-After": str(error.seconds)})
        case TooLarge():
            return Failure(413, "bad_input", str(error))
        case BadInput():
            return Failure(400, "bad_input", in_language(str(error), lang), about=error.field)
        case NotFound():
            return Failure(404, "not_found", in_language(str(error), lang))
        case NoRole():
            return Failure(403, "no_role", str(error))
        case LastOrganiser():
            return Failure(403, "not_allowed", say(lang, "last_organiser"))
        case NotAllowed():
            return Failure(403, "not_allowed", in_language(str(error), lang))
        case Conflict():
            return Failure(409, "conflict", in_language(str(error), lang), questions=error.questions)
        case Crowded():
            return Failure(503, "busy", say(lang, "busy"), {"Retry-After": str(error.seconds)})
        case StoreError():
            return Failure(503, "busy", say(lang, "busy"), {"Retry-After": str(RETRY_AFTER)})
        case web.HTTPException():
            return _of_http(error, lang)
    return Failure(500, "fault", say(lang, "fault", request=request_id()))


def _of_http(error: web.HTTPException, lang: str) -> Failure:
    match error:
        case web.HTTPNotFound():
            return Failure(404, "not_found", say(lang, "no_page"))
        case web.HTTPMethodNotAllowed():
            text = say(lang, "no_method", method=error.method)
            return Failure(405, "bad_input", text, {"Allow": error.headers.get("Allow", "")})
        case web.HTTPRequestTimeout():
            return Failure(408, "busy", say(lang, "too_slow"))
        case web.HTTPRequestEntityTooLarge():
            return Failure(413, "bad_input", say(lang, "too_large", kib=LARGEST_BODY // 1024))
        case web.HTTPUnsupportedMediaType():
            return Failure(415, "bad_input", say(lang, "not_json"))
    if error.status >= 500:
        return Failure(error.status, "fault", say(lang, "fault", request=request_id()))
    return Failure(error.status, "bad_input", say(lang, "bad_request"))


async def refusal(site: Site, request: web.Request, error: Exception) -> web.Response:
    """The response to an exception; what is our own fault is logged, without the request's body."""
    caller = request[CALLER]
    failure = failure_of(error, caller.lang)
    if isinstance(error, StoreError) and not isinstance(error, Crowded):  # a line each would make it worse
        log.warning("%s %s: %s", request.method, _logged(request), error)
    elif failure.status == 500:
        log.error("%s %s failed", request.method, _logged(request), exc_info=error)
    if not caller.wants_page:
        body = Error(
            error=failure.text,
            code=failure.code,
            field=failure.about,
            questions=list(failure.questions),
            request=request_id(),
        )
        return web.json_response(text=body.model_dump_json(), status=failure.status, headers=failure.headers)
    return _page(site, caller, failure)


def _page(site: Site, caller: Caller, failure: Failure) -> web.Response:
    response = page_response(
        site,
        caller,
        "error.html",
        {"status": failure.status, "error": failure.text, "code": failure.code, "request": request_id()},
    )
    response.set_status(failure.status)
    response.headers.update(failure.headers)
    return response


def _logged(request: web.Request) -> str:
    """The pattern of the address, since the address itself may carry a sign-in token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "(no such address)"
