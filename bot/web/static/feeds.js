// The chats that feed this talk; an organiser points each at another talk.
import { call, inSession } from "./api.js";
import { byId, el, shown } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { chatMark, chatName } from "./pieces.js";
import { pageFacts, toast, toastFailure } from "./shell.js";
import { options } from "./talk-fields.js";

/** Shows them; `talks` are those to choose from; `organises`: this person may point a source at another one. */
export async function startFeeds(talks, organises) {
  const here = pageFacts().session;
  let sources = [];

  function draw() {
    // Those of this talk first, then those that may be had for it; what belongs to no talk is of all.
    const listed = sources.filter((one) => [here, ""].includes(one.session) || organises).sort((a, b) => Number(b.session === here) - Number(a.session === here));
    byId("feeds-empty").hidden = listed.length > 0;
    byId("feeds-list").replaceChildren(...listed.map(feed));
  }

  function feed(source) {
    const name = shown(chatName(source.source));
    const label = el("span", {}, chatMark(source.source), " ", el("bdi", { text: name }));
    if (!organises || !source.session) return el("li", { class: "feed" }, label);
    const field = el("select", { "aria-label": t("settings.feeds.goes", { name }), data: { source: source.source } }, ...options(talks));
    field.value = source.session;
    field.addEventListener("change", () => point(source, field.value, source.session));
    return el("li", { class: "feed" }, label, field);
  }

  async function point(source, id, before) {
    try {
      sources = (await call("PUT", `/sources/${encodeURIComponent(source.source)}`, { session: id })).sources;
      const title = shown(talks.find((one) => one.id === id)?.title ?? id);
      const back = before !== id && { word: t("settings.undo"), act: () => point(source, before, before) };
      toast(t("settings.feeds.done", { name: shown(chatName(source.source)), title }), { slot: "did", action: back || null });
    } catch (failure) {
      toastFailure(failure);
    }
    draw();
    document.querySelector(`.feed [data-source="${CSS.escape(source.source)}"]`)?.focus();
  }

  onLanguage(draw);
  sources = (await call("GET", organises ? "/sources" : inSession(here, "/sources"))).sources;
  draw();
}
