// Editing the title, the labels and the expert of a question.
import { button, composing, el, icon, said, setText, shown } from "./dom.js";
import { t } from "./i18n.js";
import { foldable } from "./shell.js";

/**
 * {node, edit(), stop(), update(question)}; `save(title, before)` resolves to true where it was saved; `busy(whether)`
 * tells. `draft` keeps what is half written, as {text, before}.
 */
export function titleEditor(save, busy, draft) {
  let title = "";
  let before = "";
  const text = said("");
  const fold = foldable(text, 300);
  const original = el("p", { class: "faint", dir: "auto" });
  const field = el("textarea", { rows: "3", maxlength: "500", dir: "auto", id: "title-text" });
  const start = button({ icon: "edit", label: t("board.edit"), class: "button quiet", act: () => edit() });
  const form = el(
    "form",
    { class: "title-form", hidden: true },
    el("label", { class: "field" }, el("span", { text: t("board.title.field") }), field),
    el("div", { class: "actions" }, button({ word: t("cancel"), act: () => stop() }), submitButton()),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = field.value.trim();
    if (wanted && (wanted === before || (await save(wanted, before)))) stop();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !composing(event)) (event.preventDefault(), form.requestSubmit());
  });
  field.addEventListener("input", () => draft.set({ text: field.value, before }));
  const view = el("div", { class: "title-view" }, el("h2", { class: "panel-title" }, fold), start);

  function edit() {
    if (!form.hidden) return field.focus();
    const begun = draft.get();
    before = begun?.before ?? title;
    field.value = begun?.text ?? shown(title).slice(0, 500);
    busy(true);
    form.hidden = false;
    view.hidden = true;
    field.focus();
    if (!begun) field.select();
  }

  function stop() {
    draft.set(null);
    busy(false);
    form.hidden = true;
    view.hidden = false;
    start.focus();
  }

  function update(question) {
    title = question.title;
    setText(text, shown(question.title));
    fold.check();
    original.hidden = question.original === question.title;
    setText(original, t("board.original", { text: shown(question.original) }));
  }

  return { node: el("div", { class: "panel-titles" }, view, form, original), edit, stop, update };
}

function submitButton() {
  const node = button({ icon: "check", word: t("save"), class: "button primary" });
  node.type = "submit";
  return node;
}

/** {node, update(labels)}; `save({add})` or `save({remove})`. */
export function labelEditor(save) {
  let labels = [];
  const list = el("span", { class: "chips" });
  const field = el("input", { maxlength: "40", dir: "auto", autocomplete: "off", placeholder: t("board.labels.add"), "aria-label": t("board.labels.add") });
  field.addEventListener("keydown", (event) => {
    const label = field.value.trim();
    if (event.key !== "Enter" || composing(event)) return;
    event.preventDefault();
    if (label && !labels.includes(label)) save({ add: [label] });
    field.value = "";
  });

  function update(next) {
    if (JSON.stringify(next) === JSON.stringify(labels)) return;
    labels = next;
    list.replaceChildren(...labels.map((label) => chip(label, () => save({ remove: [label] }))));
  }

  return { node: el("section", { class: "panel-labels" }, el("h3", { text: t("board.labels") }), list, field), update };
}

/** {node, update(name)}: who shall answer; `assign()` asks for a name, `free()` takes it away. */
export function expertEditor({ assign, free }) {
  const list = el("span", { class: "chips" });
  const choose = button({ icon: "people", word: t("board.assign"), "data-do": "assign", act: assign });
  let drawn;

  function update(name) {
    if (name === drawn) return;
    drawn = name;
    list.replaceChildren(...(name ? [chip(name, free)] : [el("span", { class: "faint", text: t("board.assign.nobody") })]));
  }

  return { node: el("section", { class: "panel-expert" }, el("h3", { text: t("board.assigned") }), list, choose), update };
}

function chip(label, remove) {
  const close = el("button", { type: "button", class: "chip-remove", "aria-label": t("board.label.remove", { label: shown(label) }), on: { click: remove } }, icon("close"));
  return el("span", { class: "badge label" }, el("bdi", { text: shown(label) }), close);
}
