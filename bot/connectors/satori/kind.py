"""How a Satori server is configured and tried out."""

from typing import ClassVar

from pydantic import Field, SecretStr, StrictBool

from bot.connectors.satori.connector import ABILITIES, Satori
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions, Url, secret

GUIDE = {
    "zh": """1. 装一个 Satori 服务端，例如 Koishi（koishi.chat）：装好后在浏览器里打开它的控制台。
2. 在“插件配置”里加上要接的平台的适配器（adapter-discord、adapter-lark、adapter-qq、adapter-kook、
   adapter-wechat-official 等），按各插件的说明填好密钥并启用，直到显示“已连接”。
3. 再添加并启用插件 server-satori，在它的设置里写一个 token。
4. url 填 Koishi 的地址加 /satori，例如 http://127.0.0.1:5140/satori；token 填第 3 步写的。""",
    "en": """1. Set up a Satori server, for example Koishi (koishi.chat), and open its console in a browser.
2. Under "Plugins" add the adapter of each platform (adapter-discord, adapter-lark, adapter-qq, adapter-kook,
   adapter-wechat-official and others), fill in its keys as it says and switch it on until it shows "connected".
3. Add the plugin server-satori, write a token into its settings and switch it on.
4. url is Koishi's address with /satori, such as http://127.0.0.1:5140/satori; token is that of step 3.""",
}


class SatoriOptions(SourceOptions):
    kind: ClassVar[str] = "satori"
    about: ClassVar[str] = "A Satori server: Discord, Lark, QQ, KOOK, WeChat MP and others through their adapters."

    url: Url = Field(
        default="http://127.0.0.1:5140/satori", description="Address of the server: what stands before `/v1/events`."
    )
    token: SecretStr = secret("Token of the server.", variable="FLOORMIC_SATORI_TOKEN", needed=False)
    channels: tuple[str, ...] = Field(
        default=(), description="Ids of the group channels to listen to; empty for all. Private ones are always heard."
    )
    every_message: StrictBool = Field(
        default=True, description="Look for questions in every message, not only in `/ask` and mentions."
    )
    edit: StrictBool = Field(
        default=False, description="The platforms can edit messages (Discord, Lark, KOOK can; QQ and WeChat cannot)."
    )
    buttons: StrictBool = Field(default=False, description="The platforms show buttons (Discord, Lark and QQ do).")


def make(options: SatoriOptions, around: Surroundings) -> Satori:
    return Satori(
        options.name,
        options.url,
        options.token.get_secret_value(),
        options.session,
        now=around.now,
        language=around.language,
        every_message=options.every_message,
        channels=options.channels,
        edit=options.edit,
        buttons=options.buttons,
    )


async def try_out(options: SatoriOptions, around: Surroundings) -> str:
    satori = make(options, around)
    try:
        return await satori.introduce()
    finally:
        await satori.close()


KIND = Kind(
    options=SatoriOptions,
    titles={"zh": "Satori（Discord、飞书、QQ、KOOK 等）", "en": "Satori (Discord, Lark, QQ, KOOK and others)"},
    guide=GUIDE,
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
)
