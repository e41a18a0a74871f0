// How the session is set, on the viewer's page: its title, whether it is over or read before it is shown, the ledger.
import { byId, setText } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

/** Shows `session` (as the page came with it) and what `live`'s topic "session" tells of it. */
export function startSession(session, live) {
  const draw = () => {
    setText(byId("title"), session.title);
    document.title = `${session.title} · Floormic`;
    const key = session.ended_at ? "viewer.ended" : session.review ? "viewer.review" : "";
    byId("notice").hidden = !key;
    setText(byId("notice"), key ? t(key) : "");
    byId("ledger-open").hidden = !session.ledger;
  };
  live.addEventListener("session", ({ detail }) => ((session = detail), draw()));
  onLanguage(draw);
  draw();
}
