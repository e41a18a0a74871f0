// The words of the pages, Chinese and English. A bar parts the English singular from the plural, chosen by `n`.

const WORDS = {
  // everywhere
  "app.purpose": ["观众席上的麦克风", "The microphone on the floor"],
  "menu.language": ["English", "中文"],
  "menu.language.label": ["切换到英文", "Switch to Chinese"],
  "menu.theme.auto": ["外观：跟随系统", "Appearance: as the system"],
  "menu.theme.light": ["外观：浅色", "Appearance: light"],
  "menu.theme.dark": ["外观：深色", "Appearance: dark"],
  "menu.signout": ["退出登录", "Sign out"],
  "menu.more": ["更多", "More"],
  "menu.skip": ["跳到内容", "Skip to content"],
  close: ["关闭", "Close"],
  cancel: ["取消", "Cancel"],
  save: ["保存", "Save"],
  search: ["搜索", "Search"],
  "show.all": ["显示全文", "Show all"],
  "show.less": ["收起", "Show less"],
  "hint.apply": ["{n} 处排序更新：点此应用", "{n} update: apply|{n} updates: apply"],
  "people.count": ["{n} 人", "{n} person|{n} people"],
  "people.word": ["人", "people"],
  "people.want": ["{n} 人想知道", "{n} person wants to know|{n} people want to know"],
  "votes.count": ["{n} 票", "{n} vote|{n} votes"],
  "ago.now": ["刚刚", "now"],
  "ago.minutes": ["{n} 分钟前", "{n} min ago"],
  "ago.hours": ["{n} 小时前", "{n} h ago"],
  "ago.days": ["{n} 天前", "{n} day ago|{n} days ago"],
  "state.connecting": ["连接中", "Connecting"],
  "state.live": ["实时", "Live"],
  "state.offline": ["已断开，重连中", "Offline, reconnecting"],
  "state.refused": ["无法打开", "Not available"],
  "status.new": ["新问题", "New"],
  "status.queued": ["已排队", "Queued"],
  "status.on_stage": ["台上", "On stage"],
  "status.answered": ["已回答", "Answered"],
  "status.dismissed": ["已搁置", "Dismissed"],
  "status.merged": ["已合并", "Merged"],
  "status.received": ["已收到", "Received"],
  "status.nothing_asked": ["未识别为问题", "Not seen as a question"],
  "status.hidden": ["已移走", "Moved away"],
  pinned: ["置顶", "Pinned"],
  "answer.by": ["{who} 的回答", "Answered by {who}"],
  "answer.by.organiser": ["主办方的回答", "Answered by the organiser"],
  "answer.by.moderator": ["主持人的回答", "Answered by a moderator"],
  "answer.by.expert": ["专家的回答", "Answered by an expert"],
  "answer.by.course": ["课程资料的回答", "Answered from the course"],
  "answer.source": ["来源：{source}", "Source: {source}"],
  // errors
  "error.offline": ["没有网络。稍后会自动重试。", "No connection. It will be tried again."],
  "error.not_found": ["这里没有这个内容了。请刷新页面。", "This is not here any more. Reload the page."],
  "error.not_allowed": ["现在不能这样做", "This is not possible now"],
  "error.bad_input": ["内容无法接收", "This cannot be used"],
  "error.conflict": ["别人刚刚改过这个问题。请看一眼再操作。", "Somebody changed it just now. Look again, then decide."],
  "error.busy": ["服务器正忙。请稍后再试。", "The server is busy. Try again in a moment."],
  "error.fault": ["服务器出了错，已记录。请再试一次。", "The server made a mistake, which was noted. Try again."],
  "error.too_fast": ["太快了。请稍等片刻。", "Too fast. Wait a moment."],
  "error.signin": ["请用主持人链接登录", "Sign in with your moderator link"],
  // viewer
  "viewer.tab.open": ["问题", "Questions"],
  "viewer.tab.answered": ["已回答", "Answered"],
  "viewer.tab.mine": ["我的提问", "My questions"],
  "viewer.tab.mine.short": ["我的提问", "Mine"],
  "viewer.stage": ["正在台上", "On stage now"],
  "viewer.stage.none": ["台上还没有问题", "Nothing on stage yet"],
  "viewer.ask": ["想问点什么？", "What would you like to ask?"],
  "viewer.ask.label": ["你的问题", "Your question"],
  "viewer.send": ["发送", "Send"],
  "viewer.name": ["署名（可不填）", "Name (optional)"],
  "viewer.name.anonymous": ["匿名", "Anonymous"],
  "viewer.as": ["署名：{name}", "As: {name}"],
  "viewer.vote.label": ["我也想问：{title}（{n} 人）", "I want to know too: {title} ({n} person)|I want to know too: {title} ({n} people)"],
  "viewer.vote.short": ["也想问", "me too"],
  "viewer.asked": ["你问过", "You asked"],
  "viewer.sent": ["已收到，谢谢！", "Received, thank you!"],
  "viewer.waiting": ["等待发送", "Waiting to be sent"],
  "viewer.waiting.n": ["{n} 条等待发送，联网后自动发出", "{n} question waits to be sent|{n} questions wait to be sent"],
  "viewer.failed": ["没有发出", "Not sent"],
  "viewer.again": ["修改后再发", "Edit and send again"],
  "viewer.discard": ["丢弃", "Discard"],
  "viewer.same": ["与另外 {n} 人的问题相同", "Same question as {n} other|Same question as {n} others"],
  "viewer.not_answered": ["这没有回答我的问题", "This does not answer it"],
  "viewer.not_answered.done": ["好的，已放回队列，等待讲者回答。", "It is back in the queue, for the speaker to answer."],
  "viewer.empty.open": ["还没有人提问。", "No questions yet."],
  "viewer.empty.open.more": ["第一个问题往往是大家都想问的。", "The first one is often what everybody wonders."],
  "viewer.empty.answered": ["还没有回答。", "No answers yet."],
  "viewer.empty.mine": ["你的提问和回答会出现在这里。", "What you ask and what is answered will stand here."],
  "viewer.nothing_asked": ["看起来不是问题。换个说法再试试？", "This did not look like a question. Say it in other words?"],
  "viewer.code": ["你的代码", "Your code"],
  "viewer.code.why": ["在另一台设备上输入，就能看到同样的提问。", "Enter it on another device to see the same questions there."],
  "viewer.code.enter": ["输入另一台设备的代码", "Enter a code from another device"],
  "viewer.code.field": ["代码", "Code"],
  "viewer.code.use": ["使用这个代码", "Use this code"],
  "viewer.code.done": ["已切换到那台设备的提问。", "This device now shows those questions."],
  "viewer.likely.same": ["已有 {n} 人在问同一个问题：", "{n} people ask this already:"],
  "viewer.likely.perhaps": ["是这个问题吗？{n} 人想知道：", "Is it this? {n} want to know:"],
  "viewer.likely.join": ["我也想知道", "I want to know too"],
  "viewer.likely.enough": ["明白了，不用提问", "That answers it"],
  "viewer.link": ["也在聊天里提问？", "Asking in a chat as well?"],
  "viewer.link.why": ["绑定以后，你在那里的提问和回答都在这里，同一个问题只算你一个人。", "Link it: what you ask there and its answers are here too, and you count once."],
  "viewer.link.offer": ["获取绑定码", "Get a linking code"],
  "viewer.link.say": ["15 分钟内，在那个聊天里发送这一行：", "Within 15 minutes send this line in that chat:"],
  "viewer.link.off": ["解除绑定", "Unlink"],
  "viewer.link.off_whom": ["解除与 {who} 的绑定", "Unlink {who}"],
  "viewer.code.wrong": ["没有这个代码。请核对后再输入。", "There is no such code. Check it and enter it again."],
  "viewer.join": ["邀请别人", "Invite others"],
  "viewer.join.how": ["扫码或打开链接加入", "Scan the code or open the link"],
  "viewer.copy": ["复制链接", "Copy the link"],
  "viewer.copied": ["已复制", "Copied"],
  "viewer.ended": ["讲座已结束，仍可提问，专家会在之后回答。", "The talk is over; you may still ask, experts answer later."],
  "viewer.answer.news": ["你的问题有回答了", "Your question was answered"],
  "viewer.review": ["问题经主持人确认后公开显示。", "Questions are shown after a moderator has read them."],
  // board
  "board.title": ["主持台", "Moderator board"],
  "board.search": ["在问题中搜索", "Search the questions"],
  "board.select": ["选择：{title}", "Select: {title}"],
  "board.selected": ["已选 {n} 个", "{n} selected"],
  "board.merge": ["合并", "Merge"],
  "board.merge.into": ["合并到哪个问题？", "Merge into which question?"],
  "board.clear": ["取消选择", "Clear"],
  "board.unsure": ["归组不确定", "Unsure grouping"],
  "board.unsure.why": ["最低相似度 {n}%：请看一眼各种问法", "Lowest similarity {n}%: look at the wordings"],
  "board.suggested": ["课程资料建议的回答", "Answer suggested from the course"],
  "board.probability": ["把握 {n}%", "{n}% sure"],
  "board.accept": ["采用并发送", "Accept and send"],
  "board.same": ["可能是同一个问题", "May be the same question"],
  "board.same.merge": ["合并进来", "Merge it in"],
  "board.same.apart": ["不是同一个", "Not the same"],
  "board.approve": ["通过", "Approve"],
  "board.stage": ["上台", "Stage"],
  "board.unstage": ["下台", "Off stage"],
  "board.answer": ["回答", "Answer"],
  "board.answer.field": ["写给所有提问者的回答", "The answer, for everyone who asked"],
  "board.answer.sources": ["来源（可不填，用空格分开链接）", "Sources (optional, links parted by spaces)"],
  "board.answer.send": ["发送给 {n} 人", "Send to {n} person|Send to {n} people"],
  "board.answer.correct": ["更正已发出的回答", "Correct the answer that was sent"],
  "board.aloud": ["已口头回答", "Answered aloud"],
  "board.aloud.text": ["这个问题已在现场口头回答。", "This was answered aloud during the talk."],
  "board.dismiss": ["搁置", "Dismiss"],
  "board.dismiss.why": ["为什么搁置？", "Why dismiss it?"],
  "board.dismiss.reason": ["原因（提问者看不到）", "Reason (askers do not see it)"],
  "board.reason.topic": ["与主题无关", "Off topic"],
  "board.reason.rude": ["不合适", "Not fitting"],
  "board.reason.none": ["不是问题", "Not a question"],
  "board.reason.private": ["涉及隐私", "Private matter"],
  "board.reopen": ["放回队列", "Reopen"],
  "board.pin": ["置顶", "Pin"],
  "board.unpin": ["取消置顶", "Unpin"],
  "board.edit": ["修改标题", "Edit title"],
  "board.title.field": ["显示的标题", "The title that is shown"],
  "board.original": ["原话：{text}", "First wording: {text}"],
  "board.labels": ["标签", "Labels"],
  "board.labels.add": ["加标签，回车确认", "Add a label, Enter"],
  "board.label.remove": ["去掉标签 {label}", "Remove the label {label}"],
  "board.wordings": ["{n} 种问法", "{n} wording|{n} wordings"],
  "board.similarity": ["相似度 {n}%", "similarity {n}%"],
  "board.first": ["首问", "first"],
  why: ["为什么？", "Why?"],
  "why.asking": ["是提问吗", "Does it ask?"],
  "why.grouping": ["属于哪个问题", "Which question is it?"],
  "why.answer": ["课程资料能回答吗", "Does the course answer it?"],
  "board.split": ["拆成新问题", "Split off"],
  "board.split.why": ["选中不属于这里的问法，然后拆开或移走。", "Select wordings that do not belong here, then split or move them."],
  "board.move": ["移到…", "Move to…"],
  "board.move.to": ["移到哪个问题？", "Move to which question?"],
  "board.back": ["返回列表", "Back to the list"],
  "board.undo": ["撤销", "Undo"],
  "board.history": ["操作记录", "History"],
  "board.history.empty": ["还没有操作。", "Nothing was done yet."],
  "board.history.undone": ["已撤销", "taken back"],
  "board.help": ["快捷键", "Keyboard shortcuts"],
  "board.empty.new": ["没有新问题，一切就绪。", "No new questions. All clear."],
  "board.empty.queued": ["队列是空的。通过的问题会排在这里。", "The queue is empty. What you approve waits here."],
  "board.empty.on_stage": ["台上没有问题。按 s 把一个请上台。", "Nothing on stage. Press s on a question."],
  "board.empty.answered": ["还没有回答过的问题。", "Nothing was answered yet."],
  "board.empty.dismissed": ["没有搁置的问题。", "Nothing was dismissed."],
  "board.empty.search": ["没有符合搜索的问题。", "No question matches the search."],
  "board.reason": ["搁置原因：{text}", "Dismissed because: {text}"],
  "board.link.viewer": ["观众页", "Viewer page"],
  "board.link.stage": ["舞台页", "Stage page"],
  "board.link.report": ["报告", "Report"],
  "board.link.join": ["入场码", "Join code"],
  "board.link.sources": ["来源", "Sources"],
  "did.approve": ["已通过", "Approved"],
  "did.edit": ["标题已修改", "Title changed"],
  "did.merge": ["已合并", "Merged"],
  "did.apart": ["已记下：不是同一个问题", "Noted: not the same question"],
  "did.split": ["已拆开", "Split"],
  "did.move": ["已移动", "Moved"],
  "did.stage": ["已上台", "On stage"],
  "did.unstage": ["已下台", "Off stage"],
  "did.answer": ["回答已发送", "Answer sent"],
  "did.accept": ["已采用课程回答", "Course answer sent"],
  "did.dismiss": ["已搁置", "Dismissed"],
  "did.reopen": ["已放回队列", "Reopened"],
  "did.pin": ["已置顶", "Pinned"],
  "did.unpin": ["已取消置顶", "Unpinned"],
  "did.label": ["标签已修改", "Labels changed"],
  "did.undo": ["已撤销", "Undone"],
  "did.not_answered": ["提问者：没有回答", "Asker: not answered"],
  // keys
  "key.move": ["上一个 / 下一个问题", "Previous / next question"],
  "key.lane": ["上一栏 / 下一栏", "Previous / next column"],
  "key.open": ["打开详情", "Open details"],
  "key.approve": ["通过", "Approve"],
  "key.stage": ["上台 / 下台", "On or off stage"],
  "key.answer": ["写回答", "Answer"],
  "key.dismiss": ["搁置", "Dismiss"],
  "key.merge": ["合并所选（或选择目标）", "Merge the selected (or choose a target)"],
  "key.apart": ["建议合并的不是同一个问题", "The suggested merge is not the same"],
  "key.select": ["选择", "Select"],
  "key.edit": ["修改标题", "Edit the title"],
  "key.pin": ["置顶 / 取消", "Pin or unpin"],
  "key.undo": ["撤销上一步", "Undo the last action"],
  "key.apply": ["应用排序更新", "Apply the waiting order"],
  "key.search": ["搜索", "Search"],
  "key.help": ["显示快捷键", "Show this sheet"],
  "key.escape": ["关闭、取消选择", "Close, clear the selection"],
  // stage
  "stage.now": ["正在回答", "Now answering"],
  "overlay.answered": ["观众提问 · 已回答", "From the audience, answered"],
  "stage.next": ["接下来", "Up next"],
  "stage.top": ["大家最想知道", "Most wanted"],
  "stage.welcome": ["有问题？现在就问。", "Questions? Ask now."],
  "stage.welcome.how": ["用手机扫码，或者在聊天里直接提问。", "Scan with your phone, or ask in the chat."],
  "stage.ask": ["扫码提问", "Scan to ask"],
  "stage.full": ["全屏", "Full screen"],
  "stage.done": ["已答，下一个", "Answered, next"],
  "stage.empty.next": ["还没有人排队", "Nobody is waiting"],
  // sources
  "sources.title": ["聊天来源", "Sources"],
  "sources.back": ["返回", "Back"],
  "sources.empty": ["除了网页，还没有接入任何聊天。", "No chat is connected beside the web page."],
  "sources.empty.how": ["在服务器上运行下面的命令，查看可以接入什么：", "This command on the server names what can be:"],
  "sources.well": ["全部正常", "All are heard"],
  "sources.down": ["{n} 个来源没有连上", "{n} is not heard|{n} are not heard"],
  "sources.alarm": ["未连上：{name}", "Down: {name}"],
  "sources.alarm.n": ["未连上：{n} 个聊天", "Down: {n} chat|Down: {n} chats"],
  "sources.state.connected": ["已连接", "Connected"],
  "sources.state.starting": ["正在连接", "Connecting"],
  "sources.state.lost": ["已断开，正在重试", "Lost, trying again"],
  "sources.state.refused": ["被拒绝，需要处理", "Refused, needs you"],
  "sources.for.connected": ["已连接", "Connected for"],
  "sources.for.starting": ["正在连接", "Connecting for"],
  "sources.for.lost": ["已断开", "Lost for"],
  "sources.for.refused": ["已被拒绝", "Refused for"],
  "sources.since": ["自 {time}", "since {time}"],
  "sources.messages": ["消息", "Messages"],
  "sources.last": ["最近：{ago}", "last {ago}"],
  "sources.reconnects": ["重新连接次数", "Reconnects"],
  "sources.missed": ["近 {n} 小时漏听", "Missed in {n} h"],
  "sources.filled": ["事后补取", "Fetched later"],
  "sources.nothing": ["没有", "nothing"],
  "sources.sending": ["发送用量（最忙的聊天）", "Sent, busiest chat"],
  "sources.sending.none": ["只听，不能回复", "listens only"],
  "sources.sending.minute": ["每分钟 {used} / {most}", "{used} of {most} a minute"],
  "sources.sending.hour": ["每小时 {used} / {most}", "{used} of {most} an hour"],
  "sources.gaps": ["{n} 次中断", "{n} gap|{n} gaps"],
  "sources.gap.missed": ["漏听", "Missed"],
  "sources.gap.filled": ["已补取", "Fetched later"],
  "sources.now": ["现在", "now"],
  "sources.strip.heard": ["听着", "Heard"],
  "sources.strip.missed": ["漏听", "Missed"],
  "sources.strip.filled": ["没听到，事后已补取", "Not heard, fetched later"],
  "sources.strip.unknown": ["没有记录", "No record"],
  "sources.strip.words": ["近 {n} 小时。", "The last {n} hours."],
  "sources.strip.words.missed": ["漏听 {time}。", "Missed {time}."],
  "sources.strip.words.none": ["没有漏听。", "Missed nothing."],
  "sources.strip.words.filled": ["补取 {time}。", "Fetched {time} later."],
  "lasted.seconds": ["{n} 秒", "{n} s"],
  "lasted.both": ["{n} 分 {s} 秒", "{n} min {s} s"],
  "lasted.minutes": ["{n} 分钟", "{n} min"],
  "lasted.hours": ["{n} 小时 {m} 分钟", "{n} h {m} min"],
  "lasted.days": ["{n} 天", "{n} day|{n} days"],
  // sessions, sign-in, join, error
  "sessions.title": ["讲座", "Talks"],
  "sessions.empty": ["还没有讲座。", "There are no talks yet."],
  "sessions.live": ["进行中", "Running"],
  "sessions.ended": ["已结束", "Ended"],
  "signin.title": ["主持人登录", "Moderator sign-in"],
  "signin.confirm": ["点击按钮，在这台设备上登录。链接只能使用一次。", "Press the button to sign in on this device. The link works once."],
  "signin.button": ["登录", "Sign in"],
  "signin.how": ["登录需要一次性链接。", "You need a one-time link to sign in."],
  "signin.how.more": ["启动时程序会显示一个链接；组织者也可以在服务器上运行下面的命令得到新的链接：", "The program shows one when it starts; the organiser gets another with this command on the server:"],
  "signin.to": ["怎样登录", "How to sign in"],
  "join.how": ["用手机扫码，或打开：", "Scan with your phone, or open:"],
  "error.title": ["出了点问题", "Something went wrong"],
  "error.home": ["回到首页", "To the start page"],
  "error.404": ["这里没有这个页面。请检查地址。", "There is no such page. Check the address."],
  "error.403": ["你没有权限打开这个页面。请用主持人链接登录。", "You may not open this page. Sign in with a moderator link."],
};

const ORDER = ["zh", "en"];
const listeners = new Set();
let chosen = readChoice();

function readChoice() {
  let stored = null;
  try {
    stored = localStorage.getItem("floormic.language");
  } catch {
    // storage is forbidden: the browser's language does
  }
  return (stored ?? navigator.language).toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const language = () => chosen;

/** The text of `key` in the chosen language (or in `wanted`), its {places} filled; an unknown key is shown as it is. */
export function t(key, places = {}, wanted = chosen) {
  const words = WORDS[key]?.[ORDER.indexOf(wanted)] ?? key;
  const [one, many] = words.split("|");
  const text = many !== undefined && places.n !== 1 ? many : one;
  return text.replace(/\{(\w+)\}/g, (place, name) => places[name] ?? place);
}

/** Fills `data-i18n="key"` and `data-i18n-attr="placeholder:key;aria-label:key"` below `root`. */
function translate(root = document) {
  for (const node of root.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of root.querySelectorAll("[data-i18n-attr]")) {
    for (const pair of node.dataset.i18nAttr.split(";")) {
      const [attribute, key] = pair.split(":");
      node.setAttribute(attribute, t(key));
    }
  }
}

export function setLanguage(next, { keep = true } = {}) {
  chosen = next;
  try {
    if (keep) localStorage.setItem("floormic.language", next);
  } catch {
    // the choice lives as long as the page
  }
  show();
  for (const listener of listeners) listener();
}

/** Calls `draw` after each change of the language. */
export const onLanguage = (draw) => listeners.add(draw);

/** How long ago, in words. `at`: Unix seconds. */
export function ago(at) {
  const minutes = Math.floor((Date.now() / 1000 - at) / 60);
  if (minutes < 1) return t("ago.now");
  if (minutes < 60) return t("ago.minutes", { n: minutes });
  if (minutes < 48 * 60) return t("ago.hours", { n: Math.floor(minutes / 60) });
  return t("ago.days", { n: Math.floor(minutes / 1440) });
}

/** How long, in words. */
export function lasted(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  const minutes = Math.round(whole / 60);
  if (whole < 60) return t("lasted.seconds", { n: whole });
  if (whole < 600 && whole % 60) return t("lasted.both", { n: Math.floor(whole / 60), s: whole % 60 });
  if (minutes < 60) return t("lasted.minutes", { n: minutes });
  if (minutes < 48 * 60) return t("lasted.hours", { n: Math.floor(minutes / 60), m: minutes % 60 });
  return t("lasted.days", { n: Math.floor(minutes / 1440) });
}

export const clock = (at) =>
  new Date(at * 1000).toLocaleTimeString(chosen === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });

/** A day with its time. */
export const day = (at) =>
  new Date(at * 1000).toLocaleString(chosen === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

/** A time as an element that can be brought up to date. */
export function timed(node, at) {
  node.setAttribute("datetime", new Date(at * 1000).toISOString());
  node.title = new Date(at * 1000).toLocaleString(chosen === "zh" ? "zh-CN" : "en-GB");
  if (node.textContent !== ago(at)) node.textContent = ago(at);
}

/** Puts the page into the chosen language. */
export function show() {
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  translate();
  document.documentElement.classList.remove("translating");
}
