"""The Markdown files of a course: FAQ entries, passages of notes, terms of a glossary."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from markdown_it.tree import SyntaxTreeNode

from knowledge.material import Entry, Found, Passage
from knowledge.prose import Section, inline, parse, plain, sections, without_comments

_ID = re.compile(r"<!--\s*id\s*[:：]\s*(?P<id>\S{1,200}?)\s*-->", re.IGNORECASE)
_ALSO = re.compile(r"[-*+]\s+(?:also|也问|也問)\s*[:：]\s*(?P<phrasing>.*)", re.IGNORECASE)
_UNSPACED = re.compile(r"(?P<marks>#{2,6})[^#\s]")
_COLON = re.compile(r"\s*[:：]\s*")


def read_faq(found: Found, stem: str, text: str) -> None:
    """`## question` headings with the answer below; ids are given by a comment or made from the heading."""
    lines = text.split("\n")
    cut = sections(text, deepest=2)
    _unspaced_headings(found, cut)
    questions = [section for section in cut if section.level == 2]
    if without_comments(text).strip() and not questions:
        found.problem("no question in this FAQ: begin each question with “## ” and write its answer below it")
    for section in questions:
        _read_question(found, stem, section, lines[section.first : section.end])


def read_notes(found: Found, stem: str, text: str) -> None:
    """Every heading with text below it becomes a passage `stem#heading`."""
    cut = sections(text)
    _unspaced_headings(found, cut)
    _add_passages(found, stem, [(section, section.nodes) for section in cut])


def read_glossary(found: Found, stem: str, text: str) -> None:
    """List items `- **Term**: definition` become passages `stem#Term`; whatever else there is, is read like notes."""
    cut = sections(text)
    _unspaced_headings(found, cut)
    rest = []
    for section in cut:
        lists = [node for node in section.nodes if node.type == "bullet_list"]
        for item in (item for node in lists for item in node.children):
            _read_term(found, stem, item)
        rest.append((section, [node for node in section.nodes if node.type != "bullet_list"]))
    _add_passages(found, stem, rest)


def slug(heading: str) -> str:
    """A heading as a stable id: letters, digits and Chinese characters in lower case, the rest as single hyphens."""
    kept = (char if char.isalnum() else "-" for char in unicodedata.normalize("NFKC", heading).lower())
    return re.sub("-+", "-", "".join(kept)).strip("-") or "question"


def _read_question(found: Found, stem: str, section: Section, body: list[str]) -> None:
    given, phrasings, rest = _preamble(body)
    in_heading = _ID.search(section.written)
    answer = plain(parse("\n".join(rest)))
    if not section.heading:
        found.problem("a question heading without text: write the question behind “## ”", section.line)
    elif not answer:
        found.problem(f"“{section.heading}” has no answer: write it below the heading", section.line)
    else:
        id = given or (in_heading["id"] if in_heading else f"{stem}#{slug(section.heading)}")
        source = f"{found.file}:{section.line}"
        found.entries.append(Entry(id, section.heading, tuple(phrasings), answer, source))


def _preamble(body: list[str]) -> tuple[str | None, list[str], list[str]]:
    """Take the id comment and the phrasings off the top: (id, phrasings, the lines of the answer)."""
    given, phrasings = None, []
    for number, line in enumerate(body):
        if match := _ID.fullmatch(line.strip()):
            given = match["id"]
        elif match := _ALSO.fullmatch(line.strip()):
            phrasings += [match["phrasing"]] if match["phrasing"] else []
        elif line.strip():
            return given, phrasings, body[number:]
    return given, phrasings, []


def _read_term(found: Found, stem: str, item: SyntaxTreeNode) -> None:
    line = item.map[0] + 1 if item.map else None
    spans = item.children[0].children[0] if item.children and item.children[0].type == "paragraph" else None
    bold = next((child for child in spans.children if child.content or child.children), None) if spans else None
    term = inline(bold) if bold is not None and bold.type == "strong" else ""
    definition = plain(item.children).removeprefix(term)
    definition = definition[match.end() :] if (match := _COLON.match(definition)) else definition.strip()
    if not term.strip(" :：") or not definition:
        found.problem("not a glossary term: write it as “- **Term**: definition”", line)
        return
    term = term.strip(" :：")
    found.passages.append(Passage(f"{stem}#{term}", term, definition.lstrip(" :："), f"{found.file}:{line}"))


def _add_passages(found: Found, stem: str, parts: list[tuple[Section, list[SyntaxTreeNode]]]) -> None:
    seen: Counter[str] = Counter()
    for section, nodes in parts:
        text = plain(nodes)
        if not text:
            continue
        heading = section.heading or stem
        seen[heading] += 1
        suffix = f"-{seen[heading]}" if seen[heading] > 1 else ""
        found.passages.append(Passage(f"{stem}#{heading}{suffix}", heading, text, f"{found.file}:{section.line}"))


def _unspaced_headings(found: Found, cut: list[Section]) -> None:
    """“##Question” is no heading in Markdown and would silently become part of the text before it."""
    for node in (node for section in cut for node in section.nodes if node.type == "paragraph"):
        for offset, line in enumerate(node.children[0].content.split("\n")):
            if node.map and (match := _UNSPACED.match(line)):
                written, marks = line[:40], match["marks"]
                hint = f"“{written}” is no heading: put a space behind “{marks}”"
                found.problem(hint, node.map[0] + 1 + offset)
