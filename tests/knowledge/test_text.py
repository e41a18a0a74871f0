import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.text import addressed, ends, normalise
from knowledge.wording import kinds, pieces


@given(st.text())
def test_normalising_again_changes_nothing(text: str) -> None:
    """A normal form is its own normal form, whatever people send."""
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "So", "Co"]), max_size=50))
def test_nothing_readable_is_nothing(text: str) -> None:
    """Control characters, halves of surrogates and private characters leave no rubbish behind."""
    assert not any(unicodedata.category(letter) in {"Cc", "Cs", "Co"} for letter in normalise(text))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("ＰＰＴ　在哪？？？", "ppt 在哪?"),
        ("請問發票怎麼開", "请问发票怎么开"),
        ("有錄影嗎", "有录像吗"),
        ("產線上的機台，OEE指標，核心問題", "产线上的机台,oee指标,核心问题"),
        ("Ⅲ类要备案吗", "iii类要备案吗"),
        ("第XIII章，AAA电池，aaaah", "第xiii章,aaa电池,aah"),
        ("课件能发到zhangsan@qq.com吗？", "课件能发到zhangsan@qq.com吗?"),
        ("发到info@host.de吗", "发到info@host.de吗"),
        ("哈哈哈哈哈哈", "哈哈"),
        ("回放回放回放回放", "回放回放"),
        ("soooo goood", "soo good"),
        ("好的[doge]👍🏻", "好的"),
        ("价格10000元", "价格10000元"),
        ("@floormic_bot 有回放吗", "有回放吗"),
        ("@老师 有回放吗", "老师 有回放吗"),
        ("@王老师 有回放吗", "王老师 有回放吗"),
        ("can’t hear you", "can't hear you"),
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
        ("@老師 有回放嗎", False),
        ("@講師 請問講義在哪", False),
        ("@王老师 这个课件在哪下载", False),
        ("回复@老师 有回放吗", False),
        ("@host is it recorded?", False),
        ("@主讲人 课件在哪下载", False),
        ("@客服 怎么退款", False),
        ("@everyone does anyone have the password", False),
        ("@here is it recorded?", False),
        ("@hereford 回放在主页", True),
        ("@hostile_hans nobody asked", True),
        ("@ALLEN 回放在主页", True),
        ("@all-star 回放在主页", True),
        ("@全体成员 有人知道密码吗", False),
        ("邮箱 a@b.cn", False),
        ("有回放吗", False),
    ],
)
def test_who_is_spoken_to(text: str, other: bool) -> None:
    """A message that begins with a viewer's name speaks to that viewer; one to the teacher does not."""
    assert addressed(text) is other


def test_very_long_text_is_cut() -> None:
    """A book pasted into the chat costs no more than a page."""
    cut = normalise(" ".join(map(str, range(100_000))))
    assert 1990 <= len(cut) <= 2000
    assert cut == normalise(cut)


def test_of_a_long_text_both_ends_stay() -> None:
    """What is asked stands after the story, in as many characters as are wanted."""
    assert ends("short?", 6) == "short?"
    assert ends("0123456789", 6) == "012 89"
    assert normalise("a story. " * 1000 + "Where are the slides?").endswith("story. where are the slides?")


def test_a_message_tells_what_it_asks_for() -> None:
    """The kind of question is read from its words, in Chinese, English and German."""
    assert kinds("第3讲什么时候开始") >= {"when"}
    assert kinds("where are the slides") == {"where"}
    assert "cost" in kinds("was kostet das")
    assert kinds("666") == frozenset()


def test_pieces_are_words_and_pairs_of_characters() -> None:
    """Chinese has no spaces, so neighbours stand for words; a single character stands alone."""
    assert pieces("有回放吗 ppt 呢") == ["有回", "回放", "放吗", "ppt", "呢"]
