// Numbers, times and names as people read them. Pure; what is not known is "–".

export const NONE = "–";

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Three figures, thousands with a separator, very large and small ones by powers. */
export function number(value, figures = 3) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-4)) return value.toExponential(2).replace("e+", "e");
  if (Number.isInteger(value) || size >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(figures)));
}

/** 12,345 as 12.3k: for axes and tiles. */
export function short(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  for (const [unit, sign] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= 10 * unit || (size >= unit && unit > 1e3)) return `${trim(value / unit)}${sign}`;
  }
  return number(value);
}

const trim = (value) => String(Number(value.toPrecision(3)));

/** A share of 0 to 1. */
export function percent(share) {
  if (!known(share)) return NONE;
  const value = share * 100;
  if (value === 0) return "0 %";
  if (Math.abs(value) < 0.01) return "< 0.01 %";
  return `${Number(value.toPrecision(Math.abs(value) >= 99.95 ? 4 : Math.abs(value) < 10 ? 2 : 3))} %`;
}

/** Milliseconds in the unit that suits them. */
export function ms(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1) return `${trim(value * 1e3)} µs`;
  if (size < 1000) return `${trim(value)} ms`;
  if (size < 120_000) return `${trim(value / 1e3)} s`;
  return span(value / 1e3);
}

export const us = (value) => ms(known(value) ? value / 1e3 : null);

/** Seconds as a length of time: 45 s, 12 min, 3 h 20 min, 2 d 4 h. */
export function span(seconds) {
  if (!known(seconds)) return NONE;
  const value = Math.max(0, Math.round(seconds));
  if (value < 60) return `${value} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min`;
  if (value < 86_400) return two(value, 3600, "h", 60, "min");
  return two(value, 86_400, "d", 3600, "h");
}

function two(value, large, sign, little, second) {
  const rest = Math.floor((value % large) / little);
  return `${Math.floor(value / large)} ${sign}${rest ? ` ${rest} ${second}` : ""}`;
}

export function bytes(value) {
  if (!known(value)) return NONE;
  for (const [unit, sign] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (value >= unit) return `${trim(value / unit)} ${sign}`;
  }
  return `${value} B`;
}

export const rate = (value) => (known(value) ? `${number(value)}/s` : NONE);

/** `3 columns`, `1 column`. */
export function count(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** A time as seconds since the epoch, of a number or an ISO text; null if it is none. */
export function seconds(at) {
  if (known(at)) return at;
  const parsed = Date.parse(at ?? "");
  return Number.isNaN(parsed) ? null : parsed / 1000;
}

export function ago(at, now = Date.now() / 1000) {
  const since = now - at;
  if (since < -1) return `in ${span(-since)}`;
  return since < 2 ? "now" : `${span(since)} ago`;
}

const pad = (value) => String(value).padStart(2, "0");

/** 14:05 */
export function clock(at) {
  const time = new Date(at * 1000);
  return `${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

/** 14:05:09 today, 2026-11-29 14:05:09 otherwise; in the time zone of who looks. */
export function absolute(at, now = Date.now() / 1000) {
  const time = new Date(at * 1000);
  const text = `${clock(at)}:${pad(time.getSeconds())}`;
  if (time.toDateString() === new Date(now * 1000).toDateString()) return text;
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${text}`;
}

/** `cpu_seconds_per_prediction` as "Cpu seconds per prediction". */
export function words(name) {
  const text = name.replaceAll("_", " ").replaceAll(".", " ");
  return (text.charAt(0).toUpperCase() + text.slice(1)).replace(/\b(cpu|gpu)\b/gi, (found) => found.toUpperCase());
}

/** A model and its version as one name. */
export function named(model) {
  return model.version ? `${model.model || "(no name)"} ${versioned(model.version)}` : model.model || "(no name)";
}

export const versioned = (version) => (/^\d/.test(version) ? `v${version}` : version);
