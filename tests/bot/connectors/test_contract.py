"""Every connector under every misfortune: each fake platform's rig goes through all of it."""

import asyncio
import math
import time
from collections.abc import AsyncIterator

import pytest

from bot.app.sources import KINDS
from bot.errors import Refused
from bot.model import Address, Delivery, SourceState
from tests.bot.connectors.contract import HOSTILE, MISFORTUNES, Line, Rig, Stage, staged, told
from tests.fake_bilibili import BilibiliOAuthRig, BilibiliRig
from tests.fake_channels import ChannelsRig, ForwardedChannelsRig
from tests.fake_dingtalk import DingTalkRig
from tests.fake_discord import DiscordRig
from tests.fake_feishu import FeishuRig
from tests.fake_floor import FakeFloor, question
from tests.fake_intake import IntakeRig, SilentIntakeRig
from tests.fake_kuaishou import KuaishouFeedRig, KuaishouRig, KuaishouTaskRig
from tests.fake_linechat import LineChatRig
from tests.fake_satori import SatoriRig
from tests.fake_slack import SlackRig
from tests.fake_telegram import TelegramHookRig, TelegramRig
from tests.fake_tencent import LcicRig, MeetingRig
from tests.fake_wecom import WeComCallbackRig, WeComRig

RIGS: list[type[Rig]] = [
    BilibiliRig,
    BilibiliOAuthRig,
    ChannelsRig,
    ForwardedChannelsRig,
    IntakeRig,
    SilentIntakeRig,
    LineChatRig,
    SatoriRig,
    TelegramRig,
    TelegramHookRig,
    LcicRig,
    MeetingRig,
    WeComRig,
    WeComCallbackRig,
    DiscordRig,
    FeishuRig,
    DingTalkRig,
    SlackRig,
    KuaishouRig,
    KuaishouTaskRig,
    KuaishouFeedRig,
]
SENDING = ("refuse_send", "limit_send", "time_out_after_send", "sent")


def name_of(rig: type[Rig]) -> str:
    return f"{rig.kind}-{rig.way}" if rig.way else rig.kind


@pytest.fixture(params=RIGS, ids=name_of)
async def rig(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Rig]:
    """Whatever a test is about, no secret gets into the log, and nothing of what people said."""
    caplog.set_level("DEBUG", "bot")
    async with request.param() as made:
        yield made
    log = told(caplog.records)
    assert not [secret for secret in made.secrets if secret in log]
    assert "Traceback" not in log, log
    assert "private-words" not in log


def needs(rig: Rig, *misfortunes: str) -> None:
    """Skip, with the rig's reason, what this platform cannot do."""
    for misfortune in misfortunes:
        if misfortune in rig.cannot:
            pytest.skip(f"{name_of(type(rig))} cannot {misfortune}: {rig.cannot[misfortune]}")


def needs_reply(stage: Stage) -> None:
    if not stage.connector.abilities.reply:
        pytest.skip(f"{stage.connector.name} cannot reply")


def can_reply(kind: type[Rig]) -> bool:
    return kind.kind in KINDS and KINDS[kind.kind].abilities.reply


def test_every_kind_has_a_rig() -> None:
    """A connector that the program offers is one that was held against this contract."""
    assert set(KINDS) <= {rig.kind for rig in RIGS}


@pytest.mark.parametrize("kind", RIGS, ids=name_of)
def test_a_rig_can_do_it_or_says_why_not(kind: type[Rig]) -> None:
    """No misfortune is left out in silence."""
    asked = [name for name in MISFORTUNES if name not in SENDING or can_reply(kind)]
    missing = {name for name in asked if getattr(kind, name) is getattr(Rig, name)}
    assert missing <= set(kind.cannot) <= set(MISFORTUNES)
    assert all(len(reason) > 15 for reason in kind.cannot.values())
    assert bool(kind.states) == ("disconnect" not in kind.cannot)


async def test_what_people_say_is_heard(rig: Rig) -> None:
    """A line arrives once, under the connector's name, with its words, its author and a time that can be."""
    async with staged(rig) as stage:
        assert stage.connector.name == rig.kind
        first = await stage.hears("为什么天是蓝的？ 😀 private-words")
        await rig.say(Line("bob", "And the sea?", "2"))
        await stage.heard("And the sea?")
        await stage.connected()
    second = next(m for m in stage.floor.messages if m.text == "And the sea?")
    assert (first.session, first.source, second.source) == ("talk", rig.kind, rig.kind)
    assert first.author
    assert first.author != second.author
    assert first.external_id != second.external_id
    assert abs(first.at - time.time()) < 120
    if first.address:
        assert first.address.connector == rig.kind
    if stage.connector.abilities.reply:
        assert first.address


async def test_what_is_delivered_twice_counts_once(rig: Rig) -> None:
    """A redelivery changes nothing, at once and after a restart of the program."""
    needs(rig, "say_again")
    floor = FakeFloor()
    for after in ("before the restart", "after the restart"):
        async with staged(rig, floor) as stage:
            if after.startswith("before"):
                await rig.say(Line("ann", "once", "1"))
                await stage.heard("once")
            await rig.say_again("1")
            await rig.say_again("1")
            await rig.say(Line("bob", after, after))
            await stage.heard(after)
    assert sorted(floor.texts) == ["after the restart", "before the restart", "once"]


async def test_the_same_words_are_two_messages(rig: Rig) -> None:
    """Two people who say the same are two, and so is one who says it again."""
    async with staged(rig) as stage:
        await rig.say(Line("ann", "why?", "1"))
        await rig.say(Line("bob", "why?", "2"))
        await rig.say(Line("ann", "why?", "3"))
        await stage.until(lambda: len(stage.floor.messages) >= 3, "hearing it three times")
    assert len({message.author for message in stage.floor.messages}) == 2


async def test_what_comes_out_of_order_is_heard_whole(rig: Rig) -> None:
    """Nothing is taken for old because something newer came before it."""
    needs(rig, "say_out_of_order")
    texts = [f"line {n}" for n in range(5)]
    async with staged(rig) as stage:
        await rig.say_out_of_order([Line("ann", text, text) for text in texts])
        await stage.heard(*texts)
        await stage.hears("later")
    assert sorted(stage.floor.texts) == sorted([*texts, "later"])


async def test_what_is_cut_in_the_middle_does_no_harm(rig: Rig) -> None:
    """Half a frame is no message; where the platform keeps it, the whole comes later."""
    needs(rig, "cut")
    async with staged(rig) as stage:
        await stage.hears("before")
        await rig.cut(Line("ann", "private-words cut", "cut"))
        await stage.hears("after")
        if rig.keeps:
            await stage.heard("private-words cut")
    assert len(stage.floor.texts) == len(set(stage.floor.texts))


async def test_what_is_too_large_is_not_taken(rig: Rig) -> None:
    """More than a chat would ever send is refused or skipped, and the next line is heard."""
    needs(rig, "oversized")
    async with staged(rig) as stage:
        await stage.hears("before")
        await rig.oversized()
        await stage.hears("after")
    assert sorted(stage.floor.texts) == ["after", "before"]


async def test_nothing_hostile_stops_it(rig: Rig) -> None:
    """Whatever bytes come, no fault of ours follows, and the next line is heard."""
    needs(rig, "feed")
    async with staged(rig) as stage:
        await stage.hears("before")
        payloads = {**HOSTILE, **{f"own {n}": payload for n, payload in enumerate(rig.hostile)}}
        for what, payload in payloads.items():
            await rig.feed(payload)
            await stage.hears(f"after {what}")
            report = await stage.report()
            assert report.health.state is not SourceState.REFUSED, what
            assert not [outage for outage in report.outages if "fault of this program" in outage.why], what
    for message in stage.floor.messages:
        "".join((message.text, message.author, message.author_name, message.external_id)).encode()
        assert math.isfinite(message.at)


async def test_it_comes_back_after_every_break(rig: Rig) -> None:
    """Wherever the connection breaks, it is made again; people see a line that says what happened, without a secret."""
    needs(rig, "disconnect")
    for state in rig.states:
        floor = FakeFloor()
        async with staged(rig, floor) as stage:
            await rig.disconnect(state)
            await stage.hears(f"first {state}")
            await rig.disconnect(state)
            await stage.hears(f"second {state}")
            await stage.connected()
            report = await stage.report()
        whys = [outage.why for outage in report.outages]
        assert all(why and "\n" not in why and len(why) < 300 for why in whys), whys
        assert not [why for why in whys if "fault of this program" in why], whys
        assert not [secret for secret in rig.secrets if any(secret in why for why in whys)]


async def test_what_is_said_while_it_is_away_is_not_lost_where_the_platform_keeps_it(rig: Rig) -> None:
    """A restart of the program costs nothing that the platform would still give."""
    if not rig.keeps:
        pytest.skip(f"{name_of(type(rig))}: the platform keeps nothing for those who are away")
    floor = FakeFloor()
    async with staged(rig, floor) as stage:
        await stage.hears("before")
    saying = asyncio.create_task(rig.say(Line("ann", "meanwhile", "2")))
    await asyncio.sleep(0.05)
    async with staged(rig, floor) as stage:
        await saying
        await stage.heard("meanwhile")
    assert floor.texts == ["before", "meanwhile"]


async def test_nothing_is_acknowledged_before_it_is_stored(rig: Rig) -> None:
    """What could not be written is given again by a platform that keeps it, and stands there once."""
    if not rig.keeps:
        pytest.skip(f"{name_of(type(rig))}: the platform keeps nothing that was not taken")
    async with staged(rig) as stage:
        await stage.hears("before")
        stage.floor.fail_next = 2
        await rig.say(Line("ann", "private-words kept", "2"))
        await stage.heard("private-words kept")
        await stage.hears("after")
    assert stage.floor.texts == ["before", "private-words kept", "after"]


async def test_a_slow_network_loses_nothing(rig: Rig) -> None:
    """Everything takes a third of a second longer, and all is heard and said."""
    needs(rig, "slow")
    async with staged(rig) as stage:
        rig.slow(0.3)
        message = await stage.hears("slow")
        if stage.connector.abilities.reply:
            assert (await stage.says("slowly", message)).state == "sent"
            assert rig.sent() == ["slowly"]


@pytest.mark.parametrize("seconds", [-200, 200])
async def test_a_clock_that_is_a_little_off_does_no_harm(rig: Rig, seconds: float) -> None:
    """Three minutes are in every replay window."""
    needs(rig, "clock_off")
    rig.clock_off(seconds)
    async with staged(rig) as stage:
        message = await stage.hears("now")
    assert abs(message.at - time.time()) < 300


@pytest.mark.parametrize("seconds", [-86400, 86400])
async def test_a_clock_that_is_a_day_off_breaks_nothing(rig: Rig, seconds: float) -> None:
    """It is heard, or turned away until the clock is right; no fault of ours follows."""
    needs(rig, "clock_off")
    rig.clock_off(seconds)
    async with staged(rig) as stage:
        saying = asyncio.create_task(rig.say(Line("ann", "whenever", "1")))
        await asyncio.sleep(0.3)
        rig.clock_off(0)
        await saying
        await stage.hears("now")
        report = await stage.report()
    assert report.health.state is SourceState.CONNECTED
    assert not [outage for outage in report.outages if "fault of this program" in outage.why]


async def test_its_own_words_are_nobody_s_question(rig: Rig) -> None:
    """What the bot said itself is not heard, though the platform shows it."""
    needs(rig, "echo_own")
    async with staged(rig) as stage:
        await stage.hears("before")
        await rig.echo_own("said by the bot")
        await stage.hears("after")
        await asyncio.sleep(0.1)
    assert stage.floor.texts == ["before", "after"]


async def test_one_that_cannot_reply_says_so(rig: Rig) -> None:
    """Where a chat takes no answers, sending is refused for good, so that nothing waits for ever."""
    made = rig.connector()
    try:
        if made.abilities.reply:
            pytest.skip(f"{name_of(type(rig))} can reply")
        with pytest.raises(Refused):
            await made.send(Delivery("k", "talk", Address(made.name, "c"), "x"))
    finally:
        await made.close()


async def test_an_answer_is_said_once(rig: Rig) -> None:
    """It stands in the chat in its own words; said under the same key in other words it is edited where that goes."""
    async with staged(rig) as stage:
        needs_reply(stage)
        message = await stage.hears("why?")
        sent = await stage.says("因为 <b>瑞利</b> 😀", message, "k")
        assert (sent.state, sent.error) == ("sent", "")
        assert rig.sent() == ["因为 <b>瑞利</b> 😀"]
        if stage.connector.abilities.edit:
            assert (await stage.says("in other words", message, "k")).state == "sent"
            assert rig.sent() == ["in other words"]


async def test_an_answer_as_long_as_it_may_be_is_taken(rig: Rig) -> None:
    """A text of the declared length passes whole, and a longer one is cut before it is sent."""
    async with staged(rig) as stage:
        needs_reply(stage)
        message = await stage.hears("why?")
        length = min(stage.connector.abilities.length, 100_000)
        assert (await stage.says("x" * length, message, "k1")).state == "sent"
        assert (await stage.says("界" * (length + 5), message, "k2")).state == "sent"
        assert len(rig.sent()) == 2
        assert rig.sent()[0] == "x" * length


async def test_an_answer_that_is_refused_is_given_up_alone(rig: Rig) -> None:
    """It fails with a reason, and the next one is said."""
    needs(rig, "refuse_send")
    async with staged(rig) as stage:
        needs_reply(stage)
        message = await stage.hears("why?")
        rig.refuse_send()
        failed = await stage.says("refused", message)
        assert (failed.state, failed.attempts) == ("failed", 1)
        assert failed.error
        assert "\n" not in failed.error
        assert not [secret for secret in rig.secrets if secret in failed.error]
        assert (await stage.says("taken", message)).state == "sent"
        assert rig.sent() == ["taken"]


async def test_the_wait_that_a_platform_asks_for_is_kept(rig: Rig) -> None:
    """Told to wait a second, it says it after a second, and that is no failure."""
    needs(rig, "limit_send")
    async with staged(rig) as stage:
        needs_reply(stage)
        message = await stage.hears("why?")
        rig.limit_send(1.0)
        began = time.monotonic()
        sent = await stage.says("patience", message)
        assert (sent.state, sent.attempts) == ("sent", 1)
        assert time.monotonic() - began >= 0.9
        assert rig.sent() == ["patience"]


async def test_an_answer_whose_outcome_is_unknown_is_not_lost(rig: Rig) -> None:
    """Said, but the platform's word of it never came: it is said again rather than never, and then it is settled."""
    needs(rig, "time_out_after_send")
    async with staged(rig) as stage:
        needs_reply(stage)
        message = await stage.hears("why?")
        rig.time_out_after_send()
        sent = await stage.says("twice or once", message)
        assert sent.state == "sent"
        assert set(rig.sent()) == {"twice or once"}
        assert len(rig.sent()) <= 2


async def test_a_command_is_answered_in_its_chat_and_is_no_question(rig: Rig) -> None:
    """/questions is answered where it was given; given again by the platform, once; and nobody takes it for asked."""
    floor = FakeFloor(question("q1", "Why is it so?", 3))
    async with staged(rig, floor) as stage:
        needs_reply(stage)
        message = await stage.hears("before")
        await rig.say(Line("ann", "/questions", "command"))
        await stage.until(lambda: floor.deliveries, "answering the command")
        if "say_again" not in rig.cannot:
            await rig.say_again("command")
            await rig.say_again("command")
        await stage.hears("after")
        (answer,) = floor.deliveries.values()
        await stage.outgoing.deliver([answer])
        stage.outbox.wake()
        await stage.until(lambda: stage.outgoing.rows[answer.key].state == "sent", "saying the answer")
        (said,) = rig.sent()
    assert floor.texts == ["before", "after"]
    assert message.address
    assert answer.address.chat == message.address.chat
    assert "Why is it so?" in said
    assert bool(answer.buttons) == stage.connector.abilities.buttons
