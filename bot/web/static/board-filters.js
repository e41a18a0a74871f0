// What of the questions is shown: the search, and chips that can be pressed. Kept on this device.
import { call, inSession } from "./api.js";
import { byId, el, icon, kept, shown } from "./dom.js";
import { t } from "./i18n.js";
import { OPEN } from "./live.js";
import { chatName } from "./pieces.js";
import { unreached } from "./board-reach.js";
import { earlierAnswer } from "./board-earlier.js";
import { unsure } from "./board-row.js";

const PAUSE = 250; // milliseconds after the last letter before the server is asked

const sameName = (one, other) => one !== "" && one.trim().toLowerCase() === other.trim().toLowerCase();

/**
 * The kinds of chips: what a question has of each, and how a chip is called. Within a kind any will do. `beside`: shown
 * only where there is one of that kind. `n`: how much a question counts there, else one.
 */
const KINDS = [
  { kind: "mine", mark: "mine", of: (q, me) => (sameName(q.assigned, me) ? ["mine"] : []), word: () => t("filter.mine") },
  { kind: "nobody", mark: "people", of: (q) => (OPEN.has(q.status) && !q.assigned ? ["nobody"] : []), word: () => t("filter.nobody"), beside: "assigned" },
  { kind: "merge", mark: "merge", of: (q) => (OPEN.has(q.status) && q.suggested_merge.length ? ["merge"] : []), word: () => t("filter.merge") },
  { kind: "answer", mark: "book", of: (q) => (OPEN.has(q.status) && q.suggested_answer ? ["answer"] : []), word: () => t("filter.answer") },
  { kind: "unreached", mark: "warn", of: (q) => (unreached.failed(q.id) ? ["unreached"] : []), n: (q) => unreached.failed(q.id), word: () => t("filter.unreached") },
  { kind: "earlier", mark: "history", of: (q) => (OPEN.has(q.status) && earlierAnswer(q) ? ["earlier"] : []), word: () => t("filter.earlier") },
  { kind: "unsure", mark: "warn", of: (q) => (unsure(q) ? ["unsure"] : []), word: () => t("filter.unsure") },
  { kind: "assigned", mark: "people", of: (q) => (q.assigned ? [q.assigned] : []), word: (name) => shown(name) },
  { kind: "label", mark: "tag", of: (q) => q.labels, word: (label) => shown(label) },
  { kind: "chat", mark: "chat", of: (q) => Object.keys(q.chats), word: (chat) => shown(chatName(chat)) },
];

/** Event: "change". */
export class Filters extends EventTarget {
  constructor(session, me) {
    super();
    Object.assign(this, { session, me, worded: { words: "", ids: new Set() } });
    this.store = kept(`floormic.filters.${session}`, {});
    this.root = byId("filters");
    this.search = byId("search");
    this.search.addEventListener("input", () => (this.changed(), clearTimeout(this.waits), (this.waits = setTimeout(() => this.ask(), PAUSE))));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.chips = new Map();
  }

  /** The pressed values of a kind. */
  pressed(kind) {
    const found = this.store.get()[kind];
    return Array.isArray(found) ? found : [];
  }

  get active() {
    return this.search.value.trim() !== "" || KINDS.some(({ kind }) => this.pressed(kind).length > 0);
  }

  toggle(kind, value) {
    const now = this.pressed(kind);
    this.store.set({ ...this.store.get(), [kind]: now.includes(value) ? now.filter((one) => one !== value) : [...now, value] });
    this.changed();
  }

  clear() {
    this.search.value = "";
    clearTimeout(this.waits);
    this.store.set({});
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  get wanted() {
    return this.search.value.trim().toLowerCase();
  }

  /** Which questions were asked in these words; where that cannot be known, titles are searched alone. */
  async ask() {
    const words = this.wanted;
    if (!words) return;
    const ids = await call("GET", inSession(this.session, `/wordings?q=${encodeURIComponent(words)}`)).catch(() => []);
    if (words !== this.wanted) return;
    this.worded = { words, ids: new Set(ids) };
    this.changed();
  }

  matches(question) {
    return this.found(question) && KINDS.every(({ kind, of }) => {
      const wanted = this.pressed(kind);
      return wanted.length === 0 || of(question, this.me).some((value) => wanted.includes(value));
    });
  }

  found(question) {
    const wanted = this.wanted;
    if (!wanted || (this.worded.words === wanted && this.worded.ids.has(question.id))) return true;
    const { title, original, answer, labels, chats, assigned } = question;
    const text = [title, original, answer?.text, assigned, ...labels, ...Object.keys(chats)].join("\n").toLowerCase();
    return wanted.split(/\s+/).every((word) => text.includes(word));
  }

  /** Shows the chips of what these questions have. A chip stays where it is; only its count changes. */
  draw(questions) {
    const counts = new Map();
    for (const question of questions) {
      for (const { kind, of, n } of KINDS) for (const value of of(question, this.me)) count(counts, `${kind} ${value}`, n?.(question));
    }
    for (const { kind, beside } of KINDS) {
      if (beside && ![...counts.keys()].some((key) => key.startsWith(`${beside} `))) counts.delete(`${kind} ${kind}`);
    }
    for (const { kind } of KINDS) for (const value of this.pressed(kind)) count(counts, `${kind} ${value}`, 0);
    for (const { kind, mark, word } of KINDS) {
      const values = [...counts.keys()].filter((key) => key.startsWith(`${kind} `)).map((key) => key.slice(kind.length + 1));
      for (const value of values) this.chip(kind, mark, value, word(value), counts.get(`${kind} ${value}`));
    }
    for (const [key, chip] of this.chips) if (!counts.has(key)) (chip.remove(), this.chips.delete(key));
    byId("filters-clear").hidden = !this.active;
    const current = this.root.querySelector("button[tabindex='0']:not([hidden])");
    if (!current) this.buttons()[0]?.setAttribute("tabindex", "0");
    this.root.hidden = this.chips.size === 0 && !this.active;
  }

  chip(kind, mark, value, word, n) {
    const key = `${kind} ${value}`;
    let chip = this.chips.get(key);
    if (!chip) {
      chip = el("button", { type: "button", class: "filter", tabindex: "-1", data: { kind, value }, on: { click: () => this.toggle(kind, value) } }, icon(mark), el("bdi"), el("b", { class: "count" }));
      this.chips.set(key, chip);
      const order = (node) => KINDS.findIndex((one) => one.kind === node.dataset.kind);
      const after = [...this.root.querySelectorAll(".filter")].find((other) => order(other) > order(chip));
      this.root.insertBefore(chip, after ?? byId("filters-clear"));
    }
    chip.setAttribute("aria-pressed", String(this.pressed(kind).includes(value)));
    chip.querySelector("bdi").textContent = word;
    chip.querySelector(".count").textContent = String(n);
  }

  buttons() {
    return [...this.root.querySelectorAll("button:not([hidden])")];
  }

  /** One stop for the Tab key; the arrows go from chip to chip. */
  key(event) {
    const buttons = this.buttons();
    const here = buttons.indexOf(event.target);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (here < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.focus(buttons[(to + buttons.length) % buttons.length]);
  }

  focus(chip = this.buttons()[0]) {
    if (!chip) return;
    for (const other of this.buttons()) other.tabIndex = other === chip ? 0 : -1;
    chip.focus();
    chip.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

const count = (counts, key, by = 1) => counts.set(key, (counts.get(key) ?? 0) + by);
