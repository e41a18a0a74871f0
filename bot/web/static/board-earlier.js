// Where a question was asked on earlier evenings of the series, and what was answered there.
import { button, el, icon, said, shown } from "./dom.js";
import { date, language, t } from "./i18n.js";
import { badge, short } from "./pieces.js";
import { foldable, moderates, pageFacts } from "./shell.js";

/** How likely something is, as a number and as a bar behind it: one in four is seen not to be as good as sure. */
export function chance(percent) {
  const node = el("span", { class: "badge chance", text: t("board.probability", { n: percent }) });
  node.style.setProperty("--chance", `${percent}%`);
  return node;
}

/** The answer that an earlier evening has for it: the one that fits its words, or else that of the question there. */
export const earlierAnswer = (question) => question.suggested_memory ?? question.earlier?.answer ?? null;

/** The question of the latest earlier evening. */
export const latest = (question) => question.earlier.evenings.at(-1).question;

/** "Asked on 4 evenings", where that is sure. */
export function earlierBadge({ earlier }) {
  return earlier?.sure ? [badge("earlier", t("board.evenings", { n: earlier.evenings.length + 1 }), "")] : [];
}

/** All of it, with what a moderator may do about it; nothing where there is nothing. In a row the latest evening does. */
export function earlierBlock(question, on, whole) {
  const { earlier } = question;
  const answer = earlierAnswer(question);
  if (!earlier && !answer) return [];
  const may = moderates(pageFacts().role);
  const act = (what, mark, word) => button({ icon: mark, word: t(word), "data-do": what, act: (event) => (event.stopPropagation(), on.doing(what, question.id)) });
  const acts = [answer && act("recall", "check", "board.recall"), earlier && !earlier.sure && act("again", "merge", "board.again"), earlier && act("not_again", "close", "board.same.apart")];
  return [el("div", { class: "suggest earlier" }, head(earlier, answer), ...evenings(earlier, answer, whole), answer && foldable(said(answer.text)), may && el("div", { class: "suggest-acts" }, ...acts))];
}

function head(earlier, answer) {
  const sure = !earlier || earlier.sure;
  const score = Math.round(100 * (sure ? (answer?.score ?? 1) : earlier.score));
  const when = answer && (earlier?.evenings.find((one) => one.session === answer.session)?.at ?? null);
  const asked = earlier ? t(sure ? "board.evenings" : "board.earlier.perhaps", { n: earlier.evenings.length + 1 }) : "";
  const answered = answer ? (when ? t("board.earlier.on", { day: date(when) }) : t("board.earlier.where", { where: shown(answer.where) })) : t("board.earlier.open");
  const words = el("span", { text: [asked, answered].filter(Boolean).join(language() === "zh" ? "，" : ", ") });
  const told = earlier?.told && !answer;
  return el("p", { class: "suggest-head" }, icon("history"), words, !told && score < 100 && chance(score));
}

function evenings(earlier, answer, whole) {
  if (!earlier) return [];
  const rows = earlier.evenings.slice(whole ? 0 : -1).map((one) => {
    const there = el("a", { href: `/s/${encodeURIComponent(one.session)}/board#${encodeURIComponent(one.question)}`, on: { click: (event) => event.stopPropagation() } }, el("bdi", { text: `${shown(one.title)} · ${date(one.at)}` }));
    const mark = answer?.session === one.session && icon("check");
    return el("li", {}, el("span", { class: "earlier-evening" }, there, mark), one.asked && el("bdi", { class: "faint", text: short(one.asked, 100) }));
  });
  return [el("ul", { class: "earlier-evenings" }, ...rows)];
}
