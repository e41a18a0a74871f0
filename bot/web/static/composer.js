// The field where a viewer asks: pinned where the thumb is; what is half written survives a reload.
import { byId, kept } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { toastFailure } from "./shell.js";

export class Composer {
  constructor(outbox, session) {
    this.outbox = outbox;
    this.field = byId("ask");
    this.name = byId("name");
    this.toggle = byId("name-toggle");
    this.note = byId("composer-note");
    this.draft = kept(`floormic.draft.${session}`, "");
    this.keptName = kept("floormic.name", "");
    this.write(this.draft.get(), false);
    this.name.value = this.keptName.get();
    this.listen();
    this.drawName();
    this.drawNote();
  }

  listen() {
    byId("composer").addEventListener("submit", (event) => (event.preventDefault(), this.send()));
    this.field.addEventListener("input", () => (this.draft.set(this.field.value), this.grow()));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.toggle.addEventListener("click", () => this.openName(this.name.hidden));
    this.name.addEventListener("input", () => this.keptName.set(this.name.value.trim()));
    this.name.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), this.openName(false)));
    this.name.addEventListener("blur", () => this.openName(false));
    this.outbox.addEventListener("change", () => this.drawNote());
    this.outbox.addEventListener("failed", (event) => event.detail.status && toastFailure(event.detail));
    onLanguage(() => (this.drawName(), this.drawNote()));
  }

  /** Enter sends, also with Ctrl or Cmd; Shift+Enter breaks the line. While an input method composes, Enter is its own. */
  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.send();
  }

  send() {
    const text = this.field.value.trim();
    if (!text) return this.field.focus();
    this.outbox.add(text, this.name.value.trim());
    this.write("");
  }

  write(text, focus = true) {
    this.field.value = text;
    this.draft.set(text);
    this.grow();
    if (focus) this.field.focus();
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

  drawNote() {
    const waiting = this.outbox.entries.filter((entry) => !entry.failed && Date.now() / 1000 - entry.at > 1).length;
    this.note.hidden = waiting === 0;
    this.note.textContent = waiting ? t("viewer.waiting.n", { n: waiting }) : "";
    clearTimeout(this.timer);
    if (this.outbox.entries.length) this.timer = setTimeout(() => this.drawNote(), 1200);
  }
}
