"""Markdown to sections, and sections to the plain text that a chat can carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.common.html_blocks import block_names
from markdown_it.tree import SyntaxTreeNode

_PARSER = MarkdownIt("commonmark").enable("table")
_SOFT = "\x00"  # a line end of the source inside a paragraph; NUL itself cannot come out of the parser
_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]"
_WIDE_BLANK = re.compile(r"^( {0,3}#{1,6})[\u3000\xa0]+", re.MULTILINE)
_BOLD_BEHIND = re.compile(r"\*\*([^*`\n]+?)([：:，,。.！!？?、；;）)】」』”]+)\*\*(?=\w)")
_BOLD_BEFORE = re.compile(r"(?<=\w)\*\*([“‘「『（(【《]+)([^*`\n]+?)\*\*")
"""CommonMark closes "**注意：**请" not at all, for punctuation stands before the marks and none behind."""
_HTML = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)[\s/>]")
_ELEMENT = re.compile(
    f"{'|'.join(block_names)}|a|abbr|audio|b|bdi|bdo|big|br|button|canvas|cite|code|data|del|dfn|em|embed|font|i|img|input"
    "|ins|kbd|label|map|mark|meter|object|output|picture|pre|progress|q|rp|rt|ruby|s|samp|script|select|small|span|strike"
    "|strong|style|sub|sup|svg|textarea|time|tt|u|var|video|wbr"
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


@dataclass(slots=True)
class Section:
    """A heading and what stands under it; `line` is 1-based; level 0 is what stands before the first heading."""

    heading: str
    written: str
    level: int
    line: int
    nodes: list[SyntaxTreeNode] = field(default_factory=list)
    first: int = 0  # 0-based line where the body starts, and the one behind its end
    end: int = 0


def sections(text: str, deepest: int = 6) -> list[Section]:
    """Cut a document at its headings of level 1 to `deepest`; deeper ones stay in the body.

    Where headings are marked with "#" and "##", a paragraph above a line of "---" is one, and no heading.
    """
    found, nodes = [Section("", "", 0, 1)], parse(text)
    marked = any(node.type == "heading" and node.markup in ("#", "##") for node in nodes)
    for node in nodes:
        if node.type == "heading" and int(node.tag[1:]) <= deepest and not (marked and node.markup == "-"):
            begin, behind = node.map or (0, 0)
            found[-1].end = begin
            written = node.children[0].content if node.children else ""
            found.append(Section(plain([node]), written, int(node.tag[1:]), begin + 1, first=behind))
        else:
            found[-1].nodes.append(node)
    found[-1].end = text.count("\n") + 1
    return found


def parse(text: str) -> list[SyntaxTreeNode]:
    """The blocks of a piece of Markdown, as those who write Chinese mean it: marks close beside any punctuation, and a
    wide blank behind "##" is a blank."""
    text = _WIDE_BLANK.sub(r"\1 ", text)
    text = _BOLD_BEHIND.sub(r"**\1**\2", text)
    text = _BOLD_BEFORE.sub(r"\1**\2**", text)
    return SyntaxTreeNode(_PARSER.parse(text)).children


def plain(nodes: list[SyntaxTreeNode]) -> str:
    """Blocks as plain text: lists keep their marks, links their address, everything else loses its markup."""
    blocks = [block for node in nodes if (block := _block(node))]
    return "\n\n".join(blocks).strip()


def without_comments(text: str) -> str:
    """HTML without its comments; one that never ends is text."""
    kept, at = [], 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        kept.append(text[at:begin])
        at = end + 3
    return "".join((*kept, text[at:]))


def inline(node: SyntaxTreeNode) -> str:
    """The text of an inline node; wrapped lines are joined, with a space unless both sides are Chinese."""
    text = "".join(_spans(node))
    text = re.sub(f"(?<={_WIDE}){_SOFT}(?={_WIDE})", "", text)
    return text.replace(_SOFT, " ").strip()


def _block(node: SyntaxTreeNode) -> str:
    if node.type in ("paragraph", "heading"):
        return "\n".join(inline(child) for child in node.children)
    if node.type in ("fence", "code_block"):
        return node.content.rstrip()
    if node.type == "html_block":
        return _TAG.sub(lambda tag: _said(tag[0]), without_comments(node.content)).strip()
    if node.type in ("bullet_list", "ordered_list"):
        return _list(node)
    if node.type == "table":
        rows = [row for part in node.children for row in part.children]
        return "\n".join(" | ".join(inline(cell.children[0]) for cell in row.children) for row in rows)
    return plain(node.children)


def _list(node: SyntaxTreeNode) -> str:
    start = int(node.attrs.get("start", 1))
    items = []
    for number, item in enumerate(node.children, start):
        mark = f"{number}. " if node.type == "ordered_list" else "- "
        body = "\n".join(block for child in item.children if (block := _block(child)))
        items.append(mark + body.replace("\n", "\n" + " " * len(mark)))
    return "\n".join(items)


def _said(tag: str) -> str:
    """What is left of something in angle brackets: "vector<int>" and "<token>" are no HTML."""
    name = found[1].lower() if (found := _HTML.match(tag)) else ""
    return "\n" if name == "br" else "" if not name or _ELEMENT.fullmatch(name) else tag


def _spans(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        if child.type in ("text", "code_inline", "image"):
            yield child.content
        elif child.type == "softbreak":
            yield _SOFT
        elif child.type == "hardbreak":
            yield "\n"
        elif child.type == "html_inline":
            yield _said(child.content)
        elif child.type == "link":
            label, href = "".join(_spans(child)), str(child.attrs.get("href", ""))
            shown = href.startswith(("http://", "https://", "mailto:")) and href.removeprefix("mailto:") != label
            yield f"{label} ({href})" if shown else label
        else:
            yield from _spans(child)
