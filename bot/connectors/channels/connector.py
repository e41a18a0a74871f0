"""Takes in what the listener in the broadcaster's browser forwards, and hands the listener out."""

import asyncio
import hmac
import json
import re
from importlib.resources import files

from bot.connectors.channels.codec import Comment, TooLong, read
from bot.connectors.hooks import FORBIDDEN
from bot.errors import BadInput, Refused, SettingsError, StoreError
from bot.model import Abilities, Delivery, Message
from bot.ports import Floor, HookReply, HookRequest, Now

ABILITIES = Abilities(reply=False, stable_users=False)
SHORTEST_SECRET = 16
QUIET = 60.0
"""Seconds. Our listener speaks up every 15 s; other ones are silent as long as nobody says anything."""

SANE = 86400.0
"""Seconds that a listener's clock may be off before ours is taken."""

SIGNED_OUT = 300330
"""The console's errCode for a login that has expired."""

WAITING = (
    "nothing has come from the listener yet. Open the live console in the browser that has the listener "
    "(floormic connect channels tells how)"
)
SILENT = (
    "the listener is silent. Open the live console in the browser again, and see what its sign at the lower left says"
)
NOT_UNDERSTOOD = (
    "the listener forwards something that is not understood: {why}. WeChat may have changed its console; look for a "
    "newer Floormic"
)
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


class Channels:
    """The comments of one broadcaster's lives, for one session. Nobody can be replied to there.

    A GET with the secret is answered with the listener, which posts to `public_url`/in/`name` (or, where there is no
    public address, to that of the GET). Raises `SettingsError` for a secret shorter than 16 characters.
    """

    abilities = ABILITIES

    def __init__(
        self, name: str, secret: str, session: str, *, now: Now, public_url: str = "", quiet: float = QUIET
    ) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise SettingsError([f"channels {name!r}: its secret needs at least {SHORTEST_SECRET} characters."])
        self.name = name
        self._secret, self._session, self._now = secret, session, now
        self._public_url, self._quiet = public_url, quiet
        self._floor: Floor | None = None
        self._heard = asyncio.Event()
        self._beats = False

    async def run(self, floor: Floor) -> None:
        """Say how the listener is: connected with each word of it, lost when one that should speak up does not."""
        self._floor, self._beats = floor, False
        self._heard.clear()
        floor.notice(WAITING)
        while True:
            try:
                async with asyncio.timeout(self._quiet if self._beats else None):
                    await self._heard.wait()
            except TimeoutError:
                self._beats = False
                floor.lost(SILENT)
            else:
                self._heard.clear()
                floor.connected()

    async def hook(self, request: HookRequest) -> HookReply:
        """POST: 200 with the counts once all is stored, 400 for what is not understood, 413 for too much. GET: the
        listener. 403 without the secret."""
        if not self._genuine(request):
            return FORBIDDEN
        if request.method == "GET":
            return self._listener(request)
        if self._floor is None:
            return _busy("not ready yet")
        try:
            forwarded = read(request.body)
        except TooLong as error:
            return _problem(413, str(error))
        except BadInput as error:
            self._floor.notice(NOT_UNDERSTOOD.format(why=error))
            return _problem(400, str(error))
        if forwarded.error:
            self._floor.lost(_trouble(forwarded.error))
            return _counts(0, 0)
        try:
            new = await self._floor.receive([self._message(c) for c in forwarded.comments]) if forwarded.comments else 0
        except StoreError:
            return _busy("cannot be stored now; nothing was taken")
        self._beats |= forwarded.beats
        self._heard.set()
        return _counts(len(forwarded.comments), new)

    async def send(self, delivery: Delivery) -> str:
        raise Refused("WeChat Channels takes no replies")

    async def close(self) -> None:
        """Nothing to close."""

    def _genuine(self, request: HookRequest) -> bool:
        """The secret stands in a header or, for listeners that can send none, in the address."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = (
            request.headers.get("x-floormic-secret")
            or (bearer if scheme.lower() == "bearer" else "")
            or request.query.get("key", "")
        )
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._secret.encode())

    def _listener(self, request: HookRequest) -> HookReply:
        host = request.headers.get("host", "")
        base = self._public_url or (f"http://{host}" if HOST.fullmatch(host) else "http://127.0.0.1:8080")
        script = listener(f"{base}/in/{self.name}", self._secret)
        return HookReply(200, script.encode(), "text/javascript; charset=utf-8", (("Cache-Control", "no-store"),))

    def _message(self, comment: Comment) -> Message:
        now = self._now()
        sane = comment.at is not None and abs(comment.at - now) < SANE
        return Message(
            session=self._session,
            source=self.name,
            external_id=comment.id,
            author=comment.user,
            author_name=comment.name,
            text=comment.text,
            at=comment.at if sane and comment.at is not None else now,
        )


def listener(address: str, secret: str) -> str:
    """The user script, which posts to this address with this secret."""
    script = files("bot.connectors.channels").joinpath("listener.js").read_text(encoding="utf-8")
    host = address.split("/")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    script = script.replace("// @connect      *", f"// @connect      {host}", 1)
    script = script.replace('const ADDRESS = "";', f"const ADDRESS = {json.dumps(address)};", 1)
    return script.replace('const SECRET = "";', f"const SECRET = {json.dumps(secret)};", 1)


def _trouble(error: int) -> str:
    if error == SIGNED_OUT:
        return "the login to the WeChat Channels console has expired. Scan its code with WeChat again"
    return f"the WeChat Channels console reports error {error}. Reload the console page; is the live still on?"


def _counts(accepted: int, new: int) -> HookReply:
    return HookReply(200, json.dumps({"accepted": accepted, "new": new}).encode())


def _problem(status: int, text: str) -> HookReply:
    return HookReply(status, json.dumps({"error": text, "code": "bad_input"}, ensure_ascii=False).encode())


def _busy(text: str) -> HookReply:
    body = json.dumps({"error": text, "code": "busy"}).encode()
    return HookReply(503, body, headers=(("Retry-After", "5"),))
