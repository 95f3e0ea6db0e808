// Keeps the page as things are: the server tells what has changed, and that part of the page is put right.
"use strict";
(() => {
  const REST = 1000; // ms between two looks, at least
  const main = document.getElementById("main");
  const topic = main?.dataset.live;
  if (!topic) return;
  let source = null, wanted = false, busy = false;

  function listen() {
    source = new EventSource("/live" + (topic === "all" ? "" : `?${topic}`));
    source.addEventListener("change", (event) => { paint(JSON.parse(event.data)); later(); });
    for (const name of ["status", "reset"]) source.addEventListener(name, later);
    source.addEventListener("error", () => { if (source?.readyState === EventSource.CLOSED) gone(); });
  }

  function deaf() {
    source?.close();
    source = null;
  }

  // At once, whatever the look takes: the class, the glyph and the word of each place that shows this task.
  function paint({ run, task, map_index: index, state }) {
    if (task === null) return;
    const where = `[data-run="${CSS.escape(run)}"][data-task="${CSS.escape(task)}"][data-index="${index ?? ""}"]`;
    for (const place of document.querySelectorAll(where)) {
      for (const part of [place, ...place.querySelectorAll("[class*='s-']")]) {
        for (const old of [...part.classList]) if (old.startsWith("s-")) part.classList.replace(old, `s-${state}`);
      }
      for (const use of place.querySelectorAll("use")) use.setAttribute("href", `#g-${state}`);
      const word = place.querySelector("[data-word]");
      if (word) word.textContent = document.getElementById(`g-${state}`)?.dataset.word ?? state;
    }
  }

  function later() {
    wanted = true;
    if (!busy) turn();
  }

  // A page that takes long to make is asked for less often; many changes are one look.
  async function turn() {
    busy = true;
    await new Promise((go) => setTimeout(go, 150));
    while (wanted && source) {
      wanted = false;
      const began = performance.now();
      if (!(await look())) wanted = true;
      await new Promise((go) => setTimeout(go, Math.max(REST, 10 * (performance.now() - began))));
    }
    busy = false;
  }

  // False: this is no moment for it.
  async function look() {
    if (document.querySelector("dialog[open]") || String(getSelection()) || typing()) return false;
    let page;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok || answer.redirected) return true;
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return true; // the stream finds out, and comes again
    }
    const parts = [...document.querySelectorAll("#main [data-part]")].map((part) => part.id);
    for (const id of [...(parts.length ? parts : ["main"]), "scheduler", "clock"]) {
      const old = document.getElementById(id), fresh = page.getElementById(id);
      if (old && fresh && old.outerHTML !== fresh.outerHTML) replace(old, fresh);
    }
    if (document.title !== page.title) document.title = page.title;
    return true;
  }

  function typing() {
    return main.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  }

  // Focus and the cursor of lists stay where they were.
  function replace(old, fresh) {
    const href = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const cursor = old.querySelector("[data-list] > .cur a")?.getAttribute("href");
    old.replaceWith(document.adoptNode(fresh));
    const link = (to) => [...fresh.querySelectorAll("a")].find((a) => a.getAttribute("href") === to);
    if (cursor) link(cursor)?.closest("[data-list] > *")?.classList.add("cur");
    if (href) link(href)?.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("fresh", { detail: fresh }));
  }

  function gone() {
    const sign = document.getElementById("scheduler");
    if (!sign) return;
    sign.className = "live s-failed";
    sign.lastElementChild.textContent = "not live: load the page again";
  }

  // A page that nobody sees holds no connection: browsers have six for all pages of one site.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return deaf();
    if (!source) listen();
    later();
  });
  addEventListener("pagehide", deaf);
  addEventListener("pageshow", (event) => { if (event.persisted && !source) { listen(); later(); } });
  document.addEventListener("look", later);
  if (!document.hidden) listen();
  if ("stale" in document.documentElement.dataset) later();
})();
