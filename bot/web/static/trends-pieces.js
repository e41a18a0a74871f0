// What several parts of the page of a series show.
import { el, shown } from "./dom.js";
import { language, t } from "./i18n.js";

/** A topic as it is called: by the course, by its words, or by one of its questions. */
export const topicName = (topic) => shown(topic.heading || topic.words.join(" · ") || topic.example);

export const percent = (share) => `${Math.round(share * 100)}%`;

/** The day of an evening, short; its number where it does not say when it is. */
export function shortDay(evening, at) {
  if (evening.starts_at === null) return String(at + 1);
  return new Date(evening.starts_at * 1000).toLocaleDateString(language() === "zh" ? "zh-CN" : "en-GB", { month: "numeric", day: "numeric" });
}

export const yearOf = (evening) => (evening.starts_at === null ? "" : String(new Date(evening.starts_at * 1000).getFullYear()));

/** A link to the board of an evening. */
export function board(evening, text) {
  const label = `${text} ${t("trends.board", { title: shown(evening.title) })}`;
  return el("a", { class: "evening", href: `/s/${encodeURIComponent(evening.session)}/board`, title: shown(evening.title), "aria-label": label, text });
}

const SAID = { evening: ["trends.less", "trends.more"], chat: ["trends.chat.less", "trends.chat.more"] };

/** ▲ or ▼ with its word for whoever does not see it. */
export function sign(change, kind = "evening") {
  if (!change) return "";
  const up = change > 0;
  return el("span", { class: "sign" }, el("span", { "aria-hidden": "true", text: up ? "▲" : "▼" }), el("span", { class: "sr", text: t(SAID[kind][Number(up)]) }));
}

/** Whether a question is answered, in a word. */
export function stateWord(question) {
  const answered = question.status === "answered";
  return t(answered ? "trends.answered" : "trends.open");
}
