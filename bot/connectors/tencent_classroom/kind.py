"""How Tencent Classroom's successors are configured and tried out."""

import re
from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from bot.connectors.tencent_classroom.classroom import ABILITIES, Classroom, Voice
from bot.connectors.tencent_classroom.client import Lcic, Meeting
from bot.connectors.tencent_classroom.meeting import Meetings
from bot.errors import SettingsError
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions, Url, secret

LCIC_URL = "https://lcic.tencentcloudapi.com"
MEETING_URL = "https://api.meeting.qq.com"
HOSTS = ("meeting.tencent.com", "meeting.qq.com", "myqcloud.com", "tencentcos.cn", "tencentcos.com")

GUIDE = {
    "zh": """腾讯课堂已于 2024 年 10 月停止服务，接替它的有三种方式：

一、实时互动-教育版（LCIC），way = "lcic"：边上课边收消息，也能在课堂里回复。
1. 登录 console.cloud.tencent.com/lcic，在“应用管理”里找到 SdkAppId，填入 sdk_app_id。
2. 在“访问管理 > API 密钥管理”里新建密钥，得到 SecretId 和 SecretKey；该用户需要 LCIC 的权限。
3. 房间号（RoomId）在课堂列表里，填入 room。
4. reply_as 选 notice 最省事：回答以房间公告发出。想让机器人像一个人那样发言，选 person，并在
   console.cloud.tencent.com/api/explorer?Product=lcic&Action=RegisterUser 给它注册一个用户，把 UserId 填入 account。

二、腾讯会议 / 网络研讨会，way = "meeting"：会议结束后取回聊天记录。
1. 管理员登录 meeting.tencent.com，进入“企业管理 > 高级 > 企业自建应用”，新建应用，
   得到 AppId、SdkId（没有就不填）、SecretId 和 SecretKey，并勾选“查看企业会议详细信息”权限。
2. 在企业管理里开启聊天存档；operator_id 填管理员的 userid。
3. meetings 填会议 ID 或会议号，只收这些会议的聊天。
4. 想在会议一结束就取（可选）：在应用的“事件订阅”里填 https://您的域名/in/名称，Token 填入 token，
   EncodingAESKey 留空，订阅“会议结束”。

三、已经导出的聊天记录文件：停下程序，运行 floormic import 文件。""",
    "en": """Tencent Classroom closed in October 2024. There are three ways in its place:

A. The classroom of Tencent Cloud (LCIC), way = "lcic": hears the class live and can reply in it.
1. Sign in at console.cloud.tencent.com/lcic; the SdkAppId under "Applications" is sdk_app_id.
2. Under "Access Management, API keys" make a key: SecretId and SecretKey. Its user needs the right to use LCIC.
3. The number of the room (RoomId) is in the list of classes: it is room.
4. The least work is reply_as = "notice": answers come as notices of the room. For a bot that speaks as a person choose
   "person", register a user for it at console.cloud.tencent.com/api/explorer?Product=lcic&Action=RegisterUser, and give
   its UserId as account.

B. Tencent Meeting or Webinar, way = "meeting": the chat is fetched after the event.
1. As an administrator at meeting.tencent.com, under "Enterprise, Advanced, Own applications", make an application. It
   has an AppId, perhaps an SdkId, a SecretId and a SecretKey; let it see the details of the enterprise's meetings.
2. Let the enterprise archive chats; operator_id is the userid of an administrator.
3. meetings are the ids or numbers of the meetings. Only their chats are taken.
4. To have the chat as soon as a meeting ends (optional): under the application's event subscriptions give the address
   https://your.domain/in/NAME and the token, leave EncodingAESKey empty, and subscribe to "meeting ended".

C. A chat that was exported to a file: stop the program and run floormic import FILE.""",
}


class TencentOptions(SourceOptions):
    kind: ClassVar[str] = "tencent_classroom"
    about: ClassVar[str] = "What came after Tencent Classroom: Tencent Cloud's classroom (LCIC), or Tencent Meeting."

    way: Literal["lcic", "meeting"] = Field(
        default="lcic",
        description="`lcic` hears a room of Tencent Cloud's classroom live; `meeting` fetches the chat of a Tencent "
        "Meeting after the event. Exported files are read by `floormic import`.",
    )
    secret_id: str = Field(default="", description="SecretId of the key (lcic) or of the application (meeting).")
    secret_key: SecretStr = secret("SecretKey that belongs to it.", variable="FLOORMIC_TENCENT_SECRET_KEY")
    sdk_app_id: int = Field(default=0, ge=0, description="lcic: SdkAppId of the application.")
    room: int = Field(default=0, ge=0, description="lcic: number of the room (RoomId).")
    account: str = Field(default="", max_length=200, description="lcic: UserId of the user with which the bot speaks.")
    nickname: str = Field(default="Floormic", max_length=50, description="lcic: name that is shown beside it.")
    reply_as: Literal["person", "notice"] = Field(
        default="person",
        description="lcic: answers come from `account`, or as a `notice` of the room.",
        json_schema_extra={"only": {"way": "lcic"}},
    )
    poll_seconds: float = Field(default=1.0, ge=0.1, le=60, description="lcic: seconds between two looks at the room.")
    page_size: int = Field(
        default=50, ge=1, le=500, description="lcic: messages asked for at once; the platform's package sets the limit."
    )
    app_id: str = Field(default="", description="meeting: AppId of the enterprise.")
    sdk_id: str = Field(default="", description="meeting: SdkId of the application, if it has one.")
    operator_id: str = Field(default="", description="meeting: userid of an administrator.")
    meetings: tuple[str, ...] = Field(
        default=(),
        description="meeting: ids or numbers of the meetings whose chats are taken. A number alone needs the webhook.",
    )
    token: SecretStr = secret("meeting: token of the webhook, if there is one.", needed=False, only={"way": "meeting"})
    download_hosts: tuple[str, ...] = Field(
        default=HOSTS,
        description="meeting: hosts, with those below them, from which chat files may be downloaded by https. "
        f"Left out: {', '.join(HOSTS)}.",
    )
    lcic_url: Url = Field(default=LCIC_URL, description="Address of the LCIC API; another one for tests.")
    meeting_url: Url = Field(
        default=MEETING_URL, description="Address of the Tencent Meeting API; another one for tests."
    )

    @property
    def keeps_ids(self) -> bool:
        return self.way != "meeting"

    def problems(self, public_url: str) -> list[tuple[str, str]]:
        needed = {
            "lcic": ("secret_id", "sdk_app_id", "room"),
            "meeting": ("secret_id", "app_id", "operator_id", "meetings"),
        }[self.way]
        found = [(key, f'is needed for way = "{self.way}"') for key in needed if not getattr(self, key)]
        if self.way == "lcic" and self.reply_as == "person" and not self.account:
            found.append(("account", 'is needed to reply as a person; or set reply_as = "notice"'))
        if any(not re.fullmatch(r"[0-9 -]{6,40}", one) for one in self.meetings):
            found.append(("meetings", "are ids or numbers of meetings: digits only"))
        if self.way == "meeting" and self.token.get_secret_value() and not public_url.startswith("http"):
            found.append(("token", "the webhook needs web.public_url; leave it out and the chat is asked for instead"))
        return found


def make(options: TencentOptions, around: Surroundings) -> Classroom | Meetings:
    """Raises `SettingsError` where the options do not go together."""
    if problems := options.problems(around.public_url):
        raise SettingsError([f"[{options.kind}] {key}: {why}" for key, why in problems])
    key = options.secret_key.get_secret_value()
    if options.way == "meeting":
        return Meetings(
            options.name,
            options.session,
            Meeting(
                options.meeting_url,
                options.secret_id,
                key,
                options.app_id,
                options.sdk_id,
                options.operator_id,
                options.download_hosts,
                around.now,
            ),
            options.meetings,
            options.token.get_secret_value(),
            now=around.now,
        )
    return Classroom(
        options.name,
        options.session,
        Lcic(options.lcic_url, options.secret_id, key, options.sdk_app_id, options.room, around.now),
        options.room,
        Voice(options.account, options.nickname, options.reply_as == "notice"),
        now=around.now,
        every=options.poll_seconds,
        page=options.page_size,
        language=around.language,
    )


async def try_out(options: TencentOptions, around: Surroundings) -> str:
    connector = make(options, around)
    try:
        return await connector.introduce()
    finally:
        await connector.close()


KIND = Kind(
    options=TencentOptions,
    titles={"zh": "腾讯课堂 / 腾讯会议", "en": "Tencent Classroom / Meeting"},
    guide=GUIDE,
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
)
