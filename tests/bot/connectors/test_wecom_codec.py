"""WeCom's frames and seals, and how texts and cards are written: pure, whatever comes."""

import contextlib
import json
import re
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.connectors.wecom.cards import Card, usable
from bot.connectors.wecom.crypto import BadSeal, Seal
from bot.connectors.wecom.frames import BadFrame, Frame, read_frame, write_frame
from bot.connectors.wecom.markup import LONGEST, fitted, plain
from bot.model import Button
from tests.fake_wecom import AES_KEY, TOKEN, rendered

# The example of the document "回调和回复的加解密方案", which every library of WeCom's carries.
EXAMPLE = Seal("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
MESSAGE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUk"
    "SUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekU"
    "NXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rU"
    "PA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+"
    "qN+E7Q=="
)


def test_the_published_check_of_an_address_is_answered() -> None:
    """The document's example of the GET check is taken for WeCom's and opens to its number."""
    signature = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    assert EXAMPLE.signature("1409659589", "263014780", ECHO) == signature
    assert EXAMPLE.signed(signature, "1409659589", "263014780", ECHO)
    assert EXAMPLE.open(ECHO) == b"1616140317555161061"


def test_the_published_message_opens() -> None:
    """The document's example of a message is taken for WeCom's and opens to what was said."""
    assert EXAMPLE.signed("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", MESSAGE)
    assert b"<Content><![CDATA[hello]]></Content>" in EXAMPLE.open(MESSAGE)


def test_another_s_seal_is_not_opened() -> None:
    """Another key, another company's id, a changed character or signature: nothing opens."""
    seal = Seal(TOKEN, AES_KEY)
    sealed = seal.close(b"{}")
    with pytest.raises(BadSeal):
        Seal(TOKEN, "A" * 43).open(sealed)
    with pytest.raises(BadSeal):
        Seal(TOKEN, AES_KEY, "another company").open(sealed)
    with pytest.raises(BadSeal):
        seal.open(sealed[:-8])
    assert not seal.signed(seal.signature("1", "n", sealed)[:-1], "1", "n", sealed)
    assert not seal.signed("", "1", "n", sealed)


@pytest.mark.parametrize("key", ["", "short", "A" * 44, "A" * 42 + "=", "A" * 42 + "\n"])
def test_what_is_no_key_is_said_to_be_none(key: str) -> None:
    """An EncodingAESKey has 43 letters and digits and nothing else."""
    with pytest.raises(ValueError, match="43"):
        Seal(TOKEN, key)


@given(st.binary(max_size=500), st.text(max_size=20))
def test_what_is_closed_opens(message: bytes, receive_id: str) -> None:
    """Whatever the message and the receive id, it comes back as it was."""
    seal = Seal(TOKEN, AES_KEY, receive_id)
    assert seal.open(seal.close(message)) == message


@given(
    st.one_of(st.text(), st.binary().map(lambda b: b.hex()), st.binary(max_size=200).map(Seal(TOKEN, AES_KEY).close))
)
def test_nothing_sealed_breaks_it(sealed: str) -> None:
    """Any text either opens or is a `BadSeal`."""
    with contextlib.suppress(BadSeal):
        assert isinstance(Seal(TOKEN, AES_KEY).open(sealed), bytes)


@given(st.text(), st.text(), st.text(), st.text())
def test_any_signature_is_only_wrong(signature: str, timestamp: str, nonce: str, sealed: str) -> None:
    """Whatever stands in the address, the check says no."""
    assert not Seal(TOKEN, AES_KEY).signed(signature, timestamp, nonce, sealed)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(st.one_of(st.binary(), st.text(), json_values.map(json.dumps)))
@example(b"[" * 100_000)
@example(b'{"errcode": ' + b"9" * 5000 + b"}")
def test_any_frame_is_read_or_refused(data: bytes | str) -> None:
    """Whatever comes is a frame or a `BadFrame`."""
    try:
        frame = read_frame(data)
    except BadFrame:
        return
    assert isinstance(frame.body, dict)
    frame.req_id.encode()


@given(st.text(max_size=20), st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3))
def test_a_frame_is_read_as_it_was_written(text: str, body: dict[str, Any]) -> None:
    """What we write has the shape of the document."""
    text = text.replace("\0", "")
    assert read_frame(write_frame("aibot_send_msg", text, body)) == Frame("aibot_send_msg", text, body)
    assert json.loads(write_frame("ping", "r1")) == {"cmd": "ping", "headers": {"req_id": "r1"}}


def test_an_answer_is_told_from_a_callback() -> None:
    """An answer has no command but an error code."""
    assert read_frame('{"headers": {"req_id": "r1"}, "errcode": 0, "errmsg": "ok"}') == Frame("", "r1", {}, 0, "ok")


MARKUP = [
    "**bold** and _slanted_ and ~~gone~~ and `code`",
    "[look](https://evil.example) ![](https://evil.example/x.png)",
    "<b>bold</b> <font color='red'>red</font> <!-- x --> <https://a.example>",
    "# heading\n## heading\n> quote\n- item\n+ item\n* item\n1. first\n2) second",
    "title\n===\nline\n---\n***\n___",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "|\n:-\na\n-:\n:--:",
    "code:\n    indented\n\ttab\n```\nfence\n```",
    "snake_case __init__ C:\\path\\* &amp; &#60;",
    "1 < 2 > 1, a<b, 3*4*5 = 60",
]


@pytest.mark.parametrize("text", MARKUP)
def test_what_people_wrote_is_no_markup(text: str) -> None:
    """Signs of markdown stay signs, and people read what was written, line by line."""
    shown = rendered(plain(text))
    assert shown.replace("\N{NO-BREAK SPACE}", " ") == text.expandtabs(4)


@pytest.mark.parametrize("text", ["<@all> hi", "<@zhang>", "<think>hidden</think>", "</THINK>"])
def test_nobody_is_called_and_nothing_is_hidden(text: str) -> None:
    """WeCom's own tags never arrive as tags."""
    assert not re.search(r"<(@|/?think)", plain(text), re.IGNORECASE)


def test_an_address_stays_whole() -> None:
    """Links in answers can still be followed."""
    url = "https://a.example/snake_case/x?y=1&z=%20#part"
    assert plain(f"see {url}!") == f"see {url}!"


@given(st.text(alphabet=st.sampled_from("ab 中1.)-+=#>*_`~[]()!<&;|\\\n:/@\t")))
@example("<1@1>")
@example("<.+-={}@a.example>")
@settings(max_examples=500)
def test_any_text_reads_as_it_was_written(text: str) -> None:
    """Whatever the signs, a markdown program of others shows them and makes no element of them."""
    shown = rendered(plain(text)).replace("＜", "<").replace("\N{NO-BREAK SPACE}", " ")
    assert "".join(shown.split()) == "".join(text.split())


@given(st.text(max_size=300), st.integers(min_value=20, max_value=400))
def test_a_text_fits_with_its_signs(text: str, longest: int) -> None:
    """The signs that keep a text plain never make it longer than WeCom takes."""
    assert len(fitted(text, longest).encode()) <= longest


def test_a_text_that_is_all_signs_is_cut_in_no_time() -> None:
    """The longest text of only signs is cut at once to what WeCom takes."""
    began = time.monotonic()
    marked = fitted("*" * LONGEST)
    assert LONGEST * 0.9 < len(marked.encode()) <= LONGEST
    assert time.monotonic() - began < 2


def test_a_card_is_one_that_wecom_takes() -> None:
    """Six buttons at most, no key twice, unknown acts left out, texts of the length that is shown."""
    buttons = usable([Button("vote", f"q{n // 2}", "x" * 50) for n in range(20)] + [Button("sing", "q", "x")])
    card = Card.new("t" * 50, "", buttons).body()
    assert [button["key"] for button in card["button_list"]] == [f"v:q{n}" for n in range(6)]
    assert len(card["main_title"]["title"]) == 26
    assert all(len(button["text"]) <= 30 for button in card["button_list"])
    assert "sub_title_text" not in card
    assert usable([Button("vote", "q" * 2000, "x")]) == ()


def test_a_pressed_button_turns_grey() -> None:
    """Only the pressed one changes; the card keeps its name."""
    card = Card.new("t", "x", [Button("vote", "q1", "one"), Button("vote", "q2", "two")])
    after = card.after("v:q2", "counted").body()
    assert [(b["text"], b["style"]) for b in after["button_list"]] == [("one", 1), ("counted", 4)]
    assert after["task_id"] == card.task
