// Keeps an open page up to date. Without this script the page is the same, but not live.
(() => {
  "use strict";
  const live = document.getElementById("live");
  const word = live && live.querySelector(".word");
  // Milliseconds after the end of scrolling until the visible parts are requested.
  const REST = 150;
  // The page of a run has many parts; other pages have few and request all of them.
  const isOfRun = location.pathname.startsWith("/run/");
  // Parts on the screen, by id.
  const seen = new Set();
  let events = null;
  let timer = 0;
  const watcher = new IntersectionObserver((changes) => {
    const before = wanted();
    for (const { target, isIntersecting } of changes) seen[isIntersecting ? "add" : "delete"](target.id);
    if (wanted() !== before || !events) soon(events ? REST : 0);
  });

  // The ids of the parts to send; empty for all parts.
  function wanted() {
    return isOfRun ? [...seen].sort().join(" ") : "";
  }

  function tell(state, text) {
    if (!live || live.dataset.state === state) return;
    live.dataset.state = state;
    word.textContent = text;
  }

  function soon(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(connect, milliseconds);
  }

  // A hidden page gets no updates.
  function connect() {
    if (events) events.close();
    events = null;
    if (document.hidden) return;
    const query = new URLSearchParams({ of: location.pathname + location.search, parts: wanted() });
    events = new EventSource(`/live?${query}`);
    events.onopen = () => tell("on", "live");
    events.onmessage = ({ data }) => show(data);
    events.onerror = () => {
      tell("off", "connection lost, trying again");
      // The browser retries on its own unless the connection was refused.
      if (events.readyState === EventSource.CLOSED) soon(1000);
    };
  }

  // Replaces the parts that changed. Scripts do not run, because the answer is parsed as a document.
  function show(text) {
    const next = new DOMParser().parseFromString(text, "text/html");
    for (const part of next.querySelectorAll("[data-live]")) {
      const known = document.getElementById(part.id);
      if (known) replace(known, part);
    }
  }

  function replace(known, next) {
    // Keep what a person opened or closed.
    for (const open of known.querySelectorAll("details[id][data-touched]")) {
      const same = next.querySelector(`#${CSS.escape(open.id)}`);
      if (same) { same.open = open.open; same.dataset.touched = ""; }
    }
    if (known.outerHTML === next.outerHTML) return;
    const focused = known.contains(document.activeElement) ? trace(known, document.activeElement) : null;
    const scrolled = [...known.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
    const part = document.importNode(next, true);
    known.replaceWith(part);
    watcher.unobserve(known);
    watcher.observe(part);
    part.querySelectorAll(".scroll").forEach((one, at) => {
      if (scrolled[at]) [one.scrollLeft, one.scrollTop] = scrolled[at];
    });
    const again = focused && part.querySelectorAll(focused.kind)[focused.at];
    if (again) again.focus({ preventScroll: true });
  }

  // The index of the focused element among the elements of its kind.
  function trace(part, element) {
    const kind = element.localName;
    return { kind, at: [...part.querySelectorAll(kind)].indexOf(element) };
  }

  document.addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    if (summary) summary.parentElement.dataset.touched = "";
  });
  const shown = document.querySelectorAll("[data-live]");
  // A page without parts shows the state at the time of the request.
  if (shown.length > 0 && window.EventSource) {
    document.addEventListener("visibilitychange", connect);
    // The observer reports the visible parts at once.
    shown.forEach((part) => watcher.observe(part));
  } else if (live) {
    live.hidden = true;
  }
})();
