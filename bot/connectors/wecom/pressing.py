"""What a pressed button does."""

from bot.connectors.commands import count, counted, one_line
from bot.connectors.wecom.cards import Card
from bot.connectors.wecom.mapper import Press
from bot.connectors.wecom.words import OWN, card_title
from bot.model import Button
from bot.ports import Floor


async def pressed(press: Press, floor: Floor, session: str, language: str, card: Card | None) -> Card:
    """Count it; the card as it then looks to that person. `card`: what it looked like (None: not known any more).

    Raises `StoreError`.
    """
    question = await count(floor, session, press.act, press.question, press.person)
    label = counted(press.act, question, language, OWN)
    button = Button(press.act, press.question, label)
    title = one_line(question.title) if question else ""
    return (card or Card(press.task, card_title([button], language), title, (button,))).after(press.key, label)
