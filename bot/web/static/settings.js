// How a talk is set: each field saved by itself, at once, with a way back; what others change is seen here too.
import { call, inSession } from "./api.js";
import { byId, el, setText, shown } from "./dom.js";
import { day, onLanguage, t } from "./i18n.js";
import { Live } from "./live.js";
import { chatMark, chatName } from "./pieces.js";
import { pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { drawModes, drawSeries, fromField, inWords, note, options, toField, valueOf, wrongWith } from "./talk-fields.js";
import "./words/settings.js";

const facts = pageFacts();
const organiser = facts.role === "organiser";
const at = (rest = "") => inSession(facts.session, rest);
const live = new Live(facts.session, ["session"]);
const fields = [...document.querySelectorAll("[data-setting]")];
const LINES = ["title", "speaker", "series"];
let session = JSON.parse(byId("page-data").textContent).session;
let talks = [];
let sources = [];

// -- the fields -------------------------------------------------------------------------------------------------------------

function put(field, name) {
  const value = valueOf(session, name);
  if (name === "course_of") return;
  if (field.type === "checkbox") field.checked = value;
  else field.value = name === "starts_at" ? toField(value) : value;
}

function given(field, name) {
  if (field.type === "checkbox") return field.checked;
  if (name === "starts_at") return fromField(field.value);
  if (name === "course_of") return field.value === "-" ? null : field.value;
  return LINES.includes(name) ? field.value.trim() : field.value;
}

/** Somebody is in the middle of changing it. */
const touched = (field, name) => document.activeElement === field && field.dataset.was !== undefined && field.dataset.was !== field.value && name !== "course_of";

function warn(name) {
  const past = name === "starts_at" && session.starts_at !== null && session.starts_at < Date.now() / 1000 && !session.ended_at;
  note(name, past ? t("settings.starts_at.past") : "", past ? "warn" : "");
}

async function save(field) {
  const name = field.dataset.setting;
  if (name === "course_of" && !field.value) return;
  const wrong = LINES.includes(name) ? wrongWith(name, field.value) : "";
  if (wrong) return note(name, wrong, "bad");
  note(name, "");
  await set({ [name]: given(field, name) }, name, field);
}

/** Sets it; says so with a way back, or what is wrong at its field. */
async function set(body, name, field = null) {
  try {
    const answer = await call("PATCH", at(), body);
    take(answer.session, field);
    if (answer.action !== null) said(name, answer);
    warn(name);
  } catch (failure) {
    if (field && ["bad_input", "not_allowed"].includes(failure.code)) note(name, failure.advice, "bad");
    else toastFailure(failure), draw();
  }
}

function said(name, { session: now, action }) {
  const value = name === "course_of" ? t(now.course ? "settings.course.has" : "settings.course.none") : inWords(name, valueOf(now, name));
  const undo = async () => {
    try {
      await call("POST", at("/undo"), { action });
      take(await call("GET", at()));
      toast(t("settings.undone"), { slot: "did" });
    } catch (failure) {
      toastFailure(failure);
    }
  };
  toast(t("settings.saved", { name: t(`settings.${name}`), value }), { slot: "did", action: { word: t("settings.undo"), act: undo } });
}

/** The session is set like this now; `mine` was set here just now. */
function take(next, mine = null) {
  const before = session;
  session = { ...session, ...next };
  for (const field of fields) {
    const name = field.dataset.setting;
    if (field !== mine && touched(field, name)) {
      if (valueOf(before, name) !== valueOf(session, name)) note(name, t("settings.meanwhile", { value: inWords(name, valueOf(session, name)) }), "warn");
    } else if (field.getAttribute("aria-invalid") !== "true" || field === mine) put(field, name);
  }
  draw();
}

// -- what is only shown -----------------------------------------------------------------------------------------------------

function draw() {
  setText(byId("wordmark"), shown(session.title));
  document.title = `${shown(session.title)} · Floormic`;
  setText(byId("course-now"), t(session.course ? "settings.course.has" : "settings.course.none"));
  if (organiser) drawEnd();
  else drawFacts();
}

function drawEnd() {
  const over = session.ended_at !== null;
  setText(byId("end-now"), over ? t("settings.end.over", { time: day(session.ended_at) }) : t("settings.end.running"));
  setText(byId("end-button").querySelector("span"), t(over ? "settings.end.undo" : "settings.end.do"));
  byId("end-button").querySelector("use").setAttribute("href", over ? "#i-undo" : "#i-check");
}

function drawFacts() {
  const names = ["title", "speaker", "series", "starts_at", "language"];
  byId("facts").replaceChildren(...names.flatMap((name) => [el("dt", { text: t(`settings.${name}`) }), el("dd", { dir: "auto", text: inWords(name, valueOf(session, name)) })]));
}

function drawCourses() {
  const field = byId("course_of");
  if (!field) return;
  const others = talks.filter((one) => one.course && one.id !== facts.session);
  field.replaceChildren(el("option", { value: "", text: t("settings.course_of.keep") }), el("option", { value: "-", text: t("settings.course_of.without") }), ...options(others));
}

// -- sources ----------------------------------------------------------------------------------------------------------------

function drawSources() {
  const here = sources.filter((one) => one.session === facts.session || (organiser && one.session));
  byId("feeds-empty").hidden = here.length > 0;
  byId("feeds-list").replaceChildren(...here.map(feed));
}

function feed(source) {
  const name = shown(chatName(source.source));
  const label = el("span", {}, chatMark(source.source), " ", el("bdi", { text: name }));
  if (!organiser) return el("li", { class: "feed" }, label);
  const field = el("select", { "aria-label": t("settings.feeds.goes", { name }) }, ...options(talks));
  field.value = source.session;
  field.addEventListener("change", () => point(source, field.value, source.session));
  return el("li", { class: "feed" }, label, field);
}

async function point(source, id, before) {
  try {
    sources = (await call("PUT", `/sources/${encodeURIComponent(source.source)}`, { session: id })).sources;
    const title = shown(talks.find((one) => one.id === id)?.title ?? id);
    const back = before !== id && { word: t("settings.undo"), act: () => point(source, before, before) };
    toast(t("settings.feeds.done", { name: shown(chatName(source.source)), title }), { slot: "did", action: back || null });
  } catch (failure) {
    toastFailure(failure);
  }
  drawSources();
}

async function readSources() {
  sources = (await call("GET", organiser ? "/sources" : at("/sources"))).sources;
  drawSources();
}

// -- start ------------------------------------------------------------------------------------------------------------------

async function again() {
  try {
    const made = await call("POST", at("/duplicate"), {});
    location.assign(`/s/${encodeURIComponent(made.id)}/settings`);
  } catch (failure) {
    toastFailure(failure);
  }
}

startShell();
for (const field of fields) {
  field.addEventListener("focus", () => (field.dataset.was = field.value));
  field.addEventListener("change", () => save(field));
  field.addEventListener("keydown", (event) => event.key === "Enter" && field.tagName === "INPUT" && field.type !== "checkbox" && field.blur());
  put(field, field.dataset.setting);
}
byId("end-button")?.addEventListener("click", () => set({ ended: session.ended_at === null }, "ended_at"));
byId("again")?.addEventListener("click", again);
live.addEventListener("session", (event) => take(event.detail));
live.addEventListener("refused", (event) => event.detail && toastFailure(event.detail));
onLanguage(() => (drawModes(), draw(), drawCourses(), drawSources()));
showConnection(live, byId("connection"));
drawModes();
draw();
warn("starts_at");
live.start();
call("GET", "/sessions").then((found) => {
  talks = found;
  if (organiser) drawSeries(talks), drawCourses();
  return readSources();
}).catch(toastFailure);
