// Builds elements. Text from people enters a page only as text nodes, never as markup.

const SVG = "http://www.w3.org/2000/svg";
// Control characters and bidirectional overrides: they would draw over, hide or turn round what stands beside them.
const UNSHOWN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The element of that id. */
export const byId = (id) => document.getElementById(id);

/** What of a text is shown: nothing that disturbs its surroundings, and at most two line breaks in a row. */
export const shown = (text) => String(text ?? "").replace(UNSHOWN, "").replace(/\n{3,}/g, "\n\n").trim();

/** `el("p", {class: "note", text: "…"}, child, …)`; `on` holds listeners, `data` the data-attributes. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A button with an icon and a word; `props.label` instead of `props.word` names it for screen readers only. */
export function button({ icon: name, word, label, act, ...props }) {
  const node = el("button", { type: "button", class: "button", "aria-label": label, title: label ?? word, ...props });
  if (name) node.append(icon(name));
  if (word) node.append(el("span", { text: word }));
  if (act) node.addEventListener("click", act);
  return node;
}

/** Something a person wrote, in its own direction. */
export const said = (text, props = {}) => el("p", { dir: "auto", ...props, class: `said ${props.class ?? ""}`, text: shown(text) });

/** Sets a text only where it differs, so that selections and screen readers are left alone. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A steady hue (degrees) for a name. */
export function hue(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 3600;
  return sum % 360;
}

/** A key that belongs to an input method: the Enter that takes what is composed, the Escape that drops it. */
export const composing = (event) => event.isComposing || event.keyCode === 229; // 229: so Safari says it

/** An id nobody else has; also where the page is not a secure context (a hall's own network). */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A JSON value kept on this device. Where storage is forbidden it lives as long as the page. */
export function kept(key, otherwise) {
  let value;
  try {
    value = JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    value = otherwise;
  }
  return {
    get: () => value,
    /** As it is now: another page of ours may have changed it. */
    fresh() {
      try {
        if (this.safe) value = JSON.parse(localStorage.getItem(key)) ?? otherwise;
      } catch {
        // what this page knows does
      }
      return value;
    },
    /** Whether it outlives the page. */
    safe: true,
    set(next) {
      value = next;
      try {
        localStorage.setItem(key, JSON.stringify(next));
        this.safe = true;
      } catch {
        this.safe = false; // storage is full or forbidden: the page goes on without
      }
    },
  };
}

let pressed = null; // what a pointer is down on, where a click can come of it
const held = new Map(); // what is to be drawn when it is let go, by box
const CLICK = 400; // milliseconds within which a click follows the finger that was lifted
let late; // draws if none comes

addEventListener("pointerdown", press, true);
addEventListener("click", clicked, true);
addEventListener("pointerup", () => (late = setTimeout(letGo, CLICK))); // of a finger the click comes a little later
for (const end of ["pointercancel", "contextmenu", "blur"]) addEventListener(end, letGo);

function press({ target }) {
  clearTimeout(late);
  pressed = target.closest("button, a, label, summary");
}

function clicked() {
  pressed = null; // what comes of it is drawn at once
  setTimeout(letGo);
}

function letGo() {
  clearTimeout(late);
  pressed = null;
  const draws = [...held.values()];
  held.clear();
  for (const draw of draws) draw();
}

/** Draws what is in `box`: at once, or when nothing in it is pressed any more. A node that is replaced under a press is
 * never clicked. */
export function whenReleased(box, draw) {
  if (box.contains(pressed)) return held.set(box, draw);
  held.delete(box);
  draw();
}

/** Draws these, each with an `id`, as the children of `list`: not while one is pressed, and anew only where they differ.
 * `make(one)` gives a node, `carry(old, fresh)` hands on what is focused or open in a node that is replaced. */
export const drawCards = (list, all, make, carry) => whenReleased(list, () => fillCards(list, all, make, carry));

function fillCards(list, all, make, carry) {
  const known = new Map([...list.children].map((card) => [card.dataset.id, card]));
  // Those that went are removed first: a card that is moved into their place would lose the focus in it.
  const ids = new Set(all.map(({ id }) => id));
  for (const [id, card] of known) if (!ids.has(id)) card.remove();
  all.forEach((one, place) => {
    const signature = JSON.stringify([one, document.documentElement.lang]);
    let card = known.get(one.id);
    if (card?.dataset.shown !== signature) {
      const fresh = make(one);
      Object.assign(fresh.dataset, { id: one.id, shown: signature });
      if (card) {
        card.before(fresh);
        carry(card, fresh);
        card.remove();
      }
      card = fresh;
    }
    if (list.children[place] !== card) list.insertBefore(card, list.children[place] ?? null);
  });
}

/** Calls `draw` once in the next frame, however often it is asked to. */
export function onceAFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    // A hidden page has no frames; it must be right when it is looked at again.
    const soon = document.hidden ? (act) => setTimeout(act, 200) : requestAnimationFrame;
    soon(() => {
      asked = false;
      draw();
    });
  };
}
