// What moderators do, as calls; each says that it happened and offers to take it back.
import { call, inSession, notTwice } from "./api.js";
import { clock, t } from "./i18n.js";
import { short } from "./pieces.js";
import { toast, toastFailure } from "./shell.js";

/** After these a question leaves the column it stands in. */
export const LEAVES = new Set(["approve", "merge", "stage", "unstage", "answer", "accept", "recall", "dismiss", "reopen"]);

const INTO = new Set(["merge", "move"]);
const TITLE = 40; // characters that a toast has room for

/**
 * Events: "before" (detail: {what, questions}), "done" (detail: {what, again}: by id, the status that questions have again
 * after an undo), "failed" (detail: {questions}: nothing was done), "refused" (are we still signed in?), "conflict" (detail:
 * {what, body, questions}: somebody was faster; ids of what stands otherwise).
 */
export class Acts extends EventTarget {
  /** `question(id)` is what this page knows of it, `staged()` what is on stage: an act says so, and is refused where that
   * is over. */
  constructor(session, question, staged) {
    super();
    Object.assign(this, { session, question, staged });
    this.own = new Set(); // numbers of the actions done here
    this.pending = new Set();
  }

  /** Does it; true where it happened. */
  async act(what, questions, more = {}) {
    if (questions.length === 0) return false;
    return notTwice(JSON.stringify([what, questions, more]), () => {
      this.dispatchEvent(new CustomEvent("before", { detail: { what, questions } }));
      return this.send("/actions", { do: what, questions, seen: this.seen(what, questions, more.into), ...more }, what);
    });
  }

  /** Where an act moves a question, it builds upon where that stands. */
  seen(what, ids, into) {
    const wanted = LEAVES.has(what) ? [...ids, into, what === "stage" && this.staged()?.id] : [];
    const known = [...new Set(wanted)].map((id) => this.question(id)).filter(Boolean);
    return Object.fromEntries(known.map(({ id, status }) => [id, { status }]));
  }

  undo(action = null) {
    return this.send("/undo", action === null ? {} : { action }, "undo");
  }

  /** `of`: what an undo takes back, where that is known. */
  async send(path, body, what, of = "") {
    const sent = call("POST", inSession(this.session, path), body);
    this.pending.add(sent);
    try {
      const { action, goes_at: goes, questions: again } = await sent;
      this.own.add(action);
      const back = what === "undo" ? null : { word: t("board.undo"), act: () => this.send("/undo", { action }, "undo", what) };
      const did = of === "merge" ? t("did.undo.merge") : this.did(what, body, again);
      toast(goes ? t("did.later", { did, time: clock(goes) }) : did, { slot: "did", action: back });
      this.dispatchEvent(new CustomEvent("done", { detail: { what, again } }));
      return true;
    } catch (failure) {
      if (failure.code === "no_role") this.dispatchEvent(new Event("refused"));
      if (failure.code !== "conflict") toastFailure(failure);
      else if (what === "undo") toast(t("board.undo.later"), { bad: true });
      else this.dispatchEvent(new CustomEvent("conflict", { detail: { what, body, questions: failure.questions } }));
      this.dispatchEvent(new CustomEvent("failed", { detail: { questions: body.questions ?? [] } }));
      return false;
    } finally {
      this.pending.delete(sent);
    }
  }

  /** What was done, in words: to which question (`again`: after an undo), to how many, or into which one. */
  did(what, { questions, into }, again) {
    const did = t(`did.${what}`);
    const of = questions ?? Object.keys(again ?? {});
    if (of.length > 1 && !INTO.has(what)) return t("did.several", { did, n: of.length });
    const there = this.question(INTO.has(what) ? into : of[0]);
    return there ? t("did.into", { did, title: short(there.title, TITLE) }) : did;
  }

  /** The newest act on a question as {row, own}, once what is under way here is done; row null where it is unknown. */
  async newest(id) {
    await Promise.allSettled([...this.pending]);
    const { last } = await call("GET", inSession(this.session, `/questions/${encodeURIComponent(id)}`)).catch(() => ({ last: null }));
    return { row: last, own: last !== null && this.own.has(last.id) };
  }
}
