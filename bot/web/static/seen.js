// What a viewer saw last, kept on the device: read again without a network, and before the network has answered.
import { kept } from "./dom.js";

const PAUSE = 1000; // milliseconds between two writings
const MOST = 200; // questions

/** `session` "" keeps nothing: what staff sees is not for the device. */
export class Seen {
  constructor(session) {
    this.store = session ? kept(`floormic.seen.${session}`, null) : { get: () => null, set() {} };
  }

  /** {revision, questions, mine}: the questions, at which revision, and the last answer of /mine; null for nothing. */
  get last() {
    return this.store.get();
  }

  /** Keeps what `read()` returns, soon: one writing for many changes. */
  soon(read) {
    this.read = read;
    this.timer ??= setTimeout(() => this.write(), PAUSE);
    if (this.listens) return;
    this.listens = true;
    addEventListener("pagehide", () => this.timer && this.write());
  }

  write() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { revision, questions, mine } = this.read();
    this.store.set({ revision, questions: questions.slice(0, MOST), mine });
  }
}
