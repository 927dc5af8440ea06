// Forms: one sending at a time, the tag editor, search-pickers, fields that depend on others.
(() => {
  const { on } = window.encante;

  // A sent form is busy: a second click does nothing (the server guards against it too).
  // Freed again after a while, because the answer may be a download that leaves the page as it is.
  const BUSY_MILLISECONDS = 8000;
  function free(form) {
    delete form.dataset.busy;
    for (const button of form.querySelectorAll("button[aria-busy]")) {
      button.removeAttribute("aria-busy");
      button.disabled = false;
    }
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.busy) {
      event.preventDefault();
      return;
    }
    form.dataset.busy = "yes";
    setTimeout(() => {
      // Only now, as a disabled button would not be sent with the form.
      event.submitter?.setAttribute("aria-busy", "true");
      if (event.submitter) event.submitter.disabled = true;
    });
    setTimeout(() => free(form), BUSY_MILLISECONDS);
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-busy]").forEach(free);
  });

  // Tag rows: a template is copied, its "#" replaced by the next number.
  const changed = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));
  on("click", "[data-add-row]", (button) => {
    const editor = button.closest("[data-rows-editor]");
    const number = Number(editor.dataset.next);
    editor.dataset.next = String(number + 1);
    const row = editor.querySelector("template").content.cloneNode(true);
    for (const element of row.querySelectorAll("[name], [id], [for]")) {
      for (const attribute of ["name", "id", "for"]) {
        const value = element.getAttribute(attribute);
        if (value) element.setAttribute(attribute, value.replace("#", number));
      }
    }
    const rows = editor.querySelector("[data-rows-here]");
    rows.append(row);
    rows.lastElementChild.querySelector("input").focus();
  });
  on("click", "[data-remove-row]", (button) => {
    const editor = button.closest("[data-rows-editor]");
    button.closest("[data-one-row]").remove();
    editor.querySelector("[data-add-row]").focus();
    changed(editor);
  });

  // What is typed into a search-picker is asked for as "q", whatever the field's name.
  document.addEventListener("htmx:config:request", (event) => {
    const { sourceElement, request } = event.detail.ctx;
    if (sourceElement.dataset.picker === undefined) return;
    request.body.delete(sourceElement.name);
    request.body.set("q", sourceElement.value);
  });

  // The label of what is picked stands under a search-picker.
  function drawPicked(input) {
    const told = document.getElementById(`${input.id}-picked`);
    const option = [...(input.list?.options ?? [])].find(({ value }) => value === input.value);
    if (told && (option || !input.value)) told.textContent = option ? option.label : "";
    else if (told && told.dataset.value !== input.value) told.textContent = "";
    if (told) told.dataset.value = input.value;
  }
  const drawAllPicked = () => document.querySelectorAll("input[data-picker]").forEach(drawPicked);
  on("input", "input[data-picker]", drawPicked);
  document.addEventListener("htmx:after:swap", (event) => {
    drawAllPicked();
    drawDependent();
    drawConfirmed();
    // The form came again, with the choices of another region: its code is to be drawn again too.
    if (event.detail.ctx.select === "#form") {
      document.getElementById("form").dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  // data-when="volume_type=io1 io2": shown, and sent, only while that field has one of the values.
  function drawDependent() {
    for (const part of document.querySelectorAll("[data-when]")) {
      const [name, when] = part.dataset.when.split("=");
      const field = part.closest("form").elements[name];
      const wanted = when.split(" ");
      // of several boxes with one name, each that is ticked
      const boxes = field?.length ? [...field].filter(({ type }) => type === "checkbox") : [];
      const values = boxes.length
        ? boxes.filter((box) => box.checked && !box.disabled).map((box) => box.value)
        : [field?.type === "checkbox" ? (field.checked ? "yes" : "") : field?.value ?? ""];
      const asked = values.some((value) => wanted.includes(value));
      part.hidden = !asked && !part.querySelector("[aria-invalid=true]");
      for (const input of part.querySelectorAll("input:not([type=radio]), textarea")) {
        input.disabled = part.hidden;
      }
    }
  }
  // What is dangerous can be pressed when what is asked for was typed; the server looks, too.
  const plain = (text) => text.normalize("NFC").trim().replace(/\s+/g, " ");
  function drawConfirmed() {
    const button = document.querySelector("[data-confirmed]");
    if (!button || button.ariaBusy) return;
    const words = [...document.querySelectorAll(".typed")].map((word) => plain(word.textContent));
    button.disabled = !words.includes(plain(document.getElementById("confirm").value));
  }
  on("input", "#confirm", drawConfirmed);

  on("change", "form", drawDependent);
  on("input", "form", drawDependent);

  drawDependent();
  drawConfirmed();
  document.querySelector("[aria-invalid=true]")?.focus();
  document.querySelector("form[data-at-once]")?.requestSubmit();
})();
