// How the sources are: asked again and again while the page is looked at.
import { call, inSession } from "./api.js";

const DOWN = new Set(["lost", "refused"]);
const PATIENCE = 30; // seconds that a source may take to connect

/** Keeps `view`. Events: "change", "state" (as of `Live`), "refused" (detail: the Failure; it stops). "" is every session. */
export class SourcesWatch extends EventTarget {
  constructor(session, seconds) {
    super();
    this.path = session ? inSession(session, "/sources") : "/sources";
    this.pause = seconds * 1000;
    this.state = "connecting";
    this.view = null;
    document.addEventListener("visibilitychange", () => !document.hidden && this.ask());
    addEventListener("online", () => this.ask());
  }

  async ask() {
    clearTimeout(this.timer);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const view = await call("GET", this.path);
      if (turn !== this.turn) return;
      this.view = view;
      this.enter("live");
      this.dispatchEvent(new CustomEvent("change"));
    } catch (failure) {
      if (turn !== this.turn) return;
      this.enter(failure.passing ? "offline" : "refused");
      if (!failure.passing) return void this.dispatchEvent(new CustomEvent("refused", { detail: failure }));
    }
    if (!document.hidden) this.timer = setTimeout(() => this.ask(), this.pause);
  }

  enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

/** Whether nobody hears this chat now, though somebody should. `at`: the server's time of the view. */
export const isDown = (source, at) =>
  DOWN.has(source.state) || (source.state === "starting" && at - source.since > PATIENCE);
