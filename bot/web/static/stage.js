// The big screen: the question on stage as large as it fits, who wants to know, what comes next.
import { call, inSession } from "./api.js";
import { byId, el, onceAFrame, setText, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Live, OPEN, onStage, rank } from "./live.js";
import { fillChats, short } from "./pieces.js";
import { moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import "./words/stage.js";

const NEXT = 2; // questions shown below
const TOP = 4; // questions shown while nothing is on stage
const LARGEST = 15; // of the question's letters, in hundredths of the window's smaller side
const SMALLEST = 3;

const facts = pageFacts();
const live = new Live(facts.session);

startShell();

function drawStage() {
  const questions = [...live.questions.values()];
  const now = onStage(questions);
  const waiting = questions.filter((q) => OPEN.has(q.status) && q !== now);
  // Where moderators approve, what they approved is what comes next.
  const approved = waiting.filter((q) => q.status === "queued");
  const next = (approved.length ? approved : waiting).sort(rank);
  document.body.classList.toggle("waiting", !now);
  byId("now").hidden = byId("corner").hidden = !now;
  byId("wait").hidden = Boolean(now) || live.state === "connecting";
  byId("done").hidden = !(now && moderates(facts.role));
  if (now) drawNow(now);
  drawNext(next.slice(0, now ? NEXT : TOP), Boolean(now));
}

function drawNow(question) {
  const title = byId("now-title");
  if (title.dataset.id !== question.id) title.dataset.id = question.id;
  setText(title, shown(question.title));
  setText(byId("now-people"), t("people.want", { n: question.people }));
  fillChats(byId("now-chats"), question.chats);
  fit();
}

function drawNext(questions, onStageNow) {
  setText(byId("next-head"), t(onStageNow ? "stage.next" : "stage.top"));
  const signature = JSON.stringify([questions.map((q) => [q.id, q.title, q.people]), document.documentElement.lang]);
  const list = byId("next");
  byId("next-empty").hidden = questions.length > 0;
  if (list.dataset.shown === signature) return;
  list.dataset.shown = signature;
  list.replaceChildren(...questions.map(nextRow));
}

function nextRow(question) {
  const people = el("b", { text: t("people.count", { n: question.people }) });
  return el("li", {}, people, el("span", { class: "said next-title", dir: "auto", text: short(question.title, 160) }));
}

/** The largest letters with which the question fits its place. */
function fit() {
  const box = byId("fit");
  const title = byId("now-title");
  let low = SMALLEST;
  let high = LARGEST;
  for (let step = 0; step < 8; step++) {
    const size = (low + high) / 2;
    title.style.setProperty("--size", size);
    if (title.scrollHeight <= box.clientHeight && title.scrollWidth <= box.clientWidth) low = size;
    else high = size;
  }
  title.style.setProperty("--size", low);
  box.classList.toggle("cut", title.scrollHeight > box.clientHeight + 2);
}

/** Marks the question as answered aloud and stages the most wanted one of those that wait. */
async function answeredNext() {
  const questions = [...live.questions.values()];
  const now = onStage(questions);
  if (!now || !moderates(facts.role)) return;
  const next = questions.filter((q) => q.status === "queued").sort(rank)[0];
  try {
    const path = inSession(facts.session, "/actions");
    await call("POST", path, { do: "answer", questions: [now.id], text: t("board.aloud.text", {}, facts.language) });
    if (next) await call("POST", path, { do: "stage", questions: [next.id] });
    toast(t("did.answer"));
  } catch (failure) {
    toastFailure(failure);
  }
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "f") fullScreen();
  if (event.key === "n") answeredNext();
});

/** The pointer and the tools hide while nobody moves. */
function startRest() {
  let timer;
  const wake = () => {
    document.body.classList.remove("resting");
    clearTimeout(timer);
    timer = setTimeout(() => document.body.classList.add("resting"), 4000);
  };
  addEventListener("pointermove", wake);
  addEventListener("keydown", wake);
  wake();
}

/** Keeps the screen on where the browser lets us. */
const stayAwake = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => {});

const draw = onceAFrame(drawStage);
live.addEventListener("change", draw);
live.addEventListener("state", draw);
live.addEventListener("refused", (event) => toastFailure(event.detail));
new ResizeObserver(draw).observe(byId("fit"));
onLanguage(drawStage);
byId("full").addEventListener("click", fullScreen);
byId("done").addEventListener("click", answeredNext);
document.addEventListener("visibilitychange", stayAwake);
setText(byId("address"), facts.joinUrl.replace(/^https?:\/\//, ""));
stayAwake();
startRest();
showConnection(live, byId("connection"));
live.start();
