// The page: which view is shown, what is in force everywhere (connection, keys, colours, help).

import { watchConnection, silent } from "./api.js";
import * as config from "./config.js";
import { h, mark, say, set, write } from "./dom.js";
import * as drift from "./drift.js";
import { span } from "./format.js";
import { keys } from "./keys.js";
import { begin, listen } from "./live.js";
import * as overview from "./overview.js";
import * as predictions from "./predictions.js";
import * as requests from "./requests.js";
import { parse } from "./router.js";
import { themes } from "./themes.js";

const VIEWS = { __proto__: null, overview, drift, predictions, requests, config };
const main = document.getElementById("main");
let shown = null;

/** Shows the view of the address; one that is shown already is told where it is now. */
function go() {
  const at = parse(location.hash);
  const view = VIEWS[at.view] ?? VIEWS.overview;
  for (const link of document.querySelectorAll("#nav a")) {
    const here = VIEWS[parse(link.getAttribute("href")).view] === view;
    mark(link, "aria-current", here ? "page" : null);
  }
  const name = view.names(at);
  const moved = shown?.view !== view || shown?.name !== name;
  if (shown?.view === view && shown.open.change?.(at)) {
    shown.name = name;
  } else {
    shown?.open.close();
    set(main);
    shown = { view, name, open: view.open(main, at) };
    scrollTo(0, 0);
    if (started) main.focus({ preventScroll: true });
  }
  document.title = `${name} · Outrider`;
  if (moved && started) say(name);
}

let started = false;

/** What the connection is, at the right of the head and, where it is lost, over the page. */
function connection() {
  const dot = document.getElementById("link");
  const text = document.getElementById("link-text");
  const notice = document.getElementById("notice");
  let state = "wait";
  let lost = 0;
  const show = () => {
    dot.dataset.state = state;
    const words = { ok: "connected", live: "live", lost: "no connection", locked: "locked", wait: "connecting" };
    write(text, words[state]);
    mark(dot, "title", state === "live" ? "New figures come by themselves" : words[state]);
    const gone = state === "lost" && Date.now() - lost > 400;
    notice.hidden = !(gone || state === "locked");
    if (gone) write(notice, `Connection lost, trying again. What you see is ${span(silent())} old.`);
    if (state === "locked") {
      set(notice, "The sidecar wants its token: ", h("a", { href: "./" }, "load the page again"), " and give admin.token as the password.");
    }
    document.body.classList.toggle("stale", gone);
  };
  watchConnection((next, detail) => {
    if (next === "lost" && state !== "lost") lost = Date.now();
    if (next !== "ok") state = next;
    else if (detail === "live") state = "live";
    else if (detail === "asked" || state !== "live") state = "ok";
    show();
  });
  setInterval(show, 1000);
}

function foot(data) {
  const parts = [`Outrider ${data.version}`, `up ${span(data.uptime_seconds)}`];
  if (data.upstream) parts.push(`before ${data.upstream.url}`);
  write(document.getElementById("foot"), parts.join(" · "));
}

connection();
themes(document.getElementById("theme"));
keys(document.getElementById("help"), document.getElementById("keys"));
listen(foot);
addEventListener("hashchange", go);
go();
started = true;
begin();
