// Signing in, with a link or with a name and a password. The form works without this; it says more with it.
import { byId, el, icon } from "./dom.js";
import { language, onLanguage } from "./i18n.js";
import { grantLine, passwordHints } from "./roles.js";
import { startShell } from "./shell.js";
import "./words/plain.js";

const { link } = JSON.parse(byId("page-data").textContent);
const titles = Object.fromEntries((link?.roles ?? []).map((role) => [role.session, role.title]));

function draw() {
  byId("roles")?.replaceChildren(...(link?.roles ?? []).map((role) => el("li", { class: "badge", data: { tone: "queued" } }, icon("people"), el("span", { text: grantLine(role, titles), dir: "auto" }))));
  passwordHints();
  // What is wrong is said in the language of the page, whatever the browser's is.
  const query = new URLSearchParams(location.search);
  query.set("lang", language());
  byId("signin").action = `${location.pathname}?${query}`;
}

startShell();
onLanguage(draw);
draw();
