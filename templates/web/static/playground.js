// What is typed is checked by the server's compiler a moment later; its mistakes are drawn under the words.
"use strict";
(() => {
  const REST = 250; // ms without a key
  const get = (id) => document.getElementById(id);
  const text = get("text"), paint = get("paint"), numbers = get("numbers"), list = get("list"), hint = get("hint"), verdict = get("verdict");
  let found = [], timer = 0, asked = 0, shown = -1;

  try { const kept = sessionStorage.getItem("yamldag-playground"); if (kept) text.value = kept; } catch { /* then not */ }

  // Lines and columns of the compiler count code points; a textarea counts UTF-16.
  function offset(line, column) {
    let at = 0;
    const lines = text.value.split("\n");
    for (let n = 0; n < line - 1 && n < lines.length; n++) at += lines[n].length + 1;
    return at + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
  }

  function later() {
    draw();
    clearTimeout(timer);
    timer = setTimeout(check, REST);
    try { sessionStorage.setItem("yamldag-playground", text.value); } catch { /* then not */ }
  }

  async function check() {
    const mine = ++asked, value = text.value;
    let answer;
    try {
      const told = await fetch("/playground/check", { method: "POST", body: new URLSearchParams({ text: value }) });
      answer = told.ok || told.status === 503 ? await told.json() : { problem: "the server does not answer as it should: load the page again" };
    } catch { answer = { problem: "the server is not there" }; }
    if (mine !== asked || value !== text.value) return;
    show(answer);
  }

  function show({ diagnostics = [], problem, seconds, svg, ticks = [], zone = "", tasks = 0 }) {
    found = diagnostics.map(guessed).map((each) => ({ ...each, from: each.line ? offset(each.line, each.column) : 0, to: each.line ? offset(each.end_line, each.end_column) : 0 }));
    for (const each of found) if (each.to <= each.from) each.to = each.from + 1;
    shown = -1;
    const errors = found.filter((each) => each.severity === "error").length;
    say(problem ?? (errors ? `${errors} error${errors > 1 ? "s" : ""}` : found.length ? `${found.length} warning${found.length > 1 ? "s" : ""}` : "sound"), problem || errors ? "broken" : found.length ? "late" : "success");
    get("took").textContent = seconds === undefined ? "" : ` in ${Math.max(1, Math.round(seconds * 1000))} ms`;
    get("fix").hidden = !found.some((each) => each.fix);
    hint.textContent = "";
    items();
    draw();
    const graph = get("graph");
    graph.classList.toggle("stale", !svg);
    if (svg) graph.replaceChildren(document.importNode(new DOMParser().parseFromString(svg, "text/html").querySelector("svg"), true));
    get("tasks").textContent = tasks ? `${tasks} task${tasks > 1 ? "s" : ""}` : "";
    get("zone").textContent = ticks.length ? zone : "";
    get("ticks").replaceChildren(...(ticks.length ? ticks : ["None."]).map((tick) => Object.assign(document.createElement("li"), { textContent: tick.replace("T", " ") })));
  }

  // A word that is nearly another one is mended by that one.
  function guessed(each) {
    const near = /^did you mean `([^`\n]+)`\?/.exec(each.help ?? "");
    if (each.fix || !near || each.line !== each.end_line) return each;
    const start = [each.line, each.column], end = [each.end_line, each.end_column];
    const word = text.value.slice(offset(...start), offset(...end));
    return /^[\w.-]+$/.test(word) ? { ...each, fix: { message: `put ${near[1]}`, text: near[1], start, end } } : each;
  }

  function say(words, state) {
    verdict.className = `st s-${state}`;
    const glyph = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    glyph.setAttribute("class", "g"); glyph.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#g-${state}`);
    glyph.append(use);
    verdict.replaceChildren(glyph, words);
  }

  function items() {
    list.replaceChildren(...(found.length ? found.map(item) : [Object.assign(document.createElement("li"), { className: "soft", textContent: "Nothing is wrong." })]));
  }

  function item(each, number) {
    const row = document.createElement("li"), place = document.createElement("button"), what = document.createElement("div"), code = document.createElement("code");
    place.type = "button"; place.className = "go-to"; place.textContent = each.line ? `${each.line}:${each.column}` : "file";
    place.addEventListener("click", () => go(number));
    const name = document.createElement("b");
    name.textContent = `${each.name}: `;
    what.className = "what";
    what.append(name, each.message);
    if (each.help) { const help = document.createElement("div"); help.className = "soft"; help.textContent = each.help; what.append(help); }
    code.className = "soft"; code.textContent = each.code;
    row.append(place, what, code);
    if (each.fix) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "btn sm", textContent: "Fix" });
      button.setAttribute("aria-label", `Fix: ${each.fix.message}`);
      button.addEventListener("click", () => mend([each]));
      code.replaceWith(button);
    }
    return row;
  }

  function go(number) {
    const each = found[number];
    if (!each) return;
    shown = number;
    text.focus({ preventScroll: true });
    text.setSelectionRange(each.from, each.from);
    hint.textContent = each.message + (each.help ? ` (${each.help})` : "");
    hint.className = `pad said s-${each.severity === "error" ? "broken" : "late"}`;
    [...list.children].forEach((row, at) => row.classList.toggle("cur", at === number));
    draw();
    paint.querySelector(".here")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function next() {
    if (!found.length) return;
    const at = text.selectionStart, after = found.findIndex((each, number) => each.from > at || (each.from === at && number > shown));
    go(after < 0 ? 0 : after);
  }

  // The last first, so that places before stay what they are.
  function mend(those) {
    const edits = those.filter((each) => each.fix).map(({ fix }) => ({ from: offset(...fix.start), to: offset(...fix.end), text: fix.text })).sort((a, b) => b.from - a.from);
    text.focus();
    for (const edit of edits) typed(text, edit.text, edit.from, edit.to);
  }

  // Painting
  const TOKENS = /(#[^\n]*)|(\{\{[^}\n]*\}?\}?)|("(?:[^"\\\n]|\\.)*"?|'(?:[^'\n]|'')*'?)|((?<=^|[{,\s])[\w.-]+(?=\s*:(?:\s|$)))/gm;
  function draw() {
    const value = text.value, cuts = new Set([0, value.length]), kinds = [];
    for (const match of value.matchAll(TOKENS)) {
      const kind = match[1] ? "c" : match[2] ? "t" : match[3] ? "s" : "k";
      kinds.push([match.index, match.index + match[0].length, `y-${kind}`]);
    }
    found.forEach((each, number) => kinds.push([each.from, Math.min(each.to, value.length), `sq ${each.severity}${number === shown ? " here" : ""}`, each.message]));
    for (const [from, to] of kinds) { cuts.add(Math.min(from, value.length)); cuts.add(to); }
    const places = [...cuts].sort((a, b) => a - b), parts = [];
    for (let n = 0; n + 1 < places.length; n++) {
      const piece = value.slice(places[n], places[n + 1]);
      const over = kinds.filter(([from, to]) => from <= places[n] && places[n + 1] <= to);
      if (!over.length) { parts.push(piece); continue; }
      const span = document.createElement("span");
      span.className = over.map(([, , kind]) => kind).join(" ");
      span.textContent = piece;
      const said = over.find(([, , , message]) => message)?.[3];
      if (said) span.dataset.said = said;
      parts.push(span);
    }
    paint.replaceChildren(...parts, "\n");
    const bad = new Set(found.filter((each) => each.line).map((each) => each.line)), count = value.split("\n").length;
    numbers.replaceChildren(...Array.from({ length: count }, (_, n) => Object.assign(document.createElement("span"), { className: bad.has(n + 1) ? "bad" : "", textContent: `${n + 1}\n` })));
    text.setAttribute("rows", count + 1);
    text.setAttribute("cols", Math.max(20, ...value.split("\n").map((line) => line.length)) + 2);
    const line = value.slice(0, text.selectionStart).split("\n").length;
    get("at").textContent = `line ${line} of ${count}`;
  }

  // What lies under the mouse is in the layer below.
  text.addEventListener("mousemove", (event) => {
    paint.classList.add("over");
    let said = "";
    for (const mark of paint.querySelectorAll(".sq")) {
      for (const box of mark.getClientRects()) if (event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom) said = mark.dataset.said;
    }
    text.title = said;
  });

  text.addEventListener("input", later);
  text.addEventListener("keyup", () => { get("at").textContent = `line ${text.value.slice(0, text.selectionStart).split("\n").length} of ${text.value.split("\n").length}`; });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const before = text.value.slice(0, text.selectionStart), line = before.slice(before.lastIndexOf("\n") + 1);
    if (line.trim() || text.selectionStart !== text.selectionEnd) return; // elsewhere it leaves the editor
    event.preventDefault();
    typed(text, "  ", text.selectionStart, text.selectionEnd);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "F8") { event.preventDefault(); next(); }
    if (event.key === "." && (event.ctrlKey || event.metaKey)) { event.preventDefault(); mend(found); }
  });
  get("next").addEventListener("click", next);
  get("fix").addEventListener("click", () => mend(found));
  get("open").addEventListener("change", async (event) => {
    const file = event.target.files[0];
    if (file) { text.value = (await file.slice(0, 65536).text()).replaceAll("\r\n", "\n"); later(); }
  });
  get("save").addEventListener("click", () => {
    const name = /^pipeline:\s*["']?([\w-]+)/m.exec(text.value)?.[1] ?? "pipeline";
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text.value], { type: "text/yaml" })), download: `${name}.yml` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  draw();
  check();
})();
