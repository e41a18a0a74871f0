// One question as viewers see it.
import { button, el, icon, said, setText, shown } from "./dom.js";
import { ago, t, timed } from "./i18n.js";
import { answerBox, badge, chatName, fillChats, short } from "./pieces.js";
import { foldable } from "./shell.js";

/** `vote(id)` toggles this viewer's vote. */
export function makeRow(question, vote) {
  const up = el("button", { type: "button", class: "button vote", on: { click: () => vote(row.dataset.id) } });
  up.append(icon("up"), el("b"), el("small"));
  const body = el(
    "div",
    { class: "row-body" },
    el("div", { class: "row-title" }, foldable(said(question.title))),
    el("p", { class: "row-meta" }, el("span", { class: "row-badges chips" }), el("time"), el("span", { class: "chips row-chats" })),
  );
  const row = el("li", { class: "row", tabindex: "-1" }, up, body, el("div", { class: "row-more" }));
  return row;
}

/** `mine`: the viewer's `votes` (Votes) and `asked`, a set of question ids. */
export function updateRow(row, question, mine, leaving) {
  setText(row.querySelector(".row-title .said"), shown(question.title));
  row.querySelector(".fold").check();
  fillVote(row.querySelector(".vote"), question, mine);
  fillChats(row.querySelector(".row-chats"), question.chats);
  timed(row.querySelector("time"), question.last_at);
  row.classList.toggle("onstage-row", question.status === "on_stage");
  row.querySelector(".row-badges").replaceChildren(...badges(question, leaving));
  fillAnswer(row.querySelector(".row-more"), question);
}

function badges(question, leaving) {
  const found = [];
  if (question.pinned) found.push(badge("pin", t("pinned"), ""));
  if (leaving) found.push(badge("hidden"));
  else if (question.status !== "new" && question.status !== "queued") found.push(badge(question.status));
  for (const label of question.labels) found.push(badge("label", shown(label), ""));
  return found;
}

function fillVote(up, question, { votes, asked }) {
  const own = asked.has(question.id);
  const pressed = own || votes.has(question.id);
  const over = question.status === "answered";
  up.setAttribute("aria-pressed", String(pressed));
  up.disabled = own || over;
  const people = votes.people(question);
  up.setAttribute("aria-label", t("viewer.vote.label", { title: short(question.title), n: people }));
  setText(up.querySelector("b"), String(people));
  setText(up.querySelector("small"), t(own ? "viewer.asked" : over ? "people.word" : "viewer.vote.short"));
  up.querySelector("use").setAttribute("href", `#i-${own ? "mic" : pressed ? "check" : over ? "people" : "up"}`);
}

function fillAnswer(more, question) {
  const signature = question.answer ? `${question.answer.at}${question.answer.text}${document.documentElement.lang}` : "";
  if (more.dataset.answer === signature) return;
  more.dataset.answer = signature;
  more.replaceChildren(...(question.answer ? [answerBox(question.answer)] : []));
}

/** One of the viewer's own messages. `notAnswered(question id)` sends it back to the queue. */
export function mineRow(message, notAnswered) {
  const { question, state, answer, reason } = message;
  const others = (question?.people ?? 1) - 1;
  const line = el("p", { class: "mine-line" }, badge(state), el("time", { text: ago(message.at) }));
  if (message.source !== "web") line.append(el("span", { text: chatName(message.source) }));
  if (others > 0) line.append(el("span", { text: t("viewer.same", { n: others }) }));
  const node = el("li", { class: "mine" }, line, foldable(said(message.text)));
  if (state === "nothing_asked") node.append(el("p", { class: "faint", text: t("viewer.nothing_asked") }));
  if (reason) node.append(el("p", { class: "faint", dir: "auto", text: t("viewer.dismissed", { reason: shown(reason) }) }));
  if (question && shown(question.title) !== shown(message.text)) {
    node.append(el("p", { class: "faint" }, el("span", { text: t("viewer.part_of") }), el("bdi", { text: short(question.title, 160) })));
  }
  if (answer) node.append(answerBox(answer));
  if (answer?.by === "course" && question) {
    node.append(el("div", {}, button({ word: t("viewer.not_answered"), icon: "undo", act: (event) => ((event.currentTarget.disabled = true), notAnswered(question.id)) })));
  }
  return node;
}

/** A message that has not reached the server. */
export function waitingRow(entry, { again, discard }) {
  const failed = Boolean(entry.failed);
  const line = el("p", { class: "mine-line" }, badge(failed ? "dismissed" : "received", t(failed ? "viewer.failed" : "viewer.waiting"), failed ? "bad" : "warn"));
  const node = el("li", { class: "mine" }, line, foldable(said(entry.text)));
  if (failed) {
    const acts = [button({ icon: "edit", word: t("viewer.again"), act: again }), button({ word: t("viewer.discard"), class: "button quiet", act: discard })];
    node.append(el("p", { class: "bad-note", text: entry.failed }), el("div", { class: "actions" }, ...acts));
  }
  return node;
}
