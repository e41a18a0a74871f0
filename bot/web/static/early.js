// Runs before the first paint: the chosen theme, no flash of the other language, and nothing lost of what is typed or
// sent before the scripts are there.
(() => {
  const root = document.documentElement;
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is forbidden here: the defaults do
    }
  };
  const theme = stored("floormic.theme") ?? document.currentScript.dataset.theme; // the page's own, until somebody chooses
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = stored("floormic.language");
  if (language && !root.lang.startsWith(language)) root.classList.add("translating");
  addEventListener("submit", (event) => {
    if (event.target.id !== "composer") return;
    event.preventDefault();
    event.target.dataset.pressed = "true"; // the composer sends it once it is there
  });
})();
