// The audience's data, for whoever asks an organiser for theirs: look up, download, erase.
import { call } from "./api.js";
import { button, byId, el, shown } from "./dom.js";
import { ago, t } from "./i18n.js";
import { chatName } from "./pieces.js";
import { toast, toastFailure } from "./shell.js";

/** `sure(head, what, word, act)` asks once more. */
export function startAudience(sure) {
  byId("audience-form").addEventListener("submit", (event) => (event.preventDefault(), find(sure)));
}

async function find(sure) {
  const name = byId("audience-name").value.trim();
  if (!name) return;
  try {
    const { persons } = await call("GET", `/audience?name=${encodeURIComponent(name)}`);
    const none = el("li", { class: "faint", text: t("audience.none") });
    byId("audience").replaceChildren(...(persons.length ? persons.map((one) => row(one, sure)) : [none]));
  } catch (failure) {
    toastFailure(failure);
  }
}

function row(one, sure) {
  const name = shown(one.name) || one.id;
  const words = el("div", { class: "grow" }, el("b", {}, el("bdi", { text: name })), el("p", { class: "faint", dir: "auto", text: `${chatName(one.source)} · ${one.id}` }), el("p", { class: "faint", text: t("audience.messages", { n: one.messages, ago: ago(one.at) }) }));
  const address = `/api/v1/audience/data?format=html&source=${encodeURIComponent(one.source)}&id=${encodeURIComponent(one.id)}`;
  const file = el("a", { class: "button", href: address, download: true, text: t("audience.export") });
  const erase = () => sure(t("audience.forget"), t("audience.forget.what", { name }), t("audience.forget"), () => forget(one, sure));
  return el("li", {}, words, file, button({ icon: "close", word: t("audience.forget"), "aria-label": t("audience.forget.of", { name }), act: erase }));
}

async function forget({ source, id }, sure) {
  try {
    await call("DELETE", "/audience/data", { source, id });
    toast(t("audience.forgotten"));
  } catch (failure) {
    toastFailure(failure);
  }
  find(sure);
}
