// The way to join, and printing it.
import { byId } from "./dom.js";
import { startShell } from "./shell.js";
import "./words/plain.js";

startShell();
byId("print").addEventListener("click", () => window.print());
