// What the viewer asks is kept on the device until the server has it: sent once, with the same id at every try.
import { call, inSession } from "./api.js";
import { freshId, kept } from "./dom.js";

const LONGEST_WAIT = 30000;

/**
 * Entries are {id, text, name, at, failed} (failed: the server's advice; it waits for the person). Events: "change",
 * "sent" (detail: the server's reply), "failed" (detail: the Failure).
 */
export class Outbox extends EventTarget {
  constructor(session) {
    super();
    this.session = session;
    this.store = kept(`floormic.outbox.${session}`, []);
    this.tries = 0;
    addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => !document.hidden && this.flush());
    if (this.entries.length) this.flush();
  }

  get entries() {
    return this.store.get();
  }

  add(text, name) {
    this.keep([...this.entries, { id: freshId(), text, name, at: Date.now() / 1000, failed: "" }]);
    this.flush();
  }

  discard(id) {
    this.keep(this.entries.filter((entry) => entry.id !== id));
  }

  keep(entries) {
    this.store.set(entries);
    this.dispatchEvent(new Event("change"));
  }

  /** Sends what waits, in order; stops at the first that must wait longer. */
  async flush() {
    clearTimeout(this.timer);
    if (this.sending) return;
    this.sending = true;
    try {
      let entry;
      while ((entry = this.entries.find((one) => !one.failed))) await this.send(entry);
      this.tries = 0;
    } catch (failure) {
      const wait = failure.wait ? failure.wait * 1000 : Math.min(LONGEST_WAIT, 1000 * 2 ** this.tries++);
      this.timer = setTimeout(() => this.flush(), wait);
      this.dispatchEvent(new CustomEvent("failed", { detail: failure }));
    } finally {
      this.sending = false;
    }
  }

  async send({ id, text, name }) {
    try {
      const reply = await call("POST", inSession(this.session, "/messages"), { id, text, ...(name ? { name } : {}) });
      this.discard(id);
      this.dispatchEvent(new CustomEvent("sent", { detail: reply }));
    } catch (failure) {
      if (failure.passing) throw failure;
      this.keep(this.entries.map((one) => (one.id === id ? { ...one, failed: failure.advice } : one)));
      this.dispatchEvent(new CustomEvent("failed", { detail: failure }));
    }
  }
}
