// Two histograms in one: the reference behind, what is now before it, moved bins marked.

import { h, mark, s, set, write } from "./dom.js";
import { NONE, number, percent } from "./format.js";
import { linear, ticks } from "./scale.js";

const HEIGHT = 220;
const EDGE = { left: 46, right: 6, top: 20, bottom: 26 };
const APART = 0.6;
const RANGES = new Set(["range", undefined, null]);

/** Gives `{node, draw(bins)}`: columns for ranges of numbers, rows for categories. */
export function histogram(title, { height = HEIGHT } = {}) {
  const body = h("div", {});
  const legend = h("div", { class: "legend" });
  const node = h("figure", { class: "chart bars" }, h("figcaption", {}, h("span", { class: "name" }, title), legend), body);
  let upright = null;
  return {
    node,
    draw(bins) {
      const compared = bins.some((bin) => known(bin.reference));
      set(
        legend,
        compared && h("span", { class: "key was" }, h("i", { "aria-hidden": "true" }), "reference"),
        h("span", { class: "key now" }, h("i", { "aria-hidden": "true" }), "now"),
        bins.some((bin) => bin.moved) && h("span", { class: "key moved" }, h("i", { "aria-hidden": "true" }), "moved"),
      );
      if (bins.some((bin) => RANGES.has(bin.kind) && (known(bin.low) || known(bin.high)))) {
        upright ??= columns(title, height);
        if (upright.node.parentNode !== body) set(body, upright.node);
        upright.draw(bins);
      } else {
        upright = null;
        set(body, rows(bins));
      }
    },
  };
}

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** What a bin is called. */
export function binName(bin) {
  if (bin.category !== null && bin.category !== undefined) return bin.category || "(empty text)";
  if (bin.label !== null && bin.label !== undefined) return String(bin.label);
  if (known(bin.low) && known(bin.high)) return `${number(bin.low)} to ${number(bin.high)}`;
  if (known(bin.high)) return `up to ${number(bin.high)}`;
  if (known(bin.low)) return `over ${number(bin.low)}`;
  return bin.bin ?? bin.kind ?? NONE;
}

/** Bins as a table: the exact figures, and for those who do not see the picture. */
export function binTable(bins) {
  const compared = bins.some((bin) => known(bin.reference));
  const head = ["Bin", compared && "Reference", "Now", compared && "Difference"].filter(Boolean);
  return h(
    "table",
    { class: "data" },
    h("thead", {}, h("tr", {}, head.map((text, n) => h("th", { scope: "col", class: n ? "figure" : "" }, text)))),
    h("tbody", {}, bins.map((bin) =>
      h("tr", { class: bin.moved ? "moved" : null },
        h("th", { scope: "row" }, binName(bin)),
        compared && h("td", { class: "figure" }, percent(bin.reference)),
        h("td", { class: "figure" }, percent(bin.now)),
        compared && h("td", { class: "figure" }, difference(bin)),
      ))),
  );
}

function difference(bin) {
  if (!known(bin.reference) || !known(bin.now)) return NONE;
  const by = bin.now - bin.reference;
  const sign = bin.moved > 0 ? "▲ " : bin.moved < 0 ? "▼ " : "";
  return `${sign}${by >= 0 ? "+" : "−"}${percent(Math.abs(by))}`;
}

function rows(bins) {
  const most = Math.max(...bins.flatMap((bin) => [bin.now ?? 0, bin.reference ?? 0]), 1e-9);
  return h("ul", { class: "rows" }, bins.map((bin) => {
    const was = h("span", { class: "was" });
    const now = h("span", { class: "now" });
    was.style.setProperty("inline-size", `${(100 * (bin.reference ?? 0)) / most}%`);
    now.style.setProperty("inline-size", `${(100 * (bin.now ?? 0)) / most}%`);
    return h("li", { class: bin.moved ? "moved" : null },
      h("span", { class: "label", title: binName(bin) }, binName(bin)),
      h("span", { class: "pair", "aria-hidden": "true" }, known(bin.reference) && was, now),
      h("span", { class: "value" },
        bin.moved ? h("b", { "aria-label": bin.moved > 0 ? "more" : "less" }, bin.moved > 0 ? "▲" : "▼") : null,
        h("span", {}, percent(bin.now)),
        known(bin.reference) && h("span", { class: "soft" }, ` was ${percent(bin.reference)}`)),
    );
  }));
}

function columns(title, height) {
  const svg = s("svg", { "aria-hidden": "true", height });
  const read = h("div", { class: "readout", hidden: true });
  const node = h("div", { class: "plot", tabindex: 0, role: "img", "aria-label": title }, svg, read);
  let bins = [];
  let centres = [];
  let place = null;

  function draw(given) {
    bins = given;
    const width = node.clientWidth;
    if (!width) return;
    mark(svg, "width", width);
    mark(svg, "viewBox", `0 0 ${width} ${height}`);
    const drawn = upright(bins, width, height);
    centres = drawn.centres;
    set(svg, drawn.parts);
    const moved = bins.filter((bin) => bin.moved).map((bin) => `${binName(bin)}: ${percent(bin.reference)} became ${percent(bin.now)}`);
    mark(node, "aria-label", `${title}. ${moved.length ? `Moved: ${moved.join("; ")}.` : "No bin moved."} Arrow keys read it.`);
  }

  function show(n) {
    if (!bins.length) return;
    place = Math.max(0, Math.min(bins.length - 1, n));
    const bin = bins[place];
    set(read, h("b", {}, binName(bin)),
      known(bin.reference) && h("span", { class: "key was" }, h("i", { "aria-hidden": "true" }), `reference ${percent(bin.reference)}`),
      h("span", { class: "key now" }, h("i", { "aria-hidden": "true" }), `now ${percent(bin.now)}`));
    read.hidden = false;
    const left = Math.min(Math.max(centres[place] - read.offsetWidth / 2, 0), node.clientWidth - read.offsetWidth);
    read.style.setProperty("left", `${left}px`);
  }

  const gone = () => ((read.hidden = true), (place = null));
  node.addEventListener("pointermove", (event) => {
    const at = event.clientX - node.getBoundingClientRect().left;
    let best = 0;
    centres.forEach((x, n) => Math.abs(x - at) < Math.abs(centres[best] - at) && (best = n));
    show(best);
  });
  node.addEventListener("pointerleave", gone);
  node.addEventListener("blur", gone);
  node.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: (place ?? bins.length) - 1, ArrowRight: (place ?? -1) + 1, Home: 0, End: bins.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      show(to);
      write(document.getElementById("said"), read.innerText.replaceAll("\n", ", "));
    } else if (event.key === "Escape") gone();
  });
  new ResizeObserver(() => draw(bins)).observe(node);
  return { node, draw };
}

/** The picture: bins side by side, those that are no range apart at the right. */
function upright(bins, width, height) {
  const ranges = bins.filter((bin) => RANGES.has(bin.kind));
  const others = bins.filter((bin) => !RANGES.has(bin.kind));
  const units = ranges.length + (others.length ? APART + others.length * 1.2 : 0);
  const step = (width - EDGE.left - EDGE.right) / Math.max(units, 1);
  const floor = height - EDGE.bottom;
  const top = ticks(Math.max(...bins.flatMap((bin) => [bin.now ?? 0, bin.reference ?? 0]), 0.02) * 1.02, 3);
  const y = linear(0, top.at(-1), floor, EDGE.top);
  const parts = top.map((value) => [
    s("line", { class: "rule", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
    s("text", { x: EDGE.left - 6, y: y(value) + 3.5, "text-anchor": "end" }, percent(value)),
  ]);
  const centres = [];
  const bar = (bin, left, wide) => {
    const gap = Math.min(3, wide * 0.12);
    const middle = left + wide / 2;
    centres.push(middle);
    parts.push(
      known(bin.reference) && s("rect", { class: "was", x: left + gap / 2, width: Math.max(wide - gap, 1), y: y(bin.reference), height: Math.max(floor - y(bin.reference), 0) }),
      s("rect", { class: bin.moved ? "now moved" : "now", x: left + wide * 0.24, width: Math.max(wide * 0.52, 1), y: y(bin.now ?? 0), height: Math.max(floor - y(bin.now ?? 0), 0), rx: Math.min(2, wide * 0.1) }),
      bin.moved && s("text", { class: "moved", x: middle, y: Math.min(y(bin.now ?? 0), y(bin.reference ?? 0)) - 5, "text-anchor": "middle" }, bin.moved > 0 ? "▲" : "▼"),
    );
  };
  ranges.forEach((bin, n) => bar(bin, EDGE.left + n * step, step));
  const begin = EDGE.left + (ranges.length + APART) * step;
  others.forEach((bin, n) => {
    bar(bin, begin + n * 1.2 * step, step);
    parts.push(s("text", { x: begin + n * 1.2 * step + step / 2, y: height - 8, "text-anchor": "middle" }, binName(bin)));
  });
  parts.push(s("line", { class: "base", x1: EDGE.left, x2: EDGE.left + ranges.length * step, y1: floor, y2: floor }));
  parts.push(...edges(ranges, step, height));
  return { parts: parts.flat(Infinity).filter(Boolean), centres };
}

/** The bounds between the ranges, as many as there is room for. */
function edges(ranges, step, height) {
  const bounds = ranges.slice(0, -1).map((bin, n) => [n + 1, bin.high ?? ranges[n + 1]?.low]);
  const every = Math.max(1, Math.ceil(46 / Math.max(step, 1)));
  return bounds
    .filter(([n, value]) => known(value) && (n - 1) % every === 0)
    .map(([n, value]) => s("text", { x: EDGE.left + n * step, y: height - 8, "text-anchor": "middle" }, number(value)));
}
