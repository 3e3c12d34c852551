// The live connection: one stream of server-sent events for the whole page. Where there is none
// (too many pages, a proxy that holds streams back), the overview is asked for instead.

import { get, told } from "./api.js";

const AGAIN = 3_000;
const QUIET = 15_000;
const listeners = { overview: new Set(), exchanges: new Set() };
let latest = null;
let source = null;
let timer = 0;
let heard = 0;

/** Calls `listener(data)` with each event of this kind, and at once with the last overview. */
export function listen(kind, listener) {
  listeners[kind].add(listener);
  if (kind === "overview" && latest) listener(latest);
  return () => listeners[kind].delete(listener);
}

/** Begins; it goes on for as long as the page is there. */
export function begin() {
  connect();
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : connect()));
  setInterval(() => {
    if (!document.hidden && source && Date.now() - heard > QUIET) connect();
  }, QUIET / 3);
}

function connect() {
  rest();
  heard = Date.now();
  source = new EventSource("api/v1/live");
  for (const kind of Object.keys(listeners)) {
    source.addEventListener(kind, (event) => take(kind, event.data));
  }
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) told("lost");
    rest();
    ask();
  });
}

function rest() {
  source?.close();
  source = null;
  clearTimeout(timer);
}

/** Without a stream: asks, and tries the stream again. */
async function ask() {
  try {
    pass("overview", await get("overview"));
  } catch {
    // `get` has told what is wrong.
  }
  if (!source && !document.hidden) timer = setTimeout(connect, AGAIN);
}

function take(kind, text) {
  heard = Date.now();
  told("ok", "live");
  try {
    pass(kind, JSON.parse(text));
  } catch {
    // A half event of a stream that was cut.
  }
}

function pass(kind, data) {
  if (kind === "overview") latest = data;
  for (const listener of listeners[kind]) listener(data);
}
