"""What Bilibili answers where it does not do what was asked, as one line for people. Pure.

The codes are those of open-live.bilibili.com/document, 公共错误码; open.bilibili.com uses the same ones.
"""

from dataclasses import dataclass, field
from typing import Any

from bot.errors import ConnectorError, Refused, TryLater

NOT_PLAYING, EXPIRED = 7000, 7003
CLOSED = (0, NOT_PLAYING, EXPIRED)
"""What the end of a session is answered with: done, or closed already."""

COOLING, COOLING_SECONDS = 7001, 10.0
OPEN_ALREADY = (7002, 7008)
BAD_TOKEN = (-101, -111, -658)
TOO_OFTEN, TOO_OFTEN_SECONDS = (-412, -509, 4009), 60.0
CLOCK = 4003
ALLOWED = 600.0
"""Seconds that a clock may be off."""


class SessionOver(ConnectorError):
    """Bilibili closed the session; the next run starts another one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came back with. `server_time`: Unix seconds, None where it did not say."""

    code: int
    message: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    server_time: float | None = None


UNPUBLISHED = "an app that is not published may only listen to its developer's own room. Publish it, or use that room."
HOPELESS = {
    4000: "it does not understand the request: check app_id and code (the 身份码 of the broadcaster).",
    4001: "it does not know this access_key_id. Copy it again from the developer's page.",
    4002: "the signature is wrong, so access_key_secret does not belong to access_key_id. Copy both again.",
    4007: "this computer's address is not on the app's list (IP白名单). Add it on the developer's page.",
    4008: "this app may not use the live interface. Apply for it on the developer's page.",
    4010: "there is no such interface. Check base_url, and that variant fits the kind of key.",
    5004: UNPUBLISHED,
    5005: "this room is closed to the app. Ask Bilibili's support.",
    5011: UNPUBLISHED,
    6011: "this account has no live room. Open one first (开通直播间).",
    6012: "this account has no live room. Open one first (开通直播间).",
    7007: "the identity code (身份码) is wrong or was renewed. Copy it again from the broadcaster's page into code.",
    8002: "this app_id does not belong to this access_key_id. Copy it again from the developer's page.",
}
"""Waiting does not heal these."""

PASSING = {
    4004: "it took a request for a repeated one. It is tried again.",
    7003: "the session has ended. Another one is started.",
    7010: "five programs with this app listen to this room already. Close one of them.",
}
OPEN_TEXT = (
    "a session of this app is still open in this room. Close the other program that uses this app; one that was not "
    "closed ends by itself after some minutes."
)
EXPIRED_TEXT = (
    "the access token has expired or is wrong. Let the broadcaster authorise again and put the new access_token in."
)
NOT_LIVE_TEXT = "the room is not live. Start the stream (开播); it is tried again."


def trouble(answer: Answer, now: float) -> ConnectorError:
    """What to raise for an answer with a code other than 0."""
    code, said = answer.code, answer.message.lower()
    if code in HOPELESS:
        return Refused(f"Bilibili: {HOPELESS[code]} (code {code})")
    if code in BAD_TOKEN or "token" in said:
        return Refused(f"Bilibili: {EXPIRED_TEXT} (code {code})")
    if code in OPEN_ALREADY:
        return ConnectorError(f"Bilibili: {OPEN_TEXT} (code {code})")
    if code == COOLING:
        text = (
            f"Bilibili: the session before is still being closed; tried again in {COOLING_SECONDS:g} s. (code {code})"
        )
        return TryLater(COOLING_SECONDS, text=text)
    if code in TOO_OFTEN:
        text = f"Bilibili: it was asked too often; tried again in {TOO_OFTEN_SECONDS:g} s. (code {code})"
        return TryLater(TOO_OFTEN_SECONDS, text=text)
    if code == CLOCK:
        return ConnectorError(f"Bilibili: {_clock(answer.server_time, now)} (code {code})")
    if code in PASSING:
        return ConnectorError(f"Bilibili: {PASSING[code]} (code {code})")
    if "未开播" in said or "not live" in said:
        return ConnectorError(f"Bilibili: {NOT_LIVE_TEXT} (code {code})")
    # Its own words are not shown: they may repeat what we sent.
    return ConnectorError(
        f"Bilibili cannot do it now (code {code}). It is tried again; its documents explain the code."
    )


def _clock(server_time: float | None, now: float) -> str:
    """The API allows ten minutes; an answer that is dated otherwise does not say by how many we are off."""
    if server_time is None or abs(now - server_time) < ALLOWED:
        how = "wrong by more than ten minutes"
    else:
        minutes = round((now - server_time) / 60)
        how = f"{abs(minutes)} minutes {'ahead' if minutes > 0 else 'behind'}"
    return f"this computer's clock is {how}, so it takes no signature. Set the clock (automatic time)."
