// Captions for a streaming program: the question on stage, and each answer once, for viewers of chats that nobody can
// write back to. ?size=small|large, ?theme=light, ?lang=zh|en.
import { byId, setText, shown } from "./dom.js";
import { setLanguage, t } from "./i18n.js";
import { Live, onStage } from "./live.js";
import { answeredBy } from "./pieces.js";
import { pageFacts, startShell } from "./shell.js";
import "./words/stage.js";

const FEWEST = 8000; // milliseconds that an answer stays
const A_LETTER = 110; // and for each of its letters
const MOST = 30000;
const MOST_WAITING = 4; // answers: viewers can have the course answer without end, and the stage must have its turn

const facts = pageFacts();
const wishes = new URLSearchParams(location.search);
const live = new Live(facts.session);
const told = new Map(); // question id → the answer that was shown, or stood before the page was opened
const waiting = []; // questions whose answer is still to be shown
let showing = null;
let opened = false;

function take() {
  for (const question of live.questions.values()) {
    const { id, status, answer } = question;
    if (status !== "answered" || !answer) continue;
    const given = `${answer.at} ${answer.text}`; // not which is later: a chat's clock may be wrong
    if (told.get(id) === given) continue;
    told.set(id, given);
    if (opened) waitFor(question);
  }
  opened = true;
  if (!showing) next();
}

function waitFor(question) {
  waiting.push(question);
  if (waiting.length <= MOST_WAITING) return;
  const least = waiting.findIndex(({ answer }) => answer.by === "course");
  waiting.splice(Math.max(0, least), 1);
}

function next() {
  const question = waiting.shift();
  showing = question ? setTimeout(next, stay(question)) : null;
  if (question) draw({ label: t("overlay.answered"), question, answer: shown(question.answer.text), foot: from(question) });
  else drawStage();
}

const stay = ({ answer }) => Math.min(MOST, FEWEST + A_LETTER * answer.text.length);

function from({ answer }) {
  return `${answeredBy(answer.by)} · ${facts.joinUrl.replace(/^https?:\/\//, "")}`;
}

function drawStage() {
  if (showing) return;
  const question = onStage([...live.questions.values()]);
  byId("caption").hidden = !question;
  if (question) draw({ label: t("stage.now"), question, answer: "", foot: t("people.want", { n: question.people }) });
}

function draw({ label, question, answer, foot }) {
  const box = byId("caption");
  const key = `${question.id} ${answer}`;
  if (box.dataset.key !== key || box.hidden) {
    box.classList.remove("fresh");
    void box.offsetWidth; // lets the animation begin anew
    box.classList.add("fresh");
  }
  box.dataset.key = key;
  box.hidden = false;
  setText(byId("label"), label);
  setText(byId("question"), shown(question.title));
  setText(byId("answer"), answer);
  byId("answer").hidden = !answer;
  setText(byId("foot"), foot);
}

document.body.dataset.size = wishes.get("size") ?? "medium";
document.body.dataset.theme = wishes.get("theme") ?? "dark";
startShell();
setLanguage(["zh", "en"].includes(wishes.get("lang")) ? wishes.get("lang") : facts.language, { keep: false });
live.addEventListener("change", () => (take(), drawStage()));
live.start();
