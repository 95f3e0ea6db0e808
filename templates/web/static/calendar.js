// The calendar: one day can be reached by Tab, the others by arrows.
"use strict";
(() => {
  const days = () => [...document.querySelectorAll("#calendar a[data-day]")];
  const start = () => { const all = days(); (all.find((each) => each.hasAttribute("aria-current")) ?? all[all.length - 1])?.setAttribute("tabindex", "0"); };
  const moves = { ArrowLeft: -7, ArrowRight: 7, ArrowUp: -1, ArrowDown: 1 };

  document.addEventListener("keydown", (event) => {
    const at = document.activeElement?.closest?.("#calendar a"), by = moves[event.key];
    if (!at || !by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    // The nearest day with runs that lies this way.
    const from = Date.parse(at.dataset.day), sign = Math.sign(by);
    const ahead = days().map((each) => ({ each, away: (Date.parse(each.dataset.day) - from) / 864e5 * sign })).filter(({ away }) => away > 0);
    const wanted = Math.abs(by), to = ahead.sort((a, b) => Math.abs(a.away - wanted) - Math.abs(b.away - wanted))[0]?.each;
    if (!to) return;
    at.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus();
  });
  document.addEventListener("fresh", start);
  start();
})();
