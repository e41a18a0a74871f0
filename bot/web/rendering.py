"""Templates to pages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, FunctionLoader, select_autoescape
from markupsafe import Markup

from bot.model import Session
from bot.web.assets import Assets
from bot.web.csp import inlined
from bot.web.reading import clean
from bot.web.schemas import LONGEST_MESSAGE, LONGEST_NAME, AbilityModes, AfterModes, SessionNow, SessionOut
from bot.web.site import Caller, Site
from bot.web.words import LANGUAGES, read_words, translated

HERE = Path(__file__).parent


def make_templates(assets: Assets) -> Mapping[str, Environment]:
    """The templates in each language. Everything is escaped; "/static/ leads to this release's files; `inline(…)` is
    files of ours as part of the page, `modules(name)` a module with what it imports.
    """
    files = FileSystemLoader(HERE / "templates")
    words = read_words(HERE / "static")

    def environment(language: str) -> Environment:
        def load(name: str) -> str:
            source, _, _ = files.get_source(templates, name)
            return translated(source.replace('"/static/', f'"{assets.url("")}'), words[language])

        templates = Environment(
            loader=FunctionLoader(load), autoescape=select_autoescape(default=True), trim_blocks=True
        )
        templates.policies["json.dumps_kwargs"] = {}  # sorted by default: not alike to what the API replies
        templates.filters["shown"] = clean
        templates.globals.update(
            inline=lambda *names: Markup(inlined(assets, *names)),  # noqa: S704 (files of ours)
            modules=lambda name: [assets.url(one) for one in assets.modules(name)],
            words=words[language],
        )
        return templates

    return {language: environment(language) for language in LANGUAGES}


def session_now(session: Session) -> SessionNow:
    return SessionNow(
        id=session.id,
        title=session.title,
        series=session.series,
        speaker=session.speaker,
        language=session.language,
        review=session.review,
        ledger=session.ledger,
        names=session.names,
        course=bool(session.course),
        starts_at=session.starts_at,
        ended_at=session.ended_at,
        abilities=AbilityModes(
            grouping=session.grouping.value,
            answers=session.answers.value,
            acknowledgements=session.acknowledgements.value,
            memory=session.memory.value,
            promoting=session.promoting.value,
        ),
        survey=session.survey.value,
        slow=session.slow,
        after=AfterModes(digest=session.digest.value, personal=session.personal.value, report=session.report.value),
    )


def session_out(session: Session, role: str) -> SessionOut:
    return SessionOut(**dict(session_now(session)), role=role)  # type: ignore[arg-type]  # checked by pydantic


def public_url(site: Site, caller: Caller) -> str:
    """The configured one, else what the client used to come here; without a slash at the end."""
    return (site.public_url or caller.origin).rstrip("/")


def page_response(site: Site, caller: Caller, template: str, page: dict[str, Any], **more: Any) -> web.Response:
    """A page of a template, see `render`."""
    return web.Response(text=render(site, caller, template, page, **more), content_type="text/html")


def render(site: Site, caller: Caller, template: str, page: dict[str, Any], **more: Any) -> str:
    """Render a template. `page` goes to the page's scripts as JSON, with what they all need added."""
    url, session = public_url(site, caller), caller.session
    shown = session_out(session, caller.role).model_dump() if session else None
    common = {
        "session": shown,
        "role": caller.role,
        "least": caller.least,
        "organises": caller.organises,
        "who": caller.who,
        "lang": caller.lang,
        "public_url": url,
        "join_url": f"{url}/s/{session.id}" if session else url,
        "sources": dict(site.sources),
        "longest_message": LONGEST_MESSAGE,
        "longest_name": LONGEST_NAME,
    }
    context = {**page, **common, **more, "session": session, "page": {**common, **page}}
    language = caller.lang if caller.lang in LANGUAGES else "en"
    return site.templates[language].get_template(template).render(context)
