// The viewer's page: ask, see the queue and the answers, vote, follow one's own questions.
import { call, inSession, Reading } from "./api.js";
import { byId, kept, onceAFrame, setText, shown, whenReleased } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Live, OPEN, onStage, rank, wanting } from "./live.js";
import { Composer } from "./composer.js";
import { startInstalled } from "./installed.js";
import { Outbox } from "./outbox.js";
import { setCount, short } from "./pieces.js";
import { Seen } from "./seen.js";
import { pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { SteadyList } from "./steady.js";
import { makeRow, mineRow, updateRow, waitingRow } from "./viewer-row.js";
import { startData } from "./viewer-data.js";
import { startDialogs } from "./viewer-dialogs.js";
import { startLedger } from "./viewer-ledger.js";
import { startLikely } from "./viewer-likely.js";
import { startLinking } from "./viewer-link.js";
import { startPolls } from "./viewer-polls.js";
import { startSession } from "./viewer-session.js";
import { startSurvey } from "./viewer-survey.js";
import { Votes } from "./viewer-votes.js";
import "./words/viewer.js";

const facts = pageFacts();
const at = (rest) => inSession(facts.session, rest);
const live = new Live(facts.session, ["polls", "pulse", "session", "survey"]);
const outbox = new Outbox(facts.session);
const seen = new Seen(facts.role === "viewer" ? facts.session : "");
const mineRead = new Reading(() => call("GET", at("/mine")));
const votes = new Votes({ at, took: (question) => (mineRead.acted(), live.ingest(question)), draw: () => Object.values(lists).forEach((list) => list.refresh()) });
const mine = { votes, asked: new Set(), messages: [], code: "", linked: [], told: true };
const myCode = kept(`floormic.code.${facts.session}`, "");
const seenAnswers = kept(`floormic.answers.${facts.session}`, []);

startShell();
const readPolls = startPolls({ at, live, session: facts.session });
startSession(facts.set, live);
startSurvey({ live, session: facts.session });
const drawLinked = startLinking({ at, changed: (answer) => (mineRead.acted(), takeMine(answer)) });
const composer = new Composer(outbox, facts.session, facts.longest);
startLikely({
  at,
  field: byId("ask"),
  mine,
  longest: facts.longest,
  join,
  clear: () => composer.write(""),
});
startLedger(at);
const lists = Object.fromEntries(["open", "answered"].map((tab) => [tab, new SteadyList(byId(`list-${tab}`), byId(`hint-${tab}`), {
  make: (question) => makeRow(question, vote),
  update: (row, question, leaving) => updateRow(row, question, mine, leaving),
  most: 100, // thousands of rows make every vote slow
})]));

// -- the queue ----------------------------------------------------------------------------------------------------------

let known = false; // until there is a view, what came with the page stands

function drawQueue() {
  if (!known) return;
  for (const row of byId("list-open").querySelectorAll(":scope > :not([data-id])")) row.remove();
  const questions = [...live.questions.values()];
  const parts = {
    open: questions.filter((q) => OPEN.has(q.status)).sort(rank),
    answered: questions.filter((q) => q.status === "answered").sort((a, b) => (b.answer?.at ?? 0) - (a.answer?.at ?? 0) || rank(a, b)),
  };
  for (const [tab, items] of Object.entries(parts)) {
    lists[tab].wish(items);
    setCount(byId(`count-${tab}`), items.length);
    byId(`empty-${tab}`).hidden = items.length > 0;
  }
  drawStage(onStage(questions));
  tellMost(parts.open[0]);
}

function drawStage(question) {
  byId("onstage").classList.toggle("none", !question);
  setText(byId("onstage-title"), question ? shown(question.title) : t("viewer.stage.none"));
  setText(byId("onstage-people"), question ? t("people.count", { n: wanting(question) }) : "");
}

function vote(id) {
  const question = live.questions.get(id);
  if (question) votes.wish(question, !votes.has(id));
}

/** Counts the viewer for the question that the preview showed; the text comes back where that is undone or fails. */
async function join(question) {
  const text = byId("ask").value;
  const back = () => byId("ask").value || composer.write(text, false);
  composer.write("", false);
  const said = toast(t("viewer.joined", { title: short(question.title, 60) }), {
    slot: "joined",
    action: { word: t("viewer.undo"), act: () => (votes.wish(question, false), back()) },
  });
  if (await votes.wish(question, true)) return;
  said.remove();
  back();
}

// -- my questions -------------------------------------------------------------------------------------------------------

let reading = null;
let stale = false;
let changedMeanwhile = new Set();

/** Reads my questions anew; one reading at a time, and one more where something changed meanwhile. */
async function readMine() {
  stale = true;
  if (reading) return reading;
  reading = (async () => {
    while (stale) {
      stale = false;
      changedMeanwhile = new Set();
      takeMine(await recognised(await mineRead.now()));
      // What came back may be older than a change that came in before it, of a question not known as mine until now.
      stale ||= hasMine(changedMeanwhile);
    }
  })()
    .catch((failure) => (failure.passing ? setTimeout(readMine, 2000) : toastFailure(failure)))
    .finally(() => (reading = null));
  return reading;
}

/** Reads them anew after an act of one's own: what was asked for before it is not shown. */
const readAfter = () => (mineRead.acted(), readMine());

/** Whoever lost their cookie but not this device's memory goes on as who they were; who was forgotten is told so. */
async function recognised(answer) {
  const before = myCode.get();
  const had = (mineSeen?.messages.length ?? 0) > 0;
  if (answer.messages.length || answer.votes.length || !before) return answer;
  if (before !== answer.code) {
    try {
      return await call("POST", at("/me"), { code: before });
    } catch (failure) {
      if (failure.status === 0) throw failure;
    }
  }
  if (had) toast(t("viewer.forgotten"), { bad: true });
  return answer;
}

const hasMine = (ids) => [...ids].some((id) => mine.asked.has(id));

function takeMine(answer) {
  showMine(answer);
  myCode.set(answer.code);
  mineSeen = answer;
  keepSeen();
  outbox.start();
  tellAnswers(answer.messages);
}

function showMine(answer) {
  mine.messages = answer.messages;
  mine.code = answer.code;
  mine.linked = answer.linked;
  mine.told = answer.told ?? true; // what the device kept of an older release does not say
  votes.take(answer.votes);
  mine.asked = new Set(answer.messages.flatMap((m) => (m.question ? [m.question.id] : [])));
  for (const list of Object.values(lists)) list.refresh();
  drawMine();
}

/** Says that there is an answer to a question of one's own, once. */
function tellAnswers(messages) {
  const answered = messages.filter((m) => m.answer).map((m) => `${m.id} ${m.part} ${m.answer.at}`);
  if (answered.some((key) => !seenAnswers.get().includes(key))) {
    toast(t("viewer.answer.news"), { action: { word: t("viewer.tab.mine"), act: () => openTab("mine") } });
  }
  seenAnswers.set(answered);
}

// What is on the device now, and the last answer of /mine.
let mineSeen = seen.last?.mine ?? null;
const keepSeen = () => seen.soon(() => ({ revision: live.revision, questions: [...live.questions.values()].sort(rank), mine: mineSeen }));

function drawMine() {
  const waiting = outbox.entries.toReversed().map((entry) => waitingRow(entry, {
    again: () => {
      outbox.discard(entry.id);
      composer.write([entry.text, byId("ask").value.trim()].filter(Boolean).join("\n")); // what is half written stays
    },
    discard: () => outbox.discard(entry.id),
  }));
  const asked = mine.messages.toSorted((a, b) => b.at - a.at).map((message) => mineRow(message, notAnswered));
  const signature = JSON.stringify([outbox.entries, mine.messages, document.documentElement.lang]);
  const list = byId("list-mine");
  whenReleased(list, () => {
    if (list.dataset.shown !== signature) list.replaceChildren(...waiting, ...asked);
    list.dataset.shown = signature;
  });
  setCount(byId("count-mine"), waiting.length + asked.length);
  byId("empty-mine").hidden = waiting.length + asked.length > 0;
  byId("code-card").hidden = !mine.code;
  setText(byId("code-value"), mine.code);
  drawLinked(mine.linked, mine.told);
}

async function notAnswered(id) {
  try {
    await call("POST", at(`/questions/${encodeURIComponent(id)}/not-answered`));
    toast(t("viewer.not_answered.done"));
  } catch (failure) {
    toastFailure(failure);
    delete byId("list-mine").dataset.shown;
  }
  readAfter();
}

// -- tabs, news, start ----------------------------------------------------------------------------------------------------

function openTab(name) {
  document.body.dataset.tab = name;
  for (const tab of document.querySelectorAll(".viewer [role=tab]")) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  if (name === "mine") readMine(); // what was asked on a linked chat is not told
  else for (const list of ["open", "answered"]) for (const part of ["panel", "hint"]) byId(`${part}-${list}`).hidden = list !== name;
  scrollTo({ top: 0 });
}

function startTabs() {
  const tabs = [...document.querySelectorAll(".viewer [role=tab]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => openTab(tab.id.slice(4)));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const shownTabs = tabs.filter((one) => one.offsetParent);
      const next = shownTabs[(shownTabs.indexOf(tab) + step + shownTabs.length) % shownTabs.length];
      next.focus();
      openTab(next.id.slice(4));
    });
  }
  openTab(location.hash === "#mine" ? "mine" : "open");
}

/** A screen reader is told when another question is the one that most people want, not more often than it can say. */
let wantedMost = "";
const tellMost = (() => {
  let timer;
  return (question) => {
    if (!question || question.id === wantedMost) return;
    const first = !wantedMost;
    wantedMost = question.id;
    if (first) return;
    clearTimeout(timer);
    timer = setTimeout(() => setText(byId("top-news"), t("viewer.top", { title: short(question.title), n: wanting(question) })), 5000);
  };
})();

const draw = onceAFrame(drawQueue);
live.addEventListener("change", (event) => {
  known = true;
  draw();
  keepSeen();
  // Every change of a question that is mine may be news; a message that is not placed yet may have been placed.
  const unplaced = mine.messages.some((m) => m.state === "received");
  if (unplaced || hasMine(event.detail)) readMine();
  else if (reading) event.detail.forEach((id) => changedMeanwhile.add(id));
});
live.addEventListener("state", () => (draw(), live.state === "live" && readMine()));
live.addEventListener("refused", (event) => toastFailure(event.detail));
outbox.addEventListener("change", drawMine);
outbox.addEventListener("sent", (event) => {
  const { test, vote, mood, told } = event.detail;
  if (test) return toast(t("viewer.tested"));
  if (vote) return toast(t("poll.yours", { vote: shown(vote) }), { slot: "vote" }), readPolls();
  if (typeof told === "boolean") return toast(t(told ? "viewer.told.on" : "viewer.told.off"), { slot: "told" }), readAfter();
  if (mood) return toast(t("pulse.said"), { slot: "pulse" });
  toast(t("viewer.sent"), { action: { word: t("viewer.tab.mine"), act: () => openTab("mine") } });
  mine.code = event.detail.code;
  readAfter();
  setTimeout(() => mine.messages.some((m) => m.state === "received") && readMine(), 3000);
});
onLanguage(() => {
  for (const list of Object.values(lists)) list.refresh();
  drawQueue();
  drawMine();
});
setInterval(() => Object.values(lists).forEach((list) => list.refresh()), 30000);

startTabs();
startDialogs({ at, joinAddress: facts.joinUrl, changed: (answer) => (takeMine(answer), readAfter(), live.start()) });
startData({ at, forgotten: () => (myCode.set(""), seenAnswers.set([]), (mineSeen = null), readAfter()) });
showConnection(live, byId("connection"));
drawMine();
showSeen();
readMine();
live.start();
startInstalled(live, () => Boolean(document.activeElement?.matches("input, textarea, select") || document.querySelector("dialog[open]")));

/** What was seen last, where the page itself is not newer: it came from the device, without a network. */
function showSeen() {
  const { last } = seen;
  if (!last || last.revision < facts.revision) return;
  if (last.mine) showMine(last.mine);
  live.replace({ revision: last.revision, questions: last.questions });
}
