// The graph: arrows go along its edges, Enter and clicks choose a task, Space and frames fold groups, + - 0 zoom.
"use strict";
(() => {
  const canvas = () => document.getElementById("canvas");
  if (!canvas()) return;
  let zoom = 0;

  const tasks = () => [...canvas().querySelectorAll(".task")];
  const find = (id) => tasks().find((each) => each.dataset.task === id);
  const lines = () => [...canvas().querySelectorAll(".line")];
  const middle = (task) => { const box = task.querySelector(".box").getBoundingClientRect(); return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; };

  // Edges out of what failed are drawn as stopped, those of the chosen task heavy; all by class.
  function mark() {
    const chosen = canvas().dataset.task;
    for (const task of tasks()) {
      task.classList.toggle("sel", task.dataset.task === chosen);
    }
    const bad = new Set(tasks().filter((each) => each.matches(".state-failed, .state-upstream_failed")).map((each) => each.dataset.task));
    const stopped = new Set(tasks().filter((each) => each.matches(".state-upstream_failed")).map((each) => each.dataset.task));
    for (const line of lines()) {
      line.classList.toggle("hot", line.dataset.from === chosen || line.dataset.to === chosen);
      line.classList.toggle("bad", bad.has(line.dataset.from) && stopped.has(line.dataset.to));
    }
  }

  function choose(id) {
    canvas().dataset.task = id;
    mark();
    if (canvas().dataset.run) side.choose({ task: id, at: "" });
  }

  function fold(group) {
    const folded = new Set(canvas().dataset.folded.split(",").filter(Boolean));
    if (folded.has(group)) folded.delete(group); else folded.add(group);
    const to = new URL(location.href);
    to.searchParams.delete("at");
    if (folded.size) to.searchParams.set("fold", [...folded].sort().join(",")); else to.searchParams.delete("fold");
    location.assign(to);
  }

  function along(task, key) {
    const id = task.dataset.task, down = canvas().querySelector(".yamldag-graph").classList.contains("down");
    const ahead = down ? "ArrowDown" : "ArrowRight", back = down ? "ArrowUp" : "ArrowLeft";
    const here = middle(task), across = (each) => (down ? middle(each).x - here.x : middle(each).y - here.y);
    if (key === ahead || key === back) {
      const ends = lines().filter((line) => (key === ahead ? line.dataset.from : line.dataset.to) === id);
      const near = ends.map((line) => find(key === ahead ? line.dataset.to : line.dataset.from)).filter(Boolean);
      return near.sort((a, b) => Math.abs(across(a)) - Math.abs(across(b)))[0];
    }
    const sign = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
    const depth = (each) => (down ? middle(each).y - here.y : middle(each).x - here.x);
    const beside = tasks().filter((each) => each !== task && sign * across(each) > 1 && Math.abs(depth(each)) < 130);
    return beside.sort((a, b) => Math.abs(across(a)) + Math.abs(depth(a)) - Math.abs(across(b)) - Math.abs(depth(b)))[0];
  }

  const focused = () => document.activeElement?.closest?.(".task");
  const focus = (task) => { task.querySelector("a")?.focus({ preventScroll: true }); task.scrollIntoView({ block: "nearest", inline: "nearest" }); };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !canvas().contains(document.activeElement)) return;
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const at = focused(), to = at ? along(at, event.key) : find(canvas().dataset.task) ?? tasks()[0];
      if (to) focus(to);
    } else if (event.key === " " && focused()) {
      event.preventDefault();
      const id = focused().dataset.task, group = id.includes(".") ? id.slice(0, id.lastIndexOf(".")) : "";
      if (canvas().dataset.folded.split(",").includes(id)) fold(id); else if (group) fold(group);
    }
  }, true);

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-zoom]");
    if (button?.matches("button")) return scale(Number(button.dataset.zoom));
    if (!canvas().contains(event.target) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const task = event.target.closest(".task"), frame = event.target.closest(".frame");
    if (task) {
      event.preventDefault();
      if (canvas().dataset.folded.split(",").includes(task.dataset.task)) return fold(task.dataset.task);
      choose(task.dataset.task);
    } else if (frame) fold(frame.dataset.group);
  });

  function scale(by) {
    zoom = by === 0 ? 0 : Math.min(4, Math.max(0.2, (zoom || current()) * by));
    apply();
  }
  const svg = () => canvas().querySelector("svg.yamldag-graph");
  const wide = () => svg().viewBox.baseVal.width, current = () => svg().getBoundingClientRect().width / wide();
  function apply() {
    canvas().toggleAttribute("data-zoom", zoom > 0);
    svg().setAttribute("width", String(wide() * (zoom || 1)));
    svg().setAttribute("height", String(svg().viewBox.baseVal.height * (zoom || 1)));
  }

  document.addEventListener("fresh", () => { if (zoom) apply(); mark(); });
  mark();
})();
