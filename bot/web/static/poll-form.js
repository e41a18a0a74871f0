// The fields in which a poll or an item of a survey is answered: radio buttons, boxes, a line, a text.
import { el, shown } from "./dom.js";
import { t } from "./i18n.js";
import "./words/polls.js";

/**
 * Nodes to put into a form. `chosen` is what is answered now; `name` parts the fields of one page. `heading` (a node)
 * names them where no heading stands before; `label` is the word before a field that is written into; `picked(event)` is
 * told where one of several was clicked.
 */
export function pollFields(poll, chosen, { name, heading = null, label = "", picked = null, longest = 300, rows = 2 } = {}) {
  if (poll.kind === "words" || poll.kind === "open") {
    const field = el(poll.kind === "words" ? "input" : "textarea", { dir: "auto", maxlength: poll.kind === "words" ? 160 : longest, rows: String(rows), enterkeyhint: heading ? "enter" : "send" });
    field.value = chosen.join(poll.kind === "words" ? ", " : "");
    return [el("label", { class: "field" }, heading ?? el("span", { text: label }), field)];
  }
  const one = poll.most === 1;
  const scale = poll.kind === "scale";
  const numbers = scale ? Array.from({ length: poll.high - poll.low + 1 }, (_, n) => poll.low + n) : poll.options.map((_, at) => at + 1);
  const choices = numbers.map((number) => {
    const input = el("input", { type: one ? "radio" : "checkbox", name, value: String(number), checked: chosen.includes(String(number)) });
    if (picked) input.addEventListener("click", picked);
    const mark = !scale && poll.marks?.[number - 1];
    const word = scale ? el("b", { text: String(number) }) : el("span", { dir: "auto", text: shown(poll.options[number - 1]) });
    return el("label", { class: "poll-choice" }, input, mark && el("b", { class: "poll-mark", text: mark }), word);
  });
  const how = el("span", { class: "poll-how", text: one ? t(picked ? "poll.choose.tap" : "poll.choose.one") : t("poll.choose.most", { n: poll.most }) });
  const ends = scale && poll.ends.some(Boolean) && el("p", { class: "poll-ends" }, ...poll.ends.map((word) => el("span", { dir: "auto", text: shown(word) })));
  const legend = heading ? el("legend", {}, heading, scale ? null : how) : el("legend", { text: how.textContent });
  return [el("fieldset", { class: scale ? "poll-choices poll-numbers" : "poll-choices" }, legend, ...choices), ends || ""];
}

/** What is half filled in there stands here too, where both ask the same: the one takes the other's place. */
export function refillFrom(old, fresh) {
  const [before, after] = [old, fresh].map((box) => [...box.querySelectorAll("input, textarea")]);
  if (before.length !== after.length) return;
  before.forEach((field, at) => {
    if (field.type !== after[at].type) return;
    Object.assign(after[at], { value: field.value, checked: field.checked });
  });
}

/** What is answered in these fields. */
export function readPoll(poll, box) {
  const fields = [...box.querySelectorAll("input, textarea")];
  if (poll.kind === "open") return [fields[0].value.trim()].filter(Boolean);
  if (poll.kind === "words") {
    const text = fields[0].value;
    return text.split(/[,，、;；]/.test(text) ? /[,，、;；]/ : /\s+/).map((word) => word.trim()).filter(Boolean);
  }
  return fields.filter((field) => field.checked).map((field) => field.value);
}
