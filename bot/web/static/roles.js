// How roles and their ends read.
import { shown } from "./dom.js";
import { day, t } from "./i18n.js";
import "./words/account.js";

export const roleName = (role) => t(`role.${role}`);

/** Where a role counts: the title of its session, or everywhere. `titles`: by the session's id. */
export const place = (session, titles) => (session ? shown(titles[session] ?? session) : t("role.everywhere"));

/** A role in words: what, where, until when. */
export function grantLine({ role, session, until }, titles) {
  const parts = [roleName(role), place(session, titles)];
  if (until) parts.push(t("role.until", { time: day(until) }));
  return parts.join(" · ");
}

/** Says beside each field for a new password how long it must be. */
export function passwordHints() {
  for (const node of document.querySelectorAll("[data-password-hint]")) node.textContent = t("account.password.hint", { n: node.dataset.n });
}
