// Asking the sidecar, and whether it answers. Every module that wants data comes through here.

/** What the sidecar refused, or that it did not answer (`status` 0). */
export class Refusal extends Error {
  constructor(status, text, remedy = "") {
    super(text);
    this.status = status;
    this.remedy = remedy;
  }
}

const watchers = new Set();
const repeated = new Set();
let lastAnswer = Date.now();
let lost = false;

/** Calls `watcher(state, detail)`: `ok`, `lost` or `locked`. Gives what ends it. */
export function watchConnection(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function told(state, detail = "") {
  const again = lost && state === "ok";
  lost = state === "lost";
  if (state === "ok") lastAnswer = Date.now();
  for (const watcher of watchers) watcher(state, detail);
  if (again) for (const run of repeated) run();
}

/** Seconds since the sidecar last answered. */
export const silent = () => (Date.now() - lastAnswer) / 1000;

/** JSON of `/api/v1/<name>`. Throws Refusal. */
export async function get(name, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const search = new URLSearchParams(kept).toString();
  let response;
  let body;
  try {
    response = await fetch(`api/v1/${name}${search ? `?${search}` : ""}`, {
      headers: { Accept: "application/json" },
      cache: "no-store",
      signal: AbortSignal.timeout(15_000),
    });
    body = await response.text();
  } catch {
    told("lost");
    throw new Refusal(0, "The sidecar does not answer.", "This page asks again by itself.");
  }
  told(response.status === 401 ? "locked" : "ok");
  const data = read(body);
  if (response.ok && data !== undefined) return data;
  throw refusal(name, response.status, data);
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(name, status, data) {
  if (status === 401) {
    return new Refusal(401, "The sidecar wants its token.", "Load the page again and give admin.token as the password.");
  }
  if (status === 404 && !data?.error) {
    return new Refusal(404, `This sidecar has no /api/v1/${name}.`, "A newer one does.");
  }
  const text = data?.error ? String(data.error) : `/api/v1/${name} answered ${status}.`;
  return new Refusal(status, text, data?.error ? "" : "This page asks again by itself.");
}

/**
 * Runs `work` at once, every so many seconds while somebody looks, and once the sidecar is back;
 * one run at a time. `every` may be a function.
 * Gives `{now, end}`: `now()` runs it again at once.
 */
export function repeat(work, every) {
  let timer = 0;
  let ended = false;
  let busy = false;
  let again = false;
  async function run() {
    if (busy) {
      again = true;
      return;
    }
    clearTimeout(timer);
    busy = true;
    again = false;
    try {
      await work();
    } finally {
      busy = false;
      const seconds = typeof every === "function" ? every() : every;
      if (!ended) timer = setTimeout(run, again ? 0 : seconds * (document.hidden ? 10_000 : 1000));
    }
  }
  const seen = () => document.hidden || run();
  repeated.add(run);
  document.addEventListener("visibilitychange", seen);
  run();
  return {
    now: run,
    end() {
      ended = true;
      clearTimeout(timer);
      repeated.delete(run);
      document.removeEventListener("visibilitychange", seen);
    },
  };
}
