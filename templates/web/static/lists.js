// The list of pipelines narrows as one types; the address says to what.
"use strict";
(() => {
  const form = document.getElementById("narrow");
  if (!form) return;
  for (const each of form.querySelectorAll("[data-scriptless]")) each.hidden = true;
  let timer = 0, newest = 0;

  function address() {
    const given = [...new FormData(form)].filter(([name, value]) => value && !(name === "sort" && value === "attention"));
    return form.action + (given.length ? `?${new URLSearchParams(given)}` : "");
  }

  async function narrow() {
    const mine = ++newest, to = address();
    try {
      const answer = await fetch(to, { cache: "no-store" });
      if (!answer.ok || mine !== newest) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["listing", "chips"]) {
        const fresh = page.getElementById(id);
        if (fresh) document.getElementById(id)?.replaceWith(document.adoptNode(fresh));
      }
      history.replaceState(null, "", to);
    } catch { /* the stream tells when the server is away */ }
  }

  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(narrow, 120); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    narrow();
    document.activeElement?.blur();
  });
})();
