// What every page has: copy buttons, menus, the theme, the side navigation, flashes, times.
(() => {
  const on = (type, selector, act) =>
    document.addEventListener(type, (event) => {
      const found = event.target.closest?.(selector);
      if (found) act(found, event);
    });
  const say = (text) => {
    document.getElementById("announce").textContent = text;
  };

  async function copy(button) {
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    const text = source ? source.textContent : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      say("The browser did not allow copying");
      return;
    }
    button.classList.add("done");
    say("Copied");
    setTimeout(() => button.classList.remove("done"), 1500);
  }
  on("click", "[data-copy], [data-copy-from]", (button) => void copy(button));

  // Menus are <details>: one open at a time, closed by Escape or a click elsewhere.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  function showTheme() {
    const chosen = document.documentElement.dataset.theme || "system";
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === chosen));
      button.classList.toggle("on", button.dataset.setTheme === chosen);
    }
  }
  on("click", "[data-set-theme]", (button) => {
    const theme = button.dataset.setTheme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Forbidden storage: the choice holds for this page.
    }
    showTheme();
  });

  on("click", "[data-toggle-nav]", (button) => {
    const open = document.getElementById("side").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
  on("click", "[data-dismiss]", (button) => {
    button.closest(".flash").remove();
    document.getElementById("main").focus();
  });

  // Times: the server writes them in UTC; here they become relative, the full local time on hover.
  const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600],
    ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" });
  const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
  function ago(date) {
    const seconds = (date - Date.now()) / 1000;
    const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
    if (!unit) return seconds > 5 ? "in a moment" : "just now";
    return relative.format(Math.round(seconds / unit[1]), unit[0]);
  }
  function drawTimes(root = document) {
    for (const element of root.querySelectorAll("time[datetime]:not([data-age])")) {
      const date = new Date(element.dateTime);
      if (Number.isNaN(date.getTime())) continue;
      const text = element.dataset.full === undefined ? ago(date) : full.format(date);
      if (element.textContent !== text) element.textContent = text;
      element.title = full.format(date);
    }
  }
  setInterval(drawTimes, 15000);

  window.encante = { on, say, drawTimes };
  drawTimes();
  showTheme();
})();
