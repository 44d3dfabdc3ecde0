// Keeps an open page up to date. Without it the page is the same; it is only not live.
(() => {
  "use strict";
  const live = document.getElementById("live");
  const word = live && live.querySelector(".word");
  // Shortest time between two updates, in milliseconds.
  const REST = 150;
  // Longest time that a part that is not on the screen stays as it is, in milliseconds.
  const UNSEEN = 5000;
  // Any other page has few parts: all of them are asked for each time.
  const isOfRun = location.pathname.startsWith("/run/");
  let isBusy = false;
  let isDue = false;
  // Parts on the screen, by id.
  const seen = new Set();
  // Whether the other parts may be old, and when all were asked for last.
  let isBehind = false;
  let wholeAt = performance.now();
  const watcher = new IntersectionObserver((changes) => {
    const isNew = changes.some(({ target, isIntersecting }) => isIntersecting && !seen.has(target.id));
    for (const { target, isIntersecting } of changes) seen[isIntersecting ? "add" : "delete"](target.id);
    if (isBehind && isNew) update();
  });

  function tell(state, text) {
    if (!live || live.dataset.state === state) return;
    live.dataset.state = state;
    word.textContent = text;
  }

  function connect() {
    const [, place, run] = location.pathname.split("/");
    const of = { run: `?run=${run}`, "": "?of=log" };
    const events = new EventSource(`/live${of[place] ?? ""}`);
    events.onopen = () => tell("on", "live");
    events.onmessage = () => { tell("on", "live"); update(); };
    events.onerror = () => {
      tell("off", "connection lost, trying again");
      // The browser tries again by itself unless it was refused.
      if (events.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
    };
  }

  async function update() {
    if (isBusy || document.hidden) { isDue = true; return; }
    isBusy = true;
    isDue = false;
    const askedAt = performance.now();
    // Not a moment after a timer of as long: it would always come too early.
    const isWhole = !isOfRun || seen.size === 0 || askedAt - wholeAt > UNSEEN - 500;
    const parts = isWhole ? "1" : [...seen].join(" ");
    try {
      const answer = await fetch(location.href, { headers: { "X-Fragment": parts } });
      if (answer.ok) {
        show(await answer.text());
        isBehind = !isWhole;
        if (isWhole) wholeAt = askedAt;
      }
    } catch { /* the event stream says that the connection is lost */ }
    setTimeout(() => { isBusy = false; if (isDue) update(); }, REST);
  }

  // Replaces the parts that changed. Nothing is run: the answer is parsed as a document.
  function show(text) {
    const next = new DOMParser().parseFromString(text, "text/html");
    for (const part of next.querySelectorAll("[data-live]")) {
      const known = document.getElementById(part.id);
      if (known) replace(known, part);
    }
  }

  function replace(known, next) {
    // What a person opened or closed stays so.
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

  // Which of the elements of its kind has the focus.
  function trace(part, element) {
    const kind = element.localName;
    return { kind, at: [...part.querySelectorAll(kind)].indexOf(element) };
  }

  document.addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    if (summary) summary.parentElement.dataset.touched = "";
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isDue) update(); });
  setInterval(() => { if (isBehind) update(); }, UNSEEN);
  const shown = document.querySelectorAll("[data-live]");
  shown.forEach((part) => watcher.observe(part));
  // A page without parts shows what was so when it was asked for.
  if (shown.length > 0 && window.EventSource) connect();
})();
