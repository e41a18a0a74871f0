// Whether every chat is heard.
import { byId, el, icon, said, setText, shown } from "./dom.js";
import { ago, clock, lasted, onLanguage, t } from "./i18n.js";
import { chatMark, chatName } from "./pieces.js";
import { pageFacts, showConnection, startShell, toastFailure } from "./shell.js";
import { drawStrip, gap, inWords } from "./sources-strip.js";
import { isDown, SourcesWatch } from "./sources-watch.js";
import "./words/sources.js";

const MARKS = { connected: "online", starting: "wait", lost: "offline", refused: "close" };
const TONES = { connected: "answered", starting: "queued", lost: "bad", refused: "bad" };
const SVG = "http://www.w3.org/2000/svg";

const watch = new SourcesWatch(pageFacts().session, 5);
const cards = new Map();

// -- one source -------------------------------------------------------------------------------------------------------------

function makeCard(name) {
  const strip = document.createElementNS(SVG, "svg");
  strip.setAttribute("class", "strip");
  strip.setAttribute("role", "img");
  const card = {
    strip,
    title: el("h2", { class: "source-name" }),
    badge: el("span", { class: "badge" }),
    trouble: el("p", { class: "source-trouble" }, icon("warn"), el("span", { dir: "auto" })),
    times: el("div", { class: "strip-times", "aria-hidden": "true" }, el("span"), el("span"), el("span")),
    facts: el("dl", { class: "source-facts" }),
    gaps: el("details", { class: "source-gaps" }, el("summary"), el("ol")),
  };
  const head = el("div", { class: "source-head" }, chatMark(name), card.title, card.badge);
  card.node = el("li", { class: "source", data: { source: name } }, head, card.trouble, el("div", {}, strip, card.times), card.facts, card.gaps);
  return card;
}

function drawCard(card, source, view) {
  card.node.toggleAttribute("data-down", isDown(source, view.at));
  drawName(card.title, source);
  drawBadge(card.badge, `sources.state.${source.state}`, MARKS[source.state], TONES[source.state]);
  card.trouble.hidden = !source.trouble;
  setText(card.trouble.querySelector("span"), shown(inWords(source, "trouble")));
  drawStrip(card.strip, source, view);
  const begin = view.at - view.hours * 3600;
  const times = [clock(begin), clock(begin + view.hours * 1800), t("sources.now")];
  times.forEach((time, at) => setText(card.times.children[at], time));
  drawFacts(card.facts, facts(source, view));
  drawGaps(card.gaps, source.outages, view.at);
}

function drawName(node, source) {
  const kind = source.kind && source.kind !== source.source ? chatName(source.kind) : "";
  const name = shown(chatName(source.source));
  if (node.dataset.name === `${name} ${kind}`) return;
  node.dataset.name = `${name} ${kind}`;
  node.replaceChildren(el("bdi", { text: name }), ...(kind ? [el("span", { class: "source-kind", text: kind })] : []));
}

function drawBadge(node, word, mark, tone) {
  if (node.dataset.word === t(word)) return;
  Object.assign(node.dataset, { word: t(word), tone });
  node.replaceChildren(icon(mark), el("span", { text: t(word) }));
}

function facts(source, view) {
  const last = source.last_at === null ? "" : ` · ${t("sources.last", { ago: ago(source.last_at) })}`;
  const found = [
    [`sources.for.${source.state}`, `${lasted(view.at - source.since)} · ${t("sources.since", { time: clock(source.since) })}`],
    ["sources.messages", `${source.messages}${last}`],
    ["sources.reconnects", String(source.reconnects)],
    ["sources.missed", source.missed ? lasted(source.missed) : t("sources.nothing")],
  ];
  if (source.filled) found.push(["sources.filled", lasted(source.filled)]);
  return [...found, ["sources.sending", sending(source.sending)]].map(([key, value]) => [t(key, { n: view.hours }), value]);
}

function sending(used) {
  if (!used) return t("sources.sending.none");
  const parts = [];
  if (used.minute_limit) parts.push(t("sources.sending.minute", { used: used.minute, most: used.minute_limit }));
  if (used.hour_limit) parts.push(t("sources.sending.hour", { used: used.hour, most: used.hour_limit }));
  return parts.join(" · ");
}

function drawFacts(node, found) {
  while (node.children.length > found.length) node.lastChild.remove();
  while (node.children.length < found.length) node.append(el("div", {}, el("dt"), el("dd")));
  found.forEach(([name, value], at) => {
    setText(node.children[at].firstChild, name);
    setText(node.children[at].lastChild, value);
  });
}

function drawGaps(node, outages, now) {
  node.hidden = outages.length === 0;
  setText(node.querySelector("summary"), t("sources.gaps", { n: outages.length }));
  const items = [...outages].reverse().map((outage) => {
    const what = outage.filled ? "filled" : "missed";
    const mark = el("span", { class: "badge", data: { tone: outage.filled ? "warn" : "bad" } }, icon(outage.filled ? "check" : "close"), t(`sources.gap.${what}`));
    return el("li", {}, el("span", { text: gap(outage, now) }), mark, said(inWords(outage, "why")));
  });
  node.querySelector("ol").replaceChildren(...items);
}

// -- all of them --------------------------------------------------------------------------------------------------------------

function draw() {
  const view = watch.view;
  if (!view) return;
  for (const [name, card] of cards) if (!view.sources.some((source) => source.source === name)) card.node.remove(), cards.delete(name);
  for (const source of view.sources) {
    if (!cards.has(source.source)) {
      cards.set(source.source, makeCard(source.source));
      byId("sources").append(cards.get(source.source).node);
    }
    drawCard(cards.get(source.source), source, view);
  }
  byId("sources-empty").hidden = view.sources.length > 0;
  byId("legend").hidden = view.sources.length === 0;
  drawSummary(view);
}

function drawSummary(view) {
  const down = view.sources.filter((source) => isDown(source, view.at)).length;
  const node = byId("summary");
  node.hidden = view.sources.length === 0;
  const word = down ? t("sources.down", { n: down }) : t("sources.well");
  if (node.textContent === word) return;
  node.dataset.tone = down ? "bad" : "answered";
  node.replaceChildren(icon(down ? "warn" : "check"), el("span", { text: word }));
}

startShell();
watch.addEventListener("change", draw);
watch.addEventListener("refused", (event) => toastFailure(event.detail));
onLanguage(draw);
showConnection(watch, byId("connection"));
watch.ask();
