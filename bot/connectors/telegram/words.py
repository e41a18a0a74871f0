"""Everything that this connector says by itself, in both languages."""

from bot.fitting import cut
from bot.model import Status

WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "help": (
            "我替讲者收集大家的提问，把问同一件事的合在一起，课程资料里已有答案的会直接回答。\n\n"
            "私聊：直接把问题发给我。\n"
            "群里：/ask 你的问题，或者 @{bot} 你的问题；也可以用 /ask 回复一条消息，把它当作提问。\n"
            "/questions 大家最想问的问题（可以投票）\n"
            "/mine 我问过的问题怎么样了\n"
            "/link 网页上的绑定码：和网页上的您算作同一个人\n\n"
            "专家回答之后，我会在您提问的地方告诉您。修改已发出的消息不会改变提问，请重新发一条。"
        ),
        "privacy": "在群里我只看得到命令、@我 的消息和对我的回复（Telegram 的隐私模式）。",
        "hint": "请写成：/ask 你的问题。或者用 /ask 回复一条消息，把那条消息当作提问。",
        "top": "大家最想问的：",
        "top_line": "{rank}. {title}（{people} 人想知道）",
        "top_none": "还没有人提问，来当第一个吧。",
        "top_button": "我也想问 {rank}",
        "mine": "您的提问：",
        "mine_here": "您在这里的提问（其他地方的请私聊我查看）：",
        "mine_line": "• {text}\n  {state}",
        "mine_none": "您还没有提过问题。",
        "voted": "已计入，共 {people} 人想知道",
        "not_answered": "已转入提问队列，会请讲者或专家来回答",
        "gone": "这个问题已经不在队列里了",
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
            "In a group: /ask your question, or @{bot} your question; or reply to a message with /ask to ask that.\n"
            "/questions what most people want to know (you can vote)\n"
            "/mine what became of my questions\n"
            "/link and the code that the web page shows: you are the same person there\n\n"
            "When an expert answers, I tell you where you asked. Editing a sent message does not change the "
            "question: please send a new one."
        ),
        "privacy": "In groups I only see commands, mentions and replies to me (Telegram's privacy mode).",
        "hint": "Please write: /ask your question. Or reply to a message with /ask to ask that.",
        "top": "What most people want to know:",
        "top_line": "{rank}. {title} ({people} want to know)",
        "top_none": "Nobody has asked yet: be the first.",
        "top_button": "Me too: {rank}",
        "mine": "Your questions:",
        "mine_here": "Your questions from this chat (write to me in private for the others):",
        "mine_line": "• {text}\n  {state}",
        "mine_none": "You have not asked anything yet.",
        "voted": "Counted: {people} want to know",
        "not_answered": "It goes to the queue; the speaker or an expert will be asked",
        "gone": "This question is no longer in the queue",
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
    return cut(" ".join(text.split()), limit)
