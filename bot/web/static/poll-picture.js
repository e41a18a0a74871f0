// The picture of a poll's result, the same on every page: bars, a distribution, words by their size, texts by number.
// Labels and numbers say all that lengths and sizes say; no colour means anything.
import { el, said, shown } from "./dom.js";
import { t } from "./i18n.js";

const TEXTS = 12;
const WORDS = 40;

/** `more` (staff only) gives a node for a word or text: what can be done with it. */
export function pollPicture(poll, more = null) {
  const box = el("div", { class: "poll-picture", data: { kind: poll.kind } });
  if (!poll.result) box.append(el("p", { class: "faint poll-hidden", text: poll.results === "staff" ? t("poll.staff") : t("poll.hidden") }));
  else if (!poll.people && poll.kind !== "single" && poll.kind !== "multiple") box.append(el("p", { class: "faint", text: t("poll.none") }));
  else if (poll.kind === "scale") box.append(...scale(poll));
  else if (poll.kind === "words") box.append(words(poll, more));
  else if (poll.kind === "open") box.append(texts(poll, more));
  else box.append(bars(poll));
  return box;
}

const share = (n, all) => (all ? Math.round((100 * n) / all) : 0);

function bars(poll) {
  const most = Math.max(...poll.result.counts, 1);
  return el("ol", { class: "poll-bars" }, ...poll.options.map((option, at) => {
    const n = poll.result.counts[at];
    const bar = el("span", { class: "poll-bar", "aria-hidden": "true" });
    bar.style.setProperty("--part", n / Math.max(poll.people, most));
    return el("li", { class: n && n === most ? "leads" : "" },
      el("span", { class: "poll-label" }, poll.marks[at] && el("b", { class: "poll-mark", text: poll.marks[at] }), el("span", { dir: "auto", text: shown(option) })),
      el("span", { class: "poll-number", text: t("poll.share", { n, share: share(n, poll.people) }) }), bar);
  }));
}

function scale(poll) {
  const { counts, mean } = poll.result;
  const most = Math.max(...counts, 1);
  const columns = counts.map((n, at) => {
    const column = el("span", { class: "poll-column", "aria-hidden": "true" });
    column.style.setProperty("--part", n / most);
    return el("li", {}, el("span", { class: "poll-number", text: String(n) }), column, el("b", { text: String(poll.low + at) }));
  });
  const ends = poll.ends.some(Boolean) && el("p", { class: "poll-ends" }, ...poll.ends.map((word) => el("span", { dir: "auto", text: shown(word) })));
  return [
    el("p", { class: "poll-mean", text: t("poll.mean", { mean: (mean ?? 0).toFixed(1) }) }),
    el("ol", { class: "poll-scale" }, ...columns),
    ends || "",
  ];
}

function words(poll, more) {
  const most = Math.max(...poll.result.texts.map((one) => one.people), 1);
  return el("ul", { class: "poll-words" }, ...poll.result.texts.slice(0, WORDS).map((one) => {
    const word = el("li", { class: one.muted ? "muted" : "" },
      el("span", { class: "poll-word", dir: "auto", text: shown(one.text) }), el("small", { text: `× ${one.people}` }), more?.(one));
    word.style.setProperty("--part", Math.sqrt(one.people / most));
    return word;
  }));
}

function texts(poll, more) {
  return el("ol", { class: "poll-texts" }, ...poll.result.texts.slice(0, more ? 200 : TEXTS).map((one) =>
    el("li", { class: one.muted ? "muted" : "" }, said(one.text), one.people > 1 && el("small", { text: `× ${one.people}` }), more?.(one))));
}
