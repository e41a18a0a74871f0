// Which columns are shown: on a wide page the new questions and one other, on a narrow one a single column.
import { byId } from "./dom.js";

export const LANES = ["new", "queued", "on_stage", "answered", "dismissed"];
const WIDE = matchMedia("(min-width: 1100px)");

/** Event: "change". `now` is the chosen column, `shown` those that are to be seen. */
export class Lanes extends EventTarget {
  constructor() {
    super();
    this.now = "new";
    this.other = "queued";
    for (const tab of this.tabs()) {
      tab.addEventListener("click", () => this.choose(tab.dataset.lane));
      tab.addEventListener("keydown", (event) => this.key(event));
    }
    WIDE.addEventListener("change", () => this.draw());
    this.draw();
  }

  tabs() {
    return [...byId("lane-tabs").querySelectorAll("[role=tab]")];
  }

  get shown() {
    return WIDE.matches ? ["new", this.other] : [this.now];
  }

  choose(lane) {
    this.now = lane;
    if (lane !== "new") this.other = lane;
    this.draw();
    byId(`tab-${lane}`).scrollIntoView({ block: "nearest", inline: "nearest" }); // a narrow page has no room for all
  }

  step(by) {
    this.choose(LANES[(LANES.indexOf(this.now) + by + LANES.length) % LANES.length]);
  }

  key(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    this.step(by);
    byId(`tab-${this.now}`).focus();
  }

  draw() {
    for (const tab of this.tabs()) {
      const { lane } = tab.dataset;
      tab.setAttribute("aria-selected", String(this.shown.includes(lane)));
      tab.classList.toggle("now", lane === this.now);
      tab.tabIndex = lane === this.now ? 0 : -1;
    }
    for (const lane of LANES) for (const part of ["lane", "hint"]) byId(`${part}-${lane}`).hidden = !this.shown.includes(lane);
    this.dispatchEvent(new Event("change"));
  }
}
