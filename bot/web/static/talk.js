// What a page says of its talk follows how the talk is set.
import { setText, shown } from "./dom.js";
import { pageFacts } from "./shell.js";

/**
 * `[data-talk=NAME]` shows a field of the session, `[data-with=NAME]` is there only where the field is set,
 * `[data-without=NAME]` only where it is not. `live` must watch the topic "session".
 */
export function followTalk(live) {
  live.addEventListener("session", ({ detail }) => {
    Object.assign(pageFacts(), { language: detail.language, review: detail.review });
    document.title = `${shown(detail.title)} · Floormic`;
    for (const node of document.querySelectorAll("[data-talk]")) setText(node, shown(detail[node.dataset.talk]));
    for (const node of document.querySelectorAll("[data-with]")) node.hidden = !detail[node.dataset.with];
    for (const node of document.querySelectorAll("[data-without]")) node.hidden = Boolean(detail[node.dataset.without]);
  });
}
