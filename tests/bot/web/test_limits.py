"""Token buckets and the texts."""

import string

import pytest

from bot.errors import BadInput
from bot.web.guards import Proxies
from bot.web.identity import ALPHABET, Participants
from bot.web.limits import Buckets, Rate
from bot.web.texts import TEXTS, preferred
from tests.bot.web.hall import Clock


def test_a_bucket_grants_a_burst_and_then_its_rate() -> None:
    """Two at once, then one every ten seconds, each key for itself; looking takes nothing."""
    clock = Clock()
    buckets = Buckets(Rate(2, 0.1), clock)
    assert [buckets.take("a"), buckets.take("a")] == [0, 0]
    assert buckets.take("a") == pytest.approx(10)
    assert buckets.wait("b") == buckets.wait("b") == buckets.take("b") == 0
    clock.time += 5
    assert buckets.take("a") == pytest.approx(5)
    clock.time += 5.001
    assert buckets.take("a") == 0
    clock.time += 1e6
    assert [buckets.take("a") for _ in range(3)][:2] == [0, 0]
    assert buckets.take("a") > 0


def test_a_clock_that_goes_back_locks_nobody_out() -> None:
    """After the clock was set back one waits no longer than a full refill."""
    clock = Clock()
    buckets = Buckets(Rate(1, 0.1), clock)
    buckets.take("a")
    clock.time -= 3600
    assert buckets.take("a") <= 10


def test_buckets_remember_a_bounded_number_of_keys() -> None:
    """However many keys come, the oldest are forgotten first."""
    buckets = Buckets(Rate(1, 0.001), Clock(), most=10)
    for n in range(1000):
        buckets.take(str(n))
    assert len(buckets._filled) == 10
    assert buckets.wait("999") > 0
    assert buckets.wait("1") == 0


def test_both_languages_say_everything() -> None:
    """Every text exists in both languages with the same values in it."""

    def fields(text: str) -> set[str | None]:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field}

    assert TEXTS["zh"].keys() == TEXTS["en"].keys()
    assert {k: fields(t) for k, t in TEXTS["zh"].items()} == {k: fields(t) for k, t in TEXTS["en"].items()}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-TW", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("de, en", "en"),
        ("de", "-"),
        ("", "-"),
        ("zh;q=x, en;q=0.1", "en"),
    ],
)
def test_the_browser_names_its_language(header: str, language: str) -> None:
    """The heavier one of the two counts; anything else leaves it to the session."""
    assert preferred(header, "-") == language


def test_codes_are_unlike_each_other_and_do_not_follow_from_ids() -> None:
    """New codes differ, survive being typed badly, give the same id again, and another key gives other ids."""
    participants, others = Participants(b"a key for the tests"), Participants(b"another key for tests")
    made = [participants.new() for _ in range(200)]
    assert len({one.id for one in made}) == len({one.code for one in made}) == 200
    for one in made:
        assert set(one.code) <= set(ALPHABET)
        assert participants.read_code(f" {one.shown_code.lower()} ") == one.code
        assert participants.of(one.code).id == one.id != others.of(one.code).id
        assert one.code.lower() not in one.id
    assert [participants.read_code(bad) for bad in ("", "A" * 11, "A" * 13, "U" * 12, "ÄÄÄÄÄÄÄÄÄÄÄÄ")] == [None] * 5


def test_a_proxy_that_is_no_address_is_refused() -> None:
    """A host name among the trusted proxies is said so at the start, instead of trusting nobody."""
    with pytest.raises(BadInput, match="addresses or networks"):
        Proxies(["proxy.example"])
