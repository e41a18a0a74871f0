"""Whom an answer reached, as the board shows it."""

from collections.abc import Sequence
from dataclasses import replace

from playwright.async_api import expect

from bot.errors import Refused
from bot.model import Abilities, Address, Delivery, Message
from tests.bot.chats import Chat
from tests.bot.web.browsing import BROWSER, Crowd

pytestmark = BROWSER

expect.set_options(timeout=20_000)

FAST = Abilities(reply=True, private=True, rate=1000.0, chat_rate=1000.0)


class Blocking(Chat):
    """A chat that can be written to, but for those who blocked it."""

    def __init__(self, name: str, *blocked: str) -> None:
        super().__init__(name, abilities=FAST)
        self.blocked = set(blocked)
        self.said: list[Delivery] = []

    async def send(self, delivery: Delivery) -> str:
        if delivery.address.chat in self.blocked:
            raise Refused("Telegram: this person has blocked the bot")
        self.said.append(delivery)
        return f"id{len(self.said)}"


async def ask(crowd: Crowd, source: str, people: Sequence[str], text: str) -> None:
    """These people ask the same in private."""
    said = [
        Message(
            "talk", source, f"{source}-{one}", one, one, text, crowd.hall.now(), Address(source, one, one, one), True
        )
        for one in people
    ]
    await crowd.hall.floor.receive([replace(m, address=None) if source == "silent" else m for m in said])
    await crowd.hall.drained()


async def test_the_board_shows_whom_an_answer_did_not_reach(crowd: Crowd) -> None:
    """A chip counts the persons and filters their questions; the panel says who and why, and a second try reaches who
    has let the bot in again."""
    chat = Blocking("talkers", "Bo")
    crowd.hall.connectors[chat.name] = chat
    crowd.hall.keeper.want("outbox", chat.name)
    await ask(crowd, "talkers", ["Al", "Bo"], "Is this recorded?")
    await ask(crowd, "silent", ["Cy"], "Is this recorded?")
    await ask(crowd, "talkers", ["Di"], "Where are the slides?")
    (question,) = [q.id for q in await crowd.hall.store.questions("talk") if q.people == 3]
    board = await crowd.moderator()
    await crowd.hall.desk.answer("Ann", question, "Yes, from tomorrow on.")
    chip = board.locator(".filter[data-kind=unreached]")
    await expect(chip).to_have_text("Not reached1")
    await chip.click()
    await board.locator("#lane-answered .row", has_text="recorded").locator(".row-open").click()
    panel = board.locator(".panel-reach")
    await expect(panel.locator(".reach-figures")).to_contain_text("1 only on the page")
    await expect(panel.locator(".reach-list .reach-failed")).to_contain_text("this person has blocked the bot")
    chat.blocked.clear()
    await panel.get_by_role("button", name="Try again").click()
    await expect(panel.locator(".reach-figures")).to_contain_text("2 people were told")
    await expect(chip).to_have_text("Not reached0")
    assert sorted(d.address.chat for d in chat.said if d.key.startswith("answer:")) == ["Al", "Bo"]
