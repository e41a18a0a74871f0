// The field where a viewer asks: pinned where the thumb is; what is half written survives a reload.
import { byId, composing, kept, setText, whenReleased } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { toastFailure } from "./shell.js";

const NEAR = 0.8; // of the longest text: from here on the length is shown

export class Composer {
  /** `longest`: characters that a question may have. */
  constructor(outbox, session, longest) {
    this.outbox = outbox;
    this.longest = longest;
    this.field = byId("ask");
    this.name = byId("name");
    this.toggle = byId("name-toggle");
    this.note = byId("composer-note");
    this.draft = kept(`floormic.draft.${session}`, "");
    this.keptName = kept("floormic.name", "");
    // What was typed before the scripts were there counts more than what was left earlier.
    this.write(this.field.value || this.draft.get(), false);
    this.name.value = this.keptName.get();
    this.listen();
    this.drawName();
    this.drawNote();
    if (byId("composer").dataset.pressed) this.send();
  }

  listen() {
    byId("composer").addEventListener("submit", (event) => (event.preventDefault(), this.send()));
    this.field.addEventListener("input", () => (this.draft.set(this.field.value), this.grow(), this.drawLength()));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.toggle.addEventListener("click", () => this.openName(this.name.hidden));
    this.name.addEventListener("input", () => this.keptName.set(this.name.value.trim()));
    this.name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !composing(event)) (event.preventDefault(), this.openName(false));
    });
    this.name.addEventListener("blur", () => whenReleased(byId("composer"), () => this.openName(false)));
    this.outbox.addEventListener("change", () => this.drawNote());
    this.outbox.addEventListener("failed", (event) => toastFailure(event.detail));
    onLanguage(() => (this.drawName(), this.drawNote(), this.drawLength()));
    this.stayAboveKeyboard();
    this.tellHeight();
  }

  /** Enter sends, also with Ctrl or Cmd; Shift+Enter breaks the line. While an input method composes, Enter is its own. */
  key(event) {
    if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
    event.preventDefault();
    byId("composer").requestSubmit(); // as the button: whoever listens hears of it
  }

  send() {
    const text = this.field.value.trim();
    if (!text || this.over > 0) return this.field.focus();
    this.outbox.add(text, this.name.value.trim());
    this.write("");
  }

  write(text, focus = true) {
    this.field.value = text;
    this.draft.set(text);
    this.grow();
    this.drawLength();
    if (focus) this.field.focus();
  }

  /** How many characters are too many. They are counted as the server does, in code points. */
  get over() {
    const { value } = this.field;
    const length = value.length > 4 * this.longest ? value.length : [...value.trim()].length;
    return length - this.longest;
  }

  /** The length, once it is near what is taken; nothing is cut. */
  drawLength() {
    const length = this.over + this.longest;
    const node = byId("ask-length");
    node.hidden = length < NEAR * this.longest;
    node.classList.toggle("bad-note", this.over > 0);
    setText(node, this.over > 0 ? t("viewer.over", { n: this.over }) : t("viewer.length", { n: length, most: this.longest }));
    this.field.setAttribute("aria-invalid", String(this.over > 0));
  }

  /** Where a keyboard covers the page instead of making it smaller, the field moves up with what is seen. */
  stayAboveKeyboard() {
    const seen = window.visualViewport;
    const place = () => {
      const covered = seen.scale > 1.01 ? 0 : Math.max(0, innerHeight - seen.height - seen.offsetTop);
      byId("composer").style.setProperty("--covered", `${Math.round(covered)}px`);
    };
    for (const event of ["resize", "scroll"]) seen?.addEventListener(event, place);
  }

  /** The page ends, and news is shown, above the field, however high it is. */
  tellHeight() {
    const form = byId("composer");
    new ResizeObserver(() => document.body.style.setProperty("--composer", `${form.offsetHeight}px`)).observe(form);
  }

  grow() {
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${this.field.scrollHeight + 2}px`);
  }

  openName(open) {
    this.name.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    this.drawName();
    if (open) this.name.focus();
  }

  drawName() {
    this.toggle.textContent = this.name.hidden
      ? t("viewer.as", { name: this.name.value.trim() || t("viewer.name.anonymous") })
      : t("viewer.name");
  }

  /** How many wait, and for what. */
  drawNote() {
    const waiting = this.outbox.entries.filter((entry) => !entry.failed && Date.now() / 1000 - entry.at > 1).length;
    const { trouble } = this.outbox;
    const left = Math.ceil((this.outbox.notBefore - Date.now()) / 1000);
    const waits = trouble?.code === "too_fast" && left > 0; // the server said until when
    const why = waits ? ` ${t("viewer.again.in", { n: left })}` : trouble && !["offline", "lost"].includes(trouble.code) ? ` ${trouble.advice}` : "";
    this.note.hidden = waiting === 0;
    const said = t(this.outbox.safe ? "viewer.waiting.n" : "viewer.waiting.unsafe", { n: waiting });
    setText(this.note, waiting ? said + why : "");
    clearTimeout(this.timer);
    if (this.outbox.entries.length) this.timer = setTimeout(() => this.drawNote(), 1200);
  }
}
