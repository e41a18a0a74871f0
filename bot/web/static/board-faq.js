// An answer on its way into the course's FAQ, at its question on the board.
import { call, inSession, notTwice } from "./api.js";
import { button, el, icon } from "./dom.js";
import { t } from "./i18n.js";
import { moderates, pageFacts, toast, toastFailure } from "./shell.js";

const MARKS = { proposed: "wait", accepted: "check", declined: "close" };
let stages = {};

/** Follows the topic "promotions". `draw` is called when it changes. */
export function followFaq(live, draw) {
  live.addEventListener("promotions", ({ detail }) => ((stages = detail.stages), draw()));
}

export const faqStage = (id) => stages[id] ?? "";

/** Where the answer of this question stands, or the button that proposes it. Only what a person answered can go there. */
export function faqLine({ id, answer }) {
  const { role, session } = pageFacts();
  if (!moderates(role) || !answer || answer.by === "course") return [];
  const stage = faqStage(id);
  const propose = button({ icon: "book", word: t("board.faq"), "data-do": "faq", act: () => notTwice(`faq ${id}`, () => send(id)) });
  if (!stage) return [propose];
  const words = el("span", { class: "badge" }, icon(MARKS[stage]), el("span", { text: t(`board.faq.${stage}`) }));
  const review = role === "organiser" && el("a", { class: "link", href: `/s/${encodeURIComponent(session)}/settings#faq`, text: t("board.faq.review") });
  return [el("p", { class: "faq-line" }, words, review, stage === "declined" && propose)];
}

async function send(question) {
  try {
    await call("POST", inSession(pageFacts().session, "/promotions"), { question });
    toast(t("board.faq.sent"), { slot: "did" });
  } catch (failure) {
    toastFailure(failure);
  }
}
