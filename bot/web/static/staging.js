// What the stage and the speaker's remote share: what is on stage, what comes next, and acting on it.
import { call, inSession } from "./api.js";
import { composing } from "./dom.js";
import { onStage, rank } from "./live.js";
import { stages } from "./shell.js";

const PATIENCE = 6; // seconds after which an act must not happen any more: whoever pressed looks elsewhere by then

/**
 * The stage of a session. Events: "change" (limit or blanking), "acted" (detail: {what, undo}), "failed" (detail: the
 * Failure), "busy", "none" (there is nothing to take back), "out" (the login has ended).
 */
export class Staging extends EventTarget {
  /** `live` must watch the topic "stage". */
  constructor(live, facts) {
    super();
    Object.assign(this, { live, facts, limit: 0, blank: false, ahead: 0, busy: "", role: facts.role, done: [], set: false });
    live.addEventListener("stage", ({ detail }) => this.take(detail));
    live.addEventListener("state", () => live.state === "live" && this.synchronise());
  }

  get now() {
    return onStage([...this.live.questions.values()]);
  }

  /**
   * The questions that may come next, in their order: what moderators approved; where they approved nothing and need
   * not, what is new. What was on stage and went back comes after those, unless it is pinned.
   */
  get next() {
    const queued = [...this.live.questions.values()].filter((q) => q.status === "queued");
    const approved = queued.filter((q) => q.staged_at === null || q.pinned);
    const fresh = [...this.live.questions.values()].filter((q) => q.status === "new");
    const first = approved.length || this.facts.review ? approved : fresh;
    return [...first.sort(rank), ...queued.filter((q) => !approved.includes(q)).sort(rank)];
  }

  /** May whoever looks act at all? */
  get may() {
    return stages(this.role);
  }

  /** The server's clock, in Unix seconds. */
  get clock() {
    return Date.now() / 1000 + this.ahead;
  }

  /** Seconds for which the question on stage is there; null where that is not known. */
  get elapsed() {
    const since = this.now?.staged_at ?? null;
    return since === null ? null : Math.max(0, this.clock - since);
  }

  take({ limit, blank }) {
    Object.assign(this, { limit, blank });
    this.dispatchEvent(new Event("change"));
  }

  /** The server's time after which what is pressed now must not happen any more. */
  async deadline() {
    if (!this.set) await this.synchronise();
    return this.clock + PATIENCE;
  }

  /** Sets the clock by the server's, and looks whether we are still signed in. */
  async synchronise() {
    try {
      const before = Date.now();
      const { at } = await call("GET", inSession(this.facts.session, "/stage"));
      this.ahead = at - (before + Date.now()) / 2000;
      this.set = true;
      if (!stages(this.facts.role)) return;
      this.role = (await call("GET", inSession(this.facts.session))).role;
      if (!this.may) this.dispatchEvent(new Event("out"));
    } catch {
      // the next connection tries again
    }
  }

  /** "Answered aloud", and the first of those that wait comes; where nothing is on stage it comes at once. */
  answered() {
    const { now, next } = this;
    if (!now) return next.length ? this.stage(next[0].id) : false;
    return this.act("next", [now.id], { into: next[0]?.id ?? null });
  }

  /** In the place of what is seen on stage here; refused where somebody else put another one there meanwhile. */
  stage(id) {
    const seen = { [id]: { status: this.live.questions.get(id)?.status } };
    if (this.now) seen[this.now.id] = { status: "on_stage" };
    return this.act("stage", [id], { seen });
  }

  /** The next one comes, this one waits. */
  skip() {
    return this.now && this.next.length ? this.stage(this.next[0].id) : this.putBack();
  }

  putBack() {
    return this.now ? this.act("unstage", [this.now.id]) : false;
  }

  /** Takes back what was done here last, also what is just being done. */
  async undo() {
    if (this.busy === "undo") return false;
    await this.sending;
    const action = this.done.at(-1);
    if (action === undefined) return this.dispatchEvent(new Event("none")), false;
    return this.send("undo", "/undo", { action });
  }

  async act(what, questions, more = {}) {
    const done = await this.send(what, "/actions", { do: what, questions, ...more });
    if (done && this.blank) await this.show({ blank: false });
    return done;
  }

  /** Changes how the stage is shown: `limit`, `blank`, `restart`; after what is just being done. */
  async show(change) {
    await this.sending;
    return this.send("show", "/stage", change);
  }

  /** Does it now or not at all: nothing waits for a network to come back. True where it happened. */
  async send(what, path, body) {
    if (this.busy || !this.may) return false;
    if (this.live.state !== "live") return this.fail({ code: "offline", status: 0 });
    return (this.sending = this.sent(what, path, body));
  }

  async sent(what, path, body) {
    this.enter(what);
    try {
      const by = await this.deadline();
      const reply = await call("POST", inSession(this.facts.session, path), { ...body, by }, { patience: PATIENCE * 1000 });
      if (what === "undo") this.done.pop();
      else if (reply.action) this.done.push(reply.action);
      else this.take(reply);
      if (what !== "show") this.dispatchEvent(new CustomEvent("acted", { detail: { what, undo: what !== "undo" } }));
      return true;
    } catch (failure) {
      if (failure.status === 0) this.live.again(0); // it may have happened: look
      if (failure.code === "not_allowed") this.synchronise();
      if (what === "undo" && failure.status !== 0) this.done.pop();
      return this.fail(failure);
    } finally {
      this.enter("");
    }
  }

  fail(failure) {
    this.dispatchEvent(new CustomEvent("failed", { detail: failure }));
    return false;
  }

  enter(busy) {
    this.busy = busy;
    this.dispatchEvent(new Event("busy"));
  }
}

/** What the keys of a keyboard or a clicker do, on the stage and on the remote. */
export const STAGE_KEYS = [
  [["PageDown", "→", "↓", "Space", "n"], "stage.key.next"],
  [["PageUp", "←", "↑", "u"], "stage.key.undo"],
  [["b", "."], "stage.key.blank"],
];
const NEXT = new Set(["PageDown", "ArrowRight", "ArrowDown", " ", "n"]);
const BACK = new Set(["PageUp", "ArrowLeft", "ArrowUp", "u"]);
const BLANK = new Set(["b", "."]);

/** Calls `on.next`, `on.back`, `on.blank` or `on[key]`. A held key counts once; what means something to a focused
 * button, field or open dialog stays with it. */
export function listenToClicker(on) {
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || composing(event) || document.querySelector("dialog[open]")) return;
    if (target.matches("input:not([type=radio]), textarea, select, summary")) return;
    if (target.matches("button, a") && (key === " " || key === "Enter")) return;
    if (target.matches("input[type=radio]") && (key === " " || key.startsWith("Arrow"))) return;
    const deed = NEXT.has(key) ? on.next : BACK.has(key) ? on.back : BLANK.has(key) ? on.blank : on[key];
    if (!deed) return;
    event.preventDefault();
    if (!event.repeat) deed();
  });
}

/** Keeps the screen on; false where the browser cannot. */
export function stayAwake() {
  const ask = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", ask);
  ask();
  return "wakeLock" in navigator;
}
