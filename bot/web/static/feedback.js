// The questionnaire: every question on one page, each answer saved as it is given, with or without a network.
import { byId, button, el, setText, shown } from "./dom.js";
import { day, onLanguage, t } from "./i18n.js";
import { startInstalled } from "./installed.js";
import { pollFields, readPoll, refillFrom } from "./poll-form.js";
import { pageFacts, startShell, toast, toastFailure } from "./shell.js";
import { Answers } from "./survey-answers.js";
import "./words/survey.js";

const LONGEST = 1000; // characters of a text
const PAUSE = 800; // milliseconds after the last letter before a text is saved

const facts = pageFacts();
const answers = new Answers(facts.session);
let survey = JSON.parse(byId("page-data").textContent).survey;
let late = false; // the last change came after the end
let drawn = "";

startShell();

// -- the questions ----------------------------------------------------------------------------------------------------------

/** Draws them anew where they are others; what somebody fills in stays under the hand. */
function draw() {
  const open = survey.status === "open", over = survey.status === "closed";
  setText(byId("survey-title"), shown(survey.title) || t("board.link.survey"));
  byId("survey-how").hidden = !open;
  setText(byId("survey-how"), open ? t("survey.how", { time: day(survey.closes_at) }) : "");
  byId("survey-none").hidden = open;
  setText(byId("survey-none-word"), t(over ? "survey.over" : "survey.none"));
  setText(byId("survey-none-more"), over ? (late ? t("survey.over.late") : "") : t("survey.none.more"));
  const signature = JSON.stringify([open, survey.items, document.documentElement.lang]);
  if (signature !== drawn) drawItems(open ? survey.items.map(question) : []);
  drawn = signature;
  drawState();
}

/** A text that is not saved yet stays, as where the language is another one. */
function drawItems(cards) {
  const box = byId("survey-items");
  const before = new Map([...box.children].map((card) => [card.dataset.id, card]));
  box.replaceChildren(...cards);
  for (const card of cards) {
    const old = before.get(card.dataset.id);
    if (!old?.dataset.typed || !card.leave) continue;
    refillFrom(old, card);
    card.dataset.typed = "yes";
    card.leave();
  }
}

function question(item, at) {
  const all = survey.items.length;
  const heading = el("span", { class: "survey-asks" },
    el("small", { class: "faint", text: t("survey.item", { n: at + 1, all }) }),
    el("b", { dir: "auto", text: shown(item.title) }));
  const card = el("li", { class: "card survey-item", data: { id: item.id, kind: item.kind } });
  const note = el("p", { class: "bad-note", role: "alert", hidden: true });
  const said = () => answers.all[item.id] ?? [];
  card.append(...pollFields(item, said(), { name: item.id, heading, longest: null, rows: 3 }), note);
  const field = card.querySelector("textarea");
  const clear = button({ word: t("survey.clear"), class: "link survey-clear", "aria-label": t("survey.clear.of", { title: shown(item.title) }), act: () => (fill(card, item, []), save([])) });
  card.append(clear);
  const save = (choices) => {
    const long = field && [...(choices[0] ?? "")].length > LONGEST;
    note.hidden = !long;
    note.textContent = long ? t("survey.long", { most: LONGEST, n: [...choices[0]].length.toLocaleString() }) : "";
    if (!long) delete card.dataset.typed;
    if (!long && JSON.stringify(choices) !== JSON.stringify(said())) answers.put(item.id, choices);
  };
  let timer;
  const now = () => (clearTimeout(timer), save(readPoll(item, card)));
  if (field) {
    field.addEventListener("input", () => ((card.dataset.typed = "yes"), clearTimeout(timer), (timer = setTimeout(now, PAUSE))));
    field.addEventListener("change", now);
    card.leave = now;
  } else card.addEventListener("change", () => (keepToMost(card, item), now()));
  return card;
}

/** Of several no more can be chosen than may be. */
function keepToMost(card, item) {
  if (item.kind !== "multiple") return;
  const boxes = [...card.querySelectorAll("input")];
  const full = boxes.filter((box) => box.checked).length >= item.most;
  for (const box of boxes) box.disabled = full && !box.checked;
}

function fill(card, item, choices) {
  for (const field of card.querySelectorAll("input")) field.checked = choices.includes(field.value);
  const text = card.querySelector("textarea");
  if (text) text.value = choices[0] ?? "";
  keepToMost(card, item);
}

/** What came from elsewhere (another chat or page of the same person) is filled in, but not where somebody writes, nor
 * over what is too long to be saved. */
function refill() {
  for (const item of survey.items) {
    const card = byId("survey-items").querySelector(`[data-id="${CSS.escape(item.id)}"]`);
    if (!card || card.contains(document.activeElement) || !card.querySelector(".bad-note").hidden) continue;
    fill(card, item, answers.all[item.id] ?? []);
  }
}

// -- how it stands ----------------------------------------------------------------------------------------------------------

function drawState() {
  const open = survey.status === "open";
  const ids = survey.items.map((item) => item.id);
  const n = answers.count(ids);
  const all = ids.length;
  for (const item of survey.items) {
    const card = byId("survey-items").querySelector(`[data-id="${CSS.escape(item.id)}"]`);
    card?.classList.toggle("done", Boolean(answers.all[item.id]?.length));
    const clear = card?.querySelector(".survey-clear");
    if (clear) clear.hidden = !answers.all[item.id]?.length;
  }
  byId("survey-foot").hidden = !open;
  setText(byId("survey-progress"), t("survey.progress", { n, all }));
  byId("survey-meter").max = Math.max(1, all);
  byId("survey-meter").value = n;
  byId("survey-thanks").hidden = !open || n < all || answers.waiting.length > 0;
  const trouble = answers.waiting.length > 0 && answers.tries > 0;
  const state = trouble ? (answers.safe ? "waiting" : "kept.not") : answers.waiting.length ? "saving" : n ? "saved" : "";
  const node = byId("survey-saved");
  node.dataset.state = state;
  node.querySelector("use").setAttribute("href", `#i-${trouble ? "offline" : "check"}`);
  node.querySelector("svg").toggleAttribute("hidden", !state || state === "saving");
  setText(node.querySelector("span"), state ? t(`survey.${state}`) : "");
}

answers.addEventListener("change", drawState);
answers.addEventListener("read", ({ detail }) => {
  survey = detail;
  draw();
  refill();
});
answers.addEventListener("refused", ({ detail }) => {
  late = detail.status === 403;
  if (late) toast(t("survey.over.late"), { bad: true });
  else toastFailure(detail);
});
addEventListener("pagehide", () => [...byId("survey-items").children].forEach((card) => card.leave?.()));
const look = () => answers.read().then(() => answers.flush());
document.addEventListener("visibilitychange", () => !document.hidden && look());
addEventListener("online", look);
onLanguage(draw);
draw();
look();
startInstalled(new EventTarget(), () => answers.waiting.length > 0 || document.activeElement?.tagName === "TEXTAREA");
