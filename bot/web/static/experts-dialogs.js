// What an expert is asked: what stands now, whether to send all the same, and which question to take it together with.
import { byId, el, shown } from "./dom.js";
import { t } from "./i18n.js";
import { wanting } from "./live.js";
import { answerBox, badge, short } from "./pieces.js";
import { answerOf } from "./shell.js";

const SHOWN = 40;

/** Lets the person choose one of `choices` ([value, word, look]); the value, or null. It may come while they type: the
 * choice that does nothing ("") has the focus. */
function choose(head, body, choices) {
  const dialog = byId("ask");
  return answerOf(dialog, () => {
    byId("ask-head").textContent = head;
    byId("ask-body").replaceChildren(...body);
    byId("ask-choices").replaceChildren(
      ...choices.map(([value, word, look = ""]) => el("button", { type: "button", class: `button ${look}`, autofocus: !value, text: word, data: { choice: value }, on: { click: () => dialog.close(value) } })),
    );
  });
}

/** Somebody was faster: shows the question as it stands; "add", "replace", "answer", or null to leave it so. */
export function askOvertaken(now, merged) {
  const body = [
    el("p", { text: t("expert.overtaken.kept") }),
    merged && el("p", { class: "faint", text: t("expert.overtaken.merged") }),
    el("p", { class: "said ex-now", dir: "auto", text: short(now.title, 400) }),
    el("p", { class: "chips" }, badge(now.status)),
    now.answer && answerBox(now.answer),
  ].filter(Boolean);
  const leave = ["", t("expert.overtaken.leave")];
  const choices = now.answer
    ? [["add", t("expert.overtaken.add"), "primary"], ["replace", t("expert.overtaken.replace")], leave]
    : [["answer", t("expert.overtaken.send"), "primary"], leave];
  return choose(t("expert.overtaken"), body, choices);
}

/** Colleagues write an answer to the same question: true where it is to be sent now. */
export async function askBoth(names) {
  const body = [el("p", { text: t("expert.both.how") })];
  const choices = [["send", t("expert.both.send"), "primary"], ["", t("expert.both.wait")]];
  return Boolean(await choose(t("expert.both", { names: names.map(shown).join(", "), n: names.length }), body, choices));
}

/** The question is not there any more (undo took it away): what was written can still be copied. */
export const showGone = (text) => choose(t("expert.gone"), [el("textarea", { readonly: true, rows: "6", dir: "auto", "aria-label": t("expert.answer"), text })], [["", t("close"), "primary"]]);

const pairs = (text) => {
  const plain = shown(text).toLowerCase().replace(/[\p{P}\s]/gu, "");
  return new Set([...plain].map((letter, at, all) => letter + (all[at + 1] ?? "")));
};

/** How much of two titles is the same, 0..1: what is likely comes first, and a person decides. */
function alike(one, other) {
  const shared = [...one].filter((pair) => other.has(pair)).length;
  return (2 * shared) / (one.size + other.size || 1);
}

/** Lets the person choose a question to take `question` together with: likely ones first; its id, or null. */
export function askTogether(question, others) {
  const dialog = byId("pick");
  const search = byId("pick-search");
  const mine = pairs(question.title);
  const likely = new Set(question.suggested_merge);
  const order = others
    .map((one) => [one, likely.has(one.id) ? 2 : alike(mine, pairs(one.title))])
    .sort(([a, x], [b, y]) => y - x || wanting(b) - wanting(a))
    .map(([one]) => one);
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = order.filter((one) => one.title.toLowerCase().includes(wanted)).slice(0, SHOWN);
    byId("picks").replaceChildren(...found.map((one) => choice(one, likely.has(one.id))));
    byId("picks-none").hidden = found.length > 0;
  };
  const choice = (one, suggested) =>
    el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "pick", data: { id: one.id }, on: { click: () => dialog.close(one.id) } },
        el("b", { text: String(wanting(one)) }),
        el("span", {}, el("bdi", { text: short(one.title, 140) }), suggested && badge("merge", t("expert.together.likely"), "warn")),
      ),
    );
  return answerOf(dialog, () => {
    search.value = "";
    search.oninput = draw;
    byId("pick-form").onsubmit = (event) => (event.preventDefault(), byId("picks").querySelector("button")?.click());
    draw();
  });
}
