// The newest view of a session's questions: a snapshot first, then server-sent events.
import { call, inSession } from "./api.js";
import { pageFacts } from "./shell.js";

const LONG = 60000; // milliseconds

/**
 * Keeps `questions` (id → question). Events: "change" (detail: ids that changed), "state" ("connecting", "live",
 * "offline"), "refused" (detail: the Failure; it stops), and each of `topics` by its name (detail: what it says now).
 */
export class Live extends EventTarget {
  constructor(session, topics = []) {
    super();
    this.session = session;
    this.topics = topics;
    this.questions = new Map();
    this.revision = 0;
    // A page for staff never goes on with what viewers see: without the role it is refused.
    const { reads } = pageFacts();
    this.as = reads ? `&as=${reads}` : "";
    this.state = "connecting";
    this.tries = 0;
    this.acted = null; // what acts returned since the view was asked for, while it is on its way
    this.set = null; // review and ledger as they were told last
    addEventListener("online", () => this.again(0));
    addEventListener("offline", () => this.enter("offline"));
    document.addEventListener("visibilitychange", () => this.looked());
  }

  /** Reads everything anew, then listens. */
  async start() {
    this.stop();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const acted = (this.acted = []);
    try {
      const view = await call("GET", inSession(this.session, `/questions?since=0${this.as}`));
      if (turn === this.turn) this.replace(view, acted), (this.acted = null), this.listen();
    } catch (failure) {
      if (turn !== this.turn) return;
      if (!failure.passing) return this.refuse(failure);
      this.enter("offline");
      this.later();
    }
  }

  listen() {
    const path = `/api/v1${inSession(this.session, `/events?since=${this.revision}${this.as}`)}`;
    const source = (this.source = new EventSource(path));
    let first = true;
    source.addEventListener("open", () => ((first = true), (this.tries = 0), this.enter("live")));
    source.addEventListener("session", ({ data }) => (this.settled(JSON.parse(data), first), (first = false)));
    source.addEventListener("questions", (event) => this.take(JSON.parse(event.data)));
    for (const topic of this.topics) {
      source.addEventListener(topic, ({ data }) => this.dispatchEvent(new CustomEvent(topic, { detail: JSON.parse(data) })));
    }
    source.addEventListener("error", () => {
      this.enter("offline");
      // The browser reconnects by itself unless the server answered with an error: it may have no place for one more.
      if (source.readyState === EventSource.CLOSED) this.later();
    });
  }

  /** The page is looked at again: meanwhile the network may be back, somebody may have signed in beside it, and after a
   * long while the stream may be dead without knowing. */
  looked() {
    if (document.hidden) {
      this.hiddenAt = Date.now();
      return;
    }
    if (this.state === "refused") this.enter("offline");
    if (this.state !== "live" || Date.now() - this.hiddenAt > LONG) this.again(0);
  }

  /** What is to be seen depends on how the session is set. Where that changed while nobody listened, all is read anew;
   * a stream that stands is sent what follows from it. */
  settled({ review, ledger }, first) {
    const before = this.set;
    this.set = { review, ledger };
    if (first && before && (before.review !== review || before.ledger !== ledger)) this.start();
  }

  /** Not with all the others, and not so often where it does not help. */
  later() {
    this.again(Math.min(20000, 1000 * 2 ** this.tries++) * (0.7 + 0.6 * Math.random()));
  }

  again(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.state !== "refused" && this.start(), wait);
  }

  stop() {
    clearTimeout(this.timer);
    this.source?.close();
  }

  refuse(failure) {
    this.stop();
    this.enter("refused");
    this.dispatchEvent(new CustomEvent("refused", { detail: failure }));
  }

  enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }

  /** Takes a whole view: what is not in it is gone. `acted`: what acts returned while it was on its way. */
  replace(view, acted = []) {
    const before = [...this.questions.keys()];
    this.questions = new Map(view.questions.filter((q) => !q.gone).map((q) => [q.id, q]));
    // One that is as old as the view may be gone by now, which the stream from there on would never say.
    for (const question of acted) if (question.revision > view.revision) this.put(question);
    this.revision = view.revision;
    this.changed([...new Set([...before, ...this.questions.keys()])]);
  }

  /** Takes what changed. A revision never falls: where it does, the server has another database. */
  take(view) {
    if (view.revision < this.revision) return this.replace(view);
    for (const question of view.questions) this.put(question);
    this.revision = Math.max(this.revision, view.revision);
    this.changed(view.questions.map((q) => q.id));
  }

  /** Takes one question as an action returned it. */
  ingest(question) {
    this.acted?.push(question);
    this.put(question);
    this.changed([question.id]);
  }

  put(question) {
    const known = this.questions.get(question.id);
    if (known && known.revision > question.revision) return;
    if (question.gone) this.questions.delete(question.id);
    else this.questions.set(question.id, known && !("sureness" in question) ? { ...known, ...question } : question);
  }

  changed(ids) {
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(ids) }));
  }
}

/** How many want to know: who has no answer; where nobody waits (any more), all who wanted to. */
export const wanting = ({ waiting, people }) => waiting || people;

/** Pinned first, then how many people want to know, then what was asked last. */
export function rank(a, b) {
  return (
    Number(b.pinned) - Number(a.pinned) ||
    wanting(b) - wanting(a) ||
    b.last_at - a.last_at ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

export const OPEN = new Set(["new", "queued", "on_stage"]);

/** The question on stage: there is one at most; should there be more, the one most people want. */
export const onStage = (questions) => [...questions].filter((q) => q.status === "on_stage").sort(rank)[0];
