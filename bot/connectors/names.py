"""What people call the chats where there is little room, in the languages of the pages."""

from collections.abc import Mapping

CHATS: Mapping[str, Mapping[str, str]] = {
    "web": {"zh": "网页", "en": "Web page"},
    "telegram": {"zh": "Telegram", "en": "Telegram"},
    "bilibili": {"zh": "哔哩哔哩", "en": "Bilibili"},
    "wecom": {"zh": "企业微信", "en": "WeCom"},
    "channels": {"zh": "视频号", "en": "WeChat Channels"},
    "kuaishou": {"zh": "快手", "en": "Kuaishou"},
    "tencent_classroom": {"zh": "腾讯会议/课堂", "en": "Tencent Meeting/Classroom"},
    "feishu": {"zh": "飞书", "en": "Feishu"},
    "dingtalk": {"zh": "钉钉", "en": "DingTalk"},
    "satori": {"zh": "Satori", "en": "Satori"},
    "intake": {"zh": "外部接口", "en": "Other chat"},
    "discord": {"zh": "Discord", "en": "Discord"},
    "slack": {"zh": "Slack", "en": "Slack"},
}
"""By source; a source that is not here is called as it is configured."""
