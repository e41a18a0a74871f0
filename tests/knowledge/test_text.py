import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.text import addressed, normalise
from knowledge.wording import overlap, sketch


@given(st.text())
def test_normalising_again_changes_nothing(text: str) -> None:
    """A normal form is its own normal form, whatever people send."""
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "So", "Co"]), max_size=50))
def test_nothing_readable_is_nothing(text: str) -> None:
    """Control characters, halves of surrogates and private characters leave no rubbish behind."""
    assert not any("\ud800" <= letter <= "\udfff" or ord(letter) < 32 for letter in normalise(text))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("ＰＰＴ　在哪？？？", "ppt 在哪?"),
        ("請問發票怎麼開", "请问发票怎么开"),
        ("有錄影嗎", "有录像吗"),
        ("哈哈哈哈哈哈", "哈哈"),
        ("回放回放回放回放", "回放回放"),
        ("soooo goood", "soo good"),
        ("好的[doge]👍🏻", "好的"),
        ("价格10000元", "价格10000元"),
        ("@floormic_bot 有回放吗", "有回放吗"),
        ("@老师 有回放吗", "老师 有回放吗"),
        ("\ud800x\u0000y", "xy"),
        ("", ""),
    ],
)
def test_one_thing_has_one_spelling(sent: str, read: str) -> None:
    """Width, script, case, repeats, emoji and addressed names do not matter; numbers do."""
    assert normalise(sent) == read


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("@小李 你试试重启", True),
        ("回复 @小李: 对", True),
        ("@老师 有回放吗", False),
        ("邮箱 a@b.cn", False),
        ("有回放吗", False),
    ],
)
def test_who_is_spoken_to(text: str, other: bool) -> None:
    """A message that begins with a viewer's name speaks to that viewer; one to the teacher does not."""
    assert addressed(text) is other


def test_very_long_text_is_cut() -> None:
    """A book pasted into the chat costs no more than a page."""
    assert len(normalise("天地玄黄" * 100_000)) <= 2000


def test_a_sketch_tells_numbers_negation_and_kind() -> None:
    """What the surface of a message says is read from it."""
    seen = sketch("第3讲什么时候开始，不用报名吗")
    assert seen.numbers >= {"3"}
    assert seen.negated
    assert "when" in seen.kinds


@given(st.frozensets(st.text(max_size=3)), st.frozensets(st.text(max_size=3)))
def test_overlap_is_a_symmetric_share(one: frozenset[str], other: frozenset[str]) -> None:
    """Overlap lies in 0..1, is 1 for equals, and does not care for order."""
    assert 0 <= overlap(one, other) <= 1
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one) == (1 if one else 0)
