// What this person answers: kept on the device until the server has it; of two answers to an item only the last is sent.
// Several pages of one session share it: each reads what the others left.
import { call, inSession, Reading } from "./api.js";
import { kept } from "./dom.js";

const LONGEST_WAIT = 30000; // milliseconds between two tries

/** Events: "change", "refused" (detail: the Failure; the answer is dropped), "read" (detail: the survey as it is now). */
export class Answers extends EventTarget {
  constructor(session) {
    super();
    this.path = inSession(session, "/survey");
    this.reading = new Reading(() => call("GET", this.path));
    this.store = kept(`floormic.survey.${session}`, { mine: {}, waiting: {} });
    this.tries = 0;
    addEventListener("online", () => ((this.tries = 0), this.flush()));
  }

  /** What is answered, sent or not, by item. */
  get all() {
    const { mine, waiting } = this.store.fresh();
    return { ...mine, ...waiting };
  }

  /** Ids of the items whose answers the server does not have. */
  get waiting() {
    return Object.keys(this.store.fresh().waiting);
  }

  /** Whether what waits outlives the page. */
  get safe() {
    return this.store.safe;
  }

  /** How many of these items are answered. */
  count(ids) {
    return ids.filter((id) => this.all[id]?.length).length;
  }

  /** Reads what the server has, which may have come from another chat of the same person. */
  async read() {
    try {
      this.take(await this.reading.now());
    } catch {
      // what is on the device does; the next time that the network is back it is read again
    }
  }

  take(survey) {
    this.keep({ mine: survey.mine });
    this.dispatchEvent(new CustomEvent("read", { detail: survey }));
  }

  put(id, choices) {
    this.keep({ waiting: { ...this.store.fresh().waiting, [id]: choices } });
    return this.flush();
  }

  keep(part) {
    this.store.set({ ...this.store.fresh(), ...part });
    this.dispatchEvent(new Event("change"));
  }

  /** Sends what waits; an answer that was changed while it was sent stays. */
  async flush() {
    if (this.sending) return;
    clearTimeout(this.timer);
    this.sending = true;
    try {
      let id;
      while ((id = this.waiting[0])) await this.send(id, this.store.fresh().waiting[id]);
      this.tries = 0;
    } catch (failure) {
      this.timer = setTimeout(() => this.flush(), failure.wait ? failure.wait * 1000 : Math.min(LONGEST_WAIT, 1000 * 2 ** this.tries++));
    } finally {
      this.sending = false;
      this.dispatchEvent(new Event("change"));
    }
  }

  async send(id, choices) {
    const path = `${this.path}/answers/${encodeURIComponent(id)}`;
    let survey = null;
    try {
      survey = await (choices.length ? call("PUT", path, { choices }) : call("DELETE", path));
    } catch (failure) {
      if (failure.passing) throw failure;
      this.dispatchEvent(new CustomEvent("refused", { detail: failure }));
    }
    const { [id]: now, ...others } = this.store.fresh().waiting;
    if (JSON.stringify(now) === JSON.stringify(choices)) this.keep({ waiting: others });
    this.reading.acted();
    if (survey) this.take(survey);
    else await this.read();
  }
}
