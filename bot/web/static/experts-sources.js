// The sources of an answer: links with titles, as many as are wanted.
import { button, el, freshId } from "./dom.js";
import { t } from "./i18n.js";
import { toast } from "./shell.js";

const MOST = 10;
const SITE = /^[\w-]+(\.[\w-]+)+([/?#:].*)?$/; // an address that was typed without its beginning

/** Whether a browser could follow it. */
export function isLink(text) {
  try {
    return /^https?:\/\/[^\s@]+$/i.test(text) && Boolean(new URL(text).hostname);
  } catch {
    return false;
  }
}

/** {node, get(), set(references), valid()}; `changed()` is called on every key. */
export function sourceFields(changed) {
  const list = el("div", { class: "ex-sources" });
  const add = button({ icon: "new", word: t("expert.source.add"), class: "button quiet", "data-do": "source", act: () => (append(), list.lastChild.querySelector("input").focus()) });
  const node = el("div", { class: "ex-source-place" }, list, add);

  function append({ url = "", title = "" } = {}) {
    if (list.children.length >= MOST) return toast(t("expert.source.most", { n: MOST }), { bad: true });
    const note = el("p", { class: "bad-note", id: `n${freshId()}`, hidden: true });
    const link = el("input", { type: "url", inputmode: "url", dir: "ltr", autocomplete: "off", maxlength: "2000", "aria-describedby": note.id, data: { part: "url" } });
    const name = el("input", { dir: "auto", autocomplete: "off", maxlength: "120", data: { part: "title" } });
    link.value = url;
    name.value = title;
    link.addEventListener("blur", () => (SITE.test(link.value.trim()) && ((link.value = `https://${link.value.trim()}`), changed()), check(row)));
    const remove = button({ icon: "close", class: "button quiet ex-source-remove", label: t("expert.source.remove", { n: "" }), act: () => (row.remove(), number(), changed()) });
    // What the course said has a place there and no link.
    const row = el(
      "div",
      { role: "group" },
      el("label", { class: "field small", hidden: Boolean(title && !url) }, el("span", { text: t("expert.source.url") }), link),
      el("label", { class: "field small" }, el("span", { text: t("expert.source.title") }), name),
      remove,
      note,
    );
    list.append(row);
    number();
  }

  function number() {
    [...list.children].forEach((row, at) => {
      row.setAttribute("aria-label", t("expert.source.group", { n: at + 1 }));
      row.querySelector(".ex-source-remove").setAttribute("aria-label", t("expert.source.remove", { n: at + 1 }));
    });
    add.disabled = list.children.length >= MOST;
  }

  const parts = (row) => Object.fromEntries([...row.querySelectorAll("input")].map((one) => [one.dataset.part, one.value.trim()]));

  /** Says beside a field that it holds no link; true where all is well. */
  function check(row) {
    const { url } = parts(row);
    const good = !url || isLink(url);
    const note = row.querySelector(".bad-note");
    note.hidden = good;
    note.textContent = good ? "" : t("expert.source.bad");
    row.querySelector("input").setAttribute("aria-invalid", String(!good));
    return good;
  }

  list.addEventListener("input", changed);
  const get = () => [...list.children].map(parts).filter(({ url, title }) => url || title);
  return {
    node,
    get,
    set(references) {
      if (JSON.stringify(get()) === JSON.stringify(references)) return;
      list.replaceChildren();
      for (const one of references) append(one);
      number();
    },
    /** Whether all are links; the first that is none has the focus. */
    valid() {
      const bad = [...list.children].filter((row) => !check(row));
      bad[0]?.querySelector("input").focus();
      return bad.length === 0;
    },
  };
}
