// The card of what is told when the talk is over: when each goes out and what became of it, its words, and what people do
// with it.
import { call, inSession, notTwice } from "./api.js";
import { byId, button, el, icon, setText, shown } from "./dom.js";
import { clock, day, onLanguage, t } from "./i18n.js";
import { pageFacts, toast, toastFailure } from "./shell.js";
import { AFTER } from "./talk-fields.js";
import "./words/after.js";

const MODES = ["off", "suggest", "auto"];
const MARKS = { planned: "clock", waiting: "eye", sent: "check", cancelled: "close", dropped: "warn", empty: "check", off: "close" };
const TONES = { planned: "queued", waiting: "warn", sent: "answered", dropped: "bad" };
const at = (rest = "") => inSession(pageFacts().session, `/after${rest}`);
const kindOf = (name) => name.split(":")[0];

const cards = new Map(); // by name of the duty
let session = null;
let told = { over: false, duties: [] };
let setMode = () => {};

const titleOf = (name) => t(`after.${kindOf(name)}`);

/** "21:30" today, else with its day. */
const time = (seconds) => (new Date(seconds * 1000).toDateString() === new Date().toDateString() ? clock(seconds) : day(seconds));

// -- one of it --------------------------------------------------------------------------------------------------------------

function makeCard(name) {
  const text = el("textarea", { id: `after-text-${name}`, rows: 9, dir: "auto", maxlength: 4000 });
  const said = el("p", { class: "said after-said", dir: "auto" });
  const chats = el("p", { class: "faint" });
  const word = button({ icon: "edit", act: () => reword(text.value) });
  const unword = button({ icon: "undo", act: () => reword("") });
  const label = el("label", { for: text.id, class: "sr" });
  const details = el("details", { on: { toggle: () => details.open && read(name) } }, el("summary"), label, text, said, chats, el("div", { class: "actions start" }, word, unword));
  const choose = async () => (await setMode(name, mode.value)) || (mode.value = session.after[name]);
  const mode = el("select", { id: `after-mode-${name}`, on: { change: choose } }, ...MODES.map((one) => el("option", { value: one })));
  const send = button({ icon: "send", class: "button primary", act: () => act(name, "send") });
  const cancel = button({ icon: "close", act: () => act(name, told.duties.find((one) => one.name === name)?.state === "cancelled" ? "plan" : "cancel") });
  for (const one of [word, unword, send, cancel]) one.append(el("span"));
  const parts = { was: "", title: el("h3"), state: el("p", { class: "badge", role: "status" }), what: el("p", { class: "faint" }), line: el("p"), mode, details, label, text, said, chats, word, unword, send, cancel };
  const head = el("div", { class: "after-head" }, parts.title, parts.state);

  /** Where it was taken, the words that stood there may go, but not what is written meanwhile. */
  async function reword(words) {
    const was = text.value;
    if (await act(name, "word", { text: words })) ((parts.was = was), read(name));
  }

  parts.node = el("li", { data: { duty: name } }, head, parts.what, parts.line, AFTER.includes(name) && mode, el("div", { class: "actions start" }, send, cancel), details);
  return parts;
}

function lineOf(duty) {
  if (duty.state === "planned") return t("after.planned", { time: time(duty.due) });
  if (duty.state === "waiting") return duty.due * 1000 > Date.now() ? t("after.waiting.from", { time: time(duty.due) }) : t("after.waiting");
  if (!["sent", "cancelled"].includes(duty.state)) return "";
  const by = duty.who ? t("after.by", { who: shown(duty.who), time: time(duty.at) }) : t("after.by_itself", { time: time(duty.at) });
  if (duty.state === "cancelled") return by;
  const waits = duty.goes_at * 1000 > Date.now() + 60000 ? "after.to_send.at" : "after.to_send";
  const counts = [
    duty.sent && t("after.sent", { n: duty.sent }),
    duty.to_send && t(waits, { n: duty.to_send, time: time(duty.goes_at) }),
    duty.failed && t("after.failed", { n: duty.failed }),
  ];
  return [by, ...counts].filter(Boolean).join(" · ");
}

function drawCard(name, duty) {
  const card = cards.get(name);
  const state = duty?.state ?? "";
  card.node.dataset.state = state;
  setText(card.title, titleOf(name));
  setText(card.what, AFTER.includes(name) ? t(`after.${name}.what`) : "");
  card.state.hidden = !state;
  card.state.dataset.tone = TONES[state] ?? "";
  if (card.state.dataset.drawn !== `${state} ${t("after.title")}`) {
    card.state.dataset.drawn = `${state} ${t("after.title")}`;
    if (state) card.state.replaceChildren(icon(MARKS[state]), el("span", { text: t(`after.state.${state}`) }));
  }
  const line = duty ? lineOf(duty) : "";
  setText(card.line, line);
  card.line.hidden = !line;
  card.mode.setAttribute("aria-label", t("after.mode", { name: titleOf(name) }));
  for (const option of card.mode.options) option.textContent = t(`after.mode.${option.value}`);
  if (document.activeElement !== card.mode) card.mode.value = session.after[name];
  const may = { send: duty && state !== "off" && (state !== "sent" || duty.editable), cancel: ["planned", "waiting", "cancelled"].includes(state) };
  card.send.hidden = !may.send;
  card.cancel.hidden = !may.cancel;
  card.details.hidden = !duty;
  const words = { send: state === "sent" ? "after.again" : "after.send", cancel: state === "cancelled" ? "after.plan" : "after.cancel", word: "after.word", unword: "after.unword" };
  for (const [part, key] of Object.entries(words)) setText(card[part].querySelector("span"), t(key));
  card.cancel.querySelector("use").setAttribute("href", state === "cancelled" ? "#i-undo" : "#i-close");
  card.send.classList.toggle("primary", state === "waiting");
  setText(card.details.querySelector("summary"), t("after.text"));
  setText(card.label, t("after.text"));
  for (const part of [card.label, card.text, card.word]) part.hidden = !duty?.editable;
  card.said.hidden = Boolean(duty?.editable);
  card.unword.hidden = !duty?.worded;
}

function draw() {
  if (!session) return;
  byId("after-running").hidden = told.over;
  const known = new Map(told.duties.map((duty) => [duty.name, duty]));
  const names = told.over ? [...known.keys()] : AFTER;
  for (const name of names) if (!cards.has(name)) cards.set(name, makeCard(name));
  for (const name of names) drawCard(name, known.get(name));
  const list = byId("after-list");
  const nodes = names.map((name) => cards.get(name).node);
  if (nodes.length !== list.children.length || nodes.some((node, place) => list.children[place] !== node)) list.replaceChildren(...nodes);
}

// -- what is done -----------------------------------------------------------------------------------------------------------

/** Reads what it would say now; what somebody wrote in its place stays. */
async function read(name) {
  const card = cards.get(name);
  try {
    const { text, chats } = await call("GET", at(`/${encodeURIComponent(name)}`));
    if (card.text.value === card.was) {
      card.text.value = text;
      card.was = card.text.value; // a field has its own line breaks
    }
    const editable = told.duties.find((one) => one.name === name)?.editable;
    setText(card.said, shown(text) ? (editable ? "" : `${t("after.text.example")}\n\n${shown(text)}`) : "");
    setText(card.chats, chats ? t("after.chats", { n: chats }) : t("after.text.none"));
  } catch (failure) {
    toastFailure(failure);
  }
}

/** True where it happened. */
const act = (name, what, more = {}) => notTwice(JSON.stringify([name, what, more]), () => send(name, what, more));

async function send(name, what, more) {
  try {
    const { action, goes_at: goes } = await call("POST", at(`/${encodeURIComponent(name)}/actions`), { do: what, ...more });
    const did = t(`after.did.${what}`);
    toast(goes ? t("after.goes", { did, time: time(goes) }) : did, { slot: "did", action: { word: t("after.undo"), act: () => undo(action, name) } });
    return true;
  } catch (failure) {
    if (what === "send" && failure.code === "not_allowed") toast(t("after.text.none"), { bad: true });
    else toastFailure(failure);
    return false;
  }
}

async function undo(action, name) {
  try {
    await call("POST", inSession(pageFacts().session, "/undo"), { action });
    toast(t("after.back"), { slot: "did" });
    if (cards.get(name)?.details.open) read(name);
  } catch (failure) {
    toastFailure(failure);
  }
}

/** Starts the card; `live` tells the topics "after" and "session", `set(name, mode)` sets a mode of the session and
 * says whether it did. */
export function startAfter(live, now, set) {
  session = now;
  setMode = set;
  live.addEventListener("session", ({ detail }) => ((session = detail), draw()));
  live.addEventListener("after", ({ detail }) => ((told = detail), draw()));
  onLanguage(() => (draw(), [...cards].forEach(([name, card]) => card.details.open && read(name))));
  draw();
}
