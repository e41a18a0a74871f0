"""Webhooks and those who forge: a genuine call of each platform, changed a little at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from bot.ports import HookReply, HookRequest
from tests.bot.connectors.contract import Rig, staged, told
from tests.bot.connectors.test_contract import name_of
from tests.fake_channels import ForwardedChannelsRig
from tests.fake_intake import IntakeRig
from tests.fake_kuaishou import KuaishouRig
from tests.fake_telegram import TelegramHookRig
from tests.fake_wecom import WeComCallbackRig

HOOKED: list[type[Rig]] = [ForwardedChannelsRig, IntakeRig, TelegramHookRig, WeComCallbackRig, KuaishouRig]
"""Those whose lines come by a call to us. Tencent Meeting's call only says that a meeting is over: its own tests."""

SIGNED = {"intake", "wecom", "kuaishou"}
"""Their proof covers the body (WeCom's what is sealed in it). Telegram and the listener of Channels prove themselves by
a secret beside it."""

WORDS = "private-words of Ann"


@dataclass(frozen=True, slots=True)
class Forgery:
    what: str
    request: HookRequest


def flipped(value: str) -> Iterator[str]:
    """One bit of one character after the other, and other lengths."""
    for at, character in enumerate(value):
        yield value[:at] + chr(ord(character) ^ 1) + value[at + 1 :]
    yield from ("", value[:-1], value + value, value + "0", f" {value}x", "é\udcff", "9" * 5000)


def without(request: HookRequest, place: str, key: str) -> HookRequest:
    return replace(request, **{place: {k: v for k, v in getattr(request, place).items() if k != key}})


def forgeries(request: HookRequest, proofs: list[tuple[str, str]], signed: bool) -> Iterator[Forgery]:
    for place, key in proofs:
        yield Forgery(f"without {key}", without(request, place, key))
        values = getattr(request, place)
        for value in flipped(values[key]):
            yield Forgery(f"{key}={value[:80]!r}", replace(request, **{place: {**values, key: value}}))
    body = request.body
    if signed:
        for at in range(0, len(body), max(1, len(body) // 64)):
            changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            yield Forgery(f"body changed at {at}", replace(request, body=changed))
        for what, other in {"longer": body + b"x", "shorter": body[:-1], "none": b"", "twice": body * 2}.items():
            yield Forgery(f"body {what}", replace(request, body=other))
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    for what, other in {"XML": entity, "deep": b"[" * 100_000, "noise": bytes(range(256))}.items():
        bare = replace(request, headers={}, query={}, body=other)
        yield Forgery(f"{what} and no proof", bare)


@pytest.mark.parametrize("kind", HOOKED, ids=name_of)
async def test_a_changed_call_is_refused_and_leaves_nothing(
    kind: type[Rig], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is flipped, left out, lengthened or sent by another: 403 in the same words, no message, and neither what
    was said nor a secret in the log. The genuine call comes again and counts once."""
    caplog.set_level("DEBUG", "bot")
    async with kind() as rig, staged(rig) as stage:
        hook, calls = type(stage.connector).hook, list[HookRequest]()

        async def heard(self: object, request: HookRequest) -> HookReply:
            calls.append(request)
            return await hook(self, request)  # type: ignore[arg-type]

        monkeypatch.setattr(type(stage.connector), "hook", heard)
        await stage.hears(WORDS)
        monkeypatch.undo()
        genuine = calls[-1]
        count = len(stage.floor.messages)

        async def asked(request: HookRequest) -> HookReply:
            return await stage.connector.hook(request)

        places = [(place, key) for place in ("headers", "query") for key in getattr(genuine, place)]
        proofs = [one for one in places if (await asked(without(genuine, *one))).status == 403]
        assert proofs, "nothing proves who calls"
        answers = set[bytes]()
        for forged in forgeries(genuine, proofs, kind.kind in SIGNED):
            if forged.request == genuine:
                continue
            reply = await asked(forged.request)
            assert reply.status == 403, forged.what
            answers.add(reply.body)
        assert len(answers) == 1, answers
        assert len(stage.floor.messages) == count
        assert (await asked(genuine)).status == 200
        assert len({m.external_id for m in stage.floor.messages}) == count
    log = told(caplog.records)
    assert "private-words" not in log
    assert not [secret for secret in kind.secrets if secret in log]
