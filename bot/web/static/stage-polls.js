// The poll that the moderator put on the stage, large; it stands where the question stands.
import { byId, setText, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { enlarge, thin } from "./poll-fit.js";
import { pollPicture } from "./poll-picture.js";
import "./words/polls.js";

const LARGEST = 1.3; // of the letters, beside those of polls.css
const SMALLEST = 0.4;
const LONG = 0.9; // letters smaller than that have the rest of the page give way

/** Draws it and calls `changed` whenever there is one or none. Returns whether there is one now. */
export function startStagePoll(live, changed) {
  let poll = null;
  let seen = "";
  function draw() {
    const box = byId("stage-poll");
    if (!poll && !box.hidden) document.body.classList.remove("long");
    box.hidden = !poll;
    if (!poll) return (seen = "");
    setText(byId("stage-poll-title"), shown(poll.title));
    setText(byId("stage-poll-status"), t(`poll.status.${poll.status}`));
    setText(byId("stage-poll-people"), t("poll.people", { n: poll.people }));
    const how = byId("stage-poll-how");
    how.hidden = poll.status !== "open" || !poll.marks.some(Boolean);
    if (!how.hidden) setText(how, t("poll.type", { marks: poll.marks.slice(0, 3).join(t("poll.or")) }));
    const signature = JSON.stringify([poll, document.documentElement.lang]);
    if (signature === seen) return;
    seen = signature;
    box.dataset.size = poll.options.length > 8 ? "many" : "few";
    place();
  }
  /** As large as it fits its place; of words and texts only as many as fit when they are smallest. */
  function place() {
    const picture = byId("stage-poll-picture");
    if (!poll || picture.clientHeight === 0) return;
    const drawn = pollPicture(poll);
    picture.replaceChildren(drawn);
    const fits = () => drawn.scrollHeight <= picture.clientHeight && drawn.scrollWidth <= picture.clientWidth + 1;
    document.body.classList.remove("long");
    if (enlarge(picture, fits, LARGEST, SMALLEST) < LONG) {
      document.body.classList.add("long");
      enlarge(picture, fits, LARGEST, SMALLEST);
    }
    thin(picture.querySelector(".poll-texts, .poll-words"), fits);
  }
  new ResizeObserver(place).observe(byId("stage-poll-picture"));
  live.addEventListener("polls", (event) => {
    poll = event.detail.polls.find((one) => one.shown) ?? null;
    draw();
    changed();
  });
  onLanguage(draw);
  return () => poll !== null;
}
