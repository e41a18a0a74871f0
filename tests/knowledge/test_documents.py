"""Slides, documents and transcripts become passages that say where they are from."""

import io
from pathlib import Path

import docx
import pptx
import pypdf
import pytest
from docx.oxml.ns import qn
from pptx.util import Inches

from knowledge import documents
from knowledge.course import read_course


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text on each page, written by hand; "" makes a page without text."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, text in enumerate(pages):
        draw = f"BT /F 12 Tf 50 700 Td ({text}) Tj ET" if text else ""
        parent = "/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R>>>>"
        objects.append(f"<</Type/Page{parent}/Contents {5 + 2 * number} 0 R>>")
        objects.append(f"<</Length {len(draw)}>>stream\n{draw}\nendstream")
    body = "".join(f"{number} 0 obj{content}endobj\n" for number, content in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size {len(objects) + 1}>>\nstartxref\n0\n%%EOF".encode()


def test_a_pdf_gives_a_passage_for_each_page_with_text(tmp_path: Path) -> None:
    """Page numbers are those a reader of the file sees, empty pages included."""
    (tmp_path / "slides.pdf").write_bytes(pdf("Bearings", "", "Seals and leaks"))
    course = read_course(tmp_path)
    assert [(p.id, p.source, p.text) for p in course.passages] == [
        ("slides.pdf#p1", "slides.pdf, page 1", "Bearings"),
        ("slides.pdf#p3", "slides.pdf, page 3", "Seals and leaks"),
    ]
    assert course.problems == ()


def test_a_scanned_or_locked_pdf_says_what_to_do(tmp_path: Path) -> None:
    """Without text the problem names OCR, with a password it asks for a copy without."""
    (tmp_path / "scan.pdf").write_bytes(pdf("", ""))
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("hidden")))
    writer.encrypt("s3cret", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    locked, scan = read_course(tmp_path).problems
    assert (locked.file, "password" in locked.message) == ("locked.pdf", True)
    assert (scan.file, "OCR" in scan.message) == ("scan.pdf", True)


def test_a_pdf_that_only_forbids_changing_it_is_read(tmp_path: Path) -> None:
    """An owner's password with AES, as office programs set it, does not keep the text from its readers."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("for everybody")))
    writer.encrypt("", owner_password="s3cret", algorithm="AES-256")
    writer.write(tmp_path / "guide.pdf")
    assert [p.text for p in read_course(tmp_path).passages] == ["for everybody"]


def test_slides_give_title_text_table_and_notes(tmp_path: Path) -> None:
    """A slide's passage holds everything its author wrote on it, and the notes below it."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "振动监测"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.text = "ISO 20816"
    table = slide.shapes.add_table(1, 2, 0, 0, Inches(4), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "泵", "4.5 mm/s"
    slide.notes_slide.notes_text_frame.text = "先讲基线"
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(tmp_path / "deck.pptx")
    (passage,) = read_course(tmp_path).passages
    assert (passage.id, passage.heading, passage.source) == ("deck.pptx#s1", "振动监测", "deck.pptx, slide 1")
    assert passage.text == "振动监测\nISO 20816\n泵 | 4.5 mm/s\n先讲基线"


def test_a_document_is_cut_at_its_headings(tmp_path: Path) -> None:
    """Text before the first heading, repeated headings and tables all keep their place."""
    document = docx.Document()
    document.add_paragraph("Preface")
    for text in ("first", "second"):
        document.add_heading("Mounting", level=1)
        document.add_paragraph(text)
    document.add_table(1, 2).rows[0].cells[1].text = "cell"
    document.save(tmp_path / "guide.docx")
    passages = read_course(tmp_path).passages
    assert [(p.id, p.heading, p.text) for p in passages] == [
        ("guide.docx#guide", "guide", "Preface"),
        ("guide.docx#Mounting", "Mounting", "first"),
        ("guide.docx#Mounting-2", "Mounting", "second\n| cell"),
    ]
    assert passages[1].source == "guide.docx, “Mounting”"


def test_what_was_put_in_while_changes_were_tracked_is_read(tmp_path: Path) -> None:
    """Of a sentence that somebody mended the mended one is said, not what both versions share."""
    document = docx.Document()
    paragraph = document.add_paragraph("保修期")
    inserted = paragraph._p.makeelement(qn("w:ins"), {})
    paragraph._p.append(inserted)
    inserted.append(paragraph.add_run("三")._r)
    paragraph.add_run("年")
    document.save(tmp_path / "guide.docx")
    assert [p.text for p in read_course(tmp_path).passages] == ["保修期三年"]


def test_what_stands_in_the_frames_of_a_template_is_read(tmp_path: Path) -> None:
    """A heading and its text in a content control, in their place; a table of contents, which Word makes, is not."""
    document = docx.Document()
    document.add_paragraph("Preface")
    heading, text = document.add_heading("Warranty", level=1)._p, document.add_paragraph("Three years.")._p
    body = document.element.body
    for inside, made in (((heading, text), False), ((document.add_paragraph("Warranty … 2")._p,), True)):
        frame, content = body.makeelement(qn("w:sdt"), {}), body.makeelement(qn("w:sdtContent"), {})
        inside[0].addprevious(frame)
        if made:
            properties = body.makeelement(qn("w:sdtPr"), {})
            properties.append(body.makeelement(qn("w:docPartObj"), {}))
            frame.append(properties)
        frame.append(content)
        for one in inside:
            content.append(one)
    document.save(tmp_path / "guide.docx")
    assert [(p.heading, p.text) for p in read_course(tmp_path).passages] == [
        ("guide", "Preface"),
        ("Warranty", "Three years."),
    ]


def test_a_long_document_without_headings_is_read_and_told(tmp_path: Path) -> None:
    """Nobody finds an answer's place in twenty pages without a heading."""
    document = docx.Document()
    document.add_paragraph("word " * 500)
    document.save(tmp_path / "guide.docx")
    course = read_course(tmp_path)
    assert len(course.passages) == 1
    assert "heading styles" in course.problems[0].message


def test_an_office_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unpacked size is looked at before anything is unpacked."""
    monkeypatch.setattr(documents, "LARGEST_UNPACKED", 1000)
    docx.Document().save(tmp_path / "bomb.docx")
    assert "unpacks to more than" in read_course(tmp_path).problems[0].message


@pytest.mark.parametrize(("ending", "head", "point"), [("vtt", "WEBVTT\n\n", "."), ("srt", "", ",")])
def test_captions_are_joined_to_passages_of_about_a_minute(tmp_path: Path, ending: str, head: str, point: str) -> None:
    """A passage begins with its first caption's time, which is its id; markup is gone."""
    times = [
        ("00:12:40", "润滑 &amp; 密封"),
        ("00:13:20", "<i>第二句</i>"),
        ("00:13:41", "new minute"),
        ("01:00:00", "end"),
    ]
    cues = [f"{n}\n{at}{point}000 --> {at}{point}900\n{text}\n" for n, (at, text) in enumerate(times, 1)]
    (tmp_path / f"talk.{ending}").write_text(head + "\n".join(cues), encoding="utf-8")
    course = read_course(tmp_path)
    assert [(p.id, p.text) for p in course.passages] == [
        (f"talk.{ending}#00:12:40", "润滑 & 密封\n第二句"),
        (f"talk.{ending}#00:13:41", "new minute"),
        (f"talk.{ending}#01:00:00", "end"),
    ]
    assert course.passages[0].source == f"talk.{ending}, 00:12:40"


def test_a_transcript_that_goes_back_in_time_is_put_in_order(tmp_path: Path) -> None:
    """What was said at one time is one passage, wherever it stands in the file, and the file's fault is told."""
    cue = "00:00:40.000 --> 00:00:41.000\n"
    late = "00:05:00.000 --> 00:05:01.000\nlate\n"
    (tmp_path / "talk.vtt").write_text(f"WEBVTT\n\n{cue}one\n\n{late}\n{cue}two\n")
    course = read_course(tmp_path)
    assert [p.text for p in course.passages] == ["one\ntwo", "late"]
    assert [(p.line, "put in order" in p.message) for p in course.problems] == [(None, True)]
