// The question on stage, always in sight: what is answered aloud is done with one press, whichever column is open.
import { byId, setText, shown } from "./dom.js";
import { onStage, wanting } from "./live.js";

/** Draws the strip; `doing(what, id)` and `open(id)` act on its question. */
export function stageStrip({ doing, open }) {
  const strip = byId("onstage");
  let id = null;
  byId("onstage-title").addEventListener("click", () => open(id));
  byId("onstage-aloud").addEventListener("click", () => doing("aloud", id));
  byId("onstage-off").addEventListener("click", () => doing("unstage", id));
  return {
    get id() {
      return id;
    },
    draw(questions) {
      const now = onStage(questions);
      id = now?.id ?? null;
      strip.hidden = !now;
      document.body.classList.toggle("staged", Boolean(now));
      setText(byId("onstage-title"), shown(now?.title ?? "").slice(0, 300));
      setText(byId("onstage-people"), now ? String(wanting(now)) : "");
    },
  };
}
