// What changes on the screen by itself: polled regions, the selection of rows, a lost connection.
(() => {
  const { on, say, drawTimes } = window.encante;

  // Buttons on selected rows: data-needs="one" wants exactly one row, "many" at least one.
  function drawSelection() {
    for (const form of document.querySelectorAll("form[data-rows]")) {
      const boxes = [...form.querySelectorAll("input[name=id]")];
      const count = boxes.filter((box) => box.checked).length;
      for (const button of [...form.elements].filter((each) => each.dataset.needs)) {
        button.disabled = button.dataset.needs === "one" ? count !== 1 : count === 0;
      }
      const all = form.querySelector("input[data-all]");
      if (all) {
        all.checked = count > 0 && count === boxes.length;
        all.indeterminate = count > 0 && count < boxes.length;
      }
      const told = document.querySelector("[data-selected]");
      if (told) told.textContent = count ? `, ${count} ticked` : "";
    }
  }
  on("change", "form[data-rows] input", (box) => {
    if (box.dataset.all !== undefined) {
      for (const other of box.form.querySelectorAll("input[name=id]")) other.checked = box.checked;
    }
    drawSelection();
  });

  // A column of a list is moved in its menu; without scripts the server does it.
  on("click", "#columns-form :is([name=up], [name=down])", (button, event) => {
    event.preventDefault();
    const item = button.closest("li");
    if (button.name === "up") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    button.focus();
  });

  // What stood on the page before a swap, to tell what has changed after it: the state of what has
  // data-row, and every cell of a list.
  const states = () =>
    new Map([...document.querySelectorAll("[data-row]")].map((row) => [row.id, row.dataset.row]));
  const cells = () => {
    const said = (cell) => cell.querySelector("time")?.dateTime ?? cell.textContent;
    const rows = document.querySelectorAll("#rows > tr");
    return new Map([...rows].map((row) => [row.id, [...row.cells].map(said)]));
  };
  let before = { states: new Map(), cells: new Map(), focused: false, reading: null };
  document.addEventListener("htmx:before:swap", (event) => {
    const focused = Boolean(document.activeElement.closest("#results"));
    before = { states: states(), cells: cells(), focused, reading: reading() };
    // htmx reads answers as if there were no scripts; what is meant for that case is not wanted.
    for (const { fragment } of event.detail.tasks) {
      for (const element of fragment.querySelectorAll("noscript")) element.remove();
    }
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const [id, state] of states()) {
      if (!before.states.has(id) || before.states.get(id) === state) continue;
      const row = document.getElementById(id);
      row.classList.add("changed");
      tell("state", `${row.dataset.label}: ${state}`);
    }
    markCells();
    keepReading();
    // What had the focus may have gone with its row.
    if (before.focused && document.activeElement === document.body) {
      (document.getElementById("scroll") ?? document.getElementById("main")).focus({ preventScroll: true });
    }
    drawTimes();
    drawSelection();
    drawAge();
  });

  // The row at the top of what one has scrolled to stays there, whatever comes and goes above it.
  function reading() {
    const table = document.getElementById("scroll");
    if (!table || (!table.scrollTop && !scrollY)) return null;
    const top = Math.max(table.getBoundingClientRect().top, 0) + table.querySelector("thead").offsetHeight;
    const rows = [...document.querySelectorAll("#rows > tr")];
    return rows.map((row) => [row.id, row.getBoundingClientRect().top]).filter(([, at]) => at >= top);
  }
  function keepReading() {
    for (const [id, at] of before.reading ?? []) {
      const row = document.getElementById(id);
      if (!row) continue;
      const moved = row.getBoundingClientRect().top - at;
      document.getElementById("scroll").scrollTop += moved;
      scrollBy(0, row.getBoundingClientRect().top - at);
      return;
    }
  }

  function markCells() {
    const now = cells();
    for (const [id, said] of now) {
      const old = before.cells.get(id);
      const row = document.getElementById(id);
      if (!old) row.classList.add("changed");
      const differing = old ? [...row.cells].filter((cell, at) => old[at] !== said[at]) : [];
      for (const cell of differing) cell.classList.add("changed");
      if (before.cells.size && !old) tell("new", id);
      else if (differing.length) tell("changed", id);
    }
    for (const id of before.cells.keys()) if (!now.has(id)) tell("gone from this page", id);
  }

  // Said to screen readers, summed up, and not oftener than one can listen to.
  const PAUSE_MILLISECONDS = 10000;
  const news = new Map();
  let last = -PAUSE_MILLISECONDS;
  let telling = 0;
  function tell(what, which) {
    if (!news.has(what)) news.set(what, new Set());
    news.get(what).add(which);
    telling ||= setTimeout(() => {
      const parts = [...news].map(([each, ids]) =>
        each === "state" ? [...ids].slice(0, 3).join(", ") : `${ids.size} ${each}`);
      say(`${document.querySelector("h1").firstChild.textContent.trim()}: ${parts.join(", ")}`);
      news.clear();
      last = performance.now();
      telling = 0;
    }, Math.max(300, last + PAUSE_MILLISECONDS - performance.now()));
  }

  // How old a list is: told by the server with every answer, and counted on from there. By the
  // clock that has gone on further: one stands still while the computer sleeps, the other may be set.
  const AGES = [[86400, "d"], [3600, "h"], [60, "min"], [0, "s"]];
  const OLD_SECONDS = 60;
  let told = null;
  const noteAge = (age) => {
    told = { age, date: Date.now(), tick: performance.now() };
  };
  function drawAge() {
    const shown = document.querySelector("time[data-age]");
    if (!shown) return;
    if (!told) noteAge(Number(shown.dataset.age));
    const passed = Math.max(Date.now() - told.date, performance.now() - told.tick);
    const seconds = Math.floor(told.age + passed / 1000);
    const [length, unit] = AGES.find(([each]) => seconds >= each);
    shown.textContent = `${Math.floor(seconds / (length || 1))} ${unit} ago`;
    shown.parentElement.classList.toggle("old", seconds > OLD_SECONDS);
  }
  setInterval(drawAge, 1000);
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const age = ctx.response.headers.get("Encante-Age");
    if (age === null) return;
    noteAge(Number(age));
    drawAge();
  });

  // What nobody sees does not ask; it is asked for at once when the page is shown again.
  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden && event.detail.ctx.request.method === "GET") event.preventDefault();
  });

  // A poll after the session has ended leads to the page that asks to sign in, and one of what was
  // deleted meanwhile to the page that says so. Not so what a form asks for while it is filled in:
  // that would lose it.
  document.addEventListener("htmx:before:response", (event) => {
    const { request, response } = event.detail.ctx;
    const gone = response.status === 404 && new URL(response.raw.url).pathname === location.pathname;
    if (request.method !== "GET" || !(response.status === 401 || gone || response.raw.redirected)) return;
    event.preventDefault();
    location.reload();
  });

  const lost = (yes) => {
    document.documentElement.classList.toggle("lost", yes);
    document.getElementById("lost").hidden = !yes;
  };
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx && !event.detail.ctx.response) lost(true);
  });
  document.addEventListener("htmx:after:request", () => lost(false));

  drawSelection();
  drawAge();
})();
