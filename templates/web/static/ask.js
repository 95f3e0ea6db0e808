// A link with data-ask opens its question as a dialog over the page. Without this it is a page of its own.
"use strict";
(() => {
  const dialog = document.getElementById("question");

  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-ask]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    let question = null;
    try {
      const answer = await fetch(link.href);
      if (answer.ok) question = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("ask");
    } catch { /* the page itself says what is wrong */ }
    if (!question) return location.assign(link.href);
    const parts = [...document.adoptNode(question).childNodes];
    const title = parts.find((part) => part.nodeName === "HEADER")?.querySelector("h1");
    title?.replaceWith(Object.assign(document.createElement("h2"), { id: "ask-title", textContent: title.textContent }));
    dialog.replaceChildren(...parts);
    dialog.showModal();
    dialog.querySelector("button.go")?.focus();
  });

  dialog?.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest?.("[data-back]")) { event.preventDefault(); dialog.close(); }
  });

  // What an action has told is told once.
  const here = new URL(location.href);
  if (here.searchParams.has("did")) { here.searchParams.delete("did"); history.replaceState(null, "", here); }
})();
