// The page as an app: it opens without a network, and is of one release with what it runs.
import { t } from "./i18n.js";
import { toast } from "./shell.js";
import "./words/viewer.js";

/**
 * Registers the service worker where there can be one (secure contexts); says nothing where there is none. `live` tells
 * when the server is back, which may be a newer one; `busy()`: would loading the page anew disturb?
 */
export async function startInstalled(live, busy) {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  let served = Boolean(workers.controller); // at the first visit the worker takes over a page that is new anyway
  const first = !served;
  workers.addEventListener("controllerchange", () => (served ? renew(busy) : (served = true)));
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  try {
    const registration = await workers.register("/worker.js", { updateViaCache: "none" });
    const { active } = await workers.ready;
    if (first) active.postMessage({ keep: location.pathname });
    let left = false;
    live.addEventListener("state", () => {
      if (live.state === "live" && left) registration.update().catch(() => {});
      left = live.state !== "live";
    });
  } catch {
    // forbidden, or no network just now: the page works without
  }
}

/** The program was updated: the page is loaded anew at once, or when it no longer disturbs; what is typed is kept. */
function renew(busy) {
  if (!busy()) return location.reload();
  toast(t("viewer.renewed"), { slot: "renewed", action: { word: t("viewer.renew"), act: () => location.reload() } });
  document.addEventListener("visibilitychange", () => document.hidden && location.reload());
}
