// The side panel of one question: every wording, its title, the answer, its expert, labels, and what others do to it.
import { button, el, kept, setText, shown, whenReleased } from "./dom.js";
import { didWhat } from "./board-dialogs.js";
import { fillHands } from "./board-hands.js";
import { clock, t } from "./i18n.js";
import { wanting } from "./live.js";
import { answerBox, badge, fillChats, short } from "./pieces.js";
import { earlierBadge } from "./board-earlier.js";
import { faqLine, faqStage } from "./board-faq.js";
import { demand, doingButtons, mayDo, outcome, suggestions, surenessBadge, unsure } from "./board-row.js";
import { expertEditor, labelEditor, titleEditor } from "./board-edit.js";
import { reachBox } from "./board-reach.js";
import { wordings } from "./board-wordings.js";
import { foldable, toastFailure } from "./shell.js";

export class Panel {
  /**
   * `on`: {question(id), detail(id), act(what, ids, more), doing(what, id), mergeInto(id), mergeSame(id, other), apart(id, other),
   * title(id), pickOther(id, title, how, messages), closed(id), assign(ids), hands(id), busy(id, doing), newest(id), mayAnswer(id), remembers(), experts}.
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
    this.on.busy(null, "looking");
    this.on.closed(id);
  }

  build(id) {
    this.id = id;
    this.parts = {};
    this.editing = false;
    this.title = titleEditor(
      (title, before) => this.on.act("edit", [id], { title, seen: { [id]: { title: before } } }),
      (editing) => ((this.editing = editing), this.tell()),
      this.draft(id, "title", null),
    );
    this.labels = labelEditor((change) => this.on.act("label", [id], change));
    this.expert = expertEditor({ assign: () => this.on.assign([id]), free: () => this.on.act("assign", [id], { name: "" }) });
    this.wordings = wordings({
      split: (messages) => this.on.act("split", [id], { messages }),
      move: (messages) => this.move(id, messages),
      nothing: (messages, whole) => this.on.nothing(id, messages, whole),
      confirm: (messages) => this.on.act("confirm", [id], { messages }),
    });
    this.reach = reachBox(this.session, id);
    this.root.tabIndex = -1;
    this.root.replaceChildren(this.head(), this.title.node, ...this.places("facts", "experts", "acts", "suggest", "given"), this.reach.node, this.answerForm(id), this.expert.node, this.labels.node, this.wordings.node);
    this.detail = null;
    this.signs = null;
    this.update();
    this.read();
    this.tell();
  }

  head() {
    const close = button({ icon: "close", label: t("board.back"), class: "button quiet", act: () => this.close() });
    const pin = button({ icon: "pin", label: t("board.pin"), class: "button quiet", "data-do": "pin", act: () => this.on.doing("pin", this.id) });
    const merge = button({ icon: "merge", label: t("board.merge.one"), class: "button quiet", "data-do": "merge-into", act: () => this.on.mergeInto(this.id) });
    Object.assign(this.parts, { pin, merge });
    this.parts.state = el("span", { class: "chips" });
    this.parts.hands = el("div", { class: "chips panel-hands", role: "status" });
    this.parts.news = el("div", { class: "news", role: "status" });
    const line = el("div", { class: "panel-line" }, this.parts.state, merge, pin, close);
    this.parts.doubt = button({ icon: "warn", word: " ", class: "button quiet panel-doubt", act: () => this.wordings.first() });
    return el("header", { class: "panel-head" }, line, this.parts.doubt, this.parts.hands, this.parts.news);
  }

  places(...names) {
    return names.map((name) => (this.parts[name] = el("div", { class: `panel-${name}` })));
  }

  answerForm(id) {
    const draft = this.draft(id, "answer");
    const draftSources = this.draft(id, "sources");
    const field = (this.answerField = el("textarea", { rows: "3", maxlength: "4000", dir: "auto", id: "answer-text" }));
    const sources = (this.sourcesField = el("input", { id: "answer-sources", autocomplete: "off" }));
    field.value = draft.get();
    sources.value = draftSources.get();
    field.addEventListener("input", () => (draft.set(field.value), this.tell()));
    sources.addEventListener("input", () => draftSources.set(sources.value));
    field.addEventListener("blur", () => this.tell());
    field.addEventListener("focus", () => this.tell());
    const send = (this.parts.send = button({ icon: "send", class: "button primary", "data-do": "answer" }));
    send.type = "submit";
    send.append(el("span"));
    const aloud = (this.parts.aloud = button({ icon: "mic", word: t("board.aloud"), "data-do": "aloud", act: () => this.on.doing("aloud", id) }));
    const submit = async (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text) return field.focus();
      if (!(await this.on.mayAnswer(id))) return;
      const given = sources.value.split(/\s+/).filter(Boolean);
      if (await this.on.act("answer", [id], { text, sources: given, seen: { [id]: this.base } })) this.sent(id);
    };
    field.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && submit(event));
    const label = (this.parts.answerLabel = el("span"));
    return (this.parts.composer = el(
      "form",
      { class: "panel-answer", on: { submit } },
      el("label", { class: "field" }, label, field),
      el("label", { class: "field small" }, el("span", { text: t("board.answer.sources") }), sources),
      el("div", { class: "actions" }, aloud, send),
    ));
  }

  /** What is half written about a question outlives the panel and the page. */
  draft(id, part, otherwise = "") {
    return kept(`floormic.${part}.${this.session}.${id}`, otherwise);
  }

  /** The answer left: its fields are free again. */
  sent(id) {
    for (const part of ["answer", "sources"]) this.draft(id, part).set("");
    if (this.id === id) this.answerField.value = this.sourcesField.value = "";
    this.tell();
  }

  /** The title was saved after all. */
  titled(id) {
    this.draft(id, "title", null).set(null);
    if (this.id === id) this.title.stop();
  }

  /** Tells the others what my hands are on. */
  tell() {
    if (!this.id || !this.on.question(this.id)) return;
    const writing = this.answerField.value.trim() !== "" && document.activeElement === this.answerField;
    this.on.busy(this.id, this.editing ? "editing" : writing ? "answering" : "looking");
  }

  /** Somebody else may have changed what is open here: says who did what; what is typed stays as it is. */
  async watch(question) {
    const { status, title, answer, assigned, labels, merged_into } = question;
    const signs = JSON.stringify([status, title, answer, assigned, labels, merged_into]);
    const first = this.signs === null;
    if (signs === this.signs) return;
    this.signs = signs;
    if (first) return;
    const { row, own } = await this.on.newest(question.id);
    if (own || this.id !== question.id) return;
    const note = el("p", {}, el("span", { text: row ? didWhat(row) : t("board.changed.somebody") }));
    note.append(button({ icon: "close", label: t("close"), class: "button quiet", act: () => note.remove() }));
    this.parts.news.replaceChildren(note);
  }

  /** A colleague took back what made the question, or said that it asks nothing. What is typed stays. */
  gone() {
    if (!this.id || !this.detail || this.parts.news.querySelector(".left")) return;
    this.signs = null;
    this.on.busy(null, "looking");
    this.parts.news.replaceChildren(el("p", { class: "left", text: t("board.gone") }));
  }

  async move(id, messages) {
    const to = await this.on.pickOther(id, t("board.move.to"), this.moved(messages), messages);
    if (!to) return false;
    return this.on.act("move", [id], { messages, into: to });
  }

  /** What is moved, in words. */
  moved(messages) {
    const one = messages.length === 1 && this.detail.asked.find(({ message }) => message === messages[0]);
    return one ? t("board.move.how", { title: short(one.text) }) : t("board.move.several", { n: messages.length });
  }

  /** Reads the wordings anew. */
  async read() {
    const id = this.id;
    try {
      const detail = await this.on.detail(id);
      if (id !== this.id) return;
      this.detail = detail;
      whenReleased(this.wordings.node, () => this.wordings.update(detail.asked));
    } catch (failure) {
      toastFailure(failure);
    }
  }

  /** The question changed (or the language did). */
  update() {
    whenReleased(this.root, () => this.draw());
  }

  draw() {
    const question = this.id && this.on.question(this.id);
    if (!question) return this.gone();
    const { state, pin, merge, doubt, facts, experts, acts, suggest, given, composer, send, aloud, answerLabel, hands } = this.parts;
    fillHands(hands, this.on.hands(question.id));
    if (this.parts.news.querySelector(".left")) (this.parts.news.replaceChildren(), this.tell()); // it is back
    this.watch(question);
    // What is typed builds upon how the question stood when the field was empty.
    if (!this.base || this.base.id !== question.id || !this.answerField.value.trim()) this.remember(question);
    this.root.setAttribute("aria-label", shown(question.title).slice(0, 120));
    doubt.hidden = !unsure(question);
    setText(doubt.lastChild, t("board.unsure", { k: question.doubtful, of: question.messages }));
    doubt.title = t("board.unsure.look");
    state.replaceChildren(badge(question.status), ...(unsure(question) ? [] : surenessBadge(question)), ...(this.on.remembers() ? earlierBadge(question) : []));
    pin.setAttribute("aria-pressed", String(question.pinned));
    // A merged question is answered as what it became; what was half written about it stays, and goes there.
    const merged = question.status === "merged";
    merge.hidden = !mayDo("merge") || merged;
    pin.hidden = merged;
    composer.hidden = merged && !this.answerField.value.trim();
    this.expert.node.hidden = this.labels.node.hidden = merged;
    this.title.node.classList.toggle("fixed", merged);
    pin.title = t(question.pinned ? "board.unpin" : "board.pin");
    pin.setAttribute("aria-label", pin.title);
    this.title.update(question);
    this.facts(facts, question);
    setText(experts, this.on.experts.line(question.id));
    this.refill(acts, [question.status], () => doingButtons(question, this.on.doing).filter((one) => one.dataset.do !== "reply" && one.dataset.do !== "aloud"));
    this.refill(suggest, [question.suggested_answer, question.suggested_memory, question.earlier, this.on.remembers(), question.suggested_merge, question.status], () => suggestions(question, this.on, true));
    this.refill(given, [question.answer, question.reason, question.status, faqStage(question.id)], () => this.given(question));
    this.reach.update(question);
    setText(answerLabel, t(question.answer ? "board.answer.correct" : "board.answer.field"));
    setText(send.lastChild, t("board.answer.send", { n: (this.on.question(question.merged_into) ?? question).askers }));
    aloud.hidden = question.status === "answered";
    this.labels.update(question.labels);
    this.expert.update(question.assigned);
    if (this.detail && ["messages", "doubtful"].some((what) => this.detail[what] !== question[what])) this.read();
  }

  facts(node, question) {
    if (!node.firstChild) node.append(el("b"), el("span"), el("span", { class: "chips" }), el("span", { class: "faint" }));
    setText(node.firstChild, t("people.want", { n: wanting(question) }));
    setText(node.children[1], demand(question));
    fillChats(node.children[2], question.chats);
    setText(node.lastChild, `${clock(question.first_at)} – ${clock(question.last_at)}`);
  }

  remember({ id, status, answer }) {
    this.base = { status, answered_at: answer?.at ?? null };
    Object.defineProperty(this.base, "id", { value: id, enumerable: false }); // for us, not for the API
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
    if (question.status === "answered" && question.answer) found.push(foldable(answerBox(question.answer), 400), ...faqLine(question));
    if (question.status === "dismissed") found.push(...outcome(question));
    if (question.status === "merged") found.push(el("p", { class: "faint", text: t("board.merged") }), button({ word: t("board.merged.open"), act: () => this.on.open(question.merged_into) }));
    return found;
  }

  /** Other hands, the same question. */
  drawHands() {
    if (this.id) fillHands(this.parts.hands, this.on.hands(this.id));
  }

  /** Builds everything anew in the language now chosen. */
  again() {
    if (this.id) this.build(this.id);
  }
}
