// Two moderators at once: what my hands are on is told to the others, and theirs are shown here.
import { call, inSession } from "./api.js";
import { el, freshId, hue, icon, shown } from "./dom.js";
import { t } from "./i18n.js";

const BEAT = 5000; // ms; the server forgets after 15 s
const SETTLE = 200; // ms: whoever steps through the list is nowhere until they stay

/** Event: "change" (detail: ids of the questions whose hands changed). */
export class Hands extends EventTarget {
  constructor(live, session) {
    super();
    Object.assign(this, { live, session });
    this.page = freshId();
    this.others = [];
    this.now = { question: null, doing: "looking" };
    live.addEventListener("hands", ({ detail }) => this.take(detail.hands));
    live.addEventListener("state", () => (live.state === "live" ? this.beat() : this.take([])));
    document.addEventListener("visibilitychange", () => this.beat());
    addEventListener("pagehide", () => this.say({ doing: "gone" }));
    setInterval(() => !document.hidden && this.beat(), BEAT);
  }

  /** What I do now. */
  do(question, doing = "looking") {
    if (question === this.now.question && doing === this.now.doing) return;
    this.now = { question, doing };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.beat(), SETTLE);
  }

  beat() {
    if (this.live.state === "live") this.say(document.hidden ? { doing: "gone" } : this.now);
  }

  say(what) {
    call("POST", inSession(this.session, "/hands"), { page: this.page, ...what }, { keepalive: true }).catch(() => {});
  }

  take(hands) {
    const before = this.others;
    this.others = hands.filter((hand) => hand.page !== this.page);
    const touched = [...before, ...this.others].map((hand) => hand.question).filter(Boolean);
    this.dispatchEvent(new CustomEvent("change", { detail: [...new Set(touched)] }));
  }

  /** The others' hands on a question. */
  on(id) {
    return this.others.filter((hand) => hand.question === id);
  }
}

export const handName = (hand) => shown(hand.name) || t(`hand.nameless.${hand.role}`);

const MARKS = { answering: "answer", editing: "edit", looking: "eye" };

/** A colleague's mark: initial, name, and (unless `bare`) what they do. */
function handMark(hand, bare) {
  const name = handName(hand);
  const dot = el("span", { class: "hand-dot", "aria-hidden": "true", text: [...name][0].toUpperCase() });
  dot.style.setProperty("--hue", hue(name));
  const words = t(`hand.${hand.doing}`, { name });
  return el("span", { class: "hand", title: words, data: { doing: bare ? "" : hand.doing } }, dot, !bare && icon(MARKS[hand.doing]), el("bdi", { text: bare ? name : words }));
}

/** Fills a place with the hands, where they differ from what it shows. */
export function fillHands(node, hands, bare = false) {
  const signs = JSON.stringify([hands, document.documentElement.lang]);
  if (node.dataset.signs === signs) return;
  node.dataset.signs = signs;
  node.replaceChildren(...hands.map((hand) => handMark(hand, bare)));
}
