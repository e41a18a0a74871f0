// The polls on the viewer's page: tap to answer, change it, see the result where it may be seen; and the pulse. A vote
// that finds no network is kept and sent later; of two in the same poll only the last.
import { call, Reading } from "./api.js";
import { byId, button, el, kept, said, shown, whenReleased } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { pollFields, readPoll, refillFrom } from "./poll-form.js";
import { pollPicture } from "./poll-picture.js";
import { toast, toastFailure } from "./shell.js";
import "./words/polls.js";

const CLOSED = 3; // polls that are over and still shown
const MOODS = ["fast", "slow", "lost", "great"];

/** `at(rest)` is the address of something in the session. Returns what reads the polls after a vote that went another way. */
export function startPolls({ at, live, session }) {
  const waiting = kept(`floormic.votes.${session}`, {});
  const reading = new Reading(() => call("GET", at("/polls")));
  let polls = [];
  let mine = {};
  let pulse = false;
  let changing = new Set();
  let timer;
  let tries = 0;
  let offline = false; // the last try found no network
  let sending = false;

  async function readMine() {
    try {
      const before = polls;
      const found = await reading.now();
      mine = found.mine;
      if (polls === before) polls = found.polls; // else the stream told of newer ones
      draw();
    } catch {
      // what is told over the stream does, and the next connection reads again
    }
  }

  const chosen = (poll) => waiting.get()[poll.id] ?? mine[poll.id] ?? [];

  /** The key of what is said of a vote of one's own. */
  function standing(poll) {
    if (waiting.get()[poll.id]) return offline ? "poll.waiting" : "poll.sending";
    return poll.status === "open" ? "poll.voted" : "poll.status.closed";
  }

  function vote(poll, choices) {
    waiting.set({ ...waiting.get(), [poll.id]: choices });
    changing.delete(poll.id);
    draw();
    flush();
  }

  /** Sends what waits, one after the other; a vote that was changed while it was sent stays, and goes after it. */
  async function flush() {
    if (sending) return;
    clearTimeout(timer);
    sending = true;
    try {
      await sendAll();
    } finally {
      sending = false;
      draw();
    }
  }

  async function sendAll() {
    let id;
    while ((id = Object.keys(waiting.get())[0])) {
      const choices = waiting.get()[id];
      try {
        await call("PUT", at(`/polls/${encodeURIComponent(id)}/vote`), { choices });
        mine = { ...mine, [id]: choices };
        reading.acted();
        tries = 0;
        offline = false;
      } catch (failure) {
        offline = failure.status === 0;
        if (failure.passing) {
          timer = setTimeout(flush, failure.wait ? failure.wait * 1000 : Math.min(30000, 1000 * 2 ** tries++));
          return;
        }
        toastFailure(failure);
      }
      const { [id]: now, ...others } = waiting.get();
      if (JSON.stringify(now) === JSON.stringify(choices)) waiting.set(others);
    }
  }

  async function feel(mood) {
    try {
      await call("POST", at("/pulse"), { mood });
      toast(t("pulse.said"), { slot: "pulse" });
    } catch (failure) {
      toastFailure(failure);
    }
  }

  const draw = () => whenReleased(byId("polls-list"), fill);

  function fill() {
    const open = polls.filter((poll) => poll.status === "open").sort((a, b) => b.opened_at - a.opened_at);
    const over = polls.filter((poll) => poll.status === "closed" && poll.result).sort((a, b) => b.opened_at - a.opened_at);
    const box = byId("polls-list");
    const cards = [...open, ...over.slice(0, CLOSED)];
    byId("polls").hidden = cards.length === 0;
    const known = new Map([...box.children].map((card) => [card.dataset.id, card]));
    const stay = new Set(cards.map((poll) => poll.id));
    for (const [id, card] of known) if (!stay.has(id)) card.remove(); // first: a card that is moved loses the focus
    cards.forEach((poll, place) => {
      const old = known.get(poll.id);
      const voted = chosen(poll);
      const asks = poll.status === "open" && (!voted.length || changing.has(poll.id));
      // A form that somebody fills in is not drawn anew under the hand.
      const about = asks ? { ...poll, result: null, people: 0, shown: false, results: "" } : poll;
      const signature = JSON.stringify([about, asks, voted, !asks && standing(poll), document.documentElement.lang]);
      if (old?.dataset.shown !== signature) {
        const card = makeCard(poll, asks, voted);
        card.dataset.shown = signature;
        if (old?.querySelector("form") && asks) refillFrom(old, card);
        if (old) {
          const focused = old.contains(document.activeElement);
          old.replaceWith(card);
          if (focused) card.focus();
        } else box.append(card);
      }
      const card = box.querySelector(`[data-id="${CSS.escape(poll.id)}"]`);
      if (box.children[place] !== card) box.insertBefore(card, box.children[place]);
    });
  }

  function makeCard(poll, asks, voted) {
    const head = el("p", { class: "poll-head" }, el("span", { class: "badge", data: { tone: poll.status === "open" ? "queued" : "" }, text: t(`poll.status.${poll.status}`) }),
      poll.people > 0 && !asks && el("span", { class: "faint", text: t("poll.people", { n: poll.people }) }));
    const title = el("h3", { dir: "auto", text: shown(poll.title), id: `poll-${poll.id}` });
    const card = el("section", { class: "card poll", tabindex: "-1", "aria-labelledby": title.id, data: { id: poll.id } }, head, title);
    if (asks) card.append(form(poll, voted));
    else {
      if (voted.length) card.append(el("p", { class: "poll-mine" }, el("b", { dir: "auto", text: spoken(poll, voted) }),
        el("span", { class: "faint", text: t(standing(poll)) })));
      card.append(pollPicture(poll));
      if (poll.status === "open") card.append(el("div", { class: "actions" }, button({ word: t("poll.change"), act: () => (changing.add(poll.id), draw(), focus(poll)) })));
    }
    return card;
  }

  const focus = (poll) => byId("polls-list").querySelector(`[data-id="${CSS.escape(poll.id)}"] :is(input, textarea)`)?.focus();

  /** One tap votes where one can be chosen; the others have a button. */
  function form(poll, voted) {
    const name = `poll-${poll.id}`;
    const box = el("form", { class: "poll-form", autocomplete: "off", on: { submit: (event) => (event.preventDefault(), send()) } });
    const send = () => {
      const choices = readPoll(poll, box);
      if (choices.length) vote(poll, choices);
      else box.querySelector("input, textarea")?.focus();
    };
    // A click and not a change: the arrow keys go through radio buttons, and must not vote on their way.
    const picked = poll.most === 1 ? (event) => event.detail > 0 && send() : null;
    const label = poll.kind === "words" ? t("poll.words", { n: poll.most }) : t("poll.text");
    box.append(...pollFields(poll, voted, { name, label, picked }));
    box.append(el("div", { class: "actions" }, el("button", { type: "submit", class: "button primary", text: t("poll.vote") })));
    return box;
  }

  function drawPulse() {
    const box = byId("pulse");
    box.hidden = !pulse;
    if (pulse) byId("pulse-moods").replaceChildren(...MOODS.map((mood) => button({ word: t(`pulse.${mood}`), act: () => feel(mood), data: { mood } })));
  }

  live.addEventListener("polls", (event) => ((polls = event.detail.polls), draw()));
  live.addEventListener("pulse", (event) => ((pulse = event.detail.on), drawPulse()));
  live.addEventListener("state", () => live.state === "live" && (readMine(), flush()));
  addEventListener("online", flush);
  onLanguage(() => (draw(), drawPulse()));
  return () => (reading.acted(), readMine());
}

/** What was chosen, in words. */
function spoken(poll, choices) {
  const words = poll.kind === "single" || poll.kind === "multiple" ? choices.map((n) => poll.options[n - 1] ?? n) : choices;
  return shown(words.join(" · "));
}
