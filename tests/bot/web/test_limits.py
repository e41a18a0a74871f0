"""Token buckets and the texts."""

import string
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from bot.errors import BadInput
from bot.limits import Buckets, Pauses, Rate
from bot.web.guards import Proxies
from bot.web.identity import ALPHABET, Participants
from bot.web.limits import counted_by
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


@pytest.mark.parametrize(
    ("forwarded", "counts"),
    [
        ([], "127.0.0.1"),
        (["192.0.2.1"], "192.0.2.1"),
        (["203.0.113.9, 192.0.2.1"], "192.0.2.1"),  # what came before it is the client's own word
        (["203.0.113.9", "192.0.2.1, 10.0.0.7"], "192.0.2.1"),  # several headers, another proxy of ours
        (["203.0.113.9, 10.0.0.8, 10.0.0.7"], "203.0.113.9"),
        (["10.0.0.8, 10.0.0.7"], "10.0.0.8"),  # from inside
        (["192.0.2.1:51234"], "192.0.2.1"),
        (["2001:DB8::1"], "2001:db8::1"),
        (["2001:db8:0:0:0:0:0:1"], "2001:db8::1"),
        (["[2001:db8::1]"], "2001:db8::1"),
        (["[2001:db8::1]:443"], "2001:db8::1"),
        (["fe80::1%eth0"], "fe80::1"),
        (["::ffff:192.0.2.1"], "192.0.2.1"),
        (["203.0.113.9, fd00::7"], "203.0.113.9"),
        (["unknown"], "127.0.0.1"),
        (["203.0.113.9, _hidden"], "127.0.0.1"),
        (["192.0.2.1, "], "127.0.0.1"),
        (["203.0.113.9, 1.2.3.4.5, 10.0.0.7"], "10.0.0.7"),
        ([f"{'9' * 4000}"], "127.0.0.1"),
        (["203.0.113.9, 192.0.2.1; drop"], "127.0.0.1"),
    ],
)
def test_who_came_through_proxies_counts_by_the_hop_that_ours_saw(forwarded: list[str], counts: str) -> None:
    """Whatever the client writes before it, in IPv4 or IPv6, with a port or as no address at all, changes nothing."""
    proxies = Proxies(["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"])
    headers = CIMultiDict(("X-Forwarded-For", one) for one in forwarded)
    peer = Mock(**{"get_extra_info.return_value": ("127.0.0.1", 1)})
    request = make_mocked_request("POST", "/", headers, transport=peer)
    assert proxies.client(request)[0] == counts
    assert Proxies(["198.51.100.0/24"]).client(request)[0] == "127.0.0.1"


def test_a_proxy_that_is_no_address_is_refused() -> None:
    """A host name among the trusted proxies is said so at the start, instead of trusting nobody."""
    with pytest.raises(BadInput, match="addresses or networks"):
        Proxies(["proxy.example"])


def test_everybody_has_an_address_and_a_network() -> None:
    """Of IPv6 a /64 is one address, for one device has all of it; of both there is a wider network."""
    assert counted_by("192.0.2.77") == ("192.0.2.77/32", "192.0.2.0/24")
    assert counted_by("2001:db8:1:2:3::4") == ("2001:db8:1:2::/64", "2001:db8:1::/48")
    assert counted_by("2001:db8:1:2:ffff::9") == counted_by("2001:db8:1:2:3::4")
    assert counted_by("somewhere") == ("somewhere", "somewhere")


def test_a_pause_is_waited_for_and_no_longer() -> None:
    """Ten seconds after the last act the next one may come, for each key by itself; a clock set back adds nothing."""
    clock = Clock()
    pauses = Pauses(clock, most=3)
    assert pauses.wait("a", 10) == 0
    pauses.note("a")
    clock.time += 4
    assert pauses.wait("a", 10) == pytest.approx(6)
    assert pauses.wait("b", 10) == pauses.wait("a", 0) == 0
    clock.time -= 3600
    assert pauses.wait("a", 10) == 10
    for key in "bcd":
        pauses.note(key)
    assert "a" not in pauses
