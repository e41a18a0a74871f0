"""What a report says, in the languages of sessions, and how it writes times and texts."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from types import MappingProxyType

from bot.cells import plain
from bot.model import COURSE, SOMEBODY
from bot.report.phrases import PAIRS

NO_NAMES: Mapping[str, str] = MappingProxyType({})
LONGEST = 400
"""Characters of a text that a page or Markdown shows; CSV and JSON have all of it."""

EN = {
    "lang": "en",
    "report": "Report",
    "made": "Made {at}, times are {zone}",
    "headline": "In figures",
    "messages": "messages",
    "people": "people in the chats",
    "asked": "messages that ask something",
    "groups": "different questions",
    "by_course": "answered by the course",
    "by_people": "answered by people",
    "open": "still open",
    "dismissed": "dismissed",
    "chats": "chats",
    "unread": "Messages not looked at when this was made: {n}.",
    "timeline": "Timeline",
    "timeline_none": "No messages came in.",
    "timeline_text": "{messages} messages and {asked} questions from {start} to {end}. Most messages came "
    "around {busiest} ({most} in {step}), most questions around {asking} ({most_asked} in {step}).",
    "timeline_quiet": "{messages} messages from {start} to {end}; none of them asks something.",
    "minute": "a minute",
    "minutes": "{n} minutes",
    "legend_messages": "messages",
    "legend_asked": "of these, questions",
    "top": "Most wanted",
    "top_text": "By the number of people who asked or voted.",
    "question": "Question",
    "status": "Status",
    "votes": "votes",
    "answered": "What was answered",
    "answered_by": "By {who}",
    "course": "the course",
    "left": "What was left",
    "left_text": "In order of demand.",
    "gaps": "Gaps of the course",
    "gaps_text": "Asked by several people and answered by nobody, the course included: worth an entry in the FAQ.",
    "gaps_none": "None: whatever several people asked was answered.",
    "dismissed_title": "Dismissed",
    "by_chat": "By chat",
    "chat": "Chat",
    "chat_messages": "Messages",
    "chat_people": "People",
    "chat_asked": "Ask something",
    "chat_groups": "Questions",
    "none": "None.",
    "n_people": "{n} people",
    "one_person": "1 person",
    "first": "first asked {at}",
    "first_by": "first asked {at} by {who}",
    "last": "last {at}",
    "also": "Also asked as",
    "sources": "Source",
    "reason": "Reason",
    "answer": "Answer",
    "more": "and {n} more, below",
    "colon": ": ",
    "status_new": "new",
    "status_queued": "queued",
    "status_on_stage": "on stage",
    "status_answered": "answered",
    "status_dismissed": "dismissed",
    "status_merged": "merged",
}

ZH = {
    "lang": "zh-CN",
    "report": "讲座报告",
    "made": "生成于 {at}，时间为 {zone}",
    "headline": "数字概览",
    "messages": "条消息",
    "people": "人发过言",
    "asked": "条消息在提问",
    "groups": "个不同的问题",
    "by_course": "个由课程资料回答",
    "by_people": "个由人工回答",
    "open": "个还没回答",
    "dismissed": "个已搁置",
    "chats": "个聊天来源",
    "unread": "生成时还有 {n} 条消息没有处理。",
    "timeline": "时间线",
    "timeline_none": "没有收到消息。",
    "timeline_text": "{start} 到 {end} 共 {messages} 条消息、{asked} 次提问。"
    "{busiest} 前后消息最多（{step}内 {most} 条），{asking} 前后提问最多（{step}内 {most_asked} 次）。",
    "timeline_quiet": "{start} 到 {end} 共 {messages} 条消息，没有人提问。",
    "minute": "一分钟",
    "minutes": "{n} 分钟",
    "legend_messages": "消息",
    "legend_asked": "其中提问",
    "top": "最多人想知道的",
    "top_text": "按提问和投票的人数排列。",
    "question": "问题",
    "status": "状态",
    "votes": "投票",
    "answered": "已经回答的",
    "answered_by": "{who}的回答",
    "course": "课程资料",
    "left": "还没回答的",
    "left_text": "按想知道的人数排列。",
    "gaps": "课程资料的缺口",
    "gaps_text": "多人问到，课程资料和专家都没有回答：值得写进常见问题。",
    "gaps_none": "没有：多人问到的都回答了。",
    "dismissed_title": "已搁置的",
    "by_chat": "按聊天来源",
    "chat": "来源",
    "chat_messages": "消息",
    "chat_people": "人数",
    "chat_asked": "提问",
    "chat_groups": "问题",
    "none": "没有。",
    "n_people": "{n} 人",
    "one_person": "1 人",
    "first": "{at} 首次问到",
    "first_by": "{at} 由{who}首次问到",
    "last": "最后一次 {at}",
    "also": "还有人这样问",
    "sources": "出处",
    "reason": "原因",
    "answer": "回答",
    "more": "其余 {n} 个见下文",
    "colon": "：",
    "status_new": "新问题",
    "status_queued": "排队中",
    "status_on_stage": "正在回答",
    "status_answered": "已回答",
    "status_dismissed": "已搁置",
    "status_merged": "已合并",
}


_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {**ZH, **{name: zh for name, (zh, _) in PAIRS.items()}},
    "en": {**EN, **{name: en for name, (_, en) in PAIRS.items()}},
}


def words_of(language: str) -> Mapping[str, str]:
    return _WORDS["zh" if language.startswith("zh") else "en"]


def lasting(seconds: float, language: str) -> str:
    """A length of time, in the largest unit that says it well."""
    w = words_of(language)
    if seconds < 60:
        return w["seconds_n"].format(n=round(seconds))
    minutes = round(seconds / 60)
    if minutes < 60:
        return w["minutes_n"].format(n=minutes)
    if minutes < 1440:
        return (
            w["hours_n"].format(n=minutes // 60, m=minutes % 60) if minutes % 60 else w["hours"].format(n=minutes // 60)
        )
    days = f"{minutes / 1440:.1f}".removesuffix(".0")
    return w["one_day"] if days == "1" else w["days_n"].format(n=days)


def answerer(by: str, w: Mapping[str, str]) -> str:
    """Who gave an answer, in a table."""
    return w["course"] if by == COURSE else w["somebody"] if by == SOMEBODY else by


def answered_by(by: str, w: Mapping[str, str]) -> str:
    """The same as a heading."""
    return w["by_somebody"] if by == SOMEBODY else w["answered_by"].format(who=answerer(by, w))


def percent(share: float | None) -> str:
    """A part of 1, or a dash for none."""
    return "–" if share is None else f"{round(100 * share)}%"


def clipped(text: str, most: int = LONGEST) -> str:
    text = plain(text).strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def day(at: float, zone: tzinfo | None) -> str:
    return f"{local(at, zone):%Y-%m-%d}"


def clock(at: float, zone: tzinfo | None) -> str:
    return f"{local(at, zone):%H:%M}"


def moment(at: float, zone: tzinfo | None) -> str:
    return f"{local(at, zone):%Y-%m-%d %H:%M}"


def iso(at: float, zone: tzinfo | None) -> str:
    return local(at, zone).isoformat(timespec="seconds")


def zone_name(at: float, zone: tzinfo | None) -> str:
    offset = f"{local(at, zone):%z}"
    return "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:]}"


def local(at: float, zone: tzinfo | None) -> datetime:
    """In `zone`; None means the zone of this machine. Times that no calendar holds become its nearest."""
    at = min(max(at, 0.0), 253_000_000_000.0)  # the year 9987
    return datetime.fromtimestamp(at, zone) if zone else datetime.fromtimestamp(at).astimezone()
