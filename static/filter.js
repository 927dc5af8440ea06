// What is offered while one types: in a list's filter bar (data-suggest), and in the search field of
// the top bar (data-find). A combobox with a list below it; the server draws the choices.
(() => {
  const { say } = window.encante;
  const WAIT_MILLISECONDS = 120;
  const COMBOBOX = "input[data-suggest], input[data-find]";
  let active = null;
  let timer = 0;
  let asked = null;

  const list = (input) => document.getElementById(`${input.id}-list`);
  const options = (input) => [...list(input).querySelectorAll("[role=option]:not([aria-disabled])")];

  const what = (option) => option.href || option.dataset.text;

  function prepare(input) {
    if (input.role === "combobox") return;
    const made = document.createElement("div");
    made.id = `${input.id}-list`;
    made.className = "sheet offers";
    made.role = "listbox";
    made.ariaLabel = "Suggestions";
    made.hidden = true;
    input.after(made);
    input.role = "combobox";
    input.ariaExpanded = "false";
    input.ariaAutoComplete = "list";
    input.setAttribute("aria-controls", made.id);
    made.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus
    made.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option && !option.href) choose(input, option);
    });
  }

  function activate(input, option) {
    active?.setAttribute("aria-selected", "false");
    active = option;
    if (!option) return void input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function close(input) {
    clearTimeout(timer);
    asked?.abort();
    if (input.role !== "combobox") return;
    activate(input, null);
    list(input).hidden = true;
    input.ariaExpanded = "false";
  }

  function show(input, drawn) {
    const before = options(input).length;
    const chosen = active && what(active);
    activate(input, null);
    const parsed = new DOMParser().parseFromString(drawn, "text/html");
    list(input).replaceChildren(...parsed.body.children);
    const found = options(input);
    found.forEach((option, number) => { option.id = `${input.id}-option-${number}`; });
    if (chosen) activate(input, found.find((option) => what(option) === chosen) ?? null);
    list(input).hidden = !list(input).childElementCount;
    input.ariaExpanded = String(!list(input).hidden);
    if (found.length !== before) say(`${found.length || "No"} suggestions`);
  }

  async function ask(input) {
    asked?.abort();
    const mine = (asked = new AbortController());
    const address = new URL(input.dataset.suggest || input.dataset.find, location);
    address.searchParams.set("q", input.value);
    if (input.dataset.suggest) address.searchParams.set("at", input.selectionStart);
    if (!input.dataset.suggest && input.value.trim().length < 2) return close(input);
    try {
      const told = { headers: { "HX-Request": "true" }, signal: mine.signal };
      const answer = await fetch(address, told);
      const drawn = await answer.text();
      if (asked !== mine || document.activeElement !== input) return;
      if (answer.ok && !answer.redirected) show(input, drawn);
      else close(input);
    } catch {
      // Given up for a newer question; or there is no answer, which the page tells by itself.
    }
  }

  function choose(input, option) {
    if (option.href) return void location.assign(option.href);
    const { text, start, end, more } = option.dataset;
    const gap = input.value[end] === " " && text.endsWith(" ") ? 1 : 0;
    input.setRangeText(text, Number(start), Number(end) + gap, "end");
    close(input);
    if (more !== undefined) void ask(input);
  }

  const STEPS = { ArrowDown: 1, ArrowUp: -1 };
  function step(input, by) {
    const found = options(input);
    const next = found.indexOf(active) + by;
    // Beyond either end is the field itself, then the other end.
    activate(input, found[next] ?? (active || by > 0 ? null : found.at(-1)) ?? null);
  }

  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.matches?.(COMBOBOX) || event.isComposing) return;
    prepare(input);
    const open = !list(input).hidden;
    if (STEPS[event.key] && !event.altKey) {
      event.preventDefault();
      if (open) step(input, STEPS[event.key]);
      else void ask(input);
    } else if (open && active && (event.key === "Enter" || (event.key === "Tab" && !active.href))) {
      event.preventDefault();
      choose(input, active);
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(input);
    }
  }, true);
  document.addEventListener("input", ({ target: input }) => {
    if (!input.matches(COMBOBOX)) return;
    prepare(input);
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MILLISECONDS, input);
  });
  document.addEventListener("click", ({ target: input }) => {
    if (input.matches("input[data-suggest]")) {
      prepare(input);
      void ask(input);
    }
  });
  document.addEventListener("focusout", ({ target: input }) => {
    if (input.matches(COMBOBOX)) close(input);
  });

  document.querySelectorAll(COMBOBOX).forEach(prepare);

  // "/" and Ctrl-K lead to the search field, unless one is typing somewhere.
  document.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    const wanted = key === "k" ? ctrlKey || metaKey : key === "/" && !ctrlKey && !metaKey && !altKey;
    const typing = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
    const field = document.querySelector("input[data-find]");
    if (!wanted || !field || target.closest?.(typing)) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
