"""What a viewer's line may reply to."""

import pytest

from knowledge.context import KEPT, Line
from knowledge.encoder import Encoder, load_encoder
from knowledge.replying import LIKELY, Overheard, replies
from tests.fakes import HashEncoder


def test_the_last_askings_of_others_in_this_chat_about_the_same_part_may_be_replied_to() -> None:
    """Three at most, the latest first; nothing of another part, of oneself, of another chat, of long ago, of what asks
    nothing, of somebody who was forgotten, or from before the lines that a restart reads."""
    heard = Overheard()
    rows = [("a", "x", "faq#1"), ("a", "y", "faq#2"), ("b", "x", "faq#1"), ("a", "me", "faq#1"), ("a", "z", "")]
    rows += [("a", f"v{n}", "faq#1") for n in range(3)]
    for at, (chat, who, source) in enumerate(rows):
        heard.add(Line(chat, who, 10.0 * at), f"{chat} {who}", source)
    heard.add(Line("a", "forgotten", 80.0), "", "faq#1")
    me = Line("a", "me", 90.0)
    assert heard.asked(me, "faq#1") == ["a v2", "a v1", "a v0"]
    assert heard.asked(me, "faq#2") == ["a y"]
    assert heard.asked(me, "faq#3") == []
    assert heard.asked(Line("b", "me", 90.0), "faq#1") == ["b x"]
    assert heard.asked(Line("a", "me", 665.0), "faq#1") == ["a v2"]
    for _ in range(KEPT):
        heard.add(Line("a", "z", 91.0), "chatter", "")
    assert heard.asked(me, "faq#1") == []


def test_an_encoder_that_reads_nothing_finds_no_replies() -> None:
    """Nor does any where nobody asked."""
    encoder = HashEncoder()
    assert replies(encoder, "on the first page", ["where is it?"]) < LIKELY
    encoder.reading = ""
    assert replies(encoder, "on the first page", ["where is it?"]) == replies(HashEncoder(), "here", []) < LIKELY


@pytest.fixture(scope="module")
def bundled() -> Encoder:
    return load_encoder()


@pytest.mark.model
@pytest.mark.parametrize(
    ("asked", "reply", "asking"),
    [
        ("软件在哪下", "课程页 工具 那栏", "软件下到一半断了"),
        ("听完发证吗", "发的，上期就发了", "我也想问证书"),
        ("where do I get the slides", "under the video, second tab", "slides link is dead for me"),
    ],
)
def test_a_reply_is_told_from_who_asks_too(bundled: Encoder, asked: str, reply: str, asking: str) -> None:
    """By the encoder that ships: who tells the asker where to look, from who has the same wish."""
    assert replies(bundled, reply, [asked]) > replies(bundled, asking, [asked])
    assert replies(bundled, asking, [asked]) < LIKELY
