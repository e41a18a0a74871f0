// The pulse under the board: how many people said what in each of the last minutes, as lines that differ in their
// dashes, with their names beside them, and as words for who sees no lines.
import { byId, el, setText } from "./dom.js";
import { language, onLanguage, t } from "./i18n.js";
import "./words/polls.js";
import "./words/polls-page.js";

const MOODS = ["lost", "fast", "slow", "great"];
const MINUTES = 15;
const WIDTH = 300;
const HEIGHT = 44;
const EDGE = 3;
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
    const told = series.filter(([, values]) => Math.max(...values));
    svg.replaceChildren(...told.map(([mood, values]) => line(mood, points(values, most))));
    byId("pulse-legend").replaceChildren(...told.map(([mood]) => el("li", {}, sample(mood), t(`pulse.${mood}`))));
  }
  live.addEventListener("pulse", (event) => ((pulse = event.detail), draw()));
  onLanguage(draw);
  setInterval(draw, 20000);
}

const said = (minutes, minute, mood) => minutes.find((one) => one.minute === minute)?.moods[mood] ?? 0;

const points = (values, most) => values.map((n, at) => [EDGE + (at * (WIDTH - 2 * EDGE)) / (MINUTES - 1), HEIGHT - EDGE - (n / most) * (HEIGHT - 2 * EDGE)]);

const line = (mood, at) => node("polyline", { points: at.map((one) => one.map((n) => n.toFixed(1)).join(",")).join(" "), "data-mood": mood });

/** The dashes of a mood, beside its name: two names may not lie over each other, whenever their lines peak. */
function sample(mood) {
  const svg = node("svg", { viewBox: "0 0 28 8" });
  svg.append(line(mood, [[1, 4], [27, 4]]));
  return svg;
}

function node(tag, props) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, value);
  return made;
}
