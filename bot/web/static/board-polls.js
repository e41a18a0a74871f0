// Polls from the bar of the board: a prepared one with one press, a new one from a template; what comes in.
import { button, byId, setText } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { drawPolls, inOrder, mainDeeds, pollCard, PollActs } from "./poll-acts.js";
import { TEMPLATES, templateOf } from "./poll-templates.js";

const OVER = 5; // polls that are over and still listed

/** `live` tells the topic "polls"; `may`: whoever looks may start and close them. */
export function startBoardPolls({ session, language, may }, live) {
  const acts = new PollActs(session);
  const [opener, dialog, title] = [byId("polls-open"), byId("polls-dialog"), byId("polls-title")];
  let polls = [];

  function draw() {
    const open = polls.filter((poll) => poll.status === "open");
    setText(byId("polls-open-count"), open.length ? String(open.length) : "");
    opener.setAttribute("aria-label", t("polls.board.open", { n: open.length }));
    if (!dialog.open) return;
    const over = inOrder(polls).filter((poll) => poll.status === "closed");
    const shownNow = inOrder(polls).filter((poll) => poll.status !== "closed" || over.indexOf(poll) < OVER);
    byId("polls-none").hidden = shownNow.length > 0;
    drawPolls(byId("polls-list"), shownNow, (poll) => pollCard(poll, may ? mainDeeds(poll, acts) : [], null, "h3"));
  }

  async function ask(name) {
    const typed = title.value.trim();
    if (await acts.ask(templateOf(name, language, typed))) title.value = "";
  }

  function drawTemplates() {
    byId("polls-new").hidden = !may;
    byId("polls-templates").replaceChildren(...TEMPLATES.map((name) =>
      button({ word: t(`polls.template.${name}`), act: () => ask(name), data: { template: name } })));
  }

  live.addEventListener("polls", (event) => ((polls = event.detail.polls), draw()));
  onLanguage(() => (drawTemplates(), draw()));
  drawTemplates();
  opener.addEventListener("click", () => (dialog.showModal(), draw(), may && title.focus()));
}
