// Polls on the speaker's remote: what is open or on the stage, and the next prepared one, for one thumb.
import { byId, el, shown, whenReleased } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { inOrder, mainDeeds, PollActs } from "./poll-acts.js";

/** `live` tells the topic "polls"; `staging` until when a press counts; `drawn` is told when there are new buttons. */
export function startRemotePolls(session, live, staging, drawn) {
  const acts = new PollActs(session, () => staging.deadline());
  const box = byId("more");
  let polls = [];
  let seen = "";
  const draw = () => whenReleased(box, fill);
  function fill() {
    const known = inOrder(polls);
    const now = known.filter((poll) => poll.status === "open" || poll.shown);
    const next = known.filter((poll) => poll.status === "draft").sort((a, b) => polls.indexOf(a) - polls.indexOf(b)).slice(0, 1);
    const rows = [...now, ...next];
    const signature = JSON.stringify([rows.map((poll) => [poll.id, poll.title, poll.status, poll.shown, poll.people]), document.documentElement.lang]);
    if (signature === seen) return;
    seen = signature;
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.do : null;
    box.hidden = rows.length === 0;
    box.replaceChildren(el("h2", { id: "polls-head", text: t("poll.title") }), el("ul", { class: "remote-polls" }, ...rows.map(row)));
    if (focused) box.querySelector(`[data-do="${focused}"]`)?.focus();
    drawn();
  }
  function row(poll) {
    const state = [t(`poll.status.${poll.status}`), poll.shown && t("polls.shown"), poll.status !== "draft" && t("poll.people", { n: poll.people })];
    return el("li", { data: { id: poll.id } }, el("p", { class: "said", dir: "auto", text: shown(poll.title) }),
      el("b", { text: state.filter(Boolean).join(" · ") }), el("div", { class: "actions" }, ...mainDeeds(poll, acts)));
  }
  box.setAttribute("aria-labelledby", "polls-head");
  box.hidden = true;
  live.addEventListener("polls", (event) => ((polls = event.detail.polls), draw()));
  onLanguage(draw);
}
