"""Everything that this connector says by itself, in both languages."""

from bot.connectors.wecom.cards import characters
from bot.model import Status

WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "help": (
            "我替讲者收集大家的提问，把问同一件事的合在一起，课程资料里已有答案的会直接回答。\n\n"
            "私聊：直接把问题发给我。\n"
            "群里：@我，然后写问题；也可以引用一条消息再 @我，把那条消息当作提问。\n"
            "排行（或 /questions）：大家最想问的问题，可以投票\n"
            "我的问题（或 /mine）：我问过的问题怎么样了\n"
            "绑定 加上网页上的绑定码：和网页上的您算作同一个人\n\n"
            "专家回答之后，我会在您提问的地方告诉您。"
        ),
        "hint": "请写成：提问 您的问题。也可以引用一条消息再 @我，把那条消息当作提问。",
        "top": "大家最想问的：",
        "top_line": "{rank}. {title}（{people} 人想知道）",
        "top_none": "还没有人提问，来当第一个吧。",
        "top_button": "我也想问 {rank}",
        "mine": "您的提问：",
        "mine_here": "您在这里的提问（其他地方的请私聊我查看）：",
        "mine_line": "• {text}\n  {state}",
        "mine_none": "您还没有提过问题。",
        "card_vote": "您也想知道吗？",
        "card_votes": "您也想知道哪一个？",
        "card_not_answered": "没有回答您的问题？",
        "voted": "已计入，共 {people} 人",
        "not_answered": "已转给讲者",
        "gone": "已不在队列里",
        "trouble": "暂时做不到，请稍后再试。",
        "received": "已收到",
        "state_new": "已收到",
        "state_queued": "排队中",
        "state_on_stage": "正在台上回答",
        "state_answered": "已回答",
        "state_answered_text": "已回答：{answer}",
        "state_dismissed": "未选用",
        "state_dismissed_why": "未选用：{reason}",
        "state_merged": "已与同样的问题合并",
    },
    "en": {
        "help": (
            "I collect questions for the speaker, put together those that ask the same, and answer what the course "
            "material already answers.\n\n"
            "In private: just send me your question.\n"
            "In a group: mention me and write your question; or quote a message and mention me to ask that.\n"
            "/questions: what most people want to know (you can vote)\n"
            "/mine: what became of my questions\n"
            "/link and the code that the web page shows: you are the same person there\n\n"
            "When an expert answers, I tell you where you asked."
        ),
        "hint": "Please write: /ask your question. Or quote a message and mention me to ask that.",
        "top": "What most people want to know:",
        "top_line": "{rank}. {title} ({people} want to know)",
        "top_none": "Nobody has asked yet: be the first.",
        "top_button": "Me too: {rank}",
        "mine": "Your questions:",
        "mine_here": "Your questions from this chat (write to me in private for the others):",
        "mine_line": "• {text}\n  {state}",
        "mine_none": "You have not asked anything yet.",
        "card_vote": "Want to know too?",
        "card_votes": "Which do you want to know?",
        "card_not_answered": "Not answered?",
        "voted": "Counted: {people}",
        "not_answered": "Goes to the speaker",
        "gone": "No longer in the queue",
        "trouble": "That does not work right now, please try again later.",
        "received": "received",
        "state_new": "received",
        "state_queued": "in the queue",
        "state_on_stage": "being answered on stage",
        "state_answered": "answered",
        "state_answered_text": "answered: {answer}",
        "state_dismissed": "not taken up",
        "state_dismissed_why": "not taken up: {reason}",
        "state_merged": "merged with the same question",
    },
}

STATES: dict[Status, str] = {status: f"state_{status}" for status in Status}


def words(language: str) -> dict[str, str]:
    return WORDS["zh" if language == "zh" else "en"]


def one_line(text: str, limit: int = 120) -> str:
    return characters(" ".join(text.split()), limit)
