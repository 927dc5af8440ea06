// Runs before the page is drawn, so that a chosen theme does not flash: "light", "dark" or none
// (as the system has it). It is a file of its own because the page allows no inline script.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // Storage may be forbidden; then the system's theme is used.
  }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
})();
