"""How the intake for WeChat Channels is configured, and how a broadcaster sets the listener up."""

from typing import ClassVar

from pydantic import SecretStr

from bot.connectors.channels.connector import ABILITIES, Channels
from bot.kinds import Kind, Surroundings
from bot.options import SourceOptions, secret

GUIDE = {
    "zh": """1. 下面问到 secret 时直接按回车，会自动生成一个密钥，写进一个文件（最后会说是哪个）。
   然后启动 Floormic。
2. 在主播用来打开视频号助手的电脑上，用 Chrome、Edge 或 Firefox 安装浏览器扩展 Tampermonkey（篡改猴）。
   Chrome 和 Edge 还要在“扩展程序 → Tampermonkey → 详细信息”里打开“允许运行用户脚本”。
3. 在同一个浏览器里打开 Floormic 的地址，后面加 /in/channels?key=密钥（密钥就是那个文件里的一行；
   来源改过名的话，把 channels 换成它的名字）。会看到一段脚本，地址和密钥已经填好：全选，复制。
4. 点浏览器右上角的 Tampermonkey 图标 → 添加新脚本，删掉里面的内容，粘贴，按 Ctrl+S 保存。
5. 打开 https://channels.weixin.qq.com，用微信扫码登录，进入“直播 → 直播管理”（中控台），开播。
6. 页面左下角出现“Floormic 已连接”就好了。第一次转发时如果 Tampermonkey 询问，选“总是允许此域名”。
7. 直播期间不要关掉这个页面。脚本只转发这个页面收到的评论，不发送任何东西，密钥不要给别人。""",
    "en": """1. Where secret is asked for below, press Enter: one is made, in a file that is named at the end.
   Then start Floormic.
2. On the computer where the broadcaster opens the Channels console, install the extension Tampermonkey in Chrome, Edge
   or Firefox. In Chrome and Edge also switch on "Allow user scripts" under Extensions, Tampermonkey, Details.
3. In the same browser open the address of Floormic followed by /in/channels?key=YOUR-SECRET (the line in that file; and
   the name of the source where it is another). It shows a script with the address and the secret filled in: select
   all of it and copy.
4. Click the Tampermonkey icon, "Create a new script", delete what is there, paste, and save with Ctrl+S.
5. Open https://channels.weixin.qq.com, sign in with WeChat, go to the live console (直播 → 直播管理) and go live.
6. "Floormic: connected" appears at the lower left. Where Tampermonkey asks, choose "Always allow domain".
7. Keep that page open while the live is on. The script forwards the comments that the page receives and sends nothing
   to WeChat. Give the secret to nobody.""",
}


class ChannelsOptions(SourceOptions):
    kind: ClassVar[str] = "channels"
    about: ClassVar[str] = (
        "WeChat Channels live (视频号): a script in the broadcaster's browser forwards the comments (docs/channels.md)."
    )

    secret: SecretStr = secret("The secret that the listener sends, at least 16 characters.", made_here=True)


def make(options: ChannelsOptions, around: Surroundings) -> Channels:
    key = options.secret.get_secret_value()
    return Channels(options.name, key, options.session, now=around.now, public_url=around.public_url)


async def try_out(options: ChannelsOptions, around: Surroundings) -> str:
    base = around.public_url or "http://127.0.0.1:8080"
    return (
        "WeChat has nothing that could be tried from here. Start Floormic, then open "
        f"{base}/in/{options.name}?key=YOUR-SECRET in the broadcaster's browser: it shows the listener to install."
    )


KIND = Kind(
    options=ChannelsOptions,
    titles={"zh": "视频号直播", "en": "WeChat Channels live"},
    guide=GUIDE,
    abilities=ABILITIES,
    make=make,
    try_out=try_out,
    called=True,
)
