// Captions for a streaming program: the question on stage, and each answer once, for viewers of chats that nobody can
// write back to. What the address may wish for is in overlay-wishes.js; ?help shows it.
import { byId, el, setText, shown } from "./dom.js";
import { setLanguage, t } from "./i18n.js";
import { Live, onStage, wanting } from "./live.js";
import { readWishes, WISHES } from "./overlay-wishes.js";
import { answeredBy } from "./pieces.js";
import { enlarge, thin } from "./poll-fit.js";
import { pollPicture } from "./poll-picture.js";
import { pageFacts, startShell } from "./shell.js";
import { followTalk } from "./talk.js";
import { cutToFit } from "./text-cut.js";
import "./words/polls.js";
import "./words/stage.js";

const FEWEST = 8000; // milliseconds that an answer stays
const A_LETTER = 110; // and for each of its letters
const MOST = 30000;
const MOST_WAITING = 4; // answers: viewers can have the course answer without end, and the stage must have its turn
const LINES = { question: 3, answer: 5, poll: 2 }; // at most
const ROOM = [[0.55, 0.75], [0.92, 0.4]]; // of the picture's height for a poll; letters smaller than that take the next
const ENDLESS = ["words", "open"]; // of these only as many as stay out of the speaker's face
const MANY = 8; // options: from then on in two columns
const LINE = 1.35; // letters' heights
const AROUND = 5.4; // the same: what stands above and below both texts
const SMALLEST = 14; // pixels, as in overlay.css

const facts = pageFacts();
const { wishes, wrong } = readWishes(location.search);
const address = facts.joinUrl.replace(/^https?:\/\//, "");
const live = new Live(facts.session, ["polls", "session"]);
const told = new Map(); // question id → the answer that was shown, or stood before the page was opened
const waiting = []; // questions whose answer is still to be shown
let poll = null; // the one on the stage
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
  if (question) drawAnswer(question);
  else drawStage();
}

const stay = ({ answer }) => (wishes.stay ? wishes.stay * 1000 : Math.min(MOST, FEWEST + A_LETTER * answer.text.length));

function drawAnswer(question) {
  draw({ label: t("overlay.answered"), question, answer: shown(question.answer.text), foot: `${answeredBy(question.answer.by)} · ${address}` });
}

function drawStage() {
  if (showing) return;
  if (poll) return drawPoll();
  const question = onStage([...live.questions.values()]);
  byId("caption").hidden = !question;
  if (question) draw({ label: t("stage.now"), question, answer: "", foot: t("people.want", { n: wanting(question) }) });
}

function drawPoll() {
  const box = byId("caption");
  const picture = byId("caption-poll");
  const how = poll.status === "open" && poll.marks.some(Boolean);
  const foot = [t("poll.people", { n: poll.people }), how && t("poll.type", { marks: poll.marks.slice(0, 3).join(t("poll.or")) })].filter(Boolean).join(" · ");
  const label = [t("overlay.poll"), poll.status === "closed" && t("poll.status.closed")].filter(Boolean).join(" · ");
  draw({ label, question: poll, answer: "", foot, most: LINES.poll });
  box.dataset.poll = poll.options.length > MANY ? "many" : "few";
  picture.replaceChildren(pollPicture(poll));
  const fits = (part) => box.offsetHeight <= innerHeight * part && picture.scrollWidth <= picture.clientWidth + 1;
  const rooms = ENDLESS.includes(poll.kind) ? ROOM.slice(0, 1) : ROOM;
  rooms.some(([part, least]) => enlarge(picture, () => fits(part), 1, least) >= least);
  const whole = () => fits(rooms.at(-1)[0]);
  // What is then still too long: each option in one line, a text in two, and of the last ones none.
  picture.classList.toggle("tight", !whole());
  if (!picture.classList.contains("tight")) return;
  setText(byId("foot"), withAddress(foot));
  thin(picture.querySelector(".poll-bars, .poll-texts, .poll-words"), whole);
  if (!whole()) enlarge(picture, () => fits(ROOM.at(-1)[0]), 1, ROOM.at(-1)[1]);
}

const withAddress = (foot) => (foot.includes(address) ? foot : `${foot} · ${t("overlay.all", { address })}`);

function draw({ label, question, answer, foot, most = LINES.question }) {
  byId("caption-poll").replaceChildren();
  const box = byId("caption");
  delete box.dataset.poll;
  const key = `${question.id} ${answer}`;
  if (box.dataset.key !== key || box.hidden) {
    box.classList.remove("fresh");
    void box.offsetWidth; // lets the animation begin anew
    box.classList.add("fresh");
  }
  box.dataset.key = key;
  box.hidden = false;
  setText(byId("label"), label);
  byId("answer").hidden = !answer;
  const cut = fill(shown(question.title), answer, most);
  setText(byId("foot"), cut ? withAddress(foot) : foot);
}

/** Shows both texts, cut to the lines there is room for; true where one was cut. */
function fill(title, answer, most) {
  // Letters of any size leave room for a line of each; what is over goes to the answer.
  const letters = Math.max(SMALLEST, (wishes.size * Math.min(innerHeight, innerWidth)) / 100);
  const room = Math.floor((innerHeight * 0.92 / letters - AROUND) / LINE);
  const lines = Math.max(1, Math.min(most, answer ? Math.floor(room / 2) : room));
  const parts = [
    [byId("question"), title, lines],
    [byId("answer"), answer, Math.max(1, Math.min(LINES.answer, room - lines))],
  ];
  return parts.filter(([node, text, most]) => node.hidden || show(node, text, most) !== text).some(([node]) => !node.hidden);
}

function show(node, text, lines) {
  if (node.dataset.whole === `${lines} ${innerWidth} ${text}`) return node.dataset.cut === "yes" ? "" : text;
  node.style.setProperty("--lines", lines);
  const kept = cutToFit(text, (part) => ((node.textContent = part), node.scrollHeight <= node.clientHeight + 1));
  node.textContent = kept;
  node.dataset.whole = `${lines} ${innerWidth} ${text}`;
  node.dataset.cut = kept === text ? "no" : "yes";
  return kept;
}

/** For whoever sets it up: what the address may hold. Viewers of the stream never see it. */
function showHelp() {
  const rows = Object.entries(WISHES).flatMap(([name, { may }]) => [el("dt", { text: name }), el("dd", { text: `${t(`wish.${name}`)}${t("colon")}${may}` })]);
  const notes = wrong.map((one) => el("p", { class: "wrong", text: t("wish.wrong", one) }));
  document.body.append(el("section", { class: "overlay-help" }, el("h1", { text: t("wish.title") }), ...notes, el("dl", {}, ...rows)));
}

function sample() {
  if (wishes.sample === "poll") return ((poll = samplePoll()), drawPoll());
  const many = wishes.sample === "long" ? 12 : 1;
  const question = { id: "sample", title: t("sample.question").repeat(many > 1 ? 6 : 1), people: 31 };
  question.answer = { text: t("sample.answer").repeat(many), by: t("sample.by") };
  if (wishes.sample === "question") draw({ label: t("stage.now"), question, answer: "", foot: t("people.want", { n: wanting(question) }) });
  else drawAnswer(question);
}

function samplePoll() {
  const counts = [14, 9, 5];
  return {
    id: "sample", kind: "single", status: "open", title: t("sample.poll"), marks: ["1", "2", "3"], people: 28,
    options: counts.map((_, at) => t(`sample.poll.${at + 1}`)), result: { counts, mean: null, texts: [] },
  };
}

document.body.dataset.size = { 2.6: "small", 3.6: "medium", 5: "large" }[wishes.size] ?? "own";
document.body.style.setProperty("--letters", wishes.size);
document.body.dataset.theme = wishes.theme;
document.body.dataset.position = wishes.position;
startShell();
setLanguage(wishes.lang ?? facts.language, { keep: false });
for (const one of wrong) console.warn(t("wish.wrong", one));
if (new URLSearchParams(location.search).has("help")) showHelp();
if (wishes.sample) sample();
else {
  followTalk(live);
  live.addEventListener("session", () => (setLanguage(wishes.lang ?? facts.language, { keep: false }), drawStage()));
  live.addEventListener("polls", (event) => ((poll = event.detail.polls.find((one) => one.shown) ?? null), drawStage()));
  live.addEventListener("change", () => (take(), drawStage()));
  live.start();
  addEventListener("resize", () => drawStage());
}
