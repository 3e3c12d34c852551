// The live connection: one stream of server-sent events for the whole page. Where there is none
// (too many pages, a proxy that holds streams back), the overview is asked for instead.

import { get, Refusal, told } from "./api.js";

const AGAIN = 3_000;
const QUIET = 15_000;
const listeners = new Set();
let latest = null;
let source = null;
let timer = 0;
let heard = 0;

/** Calls `listener(overview)` with each that comes, and at once with the last. Gives what ends it. */
export function listen(listener) {
  listeners.add(listener);
  if (latest) listener(latest);
  return () => listeners.delete(listener);
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
  source.addEventListener("overview", (event) => take(event.data));
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
  clearTimeout(timer);
  timer = setTimeout(() => !source && !document.hidden && connect(), AGAIN);
  try {
    const overview = await get("overview");
    told("ok", "asked");
    pass(overview);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // `get` has told of a refusal
  }
}

function take(text) {
  heard = Date.now();
  told("ok", "live");
  pass(JSON.parse(text));
}

function pass(overview) {
  latest = overview;
  for (const listener of listeners) listener(overview);
}
