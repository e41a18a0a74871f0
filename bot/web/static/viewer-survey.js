// The card on the viewer's page that leads to the survey, while that is open.
import { byId, setText, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { Answers } from "./survey-answers.js";
import "./words/survey.js";

export function startSurvey({ live, session }) {
  const answers = new Answers(session);
  let ids = null; // of the items, once they are known
  let now = { status: "none", items: 0 };

  function draw() {
    const open = now.status === "open";
    byId("survey").hidden = !open;
    if (!open) return;
    const all = ids?.length ?? now.items;
    const n = ids ? answers.count(ids) : 0;
    setText(byId("survey-title"), shown(now.title) || t("survey.card"));
    setText(byId("survey-how"), n === 0 ? t("survey.card.how", { n: all }) : n < all ? t("survey.card.some", { n, all }) : t("survey.card.all"));
    setText(byId("survey-go"), t(n === 0 ? "survey.card.go" : n < all ? "survey.card.on" : "survey.card.change"));
    byId("survey-go").classList.toggle("primary", n < all);
  }

  live.addEventListener("survey", ({ detail }) => {
    now = detail;
    draw();
    if (now.status === "open") answers.read().then(() => answers.flush());
  });
  answers.addEventListener("read", ({ detail }) => ((ids = detail.items.map((item) => item.id)), draw()));
  answers.addEventListener("change", draw);
  onLanguage(draw);
}
