"""How a Kuaishou live room is configured and tried out."""

from typing import ClassVar

from pydantic import Field, SecretStr, StrictBool

from bot.connectors.kuaishou.client import Client
from bot.connectors.kuaishou.connector import ABILITIES, KuaishouFeed, KuaishouPush
from bot.connectors.kuaishou.feed import Pass
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions, Url, secret

URL = "https://open.kuaishou.com"
BIND = "/openapi/developer/live/smallPlay/bind"

GUIDE = {
    "zh": """1. 在 https://open.kuaishou.com 注册开发者并认证，创建应用，类型选“直播弹幕玩法”，等待审核通过。
2. 在“应用管理 → 应用详情”里复制 app_id 和 app_secret。
3. 在“开发设置”里把消息推送（回调）地址设为 Floormic 的公网地址加 /in/kuaishou（来源改过名的话换成它的名字），
   需要 https；推送类型勾选“评论”。
4. 主播开播后，在直播伴侣的弹幕玩法里复制房间码，填到 room_code。房间码变了就要改。
5. 一个应用只有一个推送地址：同一时间只用于一个直播间。快手不允许往评论区发消息，回答显示在大屏和网页上。
6. 没有资质时可以试用网页接口，运行 floormic connect kuaishou --set web_feed=true ：
   在电脑上打开直播间网页，按 F12 → 网络，找到 websocketinfo 请求，
   复制响应里的 token 和 websocketUrls 中的一个，以及地址里的 liveStreamId。
   它不是公开接口，随时可能失效，token 只能用于这一场直播。""",
    "en": """1. Register as a developer at https://open.kuaishou.com, have yourself verified, create an app of the type
   直播弹幕玩法 (live interactive play), and wait until it is approved.
2. Copy app_id and app_secret under 应用管理, 应用详情.
3. Under 开发设置 set the address for pushes to the public address of Floormic (https) followed by /in/kuaishou (the
   name of the source where it is another), and choose comments (评论).
4. When the live is on, copy the room code from the companion app (直播伴侣) to room_code. It may be another one next
   time.
5. An app has one address for pushes: use it for one room at a time. Kuaishou lets nobody write into the comments;
   answers stand on the stage view and the session's page.
6. Without such an app there is the web page's feed, floormic connect kuaishou --set web_feed=true: open the live's page
   on a computer, press F12, Network, find the request websocketinfo, and copy from its answer the token and one of
   websocketUrls, and from its address the liveStreamId. It is no public interface, may stop working any day,
   and the token is good for this live alone.""",
}


class KuaishouOptions(SourceOptions):
    kind: ClassVar[str] = "kuaishou"
    about: ClassVar[str] = (
        "Comments of a Kuaishou live (快手), pushed by its open platform. Needs a public https address."
    )

    app_id: str = Field(default="", description="Id of the app on open.kuaishou.com.")
    app_secret: SecretStr = secret(
        "Secret of that app.", variable="FLOORMIC_KUAISHOU_APP_SECRET", needed=False, only={"web_feed": False}
    )
    room_code: str = Field(default="", description="Code of the room, from the live's companion app (直播伴侣).")
    bind_route: str = Field(
        default=BIND,
        pattern=r"^/[\w/.-]+$",
        description="Where rooms are bound: this, or the older `/openapi/developer/live/data/task/start`.",
    )
    base_url: Url = Field(default=URL, description="Address of the open platform; another one for tests.")
    web_feed: StrictBool = Field(
        default=False,
        description="Follow the feed of the live's web page instead. It is no public interface and may stop working.",
    )
    web_socket: str = Field(
        default="", pattern=r"^(wss?://[^\s#]+)?$", description="With `web_feed`: one of the page's websocketUrls."
    )
    web_token: SecretStr = secret(
        "With `web_feed`: the token beside it. It is good for one live.", needed=False, only={"web_feed": True}
    )
    live_stream_id: str = Field(default="", description="With `web_feed`: the liveStreamId of the live.")

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        if self.web_feed:
            given = {
                "web_socket": self.web_socket,
                "web_token": self.web_token.get_secret_value(),
                "live_stream_id": self.live_stream_id,
            }
            return [(name, "is needed with web_feed; the page of the live has it") for name in given if not given[name]]
        given = {
            "app_id": self.app_id,
            "app_secret": self.app_secret.get_secret_value(),
            "room_code": self.room_code,
        }
        found = [
            (name, "is missing; floormic connect kuaishou tells where to get it") for name in given if not given[name]
        ]
        if not public_url.startswith("https://" if self.base_url == URL else "http"):
            found.append(("base_url", "Kuaishou pushes to web.public_url, which has to be an https:// address"))
        return found


def make(options: KuaishouOptions, around: Surroundings) -> KuaishouPush | KuaishouFeed:
    if options.web_feed:
        page = around.derive("page").hex()[:16]
        token = options.web_token.get_secret_value()
        given = Pass(options.web_socket, token, options.live_stream_id, f"{page}_{int(around.now() * 1000)}")
        return KuaishouFeed(options.name, given, options.session, now=around.now)
    app_secret = options.app_secret.get_secret_value()
    client = Client(
        options.app_id,
        app_secret,
        options.room_code,
        base_url=options.base_url,
        bind_route=options.bind_route,
        now=around.now,
    )
    return KuaishouPush(
        options.name,
        client,
        app_secret=app_secret,
        room_code=options.room_code,
        session=options.session,
        now=around.now,
    )


async def try_out(options: KuaishouOptions, around: Surroundings) -> str:
    made = make(options, around)
    try:
        return await made.introduce()
    finally:
        await made.close()


KIND = Kind(
    options=KuaishouOptions,
    titles={"zh": "快手直播", "en": "Kuaishou live"},
    guide=GUIDE,
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
    called=True,
)
