// A new talk, from scratch or like an earlier one.
import { call } from "./api.js";
import { byId, el } from "./dom.js";
import { language, onLanguage, t } from "./i18n.js";
import { startShell, toastFailure } from "./shell.js";
import { drawModes, drawSeries, fromField, note, options, valueOf, wrongWith } from "./talk-fields.js";
import "./words/settings.js";

const NAMES = ["title", "starts_at", "speaker", "series", "language", "course_of", "id", "grouping", "answers", "acknowledgements", "review", "ledger"];
const LINES = ["title", "speaker", "series"];
const form = byId("new");
const field = (name) => form.elements[name];
let talks = [];

function given(name) {
  if (field(name).type === "checkbox") return field(name).checked;
  if (name === "starts_at") return fromField(field(name).value);
  return field(name).value.trim() || (["course_of", "id"].includes(name) ? null : "");
}

/** Takes over what an earlier talk was; its title and time are this one's own. */
function takeOver(earlier) {
  for (const name of ["speaker", "series", "language", "grouping", "answers", "acknowledgements"]) field(name).value = valueOf(earlier, name);
  for (const name of ["review", "ledger"]) field(name).checked = earlier[name];
  field("course_of").value = earlier.course ? earlier.id : "";
  if (!field("title").value) field("title").value = earlier.title;
}

function drawChoices() {
  const like = byId("like").value;
  const course = field("course_of").value;
  byId("like").replaceChildren(el("option", { value: "", text: t("new.like.none") }), ...options(talks));
  field("course_of").replaceChildren(el("option", { value: "", text: t("settings.course_of.without") }), ...options(talks.filter((one) => one.course)));
  byId("like").value = like;
  field("course_of").value = course;
  byId("like-field").hidden = talks.length === 0;
}

function warnOfPast() {
  const past = field("starts_at").value && fromField(field("starts_at").value) < Date.now() / 1000;
  note("starts_at", past ? t("settings.starts_at.past") : "", past ? "warn" : "");
}

/** Says what is wrong at its field, and goes there. */
function complain(name, text) {
  const known = NAMES.includes(name) && byId(`note-${name}`);
  if (known) {
    if (field(name).closest("details")) field(name).closest("details").open = true;
    note(name, text, "bad");
    field(name).focus();
  }
  byId("bad").hidden = Boolean(known);
  byId("bad").textContent = known ? "" : text;
}

async function make(event) {
  event.preventDefault();
  byId("bad").hidden = true;
  for (const name of ["title", "speaker", "series", "id", "course_of"]) note(name, "");
  const wrong = LINES.find((name) => wrongWith(name, field(name).value));
  if (wrong) return complain(wrong, wrongWith(wrong, field(wrong).value));
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const made = await call("POST", "/sessions", Object.fromEntries(NAMES.map((name) => [name, given(name)])));
    location.assign(`/s/${encodeURIComponent(made.id)}/settings`);
  } catch (failure) {
    button.disabled = false;
    complain(failure.field, failure.advice);
  }
}

startShell();
form.addEventListener("submit", make);
field("starts_at").addEventListener("change", warnOfPast);
byId("like").addEventListener("change", () => talks.filter((one) => one.id === byId("like").value).forEach(takeOver));
for (const name of LINES) field(name).addEventListener("change", () => note(name, name === "title" && !field(name).value ? "" : wrongWith(name, field(name).value), "bad"));
onLanguage(() => (drawModes(), drawChoices(), warnOfPast()));
drawModes();
drawChoices();
field("language").value = language();
field("title").focus();
call("GET", "/sessions").then((found) => {
  talks = found;
  drawSeries(talks);
  drawChoices();
}, toastFailure);
