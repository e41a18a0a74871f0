// What was set aside, and why: where the session lets everybody read it.
import { call } from "./api.js";
import { byId, el, said } from "./dom.js";
import { ago, t } from "./i18n.js";
import { toastFailure } from "./shell.js";

/** `at(rest)`: an API address in this session. */
export function startLedger(at) {
  byId("ledger-open").addEventListener("click", () => open(at).catch(toastFailure));
}

async function open(at) {
  const rows = await call("GET", at("/ledger"));
  const empty = el("li", { class: "faint", text: t("viewer.ledger.none") });
  byId("ledger-list").replaceChildren(...(rows.length ? rows.map(row) : [empty]));
  byId("ledger").showModal();
}

/** Its title and reason are "" where the moderator kept them to the staff. */
function row({ title, reason, people, at }) {
  const why = reason ? t("viewer.dismissed", { reason }) : t("viewer.ledger.untold");
  const line = el("p", { class: "mine-line" }, el("span", { text: t("people.count", { n: people }) }), el("time", { text: ago(at) }));
  return el("li", { class: "mine" }, title ? said(title) : el("p", { class: "faint", text: t("viewer.ledger.kept") }), said(why, { class: "faint" }), line);
}
