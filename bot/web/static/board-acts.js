// What moderators do, as calls; each says that it happened and offers to take it back.
import { call, inSession } from "./api.js";
import { t } from "./i18n.js";
import { toast, toastFailure } from "./shell.js";

/** After these a question leaves the column it stands in. */
export const LEAVES = new Set(["approve", "merge", "stage", "unstage", "answer", "accept", "dismiss", "reopen"]);

/** Events: "before" (detail: {what, questions}), "done" (detail: {what}), "refused" (are we still signed in?). */
export class Acts extends EventTarget {
  constructor(session) {
    super();
    this.session = session;
  }

  /** Does it; true where it happened. */
  async act(what, questions, more = {}) {
    if (questions.length === 0) return false;
    this.dispatchEvent(new CustomEvent("before", { detail: { what, questions } }));
    return this.send("/actions", { do: what, questions, ...more }, what);
  }

  undo(action = null) {
    return this.send("/undo", action === null ? {} : { action }, "undo");
  }

  async send(path, body, what) {
    try {
      const { action } = await call("POST", inSession(this.session, path), body);
      const back = what === "undo" ? null : { word: t("board.undo"), act: () => this.undo(action) };
      toast(t(`did.${what}`), { slot: "did", action: back });
      this.dispatchEvent(new CustomEvent("done", { detail: { what } }));
      return true;
    } catch (failure) {
      if (failure.code === "not_allowed") this.dispatchEvent(new Event("refused"));
      toastFailure(failure);
      return false;
    }
  }
}
