// The warning of the other pages that a chat is not heard; it is a link to the page of the sources.
import { byId, setText } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { chatName } from "./pieces.js";
import { isDown, SourcesWatch } from "./sources-watch.js";

/** Shows `#alarm` while a source of the session ("" for all) is down. */
export function startAlarm(session) {
  const watch = new SourcesWatch(session, 10);
  const draw = () => {
    const down = (watch.view?.sources ?? []).filter((source) => isDown(source, watch.view.at));
    const alarm = byId("alarm");
    document.body.classList.toggle("alarmed", down.length > 0);
    alarm.hidden = down.length === 0;
    if (down.length === 1) setText(alarm.querySelector("span"), t("sources.alarm", { name: chatName(down[0].source) }));
    if (down.length > 1) setText(alarm.querySelector("span"), t("sources.alarm.n", { n: down.length }));
  };
  watch.addEventListener("change", draw);
  onLanguage(draw);
  watch.ask();
}
