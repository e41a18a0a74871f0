// One's own account: name, password, roles, and the devices on which one is signed in.
import { call } from "./api.js";
import { button, byId, el, icon, setText, shown } from "./dom.js";
import { ago, day, onLanguage, t } from "./i18n.js";
import { grantLine, passwordHints } from "./roles.js";
import { startShell, toast, toastFailure } from "./shell.js";

let me = null;
let titles = {};

function draw() {
  passwordHints();
  if (!me) return;
  byId("roles").replaceChildren(...me.roles.map((role) => el("li", { class: "badge", data: { tone: role.holds ? "queued" : "" } }, icon(role.holds ? "check" : "clock"), el("span", { dir: "auto", text: grantLine(role, titles) + (role.holds ? "" : ` · ${t("role.ended")}`) }))));
  byId("roles-none").hidden = me.roles.some((role) => role.holds);
  setText(byId("password-note"), t(me.password ? "account.password.ends" : "account.password.none"));
  byId("old-field").hidden = !me.password;
  byId("old").required = me.password;
  byId("logins").replaceChildren(...me.logins.map(device));
  byId("elsewhere").disabled = me.logins.length < 2;
}

function device(login) {
  const name = shown(login.device) || t("account.device.unknown");
  const times = [login.since && t("account.since", { time: day(login.since) }), login.used_at && t("account.used", { ago: ago(login.used_at) })];
  const words = el("div", { class: "grow" }, el("b", {}, el("bdi", { text: name })), el("p", { class: "faint", text: times.filter(Boolean).join(" · ") }));
  const end = login.here
    ? el("span", { class: "badge", data: { tone: "answered" } }, icon("check"), el("span", { text: t("account.here") }))
    : button({ word: t("account.end"), "aria-label": t("account.end.device", { device: name }), act: () => change("DELETE", `/logins/${login.id}`) });
  return el("li", {}, words, end);
}

/** Does it, and shows the account as it is then. What was typed stays where it was refused: `bad` says why. */
async function change(method, path, body, bad = null) {
  if (bad) bad.textContent = "";
  try {
    const answer = await call(method, `/account${path}`, body);
    me = answer.logins ? answer : await call("GET", "/account");
    draw();
    return answer;
  } catch (failure) {
    if (bad) bad.textContent = failure.advice;
    else toastFailure(failure);
    return null;
  }
}

byId("name-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!(await change("PUT", "/name", { name: byId("name").value }, byId("name-bad")))) return;
  byId("name").value = me.name;
  toast(t("account.name.done"));
});
byId("password-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!(await change("PUT", "/password", { old: me?.password ? byId("old").value : "", new: byId("new").value }, byId("password-bad")))) return;
  byId("old").value = byId("new").value = "";
  toast(t("account.password.done"));
});
byId("elsewhere").addEventListener("click", async () => {
  const answer = await change("DELETE", "/logins");
  if (answer) toast(t("account.elsewhere.done", { n: answer.ended }));
});

startShell();
onLanguage(draw);
draw();
Promise.all([call("GET", "/account"), call("GET", "/sessions")]).then(([account, sessions]) => {
  me = account;
  titles = Object.fromEntries(sessions.map((session) => [session.id, session.title]));
  byId("name").value = me.name;
  draw();
}, toastFailure);
