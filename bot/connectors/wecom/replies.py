"""What the bot answers to commands and pressed buttons."""

from collections.abc import Sequence

from bot.connectors.wecom.cards import Card
from bot.connectors.wecom.mapper import Command, Press
from bot.connectors.wecom.words import STATES, one_line, words
from bot.errors import FloormicError, StoreError
from bot.model import Button, Delivery, Message, Question, QuestionState, Status
from bot.ports import Floor

TOP = 5
MINE = 10


async def reply(command: Command, floor: Floor, session: str, language: str) -> Delivery:
    """The answer to a command. Its key is that of the command, so a redelivered command is answered once.

    Raises `StoreError`; what else the floor refuses becomes a text.
    """
    say, buttons = words(language), tuple[Button, ...]()
    try:
        if command.what == "top":
            questions = await floor.top(session, TOP)
            text, buttons = top_text(questions, say), top_buttons(questions, say)
        elif command.what == "mine":
            text = mine_text(await floor.mine(session, command.person), command, say)
        else:
            text = say[command.what]
    except StoreError:
        raise
    except FloormicError:
        text = say["trouble"]
    key = f"reply:{command.address.connector}:{command.external_id}"
    return Delivery(key, session, command.address, text, buttons)


async def pressed(press: Press, floor: Floor, session: str, language: str, card: Card | None) -> Card:
    """Count it; the card as it then looks to that person. `card`: what it looked like (None: not known any more).

    Raises `StoreError`.
    """
    say = words(language)
    label, title = say["gone"], ""
    try:
        act = floor.vote if press.act == "vote" else floor.not_answered
        question = await act(session, press.question, press.person)
        title = one_line(question.title)
        label = say["voted"].format(people=question.people) if press.act == "vote" else say["not_answered"]
    except StoreError:
        raise
    except FloormicError:
        pass
    button = Button(press.act, press.question, label)
    return (card or Card(press.task, card_title([button], say), title, (button,))).after(press.key, label)


def card_title(buttons: Sequence[Button], say: dict[str, str]) -> str:
    if len(buttons) > 1:
        return say["card_votes"]
    return say["card_vote" if buttons[0].act == "vote" else "card_not_answered"]


def top_text(questions: list[Question], say: dict[str, str]) -> str:
    if not questions:
        return say["top_none"]
    lines = [
        say["top_line"].format(rank=rank, title=one_line(question.title), people=question.people)
        for rank, question in enumerate(questions, 1)
    ]
    return "\n".join([say["top"], *lines])


def top_buttons(questions: list[Question], say: dict[str, str]) -> tuple[Button, ...]:
    return tuple(
        Button("vote", question.id, say["top_button"].format(rank=rank)) for rank, question in enumerate(questions, 1)
    )


def mine_text(mine: list[tuple[Message, QuestionState | None]], command: Command, say: dict[str, str]) -> str:
    """In a group only what was asked in that group: the others may have been asked in private."""
    private = command.address.private
    shown = [(m, q) for m, q in mine if private or (m.address and m.address.chat == command.address.chat)]
    if not shown:
        return say["mine_none"] if private or not mine else say["mine_here"] + "\n" + say["mine_none"]
    lines = [say["mine_line"].format(text=one_line(m.text), state=_state(q, say)) for m, q in shown[-MINE:]]
    return "\n".join([say["mine" if private else "mine_here"], *lines])


def _state(question: QuestionState | None, say: dict[str, str]) -> str:
    if question is None:
        return say["received"]
    if question.status is Status.ANSWERED and question.answer:
        return say["state_answered_text"].format(answer=one_line(question.answer.text, 200))
    if question.status is Status.DISMISSED and question.reason:
        return say["state_dismissed_why"].format(reason=one_line(question.reason, 200))
    return say[STATES[question.status]]
