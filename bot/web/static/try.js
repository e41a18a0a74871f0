// The section of the test run: a code to send into each chat, ticked as soon as it arrives.
import { call, inSession } from "./api.js";
import { byId, el, icon, setText, shown } from "./dom.js";
import { clock, language, onLanguage, t } from "./i18n.js";
import { chatMark, chatName } from "./pieces.js";
import { pageFacts, toast, toastFailure } from "./shell.js";
import { isDown, SourcesWatch } from "./sources-watch.js";
import "./words/course.js";

const WEB = "web";
const MARKS = { waiting: "wait", heard: "check", answered: "check", sending: "send", failed: "warn" };
const TONES = { waiting: "", heard: "answered", answered: "answered", sending: "queued", failed: "bad" };
const HOW = { web: "try.do.web", intake: "try.do.intake" }; // what to do where it is not "send it in the chat"
const STATES = { none: "heard", waiting: "sending", sending: "sending", sent: "answered", failed: "failed" };

const watch = new SourcesWatch(pageFacts().session, 5);
let run = null; // TryoutOut
let told = () => {};

const isOver = () => !run?.running || Date.now() / 1000 >= run.ends;
const words = () => t("try.text", { code: run.code });

async function start() {
  try {
    run = await call("POST", inSession(pageFacts().session, "/tryout"), {});
    draw();
    byId("try-code").focus();
  } catch (error) {
    toastFailure(error);
  }
}

/** Why nothing can arrive from a chat now; "" where it is heard. */
function trouble(source) {
  const known = watch.view?.sources.find((one) => one.source === source);
  if (!known || !isDown(known, watch.view.at)) return "";
  return t("sources.alarm", { name: shown((language() === "zh" ? known.trouble_zh : known.trouble) || chatName(source)) });
}

function advice(source) {
  if (source.heard_at !== null) {
    if (source.reply === "failed") return shown(language() === "zh" ? source.error_zh : source.error);
    if (source.reply === "none") return t(source.source === WEB ? "try.reply.web" : "try.reply.none");
    return "";
  }
  return trouble(source.source) || t(HOW[source.source === WEB ? WEB : source.kind] ?? "try.do");
}

function row(source) {
  const heard = source.heard_at !== null;
  const state = heard ? STATES[source.reply] : "waiting";
  const badge = el("span", { class: "badge", data: { tone: TONES[state] } }, icon(MARKS[state]), el("span", { text: t(`try.${state}`) }));
  const who = heard && el("span", { class: "faint", text: t("try.by", { name: shown(source.name) || t("viewer.name.anonymous"), time: clock(source.heard_at) }) });
  const head = el("p", { class: "try-head" }, chatMark(source.source), el("bdi", { class: "try-name", text: shown(chatName(source.source)) }), badge, who);
  const bad = (heard && source.reply === "failed") || (!heard && trouble(source.source));
  const what = advice(source);
  const link = !heard && source.source === WEB && el("a", { class: "link", href: pageFacts().joinUrl, target: "_blank", rel: "noopener", text: t("try.open") });
  return el("li", { data: { source: source.source, state } }, head, what && el("p", { class: bad ? "bad-note" : "faint", dir: "auto", text: what }), link);
}

function draw() {
  const over = isOver();
  told({ run, down: run?.sources.filter((one) => trouble(one.source)).map((one) => chatName(one.source)) ?? [] });
  byId("try-run").hidden = !run?.code;
  setText(byId("try-start").querySelector("span"), t(run?.code && !over ? "try.again" : "try.start"));
  byId("try-start").classList.toggle("primary", over);
  if (!run?.code) return;
  byId("try-say").hidden = over;
  setText(byId("try-code"), words());
  setText(byId("try-until"), over ? t("try.over") : t("try.until", { time: clock(run.ends) }));
  const heard = run.sources.filter((source) => source.heard_at !== null).length;
  const all = heard === run.sources.length;
  setText(byId("try-count").querySelector("span"), all ? t("try.all") : t("try.count", { n: heard, all: run.sources.length }));
  byId("try-count").dataset.tone = all ? "answered" : "queued";
  byId("try-count").querySelector("use").setAttribute("href", all ? "#i-check" : "#i-wait");
  const signature = JSON.stringify([run, over, language(), run.sources.map((one) => trouble(one.source))]);
  const list = byId("try-sources");
  if (list.dataset.drawn === signature) return;
  list.dataset.drawn = signature;
  list.replaceChildren(...run.sources.map(row));
}

async function copy() {
  try {
    await navigator.clipboard.writeText(words());
    toast(t("try.copied"), { slot: "copied" });
  } catch {
    getSelection().selectAllChildren(byId("try-code")); // a hall's own network is no secure context: copy by hand
  }
}

/** Starts the section; `live` tells the topic "tryout", `tell` hears {run: TryoutOut, down: names of chats that are not heard}. */
export function startTry(live, tell) {
  told = tell;
  byId("try-start").addEventListener("click", start);
  byId("try-copy").addEventListener("click", copy);
  live.addEventListener("tryout", ({ detail }) => {
    run = detail;
    draw();
  });
  watch.addEventListener("change", draw);
  watch.ask();
  onLanguage(draw);
  setInterval(draw, 15000); // it ends by itself
}
