// What every page has: language, theme, toasts, dialogs, the mark of the connection.
import { byId, el, button, icon } from "./dom.js";
import { language, onLanguage, setLanguage, show, t } from "./i18n.js";

const THEMES = ["auto", "light", "dark"];
const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" };

function themeNow() {
  return document.documentElement.dataset.theme ?? "auto";
}

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("floormic.theme", theme);
  } catch {
    // the choice lives as long as the page
  }
}

function drawTheme(node) {
  const theme = themeNow();
  node.querySelector("use").setAttribute("href", `#i-${THEME_ICONS[theme]}`);
  node.title = t(`menu.theme.${theme}`);
  node.setAttribute("aria-label", node.title);
}

/** Wires the buttons `#language` and `#theme` where the page has them, and shows the page in its language. */
export function startShell() {
  byId("language")?.addEventListener("click", () => setLanguage(language() === "zh" ? "en" : "zh"));
  const theme = byId("theme");
  if (theme) {
    theme.addEventListener("click", () => {
      setTheme(THEMES[(THEMES.indexOf(themeNow()) + 1) % THEMES.length]);
      drawTheme(theme);
    });
    onLanguage(() => drawTheme(theme));
    drawTheme(theme);
  }
  for (const dialog of document.querySelectorAll("dialog")) closable(dialog);
  show();
}

/** Closes it by a press beside it or on what says so; while it is open, the toasts stand in it. A text that is selected
 * in it and let go beside it closes nothing, nor does a press on its own edge. */
export function closable(dialog) {
  for (const node of dialog.querySelectorAll("[data-close]")) node.addEventListener("click", () => dialog.close());
  let beside = false;
  dialog.addEventListener("pointerdown", (event) => (beside = event.target === dialog && isBeside(dialog, event)));
  dialog.addEventListener("click", (event) => beside && event.target === dialog && isBeside(dialog, event) && dialog.close());
  for (const event of ["toggle", "close"]) dialog.addEventListener(event, liftToasts); // not every browser toggles
}

function isBeside(dialog, { clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

/** Into the open dialog: what lies behind it can be neither pressed nor heard. */
function liftToasts() {
  const place = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  if (byId("toasts").parentElement !== place) place.append(byId("toasts"));
}

let asked = Promise.resolve();

/**
 * What the person chooses in `dialog`, which `fill()` makes ready; null where it was closed without. Of several at once
 * each is asked when the one before is answered, so that no answer is taken for another's.
 */
export function answerOf(dialog, fill) {
  const ask = (resolve) => {
    fill();
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true });
    dialog.showModal();
  };
  const answer = asked.then(() => new Promise(ask));
  asked = answer.catch(() => {});
  return answer;
}

let facts = null;

/**
 * What the server put on the page: `session` (id) with its `language` and `review`, `role`, `who` (the name signed in
 * with), `organises` (every session), `reads` (the role that the page needs what it reads for), `joinUrl`, `sources`
 * (names of chats by source and language), `longest` (characters of a message), `revision` (of what the page shows), `set`
 * (how the session is set).
 */
export function pageFacts() {
  if (facts) return facts;
  const page = JSON.parse(byId("page-data").textContent);
  const session = page.session?.id ?? "";
  const joinUrl = page.join_url ?? `${location.origin}/s/${encodeURIComponent(session)}`;
  const { language = "zh", review = false } = page.session ?? {};
  const { sources = {}, longest_message: longest, revision = 0 } = page;
  facts = { session, role: page.role, who: page.who ?? "", joinUrl, organises: page.organises, reads: page.least === "viewer" ? "" : page.role, sources, language, review, longest, revision, set: page.session };
  return facts;
}

/** Moderators and organisers may tidy the queue. */
export const moderates = (role) => role === "moderator" || role === "organiser";

/** Who works the stage: speakers too. */
export const stages = (role) => role === "speaker" || moderates(role);

/**
 * Says something for a while; `action` {word, act} adds a button. Errors stay longer. Of one `slot` only the newest
 * is shown.
 */
export function toast(text, { bad = false, action = null, slot = "" } = {}) {
  liftToasts();
  const place = byId("toasts");
  const node = el("div", { class: bad ? "toast toast-bad" : "toast", role: bad ? "alert" : "status", data: { slot } });
  if (slot) for (const old of place.querySelectorAll(`[data-slot="${slot}"]`)) old.remove();
  node.append(icon(bad ? "warn" : "check"), el("span", { text }));
  const gone = () => node.remove();
  if (action) node.append(button({ word: action.word, class: "button toast-act", act: () => (gone(), action.act()) }));
  node.append(button({ icon: "close", label: t("close"), class: "button toast-close", act: gone }));
  while (place.children.length > 2) place.firstChild.remove();
  place.append(node);
  let timer = setTimeout(gone, bad || action ? 9000 : 4000);
  node.addEventListener("pointerenter", () => clearTimeout(timer));
  node.addEventListener("pointerleave", () => (timer = setTimeout(gone, 3000)));
  return node;
}

/** Says what went wrong. Where a role is missing, signing in opens beside the page, so that nothing typed here is lost. */
export function toastFailure(failure) {
  const signIn = failure.code === "no_role" ? { word: t("menu.signin"), act: () => open("/signin", "_blank") } : null;
  toast(failure.advice ?? String(failure), { bad: true, action: signIn, slot: signIn ? "signin" : "" });
}

/** Shows the state of the connection with an icon and a word. */
export function showConnection(live, node) {
  const draw = () => {
    node.dataset.state = live.state;
    node.querySelector("use").setAttribute("href", `#i-${live.state === "live" ? "online" : "offline"}`);
    node.querySelector("span").textContent = t(`state.${live.state}`);
  };
  live.addEventListener("state", draw);
  onLanguage(draw);
  draw();
}

/** A long text is cut after some lines, with a button that shows the rest. */
export function foldable(text, after = 180) {
  const more = button({ class: "link", word: t("show.all") });
  const box = el("div", { class: "fold" }, text, more);
  more.addEventListener("click", (event) => {
    event.stopPropagation();
    const open = box.classList.toggle("open");
    more.textContent = t(open ? "show.less" : "show.all");
  });
  box.check = () => {
    more.hidden = text.textContent.length <= after && text.textContent.split("\n").length <= 4;
    box.classList.toggle("long", !more.hidden);
    more.textContent = t(box.classList.contains("open") ? "show.less" : "show.all");
  };
  box.check();
  return box;
}
