// The list of talks.
import { call } from "./api.js";
import { byId, el, icon, said } from "./dom.js";
import { clock, onLanguage, t } from "./i18n.js";
import { startShell, toastFailure } from "./shell.js";

let talks = [];

function talk(session) {
  const over = Boolean(session.ended_at);
  const state = el("span", { class: "badge", data: { tone: over ? "" : "answered" } });
  state.append(icon(over ? "check" : "mic"), t(over ? "sessions.ended" : "sessions.live"));
  return el(
    "li",
    {},
    el(
      "a",
      { class: "talk", href: `/s/${encodeURIComponent(session.id)}` },
      said(session.title, { class: "talk-title" }),
      el(
        "span",
        { class: "talk-line" },
        state,
        session.speaker && el("bdi", { text: session.speaker }),
        session.starts_at && el("span", { text: clock(session.starts_at) }),
      ),
    ),
  );
}

function draw() {
  byId("talks").replaceChildren(...talks.map(talk));
  byId("talks-empty").hidden = talks.length > 0;
}

startShell();
onLanguage(draw);
call("GET", "/sessions").then((answer) => {
  talks = answer.sessions ?? answer;
  draw();
}, toastFailure);
