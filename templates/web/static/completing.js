// What may be written at the cursor, and what a word means, is asked of the server: the compiler's own knowledge.
"use strict";
(() => {
  const REST = 120, STAY = 350; // ms: without a key, and of the mouse over a word
  const get = (id) => document.getElementById(id);
  const text = get("text"), paint = get("paint"), panel = get("editor"), box = get("offers"), list = get("offer-list"), about = get("offer-about"), told = get("offers-told"), meaning = get("meaning");
  const CHOOSING = { role: "combobox", "aria-expanded": "true", "aria-controls": "offer-list" }; // what a textarea is while one chooses
  const beside = new CSSStyleSheet(); // where the one that is open stands: no style attribute is wanted for that
  document.adoptedStyleSheets.push(beside);
  let offers = [], end = 0, at = 0, asked = 0, timer = 0, over = 0;

  // The server counts code points; a textarea counts UTF-16.
  const points = (units) => [...text.value.slice(0, units)].length;
  const units = (points) => [...text.value].slice(0, points).join("").length;

  async function ask(what, place) {
    try {
      const answer = await fetch(`/playground/${what}`, { method: "POST", body: new URLSearchParams({ text: text.value, at: points(place) }) });
      return answer.ok ? await answer.json() : {};
    } catch { return {}; }
  }

  // Where a place of the text is drawn, within the panel.
  function drawn(place) {
    const begin = text.value.lastIndexOf("\n", place - 1) + 1, number = text.value.slice(0, place).split("\n").length - 1;
    const style = getComputedStyle(paint), line = parseFloat(style.lineHeight), sheet = paint.getBoundingClientRect(), whole = panel.getBoundingClientRect();
    return { line, left: sheet.left - whole.left + parseFloat(style.paddingLeft) + wide(begin, place), top: sheet.top - whole.top + parseFloat(style.paddingTop) + number * line };
  }

  function wide(from, to) {
    const range = document.createRange(), walker = document.createTreeWalker(paint, NodeFilter.SHOW_TEXT);
    let seen = 0, begun = false;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const next = seen + node.length;
      if (!begun && from < next) { range.setStart(node, from - seen); begun = true; }
      if (begun && to <= next) { range.setEnd(node, to - seen); return range.getBoundingClientRect().width; }
      seen = next;
    }
    return 0;
  }

  function put(element, place) {
    const { line, left, top } = drawn(place);
    element.hidden = false;
    const room = panel.clientWidth - element.offsetWidth - 8, below = panel.getBoundingClientRect().top + top + line + element.offsetHeight + 4;
    const above = below > innerHeight && panel.getBoundingClientRect().top + top > element.offsetHeight + 48;
    beside.replaceSync(`#${element.id} { left: ${Math.max(8, Math.min(left, room))}px; top: ${above ? top - element.offsetHeight - 4 : top + line + 2}px }`);
  }

  // Offers
  async function offer(wanted) {
    const mine = ++asked, value = text.value, place = text.selectionStart;
    const answer = await ask("complete", place);
    if (mine !== asked || value !== text.value || place !== text.selectionStart || document.activeElement !== text) return;
    const found = answer.offers ?? [];
    if (!wanted && !worth(found, place)) return close();
    offers = found; end = answer.end ?? 0; at = 0;
    if (!offers.length) { close(); told.textContent = answer.problem ?? "Nothing is known to go here."; return; }
    meaning.hidden = true;
    list.replaceChildren(...offers.map(item));
    put(box, units(offers[0].start));
    for (const [name, value] of Object.entries(CHOOSING)) text.setAttribute(name, value);
    told.textContent = `${offers.length} to choose from`;
    choose(0);
  }

  // Unasked, neither examples alone nor what is written in full already.
  function worth(found, place) {
    if (!found.length || found.every((each) => each.detail === "example")) return false;
    const first = found[0];
    return found.length > 1 || text.value.slice(units(first.start), place) !== first.text.trimEnd();
  }

  function item(each, number) {
    const row = document.createElement("li"), label = document.createElement("b"), kind = document.createElement("span");
    row.id = `offer-${number}`; row.setAttribute("role", "option");
    label.textContent = each.label; kind.className = "soft"; kind.textContent = each.kind === "name" ? each.detail : each.kind;
    row.append(label, kind);
    row.addEventListener("click", () => take(number));
    return row;
  }

  function choose(number) {
    at = (number + offers.length) % offers.length;
    [...list.children].forEach((row, each) => row.setAttribute("aria-selected", each === at));
    text.setAttribute("aria-activedescendant", `offer-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
    spoken(about, [offers[at].kind === "name" ? "" : offers[at].detail, offers[at].about]); // a name has its type beside it
  }

  function take(number) {
    const { start, text: put } = offers[number];
    typed(text, put, units(start), units(end));
    close();
    if (put.endsWith(": ")) offer(false);
  }

  function close() {
    clearTimeout(timer);
    asked++;
    offers = [];
    box.hidden = true;
    told.textContent = "";
    for (const name of [...Object.keys(CHOOSING), "aria-activedescendant"]) text.removeAttribute(name);
  }

  // Meanings
  async function explain(place) {
    const value = text.value, answer = await ask("explain", place);
    if (value !== text.value || !box.hidden) return;
    if (!answer.meaning) { meaning.hidden = true; return; }
    const name = document.createElement("b");
    name.textContent = answer.meaning.name;
    spoken(meaning, [answer.meaning.detail, answer.meaning.about]);
    meaning.prepend(name);
    put(meaning, units(answer.meaning.start));
  }

  // Words between backticks are code.
  function spoken(element, sentences) {
    element.replaceChildren(...sentences.filter(Boolean).map((sentence) => {
      const line = document.createElement("span");
      line.append(...sentence.split("`").map((piece, number) => number % 2 ? Object.assign(document.createElement("code"), { textContent: piece }) : piece));
      return line;
    }));
  }

  // The place of the text that a point of the window is over; null beside it.
  function under(x, y) {
    const style = getComputedStyle(paint), sheet = paint.getBoundingClientRect(), lines = text.value.split("\n");
    const number = Math.floor((y - sheet.top - parseFloat(style.paddingTop)) / parseFloat(style.lineHeight));
    if (!(number >= 0 && number < lines.length)) return null;
    const begin = lines.slice(0, number).reduce((sum, line) => sum + line.length + 1, 0), left = x - sheet.left - parseFloat(style.paddingLeft);
    let low = 0, high = lines[number].length;
    if (left < 0 || left > wide(begin, begin + high)) return null;
    while (low < high) { const middle = (low + high + 1) >> 1; if (wide(begin, begin + middle) <= left) low = middle; else high = middle - 1; }
    return begin + low;
  }

  text.addEventListener("input", (event) => {
    meaning.hidden = true;
    const before = text.value.slice(0, text.selectionStart);
    const asks = event.inputType === "insertText" ? /[\w.@]$|\{\{ ?$/.test(before) : event.inputType?.startsWith("delete") && offers.length;
    if (!asks) return close();
    clearTimeout(timer);
    timer = setTimeout(() => offer(false), REST);
  });

  // Before the editor's own keys.
  text.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    const done = () => { event.preventDefault(); event.stopImmediatePropagation(); };
    if (event.key === " " && event.ctrlKey) { done(); return offer(true); }
    if (event.key === "Enter" && event.altKey) { done(); close(); return explain(text.selectionStart); }
    if (event.key === "Escape" && !(box.hidden && meaning.hidden)) { done(); meaning.hidden = true; return close(); }
    meaning.hidden = true;
    if (box.hidden || !plain) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { done(); choose(at + (event.key === "ArrowDown" ? 1 : -1)); }
    else if (event.key === "Enter" || event.key === "Tab") { done(); take(at); }
    else if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") close();
  }, true);

  text.addEventListener("pointerdown", close);
  text.addEventListener("blur", () => { close(); meaning.hidden = true; });
  box.addEventListener("pointerdown", (event) => event.preventDefault()); // the editor keeps the focus
  text.addEventListener("mousemove", (event) => {
    clearTimeout(over);
    meaning.hidden = true;
    if (box.hidden) over = setTimeout(() => { const place = text.title ? null : under(event.clientX, event.clientY); if (place !== null) explain(place); }, STAY);
  });
  text.addEventListener("mouseleave", () => { clearTimeout(over); meaning.hidden = true; });
})();
