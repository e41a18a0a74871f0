// The form in which staff writes what a survey asks.
import { byId, button, el } from "./dom.js";
import { t } from "./i18n.js";

const KINDS = ["scale", "single", "multiple", "open"];
const MOST = 10; // items
const FRESH = { id: "", kind: "open", title: "", options: [], most: 1, low: 1, high: 5, ends: ["", ""] };

/** `changed()` is called whenever something was written. */
export class SurveyForm {
  constructor(changed) {
    this.changed = changed;
    this.items = [];
    byId("form").addEventListener("input", changed);
    byId("add").addEventListener("click", () => {
      this.read();
      this.items.push({ ...FRESH });
      this.drawn();
      byId("form-items").lastElementChild.querySelector("[data-field=title]").focus();
    });
  }

  fill({ title, items }, days, reminders) {
    byId("form-title").value = title;
    byId("form-days").value = days;
    byId("form-reminders").value = reminders;
    this.items = items.map((item) => ({ ...item }));
    this.draw();
  }

  /** What is wished, as the API takes it. */
  wish() {
    this.read();
    return { title: byId("form-title").value, days: Number(byId("form-days").value) || 0, reminders: Number(byId("form-reminders").value), items: this.items };
  }

  /** Takes what is written into `items`. */
  read() {
    [...byId("form-items").children].forEach((card, at) => {
      const field = (name) => card.querySelector(`[data-field=${name}]`);
      const kind = field("kind").value;
      const { low, high } = this.items[at];
      this.items[at] = {
        id: this.items[at].id,
        kind,
        title: field("title").value,
        options: ["single", "multiple"].includes(kind) ? field("options").value.split("\n").map((line) => line.trim()).filter(Boolean) : [],
        most: kind === "multiple" ? Number(field("most").value) || 0 : 1,
        ...(kind === "scale" ? { low, high } : { low: 1, high: 5 }),
        ends: kind === "scale" ? [field("low").value, field("high").value] : ["", ""],
      };
    });
  }

  draw() {
    byId("form-items").replaceChildren(...this.items.map((item, at) => this.card(item, at)));
    byId("add").disabled = this.items.length >= MOST;
  }

  drawn() {
    this.draw();
    this.changed();
  }

  card(item, at) {
    const n = at + 1;
    const field = (name, word, node) => el("label", { class: "field" }, el("span", { text: t(word) }), Object.assign(node, {}));
    const kind = el("select", { data: { field: "kind" } }, ...KINDS.map((one) => el("option", { value: one, text: t(`asks.kind.${one}`) })));
    kind.value = item.kind;
    const line = (name, value, longest) => {
      const node = el("input", { dir: "auto", maxlength: longest, data: { field: name } });
      node.value = value;
      return node;
    };
    const options = el("textarea", { dir: "auto", rows: "4", data: { field: "options" } });
    options.value = item.options.join("\n");
    const most = el("input", { type: "number", min: "1", max: "20", inputmode: "numeric", data: { field: "most" } });
    most.value = item.most;
    const choices = field("options", "asks.field.options", options);
    const several = field("most", "asks.field.most", most);
    const ends = el("div", { class: "poll-two" }, field("low", "asks.field.low", line("low", item.ends[0], 40)), field("high", "asks.field.high", line("high", item.ends[1], 40)));
    const suit = () => {
      choices.hidden = !["single", "multiple"].includes(kind.value);
      several.hidden = kind.value !== "multiple";
      ends.hidden = kind.value !== "scale";
      if (kind.value === "multiple" && Number(most.value) < 2) most.value = 2;
    };
    kind.addEventListener("change", suit);
    suit();
    const deeds = el("div", { class: "survey-deeds" },
      button({ icon: "up", label: t("asks.item.up", { n }), class: "button quiet", disabled: at === 0, act: () => this.move(at, -1) }),
      button({ icon: "down", label: t("asks.item.down", { n }), class: "button quiet", disabled: at === this.items.length - 1, act: () => this.move(at, 1) }),
      button({ icon: "close", label: t("asks.item.remove", { n }), class: "button quiet", act: () => this.remove(at) }));
    return el("li", { class: "card survey-ask", data: { id: item.id } },
      el("div", { class: "survey-ask-head" }, el("h3", { text: t("asks.item", { n }) }), deeds),
      field("kind", "asks.field.kind", kind), field("title", "asks.field.item", line("title", item.title, 300)), choices, several, ends);
  }

  move(at, by) {
    this.read();
    const [item] = this.items.splice(at, 1);
    this.items.splice(at + by, 0, item);
    this.drawn();
    const deed = byId("form-items").children[at + by].querySelectorAll(".survey-deeds button")[by < 0 ? 0 : 1];
    (deed.disabled ? deed.parentNode.querySelector("button:not(:disabled)") : deed)?.focus();
  }

  remove(at) {
    this.read();
    this.items.splice(at, 1);
    this.drawn();
    byId("add").focus();
  }
}
