// Moderating without a mouse.
import { composing } from "./dom.js";

/** What each key is for, as the help sheet shows it. */
export const KEYS = [
  [["j", "↓", "k", "↑"], "key.move"],
  [["←", "→"], "key.lane"],
  [["Enter"], "key.open"],
  [["a"], "key.approve"],
  [["y"], "key.same"],
  [["n"], "key.apart"],
  [["s"], "key.stage"],
  [["o"], "key.aloud"],
  [["r"], "key.answer"],
  [["c"], "key.accept"],
  [["d"], "key.dismiss"],
  [["b"], "key.reopen"],
  [["x"], "key.select"],
  [["X"], "key.select.all"],
  [["m"], "key.merge"],
  [["g"], "key.assign"],
  [["l"], "key.label"],
  [["e"], "key.edit"],
  [["p"], "key.pin"],
  [["u"], "key.undo"],
  [["."], "key.apply"],
  [["/"], "key.search"],
  [["f"], "key.filter"],
  [["F"], "key.filter.clear"],
  [["Esc"], "key.escape"],
  [["?"], "key.help"],
];

const MOVES = new Set(["j", "k", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"]);
const TYPES = "input:not([type=checkbox]), textarea, select, [contenteditable]";

/** Calls `deeds[key]()`; not while somebody writes, nor in a dialog or the menu, nor with Ctrl, Alt or Cmd held. */
export function listenToKeys(deeds) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || composing(event) || document.querySelector("dialog[open], :popover-open")) return;
    if (event.target.matches(TYPES)) return event.key === "Escape" && leaveField(event);
    // Enter and the arrows mean to a button, a link or a tab what they always mean.
    if (event.target.closest("button, a, [role=tab]") && (event.key === "Enter" || event.key.startsWith("Arrow"))) return;
    const deed = deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    if (event.repeat && !MOVES.has(event.key)) return; // a finger that rests decides nothing
    deed();
  });
}

function leaveField(event) {
  event.preventDefault();
  event.target.blur();
  document.querySelector(".row[tabindex='0']")?.focus();
}
