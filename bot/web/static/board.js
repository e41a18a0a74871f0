// The moderator's board: columns by status, a side panel, keys.
import { call, inSession } from "./api.js";
import { Acts, LEAVES } from "./board-acts.js";
import { askReason, pickQuestion, showKeys, showLedger } from "./board-dialogs.js";
import { draggable } from "./board-drag.js";
import { KEYS, listenToKeys } from "./board-keys.js";
import { LANES, Lanes } from "./board-lanes.js";
import { Panel } from "./board-panel.js";
import { makeRow, updateRow } from "./board-row.js";
import { byId, onceAFrame } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Live, OPEN, rank } from "./live.js";
import { setCount } from "./pieces.js";
import { moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { startAlarm } from "./sources-alarm.js";
import { SteadyList } from "./steady.js";
import "./words/board.js";

const facts = pageFacts();
const live = new Live(facts.session);
const acts = new Acts(facts.session);
const selected = new Set();
let cursor = null;

startShell();
document.body.classList.toggle("expert", !moderates(facts.role));
const lanes = new Lanes();
const question = (id) => live.questions.get(id);
const on = {
  question,
  title: (id) => standing(question(id)) && question(id).title,
  open: (id) => open(id),
  select,
  doing,
  merge,
  apart: (id, other) => acts.act("apart", [id], { into: other }),
  act: (what, ids, more) => acts.act(what, ids, more),
  detail: (id) => call("GET", inSession(facts.session, `/questions/${encodeURIComponent(id)}`)),
  pickOther: (id, title) => pickQuestion(title, others(id)),
  closed: (id) => (byId("desk").classList.remove("with-panel"), focusRow(id), refresh()),
};
const panel = new Panel(byId("panel"), facts.session, on);
const lists = Object.fromEntries(LANES.map((lane) => [lane, new SteadyList(byId(`list-${lane}`), byId(`hint-${lane}`), {
  make,
  update: (row, one, leaving) => updateRow(row, question(one.id) ?? one, on, { selected: selected.has(one.id), opened: panel.id === one.id }, leaving),
  scroller: byId(`lane-${lane}`),
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

/** Those of a column, answered and dismissed ones by time. */
function inLane(lane) {
  const found = [...live.questions.values()].filter((q) => q.status === lane);
  const when = (q) => q.answer?.at ?? q.last_at;
  return OPEN.has(lane) ? found.sort(rank) : found.sort((a, b) => when(b) - when(a) || rank(a, b));
}

function matches(one) {
  const wanted = byId("search").value.trim().toLowerCase();
  if (!wanted) return true;
  const text = [one.title, one.original, one.answer?.text, ...one.labels, ...Object.keys(one.chats)].join("\n").toLowerCase();
  return wanted.split(/\s+/).every((word) => text.includes(word));
}

function drawLists() {
  const searching = byId("search").value.trim() !== "";
  for (const lane of LANES) {
    const all = inLane(lane);
    setCount(byId(`count-${lane}`), all.length);
    if (!lanes.shown.includes(lane)) continue;
    const found = all.filter(matches);
    lists[lane].wish(found);
    const empty = byId(`empty-${lane}`);
    empty.hidden = found.length > 0 || live.revision === 0 && live.state === "connecting";
    empty.querySelector("p").textContent = t(searching ? "board.empty.search" : `board.empty.${lane}`);
  }
  for (const id of selected) if (!standing(question(id))) selected.delete(id);
  drawSelection();
  panel.update();
}

const draw = onceAFrame(drawLists);
const refresh = () => Object.values(lists).forEach((list) => list.refresh());

function drawSelection() {
  byId("selection").hidden = selected.size === 0;
  byId("selection-count").textContent = t("board.selected", { n: selected.size });
  byId("selection-merge").disabled = selected.size < 2;
}

// -- the cursor -------------------------------------------------------------------------------------------------------------

const rowsShown = () => lanes.shown.flatMap((lane) => [...byId(`list-${lane}`).children]).filter((row) => !row.inert);

function setCursor(row) {
  for (const old of document.querySelectorAll(".row[tabindex='0']")) old.tabIndex = -1;
  row.tabIndex = 0;
  cursor = row.dataset.id;
  const lane = row.closest(".lane").dataset.lane;
  if (lane !== lanes.now) lanes.now = lane;
}

function focusRow(id) {
  const row = rowsShown().find((one) => one.dataset.id === id);
  row?.focus({ preventScroll: false });
  return row;
}

function step(by) {
  const rows = [...byId(`list-${lanes.now}`).children].filter((row) => !row.inert);
  const here = rows.findIndex((row) => row.dataset.id === cursor);
  const next = rows[here < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, here + by))];
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
  const rows = rowsShown().filter((row) => row.closest(".lane").dataset.lane === lanes.now);
  const here = rows.findIndex((row) => row.dataset.id === cursor);
  if (here < 0 || !ids.includes(cursor)) return null;
  const stays = (row) => !ids.includes(row.dataset.id);
  return rows.slice(here).find(stays) ?? rows.slice(0, here).findLast(stays) ?? null;
}

// -- what is done -------------------------------------------------------------------------------------------------------------

function open(id, part) {
  byId("desk").classList.add("with-panel");
  panel.open(id, part);
  refresh();
}

function select(id, chosen) {
  selected[chosen ? "add" : "delete"](id);
  refresh();
  drawSelection();
}

async function merge(ids, into) {
  const from = ids.filter((id) => id !== into);
  if (from.length && (await acts.act("merge", [...from, into], { into }))) clear([...from, into]);
}

/** Takes these out of the selection; not what was selected while they were done. */
function clear(ids = [...selected]) {
  for (const id of ids) selected.delete(id);
  refresh();
  drawSelection();
}

/** Merges the selection into its most wanted question; with less than two, asks into which. */
async function mergeChosen() {
  const chosen = [...selected].map(question).filter(standing).sort(rank);
  if (chosen.length > 1) return merge(chosen.map((q) => q.id), chosen[0].id);
  const id = chosen[0]?.id ?? cursor;
  const into = id && (await pickQuestion(t("board.merge.into"), others(id)));
  return into && merge([id], into);
}

async function dismiss(ids) {
  const why = ids.length ? await askReason() : null;
  if (why && (await acts.act("dismiss", ids, why))) clear(ids);
}

async function doing(what, id) {
  const one = question(id);
  if (!one) return;
  if (what === "reply") return open(id, "answer");
  if (what === "dismiss") return dismiss([id]);
  if (what === "pin") return acts.act(one.pinned ? "unpin" : "pin", [id]);
  if (what === "aloud") return acts.act("answer", [id], { text: t("board.aloud.text", {}, facts.language) });
  return acts.act(what, [id]);
}

/** Says so where the login has ended; what follows would be a viewer's view. */
async function stillSignedIn() {
  const { role } = await call("GET", inSession(facts.session)).catch(() => facts);
  if (role === facts.role) return;
  live.refuse();
  toast(t("error.signin"), { bad: true, action: { word: t("signin.to"), act: () => location.assign("/signin") } });
}

/** The selection, or the question under the cursor. */
const chosen = () => (selected.size ? [...selected] : cursor && question(cursor) ? [cursor] : []);
const atCursor = (deed) => () => cursor && question(cursor) && deed(cursor);

async function approve() {
  const ids = chosen().filter((id) => ["new", "dismissed"].includes(question(id).status));
  if (await acts.act("approve", ids)) clear(ids);
}

listenToKeys({
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  ArrowRight: () => stepLane(1), ArrowLeft: () => stepLane(-1),
  Enter: atCursor((id) => open(id)),
  a: approve,
  s: atCursor((id) => doing(question(id).status === "on_stage" ? "unstage" : "stage", id)),
  r: atCursor((id) => open(id, "answer")),
  d: () => dismiss(chosen()),
  x: atCursor((id) => select(id, !selected.has(id))),
  m: mergeChosen,
  n: atCursor((id) => question(id).suggested_merge.length && on.apart(id, question(id).suggested_merge[0])),
  e: atCursor((id) => open(id, "title")),
  p: atCursor((id) => doing("pin", id)),
  u: () => acts.undo(),
  ".": () => lanes.shown.forEach((lane) => lists[lane].apply()),
  "/": () => byId("search").focus(),
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
acts.addEventListener("refused", stillSignedIn);
live.addEventListener("change", draw);
live.addEventListener("state", () => (draw(), live.state === "live" && stillSignedIn()));
live.addEventListener("refused", (event) => event.detail && toastFailure(event.detail));
lanes.addEventListener("change", () => drawLists());
onLanguage(() => (refresh(), drawLists(), panel.again()));
byId("search").addEventListener("input", () => (drawLists(), lanes.shown.forEach((lane) => lists[lane].apply())));
byId("undo").addEventListener("click", () => acts.undo());
byId("history-open").addEventListener("click", () => showLedger(facts.session, acts, (id) => question(id)?.title));
byId("help-open").addEventListener("click", () => showKeys(KEYS));
byId("selection-merge").addEventListener("click", mergeChosen);
byId("selection-approve").addEventListener("click", approve);
byId("selection-dismiss").addEventListener("click", () => dismiss([...selected]));
byId("selection-clear").addEventListener("click", () => clear());
setInterval(refresh, 30000);

showConnection(live, byId("connection"));
drawLists();
live.start();
if (moderates(facts.role)) startAlarm(facts.session);
