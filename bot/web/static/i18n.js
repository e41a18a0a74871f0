// The words that every page has, Chinese and English; those of one page are in words/. A bar parts the English singular
// from the plural, chosen by `n`.

const WORDS = {
  "app.purpose": ["观众席上的麦克风", "The microphone on the floor"],
  "menu.language": ["English", "中文"],
  "menu.language.label": ["切换到英文", "Switch to Chinese"],
  "menu.theme.auto": ["外观：跟随系统", "Appearance: as the system"],
  "menu.theme.light": ["外观：浅色", "Appearance: light"],
  "menu.theme.dark": ["外观：深色", "Appearance: dark"],
  "menu.signout": ["退出登录", "Sign out"],
  "menu.signin": ["登录", "Sign in"],
  "menu.more": ["更多", "More"],
  "menu.skip": ["跳到内容", "Skip to content"],
  colon: ["：", ": "],
  close: ["关闭", "Close"],
  cancel: ["取消", "Cancel"],
  save: ["保存", "Save"],
  search: ["搜索", "Search"],
  "show.all": ["显示全文", "Show all"],
  "show.less": ["收起", "Show less"],
  "hint.apply": ["{n} 处更新：应用", "{n} update: apply|{n} updates: apply"],
  "hint.apply.in": ["{name}：{n} 处更新", "{name}: {n} update|{name}: {n} updates"],
  "hint.more": ["再显示 {n} 个（还有 {left} 个）", "Show {n} more ({left} left)"],
  "people.count": ["{n} 人", "{n} person|{n} people"],
  "people.word": ["人", "people"],
  "people.want": ["{n} 人想知道", "{n} person wants to know|{n} people want to know"],
  "votes.count": ["{n} 票", "{n} vote|{n} votes"],
  "ago.now": ["刚刚", "now"],
  "ago.minutes": ["{n} 分钟前", "{n} min ago"],
  "ago.hours": ["{n} 小时前", "{n} h ago"],
  "ago.days": ["{n} 天前", "{n} day ago|{n} days ago"],
  "signin.to": ["怎样登录", "How to sign in"],
  "sources.title": ["聊天来源", "Sources"],
  "account.title": ["我的账号", "My account"],
  "people.title": ["人员与角色", "People and roles"],
  "lasted.seconds": ["{n} 秒", "{n} s"],
  "lasted.both": ["{n} 分 {s} 秒", "{n} min {s} s"],
  "lasted.minutes": ["{n} 分钟", "{n} min"],
  "lasted.hours": ["{n} 小时", "{n} h"],
  "lasted.hours.minutes": ["{n} 小时 {m} 分钟", "{n} h {m} min"],
  "lasted.days": ["{n} 天", "{n} day|{n} days"],
  "board.aloud.text": ["这个问题已在现场口头回答。", "This was answered aloud during the talk."],
  "did.answer": ["回答已发送", "Answer sent"],
  "did.next": ["已口头回答，换下一个", "Answered aloud, on to the next"],
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
  "answer.by.speaker": ["讲者的回答", "Answered by the speaker"],
  "answer.by.course": ["课程资料的回答", "Answered from the course"],
  "answer.by.earlier": ["往期回答", "Answered in an earlier talk"],
  "answer.source": ["来源：{source}", "Source: {source}"],
  // errors
  "error.offline": ["没有网络，这一步没有执行。联网后请再试一次。", "No connection: nothing was done. Try again once you are online."],
  "error.lost": ["服务器没有回复，这一步可能没有执行。请看一眼，再决定是否再试。", "The server did not reply: perhaps nothing was done. Look, then try again."],
  "error.portal": ["这个网络要先登录：请在浏览器里打开任意网页登录。", "This network wants you to sign in first: open any page in the browser."],
  "error.not_found": ["这里没有这个内容了。请刷新页面。", "This is not here any more. Reload the page."],
  "error.no_role": ["需要登录，或者您的角色已经到期。您写的内容没有丢失。", "Sign in, or your role has ended. What you typed is kept."],
  "error.not_allowed": ["现在不能这样做", "This is not possible now"],
  "error.bad_input": ["内容无法接收", "This cannot be used"],
  "error.conflict": ["别人刚刚改过这个问题。请看一眼再操作。", "Somebody changed it just now. Look again, then decide."],
  "error.busy": ["服务器正忙。请稍后再试。", "The server is busy. Try again in a moment."],
  "error.fault": ["服务器出了错，已记录。请再试一次。", "The server made a mistake, which was noted. Try again."],
  "error.too_fast": ["太快了。请稍等片刻。", "Too fast. Wait a moment."],
  "viewer.name.anonymous": ["匿名", "Anonymous"],
  "board.title": ["主持台", "Moderator board"],
  "board.link.viewer": ["观众页", "Viewer page"],
  "board.link.stage": ["舞台页", "Stage page"],
  "board.link.report": ["报告", "Report"],
  "board.link.aloud": ["现场回答", "Answered aloud"],
  "board.link.polls": ["投票", "Polls"],
  "board.link.survey": ["反馈问卷", "Survey"],
  "board.link.join": ["提问二维码", "Join code"],
  "settings.link": ["设置", "Settings"],
  "board.link.sources": ["来源", "Sources"],
  "sources.alarm": ["未连上：{name}", "Down: {name}"],
  "sources.alarm.n": ["未连上：{n} 个聊天", "Down: {n} chat|Down: {n} chats"],
};

/** What one page says beside that: {key: [Chinese, English]}. */
export const addWords = (words) => Object.assign(WORDS, words);

const ORDER = ["zh", "en"];
const listeners = new Set();
let chosen = readChoice();

function readChoice() {
  let stored = null;
  try {
    stored = localStorage.getItem("floormic.language");
  } catch {
    // storage is forbidden: the language of the page does
  }
  // The server chose by what the browser asks for, and else by the session's language.
  return (stored ?? document.documentElement.lang).startsWith("zh") ? "zh" : "en";
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
  if (keep) document.cookie = `floormic-language=${next}; path=/; max-age=31536000; samesite=lax`; // the next page comes in it
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
  if (minutes < 48 * 60) return t(minutes % 60 ? "lasted.hours.minutes" : "lasted.hours", { n: Math.floor(minutes / 60), m: minutes % 60 });
  return t("lasted.days", { n: Math.floor(minutes / 1440) });
}

export const clock = (at) =>
  new Date(at * 1000).toLocaleTimeString(chosen === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });

/** A day with its time. */
export const day = (at) =>
  new Date(at * 1000).toLocaleString(chosen === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

/** A day. */
export const date = (at) => new Date(at * 1000).toLocaleDateString(chosen === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium" });

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
