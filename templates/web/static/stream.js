// This page's end of what the server tells all windows of the browser.
"use strict";
const stream = (() => {
  const main = document.getElementById("main");
  const topic = main?.dataset.live;
  let heard = () => {}, follows = null, listens = false, port = null;

  function connect() {
    if (port) return port;
    if ("SharedWorker" in window) port = new SharedWorker("/static/shared.js", main.dataset.version).port;
    else port = alone();
    port.onmessage = ({ data: { event, data } }) => {
      if (event === "go" || event === "stop") follows?.[event]();
      else heard(event, data);
    };
    return port;
  }

  function alone() {
    const { port1, port2 } = new MessageChannel();
    const script = document.createElement("script");
    script.src = "/static/shared.js";
    script.addEventListener("load", () => self.onconnect({ ports: [port2] }));
    document.head.append(script);
    return port1;
  }

  // A page that nobody sees hears nothing.
  function turn(seen) {
    if (seen === listens) return;
    listens = seen;
    const since = main.dataset.since === "" ? null : Number(main.dataset.since);
    if (topic) connect().postMessage(seen ? { do: "listen", topic, since } : { do: "leave" });
    if (!seen) main.dataset.since = "";  // it looks anew when it is seen again
    if (follows) ask(seen);
  }

  function ask(seen) {
    if (!seen) follows.stop();
    connect().postMessage({ do: seen ? "follow" : "rest" });
  }

  document.addEventListener("visibilitychange", () => turn(!document.hidden));
  addEventListener("pagehide", () => turn(false));
  addEventListener("pageshow", (event) => { if (event.persisted) turn(!document.hidden); });

  return {
    topic,
    // `tell` gets each event: change, deed, status, reset (look anew), away and gone.
    listen(tell) {
      heard = tell;
      turn(!document.hidden);
    },
    // A log is followed when it is its turn: `go` opens its stream, `stop` closes it.
    follow(turns) {
      follows = turns;
      if (listens) ask(true);
    },
    rest() {
      if (follows && listens) ask(false);
      follows = null;
    },
  };
})();
