// For experts: what a talk left open, one question after the other, with one thumb.
import { Aloud } from "./aloud-card.js";
import { call, inSession } from "./api.js";
import { Hands, handName } from "./board-hands.js";
import { listenToKeys } from "./board-keys.js";
import { byId, el, onceAFrame, setText } from "./dom.js";
import { Answers } from "./experts-answers.js";
import { Card, standsNow } from "./experts-card.js";
import { askBoth, askOvertaken, showGone } from "./experts-dialogs.js";
import { Drafts } from "./experts-drafts.js";
import { clock, onLanguage, t } from "./i18n.js";
import { Live, OPEN, rank } from "./live.js";
import { pickQuestion } from "./picking.js";
import { pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { followTalk } from "./talk.js";
import "./words/board.js";
import "./words/experts.js";

const UNDO = 6000; // milliseconds until the chats are told
const stepped = ["mine", "free", "others"]; // what waits for an answer
const PLACES = [...stepped, "declined", "done"];
const KEYS = [[["j", "k"], "expert.key.move"], [["Enter"], "expert.key.open"], [["Ctrl", "Enter"], "expert.key.send"], [["n"], "expert.key.decline"], [["t"], "expert.key.together"], [["Esc"], "expert.key.escape"]];

const facts = pageFacts();
const me = JSON.parse(byId("page-data").textContent).person;
const live = new Live(facts.session, ["hands", "session", "experts", "transcript"]);
const aloud = new Aloud(facts.session);
const hands = new Hands(live, facts.session);
const drafts = new Drafts(facts.session, me);
const answers = new Answers(facts.session, me);
const cards = new Map();
let declined = new Set();
let told = { drafts: [], declined: [] };
let opened = null;

const question = (id) => live.questions.get(id);
const api = (id, rest) => inSession(facts.session, `/questions/${encodeURIComponent(id)}${rest}`);
const sameName = (one, other) => one.trim().toLowerCase() === other.trim().toLowerCase();
const mine = (name) => Boolean(name) && sameName(name, facts.who);

/** The others' hands: not those of my own other device. */
const handsOn = (id) => hands.on(id).filter((hand) => !sameName(hand.name, facts.who));

const on = {
  question,
  aloud,
  drafts,
  mine,
  hands: handsOn,
  /** Who else has a draft of it, and is not writing at this moment. */
  drafting: (id) => {
    const writing = new Set(handsOn(id).filter((hand) => hand.doing === "answering").map((hand) => hand.name));
    return OPEN.has(question(id)?.status) ? told.drafts.filter((one) => one.question === id && one.person !== me && !writing.has(one.name)).map((one) => one.name) : [];
  },
  waits: (id) => (answers.of(id) ? (answers.trouble ? "expert.waiting" : "expert.sending") : ""),
  declined: (id) => declined.has(id),
  toggle: (id) => (opened === id ? close() : open(id)),
  looks,
  typed: (id, text, references) => (drafts.type(id, text, references, standsNow(question(id))), looks(id)),
  send,
  together,
  decline,
  next: (id) => openNext(id),
};

// -- drawing ------------------------------------------------------------------------------------------------------------

/** Where a question stands on this page; "" where it does not. */
function placeOf(one) {
  if (one.status === "merged") return "";
  if (!OPEN.has(one.status)) return one.status === "answered" || drafts.state(one.id) ? "done" : "";
  if (declined.has(one.id)) return "declined";
  if (mine(one.assigned)) return "mine";
  return one.assigned ? "others" : "free";
}

function draw() {
  if ([...live.questions.values()].some((one) => !("original" in one))) return stillSignedIn(); // a viewer's view
  followMerges();
  findGone();
  const places = Object.fromEntries(PLACES.map((place) => [place, []]));
  for (const one of [...live.questions.values()].sort(rank)) {
    const place = placeOf(one);
    if (place) places[place].push(one);
  }
  places.done.sort((a, b) => (b.answer?.at ?? 0) - (a.answer?.at ?? 0));
  if (opened && question(opened) && placeOf(question(opened))) stayPut(places);
  else opened = null;
  const before = opened && cards.get(opened)?.node.parentElement;
  for (const place of PLACES) drawPlace(place, places[place]);
  if (opened && before !== cards.get(opened)?.node.parentElement) cards.get(opened).node.scrollIntoView({ block: "start" });
  drawProgress(places);
}

/** The open card stays where it is, whatever becomes of its question: a thumb is on it. Only what waits again, after it
 * was put away, comes back. */
function stayPut(places) {
  const list = cards.get(opened)?.node.parentElement;
  const one = question(opened);
  const place = list?.dataset.place;
  if (!list || (!stepped.includes(place) && stepped.includes(placeOf(one)))) return;
  for (const each of PLACES) places[each] = places[each].filter(({ id }) => id !== opened);
  const shown = [...list.children].map((node) => node.dataset.id);
  const above = new Set(shown.slice(0, shown.indexOf(opened)));
  places[place].splice(places[place].findLastIndex(({ id }) => above.has(id)) + 1, 0, one);
}

function drawPlace(place, questions) {
  const list = byId(`list-${place}`);
  byId(`place-${place}`).hidden = questions.length === 0;
  setText(byId(`count-${place}`), String(questions.length));
  const rows = questions.map((one) => cardOf(one.id));
  const stay = new Set(rows.map((card) => card.node));
  for (const node of [...list.children]) if (!stay.has(node)) node.remove(); // first: a card that is moved loses the focus
  rows.forEach((card, at) => list.children[at] !== card.node && list.insertBefore(card.node, list.children[at] ?? null));
  for (const card of rows) card.update();
}

function cardOf(id) {
  if (!cards.has(id)) cards.set(id, new Card(id, on));
  return cards.get(id);
}

function drawProgress(places) {
  const left = places.mine.length + places.free.length + places.others.length + places.declined.length;
  const done = [...live.questions.values()].filter((one) => one.status === "answered").length;
  const total = done + [...live.questions.values()].filter((one) => OPEN.has(one.status)).length;
  setText(byId("progress-words"), t("expert.progress", { n: done, total }));
  byId("progress").max = Math.max(1, total);
  byId("progress").value = done;
  const reading = live.revision === 0 && live.state === "connecting";
  byId("empty").hidden = left > 0 || reading;
  setText(byId("empty-words"), t(done ? "expert.all" : "expert.none"));
  setText(byId("free-words"), t(places.mine.length || places.others.length ? "expert.free" : "expert.open"));
}

function drawOffline() {
  byId("off").hidden = live.state !== "offline";
  redraw();
}

const redraw = onceAFrame(draw);

// -- moving -------------------------------------------------------------------------------------------------------------

function open(id, focus = false) {
  if (opened && opened !== id) cards.get(opened)?.close();
  opened = id;
  const card = cardOf(id);
  card.open();
  read(card);
  looks(id);
  const aside = card.node.closest("details");
  if (aside) aside.open = true;
  card.node.scrollIntoView({ block: "start" });
  if (focus) card.head.focus({ preventScroll: true });
}

function close() {
  const card = cards.get(opened);
  opened = null;
  card?.close();
  looks(null);
  card?.head.focus();
  redraw();
}

async function read(card) {
  try {
    card.review = await call("GET", api(card.id, "/review"));
    card.update();
  } catch (failure) {
    if (!failure.passing) toastFailure(failure);
  }
}

/** The cards that one steps through: not those that are put aside. */
const heads = () => [...document.querySelectorAll(".ex-head")].filter((head) => head.checkVisibility?.() ?? head.offsetParent);
function step(by) {
  const all = heads();
  const here = all.findIndex((head) => head === document.activeElement || head.closest(".ex-card").contains(document.activeElement));
  all[here < 0 ? 0 : Math.max(0, Math.min(all.length - 1, here + by))]?.focus();
}

/** The next question that waits after this one, or the first that does. */
function openNext(id) {
  const order = stepped.flatMap((place) => [...byId(`list-${place}`).children].map((node) => node.dataset.id));
  const waits = (one) => one !== id && OPEN.has(question(one)?.status) && !declined.has(one) && !answers.of(one);
  const next = order.slice(order.indexOf(id) + 1).find(waits) ?? order.find(waits);
  if (next) return open(next, true);
  close();
}

/** Tells the others what my hands are on. */
function looks(id) {
  const card = id && cards.get(id);
  const writing = card?.field && card.field.value.trim() !== "" && document.activeElement === card.field;
  hands.do(id, writing ? "answering" : "looking");
}

// -- doing --------------------------------------------------------------------------------------------------------------

async function send(id) {
  const card = cards.get(id);
  if (answers.of(id) || !card.valid()) return;
  const seen = drafts.of(id).seen ?? standsNow(question(id));
  const overtaken = seen.answered_at !== standsNow(question(id)).answered_at; // what stands is shown anyway
  const writing = [...handsOn(id).filter((hand) => hand.doing === "answering").map(handName), ...on.drafting(id)];
  if (writing.length && !overtaken && !(await askBoth([...new Set(writing)]))) return;
  answers.answer({ question: id, text: card.field.value.trim(), references: card.sources.get(), how: seen.answered_at === null ? "answer" : "replace", seen });
  openNext(id);
}

/** It is with everybody now; for six seconds (at night until the morning) nobody was told. */
function sent({ entry, action, goes }) {
  const { question: id, text, references } = entry;
  drafts.sent(id, text, references);
  const hears = cards.get(id)?.review?.hearers.people;
  const words = hears !== 0 && goes ? t("expert.sent.later", { time: clock(goes) }) : hears === undefined ? t("expert.sent") : hears ? t("expert.sent.to", { n: hears }) : t("expert.sent.page");
  const note = toast(words, { slot: "did", action: { word: t("expert.undo"), act: () => undo(action, id, text, references) } });
  setTimeout(() => note.remove(), UNDO);
  redraw();
}

async function undo(action, id, text, references) {
  try {
    await call("POST", inSession(facts.session, "/experts/undo"), { action });
    if (text !== null) drafts.add(id, text, references, null);
    toast(t(text === null ? "did.undo" : "expert.undone"), { slot: "did" });
    if (text !== null) open(id, true);
  } catch (failure) {
    if (failure.code === "conflict") toast(t("expert.undo.late"), { bad: true });
    else toastFailure(failure);
  }
}

/** The answer was not taken: what was written stays a draft, and where somebody was faster the person decides. */
async function failed({ entry, failure }) {
  if (!drafts.ids.includes(entry.question)) drafts.add(entry.question, entry.text, entry.references, null); // it was taken once, and undone
  redraw();
  if (failure.status === 404) return findGone();
  if (!failure.now) {
    toastFailure(failure);
    if (!document.activeElement?.matches("textarea, input")) open(entry.question); // else something is being written
    return cards.get(entry.question).say(failure.advice);
  }
  live.ingest(failure.now);
  const now = failure.now;
  const merged = now.id !== entry.question;
  const how = await askOvertaken(now, merged);
  if (merged) drafts.move(entry.question, now.id, standsNow(now));
  if (how) return answers.answer({ ...entry, question: now.id, how, seen: standsNow(now) });
  draw();
  open(now.id, true);
}

/** What was written for a question that became part of another one is written for that one. */
function followMerges() {
  for (const id of drafts.ids) {
    const into = question(id)?.merged_into;
    if (into && question(into) && !answers.of(id)) drafts.move(id, into, standsNow(question(into)));
  }
}

/** A question that undo took away takes no text with it. */
function findGone() {
  if (live.state !== "live" || document.querySelector("dialog[open]")) return; // what waits for its turn is kept nowhere
  const id = drafts.ids.find((one) => !question(one) && !answers.of(one));
  if (!id) return;
  const { text } = drafts.of(id);
  drafts.drop(id);
  showGone(text).then(redraw);
}

async function together(id) {
  const others = [...live.questions.values()].filter((one) => one.id !== id && one.status !== "merged" && one.status !== "dismissed");
  const into = await pickQuestion({ session: facts.session, id, questions: others, title: t("expert.together.head"), how: t("expert.together.how") });
  if (!into) return;
  try {
    const { action } = await call("POST", api(id, "/together"), { into });
    toast(t("expert.together.done"), { slot: "did", action: { word: t("expert.undo"), act: () => undo(action, id, null, []) } });
    opened = null;
    cards.get(id).close();
    open([into, id].find((one) => question(one).status === "answered") ?? into, true); // what is answered stays
  } catch (failure) {
    if (failure.now) (live.ingest(failure.now), toast(t("expert.overtaken"), { bad: true }));
    else toastFailure(failure);
  }
}

async function decline(id, whether) {
  try {
    ({ declined } = await call(whether ? "PUT" : "DELETE", api(id, "/declined")).then((now) => ({ declined: new Set(now.declined) })));
    if (whether) {
      toast(t("expert.declined.done"), { slot: "did", action: { word: t("expert.undo"), act: () => decline(id, false) } });
      openNext(id);
    }
    draw();
  } catch (failure) {
    toastFailure(failure);
  }
}

// -- keeping up ---------------------------------------------------------------------------------------------------------

/** Reads what other devices of this person wrote. */
async function readMine() {
  try {
    declined = new Set(await drafts.read());
    redraw();
  } catch (failure) {
    if (!failure.passing) stillSignedIn();
  }
}

function hear(detail) {
  told = detail;
  const theirs = new Map(detail.drafts.filter((one) => one.person === me).map((one) => [one.question, one.at]));
  const news = [...theirs].some(([id, at]) => drafts.of(id).base !== at) || drafts.ids.some((id) => drafts.of(id).base && !theirs.has(id));
  const aside = detail.declined.filter((one) => one.person === me).map((one) => one.question);
  if (news || aside.length !== declined.size || aside.some((id) => !declined.has(id))) readMine();
  redraw();
}

/** The network is there: what waited goes, what others did is read. */
function comeBack() {
  readMine();
  answers.flush();
  drafts.pushAll();
  stillSignedIn();
  const card = opened && cards.get(opened);
  if (card && !card.review) read(card);
}

/** Says so where the login has ended; goes on where it is back. */
async function stillSignedIn() {
  const { role } = await call("GET", inSession(facts.session)).catch(() => facts);
  const ended = role !== facts.role;
  byId("ended").hidden = !ended;
  if (ended) live.refuse();
  else if (live.state === "refused") live.start();
}

const current = () => document.activeElement?.closest(".ex-card")?.dataset.id ?? opened;
const atCurrent = (deed) => () => current() && question(current()) && deed(current());

listenToKeys({ j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), n: atCurrent((id) => decline(id, !declined.has(id))), t: atCurrent(together) });

function drawKeys() {
  const rows = KEYS.map(([names, word]) => el("div", {}, el("dt", {}, ...names.map((name) => el("kbd", { text: name }))), el("dd", { text: t(word) })));
  byId("keys").replaceChildren(...rows);
}

startShell();
followTalk(live);
live.addEventListener("change", redraw);
live.addEventListener("state", () => (drawOffline(), live.state === "live" && comeBack()));
live.addEventListener("refused", ({ detail }) => (detail?.code === "no_role" ? stillSignedIn() : detail && toastFailure(detail)));
live.addEventListener("experts", ({ detail }) => hear(detail));
live.addEventListener("transcript", ({ detail }) => detail.texts === undefined && aloud.refresh());
aloud.addEventListener("change", redraw);
hands.addEventListener("change", redraw);
drafts.addEventListener("change", redraw);
answers.addEventListener("change", redraw);
answers.addEventListener("sent", ({ detail }) => sent(detail));
answers.addEventListener("failed", ({ detail }) => failed(detail));
document.addEventListener("visibilitychange", () => !document.hidden && (live.state === "refused" ? stillSignedIn() : readMine()));
onLanguage(() => (cards.forEach((card) => card.again()), draw(), drawKeys()));
showConnection(live, byId("connection"));
drawKeys();
draw();
live.start();
