// The speaker's remote: what is on stage, the next question with one thumb, the time.
import { call, inSession } from "./api.js";
import { button, byId, el, onceAFrame, said, setText, shown, whenReleased } from "./dom.js";
import { day, onLanguage, t } from "./i18n.js";
import { Live, wanting } from "./live.js";
import { fillChats, short } from "./pieces.js";
import { startRemotePolls } from "./remote-polls.js";
import { moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { listenToClicker, STAGE_KEYS, Staging, stayAwake } from "./staging.js";
import { followTalk } from "./talk.js";
import { Timer } from "./timer.js";
import "./words/stage.js";

const NEXT = 2;

const facts = pageFacts();
const live = new Live(facts.session, ["stage", "session", "polls"]);
const staging = new Staging(live, facts);
const timer = new Timer(byId("timer"), () => setText(byId("announce"), t("timer.announce")));

startShell();
followTalk(live);

function drawRemote() {
  const { now, next } = staging;
  drawNow(now);
  whenReleased(byId("next"), () => drawNext(next.slice(0, NEXT)));
  byId("next-empty").hidden = next.length > 0;
  setText(byId("done").querySelector("span"), t(now ? "stage.done" : "stage.first"));
  setText(byId("blank").querySelector("span"), t(staging.blank ? "remote.blanked" : "remote.blank"));
  byId("blank").setAttribute("aria-pressed", String(staging.blank));
  // While it is sent, the choice stands as it was pressed.
  if (!staging.busy) for (const one of document.getElementsByName("limit")) one.checked = Number(one.value) === staging.limit;
  for (const one of document.querySelectorAll("[data-minutes]")) {
    const n = Number(one.dataset.minutes);
    setText(one, n ? t("remote.minutes", { n }) : t("remote.off"));
  }
  drawTime();
  drawReady();
}

function drawNow(question) {
  byId("now").hidden = !question;
  byId("nothing").hidden = Boolean(question) || live.state === "connecting";
  if (!question) return delete byId("now-title").dataset.id;
  const title = byId("now-title");
  if (title.dataset.id !== question.id) {
    title.dataset.id = question.id;
    title.scrollTop = 0;
    setText(byId("announce"), t("stage.announce", { title: short(question.title, 300) }));
  }
  setText(title, shown(question.title));
  setText(byId("now-people"), t("people.want", { n: wanting(question) }));
  fillChats(byId("now-chats"), question.chats);
}

function drawNext(questions) {
  const list = byId("next");
  const signature = JSON.stringify([questions.map((q) => [q.id, q.title]), document.documentElement.lang]);
  if (list.dataset.shown !== signature) {
    list.dataset.shown = signature;
    list.replaceChildren(...questions.map(nextRow));
  }
  questions.forEach((one, at) => setText(list.children[at].querySelector("b"), t("people.count", { n: wanting(one) })));
}

function nextRow({ id, title }) {
  const label = `${t("remote.take")}${t("colon")}${short(title)}`;
  const take = button({ icon: "up", label, act: () => staging.stage(id), class: "button soft", data: { act: true }, disabled: !idle() });
  return el("li", { data: { id } }, said(short(title, 300)), el("b"), take);
}

function drawTime() {
  timer.draw(staging.elapsed, staging.limit, staging.now?.id);
}

const ready = () => live.state === "live" && staging.may;
const idle = () => ready() && !staging.busy;

/** Where a press would not be done now, nothing can be pressed, and it says why. */
function drawReady() {
  const off = byId("off");
  off.hidden = ready() || live.state === "connecting";
  setText(off.querySelector("span"), ready() ? "" : t(staging.may ? "remote.offline" : "remote.out"));
  for (const node of document.querySelectorAll("#bar button, #restart, #blank, #hand-open, [data-act], [name=limit]")) node.disabled = !idle();
  if (!idle()) return;
  const { now, next } = staging;
  byId("done").disabled = !now && !next.length;
  byId("back").disabled = byId("restart").disabled = !now;
  byId("skip").disabled = !now || !next.length;
  byId("undo").disabled = !staging.done.length;
}

async function handOver() {
  try {
    const { qr, ends_at } = await call("POST", inSession(facts.session, "/remote"));
    byId("hand-qr").src = qr;
    setText(byId("hand-how"), t("remote.hand.how", { time: day(ends_at) }));
    byId("hand").showModal();
  } catch (failure) {
    toastFailure(failure);
  }
}

function drawKeys() {
  const rows = STAGE_KEYS.map(([names, word]) =>
    el("div", {}, el("dt", {}, ...names.map((name) => el("kbd", { text: name }))), el("dd", { text: t(word) })),
  );
  byId("keys").replaceChildren(...rows);
}

const undo = () => staging.undo();
const blank = () => staging.show({ blank: !staging.blank });
const on = { done: () => staging.answered(), back: () => staging.putBack(), skip: () => staging.skip(), undo, blank };
for (const [id, act] of Object.entries(on)) byId(id).addEventListener("click", act);
byId("restart").addEventListener("click", () => staging.show({ restart: true }));
byId("hand-open").addEventListener("click", handOver);
byId("limits").addEventListener("change", ({ target }) => staging.show({ limit: Number(target.value) }));
startRemotePolls(facts.session, live, staging, drawReady);
listenToClicker({ next: on.done, back: undo, blank });

const draw = onceAFrame(drawRemote);
for (const what of ["change", "state", "refused"]) live.addEventListener(what, draw);
for (const what of ["change", "busy", "out", "acted", "failed"]) staging.addEventListener(what, draw);
staging.addEventListener("acted", ({ detail: { what } }) => toast(t(`stage.did.${what}`), { slot: "did" }));
staging.addEventListener("none", () => toast(t("stage.undo.none"), { slot: "did" }));
staging.addEventListener("failed", ({ detail }) =>
  detail.status === 0 ? toast(t("remote.lost"), { bad: true, slot: "did" }) : toastFailure(detail),
);
onLanguage(() => (drawRemote(), drawKeys()));
setInterval(drawTime, 250);
byId("hand-open").hidden = !moderates(facts.role);
byId("sleepy").hidden = stayAwake();
drawKeys();
showConnection(live, byId("connection"));
drawRemote();
live.start();
