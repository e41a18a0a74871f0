// What an expert is asked: what stands now, and whether to send all the same.
import { byId, el, shown } from "./dom.js";
import { t } from "./i18n.js";
import { answerBox, badge, short } from "./pieces.js";
import { answerOf } from "./shell.js";

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
