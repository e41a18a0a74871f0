"""What chats are told about a survey: that it is there, what comes next, that somebody has not answered, and thanks."""

from bot.model import PollState, SurveyState
from bot.polling import asking

TEXTS = {
    "zh": {
        "over": "谢谢参加！",
        "rest_one": "还有一题在这里，不到一分钟，匿名：{url}",
        "rest": "其余 {n} 题在这里，一分钟，匿名：{url}",
        "all": "请在这里告诉我们，一分钟，匿名：{url}",
        "follow": "之后还有 {n} 题，会接着问；也可以在网页上一次填完，匿名：{url}",
        "remind": "上次的讲座您还没有评价。可以在这里回复，也可以在网页上填，一分钟，匿名：{url}",
        "stop": "不想再收到这类消息，请回复“退订”。",
        "next": "谢谢！下一题：",
        "thanks": "都记下了，谢谢！",
        "change": "想改第一题，直接回复新的数字就行。",
    },
    "en": {
        "over": "Thanks for taking part!",
        "rest_one": "One more question is here, less than a minute, anonymous: {url}",
        "rest": "The other {n} are here, one minute, anonymous: {url}",
        "all": "Please tell us here, one minute, anonymous: {url}",
        "follow": "There are {n} more; they follow here, or answer all at once on the page, anonymous: {url}",
        "remind": "You have not told us yet how the talk was. Reply here, or use the page, anonymous: {url}",
        "stop": "To hear no more of this, reply “stop”.",
        "next": "Thanks! Next:",
        "thanks": "All noted, thank you!",
        "change": "To change your first answer just reply with another number.",
    },
}


def _say(language: str) -> dict[str, str]:
    return TEXTS["zh" if language == "zh" else "en"]


def invitation(survey: SurveyState, item: PollState | None, language: str, url: str, *, private: bool) -> str:
    """That it is open, with its first item (None: it has none that is answered by typing a number) and where the rest
    is: in a private chat it follows."""
    say, more = _say(language), len(survey.items) - 1
    lines = [say["over"], asking(item, language)] if item else [f"{say['over']} {survey.title}"]
    if item is None:
        lines.append(say["all"].format(url=url))
    elif more and private:
        lines.append(say["follow"].format(n=more, url=url))
    elif more:
        lines.append(say["rest_one" if more == 1 else "rest"].format(n=more, url=url))
    return "\n".join(lines)


def reminder(item: PollState | None, language: str, url: str) -> str:
    """To somebody who took part and has not answered."""
    say = _say(language)
    lines = [say["remind"].format(url=url), asking(item, language) if item else "", say["stop"]]
    return "\n".join(line for line in lines if line)


def next_item(item: PollState, language: str) -> str:
    """What comes next, where the items come one after the other."""
    return f"{_say(language)['next']}\n{asking(item, language)}"


def thanks(item: PollState | None, language: str) -> str:
    """After the last one; `item` is the one that is answered by a number."""
    say = _say(language)
    return "\n".join([say["thanks"], say["change"]] if item else [say["thanks"]])
