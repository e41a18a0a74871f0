// A poll's picture as large as its place has room for. Letters follow --fit, see polls.css.

const STEP = 0.06;

/** Sets --fit of `node` to the greatest from `largest` down to `smallest` with which `fits()`; returns it, less than
 *  `smallest` where none does. */
export function enlarge(node, fits, largest, smallest) {
  let scale = largest;
  do node.style.setProperty("--fit", scale.toFixed(2));
  while (!fits() && (scale -= STEP) >= smallest);
  return scale;
}

/** Takes rows from the end of `list` until `fits()`; the first one stays. */
export function thin(list, fits) {
  while (list && list.childElementCount > 1 && !fits()) list.lastElementChild.remove();
}
