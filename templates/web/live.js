// Brings the page up to date: the same page again, and what differs put in place. Without it, pages reload by themselves.
"use strict";
const PAUSE = 2000;

async function look() {
  const main = document.getElementById("main");
  if (!main || main.dataset.live !== "yes" || document.hidden || String(getSelection())) return;
  let page;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return gone();
  }
  for (const id of ["main", "scheduler"]) {
    const old = document.getElementById(id), fresh = page.getElementById(id);
    if (old && fresh && old.outerHTML !== fresh.outerHTML) replace(old, fresh);
  }
  if (document.title !== page.title) document.title = page.title;
}

// Focus stays where it was.
function replace(old, fresh) {
  const href = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
  old.replaceWith(fresh);
  if (href) [...fresh.querySelectorAll("a")].find((a) => a.getAttribute("href") === href)?.focus({ preventScroll: true });
}

function gone() {
  const sign = document.getElementById("scheduler");
  if (!sign) return;
  sign.className = "live s-failed";
  sign.lastElementChild.textContent = "no answer: is yamldag serve running?";
}

// A page that takes long to make is asked for less often.
async function turn() {
  const began = performance.now();
  await look();
  setTimeout(turn, Math.max(PAUSE, 10 * (performance.now() - began)));
}

setTimeout(turn, PAUSE);
document.addEventListener("visibilitychange", look);
