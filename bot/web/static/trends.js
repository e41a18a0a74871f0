// The page of a series: what it was about, evening by evening.
import { call } from "./api.js";
import { byId, el, setText, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { startShell, toastFailure } from "./shell.js";
import { drawChats, drawHeat } from "./trends-heat.js";
import { drawMap, startMap } from "./trends-map.js";
import { board, percent, shortDay, stateWord, topicName } from "./trends-pieces.js";
import "./words/plain.js";
import "./words/trends.js";

const GAPS = 10;
const QUESTIONS = 40;

let trends = null;
let allGaps = false;
let openTopic = -1;

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

function drawSums() {
  const answered = trends.questions.filter((one) => one.status === "answered").length;
  const { people } = trends;
  setText(byId("sums"), t("trends.sums", { evenings: trends.evenings.length, questions: trends.questions.length, people, answered }));
}

/** The last evening on which somebody asked. */
const lastEvening = () => trends.evenings.findLastIndex((one) => one.people > 0);

/** What rose and fell: over the series, and on the last evening against those before. */
function moves(way) {
  const last = lastEvening();
  return trends.topics.flatMap((topic, at) => {
    const lines = [];
    if (topic.run === way) lines.push(t("trends.run", { first: percent(topic.first), last: percent(topic.last) }));
    if (topic.cells[last]?.change === way) lines.push(lastLine(topic, last));
    return lines.length ? [{ at, lines }] : [];
  });
}

function lastLine(topic, last) {
  const before = sum(topic.cells.slice(0, last).map((cell) => cell.people));
  const all = sum(trends.evenings.slice(0, last).map((one) => one.people));
  return t("trends.last", { title: shown(trends.evenings[last].title), share: percent(topic.cells[last].share), before: percent(before / (all || 1)) });
}

/** Topics that nobody had asked about before the last evening. */
function fresh() {
  const last = lastEvening();
  if (last < 1) return [];
  const title = shown(trends.evenings[last].title);
  return trends.topics.flatMap((topic, at) => {
    const first = topic.cells.findIndex((cell) => cell.questions > 0);
    return first === last ? [{ at, lines: [t("trends.new.line", { title })] }] : [];
  });
}

function drawMoves() {
  const kinds = [["rising", "▲", moves(1)], ["falling", "▼", moves(-1)], ["new", "●", fresh()]];
  const some = kinds.filter(([, , found]) => found.length > 0);
  const asked = trends.evenings.filter((one) => one.people > 0).length;
  const nothing = el("p", { text: t(asked < 2 ? "trends.moves.one" : "trends.moves.none") });
  byId("moves").replaceChildren(...(some.length ? some.map(moveList) : [nothing]));
}

function moveList([kind, sign, found]) {
  const head = el("h3", {}, el("span", { class: "sign", "aria-hidden": "true", text: sign }), ` ${t(`trends.${kind}`)}`);
  const lines = found.map(({ at, lines }) => el("li", {}, topicButton(at), ...lines.map((text) => el("span", { class: "faint", dir: "auto", text }))));
  return el("div", { class: "card", data: { kind } }, head, el("ul", {}, ...lines));
}

function topicButton(at) {
  return el("button", { type: "button", class: "topic-name", dir: "auto", text: topicName(trends.topics[at]), on: { click: () => showTopic(at) } });
}

function showTopic(at) {
  openTopic = at;
  drawTopic();
  byId("topic").showModal();
}

function drawTopic() {
  const topic = trends.topics[openTopic];
  if (!topic) return;
  setText(byId("topic-head"), topicName(topic));
  setText(byId("topic-line"), t("trends.topic.line", { questions: topic.questions, people: topic.people, again: topic.asked_before, answered: topic.answered }));
  const own = trends.questions.filter((one) => one.topic === openTopic).sort((a, b) => b.people - a.people || b.evening - a.evening);
  byId("topic-questions").replaceChildren(...own.slice(0, QUESTIONS).map((one) => question(one.title, one.people, [one.evening], one)));
}

/** A question with its demand and the boards of the evenings on which it was asked. */
function question(title, people, evenings, state = null) {
  const words = el("p", { class: "said", dir: "auto", text: shown(title) });
  const line = el("p", { class: "gap-line" }, el("b", { text: t("trends.people", { n: people }) }));
  for (const at of evenings) line.append(" ", board(trends.evenings[at], shortDay(trends.evenings[at], at)));
  if (state) line.append(` · ${stateWord(state)}`);
  if (state?.asked_before) line.append(` · ${t("trends.before")}`);
  return el("li", {}, words, line);
}

function gap(one) {
  const node = question(one.title, one.people, one.evenings.map(([at]) => at));
  if (one.topic !== null) node.lastChild.append(" · ", topicButton(one.topic));
  return node;
}

function drawGaps() {
  const open = trends.gaps.filter((one) => !one.suggested);
  const suggested = trends.gaps.filter((one) => one.suggested);
  const shownOnes = allGaps ? open : open.slice(0, GAPS);
  byId("gaps").replaceChildren(...(open.length ? shownOnes.map(gap) : [el("li", { class: "faint", text: t("trends.gaps.none") })]));
  byId("more-gaps").hidden = shownOnes.length === open.length;
  setText(byId("more-gaps"), t("trends.show.gaps", { n: open.length }));
  byId("suggested-place").hidden = suggested.length === 0;
  setText(byId("suggested-head"), t("trends.suggested", { n: suggested.length }));
  byId("suggested").replaceChildren(...suggested.map(gap));
}

function draw() {
  if (!trends) return;
  drawSums();
  drawMoves();
  drawHeat(trends, showTopic);
  drawGaps();
  drawMap(trends, showTopic);
  drawChats(trends, showTopic);
  drawTopic();
}

async function read() {
  const { series } = JSON.parse(byId("page-data").textContent);
  trends = await call("GET", `/series/${encodeURIComponent(series)}/trends`, undefined, { patience: 120000 });
  byId("waiting").hidden = true;
  byId("found").hidden = false;
  draw();
  startMap(() => drawMap(trends, showTopic));
}

startShell();
onLanguage(draw);
if (byId("found")) {
  byId("more-gaps").addEventListener("click", () => ((allGaps = true), drawGaps()));
  read().catch((failure) => ((byId("waiting").hidden = true), toastFailure(failure)));
}
