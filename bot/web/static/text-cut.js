// Long texts cut where a reader would stop.

const END = /[.!?。！？…；;]+["'”’」』）)\]]*(?=\s|$|[\u3000-\u9fff\uff00-\uffef])\s*|[。！？；]+|\n+/gu;
const HALF = 0.5; // of what would fit: a sentence that ends before that leaves too much empty

/** Where a person would put the cursor between two letters, as offsets. */
function letterEnds(text) {
  const parts = globalThis.Intl?.Segmenter ? [...new Intl.Segmenter().segment(text)].map((one) => one.segment) : [...text];
  let at = 0;
  return parts.map((part) => (at += part.length));
}

/** The greatest of the rising `ends` that `fits`; 0 where none does. */
function greatest(ends, fits) {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fits(ends[middle - 1])) low = middle;
    else high = middle - 1;
  }
  return low ? ends[low - 1] : 0;
}

function cutAt(text, end) {
  const kept = text.slice(0, end).trimEnd();
  return `${kept}${/[\x21-\x7e]$/.test(kept) && /[.!?]["')\]]*$/.test(kept) ? " …" : "…"}`;
}

/**
 * `text` where it `fits(text)`, else its beginning up to the end of a sentence, or of a word where that would leave too
 * much empty, with "…". `fits` shows the text it is given and says whether there is room.
 */
export function cutToFit(text, fits) {
  if (fits(text)) return text;
  const fitsTo = (end) => fits(cutAt(text, end));
  const most = greatest(letterEnds(text), fitsTo);
  const sentence = [...text.matchAll(END)].map((found) => found.index + found[0].length).findLast((end) => end <= most) ?? 0;
  if (sentence >= most * HALF) return cutAt(text, sentence);
  const word = text.slice(0, most).search(/\s\S*$/u);
  return cutAt(text, word >= most * HALF ? word : most);
}
