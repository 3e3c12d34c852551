// The last day as the sidecar kept it. Rule: a history begins where something is known: of a day's
// chart an hour would be a sliver. The first minutes of a sidecar are shown in steps of seconds.

import { get } from "./api.js";

const FEWEST = 15;
const FEW = 9;
const FINE_MINUTES = 10;
const HOURS = 24;
const USUAL = 50;
const ALL = 500;

/** `{step, at, traffic, events, drift}` of the columns that drift most, at most so many. */
export async function history(columns) {
  let found = await get("history", { hours: HOURS, columns });
  let first = begun(found);
  if (found.at.length - first <= FEW) {
    found = await get("history", { minutes: FINE_MINUTES, columns });
    first = begun(found);
  }
  const begin = Math.max(0, Math.min(first, found.at.length - FEWEST));
  const cut = (values) => values?.slice(begin) ?? [];
  return {
    step: found.step_seconds,
    at: cut(found.at),
    traffic: Object.fromEntries(Object.entries(found.traffic).map(([name, values]) => [name, cut(values)])),
    events: found.events ?? [],
    drift: found.drift.map((one) => ({ ...one, ratio: cut(one.ratio), missing: cut(one.missing) })),
  };
}

/** The first step that was seen; none: beyond the last. */
function begun({ at, traffic }) {
  const first = traffic.requests.findIndex((value) => value !== null);
  return first < 0 ? at.length : first;
}

/** The same of the usual number of columns. */
export const usualHistory = () => history(USUAL);

/** One column's day: of those that drift most, else of all. Null where there is none. */
export async function columnHistory(of) {
  for (const columns of [USUAL, ALL]) {
    const { step, at, drift } = await history(columns);
    const one = drift.find((other) => same(other, of));
    if (one) return { step, at, ...one };
    if (drift.length < columns) return null;
  }
  return null;
}

const same = (one, other) => ["model", "side", "name"].every((key) => one[key] === other[key]) && (one.version ?? "") === (other.version ?? "");
