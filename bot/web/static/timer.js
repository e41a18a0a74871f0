// The time of the question on stage, as a ring with its number.
import { el, icon, setText } from "./dom.js";
import { t } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";

function ring(name) {
  const circle = document.createElementNS(SVG, "circle");
  for (const [key, value] of Object.entries({ class: name, cx: 22, cy: 22, r: 18, pathLength: 100 })) circle.setAttribute(key, value);
  return circle;
}

/** Minutes and seconds; hours go on as minutes. */
const digits = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export class Timer {
  /** `node` becomes the timer; `onOver` is called once when a question's time is up. */
  constructor(node, onOver = () => {}) {
    Object.assign(this, { node, onOver, run: ring("timer-run"), text: el("b"), word: el("span", { class: "timer-word" }) });
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 44 44");
    svg.setAttribute("aria-hidden", "true");
    svg.append(ring("timer-track"), this.run);
    node.setAttribute("role", "timer");
    node.append(svg, el("p", {}, this.text, this.word));
    this.mark = icon("clock");
    node.lastChild.prepend(this.mark);
  }

  /** `elapsed`: seconds, null for no question; `limit`: seconds, 0 for none; `id` of the question. */
  draw(elapsed, limit, id) {
    this.node.hidden = elapsed === null;
    if (elapsed === null) return (this.of = null);
    const left = limit - elapsed;
    const state = limit === 0 ? "free" : left > 0 ? "running" : "over";
    const before = this.of === `${id} ${limit}` ? this.node.dataset.state : null;
    this.of = `${id} ${limit}`;
    this.node.dataset.state = state;
    this.run.style.strokeDashoffset = state === "running" ? String(100 * (left / limit)) : "0";
    this.mark.firstChild.setAttribute("href", state === "over" ? "#i-warn" : "#i-clock");
    setText(this.text, state === "over" ? `+${digits(-left)}` : digits(state === "running" ? Math.ceil(left) : elapsed));
    setText(this.word, t(`timer.${state}`));
    if (state === "over" && before === "running") this.onOver();
  }
}
