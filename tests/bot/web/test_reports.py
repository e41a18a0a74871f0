"""Reports over HTTP."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from bot.web.site import ReportWish
from tests.bot.web.hall import Hall


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ReportWish(address="/s/talk/report")),
        ("?format=xlsx", ReportWish("xlsx")),
        ("?names=0&lang=zh", ReportWish(names=False, language="zh", address="/s/talk/report")),
        ("?names=1&download=1", ReportWish(names=True)),
        ("?lang=xx&format=csv", ReportWish("csv")),
    ],
)
async def test_an_address_says_how_the_report_is_wanted(hall: Hall, query: str, wanted: ReportWish) -> None:
    """Format, names and language; ways to elsewhere only on the page."""
    expert = await hall.signed_in("expert", "talk")
    answer = await expert.get(f"/s/talk/report{query}")
    assert (answer.status, await answer.text()) == (200, repr(("talk", wanted)))
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert ("Content-Disposition" in answer.headers) is (wanted.address == "")


async def test_a_file_is_named_after_its_session_and_what_it_leaves_out(hall: Hall) -> None:
    """So that one with names and one without are not mixed up."""
    expert = await hall.signed_in("expert", "talk")
    named = [
        (await expert.get(f"/s/talk/report?format=csv{more}")).headers["Content-Disposition"]
        for more in ("", "&names=0")
    ]
    assert [one.partition("''")[2] for one in named] == ["talk.csv", "talk-no-names.csv"]


async def test_only_the_organiser_of_all_is_shown_the_way_to_the_series(hall: Hall) -> None:
    """The series has evenings that others may not see."""
    shown = {role: (await hall.signed_in("organiser", role, name=f"O{role}")) for role in ("", "talk")}
    answers = {role: await (await one.get("/s/talk/report")).text() for role, one in shown.items()}
    assert ["to_series=True" in answers[role] for role in ("", "talk")] == [True, False]
    assert (await shown["talk"].get("/series/Course/report")).status == 403


@pytest.mark.parametrize("name", ["Open course", "公开课 第一季", "a/b", "100 % ?#"])
async def test_a_series_is_found_by_its_name_whatever_it_is(hall: Hall, name: str) -> None:
    """Names of series are free text; the page's own ways lead back to it."""
    organiser = await hall.signed_in("organiser")
    address = f"/series/{quote(name, safe='')}/report"
    answer = await organiser.get(address)
    assert (answer.status, await answer.text()) == (200, repr((name, ReportWish(address=address, to_series=True))))


async def test_an_unknown_format_is_refused_in_words(hall: Hall) -> None:
    """It says which there are."""
    expert = await hall.signed_in("expert", "talk")
    answer = await expert.get("/s/talk/report?format=pdf", headers={"Accept-Language": "en"})
    assert answer.status == 400
    assert "html, xlsx, csv, md, json" in await answer.text()


async def test_only_an_organiser_asks_for_names_that_are_switched_off(hall: Hall) -> None:
    """Whoever else asks for them gets the report as it is set."""
    talk = next(one for one in await hall.store.sessions() if one.id == "talk")
    await hall.store.save_session(replace(talk, names=False))
    for role, wanted in (("moderator", "names=None"), ("organiser", "names=True")):
        person = await hall.signed_in(role, "talk", name=role)
        assert wanted in await (await person.get("/s/talk/report?names=1")).text()
