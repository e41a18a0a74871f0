// A list that does not jump under the hand: numbers change in place, order waits until it does not disturb, and who
// presses a row before they can have seen that it moved there presses nothing.
import { el, icon, setText } from "./dom.js";
import { t } from "./i18n.js";

const QUIET = 4000; // ms without pointer or focus inside before order may change by itself
const UNSEEN = 350; // ms after a row moved by itself in which a press was meant for what had been there
const GLIDING = 120; // rows; what is further down nobody sees move

/** The indices of `order` (numbers) that form a longest increasing run: those rows need not move. */
function staying(order) {
  const tails = [];
  const before = new Array(order.length).fill(-1);
  order.forEach((value, at) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order[tails[middle]] < value) low = middle + 1;
      else high = middle;
    }
    if (low > 0) before[at] = tails[low - 1];
    tails[low] = at;
  });
  const kept = new Set();
  for (let at = tails.at(-1) ?? -1; at >= 0; at = before[at]) kept.add(at);
  return kept;
}

export class SteadyList {
  /**
   * `make(item)` gives a row, `update(row, item, leaving)` fills it. `wish(items)` says what should be shown; `hint` is
   * the place of the button that applies what waits. `scroller`: what scrolls the list, where it is not the page;
   * `name()`: what it is called on that button, "" where there is no other. Of a long list the first `most` rows are
   * drawn, and as many more at each press of the button below.
   */
  constructor(root, hint, { make, update, scroller = null, name = () => "", most = Infinity }) {
    Object.assign(this, { root, hint, make, update, scroller, name, most, limit: most });
    this.rows = new Map();
    this.seen = new Map();
    this.items = [];
    this.let = new Set();
    this.busyUntil = 0;
    this.moved = new Set();
    this.unseenUntil = 0;
    this.inside = false;
    this.button = el("button", { type: "button", class: "hint", hidden: true, on: { click: () => this.apply() } });
    this.word = el("span");
    this.button.append(icon("undo"), this.word);
    this.button.firstChild.classList.add("icon-turn");
    hint.append(this.button);
    this.below = el("button", { type: "button", class: "button more", hidden: true, on: { click: () => this.more() } });
    root.after(this.below);
    this.watch();
  }

  watch() {
    const touched = () => (this.busyUntil = Date.now() + QUIET);
    this.root.addEventListener("pointerenter", (event) => (this.inside = event.pointerType === "mouse") && touched());
    this.root.addEventListener("pointerleave", () => ((this.inside = false), touched()));
    for (const event of ["pointerdown", "pointermove", "dragover", "focusout", "wheel"]) {
      this.root.addEventListener(event, touched, { passive: true });
    }
    addEventListener("touchmove", touched, { passive: true });
    let meant = true;
    const seen = ({ pointerType, target }) => pointerType === "mouse" || Date.now() >= this.unseenUntil || ![...this.moved].some((row) => row.contains(target));
    this.root.addEventListener("pointerdown", (event) => (meant = seen(event)), { capture: true, passive: true });
    this.root.addEventListener("click", (event) => {
      if (meant || !event.detail) return; // a key has no place to miss
      event.preventDefault();
      event.stopPropagation();
    }, { capture: true });
    setInterval(() => this.waiting && this.settle(), 500);
  }

  /** Would a change of order disturb somebody now? */
  get disturbs() {
    if (this.rows.size === 0) return false;
    // A press leaves the focus on a button; only who moves the focus by keys is still there.
    if (this.inside || Date.now() < this.busyUntil || this.root.querySelector(":focus-visible")) return true;
    const top = Math.max(this.scroller?.scrollTop ?? 0, -this.root.getBoundingClientRect().top);
    return top > 60; // somebody reads further down
  }

  /** These rows may leave at once: whoever looks made them leave. */
  release(ids) {
    for (const id of ids) this.let.add(id);
  }

  wish(items) {
    this.items = items;
    if (this.disturbs) this.inPlace();
    this.settle();
  }

  /** The items that are drawn. */
  get drawn() {
    return this.items.slice(0, this.limit);
  }

  /** Draws more of them; true where there were more. */
  more() {
    const first = this.items[this.limit];
    if (!first) return false;
    this.limit += this.most;
    this.apply();
    this.rows.get(first.id)?.focus({ preventScroll: true }); // the button may be gone
    return true;
  }

  /** Shows what is wished from its beginning: whoever looks asked for another list. */
  anew() {
    this.limit = this.most;
    this.apply();
  }

  settle() {
    if (this.disturbs) return this.show();
    this.apply();
    this.unseenUntil = Date.now() + UNSEEN;
  }

  /** Everything that moves nothing: numbers and texts, new rows at the end, rows that left stay pale where they are. */
  inPlace() {
    const wished = new Map(this.items.map((item) => [item.id, item]));
    for (const [id, row] of this.rows) {
      if (wished.has(id)) this.fill(row, wished.get(id));
      else if (this.let.has(id)) this.drop(id);
      else this.leave(id, row);
    }
    for (const item of this.drawn) if (!this.rows.has(item.id)) this.root.append(this.row(item));
    this.drawBelow();
  }

  /** Shows what is wished, in its order. */
  apply() {
    const items = this.drawn;
    const wished = new Set(items.map((item) => item.id));
    const focused = this.root.contains(document.activeElement) ? document.activeElement : null;
    const tops = this.places();
    for (const id of [...this.rows.keys()]) if (!wished.has(id)) this.drop(id);
    const rows = items.map((item) => this.rows.get(item.id) ?? this.row(item));
    items.forEach((item, at) => this.fill(rows[at], item));
    this.arrange(rows);
    this.glide(tops);
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
    this.waiting = 0;
    this.let.clear();
    this.button.hidden = true;
    this.drawBelow();
  }

  drawBelow() {
    const left = this.items.length - this.limit;
    this.below.hidden = !(left > 0);
    if (left > 0) setText(this.below, t("hint.more", { n: Math.min(left, this.most), left }));
  }

  /** Moves as few rows as can be. */
  arrange(rows) {
    const at = new Map(rows.map((row, index) => [row, index]));
    const present = [...this.root.children].filter((row) => at.has(row));
    const kept = staying(present.map((row) => at.get(row)));
    const still = new Set(present.filter((_, index) => kept.has(index)));
    let next = null;
    for (const row of rows.toReversed()) {
      if (!still.has(row) && (row.nextSibling !== next || !row.isConnected)) this.root.insertBefore(row, next);
      next = row;
    }
  }

  places() {
    return new Map([...this.root.children].slice(0, GLIDING).map((row) => [row, row.offsetTop]));
  }

  glide(tops) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || this.rows.size > GLIDING;
    this.moved.clear();
    for (const row of [...this.root.children].slice(0, GLIDING)) {
      const by = (tops.get(row) ?? -Infinity) - row.offsetTop;
      if (by) this.moved.add(row);
      if (by && !still && Number.isFinite(by)) row.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 220, easing: "ease-out" });
    }
  }

  /** Says how many rows would move, come or go. */
  show() {
    const at = new Map(this.drawn.map((item, index) => [item.id, index]));
    const shownIds = [...this.root.children].map((row) => row.dataset.id);
    const order = shownIds.filter((id) => at.has(id)).map((id) => at.get(id));
    this.waiting = order.length - staying(order).size + shownIds.length - order.length;
    this.button.hidden = this.waiting === 0;
    const name = this.name();
    setText(this.word, t(name ? "hint.apply.in" : "hint.apply", { name, n: this.waiting }));
  }

  row(item) {
    const row = this.make(item);
    row.dataset.id = item.id;
    this.rows.set(item.id, row);
    this.fill(row, item);
    return row;
  }

  fill(row, item) {
    if (this.seen.get(item.id) === item && !row.inert) return;
    this.seen.set(item.id, item);
    row.inert = false;
    row.classList.remove("leaving");
    this.update(row, item, false);
  }

  leave(id, row) {
    if (row.inert) return;
    row.inert = true;
    // To the part of a pixel: nothing below it may move.
    row.style.setProperty("--kept", `${row.getBoundingClientRect().height}px`);
    row.classList.add("leaving");
    this.update(row, this.seen.get(id), true);
  }

  drop(id) {
    this.rows.get(id)?.remove();
    this.rows.delete(id);
    this.seen.delete(id);
  }

  /** Fills these rows again. */
  refill(ids) {
    for (const id of ids) {
      const row = this.rows.get(id);
      if (row) this.update(row, this.seen.get(id), row.inert);
    }
  }

  /** Fills every row again: the language or the clock changed. */
  refresh() {
    for (const [id, row] of this.rows) this.update(row, this.seen.get(id), row.inert);
    if (this.waiting) this.show();
    this.drawBelow();
  }
}
