// The moderator's board: columns by status, a side panel, keys.
import { call, inSession } from "./api.js";
import { Acts, LEAVES } from "./board-acts.js";
import { askReason, confirmed, pickWord, showKeys, showLedger, standsNow } from "./board-dialogs.js";
import { draggable } from "./board-drag.js";
import { earlierAnswer, latest } from "./board-earlier.js";
import { followFaq } from "./board-faq.js";
import { Filters } from "./board-filters.js";
import { Hands, fillHands, handName } from "./board-hands.js";
import { followExperts, startAskingExperts } from "./board-experts.js";
import { KEYS, listenToKeys } from "./board-keys.js";
import { LANES, Lanes } from "./board-lanes.js";
import { startLines } from "./board-lines.js";
import { startModes } from "./board-modes.js";
import { stageStrip } from "./board-onstage.js";
import { startBoardPolls } from "./board-polls.js";
import { Panel } from "./board-panel.js";
import { unreached } from "./board-reach.js";
import { makeRow, updateRow } from "./board-row.js";
import { byId, onceAFrame } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Live, onStage, OPEN, rank } from "./live.js";
import { pickQuestion } from "./picking.js";
import { setCount, short } from "./pieces.js";
import { startPulse } from "./pulse-line.js";
import { moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { startAlarm } from "./sources-alarm.js";
import { SteadyList } from "./steady.js";
import { followTalk } from "./talk.js";
import "./words/board.js";

const MOST_ROWS = 100; // of a column at once: nobody looks at more, and a thousand rows make every act slow

const facts = pageFacts();
const live = new Live(facts.session, ["hands", "session", "pulse", "polls", "reach", "experts", "promotions"]);
const question = (id) => live.questions.get(id);
const acts = new Acts(facts.session, question, () => onStage(live.questions.values()));
const hands = new Hands(live, facts.session);
const selected = new Set();
let cursor = null;
let stood = { lane: "", at: 0 }; // where the cursor's row was
let returning = {}; // what an undo brings back, until this page heard of it: status by id
let memory = JSON.parse(byId("page-data").textContent).session.abilities.memory;

startShell();
followTalk(live);
startPulse(live);
startBoardPolls({ session: facts.session, language: facts.language, may: moderates(facts.role) }, live);
document.body.classList.toggle("expert", !moderates(facts.role));
const lanes = new Lanes();
const filters = new Filters(facts.session, facts.who);
const reviews = followExperts(live, () => (refresh(), panel.update()));
const strip = stageStrip({ doing: (what, id) => doing(what, id), open: (id) => open(id) });
const on = {
  question,
  title: (id) => standing(question(id)) && question(id).title,
  open: (id) => open(id),
  select,
  doing,
  mergeInto,
  mergeSame,
  apart: (id, other) => acts.act("apart", [id], { into: other }),
  act: (what, ids, more) => acts.act(what, ids, more),
  nothing,
  detail: (id) => call("GET", inSession(facts.session, `/questions/${encodeURIComponent(id)}`)),
  pickOther,
  assign,
  hands: (id) => hands.on(id),
  experts: reviews,
  busy: (id, what) => hands.do(id, what),
  newest: (id) => acts.newest(id),
  mayAnswer,
  remembers: () => memory !== "off",
  closed: (id) => {
    byId("desk").classList.remove("with-panel");
    focusRow(id);
    refresh();
    if (history.state?.panel) stepBack();
  },
};
const panel = new Panel(byId("panel"), facts.session, on);
const lists = Object.fromEntries(LANES.map((lane) => [lane, new SteadyList(byId(`list-${lane}`), byId(`hint-${lane}`), {
  make,
  update: (row, one, leaving) => updateRow(row, question(one.id) ?? one, on, { selected: selected.has(one.id), opened: panel.id === one.id }, leaving),
  scroller: byId(`lane-${lane}`),
  name: () => (lanes.shown.length > 1 ? t(`status.${lane}`) : ""),
  most: MOST_ROWS,
})]));

function make(one) {
  const row = makeRow(one, on);
  row.addEventListener("focusin", () => setCursor(row));
  draggable(row, (from, into) => merge(selected.has(from) ? [...selected] : [from], into));
  return row;
}

// -- drawing --------------------------------------------------------------------------------------------------------------

const standing = (one) => one && one.status !== "merged";
const others = (id) => [...live.questions.values()].filter((q) => q.id !== id && standing(q));

/** Lets the person choose another question for this one, or for `messages` of its wordings; the id of what that has become
 * meanwhile, or null. `how`: what it is chosen for. */
async function pickOther(id, title, how, messages = []) {
  const chosen = await pickQuestion({ session: facts.session, id, messages, questions: others(id), title, how });
  const into = question(chosen)?.merged_into || chosen;
  return into === id ? null : into;
}

/** Those of a column, answered and dismissed ones by time. */
function inLane(lane) {
  const found = [...live.questions.values()].filter((q) => q.status === lane);
  const when = (q) => q.answer?.at ?? q.last_at;
  return OPEN.has(lane) ? found.sort(rank) : found.sort((a, b) => when(b) - when(a) || rank(a, b));
}

function drawLists() {
  if ([...live.questions.values()].some((one) => !("original" in one))) return stillSignedIn(); // a viewer's view
  const narrowed = filters.active;
  const there = [];
  for (const lane of LANES) {
    const all = inLane(lane);
    const found = narrowed ? all.filter((one) => filters.matches(one)) : all;
    setCount(byId(`count-${lane}`), narrowed ? `${found.length}/${all.length}` : all.length);
    if (!lanes.shown.includes(lane)) continue;
    there.push(...all);
    lists[lane].wish(found);
    const empty = byId(`empty-${lane}`);
    empty.hidden = found.length > 0 || live.revision === 0 && live.state === "connecting";
    empty.querySelector("p").textContent = t(narrowed && all.length ? "board.empty.search" : `board.empty.${lane}`);
  }
  for (const id of selected) if (!standing(question(id))) selected.delete(id);
  // Whoever was not reached is seen from every column.
  const missed = lanes.shown.includes("answered") ? [] : inLane("answered").filter((one) => unreached.failed(one.id));
  filters.draw([...there, ...missed]);
  strip.draw(live.questions.values());
  drawSelection();
  panel.update();
}

const draw = onceAFrame(drawLists);
/** Another search shows its finds at once, though the pointer be on the list. */
const narrow = onceAFrame(() => {
  drawLists();
  for (const lane of LANES) lists[lane].anew();
});
const refresh = () => Object.values(lists).forEach((list) => list.refresh());

function drawSelection() {
  const bar = byId("selection");
  bar.hidden = selected.size === 0;
  byId("selection-count").textContent = t("board.selected", { n: selected.size });
  const merging = byId("selection-merge").querySelector("span");
  merging.dataset.i18n = selected.size < 2 ? "board.merge.one" : "board.merge";
  merging.textContent = t(merging.dataset.i18n);
  byId("selection-approve").hidden = approvable([...selected]).length === 0;
  byId("selection-reopen").hidden = reopenable([...selected]).length === 0;
  byId("toasts").style.setProperty("--over", `${bar.offsetHeight}px`); // what was done is said above the bar, not upon it
}

// -- the cursor -------------------------------------------------------------------------------------------------------------

const rowsOf = (lane) => [...byId(`list-${lane}`).children].filter((row) => !row.inert);
const rowsShown = () => lanes.shown.flatMap(rowsOf);
const rowOf = (id) => rowsShown().find((row) => row.dataset.id === id);

function setCursor(row) {
  for (const old of document.querySelectorAll(".row[tabindex='0']")) old.tabIndex = -1;
  row.tabIndex = 0;
  cursor = row.dataset.id;
  const lane = row.closest(".lane").dataset.lane;
  if (lane !== lanes.now) lanes.now = lane;
  stood = { lane, at: rowsOf(lane).indexOf(row) };
}

/** The question that a key is meant for: one that is seen, in the panel or in the row that the cursor is on. */
function pointed() {
  const seen = cursor !== null && (panel.id === cursor || rowOf(cursor)?.tabIndex === 0);
  return seen && question(cursor) ? cursor : null;
}

/** The cursor goes to a row that is shown; the focus too, unless somebody is busy elsewhere. */
function pointTo(id) {
  const row = rowOf(id);
  if (!row) return;
  setCursor(row);
  for (const glide of row.getAnimations()) glide.finish(); // else it is looked for where it comes from
  row.scrollIntoView({ block: "nearest" });
  if (document.activeElement === document.body || document.activeElement.closest(".lane")) row.focus();
}

/** What an undo brought back stands in its place at once, with the cursor on it: it is what comes next. */
function bringBack() {
  const ids = Object.keys(returning);
  if (ids.length === 0 || !ids.every((id) => question(id)?.status === returning[id])) return; // not heard of here yet
  returning = {};
  drawLists();
  for (const lane of lanes.shown) lists[lane].apply();
  pointTo(ids[0]);
}

const focusRow = (id) => rowOf(id)?.focus();

function step(by) {
  const rows = rowsOf(lanes.now);
  const here = rows.findIndex((row) => row.dataset.id === cursor);
  if (by > 0 && here === rows.length - 1 && lists[lanes.now].more()) return;
  const gone = stood.lane === lanes.now ? stood.at + Math.min(by, 0) : 0; // what came after it stands in its place
  const next = rows[Math.max(0, Math.min(rows.length - 1, here < 0 ? gone : here + by))];
  if (!next) return;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (panel.id && panel.id !== next.dataset.id && byId("desk").classList.contains("with-panel")) (open(next.dataset.id), next.focus());
}

function stepLane(by) {
  lanes.step(by);
  byId(`list-${lanes.now}`).firstElementChild?.focus();
}

/** Where the cursor goes when these rows leave: the row after, or else the one before. */
function neighbour(ids) {
  const rows = rowsOf(lanes.now);
  const here = rows.findIndex((row) => row.dataset.id === cursor);
  if (here < 0 || !ids.includes(cursor)) return null;
  const stays = (row) => !ids.includes(row.dataset.id);
  return rows.slice(here).find(stays) ?? rows.slice(0, here).findLast(stays) ?? null;
}

// -- what is done -------------------------------------------------------------------------------------------------------------

let steppingBack = false; // out of the step that opening the panel was; the browser does so a moment later

function stepBack() {
  steppingBack = true;
  history.back();
}

function steppedBack() {
  steppingBack = false;
  if (panel.id) history.pushState({ panel: true }, ""); // it was opened again meanwhile
}

function open(id, part) {
  const row = rowOf(id);
  if (row) setCursor(row);
  else cursor = id;
  byId("desk").classList.add("with-panel");
  if (!history.state?.panel && !steppingBack) history.pushState({ panel: true }, ""); // on a phone people close it with "Back"
  panel.open(id, part);
  refresh();
}

/** These wordings ask nothing; with the last of them the question leaves the board. */
async function nothing(id, messages, whole) {
  const next = whole ? neighbour([id]) : null;
  if (!(await acts.act("not_asking", [id], { messages }))) return false;
  if (!whole) return true;
  if (panel.id === id) panel.close();
  next?.focus();
  return false; // there is no list any more to go on in
}

function select(id, chosen) {
  selected[chosen ? "add" : "delete"](id);
  refresh();
  drawSelection();
}

/** `seen`: how those stood that were looked at before it was asked into which. What is answered stays: the server sees to
 * it, whichever way it is asked. */
async function merge(ids, wanted, seen = {}) {
  const answered = [wanted, ...ids].filter((id) => question(id)?.status === "answered");
  const into = answered[0] ?? wanted;
  const from = ids.filter((id) => id !== into);
  const all = [...new Set([...from, wanted, into])];
  if (!from.length || !(await acts.act("merge", all, { into, seen: { ...acts.seen("merge", all), ...seen } }))) return;
  clear(all);
  focusRow(into); // what comes next is done to what it became
}

/** Takes these out of the selection; not what was selected while they were done. */
function clear(ids = [...selected]) {
  for (const id of ids) selected.delete(id);
  refresh();
  drawSelection();
}

/** Two in one column become the more wanted one, whichever of them the suggestion stands on. */
function mergeSame(id, other) {
  const both = [question(id), question(other)];
  const [into] = both[0].status === both[1].status ? both.sort(rank) : both.slice(1);
  return merge([id, other], into.id);
}

/** Merges the selection into its most wanted question; with less than two, asks into which. */
async function mergeChosen() {
  const chosen = [...selected].map(question).filter(standing).sort(rank);
  if (chosen.length > 1) return merge(chosen.map((q) => q.id), chosen[0].id);
  const id = chosen[0]?.id ?? pointed();
  return id && mergeInto(id);
}

async function mergeInto(id) {
  const seen = acts.seen("merge", [id]);
  const into = await pickOther(id, t("board.merge.into"), t("board.pick.how", { title: short(question(id).title) }));
  return into && merge([id], into, seen);
}

async function dismiss(ids) {
  const seen = acts.seen("dismiss", ids); // as they stand for whoever decides it, not when the reason is given
  const why = ids.length ? await askReason(ids.map((id) => question(id)?.title ?? "").filter(Boolean)) : null;
  if (why && (await acts.act("dismiss", ids, { ...why, seen }))) clear(ids);
}

async function aloud(id) {
  const seen = acts.seen("answer", [id]);
  return (await mayAnswer(id)) && acts.act("answer", [id], { text: t("board.aloud.text", {}, facts.language), seen });
}

/** The names that questions may go to: who is at the board, who was named before, and oneself. */
function experts() {
  const before = [...live.questions.values()].map((one) => one.assigned);
  return [...new Set([...hands.others.map((hand) => hand.name), facts.who, ...before])].filter(Boolean).sort();
}

async function assign(ids) {
  if (!ids.length) return;
  const held = new Set(ids.map((id) => question(id)?.assigned).filter(Boolean));
  const none = held.size ? t("board.assign.nobody") : "";
  const name = await pickWord(t("board.assign.whom"), t("board.assign.name"), experts(), { marked: held, none });
  if (name !== null && (await acts.act("assign", ids, { name }))) clear(ids);
}

/** Puts a label on all of these, or takes it off where all of them carry it. */
async function label(ids) {
  if (!ids.length) return;
  const known = [...new Set([...live.questions.values()].flatMap((one) => one.labels))].sort();
  const marked = new Set(known.filter((one) => ids.every((id) => question(id)?.labels.includes(one))));
  const chosen = await pickWord(t("board.label.which"), t("board.label.name"), known, { marked });
  if (chosen && (await acts.act("label", ids, marked.has(chosen) ? { remove: [chosen] } : { add: [chosen] }))) clear(ids);
}

async function pin(ids) {
  const what = ids.every((id) => question(id)?.pinned) ? "unpin" : "pin";
  if (await acts.act(what, ids)) clear(ids);
}

/** Warns where a colleague writes an answer to the same question. */
async function mayAnswer(id) {
  const writing = hands.on(id).filter((hand) => hand.doing === "answering");
  if (writing.length === 0) return true;
  return confirmed(t("board.answering.too", { names: writing.map(handName).join(", "), n: writing.length }), t("board.answering.send"));
}

/** Somebody was faster: shows how it stands now, and does it all the same where that is wanted. */
async function lookAgain({ what, body, questions }) {
  const found = await Promise.all(questions.slice(0, 20).map((id) => on.detail(id).catch(() => null)));
  const changed = found.filter(Boolean);
  if (changed.length === 0) return toast(t("error.conflict"), { bad: true });
  const details = changed.map((one) => standsNow(one, one.last));
  const merged = changed.find((one) => one.status === "merged");
  if (merged) {
    if (await confirmed(t("board.changed"), t("board.merged.open"), details)) open(merged.merged_into);
    return;
  }
  if (!(await confirmed(t("board.changed"), t("board.changed.again", { what: t(`board.${what}`) }), details))) return;
  for (const one of changed) body.seen[one.id] = seenNow(one, body.seen[one.id]);
  if (!(await acts.send("/actions", body, what))) return;
  if (what === "answer") panel.sent(body.questions[0]);
  if (what === "edit") panel.titled(body.questions[0]);
}

const seenNow = (one, seen = { status: "" }) => ({
  ...("status" in seen && { status: one.status }),
  ...("title" in seen && { title: one.title }),
  ...("answered_at" in seen && { answered_at: one.answer?.at ?? null }),
});

async function doing(what, id) {
  const one = question(id);
  if (!one) return;
  if (what === "reply") return open(id, "answer");
  if (what === "dismiss") return dismiss([id]);
  if (what === "pin") return acts.act(one.pinned ? "unpin" : "pin", [id]);
  if (what === "aloud") return aloud(id);
  if (what === "recall") return acts.act(what, [id], { earlier: earlierAnswer(one).question });
  if (what === "again" || what === "not_again") return acts.act(what, [id], { earlier: latest(one) });
  return acts.act(what, [id]);
}

/** Says so where the login has ended, for what follows would be a viewer's view; goes on where it is back. */
async function stillSignedIn() {
  const { role } = await call("GET", inSession(facts.session)).catch(() => facts);
  const ended = role !== facts.role;
  byId("ended").hidden = !ended;
  if (ended) live.refuse();
  else if (live.state === "refused") live.start();
}

/** A link to the board may name a question. */
function openNamed() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (question(id)) open(question(id).merged_into || id);
}

/** The selection, or the question under the cursor. */
const chosen = () => (selected.size ? [...selected] : [pointed()].filter(Boolean));
const atCursor = (deed) => () => pointed() && deed(pointed());

const approvable = (ids) => ids.filter((id) => ["new", "dismissed"].includes(question(id)?.status));
const reopenable = (ids) => ids.filter((id) => ["answered", "dismissed"].includes(question(id)?.status));

async function approve() {
  const ids = approvable(chosen());
  if (await acts.act("approve", ids)) clear(ids);
}

async function reopen() {
  const ids = reopenable(chosen());
  if (await acts.act("reopen", ids)) clear(ids);
}

/** All that the column shows now; once more: none of it. */
function selectAll() {
  const shown = rowsOf(lanes.now).map((row) => row.dataset.id);
  const all = shown.every((id) => selected.has(id));
  for (const id of shown) selected[all ? "delete" : "add"](id);
  refresh();
  drawSelection();
}

/** The suggestion of the question under the cursor: the group it may be the same as. */
const suggested = (id) => question(id).suggested_merge.map((one) => one.question).find((other) => standing(question(other)));

listenToKeys({
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  ArrowRight: () => stepLane(1), ArrowLeft: () => stepLane(-1),
  Enter: atCursor((id) => open(id)),
  a: approve,
  s: atCursor((id) => doing(question(id).status === "on_stage" ? "unstage" : "stage", id)),
  r: atCursor((id) => open(id, "answer")),
  d: () => dismiss(chosen()),
  o: () => strip.id && doing("aloud", strip.id),
  b: reopen,
  x: atCursor((id) => select(id, !selected.has(id))),
  X: selectAll,
  m: mergeChosen,
  y: atCursor((id) => suggested(id) && mergeSame(id, suggested(id))),
  n: atCursor((id) => suggested(id) && on.apart(id, suggested(id))),
  c: atCursor((id) => (question(id).suggested_answer ? doing("accept", id) : on.remembers() && earlierAnswer(question(id)) && doing("recall", id))),
  g: () => assign(chosen()),
  l: () => label(chosen()),
  e: atCursor((id) => open(id, "title")),
  p: () => pin(chosen()),
  u: () => acts.undo(),
  ".": () => lanes.shown.forEach((lane) => lists[lane].apply()),
  "/": () => byId("search").focus(),
  f: () => filters.focus(),
  F: () => filters.clear(),
  "?": () => showKeys(KEYS),
  Escape: () => (panel.id ? panel.close() : clear()),
});

// -- wiring -------------------------------------------------------------------------------------------------------------------

acts.addEventListener("before", (event) => {
  const { what, questions } = event.detail;
  if (!LEAVES.has(what)) return;
  for (const list of Object.values(lists)) list.release(questions);
  const next = neighbour(questions);
  if (!next) return;
  if (document.activeElement?.closest(".lane")) next.focus();
  else setCursor(next);
});
// Nothing was done, so what is pressed next is meant for the same question.
acts.addEventListener("failed", ({ detail }) => pointTo(detail.questions[0]));
acts.addEventListener("done", ({ detail }) => {
  returning = detail.again ?? {};
  bringBack();
});
acts.addEventListener("refused", stillSignedIn);
acts.addEventListener("conflict", ({ detail }) => lookAgain(detail));
hands.addEventListener("change", ({ detail }) => {
  for (const list of Object.values(lists)) list.refill(detail);
  fillHands(byId("here"), hands.others, true);
  panel.drawHands();
});
filters.addEventListener("change", () => {
  if (filters.pressed("unreached").length && !lanes.shown.includes("answered")) lanes.choose("answered");
  narrow();
});
document.addEventListener("visibilitychange", () => !document.hidden && live.state === "refused" && stillSignedIn());
addEventListener("focus", () => live.state === "refused" && stillSignedIn());
live.addEventListener("change", draw);
live.addEventListener("change", bringBack);
live.addEventListener("reach", ({ detail }) => (unreached.take(detail.questions), draw()));
followFaq(live, draw);
live.addEventListener("change", openNamed, { once: true });
addEventListener("popstate", () => (steppingBack ? steppedBack() : panel.close()));
if (history.state?.panel) history.replaceState(null, ""); // it was open when the page was read anew
live.addEventListener("session", ({ detail }) => {
  if (memory === detail.abilities.memory) return;
  memory = detail.abilities.memory;
  refresh();
  drawLists();
});
live.addEventListener("state", () => (draw(), live.state === "live" && stillSignedIn()));
live.addEventListener("refused", ({ detail }) => (detail?.code === "no_role" ? stillSignedIn() : detail && toastFailure(detail)));
lanes.addEventListener("change", () => drawLists());
onLanguage(() => (refresh(), drawLists(), panel.again()));
byId("filters-clear").addEventListener("click", () => filters.clear());
byId("undo").addEventListener("click", () => acts.undo());
byId("history-open").addEventListener("click", () => showLedger(facts.session, acts, (id) => question(id)?.title));
byId("help-open").addEventListener("click", () => showKeys(KEYS));
byId("selection-merge").addEventListener("click", mergeChosen);
byId("selection-approve").addEventListener("click", approve);
byId("selection-dismiss").addEventListener("click", () => dismiss([...selected]));
byId("selection-reopen").addEventListener("click", reopen);
byId("selection-assign").addEventListener("click", () => assign([...selected]));
byId("selection-label").addEventListener("click", () => label([...selected]));
byId("selection-pin").addEventListener("click", () => pin([...selected]));
byId("selection-clear").addEventListener("click", () => clear());
setInterval(refresh, 30000);

showConnection(live, byId("connection"));
drawLists();
if (moderates(facts.role)) {
  startModes(facts.session, live, (id) => standing(question(id)) && open(id));
  startLines(facts.session, (message) => acts.send("/lines", { message }, "take"));
}
live.start();
if (moderates(facts.role)) startAlarm(facts.session), startAskingExperts();
