// What staff does with polls, and how one poll stands, as a card: on the polls page, the board and the remote.
import { call, inSession, notTwice } from "./api.js";
import { button, drawCards, el, shown } from "./dom.js";
import { t } from "./i18n.js";
import { pollPicture } from "./poll-picture.js";
import { toast, toastFailure } from "./shell.js";
import "./words/polls.js";
import "./words/polls-page.js";

/** Does something and says so, with a way back. */
export class PollActs {
  /** `deadline()`: until when what is pressed now may happen, in the server's time; null: whenever it arrives. */
  constructor(session, deadline = () => null) {
    Object.assign(this, { session, deadline });
  }

  /** True where it happened. */
  act(what, method, path, body) {
    return notTwice(JSON.stringify([what, path, body]), () => this.send(what, method, path, body));
  }

  async send(what, method, path, body) {
    try {
      const { action } = await call(method, inSession(this.session, path), body);
      const back = action && { word: t("polls.undo"), act: () => this.undo(action) };
      toast(t(`polls.done.${what}`), { slot: "polls", action: back });
      return true;
    } catch (failure) {
      toastFailure(failure);
      return false;
    }
  }

  async undo(action = null) {
    return this.send("undo", "POST", "/undo", { action, by: await this.deadline() });
  }

  do(what, id, more = {}) {
    return notTwice(JSON.stringify([what, id, more]), async () => {
      const by = await this.deadline();
      return this.send(what, "POST", `/polls/${encodeURIComponent(id)}/actions`, { do: what, by, ...more });
    });
  }

  /** A new poll that is open at once. Where only the second half fails, the poll is there as a draft. */
  ask(wish) {
    return notTwice(JSON.stringify(wish), async () => {
      try {
        const { id } = await call("POST", inSession(this.session, "/polls"), wish);
        return await this.do("start", id);
      } catch (failure) {
        toastFailure(failure);
        return false;
      }
    });
  }
}

/** A poll with its picture; `deeds` are buttons, `more` as in `pollPicture`. */
export function pollCard(poll, deeds, more = null, heading = "h2") {
  const title = el(heading, { dir: "auto", id: `poll-${poll.id}`, text: shown(poll.title) });
  const head = el("p", { class: "poll-head" },
    el("span", { class: "badge", data: { tone: { open: "queued", closed: "", draft: "" }[poll.status] }, text: t(`poll.status.${poll.status}`) }),
    poll.shown && el("span", { class: "badge", data: { tone: "on_stage" }, text: t("polls.shown") }),
    el("span", { class: "faint", text: t(`poll.kind.${poll.kind}`) }),
    poll.status !== "draft" && el("span", { class: "faint", text: t("poll.people", { n: poll.people }) }));
  const body = poll.status === "draft" ? draftBody(poll) : pollPicture(poll, more);
  const row = deeds.length > 0 && el("div", { class: "actions" }, ...deeds);
  return el("li", { class: "card poll", tabindex: "-1", "aria-labelledby": title.id, data: { id: poll.id } }, head, title, body, row);
}

function draftBody(poll) {
  if (poll.kind === "scale") return el("p", { class: "faint", dir: "auto", text: `${poll.low} – ${poll.high} ${poll.ends.filter(Boolean).map(shown).join(" … ")}` });
  if (!poll.options.length) return "";
  return el("ol", { class: "poll-draft" }, ...poll.options.map((option) => el("li", { dir: "auto", text: shown(option) })));
}

/** The one press that comes next for a poll, and whether it is on the stage. */
export function mainDeeds(poll, acts) {
  const deed = (what, props) => button({ word: t(`polls.${what}`), data: { do: what, act: true }, act: () => acts.do(what === "reopen" ? "start" : what, poll.id), ...props });
  const first = poll.status === "open" ? deed("close", { class: "button primary" })
    : poll.round ? deed("reopen") : deed("start", { class: "button primary" });
  return poll.status === "draft" ? [first] : [first, deed(poll.shown ? "hide" : "show")];
}

const ORDER = { open: 0, draft: 1, closed: 2 };

/** Open ones first, then what is prepared, then what is over. */
export const inOrder = (polls) => polls.toSorted((a, b) => ORDER[a.status] - ORDER[b.status] || b.opened_at - a.opened_at);

/** Draws the cards of `list` anew, only where they differ. */
export const drawPolls = (list, polls, make) => drawCards(list, polls, make, (old, fresh) => {
  const focused = old.contains(document.activeElement) && document.activeElement.dataset.do;
  if (focused) (fresh.querySelector(`[data-do="${focused}"]`) ?? fresh).focus();
});
