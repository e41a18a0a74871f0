// Choose one of many: a question, the likeliest first and found by any of its wordings, or a word.
import { call, inSession } from "./api.js";
import { byId, composing, el } from "./dom.js";
import { t } from "./i18n.js";
import { OPEN, rank, wanting } from "./live.js";
import { badge, short } from "./pieces.js";
import { answerOf } from "./shell.js";
import "./words/board.js";

const SHOWN = 40;
const PATIENCE = 1500; // milliseconds until the list goes without what is likely
const TOLD = 0.1; // a likelihood below which nothing is said of it
const PAUSE = 250; // milliseconds without a key until wordings are searched

/**
 * Lets the person choose one of `questions`; its id, or null. They are for `id`, or for `messages` of its wordings: those
 * that most likely ask the same come first, then those that most people want to know. `how`: what it is chosen for.
 */
export function pickQuestion({ session, id, messages = [], questions, title, how }) {
  const worded = new Map(); // ids by what was typed, null while they are looked for
  let likely = null;
  let order = [];
  let waits;

  async function sort(draw) {
    likely = new Map();
    likely = await likelihoods(session, id, messages);
    order = [...questions].sort((a, b) => (likely.get(b.id) ?? 0) - (likely.get(a.id) ?? 0) || rank(a, b));
    draw();
  }

  function search(typed, draw) {
    clearTimeout(waits);
    if (!typed || worded.get(typed)) return;
    worded.set(typed, null);
    waits = setTimeout(async () => {
      worded.set(typed, new Set(await call("GET", inSession(session, `/wordings?q=${encodeURIComponent(typed)}`)).catch(() => [])));
      draw();
    }, PAUSE);
  }

  return pickFrom({ title, how, placeholder: t("board.search") }, (typed, draw) => {
    if (likely === null) sort(draw);
    if (order.length === 0 && questions.length) return null;
    search(typed, draw);
    const words = typed.toLowerCase().split(/\s+/);
    const found = order.filter((one) => words.every((word) => one.title.toLowerCase().includes(word)) || worded.get(typed)?.has(one.id));
    if (found.length === 0 && typed && !worded.get(typed)) return null;
    return found.slice(0, SHOWN).map((one) => row(one, likely.get(one.id)));
  });
}

/** How likely other questions are the same: by id. Nothing where that is not known in time. */
async function likelihoods(session, id, messages) {
  const asked = messages.map((message) => `message=${message}`).join("&");
  const path = inSession(session, `/questions/${encodeURIComponent(id)}/likely?${asked}`);
  const found = await call("GET", path, undefined, { patience: PATIENCE }).catch(() => []);
  return new Map(found.map(({ question, likelihood }) => [question, likelihood]));
}

function row(question, likelihood = 0) {
  const words = el("span", {}, el("bdi", { text: short(question.title, 140) }));
  if (likelihood >= TOLD) words.append(" ", badge("merged", t("board.pick.likely", { n: Math.round(likelihood * 100) })));
  if (!OPEN.has(question.status)) words.append(" ", badge(question.status));
  return pick(el("b", { text: String(wanting(question)) }), words, question.id);
}

/**
 * Lets the person choose one of the rows that `found(typed, draw)` gives; its value, or null. Null in the place of rows: they
 * are looked for, and `draw()` is called once they are there.
 */
export function pickFrom({ title, how = "", placeholder }, found) {
  const [dialog, search, list] = ["pick", "pick-search", "picks"].map(byId);
  let entered = false; // what was typed is to be taken, once it is found
  const take = () => {
    const first = list.querySelector("button");
    entered = !first && !byId("picks-wait").hidden && search.value.trim() !== "";
    first?.click();
  };
  const draw = () => {
    const rows = found(search.value.trim(), draw);
    byId("picks-wait").hidden = rows !== null;
    byId("picks-none").hidden = rows === null || rows.length > 0;
    list.replaceChildren(...(rows ?? []));
    list.style.minHeight = `${Math.max(parseFloat(list.style.minHeight) || 0, list.offsetHeight)}px`; // nothing jumps under the finger
    if (entered && rows !== null) take();
  };
  return answerOf(dialog, () => {
    byId("pick-head").textContent = title;
    byId("pick-how").textContent = how;
    byId("pick-how").hidden = !how;
    search.placeholder = placeholder;
    search.value = "";
    search.oninput = () => ((entered = false), draw());
    list.style.minHeight = "";
    dialog.onkeydown = step;
    byId("pick-form").onsubmit = (event) => (event.preventDefault(), take());
    draw();
  });
}

/** The arrows go from the field through the rows. */
function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || composing(event)) return;
  const stops = [byId("pick-search"), ...byId("picks").querySelectorAll("button")];
  const at = stops.indexOf(document.activeElement);
  if (at < 0) return;
  event.preventDefault();
  stops[Math.min(Math.max(at + by, 0), stops.length - 1)].focus();
}

export const pick = (mark, words, value) =>
  el("li", {}, el("button", { type: "button", class: "pick", on: { click: () => byId("pick").close(value) } }, mark, words));
