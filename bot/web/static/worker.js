// A viewer's pages without a network: a service worker, with RELEASE and FILES put before it by the server.
// It keeps the pages' files, which never change within a release, and each viewer page and questionnaire as it was last
// seen, where the server allows it ("no-store" is staff's). It answers nothing else: no data, no event stream, no other page.

const CACHE = `floormic-${RELEASE}`;
const PATIENCE = 4000; // milliseconds for the network to bring a page that is kept as well
const PAGE = /^\/s\/[^/]+(\/feedback)?$/;

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("message", (event) => event.waitUntil(keepPage(event.data.keep)));
addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (FILES.includes(address.pathname)) event.respondWith(file(request));
  else if (request.mode === "navigate" && PAGE.test(address.pathname)) event.respondWith(page(event, address));
});

async function install() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  await skipWaiting();
}

/** What was kept of earlier releases goes; their pages too, since these name scripts that are gone. */
async function activate() {
  const names = await caches.keys();
  const pages = await Promise.all(names.filter((name) => name !== CACHE).map(forget));
  await clients.claim();
  await Promise.all([...new Set(pages.flat())].map((address) => keepPage(address).catch(() => {})));
}

/** Deletes a cache of ours; the pages that were in it. */
async function forget(name) {
  if (!name.startsWith("floormic-")) return [];
  const kept = await (await caches.open(name)).keys();
  await caches.delete(name);
  return kept.map((request) => new URL(request.url).pathname).filter((path) => PAGE.test(path));
}

const file = async (request) => (await caches.match(request)) ?? fetch(request);

/** The page from the network; as it was last seen where that fails, takes too long or is broken. */
async function page(event, { pathname }) {
  const fresh = fetch(event.request).then(async (answer) => {
    await keep(pathname, answer.clone());
    return answer;
  });
  event.waitUntil(fresh.catch(() => {}));
  const cache = await caches.open(CACHE);
  const kept = await cache.match(pathname);
  if (!kept) return fresh;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  const answer = await Promise.race([fresh.catch(() => {}), late]);
  return answer && answer.status < 500 ? answer : kept;
}

/** Keeps a viewer page; what must not be kept (any more) is taken away. */
async function keep(path, answer) {
  if (answer.type === "opaqueredirect" || answer.status >= 500) return;
  const cache = await caches.open(CACHE);
  const mayKeep = answer.ok && !answer.redirected && !(answer.headers.get("Cache-Control") ?? "no-store").includes("no-store");
  if (mayKeep) await cache.put(path, answer);
  else await cache.delete(path);
}

async function keepPage(path) {
  if (!PAGE.test(path)) return;
  await keep(path, await fetch(path, { credentials: "same-origin", cache: "no-store" }));
}
