// Runs before the first paint: the chosen theme, and no flash of the other language.
(() => {
  const root = document.documentElement;
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is forbidden here: the defaults do
    }
  };
  const theme = stored("floormic.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = stored("floormic.language") ?? navigator.language;
  if (!language.toLowerCase().startsWith("zh")) root.classList.add("translating");
})();
