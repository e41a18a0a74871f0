// The section of the course: send it, look at what was understood, use it, take it back.
import { call, Failure, inSession, unanswered } from "./api.js";
import { button, byId, el, icon, setText, shown } from "./dom.js";
import { day, language, onLanguage, t } from "./i18n.js";
import { pageFacts, toast, toastFailure } from "./shell.js";
import "./words/course.js";

const MB = 1024 * 1024;
const path = (rest = "") => inSession(pageFacts().session, `/course${rest}`);

let state = null; // CourseOut
let preview = null; // CourseReadOut
let sending = null; // {name, percent, request}
let reading = {}; // what the server says of a course that comes in
let failure = "";
let told = () => {};

// -- sending ----------------------------------------------------------------------------------------------------------

function send(file) {
  if (sending) return;
  failure = preview = "";
  if (state && file.size > state.largest) return fail(t("course.too_large", { name: file.name, n: state.largest / MB }));
  const request = new XMLHttpRequest(); // fetch tells nothing of how far it is
  sending = { name: file.name, percent: 0, request };
  request.open("POST", `/api/v1${path(`?name=${encodeURIComponent(file.name.slice(-200))}`)}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("Accept-Language", language());
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    if (sending) sending.percent = Math.floor((loaded / Math.max(1, total)) * 100);
    draw();
  });
  request.addEventListener("load", () => {
    if (request.status === 201) look(request.response);
    else fail(new Failure(request.status, request.response?.code ?? "bad_input", request.response?.error ?? "").advice);
  });
  request.addEventListener("error", () => fail(unanswered().advice));
  request.addEventListener("loadend", () => {
    sending = null;
    draw();
    if (request.status === 201) byId("course-preview").focus();
  });
  request.send(file);
  draw();
}

function fail(words) {
  failure = words;
  draw();
}

function look(read) {
  preview = read;
  refresh();
}

async function refresh() {
  try {
    state = await call("GET", path());
  } catch (error) {
    toastFailure(error);
  }
  draw();
}

async function use(version) {
  const name = title(version);
  try {
    state = await call("POST", path("/use"), { version: version.id });
    preview = null;
    const { action } = state;
    toast(t("course.used", { name }), { slot: "course", action: action ? { word: t("course.undo"), act: () => takeBack(action) } : null });
    draw();
    byId("course").querySelector("h2").focus();
  } catch (error) {
    toastFailure(error);
    refresh();
  }
}

async function takeBack(action) {
  try {
    await call("POST", inSession(pageFacts().session, "/undo"), { action });
    toast(t("course.undone"));
  } catch (error) {
    toastFailure(error);
  }
  refresh();
}

// -- what is shown ----------------------------------------------------------------------------------------------------

const title = (version) => shown(version.name);
const problemText = (one) => shown(language() === "zh" ? one.text_zh : one.text);

function from(version) {
  if (!version.at) return t("course.from.folder", { name: title(version) });
  return t("course.from", { name: title(version), who: shown(version.by), time: day(version.at) });
}

function listed(items, whole, line) {
  const list = el("ul", { class: "course-list" }, ...items.map(line));
  if (whole > items.length) list.append(el("li", { class: "faint", text: t("course.more", { n: whole - items.length }) }));
  return list;
}

const piece = (one) => el("li", {}, el("bdi", { text: shown(one.title) }), el("span", { class: "faint", text: shown(one.source) }));

function problem(one) {
  const where = one.line === null ? one.file : `${one.file}:${one.line}`;
  return el("li", {}, el("b", { dir: "auto", text: shown(where) }), el("span", { text: problemText(one) }));
}

function folded(word, mark, tone, content, open = false) {
  const head = el("summary", {}, el("span", { class: "badge", data: { tone } }, icon(mark), el("span", { text: word })));
  return el("details", { open }, head, content);
}

function changed(changes) {
  const kinds = [["new", "new", "answered"], ["changed", "edit", "queued"], ["gone", "close", "warn"]];
  const there = kinds.filter(([kind]) => changes[kind]);
  if (!there.length) return [el("p", { text: t("course.same") })];
  return there.map(([kind, mark, tone]) =>
    folded(t(`course.${kind}`, { n: changes[kind] }), mark, tone, listed(changes[`first_${kind}`], changes[kind], piece)));
}

function problems(read) {
  if (!read.problem_count) {
    return el("p", { class: "badge", data: { tone: "answered" } }, icon("check"), el("span", { text: t("course.no_problems") }));
  }
  const word = t("course.problems", { n: read.problem_count });
  return folded(word, "warn", "warn", listed(read.problems, read.problem_count, problem), read.problem_count <= 5);
}

function files(read) {
  const head = ["course.file", "course.file.entries", "course.file.passages", "course.file.problems"];
  const row = (one) => el("tr", {}, el("th", { scope: "row", dir: "auto", text: shown(one.file) }), ...[one.entries, one.passages, one.problems].map((n) => el("td", { text: n ? String(n) : "–" })));
  const names = el("tr", {}, ...head.map((key) => el("th", { scope: "col", text: t(key) })));
  const table = el("table", {}, el("thead", {}, names), el("tbody", {}, ...read.files.map(row)));
  return folded(t("course.files"), "book", "", el("div", { class: "course-table", tabindex: "0", role: "region", "aria-label": t("course.files") }, table));
}

function drawNow() {
  const { used } = state;
  const any = used.entries + used.passages > 0;
  const lines = [el("p", { text: t(any ? "course.now" : "course.none", { n: used.entries, m: used.passages }) })];
  if (used.version) lines.push(el("p", { class: "faint", dir: "auto", text: from(used.version) }));
  if (used.problem_count) lines.push(problems(used));
  if (any) lines.push(files(used));
  byId("course-now").replaceChildren(...lines);
}

function drawPreview() {
  const node = byId("course-preview");
  node.hidden = !preview;
  if (!preview) return node.replaceChildren();
  const { version } = preview;
  const any = preview.entries + preview.passages > 0;
  const facts = t("course.facts", { n: preview.entries, m: preview.passages, files: preview.files.filter((f) => f.entries + f.passages).length });
  const actions = el("div", { class: "actions" }, button({ word: t("course.leave"), act: () => ((preview = null), draw(), byId("course-file").focus()) }));
  if (any && !version.used) actions.append(button({ icon: "check", word: t("course.use"), class: "button primary", id: "course-use", act: () => use(version) }));
  node.replaceChildren(
    el("h3", { dir: "auto", text: t("course.preview", { name: title(version) }) }),
    el("p", { text: any ? facts : t("course.empty") }),
    ...(preview.changes ? changed(preview.changes) : []),
    problems(preview),
    files(preview),
    actions,
  );
}

function drawVersions() {
  const node = byId("course-versions");
  node.hidden = !state.versions.some((version) => !version.used);
  const rows = state.versions.map((version) => {
    const act = version.used
      ? el("span", { class: "badge", data: { tone: "answered" } }, icon("check"), el("span", { text: t("course.in_use") }))
      : button({ word: t("course.look"), label: `${t("course.look")}${t("colon")}${title(version)}`, act: () => call("GET", path(`/${encodeURIComponent(version.id)}`)).then((read) => (look(read), byId("course-preview").focus()), toastFailure) });
    return el("li", {}, el("span", { dir: "auto", text: from(version) }), act);
  });
  byId("course-versions-list").replaceChildren(...rows);
}

function drawProgress() {
  const node = byId("course-progress");
  const others = !sending && reading.name;
  node.hidden = !sending && !others;
  if (node.hidden) return;
  const bar = node.querySelector("progress");
  const sent = sending && sending.percent < 100;
  if (sent) bar.value = sending.percent / 2;
  else if (reading.files) bar.value = 50 + (reading.done / reading.files) * 50;
  else bar.removeAttribute("value");
  byId("course-stop").hidden = !sending;
  let words = t("course.reading", { name: sending?.name ?? "" });
  if (sent) words = t("course.sending", { name: sending.name, percent: Math.floor(sending.percent / 10) * 10 });
  else if (reading.files) words = t("course.reading.file", { at: reading.done + 1, n: reading.files, file: shown(reading.file) });
  if (others) words = t("course.other", { who: shown(reading.by), name: shown(reading.name) });
  setText(node.querySelector("p"), words);
}

function draw() {
  drawProgress();
  byId("course-error").hidden = !failure;
  setText(byId("course-error").querySelector("span"), shown(failure));
  if (!state) return;
  setText(byId("course-how"), t("course.how", { n: state.largest / MB }));
  drawNow();
  drawPreview();
  drawVersions();
  told(state);
}

// -- by hand ----------------------------------------------------------------------------------------------------------

function startDropping(place) {
  const over = (on) => {
    place.toggleAttribute("data-over", on);
    setText(byId("course-drop-word"), t(on ? "course.drop.now" : "course.drop"));
  };
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  place.addEventListener("dragover", (event) => carries(event) && (event.preventDefault(), over(true)));
  place.addEventListener("dragleave", (event) => !place.contains(event.relatedTarget) && over(false));
  place.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over(false);
    const [item] = event.dataTransfer.items;
    if (item?.webkitGetAsEntry?.()?.isDirectory) return fail(t("course.folder"));
    if (event.dataTransfer.files[0]) send(event.dataTransfer.files[0]);
  });
  // A file that misses the place must not open in its stead.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => carries(event) && event.preventDefault());
}

/** Starts the section; `live` tells the topic "course", `tell` hears how the course is (CourseOut). */
export function startCourse(live, tell) {
  told = tell;
  const chooser = byId("course-file");
  chooser.addEventListener("change", () => {
    if (chooser.files[0]) send(chooser.files[0]);
    chooser.value = ""; // the same file may be chosen again, mended
  });
  byId("course-stop").addEventListener("click", () => sending?.request.abort());
  startDropping(byId("course"));
  live.addEventListener("course", ({ detail }) => {
    const was = reading.name;
    reading = detail;
    if (was && !reading.name && !sending) refresh();
    else draw();
  });
  live.addEventListener("session", refresh); // another course may be set by somebody else
  onLanguage(draw);
  refresh();
}
