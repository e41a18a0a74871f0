// What is to be done before the talk begins: the course, and a test of every chat.
import { startCourse } from "./course.js";
import { byId } from "./dom.js";
import { Live } from "./live.js";
import { pageFacts, showConnection, startShell, toastFailure } from "./shell.js";
import { startTry } from "./try.js";

const { session, role } = pageFacts();
const live = new Live(session, ["course", "session", "tryout"]);

startShell();
showConnection(live, byId("connection"));
live.addEventListener("refused", (event) => toastFailure(event.detail));
if (role === "organiser") startCourse(live);
startTry(live);
live.start();
