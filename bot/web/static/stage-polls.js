// The poll that the moderator put on the stage, large; it stands where the question stands.
import { byId, setText, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { pollPicture } from "./poll-picture.js";
import "./words/polls.js";

/** Draws it and calls `changed` whenever there is one or none. Returns whether there is one now. */
export function startStagePoll(live, changed) {
  let poll = null;
  let seen = "";
  function draw() {
    const box = byId("stage-poll");
    box.hidden = !poll;
    if (!poll) return;
    setText(byId("stage-poll-title"), shown(poll.title));
    setText(byId("stage-poll-status"), t(`poll.status.${poll.status}`));
    setText(byId("stage-poll-people"), t("poll.people", { n: poll.people }));
    const how = byId("stage-poll-how");
    how.hidden = poll.status !== "open" || !poll.marks.some(Boolean);
    if (!how.hidden) setText(how, t("poll.type", { marks: poll.marks.slice(0, 3).join(t("poll.or")) }));
    const signature = JSON.stringify([poll, document.documentElement.lang]);
    if (signature === seen) return;
    seen = signature;
    byId("stage-poll-picture").replaceChildren(pollPicture(poll));
    box.dataset.size = poll.options.length > 8 ? "many" : "few";
  }
  live.addEventListener("polls", (event) => {
    poll = event.detail.polls.find((one) => one.shown) ?? null;
    draw();
    changed();
  });
  onLanguage(draw);
  return () => poll !== null;
}
