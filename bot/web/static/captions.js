// Builds the address of the overlay, with a preview of what it looks like.
import { byId } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { queryOf, readWishes } from "./overlay-wishes.js";
import { pageFacts, startShell, toast } from "./shell.js";
import "./words/stage.js";

const facts = pageFacts();

startShell();

/** What the form wishes, without what the overlay does by itself or cannot do. */
function wished() {
  const given = Object.fromEntries(new FormData(byId("wishes")));
  const { wrong } = readWishes(queryOf(given));
  for (const { name } of wrong) given[name] = "";
  byId("wishes").elements.stay.toggleAttribute("aria-invalid", wrong.some(({ name }) => name === "stay"));
  return given;
}

function draw() {
  const given = wished();
  byId("address").value = `${facts.joinUrl}/overlay${queryOf(given)}`;
  const path = `/s/${encodeURIComponent(facts.session)}/overlay${queryOf({ ...given, sample: byId("sample").value })}`;
  const frame = byId("preview");
  if (frame.getAttribute("src") !== path) frame.src = path;
  byId("screen").dataset.ground = byId("ground").value;
}

async function copy() {
  const field = byId("address");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // a hall's own network is no secure context
  }
  toast(t("captions.copied"), { slot: "copied" });
}

const screen = byId("screen");
new ResizeObserver(() => screen.style.setProperty("--scale", screen.clientWidth / 1920)).observe(screen);
byId("wishes").addEventListener("input", draw);
byId("wishes").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["sample", "ground"]) byId(id).addEventListener("input", draw);
byId("copy").addEventListener("click", copy);
onLanguage(draw);
draw();
