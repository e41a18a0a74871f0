// What was said and taken for no question, the likeliest questions first: a moderator may take a line for one.
import { call, inSession } from "./api.js";
import { grounds } from "./board-wordings.js";
import { button, byId, el, said, shown } from "./dom.js";
import { clock, onLanguage, t } from "./i18n.js";
import { chatChip } from "./pieces.js";
import { foldable, toastFailure } from "./shell.js";

/** Moderators only. `take(message)` resolves to true where it happened. */
export function startLines(session, take) {
  const [dialog, list] = [byId("lines"), byId("lines-list")];
  let lines = [];

  async function load() {
    byId("lines-wait").hidden = false;
    try {
      lines = await call("GET", inSession(session, "/lines"));
      draw();
    } catch (failure) {
      toastFailure(failure);
    }
    byId("lines-wait").hidden = true;
  }

  function draw() {
    list.replaceChildren(...lines.map(row));
    byId("lines-none").hidden = lines.length > 0;
  }

  function row(one) {
    const asks = button({ icon: "check", word: t("lines.take"), "data-do": "take", act: () => taken(one) });
    asks.setAttribute("aria-label", t("lines.take.one", { text: shown(one.text).slice(0, 60) }));
    const likely = el("span", { class: "badge", text: t("lines.likely", { n: Math.round(one.probability * 100) }) });
    const who = el("p", { class: "wording-who" }, el("bdi", { text: shown(one.author_name) || t("viewer.name.anonymous") }), chatChip(one.source, 1), el("time", { text: clock(one.at) }), likely);
    return el("li", { class: "wording line" }, el("div", {}, foldable(said(one.text)), who, grounds(one)), asks);
  }

  async function taken(one) {
    const at = lines.indexOf(one);
    if (!(await take(one.message))) return load();
    lines = lines.filter((other) => other !== one);
    draw();
    const rest = list.querySelectorAll("[data-do=take]");
    (rest[Math.min(at, rest.length - 1)] ?? byId("lines-close")).focus();
  }

  byId("lines-open").addEventListener("click", () => (list.replaceChildren(), dialog.showModal(), load()));
  onLanguage(() => dialog.open && draw());
}
