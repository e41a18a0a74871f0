// Being the same person on a chat: a code to say there, and who is linked already.
import { call } from "./api.js";
import { byId, button, el, setText, shown } from "./dom.js";
import { t } from "./i18n.js";
import { chatName } from "./pieces.js";
import { toast, toastFailure } from "./shell.js";

/** `at(rest)`: an API address in this session; `changed(mine)` takes what the viewer asked, read anew. Returns what
 * draws the linked persons, and whether they are told what comes by itself. */
export function startLinking({ at, changed }) {
  let saved = true; // whether they are told, as the server has it
  byId("told").addEventListener("change", () => tell(at, byId("told").checked).then(changed, (failure) => {
    byId("told").checked = saved;
    toastFailure(failure);
  }));
  byId("link-offer").addEventListener("click", () => offer(at).catch(toastFailure));
  return (linked, told) => {
    byId("told").checked = saved = told;
    const rows = linked.map((one) => row(one, () => unlink(at, one).then(changed, toastFailure)));
    byId("linked").replaceChildren(...rows);
  };
}

async function tell(at, on) {
  const mine = await call("PUT", at("/me/told"), { on });
  toast(t(on ? "viewer.told.on" : "viewer.told.off"), { slot: "told" });
  return mine;
}

async function offer(at) {
  const { say } = await call("POST", at("/me/link"));
  setText(byId("link-say"), say);
  byId("link-said").hidden = false;
  byId("link-said").scrollIntoView({ block: "center" }); // on a phone the field to ask would cover it
}

const unlink = (at, { source, id }) => call("DELETE", at("/me/link"), { source, id });

function row({ source, name }, act) {
  const who = [shown(name), chatName(source)].filter(Boolean).join(" · ");
  const off = button({ word: t("viewer.link.off"), label: t("viewer.link.off_whom", { who }), act, class: "button quiet" });
  return el("li", {}, el("span", { dir: "auto", text: who }), off);
}
