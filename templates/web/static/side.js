// The panel beside a drawing: what is chosen goes into the address, and the panel alone is put right.
"use strict";
(() => {
  let newest = 0;

  // Choose by values of the query; empty ones go away. The rest of the page stays as it is.
  async function choose(values) {
    const here = new URL(location.href);
    for (const [name, value] of Object.entries(values)) value ? here.searchParams.set(name, value) : here.searchParams.delete(name);
    history.replaceState(null, "", here);
    const mine = ++newest;
    await new Promise((go) => setTimeout(go, 60)); // keys that are held down ask once
    if (mine !== newest) return;
    try {
      const answer = await fetch(here, { cache: "no-store" });
      if (!answer.ok || mine !== newest) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("side");
      if (fresh) document.getElementById("side")?.replaceWith(document.adoptNode(fresh));
    } catch { /* the stream tells when the server is away */ }
  }

  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  window.side = { choose };
})();
