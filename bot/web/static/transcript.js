// The page of the transcript: send it, see whether it fits, confirm what was answered aloud.
import { Aloud, clock, passageOf, seconds, tell } from "./aloud-card.js";
import { call, Failure, unanswered } from "./api.js";
import { button, byId, el, icon, onceAFrame, said, setText, shown } from "./dom.js";
import { day, language, onLanguage, t } from "./i18n.js";
import { Live } from "./live.js";
import { badge } from "./pieces.js";
import { foldable, moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";

const MB = 1024 * 1024;
const FITS = 2; // questions by which one sees whether the transcript fits
const facts = pageFacts();
const may = moderates(facts.role);
const live = new Live(facts.session, ["transcript"]);
const aloud = new Aloud(facts.session);
let sending = "";
let failure = "";
let far = {}; // of the search: {done, texts}
let fitted = ""; // what the lines below the offset are about

startShell();

// -- the file -----------------------------------------------------------------------------------------------------------

async function send(file) {
  if (sending) return;
  failure = "";
  if (aloud.state && file.size > aloud.state.largest) return fail(`${file.name}${t("colon")}${t("aloud.limits", { n: aloud.state.largest / MB })}`);
  sending = file.name;
  draw();
  try {
    aloud.take(await post(file));
    toast(t("aloud.sent"), { slot: "aloud" });
  } catch (error) {
    failure = error.advice ?? String(error);
  }
  sending = "";
  draw();
}

async function post(file) {
  const place = `/api/v1${aloud.path(`?name=${encodeURIComponent(file.name.slice(-200))}`)}`;
  let answer, body;
  try {
    answer = await fetch(place, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream", "Accept-Language": language() } });
    body = await answer.json();
  } catch {
    throw unanswered();
  }
  if (!answer.ok) throw new Failure(answer.status, body.code ?? "bad_input", body.error ?? "");
  return body;
}

function fail(words) {
  failure = words;
  draw();
}

async function change(method, rest, body, word) {
  try {
    aloud.take(await call(method, aloud.path(rest), body));
    if (word) toast(t(word), { slot: "aloud" });
    return true;
  } catch (error) {
    toastFailure(error);
    return false;
  }
}

async function save(event) {
  event.preventDefault();
  const typed = byId("aloud-offset").value.trim();
  const offset = typed ? seconds(typed) : null;
  tell(byId("aloud-offset-bad"), typed && offset === null ? t("aloud.offset.bad") : "");
  if (typed && offset === null) return byId("aloud-offset").focus();
  const written = [byId("aloud-offset"), byId("aloud-recording")].map((field) => [field, field.value]);
  if (!(await change("PATCH", "", { offset, recording: byId("aloud-recording").value.trim() }, "aloud.saved"))) return;
  for (const [field, value] of written) field.dataset.filled = value;
  draw(); // as it is kept
}

const signed = (offset) => `${offset < 0 ? "-" : ""}${clock(Math.abs(offset))}`;

function drawFile({ transcript, began, largest }) {
  byId("aloud-none").hidden = Boolean(transcript);
  byId("aloud-file").hidden = !transcript;
  setText(byId("aloud-limits"), t("aloud.limits", { n: largest / MB }));
  setText(byId("aloud-choose-word"), t(transcript ? "aloud.replace" : "aloud.choose"));
  for (const id of ["aloud-again", "aloud-remove"]) byId(id).hidden = !transcript;
  if (!transcript) return;
  setText(byId("aloud-name"), t("aloud.from", { name: shown(transcript.name), who: shown(transcript.by), time: day(transcript.at) }));
  setText(byId("aloud-facts"), t("aloud.facts", { n: transcript.lines, time: clock(transcript.ends) }));
  setText(byId("aloud-dated"), t(`aloud.dated.${transcript.dated}`, { time: transcript.zero === null ? "" : exact(transcript.zero) }));
  const form = byId("aloud-form");
  form.hidden = !may;
  byId("aloud-offset-field").hidden = began === null;
  byId("aloud-offset").placeholder = transcript.offset === null ? "00:01:30" : signed(transcript.offset);
  fill(byId("aloud-offset"), transcript.dated === "hand" ? signed(transcript.offset) : "");
  fill(byId("aloud-recording"), transcript.recording);
  drawProblems(transcript);
  drawFits();
}

/** What is typed and not saved yet stays. */
function fill(field, value) {
  if (field.value === (field.dataset.filled ?? "") && field !== document.activeElement) field.value = value;
  if (field.value === value) field.dataset.filled = value;
}

const exact = (at) => new Date(at * 1000).toLocaleTimeString(language() === "zh" ? "zh-CN" : "en-GB");

function drawProblems({ problems, problem_count: n }) {
  const node = byId("aloud-problems");
  node.hidden = !n;
  const rows = problems.map((one) => el("li", {}, one.line !== null && el("b", { text: t("aloud.line", { n: one.line }) }), el("span", { text: shown(language() === "zh" ? one.text_zh : one.text) })));
  node.replaceChildren(el("summary", {}, el("span", { class: "badge", data: { tone: "warn" } }, icon("warn"), el("span", { text: t("aloud.problems", { n }) }))), el("ul", { class: "aloud-problem-list" }, ...rows));
}

/** Whether the time that is typed fits: what is said when the first questions came on stage. */
async function drawFits() {
  const { transcript, began, staged } = aloud.state;
  const typed = byId("aloud-offset").value.trim();
  const offset = typed ? seconds(typed) : null;
  const zero = offset === null ? transcript.zero : began + offset;
  const signature = JSON.stringify([zero, staged, transcript.at, language()]);
  if (signature === fitted || zero === null) return;
  fitted = signature;
  const lines = await Promise.all(staged.slice(0, FITS).map(async ({ title, at }) => {
    let text = t("aloud.fits.none");
    try {
      if (at >= zero) text = `${clock(at - zero)} “${shown((await call("GET", aloud.path(`/said?seconds=${Math.floor(at - zero)}`))).text.slice(0, 90))}…”`;
    } catch {
      // it has ended by then
    }
    return el("li", {}, el("span", { class: "faint", text: t("aloud.fits", { title: shown(title).slice(0, 60), time: exact(at) }) }), el("span", { dir: "auto", text }));
  }));
  if (signature === fitted) byId("aloud-fits").replaceChildren(...lines);
}

function drawProgress({ searching, failed, failed_zh, transcript }) {
  const node = byId("aloud-progress");
  node.hidden = !sending && !searching;
  const bar = node.querySelector("progress");
  const { done = 0, texts = 0 } = { ...searching, ...far };
  if (!sending && texts) bar.value = done / texts;
  else bar.removeAttribute("value");
  const searches = texts ? t("aloud.searching", { done: Math.floor((done / texts) * 10) * Math.ceil(texts / 10), n: texts }) : t("aloud.searching.begin");
  setText(node.querySelector("p"), sending ? t("aloud.sending", { name: sending }) : searches);
  const why = language() === "zh" ? failed_zh : failed;
  const unsearched = transcript && !transcript.searched && !searching && !failed ? t("aloud.unsearched") : "";
  const words = failure || (failed ? t("aloud.failed", { why }) : unsearched);
  byId("aloud-error").hidden = !words;
  setText(byId("aloud-error").querySelector("span"), shown(words));
}

// -- the questions --------------------------------------------------------------------------------------------------------

function head(one) {
  return el("div", { class: "aloud-question" }, el("h3", { dir: "auto", id: `aloud-${one.question}`, text: shown(one.title) }),
    el("p", { class: "chips" }, el("span", { class: "badge" }, icon("people"), el("span", { text: t("aloud.people", { n: one.people }) })), badge(one.status)));
}

function drawQuestions({ transcript, proposals, rest, searching }) {
  byId("aloud-found").hidden = !transcript;
  byId("aloud-rest").hidden = !transcript || !rest.length;
  const open = proposals.filter((one) => one.state === "proposed");
  const row = (one) => {
    const above = one.state === "proposed" ? open.slice(0, open.indexOf(one) + 1) : [];
    const [where, text, ...more] = passageOf(one);
    return el("li", { class: "card aloud-card", tabindex: "-1", "aria-labelledby": `aloud-${one.question}`, data: { id: one.question, state: one.state } },
      head(one), where, foldable(text), ...more, el("div", { class: "actions start" }, ...aloud.deeds(one, above)));
  };
  keepingFocus(byId("aloud-list"), () => byId("aloud-list").replaceChildren(...proposals.map(row)));
  setText(byId("aloud-count"), proposals.length ? t("aloud.open", { n: open.length, all: proposals.length }) : "");
  tell(byId("aloud-empty"), transcript?.searched && !searching && !proposals.length ? t("aloud.none") : "");
  setText(byId("aloud-rest-count"), String(rest.length));
  const left = (one) => el("li", { data: { id: one.question } }, said(one.title), el("span", { class: "faint", text: t("aloud.people", { n: one.people }) }), aloud.otherButton(one));
  keepingFocus(byId("aloud-rest-list"), () => byId("aloud-rest-list").replaceChildren(...rest.map(left)));
}

/** Draws anew; whoever had pressed something stays at that question, or goes to the one that takes its place. */
function keepingFocus(list, redraw) {
  const held = list.contains(document.activeElement) ? document.activeElement : null;
  const row = held?.closest("[data-id]");
  const [id, deed, at] = [row?.dataset.id, held?.dataset.do, row ? [...list.children].indexOf(row) : 0];
  redraw();
  if (!held) return;
  const now = [...list.children].find((one) => one.dataset.id === id) ?? list.children[Math.min(at, list.children.length - 1)];
  (now?.querySelector(`[data-do="${deed}"]`) ?? now?.querySelector("button"))?.focus();
}

function draw() {
  if (!aloud.state) return;
  drawProgress(aloud.state);
  drawFile(aloud.state);
  drawQuestions(aloud.state);
}

// -- by hand --------------------------------------------------------------------------------------------------------------

function startSending() {
  byId("aloud-send").hidden = !may;
  byId("aloud-readonly").hidden = may;
  if (!may) return;
  const chooser = byId("aloud-chooser");
  chooser.addEventListener("change", () => {
    if (chooser.files[0]) send(chooser.files[0]);
    chooser.value = ""; // the same file may be chosen again, mended
  });
  byId("aloud-again").addEventListener("click", () => change("POST", "/search"));
  byId("aloud-remove").addEventListener("click", () => byId("aloud-remove-dialog").showModal());
  byId("aloud-remove-yes").addEventListener("click", () => (byId("aloud-remove-dialog").close(), change("DELETE", "", undefined, "aloud.removed")));
  byId("aloud-form").addEventListener("submit", save);
  byId("aloud-offset").addEventListener("input", onceAFrame(drawFits));
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files[0]) send(event.dataTransfer.files[0]);
  });
}

const refresh = onceAFrame(() => aloud.refresh());
aloud.addEventListener("change", draw);
live.addEventListener("transcript", ({ detail }) => {
  far = detail.texts === undefined ? {} : detail;
  if (detail.texts && aloud.state?.searching) drawProgress(aloud.state);
  else refresh();
});
live.addEventListener("change", refresh); // somebody answered one meanwhile
live.addEventListener("refused", ({ detail }) => detail && toastFailure(detail));
onLanguage(draw);
startSending();
showConnection(live, byId("connection"));
live.start();
