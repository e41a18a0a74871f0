// The list of talks.
import { call } from "./api.js";
import { byId, el, icon, shown } from "./dom.js";
import { day, onLanguage, t } from "./i18n.js";
import { moderates, pageFacts, startShell, toastFailure } from "./shell.js";
import { startAlarm } from "./sources-alarm.js";
import "./words/plain.js";

let talks = [];

function talk(session) {
  const over = Boolean(session.ended_at);
  const state = el("span", { class: "badge", data: { tone: over ? "" : "answered" } });
  state.append(icon(over ? "check" : "mic"), t(over ? "sessions.ended" : "sessions.live"));
  const home = `/s/${encodeURIComponent(session.id)}`;
  const title = el("a", { class: "talk-title said", dir: "auto", href: home, text: shown(session.title) });
  const line = el("p", { class: "talk-line" }, state, session.speaker && el("bdi", { text: shown(session.speaker) }));
  if (session.starts_at) line.append(el("time", { text: day(session.starts_at) }));
  const staff = session.role !== "viewer" && el("p", { class: "actions" }, link(`${home}/stage`, "stage", "board.link.stage"), link(`${home}/board`, "queue", "board.title", "soft"));
  return el("li", { class: "talk" }, title, line, staff);
}

function link(href, mark, word, look = "") {
  return el("a", { class: `button ${look}`, href }, icon(mark), el("span", { text: t(word) }));
}

function draw() {
  byId("talks").replaceChildren(...talks.map(talk));
  byId("talks-empty").hidden = talks.length > 0;
}

startShell();
onLanguage(draw);
if (moderates(pageFacts().role)) startAlarm("");
call("GET", "/sessions").then((answer) => {
  talks = answer;
  draw();
}, toastFailure);
