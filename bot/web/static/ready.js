// What of the evening is ready and what is not, each with the way to where it is set.
import { byId, el, icon, setText } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

const MARKS = { ready: ["check", "answered"], open: ["wait", "queued"], look: ["warn", "warn"] };

/**
 * Fills the list. `items`: {name: [address, () => [state, words] or null]}, in order; state "ready", "open" (nobody did
 * it yet) or "look" (something is wrong); null: not known yet, or nothing to say. Returns what draws it anew.
 */
export function startReady(items) {
  const list = byId("ready-list");
  const rows = Object.entries(items).map(([name, [href, ask]]) => {
    const mark = el("span", { class: "badge" }, icon("check"), el("span"));
    const row = el("li", { hidden: true, data: { item: name } }, el("a", { class: "ready-item", href }, mark, el("b"), el("span", { class: "ready-words", dir: "auto" })));
    list.append(row);
    return { name, ask, row, mark };
  });
  const draw = () => {
    const known = rows.filter((one) => drawRow(one));
    const ready = known.filter(({ row }) => row.dataset.state === "ready").length;
    const count = byId("ready-count");
    count.hidden = known.length === 0;
    count.dataset.tone = ready === known.length ? "answered" : "queued";
    setText(count, t(ready === known.length ? "ready.all" : "ready.count", { n: ready, all: known.length }));
  };
  onLanguage(draw);
  return draw;
}

function drawRow({ name, ask, row, mark }) {
  const said = ask();
  row.hidden = !said;
  if (!said) return false;
  const [state, words] = said;
  row.dataset.state = state;
  mark.dataset.tone = MARKS[state][1];
  mark.querySelector("use").setAttribute("href", `#i-${MARKS[state][0]}`);
  setText(mark.querySelector("span"), t(`ready.${state}`));
  setText(row.querySelector("b"), t(`ready.item.${name}`));
  setText(row.querySelector(".ready-words"), words);
  return true;
}
