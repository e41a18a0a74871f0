// The dialogs of the board: choose a name or a label, give a reason, look again, the ledger, the keys.
import { call, inSession } from "./api.js";
import { button, byId, el, icon, kept, shown } from "./dom.js";
import { clock, day, t } from "./i18n.js";
import { pick, pickFrom } from "./picking.js";
import { badge, chatName, short } from "./pieces.js";
import { answerOf, pageFacts, toastFailure } from "./shell.js";
import { inWords } from "./talk-fields.js";
import "./words/settings.js";

const NAMED = 3; // questions that a dialog has room to name

const REASONS = ["topic", "none", "rude", "private"];

const NOBODY = "\u0000"; // no name has it

/**
 * Lets the person choose one of `words` or type another; null where they thought better of it. `marked`: those that get
 * a tick; `none`: what the choice of nothing is called, which gives "".
 */
export async function pickWord(title, placeholder, words, { marked = new Set(), none = "" } = {}) {
  const chosen = await pickFrom({ title, placeholder }, (typed) => {
    const found = words.filter((word) => word.toLowerCase().includes(typed.toLowerCase()));
    const picks = found.map((word) => pick(icon(marked.has(word) ? "check" : "tag"), el("bdi", { text: shown(word) }), word));
    if (typed && !words.includes(typed)) picks[words.some((word) => word.toLowerCase() === typed.toLowerCase()) ? "push" : "unshift"](pick(icon("edit"), el("bdi", { text: shown(typed) }), typed));
    if (none && !typed) picks.push(pick(icon("close"), el("bdi", { text: none }), NOBODY));
    return picks;
  });
  return chosen === NOBODY ? "" : chosen;
}

/** Asks why these are dismissed, by their titles; {reason, shown}, or null where the person thought better of it. The usual
 * reasons are in the askers' language. */
export async function askReason(titles) {
  const dialog = byId("dismiss");
  const field = byId("dismiss-reason");
  const shownTo = byId("dismiss-shown");
  const lately = kept("floormic.dismiss.shown", false);
  const preset = (name) => ((field.value = t(`board.reason.${name}`, {}, pageFacts().language)), dialog.close("yes"));
  const fill = () => {
    field.value = "";
    byId("dismiss-about").replaceChildren(...titles.slice(0, NAMED).map((title) => el("li", { dir: "auto", text: short(title, 120) })));
    if (titles.length > NAMED) byId("dismiss-about").append(el("li", { text: t("board.dismiss.more", { n: titles.length - NAMED }) }));
    shownTo.checked = lately.get();
    byId("dismiss-presets").replaceChildren(...REASONS.map((name) => button({ word: t(`board.reason.${name}`), act: () => preset(name) })));
    byId("dismiss-form").onsubmit = (event) => (event.preventDefault(), dialog.close("yes"));
  };
  if (!(await answerOf(dialog, fill))) return null;
  lately.set(shownTo.checked);
  return { reason: field.value.trim(), shown: shownTo.checked };
}

/** Asks whether to go on; `details` are shown below the question. */
export async function confirmed(title, yes, details = []) {
  const fill = () => {
    byId("sure-head").textContent = title;
    byId("sure-details").replaceChildren(...details);
    byId("sure-yes").textContent = yes;
    byId("sure-form").onsubmit = (event) => (event.preventDefault(), byId("sure").close("yes"));
  };
  return Boolean(await answerOf(byId("sure"), fill));
}

/** How a question stands now, and who made it so, for whoever was about to act upon something older. */
export function standsNow(question, row) {
  const head = el("p", { class: "chips" }, badge(question.status), el("span", { class: "faint", text: row ? didWhat(row) : t("board.changed.somebody") }));
  const answer = question.answer ? el("p", { class: "said", dir: "auto", text: shown(question.answer.text).slice(0, 400) }) : null;
  return el("li", {}, head, el("p", { class: "said", dir: "auto", text: short(question.title, 300) }), answer);
}

const NUMBER = /^(\d{5,}|[0-9a-f]{12,})$/; // what a viewer is who gave no name

/** Who it was; of the audience, who do one thing alone, also in which chat. */
function whoDid({ what, who }) {
  if (what !== "not_answered") return shown(who);
  const at = who.indexOf(":");
  const name = who.slice(at + 1);
  return `${NUMBER.test(name) ? t("board.viewer") : shown(name)} · ${shown(chatName(who.slice(0, at)))}`;
}

/** Who did what when, in a line. */
export const didWhat = (row) => `${whoDid(row) || t("board.changed.staff")}${t("colon")}${t(`did.${row.what}`)} · ${clock(row.at)}`;

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
  const titles = [...row.questions.map(titleOf).filter(Boolean), ...row.polls].map((title) => short(title, 60));
  const head = el("p", {}, el("b", { text: t(`did.${row.what}`) }), " · ", el("bdi", { text: whoDid(row) || "–" }), " · ", el("time", { text: day(row.at) }));
  const said = row.wordings.map((text) => el("p", {}, "“", el("bdi", { text: short(text, 80) }), "”"));
  const what = [titles.length > 0 && titles.join(" · "), ...row.settings.map(setting)].filter(Boolean);
  const body = el("div", { class: "ledger-body" }, head, ...said, ...what.map((text) => el("p", { class: "faint", dir: "auto", text })));
  const back = row.undone
    ? el("span", { class: "badge", text: t("board.history.undone") })
    : row.undoable && button({ icon: "undo", word: t("board.undo"), act: () => undo(row.id) });
  return el("li", { class: row.undone ? "undone" : "" }, body, back);
}

/** What a setting was and became; of the course only that it is another one, where it had one before and after. */
function setting({ name, before, after }) {
  const word = t(`settings.${name}`);
  return before === after ? word : t("did.setting", { name: word, before: inWords(name, before), after: inWords(name, after) });
}

/** The sheet of keys; `keys`: [[key names], text key]. */
export function showKeys(keys) {
  const rows = keys.map(([names, word]) => el("div", {}, el("dt", {}, ...names.map((name) => el("kbd", { text: name }))), el("dd", { text: t(word) })));
  byId("keys").replaceChildren(...rows);
  byId("help").showModal();
}
