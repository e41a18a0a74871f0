// Who is here with which role; inviting, changing, ending.
import { call, notTwice } from "./api.js";
import { button, byId, el, icon, setText, shown } from "./dom.js";
import { ago, day, onLanguage, t } from "./i18n.js";
import { startAudience } from "./people-audience.js";
import { askGrant, startGrant } from "./people-grant.js";
import { grantLine, place, roleName } from "./roles.js";
import { startShell, toast, toastFailure } from "./shell.js";
import "./words/people.js";

let people = [];
let invitations = [];
let sessions = [];
let titles = {};
let made = null;

// -- doing ------------------------------------------------------------------------------------------------------------

async function read() {
  const [now, talks] = await Promise.all([call("GET", "/people"), call("GET", "/sessions")]);
  sessions = talks;
  titles = Object.fromEntries(talks.map((session) => [session.id, session.title]));
  take(now);
}

function take(now) {
  ({ people, invitations } = now);
  draw();
  if (byId("ledger-place").open) readLedger();
}

/** Does it and shows what there is then; true where it happened. */
async function act(method, path, body, done) {
  try {
    const answer = await call(method, `/people${path}`, body);
    if (answer.people) take(answer);
    else await read();
    toast(t(done));
    return true;
  } catch (failure) {
    toastFailure(failure);
    return false;
  }
}

const at = (person, rest = "") => `/${encodeURIComponent(person.id)}${rest}`;

async function invite() {
  await askGrant({ head: t("people.invite"), word: t("people.link.make"), sessions, titles, many: true, named: true }, async (grant) => {
    const { name, role, until } = grant;
    showLink(await call("POST", "/people/invitations", { name, role, sessions: grant.sessions, until }), [name, ...grantsOf(grant).map((one) => grantLine(one, titles))]);
  });
}

const grantsOf = ({ role, sessions: wanted, until }) => (wanted.length ? wanted : [""]).map((session) => ({ role, session, until }));

async function give(person, standing = null) {
  const head = t(standing ? "people.change" : "people.give", { name: shown(person.name) });
  await askGrant({ head, word: t("save"), sessions, titles, standing }, async ({ role, sessions: [session = ""], until }) => {
    take(await call("PUT", `/people${at(person, "/roles")}`, { role, session, until }));
    toast(t("people.given"));
  });
}

const link = (person) =>
  notTwice(`link ${person.id}`, async () => {
    try {
      showLink(await call("POST", `/people${at(person, "/link")}`), [person.name, t("people.link.device")]);
    } catch (failure) {
      toastFailure(failure);
    }
  });

function showLink(link, words) {
  made = link;
  setText(byId("made-for"), words.filter(Boolean).map(shown).join(" · "));
  byId("made-link").value = link.link;
  byId("made-qr").src = link.qr;
  drawMade();
  byId("made").showModal();
  read().catch(toastFailure);
}

/** Copies, or at least selects where the page may not copy (a hall's network without https). */
async function copy() {
  byId("made-link").select();
  try {
    await navigator.clipboard.writeText(made.link);
  } catch {
    if (!document.execCommand("copy")) return;
  }
  toast(t("people.copied"));
}

/** Asks once more before something that people would miss. */
function sure(head, what, word, act) {
  setText(byId("sure-head"), head);
  setText(byId("sure-what"), what);
  setText(byId("sure-do"), word);
  byId("sure-form").onsubmit = () => act();
  byId("sure").showModal();
}

// -- drawing ----------------------------------------------------------------------------------------------------------

function draw() {
  byId("persons").replaceChildren(...people.map(personCard));
  byId("invitations-place").hidden = invitations.length === 0;
  byId("invitations").replaceChildren(...invitations.map(openLink));
}

function personCard(person) {
  const name = el("h2", { class: "person-name" }, el("bdi", { text: shown(person.name) }));
  const head = el("div", { class: "person-head" }, name, person.me && el("span", { class: "badge", text: t("people.you") }), el("span", { class: "faint", text: facts(person) }));
  const grants = person.roles.map((role) => grant(person, role));
  const none = grants.length === 0 && el("p", { class: "faint", text: t("people.none") });
  return el("li", { class: "person", data: { person: person.id } }, head, el("ul", { class: "grants" }, ...grants), none, acts(person));
}

function facts(person) {
  const parts = [t(person.logins ? "people.logins" : "people.logins.none", { n: person.logins })];
  if (person.seen_at) parts.push(t("account.used", { ago: ago(person.seen_at) }));
  if (person.password) parts.push(t("people.password"));
  return parts.join(" · ");
}

function grant(person, role) {
  const line = grantLine(role, titles) + (role.holds ? "" : ` · ${t("role.ended")}`);
  const change = el("button", { type: "button", "data-do": "change", title: t("people.change", { name: shown(person.name) }), on: { click: () => give(person, role) } }, icon(role.holds ? "edit" : "clock"), el("span", { dir: "auto", text: line }));
  const take = el("button", { type: "button", "data-do": "take", "aria-label": t("people.take.of", { name: shown(person.name), role: roleName(role.role) }), title: t("people.take"), on: { click: () => takeAway(person, role) } }, icon("close"));
  return el("li", { class: "grant", "data-ended": !role.holds }, change, take);
}

function takeAway(person, role) {
  const what = t("people.take.what", { name: shown(person.name), role: roleName(role.role), place: place(role.session, titles) });
  sure(t("people.take"), what, t("people.take"), () => act("DELETE", at(person, "/roles"), { session: role.session }, "people.taken"));
}

function acts(person) {
  const name = shown(person.name);
  return el(
    "div",
    { class: "person-acts" },
    button({ icon: "new", word: t("people.give.short"), "aria-label": t("people.give", { name }), act: () => give(person) }),
    button({ icon: "qr", word: t("people.link.short"), "aria-label": t("people.link.of", { name }), act: () => link(person) }),
    person.logins > 0 && button({ icon: "move", word: t("account.everywhere"), "aria-label": t("people.signout.of", { name }), act: () => sure(t("account.everywhere"), t("people.signout.what", { name }), t("account.everywhere"), () => act("DELETE", at(person, "/logins"), undefined, "people.signout.done")) }),
    !person.me && button({ icon: "close", word: t("people.remove"), "aria-label": t("people.remove.of", { name }), act: () => sure(t("people.remove"), t("people.remove.what", { name }), t("people.remove"), () => act("DELETE", at(person), undefined, "people.removed")) }),
  );
}

function openLink(one) {
  const lines = one.roles.map((role) => grantLine(role, titles));
  const what = one.person ? t("people.link.device") : lines.join("; ");
  const when = t("people.open.by", { who: shown(one.made_by), time: day(one.expires_at) });
  const words = el("div", { class: "grow" }, el("b", {}, el("bdi", { text: shown(one.name) || t("people.open.anybody") })), el("p", { dir: "auto", text: what }), el("p", { class: "faint", text: when }));
  return el("li", {}, words, button({ icon: "close", word: t("people.revoke"), act: () => act("DELETE", `/invitations/${one.id}`, undefined, "people.revoked") }));
}

function drawMade() {
  if (made) setText(byId("made-note"), t("people.link.note", { time: day(made.expires_at) }));
}

async function readLedger() {
  try {
    const rows = await call("GET", "/people/ledger");
    byId("ledger").replaceChildren(...rows.map(deed));
  } catch (failure) {
    toastFailure(failure);
  }
}

function deed(row) {
  const roles = row.roles.map((role) => grantLine(role, titles)).join("; ");
  const what = t(`deed.${row.what}`, { who: shown(row.who) || "–", whom: shown(row.whom) || t("people.open.anybody") });
  return el("li", {}, el("time", { text: day(row.at) }), el("span", { class: "grow", dir: "auto", text: roles ? `${what} (${roles})` : what }));
}

startShell();
startGrant();
startAudience(sure);
onLanguage(() => (draw(), drawMade(), byId("ledger-place").open && readLedger()));
byId("invite-open").addEventListener("click", invite);
byId("made-copy").addEventListener("click", copy);
byId("ledger-place").addEventListener("toggle", () => byId("ledger-place").open && readLedger());
document.addEventListener("visibilitychange", () => !document.hidden && read().catch(toastFailure));
read().catch(toastFailure);
