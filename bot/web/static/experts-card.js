// One question as an expert sees it: what was asked, what the course says, and the answer as it grows.
import { fillHands } from "./board-hands.js";
import { button, el, icon, said, setText, shown } from "./dom.js";
import { sourceFields } from "./experts-sources.js";
import { t } from "./i18n.js";
import { wanting } from "./live.js";
import { answerBox, badge, chatName, fillChats } from "./pieces.js";
import { foldable } from "./shell.js";

export const LONGEST = 4000;
const NEAR = 0.8; // of it: from here on the length is shown
const WORDINGS = 30;

/** How a question stands, for whoever begins to answer it. */
export const standsNow = ({ status, title, answer }) => ({ status, title, answered_at: answer?.at ?? null });

export class Card {
  /**
   * `on`: {question(id), drafts, waits(id), hands(id), drafting(id) (names), toggle(id), typed(id, text, references),
   * send(id), together(id), decline(id, whether), declined(id), next(id), mine(name), aloud (`Aloud`)}.
   */
  constructor(id, on) {
    Object.assign(this, { id, on, review: null, sources: null });
    this.people = el("b", { class: "ex-people" });
    this.title = said("", { class: "ex-title" });
    this.marks = el("span", { class: "chips" });
    this.hands = el("span", { class: "chips ex-hands" });
    this.chats = el("span", { class: "chips" });
    this.head = el("button", { type: "button", class: "ex-head", "aria-expanded": "false", "aria-controls": `body-${id}`, on: { click: () => on.toggle(id) } }, this.people, el("span", { class: "ex-words" }, this.title, el("span", { class: "ex-meta" }, this.marks, this.hands, this.chats)));
    this.body = el("div", { class: "ex-body", id: `body-${id}`, hidden: true });
    this.node = el("li", { class: "ex-card", data: { id } }, el("h3", {}, this.head), this.body);
  }

  get question() {
    return this.on.question(this.id);
  }

  get opened() {
    return !this.body.hidden;
  }

  open() {
    if (!this.body.firstChild) this.build();
    this.body.hidden = false;
    this.head.setAttribute("aria-expanded", "true");
    this.node.classList.add("open");
    this.update();
  }

  close() {
    this.body.hidden = true;
    this.head.setAttribute("aria-expanded", "false");
    this.node.classList.remove("open");
  }

  /** Once, when it is opened first. */
  build() {
    const { id, on } = this;
    const noteId = `save-${id}`;
    this.given = el("div", { class: "ex-given" });
    this.wordings = el("details", { class: "ex-wordings", hidden: true }, el("summary"), el("ul"));
    this.course = el("div", { class: "ex-course" });
    this.aloud = el("div", { class: "ex-aloud" });
    this.elsewhere = el("div", { class: "ex-elsewhere", role: "status", hidden: true });
    this.label = el("span");
    this.field = el("textarea", { rows: "5", dir: "auto", "aria-describedby": noteId, id: `answer-${id}`, "data-answer": true });
    this.length = el("span", { class: "ex-length" });
    this.saved = el("span", { class: "ex-saved" });
    this.bad = el("p", { class: "bad-note", role: "alert", hidden: true });
    this.sources = sourceFields(() => this.type());
    this.reach = el("div", { class: "ex-reach" });
    this.send = button({ icon: "send", word: t("expert.send"), class: "button primary ex-send", "data-do": "send", act: () => on.send(id) });
    this.next = button({ icon: "next", label: t("expert.next"), "data-do": "next", act: () => on.next(id) });
    this.rest = el("div", { class: "ex-rest" });
    this.field.addEventListener("input", () => this.type());
    this.field.addEventListener("focus", () => on.looks(id));
    this.field.addEventListener("blur", () => on.looks(id));
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) (event.preventDefault(), on.send(id));
    });
    this.body.append(
      this.given,
      this.wordings,
      this.course,
      this.aloud,
      this.elsewhere,
      el("label", { class: "field" }, this.label, this.field),
      el("p", { class: "ex-below", id: noteId }, this.saved, this.length),
      this.bad,
      this.sources.node,
      this.reach,
      this.rest,
      el("div", { class: "ex-bar" }, this.send, this.next),
    );
  }

  type() {
    this.bad.hidden = true;
    this.on.typed(this.id, this.field.value, this.sources.get());
    this.grow();
    this.drawLength();
  }

  grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight + 2, 420)}px`;
  }

  /** What is typed may be sent; else it is said why not. */
  valid() {
    const text = this.field.value.trim();
    const why = !text ? t("expert.empty") : text.length > LONGEST ? t("expert.long", { most: LONGEST.toLocaleString("en"), n: text.length.toLocaleString("en") }) : "";
    this.say(why);
    if (why) this.field.focus();
    return !why && this.sources.valid();
  }

  say(why) {
    this.bad.hidden = !why;
    setText(this.bad, why);
    this.field.setAttribute("aria-invalid", String(Boolean(why)));
  }

  /** Puts what the course says into the field. */
  use({ text, source }) {
    const before = this.field.value.trim();
    this.field.value = before ? `${before}\n\n${text}` : text;
    this.sources.set([...this.sources.get(), { url: "", title: source.slice(0, 120) }]);
    this.type();
    this.field.focus();
  }

  // -- drawing ------------------------------------------------------------------------------------------------------

  update() {
    const { question } = this;
    if (!question) return;
    setText(this.people, String(wanting(question)));
    this.people.setAttribute("aria-label", t("expert.people", { n: wanting(question) }));
    setText(this.title, shown(question.title));
    this.drawMarks(question);
    fillHands(this.hands, this.on.hands(this.id));
    fillChats(this.chats, question.chats);
    if (this.opened) this.drawBody(question);
  }

  drawMarks(question) {
    const mine = this.on.mine(question.assigned);
    const state = this.on.drafts.state(this.id);
    const waits = this.on.waits(this.id);
    const drafting = this.on.drafting(this.id);
    const made = () =>
      [
        ["answered", "dismissed"].includes(question.status) && badge(question.status),
        question.assigned && badge("expert", mine ? t("expert.mine") : t("expert.for", { name: shown(question.assigned) }), mine ? "mine" : "warn"),
        waits ? badge("received", t(waits), "warn") : state && badge("draft", t("expert.draft"), "queued"),
        ...drafting.map((name) => badge("draft", t("expert.draft.other", { name: shown(name) }), "warn")),
      ].filter(Boolean);
    this.refill(this.marks, [question.status, question.assigned, mine, state !== "", waits, drafting], made);
  }

  drawBody(question) {
    const { drafts } = this.on;
    const draft = drafts.of(this.id);
    // What is typed here is in the draft at once; so what differs came from elsewhere.
    if (this.field.value !== draft.text) (this.field.value = draft.text, this.grow());
    this.sources.set(draft.references);
    setText(this.label, t(question.answer ? "expert.correct" : "expert.answer"));
    const answered = question.answer ? [answerBox(question.answer)] : [];
    this.refill(this.given, [question.answer], () => answered.map((box) => foldable(box, 600)));
    this.drawSaved();
    this.drawElsewhere(draft.other);
    this.drawReview(question);
    this.refill(this.aloud, [this.on.aloud.of(this.id)], () => [this.on.aloud.card(this.id)].filter(Boolean));
    this.drawLength();
    this.drawRest();
    const waits = Boolean(this.on.waits(this.id));
    this.send.disabled = waits;
    this.field.readOnly = waits;
  }

  drawSaved() {
    const state = this.on.drafts.state(this.id);
    this.saved.dataset.state = state;
    setText(this.saved, { saved: t("expert.saved"), saving: t("expert.saving"), choose: t("expert.saved.choose"), device: t("expert.saved.device"), nowhere: t("expert.saved.nowhere") }[state] ?? "");
  }

  drawLength() {
    const n = this.field.value.trim().length;
    setText(this.length, n > LONGEST * NEAR ? t("expert.length", { n: n.toLocaleString("en"), most: LONGEST.toLocaleString("en") }) : "");
    this.length.classList.toggle("bad-note", n > LONGEST);
  }

  drawElsewhere(other) {
    this.elsewhere.hidden = !other;
    this.refill(this.elsewhere, [other], () =>
      other
        ? [
            el("p", { text: t("expert.elsewhere") }),
            said(other.text.slice(0, 400)),
            el("div", { class: "actions" }, button({ word: t("expert.elsewhere.use"), "data-do": "theirs", act: () => this.choose(true) }), button({ word: t("expert.elsewhere.keep"), "data-do": "ours", act: () => this.choose(false) })),
          ]
        : [],
    );
  }

  choose(theirs) {
    this.on.drafts.choose(this.id, theirs);
    const draft = this.on.drafts.of(this.id);
    this.field.value = draft.text;
    this.sources.set(draft.references);
    this.field.focus();
  }

  drawRest() {
    const declined = this.on.declined(this.id);
    this.refill(this.rest, [declined, this.question.status], () => [
      button({ icon: "merge", word: t("expert.together"), "data-do": "together", act: () => this.on.together(this.id) }),
      declined
        ? button({ icon: "undo", word: t("expert.undecline"), "data-do": "decline", act: () => this.on.decline(this.id, false) })
        : button({ icon: "close", word: t("expert.decline"), "data-do": "decline", act: () => this.on.decline(this.id, true) }),
    ]);
  }

  /** Wordings, the course, and who will hear it, once they are read. */
  drawReview(question) {
    if (!this.review) return;
    const { asked, hearers, course } = this.review;
    this.refill(this.wordings, [asked.length], () => folded(asked));
    this.wordings.hidden = !this.wordings.querySelector("li");
    const earlier = question.suggested_memory;
    const found = [earlier && { ...earlier, source: earlier.where, earlier: true }, course].filter(Boolean);
    this.refill(this.course, [found, question.answer !== null], () => (question.answer ? [] : offered(found, (one) => this.use(one))));
    this.refill(this.reach, [hearers], () => reached(hearers));
  }

  refill(node, signs, make) {
    const signature = JSON.stringify([signs, document.documentElement.lang]);
    if (node.dataset.signs === signature) return;
    node.dataset.signs = signature;
    node.replaceChildren(...make());
  }

  /** Builds itself anew in the language now chosen. */
  again() {
    const open = this.opened;
    this.body.replaceChildren();
    if (open) this.open();
    else this.update();
  }
}

/** Each way it was asked once, with where and how often. */
function folded(asked) {
  const ways = new Map();
  for (const { text, source } of asked) {
    const key = shown(text).toLowerCase().replace(/[\p{P}\s]/gu, "") || text;
    const way = ways.get(key) ?? ways.set(key, { text, chats: {}, times: 0 }).get(key);
    way.times++;
    way.chats[source] = (way.chats[source] ?? 0) + 1;
  }
  if (ways.size < 2) return [el("summary")];
  const rows = [...ways.values()].sort((a, b) => b.times - a.times).slice(0, WORDINGS).map(({ text, chats }) => {
    const where = el("span", { class: "chips" });
    fillChats(where, chats);
    return el("li", {}, said(text), where);
  });
  return [el("summary", { text: t("expert.wordings", { n: ways.size }) }), el("ul", {}, ...rows)];
}

/** What the course says, and what was answered on an earlier evening: each can be taken as a draft. */
function offered(found, use) {
  if (!found.length) return [el("p", { class: "faint", text: t("expert.course.none") })];
  return found.map((one) => {
    const head = el("p", { class: "suggest-head" }, icon(one.earlier ? "history" : "book"), el("span", { text: t(one.earlier ? "expert.earlier" : "expert.course") }), el("span", { class: "badge", text: t("expert.course.sure", { n: Math.round(one.score * 100) }) }));
    const foot = el("p", { class: "answer-source" }, el("bdi", { text: shown(one.source) }));
    return el("div", { class: "suggest" }, head, foldable(said(one.text)), foot, button({ icon: "copy", word: t("expert.course.use"), "data-do": "use", act: () => use(one) }));
  });
}

function reached({ people, chats, unreached }) {
  const line = people ? t("expert.reach", { n: people, where: t("expert.chats", { n: chats }) }) : t("expert.reach.nobody");
  const rows = people ? unreached.map((one) => el("p", { class: "faint" }, t("expert.unreached", { n: one.people, chat: chatName(one.source) }), one.names.length > 0 && " · ", one.names.length > 0 && el("bdi", { text: t("expert.names", { names: one.names.map(shown).join(", ") }) }))) : [];
  return [el("p", { class: "ex-hear" }, icon("people"), el("span", { text: line })), ...rows];
}
