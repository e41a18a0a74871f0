// Tables in which a darker cell is a larger share: topics by evening, and topics by chat.
import { byId, el, setText } from "./dom.js";
import { t } from "./i18n.js";
import { chatName } from "./pieces.js";
import { board, percent, shortDay, sign, topicName, yearOf } from "./trends-pieces.js";

const FIRST = 15;
const DARKEST = 46; // per cent of the colour: the number on it stays readable in both themes

let all = false;

/** How dark a share is; small ones are to be told apart too. */
const darkness = (share, most) => `${Math.round(DARKEST * Math.sqrt(share / (most || 1)))}%`;

function cell(people, share, most, title, mark) {
  const node = el("td", { title }, people > 0 ? el("span", { class: "number", text: String(people) }) : el("span", { class: "nothing", text: "·" }), mark);
  node.style.setProperty("--heat", darkness(share, most));
  return node;
}

function topicHead(topic, at, showTopic) {
  return el("th", { scope: "row" }, el("button", { type: "button", class: "topic-name", dir: "auto", title: topicName(topic), text: topicName(topic), on: { click: () => showTopic(at) } }));
}

export function drawHeat(trends, showTopic) {
  const { evenings, topics } = trends;
  const some = all ? topics : topics.slice(0, FIRST);
  const most = Math.max(...topics.flatMap((topic) => topic.cells.map((one) => one.share)), 0);
  const days = evenings.map((one, at) => {
    const newYear = at === 0 || yearOf(one) !== yearOf(evenings[at - 1]);
    return el("th", { scope: "col" }, board(one, shortDay(one, at)), newYear && el("span", { class: "year", text: yearOf(one) }));
  });
  const again = el("th", { scope: "col", title: t("trends.again.title"), text: t("trends.again") });
  const head = el("thead", {}, el("tr", {}, el("th", { scope: "col", text: t("trends.topic") }), el("th", { scope: "col", text: t("trends.all") }), again, ...days));
  const rows = some.map((topic, at) => heatRow(topic, at, most, showTopic));
  const everybody = evenings.map((one) => el("td", { text: String(one.people) }));
  const total = evenings.reduce((sum, one) => sum + one.people, 0);
  const foot = el("tfoot", {}, el("tr", {}, el("th", { scope: "row", text: t("trends.everybody") }), el("td", { text: String(total) }), el("td"), ...everybody));
  byId("heat").replaceChildren(head, el("tbody", {}, ...rows), foot);
  byId("heat-place").hidden = byId("heat-place").previousElementSibling.hidden = topics.length === 0;
  byId("no-topics").hidden = topics.length > 0;
  const more = byId("more-topics");
  more.hidden = some.length === topics.length;
  setText(more, t("trends.show.topics", { n: topics.length }));
  more.onclick = () => ((all = true), drawHeat(trends, showTopic));
}

function heatRow(topic, at, most, showTopic) {
  const cells = topic.cells.map((one) => {
    const title = t("trends.cell", { people: one.people, share: percent(one.share), questions: one.questions, again: one.asked_before, answered: one.answered });
    return cell(one.people, one.share, most, title, sign(one.change));
  });
  const again = el("td", { class: "sum", title: t("trends.again.title"), text: `${topic.asked_before}/${topic.questions}` });
  return el("tr", {}, topicHead(topic, at, showTopic), el("td", { class: "sum", text: String(topic.people) }), again, ...cells);
}

export function drawChats(trends, showTopic) {
  const topics = trends.topics.slice(0, FIRST);
  const totals = {};
  for (const topic of trends.topics) for (const [source, one] of Object.entries(topic.chats)) totals[source] = (totals[source] ?? 0) + one.people;
  const sources = Object.keys(totals).sort((a, b) => totals[b] - totals[a]);
  byId("chats-place").hidden = sources.length < 2;
  const share = (topic, source) => (topic.chats[source]?.people ?? 0) / totals[source];
  const most = Math.max(...topics.flatMap((topic) => sources.map((source) => share(topic, source))), 0);
  const names = sources.map((source) => el("th", { scope: "col", class: "chat" }, el("bdi", { text: chatName(source) })));
  const rows = topics.map((topic, at) => {
    const cells = sources.map((source) => cell(topic.chats[source]?.people ?? 0, share(topic, source), most, percent(share(topic, source)), sign(topic.chats[source]?.leaning ?? 0, "chat")));
    return el("tr", {}, topicHead(topic, at, showTopic), ...cells);
  });
  byId("chats").replaceChildren(el("thead", {}, el("tr", {}, el("th", { scope: "col", text: t("trends.topic") }), ...names)), el("tbody", {}, ...rows));
}
