// How far each ability goes by itself, with what each mode would have done: on the board and among the settings.
import { call, inSession } from "./api.js";
import { el, icon, setText, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { effectBar, effectWords } from "./modes-effect.js";
import { pageFacts, toast, toastFailure } from "./shell.js";
import "./words/modes.js";

const ABILITIES = { grouping: ["off", "suggest", "auto"], answers: ["off", "suggest", "auto"], memory: ["off", "suggest", "auto"], acknowledgements: ["off", "auto"], promoting: ["off", "suggest", "auto"] };
const ORGANISERS = new Set(["promoting"]); // it changes the course
const PAUSES = [0, 10, 30, 60, 120, 300]; // seconds of slow mode to choose from
const SETTLED = 350; // milliseconds: arrow keys go through the modes on their way
const AGAIN = 5000; // milliseconds between two counts while questions come in

/** The modes in one line of words. */
export const modesLine = (modes, slow = 0) => [...Object.keys(ABILITIES).filter((ability) => !ORGANISERS.has(ability)).map((ability) => `${t(`modes.short.${ability}`)} ${t(`modes.is.${modes[ability]}`)}`), ...(slow ? [`${t("modes.slow")} ${pauseWords(slow)}`] : [])].join(" · ");

/** So many seconds of slow mode in words. */
const pauseWords = (n) => (n === 0 ? t("modes.off") : n % 60 ? t("modes.slow.seconds", { n }) : t("modes.slow.minutes", { n: n / 60 }));

export class Modes {
  /**
   * Fills `root`. `live` tells the topic "session" and that questions changed. `open(id)` shows a question, where the
   * page can.
   */
  constructor(root, session, live, open = null) {
    Object.assign(this, { root, session, live, open });
    this.modes = null;
    this.slow = null;
    this.found = null;
    this.failed = false;
    this.looked = false;
    this.waiting = {};
    this.build();
    live.addEventListener("session", ({ detail }) => this.set(detail.abilities, detail.slow));
    live.addEventListener("change", () => this.looked && this.later());
    onLanguage(() => (this.build(), this.draw()));
  }

  /** Somebody looks, or does not any more: then nothing is counted. */
  look(looked = true) {
    this.looked = looked;
    clearTimeout(this.timer);
    this.timer = null;
    if (looked) this.count();
  }

  set(modes, slow) {
    this.modes = modes;
    this.slow = slow;
    this.draw();
  }

  later() {
    this.timer ??= setTimeout(() => ((this.timer = null), this.count()), AGAIN);
  }

  async count() {
    try {
      this.found = await call("GET", inSession(this.session, "/effects"));
      this.failed = false;
    } catch {
      this.failed = true;
    }
    this.draw();
  }

  // -- what is shown -----------------------------------------------------------------------------------------------------

  build() {
    this.parts = {};
    const precision = (this.precision = el("p", { class: "faint modes-precision" }));
    this.root.replaceChildren(el("p", { class: "faint", text: t("modes.why") }), ...Object.keys(ABILITIES).map((ability) => this.ability(ability)), this.slowMode());
    this.parts.answers.box.append(precision);
  }

  ability(ability) {
    const cells = ABILITIES[ability].map((mode) => this.mode(ability, mode));
    const examples = el("details", { class: "modes-examples", hidden: true }, el("summary", { text: t("modes.examples") }), el("ul"));
    const box = el("fieldset", { class: "ability" }, el("legend", { text: t(`modes.${ability}`) }), el("div", { class: "modes-row" }, ...cells.map((cell) => cell.node)), examples);
    this.parts[ability] = { box, cells, examples };
    return box;
  }

  slowMode() {
    const id = "mode-slow";
    this.pause = el("select", { id, disabled: true, "aria-describedby": `${id}-what`, on: { change: () => this.sendSlow(Number(this.pause.value)) } });
    const label = el("label", { class: "slow-name", for: id, text: t("modes.slow") });
    return el("div", { class: "ability slow-mode" }, label, this.pause, el("p", { class: "mode-what", id: `${id}-what`, text: t("modes.slow.what") }));
  }

  drawSlow() {
    const pauses = PAUSES.includes(this.slow ?? 0) ? PAUSES : [...PAUSES, this.slow].sort((a, b) => a - b);
    this.pause.replaceChildren(...pauses.map((n) => el("option", { value: n, text: pauseWords(n) })));
    this.pause.value = this.slow ?? 0;
    this.pause.disabled = this.slow === null;
  }

  mode(ability, mode) {
    const id = `mode-${ability}-${mode}`;
    const radio = el("input", { type: "radio", id, name: `mode-${ability}`, value: mode, disabled: true, "aria-describedby": `${id}-effect`, on: { change: () => this.choose(ability, mode) } });
    const words = el("p", { class: "mode-effect", id: `${id}-effect` });
    const bar = el("div", { class: "mode-bar" });
    const name = el("b", { class: "mode-name" }, icon("check"), el("span", { text: t(`modes.${mode}`) }));
    const label = el("label", { class: "mode-label", for: id }, name, el("span", { class: "mode-what", text: t(`modes.${ability}.${mode}`) }));
    return { mode, radio, words, bar, node: el("div", { class: "mode" }, radio, label, words, bar) };
  }

  draw() {
    for (const ability of Object.keys(ABILITIES)) {
      const { cells, examples } = this.parts[ability];
      const wanted = this.waiting[ability]?.mode ?? this.modes?.[ability];
      for (const { mode, radio, words, bar } of cells) {
        radio.disabled = this.modes === null || (ORGANISERS.has(ability) && pageFacts().role !== "organiser");
        radio.checked = mode === wanted;
        const effect = this.found?.[ability][mode];
        setText(words, effect ? effectWords(ability, mode, effect, this.found.askings) : t(this.failed ? "modes.uncounted" : "modes.counting"));
        bar.replaceChildren(...(effect && effect.acts > 0 && ability !== "acknowledgements" ? [effectBar(effect, this.found.askings)] : []));
      }
      this.drawExamples(ability, examples);
    }
    if (document.activeElement !== this.pause) this.drawSlow();
    this.precision.hidden = !this.found;
    if (this.found) setText(this.precision, t("modes.precision", { n: Math.round(100 * this.found.precision) }));
  }

  drawExamples(ability, details) {
    const by = this.found?.[ability] ?? {};
    const examples = by.auto?.examples.length ? by.auto.examples : (by.suggest?.examples ?? []);
    details.hidden = examples.length === 0;
    details.querySelector("ul").replaceChildren(...examples.map((one) => this.example(ability, one)));
  }

  example(ability, one) {
    const asked = el("bdi", { text: shown(one.text) });
    const opens = this.open && one.question && el("button", { type: "button", class: "link modes-asked", on: { click: () => this.open(one.question) } }, asked);
    return el("li", {}, opens ?? el("p", { class: "modes-asked" }, asked), el("p", { class: "faint", dir: "auto", text: t(`modes.example.${ability}`, { what: shown(one.what) }) }));
  }

  // -- what is done ------------------------------------------------------------------------------------------------------

  choose(ability, mode) {
    clearTimeout(this.waiting[ability]?.timer);
    this.waiting[ability] = { mode, timer: setTimeout(() => this.send(ability, mode), SETTLED) };
  }

  async send(ability, mode) {
    try {
      const { session, action } = await call("PATCH", inSession(this.session), { [ability]: mode });
      this.modes = session.abilities;
      const back = { word: t("modes.undo"), act: () => this.undo(action) };
      if (action !== null) toast(t("modes.now", { ability: t(`modes.${ability}`), mode: t(`modes.is.${mode}`) }), { slot: "modes", action: back });
    } catch (failure) {
      toastFailure(failure);
    }
    if (this.waiting[ability]?.mode === mode) delete this.waiting[ability];
    this.draw();
  }

  async sendSlow(slow) {
    try {
      const { session, action } = await call("PATCH", inSession(this.session), { slow });
      this.slow = session.slow;
      const back = { word: t("modes.undo"), act: () => this.undo(action) };
      if (action !== null) toast(t("modes.slow.now", { pause: pauseWords(slow) }), { slot: "modes", action: back });
    } catch (failure) {
      toastFailure(failure);
    }
    this.drawSlow();
  }

  async undo(action) {
    try {
      await call("POST", inSession(this.session, "/undo"), { action });
      toast(t("modes.back"), { slot: "modes" });
    } catch (failure) {
      toastFailure(failure);
    }
  }
}
