// Every wording of a question: who asked how, where, when, how alike it is, and why it is here. Chosen ones are split off,
// moved, or taken out because they ask nothing; a doubtful one stays where somebody says that it belongs there.
import { button, el, said, shown } from "./dom.js";
import { clock, language, t } from "./i18n.js";
import { badge, chatChip } from "./pieces.js";
import { foldable } from "./shell.js";

const WHATS = ["input", "summary", "button"]; // what of a wording may have the focus

/** {node, update(asked), first()}; each act is given message ids, and whether they are all, and resolves to true where it happened. */
export function wordings({ split, move, nothing, confirm }) {
  const chosen = new Set();
  const opened = new Set(); // whose reasons are read
  const head = el("h3", { tabindex: "-1" });
  const list = el("ol", { class: "wordings" });
  const splits = button({ icon: "split", word: t("board.split"), "data-do": "split", act: () => done(split) });
  const moves = button({ icon: "move", word: t("board.move"), "data-do": "move", act: () => done(move) });
  const asksNothing = button({ icon: "close", word: t("board.nothing"), "data-do": "not_asking", act: () => done(nothing) });
  const all = el("p", { class: "faint", role: "status" }); // what can be done with all of them
  const acts = el("div", { class: "wordings-acts" }, all, splits, moves, asksNothing);
  const why = el("p", { class: "faint", text: t("board.split.why") });
  const node = el("section", { class: "panel-wordings", hidden: true }, head, why, list, acts); // until they are known
  let asked = [];
  let confirmed = null; // the message that somebody has just confirmed: the next doubtful one is looked at then

  async function done(doing) {
    const messages = asked.length === 1 ? [asked[0].message] : [...chosen];
    const did = await doing(messages, messages.length === asked.length);
    if (did) chosen.clear();
    draw();
    if (did) head.focus(); // nothing is chosen any more: the button that was pressed cannot keep it
  }

  async function stays(message) {
    if (!(await confirm([message]))) return;
    confirmed = message;
    goOn();
  }

  function goOn() {
    if (confirmed === null || asked.some((one) => one.message === confirmed && one.doubtful)) return; // not known yet
    confirmed = null;
    first();
  }

  /** Where somebody should look: the first doubtful one. */
  function first() {
    (list.querySelector("[data-do=confirm]") ?? head).focus();
  }

  function draw() {
    const held = list.contains(document.activeElement) ? document.activeElement : null;
    const at = held && { message: held.closest(".wording").dataset.message, what: WHATS.find((what) => held.matches(what)) };
    head.textContent = t("board.wordings", { n: asked.length });
    list.replaceChildren(...asked.map(row));
    if (at) list.querySelector(`[data-message="${at.message}"] ${at.what}`)?.focus({ preventScroll: true });
    why.hidden = splits.hidden = moves.hidden = asked.length < 2;
    acts.hidden = asked.length === 0;
    allow();
  }

  function allow() {
    const whole = chosen.size === asked.length;
    splits.disabled = moves.disabled = chosen.size === 0 || whole;
    asksNothing.disabled = asked.length > 1 && chosen.size === 0;
    all.textContent = asked.length > 1 && whole ? t("board.split.all") : "";
  }

  function row(one) {
    const check = el("input", { type: "checkbox", on: { change: () => (chosen[check.checked ? "add" : "delete"](one.message), allow()) } });
    check.checked = chosen.has(one.message);
    check.setAttribute("aria-label", t("board.select", { title: shown(one.text).slice(0, 60) }));
    check.hidden = asked.length < 2;
    const who = el("p", { class: "wording-who" }, el("bdi", { text: shown(one.author_name) || t("viewer.name.anonymous") }), chatChip(one.source, 1), el("time", { text: clock(one.at) }), likeness(one));
    if (one.doubtful) who.append(button({ icon: "check", word: t("board.wording.confirm"), class: "button quiet", "data-do": "confirm", act: () => stays(one.message) }));
    const reasons = grounds(one);
    reasons.open = opened.has(one.message);
    reasons.addEventListener("toggle", () => opened[reasons.open ? "add" : "delete"](one.message));
    return el("li", { class: "wording", "data-message": one.message }, el("label", { class: "row-check" }, check), el("div", {}, foldable(said(one.text)), who, reasons));
  }

  function update(next) {
    asked = [...next.filter((one) => one.doubtful), ...next.filter((one) => !one.doubtful)]; // what may have to go comes first
    node.hidden = false;
    const there = new Set(next.map((one) => one.message));
    for (const id of chosen) if (!there.has(id)) chosen.delete(id);
    draw();
    goOn();
  }

  return { node, update, first };
}

/** Why it was taken for a question, put here and answered: the strongest signs, folded. */
export function grounds({ probability, similarity, answer, reasons }) {
  const parts = [["asking", probability], ["grouping", similarity], ["answer", answer]].filter(([part]) => reasons[part].length);
  const alone = similarity === null && !put(reasons);
  const lines = parts.flatMap(([part, score]) => [
    el("dt", { text: alone && part === "grouping" ? t("why.alone") : score === null ? t(`why.${part}`) : `${t(`why.${part}`)} · ${Math.round(score * 100)}%` }),
    ...reasons[part].map(({ weight, text }) => el("dd", { class: weight < 0 ? "against" : "for", dir: "auto", text: shown(text[language()]) })),
  ]);
  return el("details", { class: "why", hidden: lines.length === 0 }, el("summary", { text: t("why") }), el("dl", {}, ...lines));
}

/** What a moderator said of where it belongs. */
const put = (reasons) => reasons.grouping.find(({ code }) => code === "put" || code === "confirmed");

/** How alike a wording was to its group when it came: a bar and the number; or that a moderator put it there, or said that it belongs there. */
function likeness({ similarity, doubtful, reasons }) {
  const told = put(reasons);
  if (told) return el("span", { class: "badge", text: told.text[language()] });
  if (similarity === null) return el("span", { class: "badge", text: t("board.first") });
  const percent = Math.round(similarity * 100);
  if (doubtful) return badge("warn", t("board.wording.unsure", { n: percent }), "warn");
  const bar = el("span", { class: "likeness-bar", "aria-hidden": "true" });
  bar.style.setProperty("--part", `${Math.max(0, Math.min(100, percent))}%`);
  return el("span", { class: "likeness" }, bar, el("span", { text: t("board.similarity", { n: percent }) }));
}
