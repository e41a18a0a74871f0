"""Slides, documents and transcripts of a course, cut into passages that say where they are from.

Every reader takes the bytes of one file and adds to `found`; whatever the libraries raise for broken files goes up
to `read_course`, which makes a problem of it. The libraries are slow to import, so that is done where there is a file
of their kind.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from knowledge.archives import NotTaken, check, check_markup
from knowledge.captions import captions_of
from knowledge.material import Found, Passage

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table
    from docx.text.paragraph import Paragraph

LARGEST_UNPACKED = 200 * 1024 * 1024  # bytes; an Office file is a ZIP file and may unpack to far more than it weighs
OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_RUNS = " | ".join(
    f"{inside}{run}"
    for inside in ("", "w:ins/", "w:moveTo/", "w:smartTag/", "w:fldSimple/", "w:sdt/w:sdtContent/")
    for run in ("w:r", "w:hyperlink")
)
_PASSAGE_SECONDS = 60
_HEADINGLESS = 2000  # characters; a longer document without any heading makes answers that nobody can find again


def read_pdf(found: Found, data: bytes) -> None:
    """One passage a page: `file.pdf#p3`, "file.pdf, page 3"."""
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        found.problem("locked with a password: save it without one")
        return
    for number, page in enumerate(reader.pages, 1):
        _add(found, f"p{number}", page.extract_text(), f"page {number}")
    if not found.passages:
        found.problem("no text in it, probably scanned pictures: run text recognition (OCR) over it and save it anew")


def read_slides(found: Found, data: bytes) -> None:
    """One passage a slide, with the speaker's notes: `file.pptx#s3`, "file.pptx, slide 3"."""
    import pptx

    if not _openable(found, data):
        return
    for number, slide in enumerate(pptx.Presentation(io.BytesIO(data)).slides, 1):
        title = slide.shapes.title.text_frame.text if slide.shapes.title is not None else ""
        texts = list(_shape_texts(slide.shapes))
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
            texts.append(notes.text)
        _add(found, f"s{number}", "\n".join(texts), f"slide {number}", heading=title)


def read_word(found: Found, data: bytes) -> None:
    """One passage a heading: `file.docx#heading`, "file.docx, “heading”"."""
    import docx
    from docx.text.paragraph import Paragraph

    if not _openable(found, data):
        return
    name = PurePosixPath(found.file).stem
    parts: list[tuple[str, list[str]]] = [(name, [])]
    for block in _blocks(docx.Document(io.BytesIO(data))):
        text = _written(block) if isinstance(block, Paragraph) else _table_text(block)
        if isinstance(block, Paragraph) and _is_heading(block) and text.strip():
            parts.append((text.strip(), []))
        else:
            parts[-1][1].append(text)
    seen: Counter[str] = Counter()
    for heading, texts in parts:
        if "".join(texts).strip():
            seen[heading] += 1
            suffix = f"-{seen[heading]}" if seen[heading] > 1 else ""
            _add(found, heading + suffix, "\n".join(texts), f"“{heading}”", heading=heading)
    if len(parts) == 1 and len("".join(parts[0][1])) > _HEADINGLESS:
        found.problem("no headings in it: use Word's heading styles, so that an answer can name its section")


def read_captions(found: Found, text: str) -> None:
    """Passages of about a minute of a transcript (WebVTT or SRT): `file.vtt#00:12:40`, "file.vtt, 00:12:40"."""
    begin, texts = 0, list[str]()
    problems: list[tuple[int | None, str]] = []
    for line in captions_of(text, problems):
        if texts and not begin <= line.start < begin + _PASSAGE_SECONDS:
            _add_minute(found, begin, texts)
            texts = []
        begin = begin if texts else int(line.start)
        texts.append(line.text)
    _add_minute(found, begin, texts)
    for number, problem in problems:
        found.problem(problem, number)
    if not found.passages:
        found.problem("no captions in it: export the transcript anew as WebVTT or SRT")


READERS: Mapping[str, Callable[[Found, bytes], None]] = MappingProxyType(
    {".pdf": read_pdf, ".pptx": read_slides, ".docx": read_word}
)


def _add(found: Found, mark: str, text: str, place: str, heading: str = "") -> None:
    """Add a passage unless it is empty; without a heading its first line stands for one."""
    lines = [line for raw in text.splitlines() if (line := " ".join(raw.split()))]
    if lines:
        name = " ".join(heading.split()) or lines[0][:80]
        found.passages.append(Passage(f"{found.file}#{mark}", name, "\n".join(lines), f"{found.file}, {place}"))


def _add_minute(found: Found, begin: int, texts: list[str]) -> None:
    clock = f"{begin // 3600:02}:{begin // 60 % 60:02}:{begin % 60:02}"
    _add(found, clock, "\n".join(texts), clock)


def _openable(found: Found, data: bytes) -> bool:
    if data.startswith(OLD_OFFICE):
        found.problem("an old or password-protected Office file: save it in today's format without a password")
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check(archive.infolist(), len(data), LARGEST_UNPACKED)
            check_markup(archive)
    except NotTaken as error:
        found.problem(str(error))
        return False
    return True


def _shape_texts(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _shape_texts(shape.shapes)
        elif shape.has_text_frame:
            yield shape.text_frame.text
        elif getattr(shape, "has_table", False):
            yield from (" | ".join(cell.text for cell in row.cells) for row in shape.table.rows)


def _blocks(document: Document) -> Iterator[Paragraph | Table]:
    """Those in frames of a template too, which `iter_inner_content` leaves out; not what Word makes itself, such as a
    table of contents."""
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    framed = "./w:sdt[not(w:sdtPr/w:docPartObj)]/w:sdtContent/"
    for element in document.element.body.xpath(f"./w:p | ./w:tbl | {framed}w:p | {framed}w:tbl"):
        yield Paragraph(element, document) if element.tag.endswith("}p") else Table(element, document)


def _is_heading(paragraph: Paragraph) -> bool:
    style = paragraph.style
    return (style.name or "").lower().startswith(("heading", "title", "标题")) if style is not None else False


def _table_text(table: Table) -> str:
    return "\n".join(" | ".join("\n".join(map(_written, cell.paragraphs)) for cell in row.cells) for row in table.rows)


def _written(paragraph: Paragraph) -> str:
    """With what was put in while changes were tracked, in fields and under tags: `Paragraph.text` leaves these out."""
    return "".join(run.text for run in paragraph._p.xpath(_RUNS))
