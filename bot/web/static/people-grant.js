// The dialog in which a role is chosen: which, where, until when.
import { byId, el, shown } from "./dom.js";
import { day, t } from "./i18n.js";
import { roleName } from "./roles.js";

const ROLES = ["moderator", "expert", "speaker", "organiser"];
const NIGHT = 4; // o'clock: an evening that lasts past midnight is still this evening

let submit = null;

/** Unix seconds of the end of this evening. */
function tonight() {
  const end = new Date();
  if (end.getHours() >= NIGHT) end.setDate(end.getDate() + 1);
  end.setHours(NIGHT, 0, 0, 0);
  return end.getTime() / 1000;
}

/** Unix seconds as a field for dates has them, in the time of this device. */
function local(at) {
  const date = new Date(at * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

const option = (value, text) => el("option", { value, text });

function fillUntil(standing) {
  const end = tonight();
  byId("grant-until").replaceChildren(option("tonight", t("people.until.tonight", { time: day(end) })), option("date", t("people.until.date")), option("never", t("people.until.never")));
  byId("grant-until").value = !standing ? "never" : standing.until ? "date" : "never";
  byId("grant-date").value = local(standing?.until ?? end);
  byId("grant-date").min = local(Date.now() / 1000);
}

function fillSessions({ sessions, titles, many, standing }) {
  const kind = many ? "checkbox" : "radio";
  const check = (id, text, on) => el("label", {}, el("input", { type: kind, name: "session", value: id, checked: on, "data-all": id === "" }), el("span", { dir: "auto", text }));
  const known = new Set([...sessions.map((session) => session.id), ...(standing?.session ? [standing.session] : [])]);
  byId("grant-sessions").replaceChildren(check("", t("people.where.all"), standing ? standing.session === "" : true), ...[...known].map((id) => check(id, shown(titles[id] ?? id), standing?.session === id)));
}

const boxes = () => [...byId("grant-sessions").querySelectorAll("input")];

/** "Every session" and a choice of some exclude each other; nothing chosen means nobody knows where. */
function exclude(event) {
  if (event.target.type !== "checkbox" || !event.target.checked) return;
  for (const box of boxes()) if (box.hasAttribute("data-all") !== event.target.hasAttribute("data-all")) box.checked = false;
}

function drawParts() {
  byId("grant-date-field").hidden = byId("grant-until").value !== "date";
  byId("grant-role-may").textContent = t(`people.may.${byId("grant-role").value}`);
}

function chosen() {
  const until = { never: null, tonight: tonight(), date: new Date(byId("grant-date").value).getTime() / 1000 }[byId("grant-until").value];
  const picked = boxes().filter((box) => box.checked).map((box) => box.value);
  if (picked.length === 0) throw new Error(t("people.where.none"));
  if (Number.isNaN(until)) throw new Error(t("people.until.none"));
  return { name: byId("grant-name").value, role: byId("grant-role").value, sessions: picked.filter(Boolean), until };
}

/** Opens the dialog; `act(grant)` may fail, which is said in it, and what was chosen stays. */
export function askGrant(wanted, act) {
  byId("grant-head").textContent = wanted.head;
  byId("grant-do").textContent = wanted.word;
  byId("grant-bad").textContent = "";
  byId("grant-name-field").hidden = !wanted.named;
  byId("grant-name").value = "";
  byId("grant-role").replaceChildren(...ROLES.map((role) => option(role, roleName(role))));
  byId("grant-role").value = wanted.standing?.role ?? ROLES[0];
  byId("grant-sessions-field").hidden = Boolean(wanted.standing);
  fillSessions(wanted);
  fillUntil(wanted.standing);
  drawParts();
  submit = act;
  byId("grant").showModal();
}

export function startGrant() {
  byId("grant-sessions").addEventListener("change", exclude);
  byId("grant-form").addEventListener("change", drawParts);
  byId("grant-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("grant-bad").textContent = "";
    byId("grant-do").disabled = true;
    try {
      await submit(chosen());
      byId("grant").close();
    } catch (failure) {
      byId("grant-bad").textContent = failure.advice ?? failure.message;
    } finally {
      byId("grant-do").disabled = false;
    }
  });
}
