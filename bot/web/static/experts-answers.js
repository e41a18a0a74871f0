// Answers on their way: kept on the device until the server has them, each sent once.
import { call, inSession } from "./api.js";
import { freshId } from "./dom.js";
import { Outbox } from "./outbox.js";

/**
 * Entries are {id, question, text, references, how, seen}. Events: "change", "sent" (detail: {entry, action}), "failed"
 * (detail: {entry, failure}): it is not under way any more.
 */
export class Answers extends Outbox {
  constructor(session, person) {
    super(session, `floormic.answers.${session}.${person}`);
    this.started = true;
  }

  answer(entry) {
    this.keep([...this.entries, { ...entry, id: freshId() }]);
    this.flush();
  }

  of(question) {
    return this.entries.find((entry) => entry.question === question);
  }

  async send(entry) {
    const { id, question, text, references, how, seen } = entry;
    try {
      const path = inSession(this.session, `/questions/${encodeURIComponent(question)}/answer`);
      const { action, goes_at: goes } = await call("POST", path, { id, text, references, how, seen });
      this.discard(id);
      this.dispatchEvent(new CustomEvent("sent", { detail: { entry, action, goes } }));
    } catch (failure) {
      if (failure.passing) throw failure;
      this.discard(id);
      this.dispatchEvent(new CustomEvent("failed", { detail: { entry, failure } }));
    }
  }
}
