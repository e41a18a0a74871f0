"""Transcripts, whatever wrote them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.archives import NotTaken
from knowledge.captions import LARGEST, Captions, Spoken, clock, read_captions, sentences


def read(text: str, encode: Callable[[str], bytes] = str.encode) -> Captions:
    return read_captions(encode(text))


def told(captions: Captions) -> list[tuple[float, float, str]]:
    return [(line.start, line.end, line.text) for line in captions.lines]


VTT = """WEBVTT - a title
Kind: captions

NOTE by hand

STYLE
::cue {}

intro
00:01.500 --> 00:03.000 align:start
<v Ann>How <i>are</i> you &amp; yours?

01:02:03.000 --> 01:02:05.000
Fine.
Thanks.
"""
SRT = """1
00:00:01,500 --> 00:00:03,000
How are you & yours?

2
1:2:3,0 -> 01:02:05
Fine.

Thanks.
3
01:02:06,000 --> 01:02:07,000
Bye
"""


def test_webvtt_and_srt_say_the_same() -> None:
    """Hours may be missing, marks and notes are not said, and an empty line within a caption cuts nothing off."""
    assert told(read(VTT)) == [(1.5, 3.0, "How are you & yours?"), (3723.0, 3725.0, "Fine. Thanks.")]
    assert told(read(SRT)) == [*told(read(VTT)), (3726.0, 3727.0, "Bye")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_any_encoding_of_an_evening_in_china_is_read(encoding: str) -> None:
    """UTF-8 without a word, the others with one; line ends of every system."""
    captions = read("1\r\n00:00:01,000 --> 00:00:02,000\r\n有没有回放？\r\n", lambda text: text.encode(encoding))
    assert told(captions) == [(1.0, 2.0, "有没有回放？")]
    assert bool(captions.problems) == (encoding in {"utf-16", "gb18030"})


def test_wrong_times_are_told_and_no_word_is_lost() -> None:
    """A time that cannot be read or is absurd is that of the line before; what runs backwards is put in order."""
    captions = read(
        "WEBVTT\n\n00:00:10.000 --> 00:00:12.000\none\n\nxx:yy --> 00:00:20.000\ntwo\n\n00:00:30.000 --> 00:00:25.000\n"
        "three --> four\n\n999:00:00.000 --> 999:00:01.000\nfive\n\n00:00:05.000 --> 00:00:15.000\nzero\n"
    )
    assert told(captions) == [
        (5.0, 15.0, "zero"),
        (10.0, 12.0, "one"),
        (12.0, 12.0, "two"),
        (30.0, 30.0, "three → four"),
        (30.0, 30.0, "five"),
    ]
    assert [(line, said.split(",")[0][:30]) for line, said in captions.problems] == [
        (6, "no time can be read in “xx:yy "),
        (None, "1 lines end before they begin:"),
        (None, "1 times are later than 48 hour"),
        (None, "1 lines begin before the one a"),
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"WEBVTT\n\n", "no captions"),
        ("我们的讲座没有字幕".encode("gb18030"), "no captions"),
        (b"\x00\x01\x02" * 99, "no text"),
        (b"x" * (LARGEST + 1), "larger than 4 MB"),
    ],
)
def test_what_is_no_transcript_is_not_taken(data: bytes, says: str) -> None:
    """With a word for what is wrong."""
    with pytest.raises(NotTaken, match=says):
        read_captions(data)


def test_lines_become_sentences_with_their_times() -> None:
    """A sentence over two lines is one, a line with two is two, a pause ends one, and captions that roll say each line
    once."""
    lines = [
        Spoken(0.0, 2.0, "Where is"),
        Spoken(2.0, 4.0, "Where is"),
        Spoken(2.0, 4.0, "the recording? On the"),
        Spoken(4.0, 5.0, "page"),
        Spoken(9.0, 10.0, "so"),
        Spoken(10.0, 12.0, "价钱是"),
        Spoken(12.0, 13.0, "五万。"),
    ]
    found = sentences(lines)
    assert [one.text for one in found] == ["Where is the recording?", "On the page", "so价钱是五万。"]
    assert [(one.start, one.end) for one in found[1:]] == [(pytest.approx(3.33, abs=0.1), 5.0), (9.0, 13.0)]


def test_captions_that_roll_say_each_row_once() -> None:
    """As programs that write what is said make them: the row before stands above the new one."""
    rows = [["Good evening."], ["Good evening.", "Where is"], ["Where is"], ["Where is", "the recording?"]]
    timed = (f"00:0{at}.000 --> 00:0{at}.500\n" + "\n".join(each) for at, each in enumerate(rows))
    captions = read("WEBVTT\n\n" + "\n\n".join(timed))
    assert told(captions) == [(0.0, 0.5, "Good evening."), (1.0, 1.5, "Where is"), (3.0, 3.5, "the recording?")]


def test_captions_without_an_empty_line_between_them_lose_no_word() -> None:
    """What stands right above the next timing was said; a number there, or what stands below an empty line, was not."""
    captions = read(
        "00:01.000 --> 00:03.000\n大家好\n00:03.000 --> 00:06.000\n今天讲振动\n2\n00:07.000 --> 00:08.000\n好\n"
    )
    assert [text for *_, text in told(captions)] == ["大家好", "今天讲振动", "好"]


def test_hours_without_a_full_stop_are_cut() -> None:
    """No sentence is longer than fifteen seconds, in three hours of a recogniser that writes no marks."""
    lines = [Spoken(3.0 * n, 3.0 * n + 3, f"word {n}") for n in range(3600)]
    found = sentences(lines)
    assert max(one.end - one.start for one in found) <= 15
    assert " ".join(one.text for one in found) == " ".join(line.text for line in lines)
    assert clock(found[-1].end) == "03:00:00"


@given(
    st.lists(
        st.sampled_from(
            [
                "WEBVTT",
                "",
                "1",
                "00:01.000 --> 00:02.000",
                "0:0:1,5->9",
                "x --> y",
                "a.",
                "b。c",
                "NOTE",
                "-->",
                "->",
                ":",
            ]
        )
    )
)
def test_no_file_breaks_the_reader(lines: list[str]) -> None:
    """Whatever stands in it: read or refused, in order of time."""
    try:
        captions = read("\n".join(lines))
    except NotTaken:
        return
    starts = [line.start for line in captions.lines]
    assert starts == sorted(starts)
    assert all(line.end >= line.start for line in sentences(captions.lines))
