"""What a pressed button does."""

from bot.connectors.commands import count, counted, one_line, words
from bot.connectors.wecom.cards import Card, VoteCard
from bot.connectors.wecom.mapper import Press
from bot.connectors.wecom.words import OWN, card_title
from bot.errors import BadInput, FloormicError, StoreError
from bot.model import Button
from bot.polling import BUTTON
from bot.ports import Floor


async def pressed(
    press: Press, floor: Floor, session: str, language: str, card: Card | VoteCard | None
) -> Card | VoteCard:
    """Count it; the card as it then looks to that person. `card`: what it looked like (None: not known any more).

    Raises `StoreError`.
    """
    if press.act == BUTTON:
        return await _voted(press, floor, session, language, card)
    question = await count(floor, session, press.act, press.question, press.person)
    label = counted(press.act, question, language, OWN)
    button = Button(press.act, press.question, label)
    title = one_line(question.title) if question else ""
    known = card if isinstance(card, Card) else Card(press.task, card_title([button], language), title, (button,))
    return known.after(press.key, label)


async def _voted(
    press: Press, floor: Floor, session: str, language: str, card: Card | VoteCard | None
) -> Card | VoteCard:
    say = words(language, OWN)
    try:
        poll = await floor.vote_poll(session, press.question, press.person, press.chosen)
    except StoreError:
        raise
    except FloormicError as error:
        told = say["too_many" if isinstance(error, BadInput) else "over"]
        if isinstance(card, VoteCard):
            return card.after(press.chosen, told)
        return Card(press.task, told, "", (Button("vote", press.question, told),))
    known = card if isinstance(card, VoteCard) else VoteCard(press.task, poll.state, "")
    return known.after(press.chosen, say["submitted" if press.chosen else "submit"])
