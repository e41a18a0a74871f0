// Polls that are asked again and again, for a start without typing. They speak the language of the talk.
import { t } from "./i18n.js";
import "./words/polls-page.js";

export const TEMPLATES = ["yesno", "five", "agree", "word"];

/** The wish behind a template; `title` "" takes the one that goes with it. */
export function templateOf(name, language, title = "") {
  const say = (key) => t(`polls.template.${key}`, {}, language);
  const wish = { title: title || say(`${name}.title`), results: "live", most: 1 };
  if (name === "word") return { ...wish, kind: "words" };
  if (name === "five") return { ...wish, kind: "scale", low: 1, high: 5, ends: [say("low"), say("high")] };
  const options = name === "yesno" ? ["yes", "no"] : ["agree.2", "agree.1", "agree.0", "agree.-1", "agree.-2"];
  return { ...wish, kind: "single", options: options.map(say) };
}
