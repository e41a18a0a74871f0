// What a survey brought: pictures, groups of texts, who answered of whom, and the ratings over the series.
import { byId, drawCards, el, said, shown } from "./dom.js";
import { language, t } from "./i18n.js";
import { chatChip } from "./pieces.js";
import { pollPicture } from "./poll-picture.js";
import "./words/polls.js";

const SVG = "http://www.w3.org/2000/svg";
const GROUPS = 12; // shown before one asks for all
const WIDE = 420, HIGH = 170, EDGE = 30; // small enough that its numbers can be read on a phone

const one = (number) => number.toFixed(1);
const whole = (number) => `${Math.round(100 * number)}%`;
const date = (at) => new Date(at * 1000).toLocaleDateString(language() === "zh" ? "zh-CN" : "en-GB", { year: "numeric", month: "short", day: "numeric" });

export function drawResults(survey) {
  const opened = survey.opened_at > 0;
  byId("results").hidden = !opened;
  if (!opened) return;
  byId("results-none").hidden = survey.people > 0;
  drawCards(byId("results-items"), survey.people ? survey.results.map((one) => ({ id: one.item.id, ...one })) : [], result, carry);
  drawTurnout(survey.chats);
  byId("trends").hidden = survey.trends.length === 0;
  drawCards(byId("trends-list"), survey.trends.map((one) => ({ id: one.item, ...one })), trend, carry);
}

/** Whoever reads what a text brought, or goes through it by keys, goes on where they are. */
function carry(old, fresh) {
  for (const opened of old.querySelectorAll("details[open]")) sameGroup(opened, fresh)?.setAttribute("open", "");
  if (old.querySelector(".survey-groups") && !old.querySelector(".show-all")) showAll(fresh);
  const focused = old.contains(document.activeElement) && document.activeElement;
  const within = focused && focused.closest("details");
  if (focused) ((within && sameGroup(within, fresh)?.firstChild) ?? fresh.querySelector(`.${focused.classList[0]}`))?.focus({ preventScroll: true });
}

/** The group there of which this one's title is a wording: by now another one may be more frequent. */
function sameGroup(group, card) {
  const title = group.querySelector(".said")?.textContent;
  return [...card.querySelectorAll("details")].find((one) => [...one.querySelectorAll(".said")].some(({ textContent }) => textContent === title));
}

function showAll(card) {
  card.querySelector(".survey-groups")?.classList.remove("cut");
  card.querySelector(".show-all")?.remove();
}

function result({ item, rating, groups }) {
  const title = el("h3", { dir: "auto", id: `result-${item.id}`, text: shown(item.title) });
  const card = el("li", { class: "card poll", data: { id: item.id }, "aria-labelledby": title.id }, title);
  if (groups) card.append(...texts(item, groups));
  else card.append(pollPicture(item), el("p", { class: "faint", text: rating ? rated(rating) : t("asks.people", { n: item.people }) }));
  return card;
}

const rated = ({ n, spread, low, high }) =>
  low === null ? t("asks.rating.one") : t("asks.rating", { n, spread: spread.toFixed(2), low: one(low), high: one(high) });

function texts(item, groups) {
  if (!groups.length) return [el("p", { class: "faint", text: t("poll.none") })];
  const list = el("ol", { class: "survey-groups" }, ...groups.map(group));
  const more = el("button", { type: "button", class: "show-all link", text: t("show.all"), hidden: groups.length <= GROUPS });
  list.classList.toggle("cut", groups.length > GROUPS);
  more.addEventListener("click", () => showAll(more.parentElement));
  return [el("p", { class: "faint", text: t("asks.groups", { people: item.people, n: groups.length }) }), list, more];
}

/** The wording that most wrote; the others below it, where there are others. */
function group({ title, people, count, wordings }) {
  const head = [said(title), el("b", { class: "survey-times", text: `× ${people}` })];
  if (count < 2) return el("li", {}, el("div", { class: "survey-group" }, ...head));
  const list = el("ul", {}, ...wordings.map((wording) => el("li", {}, said(wording.text), wording.people > 1 && el("small", { class: "faint", text: `× ${wording.people}` }))));
  return el("li", {}, el("details", {}, el("summary", { class: "survey-group" }, ...head, el("span", { class: "survey-more", text: t("asks.group.more", { n: count }) })), list));
}

function table(node, heads, rows) {
  node.replaceChildren(
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col", text: head })))),
    el("tbody", {}, ...rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((cell) => el("td", {}, cell))))));
}

function drawTurnout(chats) {
  byId("turnout").hidden = chats.length === 0;
  const heads = ["chat", "took_part", "answered", "rate", "others"].map((name) => t(`asks.turnout.${name}`));
  table(byId("turnout-table"), heads, chats.map((chat) => {
    const rate = chat.took_part ? chat.answered / chat.took_part : null;
    const bar = el("span", { class: "survey-rate", "aria-hidden": "true" });
    bar.style.setProperty("--part", rate ?? 0);
    return [chatChip(chat.source), String(chat.took_part), String(chat.answered), el("span", { class: "survey-share" }, rate === null ? "–" : whole(rate), bar), String(chat.others)];
  }));
}

function trend(found) {
  const title = el("h4", { dir: "auto", text: shown(found.title) });
  const rows = el("table", { class: "survey-table" });
  const interval = ({ low, high }) => (low === null ? "–" : `${one(low)}–${one(high)}`);
  table(rows, ["evening", "mean", "interval", "n"].map((name) => t(`asks.trend.${name}`)),
    found.evenings.map(({ title: name, at, rating }) => [el("span", { class: "survey-evening" }, el("bdi", { text: shown(name) }), at && el("small", { class: "faint", text: date(at) })), one(rating.mean), interval(rating), String(rating.n)]));
  return el("li", { class: "card" }, title, picture(found), el("div", { class: "survey-scroll", tabindex: "0", role: "region", "aria-label": shown(found.title) }, rows));
}

/** One dot an evening, with the interval as a line through it; joined, so that one sees where it goes. */
function picture({ low, high, evenings }) {
  const draw = (tag, props, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const list = evenings.map(({ title, rating }) => `${shown(title)} ${one(rating.mean)}`).join(language() === "zh" ? "、" : ", ");
  const svg = draw("svg", { class: "survey-trend", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": t("asks.trend.picture", { list }) });
  const x = (at) => EDGE + ((at + 0.5) * (WIDE - EDGE)) / evenings.length;
  const y = (value) => 12 + ((high - value) * (HIGH - 24)) / (high - low);
  for (let value = low; value <= high; value += 1) {
    svg.append(draw("line", { class: "grid", x1: EDGE, x2: WIDE, y1: y(value), y2: y(value) }), draw("text", { x: EDGE - 12, y: y(value) + 5 }, String(value)));
  }
  svg.append(draw("polyline", { points: evenings.map(({ rating }, at) => `${x(at)},${y(rating.mean)}`).join(" ") }));
  evenings.forEach(({ rating }, at) => {
    if (rating.low !== null) svg.append(draw("line", { class: "reach", x1: x(at), x2: x(at), y1: y(rating.low), y2: y(rating.high) }));
    svg.append(draw("circle", { cx: x(at), cy: y(rating.mean), r: 5 }));
  });
  return svg;
}
