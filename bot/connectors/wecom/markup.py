"""WeCom shows texts as markdown only: what people wrote is written so that it reads as they wrote it."""

import re

from bot.fitting import fit_marked
from bot.model import Unit

LONGEST = 20_480
"""Bytes of a stream and of a pushed markdown text (documents 101031 and 101138)."""

# No brackets, stars or quotes: what stands in an address can then begin no markup.
URL = re.compile(r"https?://[A-Za-z0-9\-._:/?#&=%+,;@]+")
OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
ANYWHERE = re.compile(r"([\\`*\[\]~|])|(&)(?=#?\w+;)")
# What may follow: a tag, a comment, an address of the web or of mail.
TAG = re.compile(r"<(?=[A-Za-z0-9/!?.#$%&'+=^_{}-])")
WECOM_TAG = re.compile(r"<(?=@|/?think\b)", re.IGNORECASE)
LINE_START = re.compile(
    r"^( {0,3})(?:(#{1,6}(?=\s|$)|>|[+-](?=\s|$)|(?::?-+:?|=+)[ \t]*$)|(\d{1,9})([.)])(?=\s|$))", re.MULTILINE
)
INDENTED = re.compile(r"^[ \t]*(?: {4}|\t)[ \t]*", re.MULTILINE)


def plain(text: str) -> str:
    """Markdown that shows the text itself, with its line breaks.

    Markdown's own signs get a backslash. WeCom's tags (`<@all>` calls everybody, `<think>` hides) may not heed one, so
    their "<" becomes its wide form.
    """
    text = "\n".join(line.rstrip() for line in text.splitlines())
    parts, at = [], 0
    for url in URL.finditer(text):
        parts += [_escaped(text[at : url.start()]), OUTER_UNDERSCORE.sub(_percent, url[0])]
        at = url.end()
    parts.append(_escaped(text[at:]))
    marked = TAG.sub(r"\\<", WECOM_TAG.sub("＜", "".join(parts)))
    marked = LINE_START.sub(_kept, INDENTED.sub(_wide, marked))
    return marked.replace("\n", "  \n")


def fitted(text: str, longest: int = LONGEST) -> str:
    """As `plain`, cut where the signs that keep it plain make it longer than that many bytes."""
    return fit_marked(text, plain, longest, Unit.BYTES)


def _escaped(text: str) -> str:
    text = ANYWHERE.sub(lambda sign: f"\\{sign[0]}", text)
    return OUTER_UNDERSCORE.sub(lambda signs: signs[0].replace("_", r"\_"), text)


def _percent(signs: re.Match[str]) -> str:
    return signs[0].replace("_", "%5F")


def _kept(start: re.Match[str]) -> str:
    return f"{start[1]}\\{start[2]}" if start[2] else f"{start[1]}{start[3]}\\{start[4]}"


def _wide(indent: re.Match[str]) -> str:
    """Four spaces begin a block of code; spaces that do not break are none of those."""
    return indent[0].expandtabs(4).replace(" ", "\N{NO-BREAK SPACE}")
