// The list of talks.
import { call } from "./api.js";
import { byId, el, icon, shown } from "./dom.js";
import { day, onLanguage, t } from "./i18n.js";
import { moderates, pageFacts, startShell, toastFailure } from "./shell.js";
import { startAlarm } from "./sources-alarm.js";
import "./words/plain.js";
import "./words/trends.js";

let talks = [];

const isOver = (session) => session.ended_at !== null;
const isComing = (session) => !isOver(session) && session.starts_at !== null && session.starts_at > Date.now() / 1000;
const when = (session) => session.ended_at ?? session.starts_at ?? 0;

function talk(session) {
  const [word, mark] = isOver(session) ? ["sessions.ended", "check"] : isComing(session) ? ["sessions.coming", "clock"] : ["sessions.live", "mic"];
  const state = el("span", { class: "badge", data: { tone: word === "sessions.live" ? "answered" : word === "sessions.coming" ? "queued" : "" } }, icon(mark), t(word));
  const home = `/s/${encodeURIComponent(session.id)}`;
  const title = el("a", { class: "talk-title said", dir: "auto", href: home, text: shown(session.title) });
  const line = el("p", { class: "talk-line" }, state, session.speaker && el("bdi", { text: shown(session.speaker) }));
  if (session.starts_at !== null) line.append(el("time", { text: day(session.starts_at) }));
  const work = session.role === "speaker" ? link(`${home}/remote`, "phone", "sessions.remote", "soft") : link(`${home}/board`, "queue", "board.title", session.role === "expert" ? "quiet" : "soft");
  const links = [link(`${home}/stage`, "stage", "board.link.stage"), work];
  const expert = session.role === "expert";
  if (expert || (moderates(session.role) && isOver(session))) links.push(link(`${home}/experts`, "mine", "sessions.experts", expert ? "soft" : "quiet"));
  if (expert || moderates(session.role)) links.push(link(`${home}/report`, "book", "board.link.report", "quiet"));
  if (moderates(session.role)) links.unshift(link(`${home}/settings`, "edit", "settings.link", "quiet"));
  return el("li", { class: "talk" }, title, line, session.role !== "viewer" && el("p", { class: "actions" }, ...links));
}

function link(href, mark, word, look = "") {
  return el("a", { class: `button ${look}`, href }, icon(mark), el("span", { text: t(word) }));
}

/** Talks by series, in the order in which each series comes first; those of no series last. */
function groups(found, heading) {
  const series = [...new Set(found.map((one) => one.series))].sort((a, b) => Number(a === "") - Number(b === ""));
  return series.map((name) => {
    const list = el("ul", { class: "talks" }, ...found.filter((one) => one.series === name).map(talk));
    const named = name || series.length > 1;
    const head = named && el(heading, { dir: "auto", text: name ? shown(name) : t("sessions.alone") });
    const at = `/series/${encodeURIComponent(name)}`;
    const trends = name && moderates(pageFacts().role) && el("a", { class: "series-link", href: at, text: t("trends.link") });
    const report = name && pageFacts().organises && el("a", { class: "series-link", href: `${at}/report`, text: t("sessions.series.report") });
    return el("section", {}, el("div", { class: "head-line" }, head, el("span", { class: "actions" }, trends, report)), list);
  });
}

function draw() {
  // What runs, then what comes, the next first; what is over, the latest first.
  const rest = talks.filter((one) => !isOver(one)).sort((a, b) => Number(isComing(a)) - Number(isComing(b)) || when(a) - when(b));
  const over = talks.filter(isOver).sort((a, b) => when(b) - when(a));
  byId("talks").replaceChildren(...groups(rest, "h2"));
  byId("talks-over").replaceChildren(...groups(over, "h3"));
  byId("over").hidden = over.length === 0;
  byId("talks-empty").hidden = talks.length > 0;
}

startShell();
onLanguage(draw);
if (moderates(pageFacts().role)) startAlarm("");
call("GET", "/sessions").then((answer) => {
  talks = answer;
  draw();
}, toastFailure);
