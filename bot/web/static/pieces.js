// The pieces of a question that several pages show.
import { el, hue, icon, said, setText, shown } from "./dom.js";
import { language, t } from "./i18n.js";
import { pageFacts } from "./shell.js";

const MARKS = {
  new: "new", queued: "queue", on_stage: "mic", answered: "check", dismissed: "close", merged: "merge",
  received: "wait", draft: "edit", nothing_asked: "help", hidden: "move", pin: "pin", warn: "warn", expert: "people", earlier: "history",
};

/** A state as an icon with its word. */
export function badge(state, word = t(`status.${state}`), tone = state) {
  return el("span", { class: "badge", data: { tone } }, icon(MARKS[state] ?? "tag"), el("span", { text: word }));
}

/** What people call a chat. */
export const chatName = (source) => pageFacts().sources[source]?.[language()] ?? source;

/** The mark of a chat: its letter on its colour. */
export function chatMark(source) {
  const dot = el("span", { class: "chip-dot", "aria-hidden": "true", text: [...(shown(chatName(source)) || "?")][0].toUpperCase() });
  dot.style.setProperty("--hue", hue(source));
  return dot;
}

/** The chip of a chat: its mark and name, with how many asked there. */
export function chatChip(source, count) {
  const name = el("bdi", { text: shown(chatName(source)) || "?" });
  return el("span", { class: "chip" }, chatMark(source), name, count > 1 && el("b", { text: String(count) }));
}

/** The chats a question came from, those with most askers first. */
export function fillChats(node, chats) {
  const signature = JSON.stringify([chats, document.documentElement.lang]);
  if (node.dataset.chats === signature) return;
  node.dataset.chats = signature;
  const sorted = Object.entries(chats).sort((a, b) => b[1] - a[1]);
  node.replaceChildren(...sorted.map(([source, count]) => chatChip(source, count)));
}

/** Only addresses of the web become links, by their title where they have one; anything else stays text. */
function source(text) {
  const [, title, address] = /^(.*?)\s*(https?:\/\/\S+)$/is.exec(text) ?? [];
  if (!address || title.includes("://")) return el("bdi", { text: shown(text) });
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow", title: title ? address : null, text: shown(title) || shown(address) });
}

const NAMELESS = new Set(["course", "organiser", "moderator", "expert", "speaker"]); // who was given no name is called by the role

/** Who gave an answer, in words. */
export const answeredBy = (who) => (NAMELESS.has(who) ? t(`answer.by.${who}`) : t("answer.by", { who: shown(who) || "–" }));

/** An answer with who gave it and where it stands. */
export function answerBox(answer) {
  const course = answer.by === "course";
  // Of an earlier evening's answer the first source is an id, the next says the evening.
  const sources = answer.sources.filter((one) => !one.startsWith("earlier:"));
  const by = course && sources.length < answer.sources.length ? t("answer.by.earlier") : answeredBy(answer.by);
  const head = el("p", { class: "answer-by" }, icon(course ? "book" : "check"), el("span", { text: by }));
  const box = el("div", { class: "answer" }, head, said(answer.text));
  if (sources.length) {
    const line = el("p", { class: "answer-source" }, `${t("answer.source", { source: "" })}`);
    sources.forEach((one, at) => line.append(at ? " · " : "", source(one)));
    box.append(line);
  }
  return box;
}

/** Shows a count in a tab. */
export const setCount = (node, n) => setText(node, String(n));

/** The text of a title, cut to what fits a label. */
export const short = (text, length = 80) => (shown(text).length > length ? `${shown(text).slice(0, length)}…` : shown(text));
