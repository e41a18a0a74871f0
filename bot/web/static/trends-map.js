// The map of a series' questions: a mark each, its shape and colour are its topic's.
import { byId, el, setText, shown } from "./dom.js";
import { t } from "./i18n.js";
import { board, shortDay, stateWord, topicName } from "./trends-pieces.js";

const SVG = "http://www.w3.org/2000/svg";
const EDGE = 18;
const NEAR = 30; // pixels from a tap to the mark that is meant
// Of unit radius. With the outline they are told apart without their colour.
const SHAPES = [
  "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0Z",
  "M-.9-.9H.9V.9H-.9Z",
  "M0-1.2L1.1.85H-1.1Z",
  "M0-1.25L1.1 0L0 1.25L-1.1 0Z",
  "M-.42-1.15H.42V-.42H1.15V.42H.42V1.15H-.42V.42H-1.15V-.42H-.42Z",
  "M0 1.2L1.1-.85H-1.1Z",
  "M0-1.3L.38-.4L1.3-.4L.58.2L.84 1.15L0 .6L-.84 1.15L-.58.2L-1.3-.4L-.38-.4Z",
  "M-.6-1.05H.6L1.2 0L.6 1.05H-.6L-1.2 0Z",
];

let chosen = -1;

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The look of a topic: one of the first has a shape and a colour, all others are small grey rings. */
const look = (topic) => (topic !== null && topic < SHAPES.length ? topic : -1);

function mark(topic, radius, x = 0, y = 0) {
  const at = look(topic);
  return svg("path", { d: SHAPES[Math.max(at, 0)], class: at < 0 ? "other" : `topic-${at}`, transform: `translate(${x} ${y}) scale(${at < 0 ? radius * 0.75 : radius})` });
}

function legendItem(topic, at, showTopic) {
  const key = svg("svg", { class: "key", viewBox: "-12 -12 24 24", "aria-hidden": "true" }, mark(at, 8));
  return el("li", {}, el("button", { type: "button", class: "topic-name", on: { click: () => showTopic(at) } }, key, el("span", { dir: "auto", text: topicName(topic) })));
}

function drawLegend(trends, count, showTopic) {
  const items = trends.topics.slice(0, SHAPES.length).map((topic, at) => legendItem(topic, at, showTopic));
  const other = svg("svg", { class: "key", viewBox: "-12 -12 24 24", "aria-hidden": "true" }, mark(null, 8));
  byId("legend").replaceChildren(...items, el("li", { class: "other-key" }, other, el("span", { text: t("trends.map.other") })));
  const some = count < trends.questions.length ? ` ${t("trends.map.some", { n: count })}` : "";
  setText(byId("map-how"), t("trends.map.how") + some);
}

/** Draws the map as wide as there is room; `chosen` stays chosen. */
export function drawMap(trends, showTopic) {
  const points = trends.questions.filter((one) => one.x !== null);
  byId("map-place").hidden = points.length === 0;
  if (!points.length) return;
  drawLegend(trends, points.length, showTopic);
  const place = byId("map");
  const width = Math.max(280, place.clientWidth);
  const height = Math.round(Math.max(320, Math.min(width * 0.6, 620)));
  const marks = points.map((one) => {
    const x = Math.round(EDGE + one.x * (width - 2 * EDGE));
    const y = Math.round(EDGE + one.y * (height - 2 * EDGE));
    return { one, x, y, radius: Math.min(5 + Math.sqrt(one.people - 1) * 1.6, 14) };
  });
  const drawn = [...marks].sort((a, b) => look(a.one.topic) < 0 ? -1 : look(b.one.topic) < 0 ? 1 : b.radius - a.radius);
  const ring = svg("circle", { class: "ring", r: 0 });
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" }, ...drawn.map((m) => mark(m.one.topic, m.radius, m.x, m.y)), ring);
  place.replaceChildren(picture);
  const choose = (at) => {
    chosen = at;
    const { x, y, radius } = marks[at];
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: radius + 5 })) ring.setAttribute(name, value);
    tell(trends, marks[at].one, showTopic);
  };
  listen(place, picture, marks, choose);
  if (chosen >= 0 && chosen < marks.length) choose(chosen);
  else byId("picked").replaceChildren(el("p", { class: "faint", text: t("trends.map.pick") }));
}

function listen(place, picture, marks, choose) {
  const nearest = (event) => {
    const box = picture.getBoundingClientRect();
    const far = marks.map(({ x, y }) => Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top)));
    const at = far.indexOf(Math.min(...far));
    return far[at] <= NEAR ? at : -1;
  };
  const point = (event) => {
    const at = nearest(event);
    if (at >= 0 && at !== chosen) choose(at);
  };
  picture.addEventListener("click", point);
  picture.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
  place.onkeydown = (event) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    choose(chosen < 0 ? 0 : next(marks, chosen, way));
  };
}

/** The nearest mark on that side of the one that is chosen; the same where there is none. */
function next(marks, from, [right, down]) {
  let best = from;
  let least = Infinity;
  marks.forEach(({ x, y }, at) => {
    const ahead = (x - marks[from].x) * right + (y - marks[from].y) * down;
    const aside = Math.abs((x - marks[from].x) * down) + Math.abs((y - marks[from].y) * right);
    if (at !== from && ahead > 0 && ahead + 2 * aside < least) [best, least] = [at, ahead + 2 * aside];
  });
  return best;
}

function tell(trends, one, showTopic) {
  const evening = trends.evenings[one.evening];
  const line = el("p", { class: "gap-line" }, el("b", { text: t("trends.people", { n: one.people }) }), " ", board(evening, shortDay(evening, one.evening)), " · ", stateWord(one));
  if (one.asked_before) line.append(` · ${t("trends.before")}`);
  const topic = one.topic === null ? t("trends.no.topic") : el("button", { type: "button", class: "topic-name", dir: "auto", text: topicName(trends.topics[one.topic]), on: { click: () => showTopic(one.topic) } });
  line.append(" · ", topic);
  byId("picked").replaceChildren(el("p", { class: "said", dir: "auto", text: shown(one.title) }), line);
}

/** Draws it anew where its room changes. */
export function startMap(draw) {
  let width = byId("map").clientWidth;
  new ResizeObserver(() => {
    const now = byId("map").clientWidth;
    if (now && Math.abs(now - width) > 8) {
      width = now;
      draw();
    }
  }).observe(byId("map"));
}
