// An expert's drafts: on the device as typed, on the server soon after, so that another device has them too.
import { call, inSession } from "./api.js";
import { kept } from "./dom.js";

const SETTLE = 900; // milliseconds without a key before the server is told
const LONGEST_WAIT = 30000; // milliseconds between two tries

const EMPTY = { text: "", references: [], base: 0, dirty: false, seen: null, other: null };
const same = (a, b) => JSON.stringify([a.text, a.references]) === JSON.stringify([b.text, b.references]);
const blank = ({ text, references }) => !text.trim() && references.every(({ url, title }) => !url && !title);

/**
 * A draft is {text, references: [{url, title}], base, dirty, seen, other}: `base` is the server's draft that it goes on
 * from, `dirty` that the server does not have it yet, `seen` how the question stood when it was begun, `other` what
 * another device of this person wrote meanwhile. Event: "change" (detail: the question).
 */
export class Drafts extends EventTarget {
  constructor(session, person) {
    super();
    this.session = session;
    this.store = kept(`floormic.drafts.${session}.${person}`, {});
    this.timers = new Map();
    this.pushing = new Set();
    this.failed = new Set(); // what the server could not be told when it was tried last
    this.tries = 0;
    this.pushes = 0; // begun and ended
    addEventListener("online", () => this.pushAll());
    addEventListener("pagehide", () => this.pushAll({ keepalive: true }));
    document.addEventListener("visibilitychange", () => this.pushAll({ keepalive: document.hidden }));
  }

  of(id) {
    return { ...EMPTY, ...this.store.get()[id] };
  }

  get ids() {
    return Object.keys(this.store.get()).filter((id) => !blank(this.of(id)));
  }

  /** "" (nothing typed), "saved", "saving", "choose" (another device has another one), "device" (the server does not have
   * it), "nowhere" (nor does the device). */
  state(id) {
    const draft = this.of(id);
    if (blank(draft) && !draft.dirty) return "";
    if (draft.other) return "choose";
    if (!draft.dirty) return "saved";
    if (!this.store.safe) return "nowhere";
    return this.failed.has(id) ? "device" : "saving";
  }

  /** Somebody typed. `seen`: how the question stands now, for a draft that begins. */
  type(id, text, references, seen) {
    const before = this.of(id);
    this.put(id, { ...before, text, references, dirty: true, seen: blank(before) || !before.seen ? seen : before.seen });
    this.soon(id, SETTLE);
  }

  /** Reads what the server keeps, and what is not for this person: their ids. What was read while something was written
   * may be from before, so it is read again. */
  async read() {
    for (let tries = 0; tries < 3; tries++) {
      const before = this.pushes;
      const { drafts, declined } = await call("GET", inSession(this.session, "/experts"));
      if (before === this.pushes && !this.pushing.size) this.take(drafts);
      if (before === this.pushes || tries === 2) return declined;
    }
  }

  /** What the server keeps: where this device wrote on from something older, both are there to choose from. */
  take(drafts) {
    const there = new Map(drafts.map((draft) => [draft.question, draft]));
    for (const id of new Set([...there.keys(), ...Object.keys(this.store.get())])) {
      const theirs = there.get(id) ?? { text: "", references: [], at: 0 };
      const mine = this.of(id);
      if (mine.base === theirs.at && mine.dirty) this.soon(id, 0);
      else if (mine.base !== theirs.at) this.meet(id, mine, theirs);
    }
  }

  meet(id, mine, { text, references, at }) {
    if (!mine.dirty || blank(mine) || same(mine, { text, references })) this.put(id, { ...mine, text, references, base: at, dirty: false, other: null });
    else if (blank({ text, references })) (this.put(id, { ...mine, base: at }), this.soon(id, 0)); // sent or emptied there
    else this.put(id, { ...mine, other: { text, references, at } });
  }

  /** Which of the two it is to be; the other one is gone. */
  choose(id, theirs) {
    const mine = this.of(id);
    if (!mine.other) return;
    const { at, ...other } = mine.other;
    this.put(id, { ...mine, ...(theirs ? other : {}), base: at, dirty: !theirs, other: null });
    if (!theirs) this.soon(id, 0);
  }

  /** This was sent: what else is written there stays, as where the question took in another one that had a draft. */
  sent(id, text, references) {
    const mine = this.of(id);
    const all = mine.text.trim();
    if (!all.endsWith(`\n\n${text}`)) return this.drop(id);
    const rest = mine.references.filter((one) => !references.some(({ url, title }) => url === one.url && title === one.title));
    this.type(id, all.slice(0, -text.length).trim(), rest, null);
  }

  /** Nothing of it is left. */
  drop(id) {
    clearTimeout(this.timers.get(id));
    this.put(id, null);
  }

  /** The question became part of another one, and with it what was written for it. */
  move(from, to, seen) {
    const mine = this.of(from);
    if (blank(mine)) return;
    this.add(to, mine.text, mine.references, seen);
    this.type(from, "", [], null);
  }

  /** Below what is written there already. */
  add(id, text, references, seen) {
    const there = this.of(id);
    const both = [there.text, text].filter((one) => one.trim()).join("\n\n");
    this.type(id, both, [...there.references, ...references], seen);
  }

  put(id, draft) {
    const { [id]: _, ...rest } = this.store.fresh();
    this.store.set(draft && (!blank(draft) || draft.dirty || draft.other) ? { ...rest, [id]: draft } : rest);
    this.dispatchEvent(new CustomEvent("change", { detail: id }));
  }

  soon(id, wait) {
    clearTimeout(this.timers.get(id));
    this.timers.set(id, setTimeout(() => this.push(id), wait));
  }

  pushAll(how) {
    for (const id of Object.keys(this.store.get())) if (this.of(id).dirty) this.push(id, how);
  }

  /** Tells the server what is typed now; one call a question at a time. */
  async push(id, { keepalive = false } = {}) {
    const sent = this.of(id);
    if (!sent.dirty || sent.other) return;
    if (this.pushing.has(id)) return this.soon(id, SETTLE);
    this.pushing.add(id);
    this.pushes++;
    try {
      const body = { text: sent.text, references: sent.references, base: sent.base };
      const { at } = await call("PUT", inSession(this.session, `/questions/${encodeURIComponent(id)}/draft`), body, { keepalive });
      const now = this.of(id);
      this.failed.delete(id);
      this.tries = 0;
      this.put(id, { ...now, base: at, dirty: !same(now, sent) });
    } catch (failure) {
      this.failed.add(id);
      if (failure.now) this.meet(id, this.of(id), failure.now);
      else if (failure.passing) this.soon(id, failure.wait * 1000 || Math.min(LONGEST_WAIT, 1000 * 2 ** this.tries++));
      this.dispatchEvent(new CustomEvent("change", { detail: id }));
    } finally {
      this.pushing.delete(id);
      this.pushes++;
    }
  }
}
