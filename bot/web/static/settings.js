// Everything that an evening is prepared with. Each field is saved by itself, at once, with a way back; what others
// change is seen here too.
import { startAfter } from "./after.js";
import { call, inSession } from "./api.js";
import { startCourse } from "./course.js";
import { byId, composing, el, setText, shown } from "./dom.js";
import { startFeeds } from "./feeds.js";
import { day, language, onLanguage, t } from "./i18n.js";
import { Live } from "./live.js";
import { Modes, modesLine } from "./modes.js";
import { startPromotions } from "./promotions.js";
import { startReady } from "./ready.js";
import { pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { drawSeries, fromField, inWords, note, options, toField, valueOf, wrongWith } from "./talk-fields.js";
import { startTry } from "./try.js";
import "./words/settings.js";

const facts = pageFacts();
const organiser = facts.role === "organiser";
const at = (rest = "") => inSession(facts.session, rest);
const live = new Live(facts.session, ["session", "course", "tryout", "after", "promotions"]);
const fields = [...document.querySelectorAll("[data-setting]")];
const LINES = ["title", "speaker", "series"];
let session = JSON.parse(byId("page-data").textContent).session;
let talks = []; // those whose course and series I may take over
let course = null; // CourseOut, as organisers see it
let tried = { run: null, down: [] };
let people = null; // PeopleOut, as organisers of every talk see it

// -- the fields -------------------------------------------------------------------------------------------------------------

const isChoice = (field) => field.type === "checkbox" || field.tagName === "SELECT";

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

/** A time that is typed changes with every digit: it is saved when it is left, or stands still. */
function later(field) {
  clearTimeout(field.timer);
  field.timer = setTimeout(() => settled(field), 1500);
}

function settled(field) {
  if (!field.timer) return;
  clearTimeout(field.timer);
  field.timer = null;
  save(field);
}

async function save(field) {
  const name = field.dataset.setting;
  if (name === "course_of" && !field.value) return;
  const wrong = LINES.includes(name) ? wrongWith(name, field.value) : "";
  if (wrong) return note(name, wrong, "bad");
  note(name, "");
  await set({ [name]: given(field, name) }, name, field);
}

/** Sets it; says so with a way back, or what is wrong at its field. True where it is saved. */
async function set(body, name, field = null) {
  try {
    const answer = await call("PATCH", at(), body);
    take(answer.session, field);
    if (answer.action !== null) said(name, answer);
    warn(name);
    return true;
  } catch (failure) {
    const refused = field && ["bad_input", "not_allowed"].includes(failure.code);
    if (refused || (field && !isChoice(field))) note(name, failure.advice, "bad"); // what is noted stays, to be mended
    if (!refused) toastFailure(failure);
    if (name === "course_of") drawCourses();
    else if (field && isChoice(field)) (put(field, name), field.removeAttribute("aria-invalid"));
    draw();
    return false;
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

const comma = () => (language() === "zh" ? "，" : ", ");
const onOrOff = (name) => (session[name] ? "on" : "off");

function draw() {
  setText(byId("wordmark"), shown(session.title));
  document.title = `${shown(session.title)} · Floormic`;
  for (const name of ["review", "ledger", ...(organiser ? ["names"] : [])]) setText(byId(`about-${name}`), t(`settings.${name}.${onOrOff(name)}`));
  if (organiser) drawEnd();
  else drawFacts();
  drawReady();
}

function drawEnd() {
  const over = session.ended_at !== null;
  setText(byId("end-now"), over ? t("settings.end.over", { time: day(session.ended_at) }) : t("settings.end.running"));
  setText(byId("end-button").querySelector("span"), t(over ? "settings.end.undo" : "settings.end.do"));
  byId("end-button").querySelector("use").setAttribute("href", over ? "#i-undo" : "#i-check");
}

function drawFacts() {
  setText(byId("course-line"), t(session.course ? "settings.course.has" : "settings.course.none"));
  const names = ["title", "speaker", "series", "starts_at", "language"];
  byId("facts").replaceChildren(...names.flatMap((name) => [el("dt", { text: t(`settings.${name}`) }), el("dd", { dir: "auto", text: inWords(name, valueOf(session, name)) })]));
}

function drawCourses() {
  const field = byId("course_of");
  if (!field) return;
  const others = talks.filter((one) => one.course && one.id !== facts.session);
  byId("course-of-field").hidden = others.length === 0 && !session.course;
  field.replaceChildren(el("option", { value: "", text: t("settings.course_of.keep") }), el("option", { value: "-", text: t("settings.course_of.without") }), ...options(others));
}

// -- what is ready ----------------------------------------------------------------------------------------------------------

const drawReady = startReady({
  talk: ["#talk", readyTalk],
  modes: ["#modes", () => ["ready", modesLine(session.abilities)]],
  viewers: ["#publishing", () => ["ready", t(`ready.review.${onOrOff("review")}`)]],
  course: ["#course", readyCourse],
  chats: ["#chats", readyChats],
  people: ["/people", readyPeople],
});

function readyTalk() {
  if (session.ended_at !== null) return ["ready", t("ready.over", { time: day(session.ended_at) })];
  return session.starts_at === null ? ["open", t("ready.no_time")] : ["ready", day(session.starts_at)];
}

function readyCourse() {
  const any = organiser ? course && course.used.entries + course.used.passages > 0 : session.course;
  if (any === null) return null;
  if (!any) return session.abilities.answers === "off" ? ["ready", t("ready.course.off")] : ["open", t("ready.course.none")];
  if (!organiser) return ["ready", t("ready.course.has")];
  const { entries, passages, problem_count: problems } = course.used;
  const holds = t("ready.course", { n: entries, m: passages });
  return problems ? ["look", `${holds}${comma()}${t("course.problems", { n: problems })}`] : ["ready", holds];
}

function readyChats() {
  const { run, down } = tried;
  if (!run) return null;
  if (down.length) return ["look", t("sources.alarm", { name: down.map(shown).join(comma()) })];
  if (!run.code) return ["open", t("ready.chats.untried", { n: run.sources.length })];
  const heard = run.sources.filter((one) => one.heard_at !== null).length;
  return [heard === run.sources.length ? "ready" : "open", t("ready.chats", { n: heard, all: run.sources.length })];
}

function readyPeople() {
  if (!people) return null;
  const counts = (one) => one.roles.some((role) => role.holds && ["", facts.session].includes(role.session));
  const helpers = people.people.filter((one) => !one.me && counts(one)).length;
  const links = people.invitations.filter((one) => !one.person && counts(one)).length;
  const parts = [helpers && t("ready.people", { n: helpers }), links && t("ready.links", { n: links })].filter(Boolean);
  return parts.length ? ["ready", parts.join(comma())] : ["open", t("ready.nobody")];
}

// -- start ------------------------------------------------------------------------------------------------------------------

async function again() {
  byId("again").disabled = true;
  try {
    const made = await call("POST", at("/duplicate"), {});
    location.assign(`/s/${encodeURIComponent(made.id)}/settings`);
  } catch (failure) {
    byId("again").disabled = false;
    toastFailure(failure);
  }
}

startShell();
for (const field of fields) {
  field.addEventListener("focus", () => (field.dataset.was = field.value));
  const timed = field.type === "datetime-local";
  field.addEventListener("change", () => (timed ? later(field) : save(field)));
  if (timed) field.addEventListener("blur", () => settled(field));
  const line = field.tagName === "INPUT" && field.type !== "checkbox";
  field.addEventListener("keydown", (event) => line && event.key === "Enter" && !composing(event) && field.blur());
  put(field, field.dataset.setting);
}
byId("end-button")?.addEventListener("click", () => set({ ended: session.ended_at === null }, "ended_at"));
byId("again")?.addEventListener("click", again);
live.addEventListener("session", (event) => take(event.detail));
live.addEventListener("refused", (event) => event.detail && toastFailure(event.detail));
onLanguage(() => (draw(), drawCourses()));
showConnection(live, byId("connection"));
const modes = new Modes(byId("modes-body"), facts.session, live);
modes.set(session.abilities);
modes.look();
if (organiser) startPromotions(live);
if (organiser) startCourse(live, (state) => ((course = state), drawReady()));
startTry(live, (now) => ((tried = now), drawReady()));
startAfter(live, session, (name, mode) => set({ [name]: mode }, name));
draw();
warn("starts_at");
live.start();
call("GET", "/sessions").then((found) => {
  talks = found.filter((one) => one.role === "organiser");
  if (organiser) drawSeries(talks), drawCourses();
  return startFeeds(found, facts.organises);
}).catch(toastFailure);

async function readPeople() {
  people = await call("GET", "/people");
  drawReady();
}
if (facts.organises) {
  const read = () => readPeople().catch(toastFailure);
  document.addEventListener("visibilitychange", () => !document.hidden && read()); // who is invited changes on another page
  read();
}
