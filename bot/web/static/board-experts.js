// What the board knows of the experts: who has a draft, what is not for whom, and asking them.
import { call, inSession, notTwice } from "./api.js";
import { byId, setText, shown } from "./dom.js";
import { day, t } from "./i18n.js";
import { pageFacts, toast, toastFailure } from "./shell.js";
import "./words/board-experts.js";

/** {declined(id), line(id)}: the names of those whom a question is not for, and all that experts did to it, in a line;
 * `changed()` is called when that is another now. */
export function followExperts(live, changed) {
  let told = { drafts: [], declined: [] };
  live.addEventListener("experts", ({ detail }) => ((told = detail), changed()));
  const names = (rows, id) => rows.filter((one) => one.question === id).map((one) => shown(one.name));
  const declined = (id) => names(told.declined, id);
  return {
    declined,
    line(id) {
      const drafting = names(told.drafts, id);
      const parts = [drafting.length && t("experts.drafting", { names: drafting.join(", ") }), declined(id).length && t("experts.declined", { names: declined(id).join(", ") })];
      return parts.filter(Boolean).join(" · ");
    },
  };
}

/** Wires the dialog that asks the experts: by a link for one of them, or in the staff's chat. */
export function startAskingExperts() {
  const { session } = pageFacts();
  byId("experts-open").addEventListener("click", () => (byId("experts-made").hidden = true, byId("experts-dialog").showModal()));
  byId("experts-invite").addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = byId("experts-name").value.trim();
    await notTwice(`invite ${name}`, () =>
      attempt(async () => show(await call("POST", inSession(session, "/experts/invitations"), { name }), name)),
    );
  });
  byId("experts-call").addEventListener("click", () =>
    attempt(async () => {
      const { chats } = await call("POST", inSession(session, "/experts/call"));
      toast(t(chats ? "experts.called" : "experts.called.none"), { bad: !chats, slot: "did" });
    }),
  );
  byId("experts-copy").addEventListener("click", copy);
}

async function attempt(deed) {
  try {
    await deed();
  } catch (failure) {
    toastFailure(failure);
  }
}

function show({ link, qr, expires_at }, name) {
  byId("experts-made").hidden = false;
  byId("experts-link").value = link;
  byId("experts-qr").src = qr;
  const note = t("experts.link.note", { time: day(expires_at) });
  setText(byId("experts-note"), name ? t("experts.link.for", { name: shown(name), note }) : note);
  byId("experts-name").value = "";
  byId("experts-copy").focus();
}

/** Copies, or at least selects where the page may not copy (a hall's network without https). */
async function copy() {
  byId("experts-link").select();
  try {
    await navigator.clipboard.writeText(byId("experts-link").value);
  } catch {
    if (!document.execCommand("copy")) return;
  }
  toast(t("experts.copied"), { slot: "did" });
}
