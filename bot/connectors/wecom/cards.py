"""Template cards: with buttons (`button_interaction`), and with a poll's choices (`vote_interaction`). Their texts are
plain, never markdown.

Source: developer.work.weixin.qq.com/document/path/101032. A card is updated as a whole; a button cannot be disabled,
only made grey and renamed, so pressing it again must do no harm.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.connectors.wecom.frames import Json
from bot.fitting import cut
from bot.model import Button, PollKind, PollState, Unit
from bot.polling import choices

TITLE, TEXT, LABEL = 26, 112, 30
"""Characters that WeCom shows of a title and of a text; labels are cut at ours."""

MOST_BUTTONS = 6
MOST_CHOICES = 20
SUBMIT = 10
LONGEST_KEY = 1024
BLUE, GREY = 1, 4
PRESS = re.compile(r"([vnp]):(.{1,200})", re.DOTALL)
ACTS = {"v": "vote", "n": "not_answered", "p": "poll"}
CODES = {act: code for code, act in ACTS.items() if act != "poll"}


@dataclass(frozen=True, slots=True)
class Card:
    """`task` names it in what comes back when a button is pressed; WeCom takes each name once."""

    task: str
    title: str
    text: str
    buttons: tuple[Button, ...]
    pressed: str = ""

    @classmethod
    def new(cls, title: str, text: str, buttons: Sequence[Button]) -> "Card":
        return cls(secrets.token_hex(16), title, text, tuple(buttons))

    def after(self, key: str, label: str) -> "Card":
        """As it looks to somebody who pressed that button."""
        buttons = tuple(replace(b, label=label) if key_of(b) == key else b for b in self.buttons)
        return replace(self, buttons=buttons, pressed=key)

    def body(self) -> Json:
        text = {"sub_title_text": characters(self.text, TEXT)} if self.text else {}
        buttons = [
            {"text": characters(b.label, LABEL), "style": GREY if key_of(b) == self.pressed else BLUE, "key": key_of(b)}
            for b in self.buttons
        ]
        title = {"title": characters(self.title, TITLE)}
        return {
            "card_type": "button_interaction",
            "main_title": title,
            **text,
            "button_list": buttons,
            "task_id": self.task,
        }


@dataclass(frozen=True, slots=True)
class VoteCard:
    """A poll's choices to tick, with one button to send them; `chosen` is how it looks to somebody who did."""

    task: str
    poll: PollState
    submit: str
    chosen: tuple[str, ...] = ()

    @classmethod
    def new(cls, poll: PollState, submit: str) -> "VoteCard":
        return cls(secrets.token_hex(16), poll, submit)

    def after(self, chosen: Sequence[str], submit: str) -> "VoteCard":
        """As it looks to somebody who voted, and may do so again."""
        return replace(self, chosen=tuple(chosen), submit=submit)

    def body(self) -> Json:
        options = [
            {"id": number, "text": characters(label, LABEL), "is_checked": number in self.chosen}
            for number, label in choices(self.poll)
        ]
        mode = 1 if self.poll.kind is PollKind.MULTIPLE else 0
        return {
            "card_type": "vote_interaction",
            "main_title": {"title": characters(self.poll.title, TITLE)},
            "checkbox": {"question_key": f"p:{self.poll.id}", "mode": mode, "option_list": options},
            "submit_button": {"text": characters(self.submit, SUBMIT), "key": f"p:{self.poll.id}"},
            "task_id": self.task,
        }


def tickable(poll: PollState) -> bool:
    """Does a card take its choices? Words and texts have none."""
    return 0 < len(choices(poll)) <= MOST_CHOICES


def key_of(button: Button) -> str:
    return f"{CODES[button.act]}:{button.question}" if button.act in CODES else ""


def usable(buttons: Sequence[Button]) -> tuple[Button, ...]:
    """Those that WeCom takes: known acts, no key twice, six at most."""
    known = {key: b for b in buttons if (key := key_of(b)) and len(key.encode()) <= LONGEST_KEY}
    return tuple(known.values())[:MOST_BUTTONS]


def characters(text: str, most: int) -> str:
    return cut(text, most, Unit.CHARACTERS)
