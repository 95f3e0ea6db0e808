// What the server tells, for all windows of one browser: it has six connections for one site, and each window wants
// one. As a shared worker it is there once; where there are none, each window has it for itself.
"use strict";
(() => {
  const KEPT = 500; // changes that who comes later is told of
  const AGAIN = 15000; // ms until a stream that was refused is tried again
  const TURNS = 3, TURN = 1000; // logs that are followed at once; ms after which the next one has its turn
  const windows = new Map(); // port → what its page is about
  const going = [], waiting = [];
  let source = null, from = null, changes = [], away = false;

  const tell = (port, event, data) => port.postMessage({ event, data });
  const tellAll = (event, data, fits = () => true) => {
    for (const [port, topic] of windows) if (fits(topic)) tell(port, event, data);
  };
  const about = (change) => (topic) => topic === "all" || topic === `run=${change.run}` || topic === `pipeline=${change.pipeline}`;

  const does = {
    listen(port, { topic, since }) {
      windows.set(port, topic);
      if (!source) return open(since);
      if (from === null || since === null || since < from) return tell(port, "reset");
      for (const { id, change } of changes) if (id > since && about(change)(topic)) tell(port, "change", change);
    },
    leave(port) {
      windows.delete(port);
      if (!windows.size) close();
    },
    follow(port) {
      waiting.push(port);
      next();
    },
    rest(port) {
      for (const line of [going, waiting]) if (line.includes(port)) line.splice(line.indexOf(port), 1);
      next();
    },
  };

  function open(since) {
    source = new EventSource("/live" + (since === null ? "" : `?since=${since}`));
    source.addEventListener("hello", (event) => {
      if (from === null) from = since ?? JSON.parse(event.data).at;
      if (since === null || away) tellAll("reset");
      since = from;
      away = false;
    });
    source.addEventListener("change", (event) => {
      const change = JSON.parse(event.data);
      changes.push({ id: Number(event.lastEventId), change });
      if (changes.length > KEPT) from = changes.shift().id;
      tellAll("change", change, about(change));
    });
    source.addEventListener("deed", () => tellAll("deed", null, (topic) => topic === "deeds"));
    for (const name of ["status", "reset"]) source.addEventListener(name, () => tellAll(name));
    source.addEventListener("error", () => {
      away = true;
      if (source.readyState !== EventSource.CLOSED) return tellAll("away");
      close();
      tellAll("gone");
      setTimeout(() => { if (windows.size && !source) open(null); }, AGAIN);
    });
  }

  function close() {
    source?.close();
    source = from = null;
    changes = [];
  }

  // Logs have streams of their own, and take turns.
  function next() {
    while (waiting.length && going.length < TURNS) {
      const port = waiting.shift();
      going.push(port);
      tell(port, "go");
    }
  }
  setInterval(() => {
    if (!waiting.length) return;
    const port = going.shift();
    waiting.push(port);
    tell(port, "stop");
    next();
  }, TURN);

  self.onconnect = ({ ports: [port] }) => { port.onmessage = ({ data }) => does[data.do](port, data); };
})();
