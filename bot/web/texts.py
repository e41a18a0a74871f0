"""What pages and the API say when something cannot be done. Decides; sends nothing."""

from collections.abc import Mapping

from bot.given import ALOUD

TEXTS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "empty": "请先写下您的问题。",
        "too_long": "最多 {most} 个字符，您写了 {length} 个。请写短一些，或分成几条发送。",
        "too_fast": "发送得太快了，请在 {seconds} 秒后再试。",
        "too_slow": "内容没能及时传完，什么都没有做。请再发一次。",
        "slow_mode": "慢速模式：每人每 {slow} 秒一个问题。{seconds} 秒后可以再发。",
        "too_late": "这个操作到得太晚，没有执行。请看看现在台上的问题，再按一次。",
        "busy": "暂时无法保存，什么都没有丢失。请稍后再试。",
        "crowded": "现在看的人太多，暂时不能实时更新。页面会自动重试。",
        "no_session": "没有这场讲座：{session}。请检查链接。",
        "no_question": "没有这个问题：{question}。它可能已被合并或移除。",
        "no_ledger": "这场讲座没有公开搁置记录。",
        "no_page": "没有这个页面。请检查链接。",
        "no_metrics": "您不能读取运行指标：[web] 的 metrics 列出可以读取的网段，其他来源需要 metrics_token。",
        "nobody_known": "没有保存这个人的任何数据。",
        "no_wording": "这个问题没有这条提问。请重新打开问题再试。",
        "no_code": "这场讲座里没有用过这个提问码。请检查后再试。",
        "bad_code": "提问码是 12 个字母或数字，例如 7K3M-P9QX-2D4T。",
        "not_allowed": "这里需要先登录。请打开主办方给您的登录链接，或在 /signin 用名字和密码登录。",
        "role_short": "您的角色不允许这样做（或者已经到期、被收回）。您写的内容没有丢失。"
        "请联系主办方，或用另一个链接登录。",
        "speaker_text": "讲者只记下“已口头回答”。要写文字回答，请让主持人来写。",
        "aloud": ALOUD["zh"],
        "signed_out": "您已不再登录。您写的内容没有丢失。请重新登录后再试。",
        "wrong_password": "名字和密码对不上。请检查后再试，或请主办方给您一个登录链接。",
        "wrong_old_password": "现在的密码不对。忘了的话，请主办方给您一个登录链接，用它可以设置新密码。",
        "name_empty": "请填写名字，不能全是空格或看不见的字符。",
        "name_long": "名字最多 {most} 个字符，您写了 {length} 个。请写短一些。",
        "name_taken": "这里已经有人叫这个名字了。请换一个，例如加上姓氏。",
        "name_kept": "这样的名字由 Floormic 自己使用：“course”是课程给出的回答，“名字 · 来源”是在工作群里操作的人。"
        "请换一个。",
        "password_short": "密码至少 {least} 个字符，您写了 {length} 个。可以用几个不相干的词。",
        "password_long": "密码最多 {most} 个字符，您写了 {length} 个。",
        "password_name": "密码不能就是您的名字。",
        "last_organiser": "除此之外没有人能管理全部讲座了。请先把别人设为主办方（没有期限）。",
        "until_past": "角色的截止时间已经过去了。请选一个以后的时间。",
        "until_far": "角色最多十年。请选近一些的时间，或者不设期限。",
        "cross_site": "这个请求来自别的网站，已被拒绝。请在本页面上操作。",
        "bad_link": "这个登录链接无效：已经用过、被撤回或已过期。请向主办方要一个新的。",
        "used_link": "这个登录链接已经用过了。请向主办方要一个新的。",
        "not_json": "请求的内容应当是 JSON（Content-Type: application/json）。",
        "bad_field": "{field}：{problem}",
        "too_large": "内容太大，最多 {kib} KiB。",
        "link_say": "绑定 {code}",
        "bad_format": "没有这种报告格式。可用的有：{formats}。",
        "bad_rows": "没有这种 CSV。rows 可以是：{rows}。",
        "organisers_set": "只有主办方可以改：{fields}。",
        "not_organised": "您不是“{what}”的主办方，所以不能这样设置。请找它的主办方帮忙。",
        "field_too_long": "最多 {most} 个字符。",
        "field_too_short": "至少 {least} 个字符。",
        "field_empty": "不能为空。",
        "field_missing": "缺少这一项。",
        "field_unknown": "没有这一项。请检查名称。",
        "field_other_form": "写法不对。只能用字母、数字、- 和 _。",
        "field_no_text": "应当是文字。",
        "field_none_of": "只能是：{choices}。",
        "field_too_many": "最多 {most} 个。",
        "field_too_few": "至少 {least} 个。",
        "field_no_list": "应当是一个列表。",
        "field_no_object": "应当是一个对象，例如 {{}}。",
        "field_no_json": "不是正确的 JSON。",
        "field_no_switch": "只能是 true 或 false。",
        "field_no_whole": "应当是一个整数。",
        "field_no_number": "应当是一个数字。",
        "field_no_time": "不是一个时间。请选择日期和时间（API 用 Unix 秒）。",
        "field_above": "应当大于 {least}。",
        "field_least": "至少是 {least}。",
        "field_below": "应当小于 {most}。",
        "field_most": "最多是 {most}。",
        "field_wrong": "这个值不能用。",
        "bad_id": "地址由 1 到 64 个小写字母、数字、- 或 _ 组成，并以字母或数字开头。",
        "id_taken": "已经有一场讲座使用地址 {id}。请换一个。",
        "no_source": "没有这个来源：{source}。",
        "no_title": "请写一个标题。",
        "bad_request": "无法理解这个请求。",
        "no_method": "这个地址不支持 {method}。",
        "fault": "服务器出了错，已经记录下来（编号 {request}）。请再试一次。",
    },
    "en": {
        "empty": "Write your question first.",
        "too_long": "At most {most} characters, yours has {length}. Make it shorter, or send it in parts.",
        "too_fast": "That was too fast. Try again in {seconds} seconds.",
        "too_slow": "This did not come in completely in time; nothing was done. Send it again.",
        "slow_mode": "Slow mode: one question every {slow} seconds for each person. The next one in {seconds} seconds.",
        "too_late": "This came too late and was not done. Look at what is on stage now, then press again.",
        "busy": "This cannot be saved right now; nothing was lost. Try again in a moment.",
        "crowded": "Too many are watching for live updates right now. The page tries again by itself.",
        "no_session": "There is no talk {session}. Check the link.",
        "no_question": "There is no question {question}. It may have been merged or removed.",
        "no_ledger": "This talk does not publish what was dismissed.",
        "no_page": "There is no such page. Check the link.",
        "no_metrics": "The metrics are not for you: `metrics` in [web] lists the networks that may read them, "
        "`metrics_token` is for everybody else.",
        "nobody_known": "Nothing is kept of this person.",
        "no_wording": "This question has no such wording. Open it again and look.",
        "no_code": "Nobody used this code in this talk. Check it and try again.",
        "bad_code": "A code has 12 letters or digits, like 7K3M-P9QX-2D4T.",
        "not_allowed": "You need to be signed in for this. Open the link the organiser gave you, or sign in with your "
        "name and password at /signin.",
        "role_short": "Your role does not allow this, or it has ended or was taken away. What you typed is kept. "
        "Ask an organiser, or sign in with another link.",
        "speaker_text": "Speakers only note that a question was answered aloud. Ask a moderator to write an answer.",
        "aloud": ALOUD["en"],
        "signed_out": "You are no longer signed in. What you typed is kept. Sign in again, then try again.",
        "wrong_password": "This name and this password do not belong together. Check both, or ask an organiser for a "
        "sign-in link.",
        "wrong_old_password": "That is not your password now. If you forgot it, ask an organiser for a sign-in link: "
        "it lets you set a new one.",
        "name_empty": "Write your name, with something that can be seen.",
        "name_long": "A name has at most {most} characters, yours has {length}. Make it shorter.",
        "name_taken": "Somebody else here has this name. Choose another one, with your last name perhaps.",
        "name_kept": "Floormic itself uses such names: “course” for what the course answers, “name · source” for those "
        "who act in the staff's chat. Choose another one.",
        "password_short": "A password has at least {least} characters, yours has {length}. A few words will do.",
        "password_long": "A password has at most {most} characters, yours has {length}.",
        "password_name": "Your name cannot be your password.",
        "last_organiser": "Nobody else organises every talk. Make somebody else organiser, without an end, first.",
        "until_past": "That end is over already. Choose a later time.",
        "until_far": "A role lasts ten years at most. Choose an earlier end, or none.",
        "cross_site": "This request came from another site and was refused. Use this site's own pages.",
        "bad_link": "This sign-in link is not valid (any more): it was used or revoked, or has expired. "
        "Ask the organiser for a new one.",
        "used_link": "This sign-in link was used already. Ask the organiser for a new one.",
        "not_json": "The body must be JSON (Content-Type: application/json).",
        "bad_field": "{field}: {problem}",
        "too_large": "That is too large; at most {kib} KiB.",
        "link_say": "link {code}",
        "bad_format": "There is no such report format. There are: {formats}.",
        "bad_rows": "There is no such CSV. rows may be: {rows}.",
        "organisers_set": "Only an organiser may change: {fields}.",
        "not_organised": "You do not organise “{what}”, so you cannot set this. Ask somebody who does.",
        "field_too_long": "at most {most} characters.",
        "field_too_short": "at least {least} characters.",
        "field_empty": "this must not be empty.",
        "field_missing": "this is missing.",
        "field_unknown": "there is no such field. Check its name.",
        "field_other_form": "written in another way: letters, digits, - and _ only.",
        "field_no_text": "this must be a text.",
        "field_none_of": "must be one of: {choices}.",
        "field_too_many": "at most {most} of them.",
        "field_too_few": "at least {least} of them.",
        "field_no_list": "this must be a list.",
        "field_no_object": "this must be an object, such as {{}}.",
        "field_no_json": "this is no JSON.",
        "field_no_switch": "must be true or false.",
        "field_no_whole": "must be a whole number.",
        "field_no_number": "must be a number.",
        "field_no_time": "this is no time. Choose a day and a time (the API takes Unix seconds).",
        "field_above": "must be more than {least}.",
        "field_least": "must be at least {least}.",
        "field_below": "must be less than {most}.",
        "field_most": "must be at most {most}.",
        "field_wrong": "this value cannot be used.",
        "bad_id": "An address has 1 to 64 small letters, digits, - or _, and begins with a letter or digit.",
        "id_taken": "There is a talk at {id} already. Choose another address.",
        "no_source": "There is no source {source}.",
        "no_title": "Write a title.",
        "bad_request": "This request cannot be understood.",
        "no_method": "This address does not know {method}.",
        "fault": "Something broke here; it was logged as {request}. Please try again.",
    },
}


def say(lang: str, key: str, **values: object) -> str:
    """The text in "zh" or (anything else) English."""
    return TEXTS["zh" if lang == "zh" else "en"][key].format(**values)


def preferred(accept_language: str, otherwise: str) -> str:
    """ "zh" or "en", whichever an Accept-Language header names first; `otherwise` where it names neither."""
    choices = []
    for place, part in enumerate(accept_language.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().split("-")[0]
        if language in TEXTS:
            choices.append((-_weight(weight), place, language))
    return min(choices)[2] if choices else otherwise


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
