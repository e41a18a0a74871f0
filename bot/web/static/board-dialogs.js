// The dialogs of the board: choose a question, give a reason, the ledger, the keys.
import { call, inSession } from "./api.js";
import { button, byId, el, shown } from "./dom.js";
import { clock, t } from "./i18n.js";
import { rank } from "./live.js";
import { short } from "./pieces.js";
import { toastFailure } from "./shell.js";

const SHOWN = 40;
const REASONS = ["topic", "none", "rude", "private"];

/** What the person chose in a dialog; null where it was closed without. */
function answerOf(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true });
    dialog.showModal();
  });
}

/** Lets the person choose one of `questions`; its id, or null. */
export function pickQuestion(title, questions) {
  const dialog = byId("pick");
  const search = byId("pick-search");
  byId("pick-head").textContent = title;
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = questions.filter((q) => q.title.toLowerCase().includes(wanted)).sort(rank).slice(0, SHOWN);
    byId("picks").replaceChildren(...found.map((q) => pick(q, dialog)));
  };
  search.value = "";
  search.oninput = draw;
  byId("pick-form").onsubmit = (event) => {
    event.preventDefault();
    byId("picks").querySelector("button")?.click();
  };
  draw();
  return answerOf(dialog);
}

function pick(question, dialog) {
  const people = el("b", { text: String(question.people) });
  const choose = el("button", { type: "button", class: "pick", on: { click: () => dialog.close(question.id) } }, people, el("bdi", { text: short(question.title, 140) }));
  return el("li", {}, choose);
}

/** Asks why; {reason}, or null where the person thought better of it. */
export async function askReason() {
  const dialog = byId("dismiss");
  const field = byId("dismiss-reason");
  field.value = "";
  const presets = REASONS.map((name) => button({ word: t(`board.reason.${name}`), act: () => ((field.value = t(`board.reason.${name}`)), dialog.close("yes")) }));
  byId("dismiss-presets").replaceChildren(...presets);
  byId("dismiss-form").onsubmit = (event) => (event.preventDefault(), dialog.close("yes"));
  return (await answerOf(dialog)) ? { reason: field.value.trim() } : null;
}

/** Shows the last actions, each with a way back. */
export async function showLedger(session, acts, titleOf) {
  const draw = async () => {
    const rows = await call("GET", inSession(session, "/actions"));
    byId("ledger-empty").hidden = rows.length > 0;
    byId("ledger").replaceChildren(...rows.slice(0, 100).map((row) => ledgerRow(row, titleOf, undo)));
  };
  const undo = async (id) => (await acts.undo(id)) && draw().catch(toastFailure);
  try {
    await draw();
    if (!byId("history").open) byId("history").showModal();
  } catch (failure) {
    toastFailure(failure);
  }
}

function ledgerRow(row, titleOf, undo) {
  const titles = row.questions.map(titleOf).filter(Boolean).map((title) => short(title, 60));
  const head = el("p", {}, el("b", { text: t(`did.${row.what}`) }), " · ", el("bdi", { text: shown(row.who) || "–" }), " · ", el("time", { text: clock(row.at) }));
  const body = el("div", { class: "ledger-body" }, head, titles.length > 0 && el("p", { class: "faint", dir: "auto", text: titles.join(" · ") }));
  const back = row.undone
    ? el("span", { class: "badge", text: t("board.history.undone") })
    : row.what !== "undo" && button({ icon: "undo", word: t("board.undo"), act: () => undo(row.id) });
  return el("li", { class: row.undone ? "undone" : "" }, body, back);
}

/** The sheet of keys; `keys`: [[key names], text key]. */
export function showKeys(keys) {
  const rows = keys.map(([names, word]) => el("div", {}, el("dt", {}, ...names.map((name) => el("kbd", { text: name }))), el("dd", { text: t(word) })));
  byId("keys").replaceChildren(...rows);
  byId("help").showModal();
}
