// What was said and taken for no question, the likeliest questions first: a moderator may take a line for one.
import { call, inSession, notTwice } from "./api.js";
import { grounds } from "./board-wordings.js";
import { button, byId, el, said, shown } from "./dom.js";
import { clock, language, onLanguage, t } from "./i18n.js";
import { chatChip } from "./pieces.js";
import { foldable, toastFailure } from "./shell.js";

const PAUSE = 250; // milliseconds after the last letter before it is searched

/** Moderators only. `take(message)` resolves to true where it happened. */
export function startLines(session, take) {
  const [dialog, list, search] = [byId("lines"), byId("lines-list"), byId("lines-search")];
  const taken = new Set(); // stay in the list until it is read anew: no other line comes under a second press
  let lines = null; // not read yet
  let asked = 0;
  let waits;

  async function load() {
    const turn = ++asked;
    byId("lines-wait").hidden = false;
    try {
      const found = await call("GET", inSession(session, `/lines?q=${encodeURIComponent(search.value.trim())}`));
      if (turn !== asked) return; // something else is looked for by now
      lines = found;
      taken.clear();
      draw();
    } catch (failure) {
      if (turn === asked) toastFailure(failure);
    }
    if (turn === asked) byId("lines-wait").hidden = true;
  }

  function draw() {
    list.replaceChildren(...(lines ?? []).map(row));
    byId("lines-none").hidden = lines?.length !== 0;
  }

  function row(one) {
    const told = one.reasons.asking.find(({ code }) => code === "told_nothing");
    const likely = el("span", { class: "badge", text: told ? told.text[language()] : t("lines.likely", { n: Math.round(one.probability * 100) }) });
    const who = el("p", { class: "wording-who" }, el("bdi", { text: shown(one.author_name) || t("viewer.name.anonymous") }), chatChip(one.source, 1), el("time", { text: clock(one.at) }), likely);
    const node = el("li", { class: "wording line", tabindex: "-1" }, el("div", {}, foldable(said(one.text)), who, grounds(one)));
    node.append(taken.has(one.message) ? el("span", { class: "badge", text: t("did.take") }) : asks(one, node));
    return node;
  }

  function asks(one, node) {
    const made = button({ icon: "check", word: t("lines.take"), "data-do": "take", act: () => notTwice(`take ${one.message}`, () => act(one, node)) });
    made.setAttribute("aria-label", t("lines.take.one", { text: shown(one.text).slice(0, 60) }));
    return made;
  }

  async function act(one, node) {
    if (!(await take(one.message))) return load().then(() => search.focus()); // somebody was faster, or it is forgotten
    taken.add(one.message);
    const drawn = row(one);
    node.replaceWith(drawn);
    drawn.focus(); // and no button of another line: a key that is held down takes no more
  }

  function open() {
    lines = null;
    search.value = "";
    draw();
    dialog.showModal();
    load();
  }

  byId("lines-open").addEventListener("click", open);
  search.addEventListener("input", () => (clearTimeout(waits), (waits = setTimeout(load, PAUSE))));
  onLanguage(() => dialog.open && draw());
}
