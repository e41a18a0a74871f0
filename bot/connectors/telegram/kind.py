"""How a Telegram bot is configured and tried out."""

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, StrictBool

from bot.connectors.telegram.connector import Telegram
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions, Url, secret

URL = "https://api.telegram.org"

GUIDE = {
    "zh": """1. 在 Telegram 里打开 @BotFather，发送 /newbot，按提示起名字。
2. 它会给出形如 123456789:AA… 的令牌，这就是要填的 token。
3. 想在群里看到每一条消息：向 @BotFather 发送 /setprivacy，选择机器人，选 Disable，然后把机器人重新拉进群。
4. 把机器人加进群里，或者让大家私聊它。
5. 工作人员想在群里主持：另建一个群，把机器人拉进去，发送 /staff，它会说出群的编号，填在 staff_chat。""",
    "en": """1. Open @BotFather in Telegram, send /newbot and choose the names it asks for.
2. It gives a token like 123456789:AA…: that is what is asked for here.
3. To hear every message of a group: send /setprivacy to @BotFather, choose the bot, Disable; then add the bot anew.
4. Add the bot to the group, or let people write to it in private.
5. To moderate from a group of the staff: make one, add the bot, write /staff; it says the id for staff_chat.""",
}


class TelegramOptions(SourceOptions):
    kind: ClassVar[str] = "telegram"
    about: ClassVar[str] = "A Telegram bot."

    token: SecretStr = secret("Token that @BotFather gave.", variable="FLOORMIC_TELEGRAM_TOKEN")
    mode: Literal["polling", "webhook"] = Field(
        default="polling", description="`polling` needs no public address; `webhook` needs `web.public_url` with https."
    )
    every_message: StrictBool = Field(
        default=True,
        description="Look for questions in every message the bot may see, not only in `/ask` and mentions.",
    )
    staff_chat: str = Field(
        default="",
        pattern=r"^(-?\d+(/\d+)?)?$",
        description="Id of a group for the staff, where moderators do with buttons what they do on the board. "
        "Everybody in it counts as a moderator. Write `/staff` in the group and the bot says its id.",
    )
    base_url: Url = Field(default=URL, description="Address of the Bot API; another one for tests.")

    @property
    def staff(self) -> str:
        return self.staff_chat

    def is_staff(self, chat: str) -> bool:
        # Another topic of the staff's forum is the staff's as well.
        return bool(self.staff_chat) and chat.partition("/")[0] == self.staff_chat.partition("/")[0]

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        found, ours = [], self.base_url == URL
        if not re.fullmatch(r"\d+:[\w-]{30,}" if ours else r"\d+:\S+", self.token.get_secret_value()):
            found.append(("token", "is no bot token; @BotFather gives one like 123456789:AA…"))
        if self.mode == "webhook" and not public_url.startswith("https://" if ours else "http"):
            found.append(("mode", "webhook needs web.public_url with https://; or use polling"))
        return found


def make(options: TelegramOptions, around: Surroundings) -> Telegram:
    return Telegram(
        options.name,
        options.token.get_secret_value(),
        options.session,
        now=around.now,
        base_url=f"{options.base_url}/bot",
        base_file_url=f"{options.base_url}/file/bot",
        mode=options.mode,
        public_url=around.public_url,
        secret=around.derive("webhook").hex(),
        every_message=options.every_message,
        language=around.language,
        staff_chat=options.staff_chat,
    )


async def try_out(options: TelegramOptions, around: Surroundings) -> str:
    telegram = make(options, around)
    try:
        return await telegram.introduce()
    finally:
        await telegram.close()


KIND = Kind(
    options=TelegramOptions,
    titles={"zh": "Telegram", "en": "Telegram"},
    guide=GUIDE,
    abilities=Telegram.abilities,
    make=make,
    try_out=try_out,
)
