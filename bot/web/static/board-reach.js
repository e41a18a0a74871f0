// Whom an answer reached: the figures of a question, who was not told and why, and trying again.
import { call, inSession } from "./api.js";
import { button, el, icon, shown } from "./dom.js";
import { clock, t } from "./i18n.js";
import { chatName } from "./pieces.js";
import { toast, toastFailure } from "./shell.js";

/** What the server told last, of the questions whose answer did not reach everybody (yet). */
export const unreached = {
  questions: {},
  take(questions) {
    this.questions = questions;
  },
  failed(id) {
    return this.questions[id]?.failed ?? 0;
  },
};

const KINDS = [["reached", "check"], ["waiting", "send"], ["failed", "warn"], ["page", "chat"]];

/** The part of a question's panel about its answer. */
export function reachBox(session, id) {
  const at = inSession(session, `/questions/${encodeURIComponent(id)}/reach`);
  const figures = el("p", { class: "chips reach-figures", role: "status" });
  const list = el("ul", { class: "plain reach-list" });
  const fold = el("details", { class: "reach-who" }, el("summary", { text: t("reach.who") }), list);
  const again = button({ icon: "send", word: t("reach.again"), "data-do": "again", act: () => tryAgain() });
  const head = el("h3", { class: "sr", text: t("reach.title") });
  const node = el("section", { class: "panel-reach", hidden: true }, head, figures, fold, again);
  let signs = null;

  async function read() {
    try {
      draw(await call("GET", at));
    } catch (failure) {
      toastFailure(failure);
    }
  }

  function draw(found) {
    figures.replaceChildren(...KINDS.filter(([kind]) => found[kind]).map(([kind, mark]) => el("span", { class: `chip reach-${kind}` }, icon(mark), el("span", { text: t(`reach.${kind}`, { n: found[kind] }) }))));
    const rows = found.askers.filter((one) => one.heard !== "reached" || one.why);
    list.replaceChildren(...rows.map(row));
    fold.hidden = rows.length === 0;
    fold.open ||= found.failed > 0;
    again.hidden = found.failed === 0;
    again.disabled = false;
    node.hidden = found.askers.length === 0;
  }

  async function tryAgain() {
    again.disabled = true;
    try {
      const { goes_at: goes } = await call("POST", at);
      toast(goes ? t("did.later", { did: t("did.tell_again"), time: clock(goes) }) : t("reach.again.done"));
    } catch (failure) {
      toastFailure(failure);
    }
    read();
  }

  return {
    node,
    /** Reads it anew where something changed that it may depend on. */
    update(question) {
      const now = JSON.stringify([question.status, question.answer?.at, question.askers, unreached.questions[question.id], document.documentElement.lang]);
      if (now === signs) return;
      signs = now;
      if (question.status === "answered") read();
      else node.hidden = true;
    },
  };
}

function row({ source, name, heard, why }) {
  const mark = KINDS.find(([kind]) => kind === heard)[1];
  const told = why || (heard === "page" ? t("reach.onpage") : t(`reach.${heard}`, { n: 1 }));
  return el("li", { class: `reach-${heard}` }, icon(mark), el("bdi", { text: shown(name) || t("reach.nameless") }), el("span", { class: "faint", text: chatName(source) }), el("span", { class: "reach-why", text: told }));
}
