// Keys: an element with data-key is what its key presses, and the sheet lists them all. data-list has a cursor.
"use strict";
(() => {
  const on = document.documentElement.dataset.keys !== "off";
  const sheet = document.getElementById("sheet");
  const BUILT_IN = [["j k", "move in a list"], ["Enter", "open what is marked"], ["Esc", "back"], ["y", "copy the command that does the same"]];
  let before = "", beforeAt = 0;

  const typing = (at) => at instanceof Element && at.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const seen = (element) => element.getClientRects().length > 0;
  const keyed = (key) => [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key && (seen(each) || each.id === "help"));

  // What a key does to the row of the cursor.
  const rowKeyed = (key) => current()?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
    if (document.querySelector("dialog[open]")) return;
    const two = before && event.timeStamp - beforeAt < 1500 ? `${before} ${event.key}` : "";
    before = "";
    if (event.key.length === 1 && !on) return;
    const found = (two && keyed(two)) || keyed(event.key) || rowKeyed(event.key);
    if (found) { event.preventDefault(); return press(found); }
    if (event.key === "g") { before = "g"; beforeAt = event.timeStamp; return; }
    if (event.key === "j" || event.key === "k") return move(event.key === "j" ? 1 : -1, event);
    if (event.key === "y") return copy();
    if (event.key === "Enter" && (event.target === document.body)) current()?.querySelector("a")?.click();
    if (event.key === "Escape") document.querySelector("[data-back]")?.click();
  });

  function press(element) {
    if (element.matches("input, select, textarea")) { element.focus(); element.select?.(); } else element.click();
  }

  const rows = () => [...document.querySelectorAll("#main [data-list] > *")];
  const current = () => rows().find((row) => row.classList.contains("cur"));

  function move(by, event) {
    const all = rows();
    if (!all.length) return;
    event.preventDefault();
    const at = all.findIndex((row) => row.classList.contains("cur"));
    all[at]?.classList.remove("cur");
    const next = all[Math.min(Math.max(at < 0 ? 0 : at + by, 0), all.length - 1)];
    next.classList.add("cur");
    next.scrollIntoView({ block: "nearest" });
  }

  function copy() {
    const command = document.querySelector("[data-copy]")?.dataset.copy;
    if (command) navigator.clipboard?.writeText(command);
  }

  function list() {
    const own = [...document.querySelectorAll("[data-key]")].filter((each) => seen(each) || each.id === "help");
    const rowOwn = [...document.querySelectorAll("#main [data-row-key]")];
    const all = new Map([
      ...own.map((each) => [each.dataset.key, each.dataset.says ?? each.textContent.trim()]),
      ...rowOwn.map((each) => [each.dataset.rowKey, `${each.textContent.trim().replace("…", "").toLowerCase()} of what is marked`]),
      ...BUILT_IN,
    ]);
    const parts = [...all].flatMap(([key, says]) => {
      const name = document.createElement("dt"), what = document.createElement("dd");
      name.append(...key.split(" ").map((each) => Object.assign(document.createElement("kbd"), { textContent: each })));
      what.textContent = says;
      return [name, what];
    });
    document.getElementById("keys").replaceChildren(...parts);
  }

  document.getElementById("help")?.addEventListener("click", () => { list(); sheet.showModal(); });
})();
