"""What is done in one process is followed in the others: here several halls in one process, each with its roles, on one
PostgreSQL."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.accounts import Actor
from bot.app import ROLES, Hall, open_hall
from bot.errors import Fenced, StoreError
from bot.model import (
    Abilities,
    Address,
    Delivery,
    Message,
    Mode,
    Person,
    Placed,
    Placement,
    PollKind,
    PollState,
    PollVote,
    Session,
)
from bot.ports import Floor, HookReply, HookRequest
from bot.trying import Heard
from bot.web.peers import PEER
from bot.web.tryout import TOPIC as TRYOUT
from tests.bot.app.many import SECRET, settings
from tests.bot.app.test_hall import signed_in
from tests.bot.encoders import SameWords
from tests.bot.storage import postgres
from tests.waiting import until

ASKED = "Is there a recording?"


class Chat:
    """A chat that says what it is told; `together`: over the connection on which it listens."""

    def __init__(self, name: str = "chat", together: bool = False) -> None:
        self.name = name
        self.abilities = Abilities(
            reply=True, private=True, edit=True, rate=1000.0, chat_rate=1000.0, together=together
        )
        self.said: list[Delivery] = []
        self.floor: Floor | None = None

    async def run(self, floor: Floor) -> None:
        self.floor = floor
        floor.connected()
        try:
            await asyncio.Event().wait()
        finally:
            self.floor = None

    async def send(self, delivery: Delivery) -> str:
        self.said.append(delivery)
        return "1"

    async def hook(self, request: HookRequest) -> HookReply:
        return HookReply(200 if self.floor else 503)

    async def close(self) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.database() as made:
        yield made


@asynccontextmanager
async def halls(
    folder: Path, url: str, *roles: str, chats: Callable[[], Any] | None = None
) -> AsyncIterator[list[Hall]]:
    """One for each of these roles ("web+outbox" has both); each with a chat of its own where one is given."""
    async with AsyncExitStack() as stack:
        made = []
        for each in roles:
            one = await stack.enter_async_context(
                open_hall(
                    settings(folder, url),
                    encoder=SameWords(),
                    roles=each.split("+"),
                    extra=lambda _: [chats()] if chats else [],
                )
            )
            await one.loaded()
            made.append(one)
        yield made


async def asks(hall: Hall, id: str, text: str = ASKED, session: str = "talk", source: str = "lobby") -> None:
    chat = Address(source, f"room of {id}", id, id, private=True)
    message = Message(session, source, id, id, id, text, time.time(), address=chat, explicit=True)
    await hall.floor.receive([message])


async def placed(hall: Hall, n: int, session: str = "talk") -> None:
    async def are() -> bool:
        return sum(placement is not None for _, placement in await hall.store.placements(session)) == n

    await until(are)


async def test_a_pipeline_follows_what_is_set_on_a_page_of_another_process(tmp_path: Path, url: str) -> None:
    """The mode of grouping that a page of one process sets counts for what another process places."""
    async with halls(tmp_path, url, "web", "pipeline") as (web, pipeline):
        await asks(web, "1")
        await placed(web, 1)
        await web.desk.set_up("Ann", "talk", {"grouping": "off"})
        await until(lambda: pipeline.pipelines["talk"]._newest.grouping is Mode.OFF)
        await asks(web, "2")
        await placed(web, 2)
        assert len(await web.store.questions("talk")) == 2


async def test_a_session_made_in_one_process_is_followed_by_another(tmp_path: Path, url: str) -> None:
    """Whoever understands follows a session that a page opens elsewhere, and every process knows of it at once."""
    async with halls(tmp_path, url, "web", "web", "pipeline") as (one, two, pipeline):
        await one.desk.open_session("Ann", Session("made", "Made on a page", language="en"))
        await until(lambda: "made" in pipeline.pipelines)
        await until(lambda: _known(two, "made"))
        await asks(two, "1", session="made")
        await placed(one, 1, "made")


async def _known(hall: Hall, session: str) -> bool:
    return any(one.id == session for one in await hall.store.sessions())


async def test_watchers_of_every_process_see_polls_and_votes(tmp_path: Path, url: str) -> None:
    """A poll that is opened and voted in at one process is heard and counted at another one."""
    async with halls(tmp_path, url, "web", "web") as (one, two):
        poll = (await one.polls.make("Ann", "talk", PollState("", "talk", PollKind.SINGLE, "Which?", ("A", "B")))).state
        async with two.live.watch("talk") as feed:
            await one.polls.start("Ann", "talk", poll.id)
            await until(lambda: b'"open"' in dict(feed.told(0, staff=True)).get("polls", b""))
            typed = Message("talk", "web", "1", "v", "V", "B", time.time())
            assert await until(lambda: two.polls.heard([typed])) == [PollVote(poll.id, typed.person, ("2",), "1")]
            number = feed.number
            await one.floor.receive([replace(typed, external_id="2")])
            await until(lambda: "polls" in dict(feed.told(number, staff=True)))


async def test_a_source_that_is_pointed_elsewhere_feeds_the_new_session(tmp_path: Path, url: str) -> None:
    """A page of one process says which session a source feeds; the process that listens to it obeys."""
    async with halls(tmp_path, url, "web", "connectors") as (web, listens):
        await web.desk.open_session("Ann", Session("other", "Another talk", language="en"))
        await web.feed("lobby", "other", Actor("ann", "Ann"))
        await until(lambda: listens._leads("lobby", "talk") == "other")


async def test_what_platforms_send_to_any_web_process_reaches_who_listens(tmp_path: Path, url: str) -> None:
    """A signed line to /in/NAME of a process that does not listen to that source is stored; a forged one is refused."""
    body = json.dumps({"id": "1", "user": "u", "name": "", "text": ASKED, "at": time.time()})
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Floormic-Timestamp": stamp, "X-Floormic-Signature": f"sha256={digest}"}
    async with (
        halls(tmp_path, url, "web", "connectors", "pipeline") as (web, *_),
        aiohttp.ClientSession(web.url) as client,
    ):
        for known in (1, 0):
            async with client.post("/in/lobby", data=body, headers=headers) as reply:
                assert (reply.status, (await reply.json())["new"]) == (200, known)
        async with client.post("/in/lobby", data=body + " ", headers=headers) as reply:
            assert reply.status == 403
        await placed(web, 1)


async def test_what_comes_while_a_source_changes_its_owner_waits_for_the_new_one(tmp_path: Path, url: str) -> None:
    """A platform that calls while no process listens is answered by the one that does a moment later."""
    async with halls(tmp_path, url, "web", chats=Chat) as (web,), aiohttp.ClientSession(web.url) as client:
        calling = asyncio.ensure_future(client.post("/in/chat", data="something"))
        await asyncio.sleep(0.1)
        assert not calling.done()
        async with halls(tmp_path, url, "connectors", chats=Chat):
            assert (await calling).status == 200


async def test_whose_hands_are_on_what_is_seen_at_every_process(tmp_path: Path, url: str) -> None:
    """What somebody has open at the page of one process is told to staff at another one."""
    async with (
        halls(tmp_path, url, "web", "web") as (one, two),
        signed_in(one) as ann,
        two.live.watch("talk") as feed,
    ):
        async with ann.post("/api/v1/sessions/talk/hands", json={"page": "the-board-1"}) as reply:
            assert reply.status == 200, await reply.text()
        await until(lambda: b"Ann" in dict(feed.told(0, staff=True)).get("hands", b""))


async def test_a_page_without_a_model_says_what_a_text_would_join(tmp_path: Path, url: str) -> None:
    """And what is likely the same as a question: a web process asks the one that follows the session; no other may."""
    async with halls(tmp_path, url, "web", "pipeline") as (web, pipeline), aiohttp.ClientSession() as client:
        await asks(web, "1")
        await placed(web, 1)
        (question,) = await web.store.questions("talk")
        found = await until(lambda: _previewed(web))
        assert (found.question, found.surely) == (question.id, True)
        assert await web.best("talk", ASKED) is None  # there is no course
        await asks(web, "2", "What does a gateway cost?")
        await placed(web, 2)
        (other,) = {one.id for one in await web.store.questions("talk")} - {question.id}
        for of in ([], [one.message.id for one in await web.store.asked(question.id)]):
            assert [one.question for one in await web.likely("talk", question.id, of)] == [other]
        asked = {"session": "talk", "text": ASKED}
        for headers in ({}, {PEER: "00" * 32}):
            async with client.post(f"{pipeline.url}/peer/preview", json=asked, headers=headers) as reply:
                assert reply.status == 403
        async with client.get(f"{pipeline.url}/s/talk") as page, client.get(f"{pipeline.url}/readyz") as ready:
            assert (page.status, ready.status) == (404, 200)


async def _previewed(hall: Hall) -> Any:
    found = await hall.look_up("talk", ASKED)
    return found if found.question else None


async def test_an_answer_is_said_by_the_process_that_says_things(tmp_path: Path, url: str) -> None:
    """An answer on a page of one process is said by another one, once, and shown as said at the first."""
    made: list[Chat] = []

    def chat() -> Chat:
        made.append(Chat())
        return made[-1]

    async with halls(tmp_path, url, "web", "pipeline", "outbox", "outbox", chats=chat) as (web, *_):
        await asks(web, "1", source="chat")
        await placed(web, 1)
        (question,) = await web.store.questions("talk")
        await web.desk.answer("Ann", question.id, "Tomorrow at noon.")
        said = await until(lambda: [d for one in made for d in one.said if "Tomorrow" in d.text])
        assert len(said) == 1

        async def are_sent() -> bool:
            return all(one.state == "sent" for one in await web.store.answering("talk"))

        await until(are_sent)


async def test_a_chat_that_is_answered_where_it_is_heard_is_answered_by_who_listens(tmp_path: Path, url: str) -> None:
    """What goes over the connection that listens is said by the process that listens, though another one has the
    outbox."""
    made: list[Chat] = []

    def chat() -> Chat:
        made.append(Chat(together=True))
        return made[-1]

    async with halls(tmp_path, url, "outbox", "connectors", chats=chat) as (_, listens):
        await until(lambda: listens.keeper.holds("outbox", "chat"))
        to = Address("chat", "room", private=True)
        await listens.store.deliver([Delivery("k", "talk", to, "Hello.", not_before=0.0)])
        await until(lambda: made[1].said)
        assert made[0].said == []


async def test_a_test_run_hears_the_chat_of_another_process(tmp_path: Path, url: str) -> None:
    """A code that a page of one process shows is known to the process that hears it said; both show that it was."""
    async with halls(tmp_path, url, "web", "connectors+pipeline") as (web, listens):
        code = web.tryouts.start("talk").code
        await until(lambda: listens.tryouts.run("talk"))
        await asks(listens, "1", f"test {code}")
        await until(lambda: (run := web.tryouts.run("talk")) and "lobby" in run.heard)
        assert await web.store.pending("talk", 10) == []
        assert TRYOUT in web.live._topics


async def test_whoever_is_forgotten_is_forgotten_in_every_process(tmp_path: Path, url: str) -> None:
    """A pipeline reads everything anew where a page of another process forgot somebody, and a test run names nobody
    any more."""
    async with halls(tmp_path, url, "web", "pipeline") as (web, pipeline):
        await asks(web, "1")
        await placed(web, 1)
        pipe, run = pipeline.pipelines["talk"], pipeline.tryouts.start("talk")
        run.heard["lobby"] = Heard(time.time(), "Ann")
        read_anew = asyncio.Event()
        pipe.reconsider = read_anew.set  # type: ignore[method-assign]
        await web.store.forget(Person("lobby", "1"), None, time.time())
        await asyncio.wait_for(read_anew.wait(), 30)
        await until(lambda: run.heard["lobby"].name == "")


async def test_all_roles_of_two_processes_share_the_work(tmp_path: Path, url: str) -> None:
    """Two processes with all roles: each session, source and chat is one's, and together they do everything once."""
    async with halls(tmp_path, url, "+".join(ROLES), "+".join(ROLES)) as both:
        names = [("pipeline", "talk"), ("connector", "lobby"), ("outbox", "lobby")]
        await until(lambda: all(sum(one.keeper.holds(*name) for one in both) == 1 for name in names))
        for n in range(20):
            await asks(both[n % 2], str(n), f"Question {n}?")
        await placed(both[0], 20)
        other = next(one for one in both if not one.keeper.holds("pipeline", "talk"))
        with pytest.raises(Fenced):
            await other.store.place("talk", [Placed(Placement(1, False, 0.0))])


async def test_a_database_that_cuts_every_connection_costs_a_moment(tmp_path: Path, url: str) -> None:
    """All connections of all processes are lost at once: nobody loses a lease for that, and what is asked then is
    placed and told at the other process."""
    async with halls(tmp_path, url, "web", "pipeline") as (web, pipeline), web.live.watch("talk") as feed:
        await asks(web, "1", "One?")
        await placed(web, 1)
        before = pipeline.pipelines["talk"]
        postgres.cut(url)

        async def is_taken() -> bool:
            try:
                await asks(web, "2", "Two?")
            except StoreError:
                return False
            return True

        await until(is_taken)
        await until(lambda: "Two?" in {one.title for one in feed.view.questions.values()})
        await placed(web, 2)
        assert pipeline.pipelines["talk"] is before


async def test_who_still_asks_the_former_owner_waits_for_the_new_one(tmp_path: Path, url: str) -> None:
    """A process that has not seen yet that a source changed hands is told so, and its platform hears nothing of it."""
    async with halls(tmp_path, url, "web", "connectors", "connectors", chats=Chat) as (web, *both):
        former = await until(lambda: next((one for one in both if one.keeper.holds("connector", "chat")), None))
        await until(lambda: web.keeper.holder("connector", "chat"))
        seen, before = web.keeper.holder, web.keeper.holder("connector", "chat")
        web.peers._find = lambda kind, name: before
        await former.keeper.leave("connector", "chat")
        async with aiohttp.ClientSession(web.url) as client:
            calling = asyncio.ensure_future(client.post("/in/chat", data="something"))
            await asyncio.sleep(1.0)
            assert not calling.done()
            web.peers._find = seen
            former.keeper.want("connector", "chat")
            async with await calling as reply:
                assert reply.status == 200
