// What the pages that set or make a talk share: its fields as values, and as words.
import { byId, el, shown } from "./dom.js";
import { day, t } from "./i18n.js";

export const LONGEST = 200;
export const MODES = ["grouping", "answers", "acknowledgements"];
export const AFTER = ["digest", "personal", "report"]; // what is told when the talk is over

/** A setting of a session as the API tells it. */
export const valueOf = (session, name) => (MODES.includes(name) ? session.abilities[name] : AFTER.includes(name) ? session.after[name] : session[name]);

/** How a value of a setting reads. */
export function inWords(name, value) {
  if ([...MODES, ...AFTER].includes(name)) return t(`settings.mode.${value}`);
  if (typeof value === "boolean") return t(value ? "settings.on" : "settings.off");
  if (name === "slow") return value ? t("settings.slow.n", { n: value }) : t("settings.off");
  if (name === "survey") return t(`settings.survey.${value}`);
  if (name === "language") return t(`settings.language.${value}`);
  if (name === "starts_at" || name === "ended_at") return value === null ? t("settings.none") : day(value);
  return shown(value) || t("settings.none");
}

/** What is wrong with a line that somebody wrote; "" for nothing. */
export function wrongWith(name, text) {
  const n = [...text].length;
  if (name === "title" && !text.trim()) return t("settings.empty");
  return n > LONGEST ? t("settings.long", { most: LONGEST, n }) : "";
}

/** Unix seconds as the field for a local time wants it, and back. */
export function toField(at) {
  if (at === null || at === undefined) return "";
  const local = new Date(at * 1000 - new Date(at * 1000).getTimezoneOffset() * 60000);
  return local.toISOString().slice(0, 16);
}
export const fromField = (text) => (text ? new Date(text).getTime() / 1000 : null);

/** Says something at a field; `tone` "bad" marks the field as wrong. */
export function note(name, text, tone = "") {
  const node = byId(`note-${name}`);
  const field = document.querySelector(`[aria-describedby~="note-${name}"]`);
  if (node) {
    node.hidden = !text;
    node.dataset.tone = tone;
    node.textContent = text;
  }
  if (text && tone === "bad") field?.setAttribute("aria-invalid", "true");
  else field?.removeAttribute("aria-invalid");
}

/** The words of the modes in every select of one. */
export function drawModes() {
  for (const name of MODES) for (const option of byId(name).options) option.textContent = t(`settings.mode.${option.value}`);
}

/** Names of series to choose from. */
export function drawSeries(sessions) {
  const names = [...new Set(sessions.map((one) => one.series).filter(Boolean))];
  byId("known-series").replaceChildren(...names.map((name) => el("option", { value: name })));
}

/** Talks as options, the newest first. */
export const options = (sessions) => sessions.toReversed().map((one) => el("option", { value: one.id, dir: "auto", text: shown(one.title) }));
