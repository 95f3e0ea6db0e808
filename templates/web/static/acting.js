// Forms that act: the command that does the same follows what is typed, Ctrl+Enter sends, previews follow what is ticked.
"use strict";
(() => {
  const quote = (text) => (/^[\w@%+=:,.\/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

  function told(form) {
    const words = form.dataset.command.split(" ");
    for (const field of form.querySelectorAll("[data-param]")) {
      const name = field.dataset.param, kind = field.dataset.kind;
      const boxes = [...field.querySelectorAll("[type=checkbox], [type=radio]")];
      let value;
      if (kind === "check") value = String(boxes[0].checked);
      else if (kind === "checks") value = JSON.stringify(boxes.filter((box) => box.checked).map((box) => box.value)).replaceAll('","', '", "');
      else if (kind === "radio") value = boxes.find((box) => box.checked)?.value ?? "";
      else value = field.querySelector(".in").value;
      if (kind === "password" && value) value = "***";
      if (value !== (field.dataset.default ?? "") && (value || kind === "text" || kind === "lines")) words.push("--param", quote(`${name}=${value}`));
    }
    for (const extra of form.querySelectorAll("[data-option]")) if (extra.value) words.push(extra.dataset.option, quote(extra.value));
    const date = form.querySelector("[data-date]")?.value;
    if (date) words.push("--date", quote(date));
    const out = document.getElementById("command");
    out.textContent = out.dataset.copy = words.join(" ");
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-command]");
    if (form) told(form);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) document.querySelector("form [data-submit]")?.click();
  });

  // What is ticked of a question changes its preview: the question is asked for again.
  document.addEventListener("change", async (event) => {
    const form = event.target.closest?.("form");
    if (!form?.querySelector("[data-preview]") || !event.target.matches("[type=checkbox]")) return;
    const query = new URLSearchParams(new FormData(form));
    const answer = await fetch(`${form.getAttribute("action")}?${query}`);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["[data-preview]", ".cli", "button.go"]) {
      const old = form.querySelector(part), now = fresh.querySelector(`#ask ${part}`);
      if (old && now) old.replaceWith(document.adoptNode(now));
    }
  });

  // Rows of a list that are picked.
  const all = document.getElementById("pick-all");
  all?.addEventListener("change", () => { for (const box of document.querySelectorAll(".pick [name=run]")) box.checked = all.checked; });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey || event.target !== document.body || document.documentElement.dataset.keys === "off") return;
    const box = document.querySelector("[data-list] > .cur [name=run]");
    if (box) { event.preventDefault(); box.checked = !box.checked; }
  });
})();
