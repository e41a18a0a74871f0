"""The page's words in English and Chinese. Names of figures and methods are English in the results, and said here."""

import re
from typing import Literal

Language = Literal["en", "zh"]

PAGE: dict[str, tuple[str, str]] = {
    "title": ("What Floormic understands, measured", "Floormic 理解能力评测"),
    "command": ("Command", "命令"),
    "version": ("Version", "版本"),
    "made": ("Measured", "评测时间"),
    "how": (
        "In brackets: 95 % intervals, from a bootstrap over groups of messages that one answer satisfies (over "
        "messages where there are no groups); of speed the least and the most of the rounds. Where all of n groups are "
        "right or all are wrong, some 3/n may be otherwise, which no bootstrap shows. The program's thresholds are "
        "frozen. The thresholds of all other methods are the best ones for the very data they are judged on, which "
        "favours them. Ambiguous labels are left out unless “all labels” is said. “Each judgement by itself” is given "
        "every true asking, as the simpler methods are.",
        "括号内为 95 % 置信区间：对“同一个回答就够”的问题组做自助抽样（没有分组时按消息）；速度为各轮的最小值与最大值。"
        "若 n 组全对或全错，仍可能有约 3/n 与此不同，自助抽样显示不出来。"
        "本程序的阈值是冻结的；其他方法的阈值都取在被评数据上最好的那个，对它们有利。"
        "除注明“全部标注”外，不含有歧义的标注。“单项判断”与各简单方法一样，拿到的是全部真实提问。",
    ),
    "failed": ("Not measured", "未能评测"),
    "figures": ("Figures", "数据"),
    "pictures": ("Pictures", "图"),
    "mistakes": ("The worst mistakes", "最严重的错误"),
    "mistakes_how": (
        "Up to twenty of each kind, the ones that the program was surest of first.",
        "每类最多二十条，程序最有把握的在前。",
    ),
    "message": ("Message", "消息"),
    "other": ("Put to, or missed", "归到（或漏掉）的对象"),
    "score": ("Score", "得分"),
    "reason": ("Reasons", "理由"),
    "of": ("{shown} of {total}", "{total} 条中的 {shown} 条"),
    "none": ("none", "没有"),
    "answers": ("Answers: precision against coverage", "回答：精确率与覆盖率"),
    "answers x": ("coverage of the answerable", "可回答问题的覆盖率"),
    "answers y": ("precision", "精确率"),
    "grouping": ("Same question, by threshold", "同一问题：随阈值变化"),
    "grouping x": ("joins from this probability on", "合并所需的概率"),
    "grouping y": ("over pairs", "按消息对计"),
    "reliability": ("Probabilities: what was said and what was so", "概率：所说与实际"),
    "reliability x": ("mean probability of a tenth of the messages", "每十分之一消息的平均概率"),
    "reliability y": ("share that was so", "实际所占比例"),
    "learning": ("Learning curve of the shipped encoder", "随附编码器的学习曲线"),
    "learning x": ("topics learnt from", "训练主题数"),
    "learning y": ("figure", "指标"),
    "mark": ("the points are where the program stands", "圆点为本程序的实际位置"),
}

_CHINESE: dict[str, str] = {
    # judgements
    "asking": "识别提问",
    "same question": "同一问题",
    "answering": "由课程回答",
    "recurring": "跨场重复的问题",
    "speed": "速度",
    # methods
    "floormic": "floormic",
    "floormic, all labels": "floormic（全部标注）",
    "each judgement by itself": "单项判断",
    "a question mark": "只看问号",
    "TF-IDF": "TF-IDF（字符）",
    "BM25": "BM25",
    "agglomerative, after the fact": "层次聚类（事后）",
    "semhash, after the fact": "semhash（事后）",
    "every one alone": "每条单独成组",
    # figures
    "precision": "精确率",
    "recall": "召回率",
    "F1": "F1",
    "average precision": "平均精确率",
    "taken for an asking: question": "判为提问：问题",
    "taken for an asking: request": "判为提问：请求",
    "taken for an asking: greeting": "判为提问：问候",
    "taken for an asking: chatter": "判为提问：闲聊",
    "taken for an asking: answer": "判为提问：回答他人",
    "taken for an asking: rhetorical": "判为提问：反问",
    "taken for an asking: spam": "判为提问：广告",
    "taken for an asking: other": "判为提问：其他",
    "Brier score": "Brier 分数",
    "calibration error": "校准误差",
    "calibration error by chance": "校准误差（仅由偶然）",
    "pair precision": "消息对精确率",
    "pair recall": "消息对召回率",
    "pair F1": "消息对 F1",
    "B-cubed precision": "B-cubed 精确率",
    "B-cubed recall": "B-cubed 召回率",
    "B-cubed F1": "B-cubed F1",
    "pairs by similarity: average precision": "按相似度排消息对：平均精确率",
    "suggested merges": "建议合并（条）",
    "suggested merges: right": "建议合并：正确的比例",
    "pair F1 with all suggested merges": "采纳全部建议合并后的消息对 F1",
    "pair F1 with the right ones": "只采纳正确的建议合并后的消息对 F1",
    "best threshold": "最佳阈值",
    "sent": "自动发送（条）",
    "sent: precision": "自动发送：精确率",
    "sent from the right part: holds the answer": "从正确处发送：内容里有答案",
    "sent: coverage": "自动发送：覆盖率",
    "sent though not in the course": "课程里没有却发送",
    "offered: precision": "发送或建议：精确率",
    "offered: coverage": "发送或建议：覆盖率",
    "right part first": "正确条目排第一",
    "coverage at precision 0.95, best threshold": "精确率 .95 时的覆盖率（最佳阈值）",
    "area under ROC": "ROC 曲线下面积",
    "messages a second": "每秒消息数",
    "one message, median": "单条消息，中位数",
    "one message, p99": "单条消息，p99",
    "one message and reading, median": "单条消息并成对阅读，中位数",
    "one message and reading, p99": "单条消息并成对阅读，p99",
    "start to the first vector": "启动到首个向量",
    "memory at most": "内存峰值",
    "messages": "消息数",
    "of them encoded": "其中编码的",
    "whole path, seconds": "全流程（秒）",
    "encoder alone, seconds": "仅编码器（秒）",
    "reading pairs alone, seconds": "仅成对阅读（秒）",
    "encoder alone on every message, seconds": "仅编码器、每条消息（秒）",
    "ratio, reading included": "比率（含成对阅读）",
    "ratio, every message": "比率（按每条消息）",
    "ratio": "比率",
    # curves
    "as often as was said": "所说与实际一致",
    "pairs by similarity: average precision, our talks": "按相似度排消息对：平均精确率（自有讲座）",
    "pairs by similarity: average precision, held-out topics": "按相似度排消息对：平均精确率（留出的主题）",
    # on how much, numbers aside
    "{} messages, {} of them ask": "{} 条消息，其中 {} 条是提问",
    "{} askings in {} groups": "{} 条提问，{} 组",
    "{} askings, {} of them answerable": "{} 条提问，其中 {} 条课程能回答",
    "{} recurring pairs of groups in {} talks": "{} 对跨场重复的问题组，{} 场讲座",
    "the middle of {} rounds, the least and the most; a ratio is the model's time over the whole path's": (
        "{} 轮的中位数、最小值与最大值；比率为模型用时占全流程用时的比例"
    ),
    "{} topics": "{} 个主题",
    "{} of {} askings, in {} random orders": "{1} 条提问中的 {0} 条，{2} 种随机顺序",
    "{} of {} askings (generated); half of the entries removed": "{1} 条提问（机器生成）中的 {0} 条；去掉了一半条目",
    "{} of {} messages; entries have no answer text; {} wordings an entry at most": (
        "{1} 条消息中的 {0} 条；条目没有回答正文；每个条目最多 {2} 种问法"
    ),
    "{} askings with an entry, {} near ones, {} far ones; every second intent; entries have no answer text; {} "
    "wordings an entry at most": (
        "{} 条有对应条目的提问，{} 条相近的，{} 条无关的；只用一半意图；条目没有回答正文；每个条目最多 {} 种问法"
    ),
    "{} of {} askings, {} of {} passages, half of them removed; who asked had read the passage": (
        "{1} 条提问中的 {0} 条，{3} 段文字中的 {2} 段，去掉了一半；提问者读过原文"
    ),
    "{} of {} lines of television dialogue; asks: the dialogue act is a question": (
        "{1} 句电视剧对白中的 {0} 句；按对话行为是否为提问标注"
    ),
    "{} of {} posts, German; asks: had a question mark, which was taken away (a weak label)": (
        "{1} 条德语帖子中的 {0} 条；以原有问号为标注（问号已去掉，标注较弱）"
    ),
    # mistakes
    "asking: wrongly found": "误判为提问",
    "asking: missed": "漏掉的提问",
    "grouping: wrongly joined": "误合并",
    "grouping: missed": "漏合并",
    "answers: wrongly sent": "误发的回答",
    "answers: missed": "漏发的回答",
}

_SETS = {"talks": "讲座", "topics": "主题", "encoder alone": "仅编码器", "this machine": "本机", "start": "启动"}
"""Names of what is measured on that are words; the others are names."""

_FIRST_ORDER = ", first order"
_FIXED = ", fixed threshold"
_NUMBER = re.compile(r"\d+")


def say(name: str, language: Language) -> str:
    """A figure's or method's name in a language, or on how much it is measured; what is nobody's word (a model's name)
    stays as it is."""
    if language == "en":
        return name
    if name.endswith(_FIXED):
        return name.removesuffix(_FIXED) + "（固定阈值）"
    counted = _CHINESE.get(_NUMBER.sub("{}", name), "").format(*_NUMBER.findall(name))
    return _CHINESE.get(name) or counted or name


def say_set(name: str, language: Language) -> str:
    """The name of what was measured on, in a language."""
    if language == "en":
        return name
    said = name.removesuffix(_FIRST_ORDER)
    return _SETS.get(said, said) + ("" if said == name else "（第一种顺序）")


def page_words(language: Language) -> dict[str, str]:
    return {key: pair[language == "zh"] for key, pair in PAGE.items()}
