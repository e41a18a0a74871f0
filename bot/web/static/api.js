// Calls the JSON API. Every failure is a `Failure` that can say to a person what to do.
import { language, t } from "./i18n.js";

export class Failure extends Error {
  /**
   * `status` 0: no answer came. `wait`: seconds after which another try is welcome. `field`: what of the input is wrong.
   * `questions`: ids of those that stand otherwise than this page knew; `now`: what stands, where the answer says so.
   */
  constructor(status, code, text, wait = 0, field = "", questions = [], now = null) {
    super(text || code);
    this.status = status;
    this.code = code;
    this.text = text;
    this.wait = wait;
    this.field = field;
    this.questions = questions;
    this.now = now;
  }

  /** Worth another try with the same words. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** What a person reads: the server's words where they are in the page's language, else our own. */
  get advice() {
    const suits = this.text && (language() === "en" || /\p{Script=Han}/u.test(this.text));
    return suits && this.code !== "conflict" ? this.text : t(`error.${this.code}`);
  }
}

/** The answer's JSON. `signal` aborts it; `keepalive`: the call outlives the page; `patience`: milliseconds for an answer
 * with all of its body. Raises `Failure`; what is not JSON is not from our server. */
export async function call(method, path, body, { keepalive = false, signal, patience = 20000 } = {}) {
  let answer, data;
  const hung = new AbortController(); // AbortSignal.timeout is not everywhere
  const timer = setTimeout(() => hung.abort(), patience);
  signal?.addEventListener("abort", () => hung.abort());
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      keepalive,
      signal: hung.signal,
      headers: { "Accept-Language": language(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    data = answer.status === 204 ? {} : readJson(await answer.text(), answer.headers.get("Content-Type"));
  } catch {
    throw unanswered();
  } finally {
    clearTimeout(timer);
  }
  if (answer.ok && data) return data;
  const wait = Number(answer.headers.get("Retry-After")) || 0;
  if (data) throw new Failure(answer.status, data.code ?? codeOf(answer.status), data.error ?? "", wait, data.field ?? "", data.questions ?? [], data.now ?? null);
  // A proxy that cannot reach the server, or a network that wants a sign-in first: either passes.
  throw answer.status >= 500 ? new Failure(answer.status, "busy", "", wait) : new Failure(0, "portal", "");
}

/** No answer came: without a network nothing was done, else nobody knows. */
export const unanswered = () => new Failure(0, navigator.onLine ? "lost" : "offline", "");

function readJson(text, type) {
  try {
    return type?.includes("json") ? JSON.parse(text) : null;
  } catch {
    return null; // cut off on its way
  }
}

function codeOf(status) {
  if (status === 401 || status === 403) return "not_allowed";
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  if (status === 429) return "too_fast";
  return status >= 500 ? "busy" : "bad_input";
}

const underway = new Set();

/** What `act` gives; false, without doing it, while one of that key is under way: a second press is no second wish. */
export async function notTwice(key, act) {
  if (underway.has(key)) return false;
  underway.add(key);
  try {
    return await act();
  } finally {
    underway.delete(key);
  }
}

/** Reads what acts of one's own change, by `read()`. What was asked for before an act was done may not know of it: where
 * it comes in later, it is asked for anew. */
export class Reading {
  constructor(read) {
    this.read = read;
    this.acts = 0;
  }

  /** An act is done. */
  acted() {
    this.acts++;
  }

  /** What stands, with all that was done. Raises what `read` raises. */
  async now() {
    for (;;) {
      const before = this.acts;
      const found = await this.read();
      if (before === this.acts) return found;
    }
  }
}

/** The address of something inside a session. */
export const inSession = (session, rest = "") => `/sessions/${encodeURIComponent(session)}${rest}`;
