// Keeps the page as things are: the server tells what has changed, and that part of the page is put right.
"use strict";
(() => {
  const REST = 1000; // ms between two looks, at least
  const IDLE = 15000; // ms after which it looks though nothing has happened: times go on
  const main = document.getElementById("main");
  if (!stream.topic) return;
  let wanted = false, busy = false;

  function hear(event, data) {
    if (event === "away") return sign("no connection: it is tried again");
    if (event === "gone") return sign("not live: load the page again");
    if (event === "change") paint(data);
    later();
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
    while (wanted && !document.hidden) {
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
      if (answer.redirected) sign("not live: load the page again"); // to where one logs in
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
    return main.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  }

  // What somebody has done to the old part is done to the new one: where the focus is, what is ticked and typed, how
  // far it is scrolled, where the cursor of a list stands.
  function replace(old, fresh) {
    const focused = old.contains(document.activeElement) && document.activeElement !== document.body ? document.activeElement : null;
    const given = [...old.querySelectorAll("input, textarea")].filter((each) => each.checked !== each.defaultChecked || each.value !== each.defaultValue);
    const scrolled = [...old.querySelectorAll("*")].filter((each) => each.scrollLeft || each.scrollTop).map((each) => [each, each.scrollLeft, each.scrollTop]);
    const cursor = old.querySelector("[data-list] > .cur a");
    old.replaceWith(document.adoptNode(fresh));
    for (const each of given) {
      const now = twin(fresh, each);
      if (now?.matches("[type=checkbox], [type=radio]")) now.checked = each.checked; else if (now) now.value = each.value;
    }
    const row = cursor && twin(fresh, cursor)?.closest("[data-list] > *");
    if (row) {
      for (const each of fresh.querySelectorAll("[data-list] > .cur")) each.classList.remove("cur");
      row.classList.add("cur");
    }
    if (focused) twin(fresh, focused)?.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("fresh", { detail: fresh }));
    for (const [each, left, top] of scrolled) twin(fresh, each)?.scrollTo(left, top);
  }

  // The element of the new part that is the same as one of the old: of those alike, the one at the same place.
  function twin(fresh, old) {
    const same = (root) => [root, ...root.querySelectorAll(old.tagName)].filter((each) => alike(each, old));
    const root = old.getRootNode(), before = same(root.nodeType === Node.DOCUMENT_NODE ? old : root);
    const now = same(fresh);
    return now[before.indexOf(old)] ?? now[0];
  }

  const alike = (one, other) => one.tagName === other.tagName
    && ["id", "href", "name", "value", "aria-label", "data-key"].every((key) => one.getAttribute(key) === other.getAttribute(key))
    && (one.tagName !== "BUTTON" || one.textContent === other.textContent);

  function sign(words) {
    const place = document.getElementById("scheduler");
    if (!place) return;
    place.className = "live s-failed";
    place.lastElementChild.textContent = words;
  }

  stream.listen(hear);
  setInterval(() => { if (!document.hidden) later(); }, IDLE);
  document.addEventListener("look", later);
  if ("stale" in document.documentElement.dataset) later();
})();
