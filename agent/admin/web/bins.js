// What a bin is called, and where it stands on an axis of values. Pure.

import { NONE, number, percent } from "./format.js";

const WIDE = 2.5;
const SPIKE = { width: 0.03, share: 0.33 };
const FIGURES = [3, 8];

export const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Whether a bin is a range of numbers, and no category, missing or invalid. */
export const isRange = (bin) => (bin.kind ?? "range") === "range" && (known(bin.low) || known(bin.high));

/** A bound, with as many figures as tell it from one so far away. */
export function bound(value, away) {
  const wanted = Math.ceil(Math.log10(Math.abs(value) / Math.abs(away))) + 2;
  return number(value, Math.max(FIGURES[0], Math.min(FIGURES[1], known(wanted) ? wanted : 0)));
}

/** What a bin is called. */
export function binName(bin) {
  if (bin.category !== null && bin.category !== undefined) return bin.category || "(empty text)";
  if (bin.label !== null && bin.label !== undefined) return String(bin.label);
  if (known(bin.low) && known(bin.high)) return bin.low === bin.high ? number(bin.low, FIGURES[1]) : `${bound(bin.low, bin.high - bin.low)} to ${bound(bin.high, bin.high - bin.low)}`;
  if (known(bin.high)) return `up to ${number(bin.high)}`;
  if (known(bin.low)) return `over ${number(bin.low)}`;
  if (bin.kind === "other" && bin.bin === "other" && !bin.reference) return "unseen categories";
  return bin.bin ?? bin.kind ?? NONE;
}

/** How far a bin's share moved, with its mark where that is more than chance. */
export function difference(bin) {
  if (!known(bin.reference) || !known(bin.now)) return NONE;
  const by = bin.now - bin.reference;
  const sign = bin.moved > 0 ? "▲ " : bin.moved < 0 ? "▼ " : "";
  return `${sign}${by >= 0 ? "+" : "−"}${percent(Math.abs(by))}`;
}

/**
 * Where bins begin and end, the whole axis being 0 to 1, and whether that is to scale. To scale the
 * area over a bin is its share; the two outer ones, which may be open, are no wider than a few others.
 * Single values, and ranges too unlike each other to be drawn so, are put side by side instead, and
 * so are all where a narrow one has so much that the rest would be flat.
 */
export function laidOut(bins, narrowest) {
  const even = { even: true, scale: false, places: bins.map((_, n) => [n / bins.length, (n + 1) / bins.length]) };
  if (bins.length < 3 || bins.some((bin, n) => n && n < bins.length - 1 && !(bin.high > bin.low))) return even;
  const inner = bins.at(-1).low - bins[0].high;
  if (!(inner > 0)) return even;
  const most = (WIDE * inner) / (bins.length - 2);
  const first = known(bins[0].low) ? Math.min(bins[0].high - bins[0].low, most) : most;
  const last = known(bins.at(-1).high) ? Math.min(bins.at(-1).high - bins.at(-1).low, most) : most;
  const begin = bins[0].high - first;
  const all = first + inner + last;
  const places = bins.map((bin, n) => [n ? (bin.low - begin) / all : 0, n < bins.length - 1 ? (bin.high - begin) / all : 1]);
  const widths = places.map(([from, to]) => to - from);
  if (Math.min(...widths) < narrowest) return even;
  if (bins.some((bin, n) => widths[n] < SPIKE.width && Math.max(bin.now ?? 0, bin.reference ?? 0) > SPIKE.share)) return even;
  return { even: Math.max(...widths) < Math.min(...widths) * 1.02, scale: true, places };
}
