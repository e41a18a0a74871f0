"""What people may send is read in a time that grows with its length and no faster: `re` lets nothing else run
meanwhile, so that one message could stop the program."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from bot import linking, trying
from bot.connectors.tencent_classroom.clock import read_moment
from bot.promoting import cleaned
from bot.report.nameless import blanker
from knowledge.archives import NotTaken
from knowledge.captions import read_captions
from knowledge.markdown import read_faq
from knowledge.material import Found

SAYING: dict[str, tuple[Callable[[str], object], str, str]] = {
    "a code to link": (linking.said_code, "link" + " {} x", " "),
    "a test": (trying.said_code, "test" + " {} x", " "),
    "a wording for the course": (lambda text: cleaned(text, ["Ann"]), "怎么申请证书{}", "啊"),
    "a title of a report without names": (blanker(["Ann"], [], []), "{}", "a"),
    "a time in a chat's export": (read_moment, " 7:01{}\x01", " "),
}
"""What reads it; the text, and what stands in it thousands of times."""

LONG = 10_000


def seconds(read: Callable[[str], object], text: str) -> float:
    """Of the processor: what else the machine has to do does not count."""
    begun = time.process_time()
    read(text)
    return time.process_time() - begun


@pytest.mark.parametrize("name", SAYING)
def test_a_message_takes_no_longer_than_it_is_long(name: str) -> None:
    """Of ten thousand characters, the most that are kept, none of these took less than a quarter of a second."""
    read, text, unit = SAYING[name]
    assert min(seconds(read, text.format(unit * LONG)) for _ in range(3)) < 0.1


def captions(text: str) -> None:
    with suppress(NotTaken):
        read_captions(text.encode())


FILES: dict[str, tuple[Callable[[str], object], str, str]] = {
    "one line of digits": (captions, "00:00:01.000 --> 00:00:02.000\nhi\n{}\n", "1"),
    "empty lines without end": (captions, "00:00:01.000 --> 00:00:02.000\nhi{}x\n", "\n"),
    "comments that never end": (lambda text: read_faq(Found("faq.md"), "faq", text), "# FAQ\n\n{}\n", "<!--"),
    "ids that never end": (
        lambda text: read_faq(Found("faq.md"), "faq", text),
        "# FAQ\n\n## Is it {}\n\nYes.\n",
        "<!--id:",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_takes_no_longer_than_it_is_long(name: str) -> None:
    """Ten thousand of what never ends: each of these took half a second at least, and twice as much four times as
    long."""
    read, text, unit = FILES[name]
    assert min(seconds(read, text.format(unit * LONG)) for _ in range(2)) < 0.5


def test_a_number_without_end_is_no_sign() -> None:
    """What Python refuses to read stands as it was written, and the rest of the transcript with it."""
    found = read_captions(
        f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n&#{'9' * 5000};\n\n00:00:03.000 --> 00:00:04.000\nhi\n".encode()
    )
    assert [line.text[:3] for line in found.lines] == ["&#9", "hi"]
