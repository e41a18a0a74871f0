// The big screen: the question on stage as large as it fits, who wants to know, how long it takes, what comes next.
import { byId, el, onceAFrame, setText, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Live, wanting } from "./live.js";
import { fillChats, short } from "./pieces.js";
import { pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { startStagePoll } from "./stage-polls.js";
import { listenToClicker, STAGE_KEYS, Staging, stayAwake } from "./staging.js";
import { followTalk } from "./talk.js";
import { cutToFit } from "./text-cut.js";
import { Timer } from "./timer.js";
import "./words/stage.js";

const NEXT = 2; // questions shown below
const TOP = 4; // questions shown while nothing is on stage
const LARGEST = 16; // of the question's letters, in hundredths of the window's height
const SMALLEST = 3.5; // below that nobody in the last row reads; a text that needs less is cut
const LONG = 6.5; // letters smaller than that have the rest of the page give way

const facts = pageFacts();
const live = new Live(facts.session, ["stage", "polls", "session"]);
const staging = new Staging(live, facts);
const address = facts.joinUrl.replace(/^https?:\/\//, "");
const timer = new Timer(byId("timer"), () => announce(t("timer.announce")));

startShell();
followTalk(live);
const pollNow = startStagePoll(live, () => drawStage());

function drawStage() {
  const { now, next } = staging;
  const poll = pollNow();
  document.body.classList.toggle("waiting", !now && !poll);
  byId("corner").hidden = !now && !poll;
  byId("now").hidden = !now || poll;
  byId("wait").hidden = Boolean(now) || poll || live.state === "connecting";
  byId("blank").hidden = !staging.blank;
  byId("done").hidden = !(staging.may && (now || next.length));
  setText(byId("done").querySelector("span"), t(now ? "stage.done" : "stage.first"));
  if (now && !poll) drawNow(now);
  drawNext(next.slice(0, now ? NEXT : TOP), Boolean(now));
  drawTime();
}

function drawNow(question) {
  const title = byId("now-title");
  if (title.dataset.id !== question.id) {
    title.dataset.id = question.id;
    announce(t("stage.announce", { title: short(question.title, 300) }));
    enter(byId("now"));
  }
  setText(byId("now-people"), t("people.want", { n: wanting(question) }));
  fillChats(byId("now-chats"), question.chats);
  fit(shown(question.title));
}

/** A screen reader says it when it has finished what it is saying. */
const announce = (text) => setText(byId("announce"), text);

function enter(node) {
  node.classList.remove("fresh");
  void node.offsetWidth; // lets the animation begin anew
  node.classList.add("fresh");
}

function drawTime() {
  timer.draw(staging.elapsed, staging.limit, staging.now?.id);
}

function drawNext(questions, onStageNow) {
  setText(byId("next-head"), t(onStageNow ? "stage.next" : "stage.top"));
  const signature = JSON.stringify([questions.map((q) => [q.id, q.title, wanting(q)]), document.documentElement.lang]);
  const list = byId("next");
  byId("next-empty").hidden = questions.length > 0;
  if (list.dataset.shown === signature) return;
  list.dataset.shown = signature;
  list.replaceChildren(...questions.map(nextRow));
}

function nextRow(question) {
  const people = el("b", { text: t("people.count", { n: wanting(question) }) });
  return el("li", {}, people, el("span", { class: "said next-title", dir: "auto", text: short(question.title, 160) }));
}

/** The largest letters with which the question fits its place, without broken words where that can be had. */
function fit(text) {
  const box = byId("fit");
  const title = byId("now-title");
  const cut = byId("cut");
  const fits = () => title.scrollHeight <= box.clientHeight && title.scrollWidth <= box.clientWidth;
  const inSize = (size) => (title.style.setProperty("--size", size), fits());
  const largest = () => {
    let [low, high] = [SMALLEST, LARGEST];
    for (let step = 0; step < 8; step++) {
      const size = (low + high) / 2;
      if (inSize(size)) low = size;
      else high = size;
    }
    return low;
  };
  title.textContent = text;
  cut.hidden = true;
  document.body.classList.remove("long");
  title.classList.add("whole-words");
  let size = largest();
  if (size < LONG) {
    document.body.classList.add("long");
    size = largest();
  }
  if (!inSize(size)) {
    title.classList.remove("whole-words");
    size = largest();
  }
  if (inSize(size)) return;
  cut.hidden = false;
  setText(cut, t("stage.cut", { address }));
  title.textContent = cutToFit(text, (part) => ((title.textContent = part), fits()));
}

// -- acting -------------------------------------------------------------------------------------------------------------------

/** Only for those who work the stage; says so to others. */
const doing = (act) => () => (staging.may ? act() : toast(t("stage.signin"), { slot: "signin" }));

const next = doing(() => staging.answered());
const back = doing(() => staging.undo());

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

function showKeys() {
  const rows = [...STAGE_KEYS, [["f"], "stage.key.full"]].map(([names, word]) =>
    el("div", {}, el("dt", {}, ...names.map((name) => el("kbd", { text: name }))), el("dd", { text: t(word) })),
  );
  byId("keys").replaceChildren(...rows);
  byId("help").showModal();
}

listenToClicker({ next, back, blank: doing(() => staging.show({ blank: !staging.blank })), f: fullScreen, "?": showKeys });

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

const draw = onceAFrame(drawStage);
live.addEventListener("change", draw);
live.addEventListener("session", draw); // with review on, other questions come next
live.addEventListener("state", draw);
live.addEventListener("refused", (event) => event.detail && toastFailure(event.detail));
staging.addEventListener("change", draw);
staging.addEventListener("out", draw);
staging.addEventListener("busy", () => (byId("done").disabled = Boolean(staging.busy)));
staging.addEventListener("acted", ({ detail: { what, undo } }) =>
  toast(t(`stage.did.${what}`), { slot: "did", action: undo ? { word: t("stage.undo"), act: () => staging.undo() } : null }),
);
staging.addEventListener("none", () => toast(t("stage.undo.none"), { slot: "did" }));
staging.addEventListener("failed", ({ detail }) =>
  detail.status === 0 ? toast(t("remote.lost"), { bad: true, slot: "did" }) : toastFailure(detail),
);
new ResizeObserver(draw).observe(byId("main"));
document.fonts?.ready.then(draw);
onLanguage(drawStage);
byId("full").addEventListener("click", fullScreen);
byId("help-open").addEventListener("click", showKeys);
byId("done").addEventListener("click", next);
setText(byId("address"), address);
setInterval(drawTime, 250);
stayAwake();
startRest();
showConnection(live, byId("connection"));
live.start();
