"""The words of the pages, read from the scripts that say them, so that a page comes from the server in its language."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from markupsafe import escape

LANGUAGES = ("zh", "en")
LINE = re.compile(r'^\s*"?([\w.]+)"?: \[("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")\],$', re.MULTILINE)
TEXT = re.compile(r'(\sdata-i18n="([^"]+)"[^<>]*>)[^<]*')
ATTRIBUTES = re.compile(r'<[a-z][^<>]*\sdata-i18n-attr="([^"]+)"[^<>]*>')
VARIABLE = re.compile(r"\{\{ (\w+) \}\}")

Words = Mapping[str, str]
"""What is said, by key."""


def read_words(static: Path) -> dict[str, Words]:
    """The words of each language, from i18n.js and words/."""
    words: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for script in (static / "i18n.js", *sorted((static / "words").glob("*.js"))):
        for key, *said in LINE.findall(script.read_text(encoding="utf-8")):
            for language, text in zip(LANGUAGES, said, strict=True):
                words[language][key] = json.loads(text)
    return dict(words)


def translated(template: str, words: Words) -> str:
    """A template's source with the words of one language where it names their keys (`data-i18n`, `data-i18n-attr`)."""

    def text(found: re.Match[str]) -> str:
        return found[1] + _said(found[2], words)

    def attributes(found: re.Match[str]) -> str:
        tag = found[0]
        for pair in found[1].split(";"):
            name, _, key = pair.partition(":")
            before, opened, rest = tag.partition(f' {name}="')
            if opened:
                tag = before + opened + _said(key, words) + rest[rest.index('"') :]
        return tag

    return ATTRIBUTES.sub(attributes, TEXT.sub(text, template))


def _said(key: str, words: Words) -> str:
    """The words, or for a key with a variable in it the expression that finds them."""
    if VARIABLE.search(key):
        return '{{ words["' + VARIABLE.sub(r'" ~ \1 ~ "', key) + '"] }}'
    return str(escape(words.get(key, key)))
