// The modes of the abilities, from the bar of the board.
import { byId, setText } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Modes, modesLine } from "./modes.js";

/** Moderators only. `live` tells the topic "session"; `open(id)` shows a question. */
export function startModes(session, live, open) {
  const [button, dialog] = [byId("modes-open"), byId("modes")];
  const show = (id) => (dialog.close(), open(id));
  const modes = new Modes(byId("modes-body"), session, live, show);
  const draw = () => {
    if (!modes.modes) return;
    const line = modesLine(modes.modes, modes.slow);
    setText(byId("modes-line"), line);
    button.setAttribute("aria-label", t("modes.open", { line }));
  };
  live.addEventListener("session", draw);
  onLanguage(draw);
  button.hidden = false;
  button.addEventListener("click", () => (dialog.showModal(), modes.look()));
  dialog.addEventListener("close", () => modes.look(false));
}
