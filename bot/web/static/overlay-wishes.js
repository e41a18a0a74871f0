// What the address of the overlay may wish for; read by the overlay, written by the page that sets it up.

const SIZES = { s: 2.6, small: 2.6, m: 3.6, medium: 3.6, l: 5, large: 5 }; // letters, in hundredths of the picture's smaller side
const LETTERS = [2, 10];
const STAY = [3, 120]; // seconds

const between = ([least, most]) => (text) => {
  const number = Number(text);
  return /^\d+(\.\d+)?$/.test(text) && number >= least && number <= most ? number : undefined;
};
const oneOf = (...names) => (text) => (names.includes(text) ? text : undefined);

export const POSITIONS = ["bottom", "bottom-left", "bottom-right", "top", "top-left", "top-right"];

/** Each wish: how it is read (undefined: it cannot be), what it is without, and what may stand there. */
export const WISHES = {
  size: { read: (text) => SIZES[text] ?? between(LETTERS)(text), otherwise: SIZES.m, may: `s, m, l, ${LETTERS.join("–")}` },
  theme: { read: oneOf("dark", "light", "none"), otherwise: "dark", may: "dark, light, none" },
  lang: { read: oneOf("zh", "en"), otherwise: null, may: "zh, en" },
  position: { read: oneOf(...POSITIONS), otherwise: "bottom", may: POSITIONS.join(", ") },
  stay: { read: between(STAY), otherwise: null, may: STAY.join("–") },
  sample: { read: oneOf("question", "answer", "long", "poll"), otherwise: null, may: "question, answer, long, poll" },
};

/** The wishes in a query string, with defaults; `wrong`: [{name, value, may}] for what could not be read. */
export function readWishes(query) {
  const given = new URLSearchParams(query);
  const wishes = {};
  const wrong = [];
  for (const [name, { read, otherwise, may }] of Object.entries(WISHES)) {
    const value = given.get(name)?.trim().toLowerCase();
    const found = value === undefined ? undefined : read(value);
    wishes[name] = found ?? otherwise;
    if (value !== undefined && found === undefined) wrong.push({ name, value: given.get(name), may });
  }
  for (const name of given.keys()) {
    if (!(name in WISHES) && name !== "help") wrong.push({ name, value: given.get(name), may: Object.keys(WISHES).join(", ") });
  }
  return { wishes, wrong };
}

/** A query string of what is wished; "" and null are left out. */
export function queryOf(wished) {
  const query = new URLSearchParams(Object.entries(wished).filter(([, value]) => value !== "" && value !== null)).toString();
  return query ? `?${query}` : "";
}
