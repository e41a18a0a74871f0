"""Downloading and erasing what is known of a person, over the API."""

from bot.model import Message, Person
from tests.bot.web.hall import Hall

MINE = "/api/v1/sessions/talk/me/data"
AUDIENCE = "/api/v1/audience"


async def test_a_viewer_downloads_what_is_theirs_and_deletes_it(hall: Hall) -> None:
    """The file has their words and nobody else's; once deleted, this device is somebody new, and the count stays."""
    zoe, ben = hall.client(), hall.client()
    await zoe.ask("Where is the zebra?", name="Zoe")
    await ben.ask("Where is the bear?")
    await hall.place("q1")
    code = (await zoe.json("/api/v1/sessions/talk/mine"))["code"]
    answer = await zoe.get(MINE)
    assert "attachment" in answer.headers["Content-Disposition"]
    told = await answer.json()
    assert [one["text"] for one in told["messages"]] == ["Where is the zebra?"]
    page = await (await zoe.get(f"{MINE}?format=html&lang=zh")).text()
    assert "zebra" in page
    assert "bear" not in page
    assert (await zoe.get(f"{MINE}?format=exe")).status == 400
    assert (await zoe.send("DELETE", MINE, {})).status == 400
    assert await (await zoe.send("DELETE", MINE, {"sure": True})).json() == {"persons": 1, "messages": 1}
    mine = await zoe.json("/api/v1/sessions/talk/mine")
    assert mine["messages"] == []
    assert mine["code"] != code
    question = await hall.store.question("q1")
    assert (question.people, question.title) == (2, "Where is the bear?")


async def test_an_organiser_answers_requests_for_data(hall: Hall) -> None:
    """Looked up by name, downloaded, erased; the ledger says that it happened and not to whom; nobody else may."""
    await hall.store.receive([Message("talk", "chat", "m1", "u77", "Zoë Quartz", "Is it recorded?", 100.0)])
    await hall.place("q1")
    olga = await hall.signed_in("organiser", name="Olga")
    (found,) = (await olga.json(f"{AUDIENCE}?name=quartz"))["persons"]
    assert (found["source"], found["id"], found["messages"]) == ("chat", "u77", 1)
    told = await olga.json(f"{AUDIENCE}/data?source=chat&id=u77")
    assert told["messages"][0]["name"] == "Zoë Quartz"
    assert (await olga.get(f"{AUDIENCE}/data?source=chat&id=u78")).status == 404
    done = await olga.send("DELETE", f"{AUDIENCE}/data", {"source": "chat", "id": "u77"})
    assert (await done.json())["messages"] == 1
    ledger = await olga.json("/api/v1/people/ledger")
    assert next((row["who"], row["what"], row["whom"]) for row in ledger) == ("Olga", "forget", "")
    assert not (await hall.store.known(Person("chat", "u77"))).anything
    assert (await olga.json(f"{AUDIENCE}?name=quartz"))["persons"] == []
    moderator = await hall.signed_in("moderator", "talk")
    assert (await moderator.get(f"{AUDIENCE}?name=quartz")).status == 403
