// The way to join, and printing it.
import { byId } from "./dom.js";
import { language, t } from "./i18n.js";
import { startShell } from "./shell.js";
import "./words/plain.js";

startShell();
const other = language() === "zh" ? "en" : "zh";
byId("how-else").lang = other === "zh" ? "zh-CN" : "en";
byId("how-else").textContent = t("join.how", {}, other);
byId("print").addEventListener("click", () => window.print());
