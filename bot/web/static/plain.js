import { startShell } from "./shell.js";
import "./words/plain.js";

startShell();
