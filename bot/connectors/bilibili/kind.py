"""How a Bilibili live room is configured and tried out."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr

from bot.connectors.bilibili.client import Client, OAuthPlatform, OpenPlatform, Timing
from bot.connectors.bilibili.connector import ABILITIES, Bilibili
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions, secret

URLS = {"open": "https://live-open.biliapi.com", "oauth": "https://member.bilibili.com"}
SIGNATURES = {"open": "1.0", "oauth": "2.0"}

GUIDE = {
    "zh": """1. 用哔哩哔哩账号登录直播开放平台 https://open-live.bilibili.com ，完成开发者认证。
2. 在个人资料页复制 access_key_id 和 access_key_secret（密钥会寄到注册邮箱）。
3. 新建一个项目，复制项目 ID，填入 app_id。未上架的项目只能用在开发者自己的直播间。
4. 请主播打开 https://link.bilibili.com/p/center/index#/my-room/start-live ，在“身份码”处复制自己的身份码，填入 code。\
身份码等于钥匙，请勿在直播画面里露出；主播刷新后旧码失效。
5. 一般请用上面的方式（variant 填 "open"）。若您用的是开放平台 https://open.bilibili.com 的 OAuth 应用：\
variant 填 "oauth"，access_key_id 填 client_id，access_key_secret \
填 app_secret，access_token 填主播授权后得到的令牌；不需要 app_id 和 code。
6. 哔哩哔哩没有官方的发弹幕接口：回答会显示在投屏、网页和能回复的群里。""",
    "en": """1. Sign in to the open live platform, https://open-live.bilibili.com, and become a verified developer.
2. Copy access_key_id and access_key_secret from your profile there (the secret is mailed to you).
3. Create a project and copy its number: that is app_id. Until it is published it works in your own room only.
4. Let the broadcaster open https://link.bilibili.com/p/center/index#/my-room/start-live and copy the identity code \
(身份码): that is code. It is a key, so keep it out of the picture; renewing it makes the old one void.
5. With an OAuth app of https://open.bilibili.com instead: variant is "oauth", access_key_id the client_id, \
access_key_secret the app_secret, and access_token what the broadcaster's authorisation gave; no app_id, no code.
6. Bilibili has no official way to send: answers stand on the overlay, the web page and in the chats that can reply.""",
}


class BilibiliOptions(SourceOptions):
    kind: ClassVar[str] = "bilibili"
    about: ClassVar[str] = "The comments of a Bilibili live room (哔哩哔哩直播)."

    variant: Literal["open", "oauth"] = Field(
        default="open",
        description="`open`: an app of open-live.bilibili.com with the broadcaster's identity code; `oauth`: an app of "
        "open.bilibili.com that the broadcaster authorised.",
    )
    access_key_id: str = Field(default="", description="Key of the developer; for `oauth` the client_id.")
    access_key_secret: SecretStr = secret(
        "Secret of that key; for `oauth` the app_secret.", variable="FLOORMIC_BILIBILI_SECRET"
    )
    app_id: Annotated[int, Field(ge=0)] = Field(default=0, description="Number of the project, for `open`.")
    code: SecretStr = secret(
        "Identity code (身份码) of the broadcaster, for `open`.",
        variable="FLOORMIC_BILIBILI_CODE",
        needed=False,
        only={"variant": "open"},
    )
    access_token: SecretStr = secret(
        "Token that the broadcaster's authorisation gave, for `oauth`.",
        variable="FLOORMIC_BILIBILI_TOKEN",
        needed=False,
        only={"variant": "oauth"},
    )
    base_url: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")] = Field(
        default="", description="Address of the platform; empty for the official one of the variant."
    )

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        found = []
        if not self.access_key_id:
            found.append(("access_key_id", "is needed; the developer's page of Bilibili shows it"))
        if self.variant == "open" and not self.app_id:
            found.append(("app_id", "is needed with variant open: the number of the project"))
        if self.variant == "open" and not self.code.get_secret_value():
            found.append(("code", "is needed with variant open: the broadcaster's identity code (身份码)"))
        if self.variant == "oauth" and not self.access_token.get_secret_value():
            found.append(("access_token", "is needed with variant oauth: what the broadcaster's authorisation gave"))
        return found


def make(options: BilibiliOptions, around: Surroundings, timing: Timing | None = None) -> Bilibili:
    """`timing`: shorter waits, for tests."""
    timing = timing or Timing()
    oauth = options.variant == "oauth"
    client = Client(
        options.base_url or URLS[options.variant],
        options.access_key_id,
        options.access_key_secret.get_secret_value(),
        around.now,
        version=SIGNATURES[options.variant],
        token=options.access_token.get_secret_value() if oauth else "",
        answer=timing.answer,
    )
    platform = (
        OAuthPlatform(client, options.access_key_id)
        if oauth
        else OpenPlatform(client, options.app_id, options.code.get_secret_value())
    )
    return Bilibili(options.name, options.session, client, platform, timing)


async def try_out(options: BilibiliOptions, around: Surroundings) -> str:
    bilibili = make(options, around)
    try:
        return await bilibili.introduce()
    finally:
        await bilibili.close()


KIND = Kind(
    options=BilibiliOptions,
    titles={"zh": "哔哩哔哩直播", "en": "Bilibili Live"},
    guide=GUIDE,
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
)
