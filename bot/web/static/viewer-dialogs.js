// Inviting others, and taking over one's questions from another device.
import { call } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { toast } from "./shell.js";

/** `at(rest)`: an API address in this session; `changed(mine)` takes what whoever this device is now asked. */
export function startDialogs({ at, joinAddress, changed }) {
  const link = byId("join-link");
  link.href = joinAddress;
  link.textContent = joinAddress;
  byId("join-open").addEventListener("click", () => byId("join").showModal());
  byId("join-copy").addEventListener("click", () => copy(joinAddress, link));
  byId("code-open").addEventListener("click", () => {
    byId("code-bad").hidden = true;
    byId("code-dialog").showModal();
  });
  byId("code-form").addEventListener("submit", (event) => (event.preventDefault(), takeOver(at, changed)));
}

async function takeOver(at, changed) {
  const bad = byId("code-bad");
  try {
    const answer = await call("POST", at("/me"), { code: byId("code-input").value.trim() });
    byId("code-dialog").close();
    byId("code-input").value = "";
    toast(t("viewer.code.done"));
    changed(answer);
  } catch (failure) {
    bad.hidden = false;
    bad.textContent = failure.passing ? failure.advice : t("viewer.code.wrong");
  }
}

/** Copies, or at least selects where the page may not copy (a hall's network without https). */
async function copy(text, link) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t("viewer.copied"));
  } catch {
    getSelection().selectAllChildren(link);
    if (document.execCommand("copy")) toast(t("viewer.copied"));
    else toast(t("viewer.copy.not"), { bad: true });
  }
}
