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

  // Which states stood in the rows before a swap, to tell what has changed after it.
  const states = (root) =>
    new Map([...root.querySelectorAll("[data-row]")].map((row) => [row.id, row.dataset.row]));
  let before = new Map();
  document.addEventListener("htmx:before:swap", (event) => {
    before = states(document);
    // htmx reads answers as if there were no scripts; what is meant for that case is not wanted.
    for (const { fragment } of event.detail.tasks) {
      for (const element of fragment.querySelectorAll("noscript")) element.remove();
    }
  });
  document.addEventListener("htmx:after:swap", () => {
    const news = [];
    for (const [id, state] of states(document)) {
      if (!before.has(id) || before.get(id) === state) continue;
      const row = document.getElementById(id);
      row.classList.add("changed");
      news.push(`${row.dataset.label}: ${state}`);
    }
    if (news.length) say(news.slice(0, 5).join(", "));
    drawTimes();
    drawSelection();
  });

  // A poll after the session has ended leads to the page that asks to sign in. Not so what a form
  // asks for while it is filled in: that would lose it.
  document.addEventListener("htmx:before:response", (event) => {
    const { request, response } = event.detail.ctx;
    if (request.method !== "GET" || !(response.status === 401 || response.raw.redirected)) return;
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
})();
