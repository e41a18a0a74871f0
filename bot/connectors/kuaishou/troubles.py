"""What Kuaishou answers instead of what was asked for, in words for people."""

from bot.errors import ConnectorError, Refused

WRONG_KEY = "Kuaishou does not know this app_id with this app_secret. Copy both anew from open.kuaishou.com."
NO_PERMISSION = (
    "Kuaishou does not accept the token it just gave. Has the app got the permission for 直播弹幕玩法? Apply for it on "
    "open.kuaishou.com."
)
TOKEN_REFUSED = "Kuaishou does not accept the token any more; a new one is asked for."  # noqa: S105 (no password)
WRONG_SIGNATURE = (
    "Kuaishou does not accept the signature: app_secret is that of another app. Copy it anew from open.kuaishou.com."
)
NOT_LIVE = "the room is not live on Kuaishou. Start the live, and see that room_code is the one it has now."
WRONG_ROOM = "Kuaishou does not know this room_code. Copy it anew from the live's companion app while the room is live."
ENDED = "Kuaishou has stopped pushing the room's comments: the live is over, or another program unbound the room."
WEB_PAGE = (
    "Kuaishou: the answer was a web page and not data (HTTP {status}). Check base_url, and whether this network asks "
    "for a sign-in or goes through a proxy."
)
CLOCK = (
    "this computer's clock is {seconds:.0f} s {where} that of Kuaishou, which therefore refuses. Set the clock, best "
    "by switching on its synchronisation."
)

CLOCK_OFF = 120.0
"""Seconds from which on a refusal is put down to the clock."""

WRONG_KEYS = {100200100, 100200101, 100200102, 100200105}
WRONG_KEY_WORDS = ("invalid_client", "unauthorized_client", "access_denied", "invalid_request", "invalid_grant")
"""Numbers and names of OAuth errors on open.kuaishou.com that mean the pair of app_id and app_secret."""


def clock(ahead: float) -> ConnectorError:
    return ConnectorError(CLOCK.format(seconds=abs(ahead), where="ahead of" if ahead > 0 else "behind"))


def token_trouble(result: int, error: str) -> ConnectorError:
    """Why there is no token."""
    if result in WRONG_KEYS or any(word in error for word in WRONG_KEY_WORDS):
        return Refused(WRONG_KEY)
    return ConnectorError(f"Kuaishou gives no token now (error {result}). If it stays so, check app_id and app_secret.")


def is_about_token(text: str) -> bool:
    return "token" in text.lower()


def room_trouble(result: int, text: str) -> ConnectorError:
    """Why a room cannot be bound or asked about. The platform documents no numbers for it, only texts."""
    words = text.lower()
    if "sign" in words or "签名" in words:
        return Refused(WRONG_SIGNATURE)
    if any(
        word in words for word in ("未开播", "没有开播", "不在直播", "未直播", "直播已结束", "not live", "live is over")
    ):
        return ConnectorError(NOT_LIVE)
    if any(word in words for word in ("房间", "直播间", "room")):
        return ConnectorError(WRONG_ROOM)
    return ConnectorError(f"Kuaishou refuses to push this room's comments (error {result}). Is the room live?")
