// Runs before the page is drawn, so that a chosen theme does not flash: "light", "dark" or none
// (as the system has it). It is a file of its own because the page allows no inline script.
(() => {
  // The one way in which text becomes elements (the policy asks for one): what the server drew, by
  // htmx. There is none for scripts.
  window.trustedTypes?.createPolicy("default", { createHTML: (text) => text });
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
