// The side panel of one question: every wording, its title, the answer, labels.
import { button, el, kept, setText, shown } from "./dom.js";
import { clock, t } from "./i18n.js";
import { answerBox, badge, fillChats } from "./pieces.js";
import { doingButtons, suggestions, unsure, unsureBadge } from "./board-row.js";
import { labelEditor, titleEditor } from "./board-edit.js";
import { wordings } from "./board-wordings.js";
import { foldable, toastFailure } from "./shell.js";

export class Panel {
  /**
   * `on`: {question(id), detail(id), act(what, ids, more), doing(what, id), merge(ids, into), apart(id, other),
   * title(id), pickOther(id, title), closed(id)}.
   */
  constructor(root, session, on) {
    Object.assign(this, { root, session, on });
    this.id = null;
  }

  /** Opens a question; `part`: "answer" or "title" puts the cursor there. */
  open(id, part = "") {
    if (this.id !== id) this.build(id);
    this.root.hidden = false;
    if (part === "answer") this.answerField.focus();
    else if (part === "title") this.title.edit();
    else this.root.focus();
  }

  close() {
    if (this.id === null) return;
    const id = this.id;
    this.id = null;
    this.root.hidden = true;
    this.on.closed(id);
  }

  build(id) {
    this.id = id;
    this.parts = {};
    this.title = titleEditor((title) => this.on.act("edit", [id], { title }));
    this.labels = labelEditor((labels) => this.on.act("label", [id], { labels }));
    this.wordings = wordings({
      split: (messages) => this.on.act("split", [id], { messages }),
      move: (messages) => this.move(id, messages),
    });
    this.root.tabIndex = -1;
    this.root.replaceChildren(this.head(), this.title.node, ...this.places("facts", "acts", "suggest", "given"), this.answerForm(id), this.labels.node, this.wordings.node);
    this.detail = null;
    this.update();
    this.read();
  }

  head() {
    const close = button({ icon: "close", label: t("board.back"), class: "button quiet", act: () => this.close() });
    const pin = button({ icon: "pin", label: t("board.pin"), class: "button quiet", "data-do": "pin", act: () => this.on.doing("pin", this.id) });
    this.parts.pin = pin;
    this.parts.state = el("span", { class: "chips" });
    return el("header", { class: "panel-head" }, this.parts.state, pin, close);
  }

  places(...names) {
    return names.map((name) => (this.parts[name] = el("div", { class: `panel-${name}` })));
  }

  answerForm(id) {
    const draft = kept(`floormic.answer.${this.session}.${id}`, "");
    const field = (this.answerField = el("textarea", { rows: "3", maxlength: "4000", dir: "auto", id: "answer-text" }));
    const sources = el("input", { id: "answer-sources", autocomplete: "off" });
    field.value = draft.get();
    field.addEventListener("input", () => draft.set(field.value));
    const send = (this.parts.send = button({ icon: "send", class: "button primary", "data-do": "answer" }));
    send.type = "submit";
    send.append(el("span"));
    const aloud = (this.parts.aloud = button({ icon: "mic", word: t("board.aloud"), "data-do": "aloud", act: () => this.on.doing("aloud", id) }));
    const submit = async (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text) return field.focus();
      const given = sources.value.split(/\s+/).filter(Boolean);
      if (await this.on.act("answer", [id], { text, sources: given })) draft.set((field.value = ""));
    };
    field.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && submit(event));
    const label = (this.parts.answerLabel = el("span"));
    return el(
      "form",
      { class: "panel-answer", on: { submit } },
      el("label", { class: "field" }, label, field),
      el("label", { class: "field small" }, el("span", { text: t("board.answer.sources") }), sources),
      el("div", { class: "actions" }, aloud, send),
    );
  }

  async move(id, messages) {
    const to = await this.on.pickOther(id, t("board.move.to"));
    if (!to) return false;
    return this.on.act("move", [id], { messages, into: to });
  }

  /** Reads the wordings anew. */
  async read() {
    const id = this.id;
    try {
      const detail = await this.on.detail(id);
      if (id !== this.id) return;
      this.detail = detail;
      this.wordings.update(detail.asked);
    } catch (failure) {
      toastFailure(failure);
    }
  }

  /** The question changed (or the language did). */
  update() {
    const question = this.id && this.on.question(this.id);
    if (!question) return;
    const { state, pin, facts, acts, suggest, given, send, aloud, answerLabel } = this.parts;
    this.root.setAttribute("aria-label", shown(question.title).slice(0, 120));
    state.replaceChildren(badge(question.status), ...(unsure(question) ? [unsureBadge(question)] : []));
    pin.setAttribute("aria-pressed", String(question.pinned));
    pin.title = t(question.pinned ? "board.unpin" : "board.pin");
    pin.setAttribute("aria-label", pin.title);
    this.title.update(question);
    this.facts(facts, question);
    this.refill(acts, [question.status], () => doingButtons(question, this.on.doing).filter((one) => one.dataset.do !== "reply" && one.dataset.do !== "aloud"));
    this.refill(suggest, [question.suggested_answer, question.suggested_merge, question.status], () => suggestions(question, this.on));
    this.refill(given, [question.answer, question.reason, question.status], () => this.given(question));
    setText(answerLabel, t(question.answer ? "board.answer.correct" : "board.answer.field"));
    setText(send.lastChild, t("board.answer.send", { n: question.askers }));
    aloud.hidden = question.status === "answered";
    this.labels.update(question.labels);
    if (this.detail && this.detail.messages !== question.messages) this.read();
  }

  facts(node, question) {
    if (!node.firstChild) node.append(el("b"), el("span", { class: "chips" }), el("span", { class: "faint" }));
    setText(node.firstChild, t("people.want", { n: question.people }));
    fillChats(node.children[1], question.chats);
    setText(node.lastChild, `${clock(question.first_at)} – ${clock(question.last_at)}`);
  }

  /** Makes a part anew only where it differs. */
  refill(node, signs, make) {
    const signature = JSON.stringify([signs, document.documentElement.lang]);
    if (node.dataset.signs === signature) return;
    node.dataset.signs = signature;
    node.replaceChildren(...make());
  }

  given(question) {
    const found = [];
    if (question.status === "answered" && question.answer) found.push(foldable(answerBox(question.answer), 400));
    if (question.status === "dismissed" && question.reason) found.push(el("p", { class: "faint", dir: "auto", text: t("board.reason", { text: shown(question.reason) }) }));
    return found;
  }

  /** Builds everything anew in the language now chosen. */
  again() {
    if (this.id) this.build(this.id);
  }
}
