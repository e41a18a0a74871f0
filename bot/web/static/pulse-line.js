// The pulse under the board: how many people said what in each of the last minutes, as lines that differ in their
// dashes and carry their names, and as words for who sees no lines.
import { byId, setText } from "./dom.js";
import { language, onLanguage, t } from "./i18n.js";
import "./words/polls.js";
import "./words/polls-page.js";

const MOODS = ["lost", "fast", "slow", "great"];
const MINUTES = 15;
const WIDTH = 300;
const HEIGHT = 44;
const SVG = "http://www.w3.org/2000/svg";

export function startPulse(live) {
  let pulse = { on: false, minutes: [] };
  function draw() {
    byId("pulse-line").hidden = !pulse.on;
    if (!pulse.on) return;
    const now = Math.floor(Date.now() / 60000);
    const series = MOODS.map((mood) => [mood, Array.from({ length: MINUTES }, (_, at) => said(pulse.minutes ?? [], now - MINUTES + 1 + at, mood))]);
    const joiner = language() === "zh" ? "，" : ", ";
    const list = (count) => series.filter(([, values]) => count(values)).map(([mood, values]) => `${t(`pulse.${mood}`)} ${count(values)}`).join(joiner);
    const lately = list((values) => values.at(-1) + values.at(-2));
    setText(byId("pulse-now"), lately ? t("pulse.lately", { list: lately }) : t("pulse.quiet"));
    const svg = byId("pulse-svg");
    svg.setAttribute("aria-label", t("pulse.line", { list: list((values) => Math.max(...values)) || "0" }));
    const most = Math.max(1, ...series.flatMap(([, values]) => values));
    svg.replaceChildren(...series.filter(([, values]) => Math.max(...values)).flatMap(([mood, values]) => line(mood, values, most)));
  }
  live.addEventListener("pulse", (event) => ((pulse = event.detail), draw()));
  onLanguage(draw);
  setInterval(draw, 20000);
}

const said = (minutes, minute, mood) => minutes.find((one) => one.minute === minute)?.moods[mood] ?? 0;

function line(mood, values, most) {
  const points = values.map((n, at) => [(at * WIDTH) / (MINUTES - 1), HEIGHT - 3 - (n / most) * (HEIGHT - 14)]);
  const path = node("polyline", { points: points.map((one) => one.map((n) => n.toFixed(1)).join(",")).join(" "), "data-mood": mood });
  const top = points[values.lastIndexOf(Math.max(...values))];
  const name = node("text", { x: Math.min(top[0], WIDTH - 4), y: Math.max(9, top[1] - 3), "text-anchor": top[0] > WIDTH / 2 ? "end" : "start" });
  name.textContent = t(`pulse.${mood}`);
  return [path, name];
}

function node(tag, props) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, value);
  return made;
}
