// How columns are ranked and what is said of one in a line. Pure.

import { count, number, percent } from "./format.js";

/** Score over threshold; null where there is no verdict yet. */
export function ratio(column) {
  const { score, threshold } = column;
  return typeof score === "number" && threshold > 0 ? Math.abs(score) / threshold : null;
}

/** The furthest beyond its threshold first; then those without a verdict, by name. */
export function ranked(columns) {
  return [...columns].sort((a, b) => (ratio(b) ?? -1) - (ratio(a) ?? -1) || (b.state === "drift") - (a.state === "drift") || a.name.localeCompare(b.name));
}

/** A column's state as a word and a tone. */
export function judged(column) {
  if (column.state === "drift") return column.acknowledged ? ["drift, acknowledged", "warn"] : ["drift", "bad"];
  if (column.suspended) return ["set aside while a column of it drifts", "wait"];
  if (column.stale) return ["no rows lately", "warn"];
  return column.state === "stable" ? ["stable", "good"] : ["too few rows", "wait"];
}

/** How many times its threshold a column is at, as a text. */
export const times = (value) => (value === null || value === undefined ? "no verdict yet" : `${value >= 10 ? number(Math.round(value)) : number(value, 2)}× threshold`);

const TESTS = {
  __proto__: null, // a test may be a category, whatever clients call theirs
  location: "values", scale: "spread", missing: "missing values", invalid: "invalid values", unseen: "unseen categories",
  length: "length of texts", "length scale": "spread of lengths",
};

/** What moved, in a few words; empty where nothing is known. */
export function moved(column) {
  if (column.score === null || column.score === undefined) return column.suspended ? "" : column.reason || "";
  const what = TESTS[column.test] ?? (column.test ? `share of ${column.test}` : "");
  if (column.share) return `${what} ${percent(column.share.reference)} → ${percent(column.share.now)}`;
  if (!what) return "";
  const way = { up: "rose", down: "fell" }[column.direction] ?? "moved";
  return typeof column.effect === "number" ? `${what} ${way} by ${number(Math.abs(column.effect), 2)} sd` : `${what} ${way}`;
}

/** All columns of a model, those computed of whole rows too. */
export function columnsOf(model) {
  return [...model.columns, ...(model.derived ?? []).map((column) => ({ ...column, derived: true }))];
}

/** How many columns drift, those computed of whole rows apart: "3 of 8 columns, 1 of 12 derived". */
export function drifting({ drifted, columns, derived_drifted, derived }) {
  return `${number(drifted)} of ${count(columns, "column")}${derived ? `, ${number(derived_drifted)} of ${number(derived)} derived` : ""}`;
}

/** The same figures of a list of columns; what is acknowledged is no news. */
export function tally(columns) {
  const news = columns.filter((one) => one.state === "drift" && !one.acknowledged);
  const derived = (list) => list.filter((one) => one.derived).length;
  return {
    drifted: news.length - derived(news), columns: columns.length - derived(columns), derived_drifted: derived(news), derived: derived(columns),
  };
}
