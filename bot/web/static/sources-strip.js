// A strip of time: when a source was heard, and when not. Every state has a shape of its own beside its colour.
import { shown } from "./dom.js";
import { clock, language, lasted, t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const NARROWEST = 0.4; // percent: a gap of a moment is seen as well
const SHAPES = { heard: [7, 20], missed: [2, 30], filled: [5, 24], unknown: [16, 2] }; // y and height in pixels

/** Draws the last `view.hours` of a source into an `svg` of 34 pixels' height. */
export function drawStrip(svg, source, view) {
  const begin = view.at - view.hours * 3600;
  const percent = (at) => Math.min(100, Math.max(0, (100 * (at - begin)) / (view.hours * 3600)));
  const known = percent(source.watched_since);
  const rects = [rect("unknown", 0, known), rect("heard", known, 100)];
  for (const outage of source.outages) {
    const what = outage.filled ? "filled" : "missed";
    const [from, to] = [percent(outage.began), percent(outage.ended ?? view.at)];
    if (to < known) continue;
    const start = Math.min(Math.max(from, known), 100 - NARROWEST);
    const end = Math.max(to, start + NARROWEST);
    // What lies behind is covered, so that the strip does not shine through the pattern.
    rects.push(rect("behind", start, end), rect(what, start, end, `${gap(outage, view.at)}\n${shown(inWords(outage, "why"))}`));
  }
  svg.replaceChildren(...rects.filter(Boolean));
  svg.setAttribute("aria-label", stripInWords(source, view));
}

function rect(what, from, to, title = "") {
  if (to <= from) return null;
  const [y, height] = SHAPES[what] ?? [0, 34];
  const node = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ class: what, x: `${from}%`, width: `${to - from}%`, y, height })) node.setAttribute(name, value);
  if (!title) return node;
  const words = document.createElementNS(SVG, "title");
  words.textContent = title;
  node.append(words);
  return node;
}

/** What the program says of a source, in the language of the page. */
export const inWords = (said, key) => (language() === "zh" ? said[`${key}_zh`] : said[key]);

/** "19:02 – 19:05 · 3 min". */
export const gap = (outage, now) =>
  `${clock(outage.began)} – ${outage.ended ? clock(outage.ended) : t("sources.now")} · ${lasted((outage.ended ?? now) - outage.began)}`;

function stripInWords(source, view) {
  const words = [t("sources.strip.words", { n: view.hours })];
  words.push(source.missed ? t("sources.strip.words.missed", { time: lasted(source.missed) }) : t("sources.strip.words.none"));
  if (source.filled) words.push(t("sources.strip.words.filled", { time: lasted(source.filled) }));
  return words.join(" ");
}
