// The page where staff makes the survey, opens and closes it, and reads what it brought.
import { call, inSession, notTwice } from "./api.js";
import { byId, el, setText, shown } from "./dom.js";
import { day, onLanguage, t } from "./i18n.js";
import { Live } from "./live.js";
import { moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import { SurveyForm } from "./survey-form.js";
import { drawResults } from "./survey-results.js";
import "./words/survey.js";
import "./words/survey-page.js";

const AGAIN = 20000; // milliseconds between two readings: an answer that is changed is told to nobody
const REWRITES = new Set(["save", "copy", "remove"]); // after these the form shows what is saved
const TONES = { none: "", draft: "", open: "queued", closed: "" };

const facts = pageFacts();
const page = JSON.parse(byId("page-data").textContent);
const at = (rest = "") => inSession(facts.session, rest);
const live = new Live(facts.session, ["survey", "session"]);
const may = moderates(facts.role);
let survey = null; // StaffSurveyOut
let touched = false; // something in the form is not saved
let edits = 0; // how often something was written in it
let done = null; // the last act on this page that can be taken back
let seen = null; // the survey that was in the form before that; null: whatever is read next

startShell();
const form = new SurveyForm(changed);

function changed() {
  touched = survey !== null; // before that there is nothing to change
  edits++;
  drawForm();
}

async function read() {
  try {
    take(await call("GET", at("/survey/results")));
  } catch (failure) {
    if (!failure.passing) toastFailure(failure);
  }
}

let soon;
const readSoon = () => (clearTimeout(soon), (soon = setTimeout(read, 300)));

/** Whether two ask the same, however they stand. */
const alike = (one, other) => one.tag === other.tag || wording(one) === wording(other);
const wording = ({ form, days, reminders }) => JSON.stringify([form, days, reminders]);

function take(found) {
  const unfold = !survey || (survey.opened_at === 0) !== (found.opened_at === 0);
  survey = found;
  const same = seen && alike(seen, survey);
  if (!touched && !same) form.fill(survey.form, survey.days, survey.reminders);
  if (touched && seen && !same) bad(t("asks.meanwhile"));
  else seen = survey;
  if (unfold) byId("edit").open = may && survey.opened_at === 0; // then what it brought comes first
  draw();
}

function draw() {
  if (!survey) return;
  const { status, people } = survey;
  const badge = byId("status");
  badge.dataset.tone = TONES[status];
  setText(badge, t(`asks.status.${status}`));
  setText(byId("standing"), t(`asks.standing.${status}`, { people, time: day(survey.closes_at) }));
  byId("open").hidden = !may || status === "open";
  byId("open").classList.toggle("primary", status !== "closed");
  setText(byId("open").querySelector("span"), t(survey.opened_at ? "asks.reopen" : "asks.open"));
  byId("close").hidden = !may || status !== "open";
  byId("undo").hidden = !may || done === null;
  drawResults(survey);
  drawForm();
}

function drawForm() {
  if (!survey) return;
  byId("ready").hidden = survey.people > 0 || !may;
  byId("copy-from").hidden = page.others.length === 0 || survey.opened_at > 0;
  byId("form-answered").hidden = survey.people === 0;
  byId("remove").hidden = !may || survey.status === "none" || survey.status === "open";
  byId("again").hidden = !touched;
  byId("open").disabled = touched; // what is opened is what was saved
  for (const field of byId("form").querySelectorAll("input, select, textarea, button")) if (!may) field.disabled = true;
}

function bad(text) {
  byId("form-bad").hidden = !text;
  byId("form-bad").textContent = text;
}

/** Does something and says so, with a way back; whether it was done. */
const act = (what, method, path, body) => notTwice(JSON.stringify([what, path, body]), () => send(what, method, path, body));

async function send(what, method, path, body) {
  const before = edits;
  const written = what === "copy" && touched ? form.wish() : null;
  try {
    const { action } = await call(method, at(path), body);
    done = what === "undo" ? null : action ?? done;
    bad("");
    const back = () => act("undo", "POST", "/undo", { action }).then((undone) => undone && written && refill(written));
    const undo = action && what !== "undo" && { word: t("asks.undo"), act: back };
    toast(t(`asks.done.${what}`), { slot: "survey", action: undo || null });
  } catch (failure) {
    if (what === "save") bad(failure.code === "conflict" ? t("asks.meanwhile") : failure.advice ?? String(failure));
    else toastFailure(failure);
    return false;
  }
  if (REWRITES.has(what)) {
    seen = null;
    touched = edits !== before; // what was written meanwhile stays
  }
  await read();
  return true;
}

const save = () => act("save", "PUT", "/survey", { ...form.wish(), seen: seen?.tag ?? "" });

/** A questionnaire that is ready to use, in the place of what is written, which one press brings back. */
function useReady(language) {
  const written = form.wish();
  const back = touched ? () => refill(written) : discard;
  const { title, items } = page.ready[language];
  refill({ ...written, title, items: items.map((item) => ({ ...item, id: "" })) });
  toast(t("asks.done.ready"), { slot: "survey", action: { word: t("asks.undo"), act: back } });
}

/** Shows what is saved. */
function discard() {
  touched = false;
  bad("");
  seen = null;
  take(survey);
  read(); // somebody may have changed it
}

/** Shows that as written and not saved. */
function refill(wish) {
  form.fill(wish, wish.days, wish.reminders);
  changed();
}

byId("form").addEventListener("submit", (event) => (event.preventDefault(), save()));
byId("open").addEventListener("click", () => act("open", "POST", "/survey/actions", { do: "open" }));
byId("close").addEventListener("click", () => act("close", "POST", "/survey/actions", { do: "close" }));
byId("undo").addEventListener("click", () => act("undo", "POST", "/undo", { action: done }));
byId("remove").addEventListener("click", () => act("remove", "DELETE", "/survey"));
byId("copy").addEventListener("click", () => act("copy", "POST", "/survey/copies", { session: byId("copy-of").value }));
byId("ready-zh").addEventListener("click", () => useReady("zh"));
byId("ready-en").addEventListener("click", () => useReady("en"));
byId("again").addEventListener("click", discard);
byId("at-end").disabled = !may;
byId("at-end").addEventListener("change", async ({ target }) => {
  try {
    await call("PATCH", at(), { survey: target.checked ? "at_end" : "off" });
    toast(t("asks.done.at_end"), { slot: "survey" });
  } catch (failure) {
    toastFailure(failure);
    target.checked = !target.checked;
  }
});
byId("copy-of").replaceChildren(...page.others.map((other) => el("option", { value: other.id, text: shown(other.title) })));
live.addEventListener("survey", readSoon);
live.addEventListener("session", ({ detail }) => (byId("at-end").checked = detail.survey === "at_end"));
live.addEventListener("refused", (event) => event.detail && toastFailure(event.detail));
setInterval(() => !document.hidden && survey?.status === "open" && read(), AGAIN);
onLanguage(() => {
  form.read();
  form.draw();
  draw();
});
addEventListener("beforeunload", (event) => touched && event.preventDefault());
showConnection(live, byId("connection"));
live.start();
