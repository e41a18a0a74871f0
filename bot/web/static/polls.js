// The page where staff makes polls, starts and closes them, and sees what comes of them.
import { call, inSession } from "./api.js";
import { byId, button, el, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Live } from "./live.js";
import { pollPicture } from "./poll-picture.js";
import { moderates, pageFacts, showConnection, startShell, toast, toastFailure } from "./shell.js";
import "./words/polls.js";
import "./words/polls-page.js";

const facts = pageFacts();
const page = JSON.parse(byId("page-data").textContent);
const at = (rest) => inSession(facts.session, rest);
const live = new Live(facts.session, ["polls", "pulse"]);
const may = moderates(facts.role);
let polls = [];
let editing = null; // id of the poll in the dialog, "" for a new one

startShell();
byId("poll-new").hidden = byId("undo").hidden = !may;

/** Does something and says so, with a way back. */
async function act(what, method, path, body) {
  try {
    const { action } = await call(method, at(path), body);
    const back = action && { word: t("polls.undo"), act: () => undo(action) };
    toast(t(`polls.done.${what}`), { action: back });
    return true;
  } catch (failure) {
    toastFailure(failure);
    return false;
  }
}

const undo = (action) => act("undo", "POST", "/undo", action ? { action } : {});
const one = (poll) => `/polls/${encodeURIComponent(poll.id)}`;
const doing = (what, poll, more = {}) => act(what, "POST", `${one(poll)}/actions`, { do: what, ...more });

// -- the list -------------------------------------------------------------------------------------------------------------

function draw() {
  const order = { open: 0, draft: 1, closed: 2 };
  const sorted = polls.toSorted((a, b) => order[a.status] - order[b.status] || b.opened_at - a.opened_at);
  const list = byId("polls");
  byId("polls-empty").hidden = polls.length > 0 || live.state === "connecting";
  const known = new Map([...list.children].map((card) => [card.dataset.id, card]));
  sorted.forEach((poll, place) => {
    const signature = JSON.stringify([poll, document.documentElement.lang]);
    let card = known.get(poll.id);
    if (card?.dataset.shown !== signature) {
      const fresh = makeCard(poll);
      fresh.dataset.shown = signature;
      const focused = card?.contains(document.activeElement) ? document.activeElement.dataset.do : null;
      if (card) card.replaceWith(fresh);
      card = fresh;
      if (focused) (card.querySelector(`[data-do="${focused}"]`) ?? card).focus();
    }
    known.delete(poll.id);
    if (list.children[place] !== card) list.insertBefore(card, list.children[place] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

function makeCard(poll) {
  const title = el("h2", { dir: "auto", id: `poll-${poll.id}`, text: shown(poll.title) });
  const head = el("p", { class: "poll-head" },
    el("span", { class: "badge", data: { tone: { open: "queued", closed: "", draft: "" }[poll.status] }, text: t(`poll.status.${poll.status}`) }),
    poll.shown && el("span", { class: "badge", data: { tone: "on_stage" }, text: t("polls.shown") }),
    el("span", { class: "faint", text: t(`poll.kind.${poll.kind}`) }),
    el("span", { class: "faint", text: t("poll.people", { n: poll.people }) }));
  const body = poll.status === "draft" ? draftBody(poll) : pollPicture(poll, may ? (text) => muting(poll, text) : null);
  return el("li", { class: "card poll", tabindex: "-1", "aria-labelledby": title.id, data: { id: poll.id } }, head, title, body, may && actions(poll));
}

function draftBody(poll) {
  if (poll.kind === "scale") return el("p", { class: "faint", dir: "auto", text: `${poll.low} – ${poll.high} ${poll.ends.filter(Boolean).map(shown).join(" … ")}` });
  if (!poll.options.length) return el("p", { class: "faint", text: t(`poll.kind.${poll.kind}`) });
  return el("ol", { class: "poll-draft" }, ...poll.options.map((option) => el("li", { dir: "auto", text: shown(option) })));
}

function muting(poll, text) {
  const what = text.muted ? "unmute" : "mute";
  return button({ icon: text.muted ? "undo" : "close", label: t(`polls.${what}`, { text: shown(text.text) }), class: "button quiet", act: () => doing(what, poll, { key: text.key }) });
}

function actions(poll) {
  const deed = (what, props) => button({ word: t(`polls.${what}`), data: { do: what }, act: () => doing(what === "reopen" ? "start" : what, poll), ...props });
  const row = [];
  if (poll.status === "open") row.push(deed("close", { class: "button primary" }));
  else row.push(deed(poll.round ? "reopen" : "start", { class: poll.round ? "button" : "button primary" }));
  if (poll.status !== "draft") row.push(deed(poll.shown ? "hide" : "show"));
  row.push(button({ word: t("polls.edit"), data: { do: "edit" }, act: () => openForm(poll) }));
  row.push(button({ word: t("polls.copy"), data: { do: "copy" }, act: () => act("copy", "POST", "/polls/copies", { session: facts.session, polls: [poll.id] }) }));
  if (poll.status !== "open") row.push(button({ word: t("polls.remove"), data: { do: "remove" }, act: () => act("remove", "DELETE", one(poll)) }));
  return el("div", { class: "actions" }, ...row);
}

// -- the form -------------------------------------------------------------------------------------------------------------

const field = (name) => byId(`poll-${name}`);

function openForm(poll = null) {
  editing = poll?.id ?? "";
  const from = poll ?? { kind: "single", title: "", options: [], most: 1, low: 1, high: 5, ends: ["", ""], results: "live" };
  for (const name of ["kind", "title", "most", "low", "high", "results"]) field(name).value = from[name];
  field("options").value = from.options.join("\n");
  [field("low-word").value, field("high-word").value] = from.ends;
  byId("poll-form-head").textContent = t(poll ? "polls.edit" : "polls.new");
  byId("poll-bad").hidden = true;
  drawForm();
  byId("poll-dialog").showModal();
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

async function submit(event) {
  event.preventDefault();
  try {
    if (editing) await call("PUT", at(`/polls/${encodeURIComponent(editing)}`), wished());
    else await call("POST", at("/polls"), wished());
    byId("poll-dialog").close();
    toast(t(editing ? "polls.done.edit" : "polls.done.make"));
  } catch (failure) {
    byId("poll-bad").hidden = false;
    byId("poll-bad").textContent = failure.advice ?? String(failure);
  }
}

// -- wiring ---------------------------------------------------------------------------------------------------------------

function drawOthers() {
  byId("poll-from").hidden = !may || page.others.length === 0;
  byId("poll-others").replaceChildren(...page.others.map((other) => el("option", { value: other.id, text: shown(other.title) })));
}

live.addEventListener("polls", (event) => ((polls = event.detail.polls), draw()));
live.addEventListener("state", draw);
live.addEventListener("refused", (event) => event.detail && toastFailure(event.detail));
live.addEventListener("pulse", (event) => (byId("pulse-switch").checked = event.detail.on));
byId("pulse-switch").disabled = !may;
byId("pulse-switch").addEventListener("change", (event) => act("edit", "PUT", "/pulse", { on: event.target.checked }));
byId("poll-new").addEventListener("click", () => openForm());
byId("undo").addEventListener("click", () => undo());
byId("poll-form").addEventListener("submit", submit);
field("kind").addEventListener("change", () => {
  if (["multiple", "words"].includes(field("kind").value) && Number(field("most").value) < 2) field("most").value = "3";
  drawForm();
});
byId("poll-copy").addEventListener("click", () => act("copy", "POST", "/polls/copies", { session: byId("poll-others").value }));
onLanguage(draw);
drawOthers();
showConnection(live, byId("connection"));
live.start();
