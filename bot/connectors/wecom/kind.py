"""How a WeCom bot is configured and tried out."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from bot.connectors.wecom.callback import API, WeComCallback
from bot.connectors.wecom.connector import SOCKET, WeCom
from bot.connectors.wecom.crypto import AES_KEY
from bot.connectors.wecom.saying import ABILITIES
from bot.kinds import Kind, Surroundings
from bot.options import SocketUrl, SourceOptions, Url, secret

GUIDE = {
    "zh": """1. 在企业微信客户端打开“工作台”→“智能机器人”→“创建机器人”→“手动创建”→“API 模式创建”（需要管理员允许）。
2. 连接方式选“使用长连接”，保存后复制 Bot ID 和 Secret，即 bot_id 和 secret。一个机器人同时只能有一个连接。
3. 有公网地址、想用回调的：连接方式选“使用 URL 回调”，URL 填“公网地址/in/名称”，Token 和 EncodingAESKey 随机获取，
   把这两个值填到这里并启动本程序，然后再点保存（企业微信会立刻访问这个地址）。
4. 设置可见范围，然后把机器人加进群里，或者让大家私聊它。
5. 群里只有 @机器人 的消息会到达；它只能在有人先对它说过话的会话里发言。""",
    "en": """1. In the WeCom client open Workplace, Smart robot (智能机器人), create one by hand and choose API mode (an
   administrator has to allow it).
2. Choose the long connection and save; copy the Bot ID and the Secret: they are bot_id and secret here. A bot can have
   one connection only.
3. With a public address you may choose the URL callback instead: the URL is your public address and /in/NAME; let it
   make Token and EncodingAESKey, put both here, start this program, and then save (WeCom calls the address at once).
4. Choose who may see the bot, and add it to the group or let people write to it.
5. In groups only what mentions the bot arrives, and it may speak only where somebody has spoken to it before.""",
}


class WeComOptions(SourceOptions):
    kind: ClassVar[str] = "wecom"
    about: ClassVar[str] = "A WeCom (企业微信) AI bot."

    mode: Literal["socket", "callback"] = Field(
        default="socket",
        description="`socket` needs no public address; with `callback` WeCom calls `web.public_url` with https.",
    )
    bot_id: str = Field(default="", description="Bot ID of the bot in API mode with the long connection. For `socket`.")
    token: SecretStr = secret("Token of the URL callback. For `callback`.", needed=False, only={"mode": "callback"})
    encoding_aes_key: SecretStr = secret(
        "EncodingAESKey of the URL callback, 43 letters and digits. For `callback`.",
        needed=False,
        only={"mode": "callback"},
    )
    bot_name: str = Field(
        default="",
        max_length=64,
        description="What the bot is called in WeCom, to take its mention out of what people write. Left out, the "
        "first word after an @ at the beginning is taken for it.",
    )
    socket_url: SocketUrl = Field(default=SOCKET, description="Address of the long connection; another one for tests.")
    base_url: Url = Field(
        default=API, description="Where the addresses lie that WeCom gives for answers; another one for tests."
    )
    secret: SecretStr = secret(
        "Secret of the long connection. For `socket`.",
        variable="FLOORMIC_WECOM_SECRET",
        needed=False,
        only={"mode": "socket"},
    )

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        if self.mode == "socket":
            given = {"bot_id": self.bot_id, "secret": self.secret.get_secret_value()}
            return [
                (field, f"is missing; it stands on the bot's page in WeCom ({field})")
                for field in given
                if not given[field]
            ]
        found = []
        if not self.token.get_secret_value():
            found.append(("token", "is missing; it stands on the bot's page in WeCom (Token)"))
        if not AES_KEY.fullmatch(self.encoding_aes_key.get_secret_value()):
            found.append(("encoding_aes_key", "is no EncodingAESKey: it has 43 letters and digits"))
        if not public_url.startswith("https://" if self.base_url == API else "http"):
            found.append(("mode", "callback needs web.public_url with https://; or use socket"))
        return found


def make(options: WeComOptions, around: Surroundings) -> WeCom | WeComCallback:
    if options.mode == "callback":
        return WeComCallback(
            options.name,
            options.token.get_secret_value(),
            options.encoding_aes_key.get_secret_value(),
            options.session,
            now=around.now,
            base_url=options.base_url,
            bot_name=options.bot_name,
            language=around.language,
        )
    return WeCom(
        options.name,
        options.bot_id,
        options.secret.get_secret_value(),
        options.session,
        now=around.now,
        socket_url=options.socket_url,
        bot_name=options.bot_name,
        language=around.language,
    )


async def try_out(options: WeComOptions, around: Surroundings) -> str:
    made = make(options, around)
    if isinstance(made, WeComCallback):
        return (
            f"WeCom tries the keys itself: enter {around.public_url}/in/{options.name} as the URL on the bot's page "
            "and save it while this program runs."
        )
    try:
        return await made.introduce()
    finally:
        await made.close()


KIND = Kind(
    options=WeComOptions,
    titles={"zh": "企业微信", "en": "WeCom"},
    guide=GUIDE,
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
)
