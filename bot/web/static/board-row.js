// One question as moderators see it in a column.
import { button, el, icon, said, setText, shown, whenReleased } from "./dom.js";
import { chance, earlierBadge, earlierBlock } from "./board-earlier.js";
import { fillHands } from "./board-hands.js";
import { ago, clock, t } from "./i18n.js";
import { wanting } from "./live.js";
import { answerBox, badge, fillChats, short } from "./pieces.js";
import { foldable, moderates, pageFacts } from "./shell.js";

const EXPERTS_DO = new Set(["reply", "aloud"]); // the rest is for moderators
export const mayDo = (what) => EXPERTS_DO.has(what) || moderates(pageFacts().role);
const percent = (part) => Math.round(part * 100);

/** What may be done from a row, by status: [what, icon, word, look]. */
const DOINGS = {
  new: [["approve", "check", "board.approve", "soft"], ["stage", "mic", "board.stage"], ["reply", "answer", "board.answer"], ["dismiss", "close", "board.dismiss"]],
  queued: [["stage", "mic", "board.stage", "soft"], ["reply", "answer", "board.answer"], ["dismiss", "close", "board.dismiss"]],
  on_stage: [["aloud", "check", "board.aloud", "soft"], ["reply", "answer", "board.answer"], ["unstage", "back", "board.unstage"]],
  answered: [["reply", "answer", "board.answer"], ["reopen", "undo", "board.reopen"]],
  dismissed: [["reopen", "undo", "board.reopen", "soft"]],
};

/** The buttons that fit a question's status; `doing(what, id)` is called on a click. */
export function doingButtons(question, doing) {
  const doings = DOINGS[question.status] ?? [];
  return doings.filter(([what]) => mayDo(what)).map(([what, mark, word, look = ""]) =>
    button({ icon: mark, word: t(word), class: `button ${look}`, "data-do": what, act: (event) => (event.stopPropagation(), doing(what, question.id)) }),
  );
}

/** `on`: {open(id), select(id, chosen), doing(what, id), mergeSame(id, other), apart(id, other), title(id), hands(id), remembers(), experts}. */
export function makeRow(question, on) {
  const id = question.id;
  const check = el("input", { type: "checkbox", on: { change: () => on.select(id, check.checked) } });
  const people = el("div", { class: "row-people", draggable: "true" }, el("b"), icon("people"), el("span", { class: "sr" }));
  const open = el("button", { type: "button", class: "row-open", on: { click: () => on.open(id) } }, said(question.title));
  const meta = el("p", { class: "row-meta" }, el("span", { class: "chips row-hands" }), el("span", { class: "chips row-badges" }), el("span", { class: "row-votes" }), el("span", { class: "row-age" }), el("span", { class: "chips row-chats" }));
  const more = el("div", { class: "row-more" });
  const acts = el("div", { class: "row-acts" });
  const body = el("div", { class: "row-body" }, open, el("div", { class: "row-foot" }, meta, acts), more);
  return el("li", { class: "row", tabindex: "-1" }, el("label", { class: "row-check" }, check), people, body);
}

export function updateRow(row, question, on, { selected, opened }, leaving) {
  setText(row.querySelector(".row-open .said"), shown(question.title));
  const check = row.querySelector("input");
  check.checked = selected;
  check.setAttribute("aria-label", t("board.select", { title: short(question.title) }));
  setText(row.querySelector(".row-people b"), String(wanting(question)));
  const people = row.querySelector(".row-people");
  people.title = t("people.want", { n: wanting(question) });
  setText(people.lastChild, t("people.word"));
  fillHands(row.querySelector(".row-hands"), on.hands(question.id));
  setText(row.querySelector(".row-votes"), demand(question));
  const age = row.querySelector(".row-age");
  setText(age, aged(question));
  age.title = `${clock(question.first_at)} – ${clock(question.last_at)}`;
  fillChats(row.querySelector(".row-chats"), question.chats);
  row.classList.toggle("selected", selected);
  row.classList.toggle("opened", opened);
  whenReleased(row, () => refill(row, question, on, leaving));
}

/** Who is behind it: how many asked, in how many words, how many voted, and how many of them have an answer already. */
export function demand({ askers, votes, messages, waiting, people }) {
  const asked = t("board.asked", { n: askers });
  const ways = messages > askers ? [t("board.wordings", { n: messages })] : [];
  return [asked, ...ways, ...(votes ? [t("votes.count", { n: votes })] : []), ...(waiting && waiting < people ? [t("board.told", { n: people - waiting })] : [])].join(" · ");
}

/** Since when it waits, and when it was asked last. */
function aged({ first_at: first, last_at: last }) {
  return ago(first) === ago(last) ? ago(first) : t("board.age", { first: ago(first), last: ago(last) });
}

/** The parts that are made anew, only where they differ: focus and pointer stay on a button that stays. */
function refill(row, question, on, leaving) {
  const { status, pinned, labels, sureness, doubtful, refused, messages, suggested_answer, suggested_memory, earlier, suggested_merge, reason, reason_shown, assigned, answer } = question;
  const titles = suggested_merge.map((one) => [on.title(one.question), one.likelihood]);
  const signature = JSON.stringify([status, pinned, labels, sureness, doubtful, refused, messages, suggested_answer, suggested_memory, earlier, on.remembers(), titles, reason, reason_shown, assigned, answer, on.experts.declined(question.id), leaving, document.documentElement.lang]);
  if (row.dataset.parts === signature) return;
  row.dataset.parts = signature;
  row.querySelector(".row-badges").replaceChildren(...badges(question, on.experts.declined(question.id).length, leaving), ...(on.remembers() ? earlierBadge(question) : []));
  if (leaving) return; // it says where it went; all else stays until it goes
  row.querySelector(".row-more").replaceChildren(...suggestions(question, on), ...outcome(question));
  row.querySelector(".row-acts").replaceChildren(...doingButtons(question, on.doing));
}

function badges(question, declined, leaving) {
  const found = [];
  if (leaving) found.push(badge(question.status));
  if (question.pinned) found.push(badge("pin", t("pinned"), "queued"));
  found.push(...surenessBadge(question));
  if (question.refused) found.push(refusedBadge(question.refused));
  if (question.assigned) found.push(badge("expert", t("board.for", { name: shown(question.assigned) }), "queued"));
  if (declined) found.push(badge("expert", t("experts.declined.badge", { n: declined }), "warn"));
  for (const label of question.labels) found.push(badge("label", shown(label), ""));
  return found;
}

/** Somebody said of what the course has that it does not answer this: it is for people. */
function refusedBadge(n) {
  const node = badge("close", t("board.refused"), "warn");
  node.title = t("board.refused.why", { n });
  return node;
}

export const unsure = (question) => question.doubtful > 0;

/** How sure the grouping was: how many wordings may ask something else, or else how alike the one is that fits least; nothing where
 * there is but one wording. */
export function surenessBadge(question) {
  if (question.sureness === null) return [];
  const n = percent(question.sureness);
  const node = unsure(question) ? badge("warn", t("board.unsure", { k: question.doubtful, of: question.messages }), "warn") : el("span", { class: "sure", text: t("board.sure", { n }) });
  node.title = t("board.unsure.why", { n });
  return [node];
}

/** What became of it: the answer, or why it was dismissed and who may know. */
export function outcome(question) {
  if (question.status === "dismissed" && (question.reason || question.reason_shown)) {
    const why = question.reason ? t("board.reason", { text: shown(question.reason) }) : "";
    return [el("p", { class: "faint", dir: "auto", text: [why, question.reason_shown ? t("board.reason.shown") : ""].filter(Boolean).join(" · ") })];
  }
  return question.status === "answered" && question.answer ? [foldable(answerBox(question.answer))] : [];
}

/** The course's suggested answer, what was asked before and the groups that may be the same; in the panel the `whole`. */
export function suggestions(question, on, whole = false) {
  const found = [];
  const open = question.status !== "answered" && question.status !== "dismissed";
  if (question.suggested_answer && open) found.push(suggestedAnswer(question, on));
  if (open && on.remembers()) found.push(...earlierBlock(question, on, whole));
  for (const { question: id, likelihood } of open ? question.suggested_merge : []) {
    const title = on.title(id);
    if (title) found.push(suggestedMerge(question, id, likelihood, title, on));
  }
  return found;
}

function suggestedAnswer(question, on) {
  const { source, score, text } = question.suggested_answer;
  const head = el("p", { class: "suggest-head" }, icon("book"), el("span", { text: t("board.suggested") }), chance(percent(score)));
  const foot = el("p", { class: "answer-source" }, t("answer.source", { source: "" }), el("bdi", { text: shown(source) }));
  const accept = button({ icon: "check", word: t("board.accept"), "data-do": "accept", act: (event) => (event.stopPropagation(), on.doing("accept", question.id)) });
  return el("div", { class: "suggest suggest-one" }, head, foldable(said(text)), foot, mayDo("accept") && accept);
}

function suggestedMerge(question, id, likelihood, title, on) {
  const head = el("p", { class: "suggest-head" }, icon("merge"), el("span", { text: t("board.same") }), chance(percent(likelihood)));
  const merge = button({ icon: "merge", word: t("board.same.merge"), "data-do": "merge", act: (event) => (event.stopPropagation(), on.mergeSame(question.id, id)) });
  const apart = button({ icon: "close", word: t("board.same.apart"), "data-do": "apart", act: (event) => (event.stopPropagation(), on.apart(question.id, id)) });
  return el("div", { class: "suggest" }, head, said(short(title, 120)), mayDo("merge") && el("div", { class: "suggest-acts" }, merge, apart));
}
