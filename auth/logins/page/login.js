/* The login page shows what the server's status says. No sentence stands here: the page brings them
   all. Old browsers of public PCs must run this, so: ES2017, no modules, nothing newer. */
(() => {
  "use strict";

  const POLL = 2000;      // between two questions, when events do not come
  const SILENT = 10000;   // after so long without an event the script asks by itself
  const HANGING = 8000;   // a question unanswered for so long is given up
  const PATIENCE = 3;     // so many failures in a row are shown
  const GONE = [401, 403, 404, 410];
  const DECIDED = ["confirmed", "declined"];

  const at = (id) => document.getElementById(id);
  // Runs evenly, whatever the PC's clock is set to.
  const now = () => performance.now();
  const main = document.querySelector("main");
  const base = main.dataset.base;

  let last = null;        // the last status, and when it came
  let received = 0;
  let heard = -SILENT;    // when the last event came
  let asking = 0;         // when the question under way was put; 0 if none is
  let asked = -POLL;
  let failures = 0;
  let refusals = 0;
  let code = null;        // the text of the code that is shown or being fetched
  let version = 0;
  let ended = false;
  let source = null;

  function announce(text) {
    at("status").textContent = text;
  }

  function show(state) {
    if (main.dataset.state === state) return;
    main.dataset.state = state;
    main.querySelectorAll("[data-for]").forEach((part) => {
      part.hidden = part.dataset.for.split(" ").indexOf(state) < 0;
    });
    tick();
    const heading = at("title-" + state);
    heading.focus();
    announce(heading.textContent);
  }

  function end(state) {
    ended = true;
    if (source) source.close();
    show(state);
    if (DECIDED.indexOf(state) >= 0) location.replace(base + "/done");
  }

  /* The new code is fetched first and then put in the old one's place, so nothing flickers. The first
     status fetches one, too: the page's own may be older than the status. */
  function renew(text) {
    code = text;
    const old = at("qr");
    const fresh = new Image();
    fresh.onload = () => {
      const shown = at("qr");
      if (code === text) shown.parentNode.replaceChild(fresh, shown);
    };
    fresh.onerror = () => {
      if (code === text) code = null;   // the next status tries again
    };
    ["id", "alt", "width", "height"].forEach((name) => fresh.setAttribute(name, old.getAttribute(name)));
    version += 1;
    fresh.src = base + "/qr.svg?v=" + version;
  }

  function take(status) {
    if (ended) return;
    failures = 0;
    last = status;
    received = now();
    if (status.state === "pending" || status.state === "scanned") {
      if (status.qr && status.qr !== code) renew(status.qr);
      at("number").textContent = status.number || "";
      at("asks-number").hidden = !status.number;
      at("asks-none").hidden = Boolean(status.number);
      show(status.state);
      tick();
    } else if (status.state === "expired" || DECIDED.indexOf(status.state) >= 0) {
      end(status.state);
    } else {
      show("unavailable");
    }
    const refused = status.refused_scans || 0;
    at("refused").hidden = ended || refused === 0;
    if (refused > refusals && !ended) announce(at("refused").textContent);
    refusals = refused;
  }

  function miss() {
    failures += 1;
    if (failures >= PATIENCE && !ended) show("unavailable");
  }

  async function poll() {
    if (ended) return;
    if (asking) {
      if (now() - asking < HANGING) return;
      miss();
    }
    const mine = now();
    asking = mine;
    asked = mine;
    try {
      const answer = await fetch(base + "/status", { credentials: "same-origin", cache: "no-store" });
      const status = answer.ok ? await answer.json() : null;
      if (asking !== mine) return;      // an event or a later question came first
      asking = 0;
      if (status) take(status);
      else if (GONE.indexOf(answer.status) >= 0) end("expired");
      else miss();
    } catch (_) {
      if (asking !== mine) return;
      asking = 0;
      miss();
    }
  }

  function listen() {
    if (!window.EventSource) return;
    source = new EventSource(base + "/events");
    source.onmessage = (event) => {
      let status = null;
      try {
        status = JSON.parse(event.data);
      } catch (_) {
        return;
      }
      heard = now();
      asking = 0;
      take(status);
    };
    source.onerror = () => {
      heard = -SILENT;                  // it reconnects by itself; until then the script asks
    };
  }

  // A browser has six connections to a server: a page that nobody looks at asks now and then instead.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && source) {
      source.close();
      source = null;
    } else if (!document.hidden && !source && !ended) {
      listen();
    }
  });

  function tick() {
    const line = at("countdown");
    const state = main.dataset.state;
    if (!last || ended || state === "unavailable") {
      line.textContent = "";
      return;
    }
    const passed = Math.floor((now() - received) / 1000);
    const ofPage = Math.max(0, last.expires_in - passed);
    const ofCode = Math.max(0, last.qr_expires_in - passed);
    const ending = !(ofCode < ofPage);
    const seconds = state === "scanned" || ending ? ofPage : ofCode;
    const words = state === "scanned" ? line.dataset.scanned : ending ? line.dataset.page : line.dataset.code;
    const clock = Math.floor(seconds / 60) + ":" + ("0" + Math.floor(seconds % 60)).slice(-2);
    line.textContent = words.replace("{time}", clock);
  }

  function pace() {
    tick();
    const pause = POLL * Math.max(1, Math.min(failures - 1, 4));
    // Half a step of grace, because timers are late and never early.
    if (now() - heard > SILENT && now() - asked > pause - 500) poll();
  }

  /* By script, because a browser that obeys form-action may stop a form's redirect to the client;
     where that fails the form is sent as it stands. */
  function cancel(event) {
    event.preventDefault();
    const form = event.target;
    at("cancel").disabled = true;
    fetch(form.action, { method: "POST", credentials: "same-origin", redirect: "manual" }).then((answer) => {
      if (!answer.ok && answer.type !== "opaqueredirect") throw new Error("refused");
      at("cancel").disabled = false;
      asking = 0;
      return poll();
    }).catch(() => form.submit());
  }

  main.querySelector("form").addEventListener("submit", cancel);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  window.addEventListener("pageshow", poll);
  if (DECIDED.indexOf(main.dataset.state) >= 0 || main.dataset.state === "expired") {
    end(main.dataset.state);
  } else {
    listen();
    poll();
    setInterval(pace, 1000);
  }
})();
