// What the viewer asks is kept on the device until the server has it: sent once, with the same id at every try.
import { call, inSession } from "./api.js";
import { freshId, kept } from "./dom.js";

const LONGEST_WAIT = 30000; // milliseconds between two tries

/**
 * Entries are {id, text, name, at, failed} (failed: the server's advice; it waits for the person). Events: "change",
 * "sent" (detail: the server's reply), "failed" (detail: the Failure). `trouble`: the Failure that everything waits for.
 */
export class Outbox extends EventTarget {
  /** `key`: where it is kept on the device. */
  constructor(session, key = `floormic.outbox.${session}`) {
    super();
    this.session = session;
    this.store = kept(key, []);
    this.tries = 0;
    this.notBefore = 0;
    this.trouble = null;
    this.started = this.entries.length === 0;
    addEventListener("online", () => ((this.tries = 0), this.flush()));
    // Another page of this session sends as well: each reads what the other left.
    addEventListener("storage", (event) => event.key === key && this.dispatchEvent(new Event("change")));
    document.addEventListener("visibilitychange", () => !document.hidden && this.flush());
  }

  get entries() {
    return this.store.fresh();
  }

  /** Whether what waits outlives the page. */
  get safe() {
    return this.store.safe;
  }

  /** Lets go what waited since an earlier visit: it is known now who this is, so that the server knows it again. */
  start() {
    this.started = true;
    this.flush();
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
    if (this.sending || !this.started) return;
    const wait = this.notBefore - Date.now();
    if (wait > 0) return this.later(wait); // the server said when
    clearTimeout(this.timer);
    this.sending = true;
    try {
      let entry;
      while ((entry = this.entries.find((one) => !one.failed))) await this.send(entry);
      this.tries = 0;
      this.told(null);
    } catch (failure) {
      if (failure.wait) this.notBefore = Date.now() + failure.wait * 1000;
      this.later(failure.wait ? failure.wait * 1000 : Math.min(LONGEST_WAIT, 1000 * 2 ** this.tries++));
      this.told(failure);
    } finally {
      this.sending = false;
    }
  }

  later(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), wait);
  }

  told(trouble) {
    if (trouble?.code === this.trouble?.code) return;
    this.trouble = trouble;
    this.dispatchEvent(new Event("change"));
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
