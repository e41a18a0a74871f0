// While a question is being written: who asks the same already, and what the course says to it.
import { call } from "./api.js";
import { byId, button, composing, el, said } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { wanting } from "./live.js";
import { answerBox } from "./pieces.js";

const PAUSE = 500; // milliseconds without a key until it is looked up
const FEWEST = 4; // letters; fewer say nothing

/** `at(rest)`: an API address in this session; `join(question)` counts the viewer for it; `clear()` empties the field;
 * of a text longer than `longest` nothing is asked. */
export function startLikely({ at, field, join, clear, mine, longest }) {
  const box = byId("likely");
  let timer;
  let turn = 0;
  let told = null;
  let asking = null; // what is under way; it must not hold up what is sent

  async function look() {
    const text = field.value.trim();
    const now = ++turn;
    if (text.length < FEWEST || text.length > longest) return show(null);
    asking = new AbortController();
    try {
      const found = await call("POST", at("/preview"), { text }, { signal: asking.signal });
      if (now === turn && field.value.trim() === text) show(found);
    } catch {
      show(null); // only a courtesy
    }
  }

  function show(found) {
    told = found;
    const { question, surely, answer } = found ?? {};
    const parts = [];
    const given = question?.answer ?? answer;
    if (given) parts.push(answered(question?.answer ? question : null, given, () => (clear(), hide())));
    else if (question && !mine.asked.has(question.id)) {
      parts.push(same(question, surely, () => (join(question), hide())));
    }
    box.replaceChildren(...parts, ...(parts.length ? [button({ icon: "close", label: t("close"), act: hide, class: "button quiet likely-close" })] : []));
    box.hidden = parts.length === 0;
  }

  function hide() {
    turn++;
    asking?.abort();
    clearTimeout(timer);
    show(null);
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    asking?.abort();
    if (!field.value.trim()) return hide();
    timer = setTimeout(look, PAUSE);
  });
  byId("composer").addEventListener("submit", hide);
  field.addEventListener("keydown", (event) => event.key === "Escape" && !composing(event) && hide());
  onLanguage(() => show(told));
}

function same(question, surely, act) {
  const how = t(surely ? "viewer.likely.same" : "viewer.likely.perhaps", { n: wanting(question) });
  return el("div", { class: "likely-same" }, el("p", { class: "faint", text: how }), said(question.title), button({ icon: "up", word: t("viewer.likely.join"), act, class: "button primary" }));
}

/** `question`: the one that was answered, where it is not this very text. */
function answered(question, answer, act) {
  const title = question && said(question.title);
  return el("div", { class: "likely-answer" }, title, answerBox(answer), button({ icon: "check", word: t("viewer.likely.enough"), act, class: "button" }));
}
