// Answers on their way into the course's FAQ, among the settings: what each would change there, and the decision.
import { call, inSession, notTwice } from "./api.js";
import { button, byId, el, icon, setText, shown } from "./dom.js";
import { day, language, onLanguage, t } from "./i18n.js";
import { pageFacts, toast, toastFailure } from "./shell.js";
import "./words/promotions.js";

const path = (rest = "") => inSession(pageFacts().session, `/promotions${rest}`);
const edited = new Map(); // question -> what is typed
let state = null; // PromotionsOut
let drawn = "";

async function refresh() {
  try {
    state = await call("GET", path());
    draw();
  } catch (failure) {
    toastFailure(failure);
  }
}

const decide = (one, what) => notTwice(one.question, () => send(one, what));

async function send(one, what) {
  const entry = what === "accept" ? (edited.get(one.question) ?? "") : "";
  try {
    state = await call("POST", path(`/${encodeURIComponent(one.question)}`), { do: what, entry });
    edited.delete(one.question);
    const back = what === "undo" ? null : { word: t("faq.undo"), act: () => decide(one, "undo") };
    toast(t(`faq.did.${what}`), { slot: "faq", action: back });
    draw();
    byId("faq-head").focus();
  } catch (failure) {
    toastFailure(failure);
  }
}

// -- what is shown ----------------------------------------------------------------------------------------------------

/** A unified diff, a line each; the sign at its beginning says what the colour says. */
function diffOf(one) {
  const kind = (line) => (line.startsWith("@@") ? "place" : line.startsWith("+") ? "new" : line.startsWith("-") ? "gone" : "same");
  const lines = one.diff.split("\n").slice(2, -1); // without the names of the file
  const rows = lines.map((line) => el("span", { class: `diff-line diff-${kind(line)}`, text: `${line}\n` }));
  return el("pre", { class: "diff", dir: "auto", tabindex: "0", role: "region", "aria-label": t("faq.diff", { title: shown(one.title) }) }, ...rows);
}

function editor(one) {
  const field = el("textarea", { rows: "8", dir: "auto", maxlength: "8000", "aria-label": t("faq.entry") });
  field.value = edited.get(one.question) ?? one.entry;
  field.addEventListener("input", () => edited.set(one.question, field.value));
  return el("details", { class: "faq-edit", open: edited.has(one.question) }, el("summary", { text: t("faq.edit") }), el("label", { class: "field" }, el("span", { class: "faint", text: t("faq.edit.how") }), field));
}

function proposed(one) {
  const by = t(one.by ? "faq.by" : "faq.by.itself", { who: shown(one.by), time: day(one.at) });
  const parts = [el("h4", { dir: "auto", text: shown(one.title) }), el("p", { class: "faint", dir: "auto", text: by })];
  if (one.corrects) parts.push(el("p", { text: t("faq.corrects") }));
  if (one.doubled) parts.push(el("p", { class: "bad-note" }, icon("warn"), el("span", { dir: "auto", text: t("faq.doubled", { where: shown(one.doubled) }) })));
  else parts.push(diffOf(one));
  const name = shown(one.title).slice(0, 80);
  const decline = button({ icon: "close", word: t("faq.decline"), label: `${t("faq.decline")}${t("colon")}${name}`, act: () => decide(one, "decline") });
  const accept = button({ icon: "check", word: t("faq.accept"), label: `${t("faq.accept")}${t("colon")}${name}`, class: "button primary", act: () => decide(one, "accept") });
  return el("li", { class: "faq-one" }, ...parts, editor(one), el("div", { class: "actions start" }, accept, decline));
}

function decided(one) {
  const stage = one.stage === "accepted" && !one.there ? "changed" : one.stage;
  const words = t(`faq.${stage}`, { who: shown(one.decided_by) || t("faq.itself"), time: day(one.decided_at ?? one.at) });
  const undo = button({ icon: "undo", word: t("faq.undo"), label: `${t("faq.undo")}${t("colon")}${shown(one.title).slice(0, 80)}`, act: () => decide(one, "undo") });
  return el("li", {}, el("span", { dir: "auto" }, el("b", { text: shown(one.title) }), el("span", { class: "faint", text: words })), undo);
}

function draw() {
  if (!state) return;
  if (document.activeElement?.closest?.(".faq-edit textarea")) return; // somebody types
  const signs = JSON.stringify([state, language()]);
  if (signs === drawn) return; // what is focused or opened stays
  drawn = signs;
  const open = state.promotions.filter((one) => one.stage === "proposed");
  const done = state.promotions.filter((one) => one.stage !== "proposed");
  setText(byId("faq-how"), t(open.length ? "faq.how" : "faq.none", { n: open.length, file: state.file }));
  byId("faq-open").replaceChildren(...open.map(proposed));
  byId("faq-patch").hidden = open.length === 0;
  byId("faq-done").hidden = done.length === 0;
  byId("faq-done-list").replaceChildren(...done.map(decided));
}

/** Starts the section; `live` tells the topic "promotions". */
export function startPromotions(live) {
  live.addEventListener("promotions", refresh);
  onLanguage(draw);
  refresh();
}
