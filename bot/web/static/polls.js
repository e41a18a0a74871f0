// The page where staff makes polls, starts and closes them, and sees what comes of them.
import { call, inSession } from "./api.js";
import { byId, button, el, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Live } from "./live.js";
import { drawPolls, inOrder, mainDeeds, pollCard, PollActs } from "./poll-acts.js";
import { TEMPLATES, templateOf } from "./poll-templates.js";
import { moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import "./words/polls.js";
import "./words/polls-page.js";

const facts = pageFacts();
const page = JSON.parse(byId("page-data").textContent);
const at = (rest) => inSession(facts.session, rest);
const live = new Live(facts.session, ["polls", "pulse"]);
const may = moderates(facts.role);
let polls = [];
let editing = null; // the poll in the dialog as it stood when that was opened, null for a new one
let pulse = false; // whether viewers are asked how they feel, as it is saved

startShell();
byId("poll-new").hidden = byId("undo").hidden = !may;

const acts = new PollActs(facts.session);

// -- the list -------------------------------------------------------------------------------------------------------------

function draw() {
  byId("polls-empty").hidden = polls.length > 0 || live.state === "connecting";
  drawPolls(byId("polls"), inOrder(polls), (poll) => pollCard(poll, may ? deeds(poll) : [], may ? (text) => muting(poll, text) : null));
}

function muting(poll, text) {
  const what = text.muted ? "unmute" : "mute";
  return button({ icon: text.muted ? "undo" : "close", label: t(`polls.${what}`, { text: shown(text.text) }), class: "button quiet", act: () => acts.do(what, poll.id, { key: text.key }) });
}

function deeds(poll) {
  const row = mainDeeds(poll, acts);
  row.push(button({ word: t("polls.edit"), data: { do: "edit" }, act: () => openForm(poll) }));
  row.push(button({ word: t("polls.copy"), data: { do: "copy" }, act: () => acts.act("copy", "POST", "/polls/copies", { session: facts.session, polls: [poll.id] }) }));
  if (poll.status !== "open") row.push(button({ word: t("polls.remove"), data: { do: "remove" }, act: () => acts.act("remove", "DELETE", `/polls/${encodeURIComponent(poll.id)}`) }));
  return row;
}

// -- the form -------------------------------------------------------------------------------------------------------------

const field = (name) => byId(`poll-${name}`);

function openForm(poll = null) {
  editing = poll;
  fillForm(poll ?? { kind: "single", title: "", options: [], most: 1, low: 1, high: 5, ends: ["", ""], results: "live" });
  byId("poll-form-head").textContent = t(poll ? "polls.edit" : "polls.new");
  byId("poll-templates").hidden = Boolean(poll);
  byId("poll-templates").replaceChildren(...TEMPLATES.map((name) => button({ word: t(`polls.template.${name}`), data: { template: name },
    act: () => fillForm({ options: [], low: 1, high: 5, ends: ["", ""], ...templateOf(name, facts.language, field("title").value.trim()) }) })));
  byId("poll-bad").hidden = true;
  byId("poll-dialog").showModal();
  field("title").focus();
}

function fillForm(from) {
  for (const name of ["kind", "title", "most", "low", "high", "results"]) field(name).value = from[name];
  field("options").value = from.options.join("\n");
  [field("low-word").value, field("high-word").value] = from.ends;
  drawForm();
}

/** Only the fields that the kind has. */
function drawForm() {
  const kind = field("kind").value;
  byId("poll-for-options").hidden = !["single", "multiple"].includes(kind);
  byId("poll-for-most").hidden = !["multiple", "words"].includes(kind);
  byId("poll-for-scale").hidden = kind !== "scale";
}

function wished() {
  const kind = field("kind").value;
  const options = field("options").value.split("\n").map((line) => line.trim()).filter(Boolean);
  const most = ["multiple", "words"].includes(kind) ? Number(field("most").value) || 0 : 1;
  const body = { kind, title: field("title").value, results: field("results").value, most };
  if (kind === "single" || kind === "multiple") body.options = options;
  if (kind === "scale") Object.assign(body, { low: Number(field("low").value), high: Number(field("high").value), ends: [field("low-word").value, field("high-word").value] });
  return body;
}

/** What a poll asks. */
const asked = ({ kind, title, options, most, low, high, ends, results }) => ({ kind, title, options, most, low, high, ends, results });

async function submit(event) {
  event.preventDefault();
  const save = byId("poll-form").querySelector("[type=submit]");
  save.disabled = true;
  try {
    if (editing) await call("PUT", at(`/polls/${encodeURIComponent(editing.id)}`), { ...wished(), seen: asked(editing) });
    else await call("POST", at("/polls"), wished());
    byId("poll-dialog").close();
    toast(t(editing ? "polls.done.edit" : "polls.done.make"));
  } catch (failure) {
    byId("poll-bad").hidden = false;
    byId("poll-bad").textContent = (failure.code === "conflict" && (await overtaken())) || (failure.advice ?? String(failure));
  } finally {
    save.disabled = false;
  }
}

/** Somebody changed the poll that is edited here: what it asks now is what the next press puts ours in the place of. */
async function overtaken() {
  const now = await call("GET", at("/polls")).catch(() => null);
  const found = now?.polls.find(({ id }) => id === editing?.id);
  if (!found) return "";
  editing = found;
  const { title, options } = found;
  return t("polls.meanwhile", { poll: options.length ? `${shown(title)} (${options.map(shown).join(" / ")})` : shown(title) });
}

// -- wiring ---------------------------------------------------------------------------------------------------------------

function drawOthers() {
  byId("poll-from").hidden = !may || page.others.length === 0;
  byId("poll-others").replaceChildren(...page.others.map((other) => el("option", { value: other.id, text: shown(other.title) })));
}

live.addEventListener("polls", (event) => ((polls = event.detail.polls), draw()));
live.addEventListener("state", draw);
live.addEventListener("refused", (event) => event.detail && toastFailure(event.detail));
live.addEventListener("pulse", (event) => (byId("pulse-switch").checked = pulse = event.detail.on));
byId("pulse-switch").disabled = !may;
byId("pulse-switch").addEventListener("change", async ({ target }) => {
  const on = target.checked;
  if (await acts.act("edit", "PUT", "/pulse", { on })) pulse = on;
  else target.checked = pulse;
});
byId("poll-new").addEventListener("click", () => openForm());
byId("undo").addEventListener("click", () => acts.undo());
byId("poll-form").addEventListener("submit", submit);
field("kind").addEventListener("change", () => {
  if (["multiple", "words"].includes(field("kind").value) && Number(field("most").value) < 2) field("most").value = "3";
  drawForm();
});
byId("poll-copy").addEventListener("click", () => acts.act("copy", "POST", "/polls/copies", { session: byId("poll-others").value }));
onLanguage(draw);
drawOthers();
showConnection(live, byId("connection"));
live.start();
