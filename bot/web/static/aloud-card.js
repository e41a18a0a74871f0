// Where questions were answered aloud: a card for each that was found, which one press confirms. For the page of the
// transcript, and for any page that shows a question to experts.
import { call, inSession } from "./api.js";
import { button, el, icon, said, setText, shown } from "./dom.js";
import { t } from "./i18n.js";
import { badge } from "./pieces.js";
import { closable, toast, toastFailure } from "./shell.js";
import "./words/aloud.js";

const WAIT = 300; // milliseconds until what is typed is looked up

/** Seconds of a transcript as people read them. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return [whole / 3600, (whole / 60) % 60, whole % 60].map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

/** "00:31:20", "31:20", "-1:30" in seconds; null for anything else. */
export function seconds(text) {
  const found = /^([+\-−]?)\s*(?:(?:(\d{1,2})[:：])?(\d{1,3})[:：])?(\d{1,5})$/.exec(text.trim());
  if (!found) return null;
  const whole = Number(found[2] ?? 0) * 3600 + Number(found[3] ?? 0) * 60 + Number(found[4]);
  return found[1] && found[1] !== "+" ? -whole : whole;
}

/** What of a session was answered aloud. Event "change": `state` (TranscriptOut) is another one. */
export class Aloud extends EventTarget {
  constructor(session) {
    super();
    this.session = session;
    this.state = null;
  }

  path(rest = "") {
    return inSession(this.session, `/transcript${rest}`);
  }

  async refresh() {
    try {
      this.take(await call("GET", this.path()));
    } catch (failure) {
      if (!failure.passing) toastFailure(failure); // else what is shown stays until the network is back
    }
  }

  take(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  /** The proposal for a question; undefined where there is none. */
  of(question) {
    return this.state?.proposals.find((one) => one.question === question);
  }

  /** `chosen`: [{question, start}], without a start where it is proposed. */
  async confirm(chosen) {
    try {
      const { action } = await call("POST", this.path("/confirm"), { questions: chosen });
      const undo = { word: t("aloud.undo"), act: () => this.undo(action) };
      toast(t("aloud.did", { n: chosen.length }), { slot: "aloud", action: undo });
    } catch (failure) {
      toastFailure(failure);
    }
    await this.refresh();
  }

  async undo(action) {
    try {
      await call("POST", inSession(this.session, "/undo"), { action });
      toast(t("aloud.undone"), { slot: "aloud" });
    } catch (failure) {
      toastFailure(failure);
    }
    await this.refresh();
  }

  async refuse(question, on) {
    try {
      this.take(await call("POST", this.path("/refuse"), { question, on }));
    } catch (failure) {
      toastFailure(failure);
    }
  }

  /** The passage with what can be done about it. `above`: proposals that are confirmed together with it. */
  deeds(one, above = []) {
    const { question, state, passage } = one;
    const name = shown(one.title);
    if (state === "refused") return [button({ icon: "undo", word: t("aloud.yes"), label: `${t("aloud.yes")}${t("colon")}${name}`, "data-do": "yes", act: () => this.refuse(question, false) }), this.otherButton(one)];
    if (state === "confirmed") return [this.otherButton(one)];
    const row = [
      button({ icon: "check", word: t("aloud.confirm", { time: clock(passage.start) }), label: `${t("aloud.confirm", { time: clock(passage.start) })}${t("colon")}${name}`, class: "button primary", "data-do": "confirm", act: () => this.confirm([{ question }]) }),
      this.otherButton(one),
      button({ icon: "close", word: t("aloud.no"), label: `${t("aloud.no")}${t("colon")}${name}`, "data-do": "no", act: () => this.refuse(question, true) }),
    ];
    if (above.length > 1) row.push(button({ word: t("aloud.above", { n: above.length }), class: "link", "data-do": "above", act: () => this.confirm(above.map((each) => ({ question: each.question }))) }));
    return row;
  }

  otherButton({ question, title, others = [] }) {
    return button({ icon: "clock", word: t("aloud.other"), label: `${t("aloud.other")}${t("colon")}${shown(title)}`, "data-do": "other", act: () => askTime(this, question, title, others) });
  }

  /** What was found for a question, as part of another card; null where nothing was. */
  card(question) {
    const one = this.of(question);
    if (!one) return null;
    return el("div", { class: "aloud", data: { state: one.state } }, ...passageOf(one), el("div", { class: "actions start" }, ...this.deeds(one)));
  }
}

/** Where it was said and what, with the link into the recording. */
export function passageOf({ title, passage, state, written }) {
  const mark = { confirmed: ["answered", t("aloud.done")], refused: ["dismissed", t("aloud.refused")] }[state];
  const head = el("p", { class: "aloud-head" }, icon("mic"), el("b", { text: t("aloud.at", { time: clock(passage.start) }) }), mark && badge(...mark), listen(passage));
  const asked = passage.asked && passage.asked !== title; // one wording may have nothing to do with the others
  return [head, said(passage.text, { class: "aloud-text" }), asked && el("p", { class: "faint" }, t("aloud.asked"), " ", el("bdi", { text: `“${shown(passage.asked).slice(0, 120)}”` })), written && el("p", { class: "faint", text: t("aloud.written") })].filter(Boolean);
}

function listen({ link, start }) {
  if (!/^https?:\/\//i.test(link)) return null;
  return el("a", { class: "aloud-listen", href: link, target: "_blank", rel: "noopener noreferrer", text: t("aloud.listen", { time: clock(start) }) });
}

/** Asks when a question was answered, and confirms that. */
function askTime(aloud, question, title, others) {
  const field = el("input", { id: "aloud-time", inputmode: "numeric", autocomplete: "off", placeholder: "00:31:20", "aria-describedby": "aloud-says" });
  const says = el("div", { id: "aloud-says", class: "aloud-says", role: "status" });
  const done = button({ icon: "check", word: t("aloud.confirm.here", { time: "" }).replace(/[:：]\s*$/, ""), class: "button primary", type: "submit", "data-do": "confirm-other", disabled: true });
  const also = others.map((one) => el("li", {}, said(one.text.slice(0, 160)), button({ word: t("aloud.confirm.here", { time: clock(one.start) }), "data-do": "confirm-also", act: () => finish(one.start) })));
  const form = el("form", { novalidate: true },
    el("h2", { id: "aloud-other-head", text: t("aloud.other.head") }),
    said(title, { class: "faint" }),
    also.length > 0 && el("section", { class: "aloud-also" }, el("h3", { text: t("aloud.other.also") }), el("ul", {}, ...also)),
    el("label", { class: "field" }, el("span", { text: t("aloud.other.time") }), field),
    says,
    el("div", { class: "actions" }, button({ word: t("cancel"), act: () => dialog.close() }), done));
  const dialog = el("dialog", { "aria-labelledby": "aloud-other-head" }, form);
  let timer = null;

  function finish(start) {
    dialog.close();
    aloud.confirm([{ question, start }]);
  }

  async function look() {
    const at = seconds(field.value);
    done.disabled = true;
    if (at === null || at < 0) return says.replaceChildren(...(field.value.trim() ? [el("p", { class: "bad-note", text: t("aloud.other.bad") })] : []));
    try {
      const passage = await call("GET", aloud.path(`/said?seconds=${at}`));
      if (seconds(field.value) !== at) return; // typed on meanwhile
      says.replaceChildren(el("p", { class: "faint", text: t("aloud.other.says") }), said(passage.text.slice(0, 300)));
      done.disabled = false;
    } catch (failure) {
      says.replaceChildren(el("p", { class: "bad-note", text: failure.advice }));
    }
  }

  field.addEventListener("input", () => (clearTimeout(timer), (done.disabled = true), (timer = setTimeout(look, WAIT))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!done.disabled) finish(seconds(field.value));
  });
  closable(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
}

/** Shows `text` in a node that is read out when it changes. */
export const tell = (node, text) => ((node.hidden = !text), setText(node, text));
