// How the session is set, on the viewer's page: its title, whether it is over, read before it is shown or in slow mode, the ledger.
import { byId, setText } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

/** Shows `session` (as the page came with it) and what `live`'s topic "session" tells of it. */
export function startSession(session, live) {
  const draw = () => {
    setText(byId("title"), session.title);
    document.title = `${session.title} · Floormic`;
    const key = session.ended_at ? "viewer.ended" : session.review ? "viewer.review" : "";
    const slow = !session.ended_at && session.slow ? t("viewer.slow", { n: session.slow }) : "";
    byId("notice").hidden = !key && !slow;
    setText(byId("notice"), [key ? t(key) : "", slow].filter(Boolean).join(" "));
    byId("ledger-open").hidden = !session.ledger;
  };
  live.addEventListener("session", ({ detail }) => ((session = detail), draw()));
  onLanguage(draw);
  draw();
}
