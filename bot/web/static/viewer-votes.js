// Votes count at once on the page, go to the server one after the other, and are taken back where it cannot take them.
import { call } from "./api.js";
import { wanting } from "./live.js";
import { toastFailure } from "./shell.js";

export class Votes {
  /** `at(rest)`: an API address in this session; `took(question)` takes the question as it is then; `draw()` draws. */
  constructor({ at, took, draw }) {
    Object.assign(this, { at, took, draw });
    this.wished = new Set();
    this.counted = new Set(); // what the server has
    this.pending = new Map(); // question id → how many people it had when it was pressed
  }

  has(id) {
    return this.wished.has(id);
  }

  /** What the server has, read anew; what is on its way stays as it is wished. */
  take(ids) {
    const before = this.wished;
    this.counted = new Set(ids);
    this.wished = new Set(ids);
    for (const id of this.pending.keys()) this.wished[before.has(id) ? "add" : "delete"](id);
  }

  /** How many people to show: with this viewer, before the server said so. */
  people(question) {
    const base = this.pending.get(question.id);
    const people = wanting(question);
    if (base === undefined) return people;
    return this.wished.has(question.id) ? Math.max(people, base + 1) : Math.min(people, Math.max(0, base - 1));
  }

  /** Wishes the vote on or off; true where the server then has it so. */
  async wish(question, on) {
    const { id } = question;
    if (this.wished.has(id) === on) return true;
    this.wished[on ? "add" : "delete"](id);
    if (this.pending.has(id)) return this.draw(), true; // goes out when the one before is back
    this.pending.set(id, wanting(question));
    this.draw();
    try {
      while (this.wished.has(id) !== this.counted.has(id)) await this.send(id, this.wished.has(id));
      return true;
    } catch (failure) {
      this.wished[this.counted.has(id) ? "add" : "delete"](id);
      toastFailure(failure);
      return false;
    } finally {
      this.pending.delete(id);
      this.draw();
    }
  }

  async send(id, on) {
    const question = await call(on ? "PUT" : "DELETE", this.at(`/questions/${encodeURIComponent(id)}/vote`));
    this.counted[on ? "add" : "delete"](id);
    this.took(question);
  }
}
