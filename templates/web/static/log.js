// The log of one attempt: folds open in place, the whole is searched by the server, new lines come as they are written.
"use strict";
(() => {
  let source = null;

  function begin() {
    const box = document.getElementById("lines");
    if (!box || box.dataset.begun) return;
    box.dataset.begun = "1";
    const tools = document.querySelector(".ltools"), out = document.getElementById("found");
    const field = tools?.querySelector("[name=find]");
    const query = (path, more) => `${box.dataset.log}${path}?${box.dataset.where}${more}`;

    async function unfold(fold, first, last) {
      const answer = await fetch(query("", `&from=${first}&to=${last}`));
      if (!answer.ok) return location.assign(fold.href);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("lines");
      const parts = [...document.adoptNode(fresh).childNodes];
      const from = Number(fold.dataset.first), to = Number(fold.dataset.last);
      const rest = last < to ? folded(fold, last + 1, to) : null;
      fold.replaceWith(...(first > from ? [folded(fold, from, first - 1)] : []), ...parts, ...(rest ? [rest] : []));
      if (field?.value) mark(field.value);
    }

    function folded(like, first, last) {
      const made = like.cloneNode();
      made.dataset.first = first; made.dataset.last = last;
      made.textContent = `${(last - first + 1).toLocaleString("en")} line${last > first ? "s" : ""}`;
      return made;
    }

    // Shows a line, wherever it is folded.
    async function go(number, { smooth = false } = {}) {
      let line = document.getElementById(`L${number}`);
      if (!line) {
        const fold = [...box.querySelectorAll(".fold")].find((each) => each.dataset.first <= number && number <= each.dataset.last);
        if (!fold) return;
        await unfold(fold, Math.max(Number(fold.dataset.first), number - 50), Math.min(Number(fold.dataset.last), number + 50));
        line = document.getElementById(`L${number}`);
      }
      for (const old of box.querySelectorAll(".at")) old.classList.remove("at");
      line?.classList.add("at");
      line?.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "auto" });
    }

    // Search
    let hits = [], at = -1, asked = "";
    async function search(by) {
      const words = field.value;
      if (!words) { hits = []; out.textContent = ""; mark(""); return; }
      if (words !== asked) {
        asked = words;
        const answer = await fetch(query("/search", `&find=${encodeURIComponent(words)}`));
        if (!answer.ok || words !== field.value) return;
        const found = await answer.json();
        hits = found.lines; at = -1;
        out.dataset.more = found.more ? "+" : "";
      }
      if (!hits.length) { out.textContent = "nothing found"; mark(""); return; }
      at = (at + by + hits.length) % hits.length;
      out.textContent = `${(at + 1).toLocaleString("en")} of ${hits.length.toLocaleString("en")}${out.dataset.more}`;
      follow(false);
      await go(hits[at]);
      mark(words);
    }

    function mark(words) {
      for (const old of box.querySelectorAll("mark")) { const parent = old.parentNode; old.replaceWith(...old.childNodes); parent.normalize(); }
      if (!words) return;
      const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT), texts = [];
      while (walker.nextNode()) if (walker.currentNode.parentElement.closest(".ln > span")) texts.push(walker.currentNode);
      for (let text of texts) {
        for (let place; (place = text.data.toLowerCase().indexOf(words.toLowerCase())) >= 0;) {
          const hit = text.splitText(place);
          text = hit.splitText(words.length);
          const made = document.createElement("mark");
          hit.replaceWith(made);
          made.append(hit);
        }
      }
    }

    tools?.addEventListener("submit", (event) => { event.preventDefault(); search(1); });
    field?.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); search(-1); } });
    field?.addEventListener("search", () => { if (!field.value) search(1); });
    tools?.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-line]");
      if (link) { event.preventDefault(); follow(false); go(Number(link.dataset.line)); }
    });

    box.addEventListener("click", (event) => {
      const fold = event.target.closest?.(".fold");
      if (!fold) return;
      event.preventDefault();
      const first = Number(fold.dataset.first);
      unfold(fold, first, Math.min(Number(fold.dataset.last), first + 999));
    });

    // Wrap
    const wrap = document.getElementById("wrap");
    if (wrap) {
      const set = (on) => { wrap.setAttribute("aria-pressed", on); box.dataset.wrap = on ? "on" : "off"; };
      wrap.hidden = false;
      try { set(localStorage.getItem("yamldag-wrap") !== "off"); } catch { set(true); }
      wrap.addEventListener("click", () => {
        set(wrap.getAttribute("aria-pressed") !== "true");
        try { localStorage.setItem("yamldag-wrap", box.dataset.wrap); } catch { /* for this page alone then */ }
      });
    }

    // Follow
    const button = document.getElementById("follow");
    let follows = button && !location.hash.startsWith("#L") && !box.dataset.focus;
    let known = Number(box.dataset.lines);
    function follow(on) {
      follows = on;
      button?.setAttribute("aria-pressed", on);
      if (on) box.lastElementChild?.scrollIntoView({ block: "end" });
    }

    function rest() {
      source?.close();
      source = null;
    }

    function listen() {
      rest();
      source = new EventSource(query("/follow", `&after=${known}`));
      source.addEventListener("lines", (event) => {
        // The last line of what was shown may have gone on since.
        const fresh = document.adoptNode(new DOMParser().parseFromString(JSON.parse(event.data), "text/html").body);
        for (const line of [...fresh.children]) { document.getElementById(line.id)?.remove(); box.append(line); }
        known = Number(event.lastEventId);
        const ends = [...box.querySelectorAll(":scope > .ln")];
        if (ends.length > 5000) fold(ends.slice(0, ends.length - 4000));
        document.getElementById("tail").firstChild.data = `So far: ${known.toLocaleString("en")} lines. In a terminal: `;
        if (field?.value) mark(field.value);
        if (follows) box.lastElementChild.scrollIntoView({ block: "end" });
      });
      source.addEventListener("end", () => {
        rest();
        stream.rest();
        delete box.dataset.goesOn;
        if (button) button.hidden = true;
      });
    }

    // A page that is open for a night holds no more than can be looked at.
    function fold(lines) {
      const made = Object.assign(document.createElement("a"), { className: "fold", href: "#lines" });
      const before = lines[0].previousElementSibling;
      const first = before?.matches(".fold") ? Number(before.dataset.first) : Number(lines[0].id.slice(1));
      if (before?.matches(".fold")) before.remove();
      lines[0].before(folded(made, first, Number(lines.at(-1).id.slice(1))));
      for (const line of lines) line.remove();
    }

    if (box.hasAttribute("data-goes-on")) {
      known = Math.max(0, known - 1);
      if (button) { button.hidden = false; button.addEventListener("click", () => follow(button.getAttribute("aria-pressed") !== "true")); }
      follow(Boolean(follows));
      stream.follow({ go: listen, stop: rest });
    }
    const named = /^#L([0-9]{1,12})$/.exec(location.hash);
    if (named) go(Number(named[1])); else if (box.dataset.focus && !follows) go(Number(box.dataset.focus));
    if (field?.value) { asked = ""; mark(field.value); }
    addEventListener("hashchange", () => { const to = /^#L([0-9]{1,12})$/.exec(location.hash); if (to) go(Number(to[1])); });
  }

  document.addEventListener("fresh", begin);
  begin();
})();
