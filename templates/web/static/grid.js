// The grid: a cursor over runs and tasks, by arrows and by mouse; groups fold without a new page.
"use strict";
(() => {
  const grid = document.getElementById("grid");
  if (!grid) return;
  const SVG = "http://www.w3.org/2000/svg";
  const here = new URL(location.href);
  let step, runs, dates, words, column, run = here.searchParams.get("run") ?? "", name = here.searchParams.get("task") ?? "";

  // Runs come and go while the page is open: the cursor stays on its run, or on the newest.
  function read() {
    const drawn = document.getElementById("rows").dataset;
    step = Number(drawn.step);
    runs = drawn.runs.split(" ");
    dates = drawn.dates.split("|");
    words = new Map(drawn.letters.split(";").filter(Boolean).map((each) => each.split("=")));
    column = runs.includes(run) ? runs.indexOf(run) : runs.length - 1;
    grid.classList.toggle("large", step > 16);
  }

  function to(at) {
    column = at;
    run = runs[at];
  }

  const rows = () => [...grid.querySelectorAll(".gr[data-row]:not([hidden])")];
  const current = () => rows().find((row) => row.dataset.row === name);

  function say(row, at) {
    const hover = document.getElementById("hover");
    const word = words.get(row.dataset.s[at]);
    if (hover) hover.textContent = `${dates[at]}: ${word ?? "not in this run"}`;
  }

  // The cursor is one rectangle, moved from row to row.
  function draw(scroll) {
    for (const old of grid.querySelectorAll(".cursor")) old.remove();
    for (const row of grid.querySelectorAll(".gr.cur")) row.classList.remove("cur");
    const row = current();
    if (!row) return;
    row.classList.add("cur");
    const box = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ class: "cursor", x: column * step + 0.5, y: step > 16 ? 3 : 4.5, width: step - (step > 16 ? 3 : 2), height: step > 16 ? 16 : 13, rx: 2 })) box.setAttribute(key, value);
    row.querySelector("svg").append(box);
    say(row, column);
    if (scroll) {
      row.scrollIntoView({ block: "nearest" });
      const label = row.querySelector(".lab").offsetWidth, x = label + column * step;
      if (x < grid.scrollLeft + label) grid.scrollLeft = x - label - step;
      else if (x + step > grid.scrollLeft + grid.clientWidth) grid.scrollLeft = x + 2 * step - grid.clientWidth;
    }
  }

  const choose = () => { const row = current(); if (row && !row.classList.contains("gp")) side.choose({ run: runs[column], task: name }); };

  function fold(row) {
    const link = row.querySelector("[data-fold]");
    if (!link) return;
    const open = link.getAttribute("aria-expanded") === "true", at = new URL(link.href);
    link.setAttribute("aria-expanded", String(!open));
    link.querySelector(".twist").textContent = open ? "▸" : "▾";
    const folded = [...grid.querySelectorAll("[data-fold][aria-expanded=false]")].map((each) => each.closest(".gr").dataset.row);
    for (const each of grid.querySelectorAll(".gr[data-row]")) each.hidden = folded.some((group) => each.dataset.row.startsWith(group + "."));
    const next = new URL(location.href);
    if (folded.length) next.searchParams.set("fold", folded.sort().join(",")); else next.searchParams.delete("fold");
    history.replaceState(null, "", next);
    at.search = "";
  }

  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = rows(), at = all.findIndex((row) => row.dataset.row === name);
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], j: [1, 0], k: [-1, 0] };
    const move = moves[event.key];
    if (move && all.length) {
      event.preventDefault();
      to(Math.min(Math.max(column + move[1], 0), runs.length - 1));
      name = all[at < 0 ? 0 : Math.min(Math.max(at + move[0], 0), all.length - 1)].dataset.row;
      draw(true);
      if (document.getElementById("side")) choose();
    } else if (event.key === " " && current()) {
      event.preventDefault();
      fold(current());
    } else if (event.key === "Enter" && current() && event.target === grid) {
      event.preventDefault();
      if (current().classList.contains("gp")) fold(current()); else document.querySelector("#side [data-key=l], #side [data-key=o]")?.click();
    }
  });

  const place = (event) => {
    const cells = event.target.closest?.(".cells"), row = event.target.closest?.(".gr");
    if (!cells || !row) return null;
    const at = Math.floor((event.clientX - cells.getBoundingClientRect().left) / step);
    return at >= 0 && at < runs.length ? { row, at } : null;
  };

  grid.addEventListener("click", (event) => {
    const label = event.target.closest?.(".lab");
    if (label?.matches("[data-fold]")) { event.preventDefault(); return fold(label.closest(".gr")); }
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (label?.href) {
      event.preventDefault();
      name = label.closest(".gr").dataset.row;
      draw(false);
      return choose();
    }
    const found = place(event);
    if (!found) return;
    if (!found.row.dataset.row) return location.assign(`/runs/${runs[found.at]}`);
    to(found.at);
    name = found.row.dataset.row;
    draw(false);
    choose();
  });

  grid.addEventListener("mousemove", (event) => {
    const found = place(event);
    if (!found) return;
    const hover = document.getElementById("hover");
    if (found.row.dataset.row) say(found.row, found.at);
    else if (hover) hover.textContent = dates[found.at];
  });

  // From anywhere on the page the arrows go into the grid.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.target !== document.body || !["ArrowDown", "ArrowUp"].includes(event.key) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    grid.focus();
    grid.dispatchEvent(new KeyboardEvent("keydown", { key: event.key }));
  });
  document.addEventListener("fresh", () => { read(); draw(false); });
  read();
  grid.scrollLeft = grid.scrollWidth;
  draw(false);
})();
