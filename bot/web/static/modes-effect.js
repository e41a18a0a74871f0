// What a mode would have done, in words and as a bar.
import { language, t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 12;

/** "Would have answered 31 of the last 100: 2 against your judgement, 9 as you judged, 20 that nobody judged." */
export function effectWords(ability, mode, effect, askings) {
  if (askings === 0) return t("modes.none");
  const places = { n: effect.acts, of: askings, chats: effect.chats };
  if (mode === "off") return stop(t("modes.would.off", places));
  const would = t(`modes.would.${ability}.${mode}`, places);
  const more = effect.proposes > 0 ? [t("modes.more", { n: effect.proposes })] : [];
  if (ability === "acknowledgements" || effect.acts === 0) return stop([would, ...more].join(comma()));
  const judged = ["against", "confirmed", "unjudged"].filter((kind) => effect[kind] > 0 || kind === "against");
  const tail = effect.unjudged === effect.acts ? [t("modes.unjudged.all")] : judged.map((kind) => t(`modes.${kind}`, { n: effect[kind] }));
  return stop([would, ...more].join(comma()) + colon() + tail.join(comma()));
}

/** Of all askings: those as judged (filled), against (hatched) and not judged (empty). The words say the same. */
export function effectBar(effect, askings) {
  const bar = node("svg", { class: "effect-bar", viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(node("rect", { class: "effect-all", x: 0, y: 0, width: 100, height: HEIGHT }));
  let at = 0;
  for (const kind of ["confirmed", "against", "unjudged"]) {
    const width = (100 * effect[kind]) / askings;
    if (width === 0) continue;
    bar.append(node("rect", { class: `effect-${kind}`, x: at, y: 0, width, height: HEIGHT }));
    if (kind === "against") bar.append(...hatches(at, width));
    at += width;
  }
  return bar;
}

function hatches(from, width) {
  const lines = [];
  for (let x = from + 0.6; x < from + width; x += 1.6) lines.push(node("line", { class: "effect-hatch", x1: x, x2: x, y1: 0, y2: HEIGHT }));
  return lines;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

const MARKS = { zh: ["，", "：", "。"], en: [", ", ": ", "."] };
const comma = () => MARKS[language()][0];
const colon = () => MARKS[language()][1];
const stop = (text) => text + MARKS[language()][2];
