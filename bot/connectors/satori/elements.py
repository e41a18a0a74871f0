"""Satori's message elements to plain text and back (https://satori.chat/zh-CN/protocol/elements.html). Pure.

An element looks like XML but is not: tags may be unclosed, attributes unquoted, and a bare & stands for itself.
"""

import html
import re
from typing import NamedTuple

from bot.connectors.common import clean

LONGEST = 20_000
"""Characters of a message that are read; the rest is cut off."""

# One class of characters between the brackets, so that no input makes it slower than linear.
TAG = re.compile(r"<([^<>]*)>")
NAME = re.compile(r"/?([A-Za-z][\w:.-]*)")
ATTRIBUTE = re.compile(r"""([\w:.-]+)(?:="([^"]*)"|='([^']*)')?""")
BREAKS = {"br", "p", "message"}
SILENT = {"quote", "author"}
"""What these hold is not said by the one who speaks."""


class Spoken(NamedTuple):
    """The text of a message, and whether it mentions the account that heard it (such mentions are left out of it)."""

    text: str
    mentioned: bool


def read(content: str, me: str) -> Spoken:
    """A message as the account with the id `me` hears it."""
    said: list[str] = []
    mentioned, silent = False, ""
    for index, piece in enumerate(TAG.split(content[:LONGEST])):
        if index % 2 == 0:
            if not silent:
                said.append(html.unescape(piece))
            continue
        named = NAME.match(piece)
        name = named[1].lower() if named else ""
        closing = piece.startswith("/")
        if silent:
            silent = "" if closing and name == silent else silent
        elif name in SILENT:
            silent = "" if closing or piece.endswith("/") else name
        elif name in BREAKS:
            said.append("\n")
        elif name in ("at", "sharp") and not closing:
            given = attributes(piece[len(name) :])
            if name == "at" and given.get("id") == me:
                mentioned = True
            else:
                said.append(mention(name, given))
    lines = (" ".join(line.split()) for line in "".join(said).splitlines())
    return Spoken(clean("\n".join(line for line in lines if line)), mentioned)


def mention(name: str, given: dict[str, str]) -> str:
    """How a person or a channel is called in plain text."""
    sign = "@" if name == "at" else "#"
    return sign + (given.get("name") or given.get("role") or given.get("type") or given.get("id") or "")


def attributes(text: str) -> dict[str, str]:
    return {key: html.unescape(double or single) for key, double, single in ATTRIBUTE.findall(text)}


def write(text: str, quoted: str = "") -> str:
    """Text as it is sent: what people wrote never becomes an element. `quoted`: the id of the message it replies to."""
    quote = f'<quote id="{html.escape(quoted)}"/>' if quoted else ""
    return quote + html.escape(text, quote=False)


def button(id: str, label: str) -> str:
    """One that tells us when it is pressed."""
    return f'<button id="{html.escape(id)}" type="action">{html.escape(label, quote=False)}</button>'
