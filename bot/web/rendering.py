"""Templates to pages."""

from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, select_autoescape

from bot.model import Session
from bot.web.assets import Assets
from bot.web.schemas import LONGEST_MESSAGE, LONGEST_NAME, AbilityModes, SessionOut
from bot.web.site import Caller, Site

HERE = Path(__file__).parent


def make_templates(assets: Assets) -> Environment:
    """Everything is escaped; `static(name)` is the address of a static file."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(default=True), trim_blocks=True
    )
    templates.globals["static"] = assets.url
    return templates


def session_out(session: Session, role: str) -> SessionOut:
    return SessionOut(
        id=session.id,
        title=session.title,
        series=session.series,
        speaker=session.speaker,
        language=session.language,
        review=session.review,
        starts_at=session.starts_at,
        ended_at=session.ended_at,
        abilities=AbilityModes(
            grouping=session.grouping.value,
            answers=session.answers.value,
            acknowledgements=session.acknowledgements.value,
        ),
        role=role,  # type: ignore[arg-type]  # checked by pydantic
    )


def public_url(site: Site, caller: Caller) -> str:
    """The configured one, else what the client used to come here; without a slash at the end."""
    return (site.public_url or caller.origin).rstrip("/")


def page_response(site: Site, caller: Caller, template: str, page: dict[str, Any], **more: Any) -> web.Response:
    """Render a template. `page` goes to the page's scripts as JSON, with what they all need added."""
    url, session = public_url(site, caller), caller.session
    shown = session_out(session, caller.role).model_dump() if session else None
    common = {
        "session": shown,
        "role": caller.role,
        "who": caller.who,
        "lang": caller.lang,
        "public_url": url,
        "join_url": f"{url}/s/{session.id}" if session else url,
        "sources": dict(site.sources),
        "longest_message": LONGEST_MESSAGE,
        "longest_name": LONGEST_NAME,
    }
    context = {**page, **common, **more, "session": session, "nonce": caller.nonce, "page": {**common, **page}}
    text = site.templates.get_template(template).render(context)
    return web.Response(text=text, content_type="text/html")
