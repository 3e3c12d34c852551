// A histogram of numbers: the reference as an area, what is now as a line over it.

import { binName, bound, isRange, known, laidOut } from "./bins.js";
import { h, mark, s, set, write } from "./dom.js";
import { number, percent } from "./format.js";
import { linear, ticks } from "./scale.js";

const EDGE = { right: 4, top: 18, bottom: 24 };
const LABELS = 44;
const NARROWEST = 3;
const ASIDE = 46;

/** Gives `{node, draw(bins)}`. */
export function upright(title, height) {
  const svg = s("svg", { "aria-hidden": "true", height });
  const read = h("div", { class: "readout", hidden: true });
  const node = h("div", { class: "plot", tabindex: 0, role: "img", "aria-label": title }, svg, read);
  let bins = [];
  let drawn = [];
  let place = null;

  function draw(given) {
    bins = given;
    const width = node.clientWidth;
    if (!width || !bins.length) return;
    const picture = make(bins, width, height);
    drawn = picture.bars;
    mark(svg, "width", width);
    mark(svg, "viewBox", `0 0 ${width} ${height}`);
    set(svg, picture.parts);
    const moved = bins.filter((bin) => bin.moved).map((bin) => `${binName(bin)}: ${percent(bin.reference)} became ${percent(bin.now)}`);
    mark(node, "aria-label", `${title}. ${moved.length ? `Moved: ${moved.join("; ")}.` : "No bin is marked as moved."} Arrow keys read it.`);
  }

  function show(n) {
    if (!drawn.length) return;
    place = Math.max(0, Math.min(drawn.length - 1, n));
    const { bin, left, right } = drawn[place];
    set(read, h("b", {}, binName(bin)),
      known(bin.reference) && h("span", { class: "key was" }, h("i", { "aria-hidden": "true" }), `reference ${percent(bin.reference)}`),
      h("span", { class: "key now" }, h("i", { "aria-hidden": "true" }), `now ${percent(bin.now)}`));
    read.hidden = false;
    const at = Math.min(Math.max((left + right - read.offsetWidth) / 2, 0), node.clientWidth - read.offsetWidth);
    read.style.setProperty("left", `${at}px`);
    const band = svg.querySelector(".band");
    mark(band, "x", left);
    mark(band, "width", Math.max(right - left, 1));
    mark(band, "visibility", "visible");
  }

  function gone() {
    place = null;
    read.hidden = true;
    const band = svg.querySelector(".band");
    if (band) mark(band, "visibility", "hidden");
  }

  node.addEventListener("pointermove", (event) => {
    const at = event.clientX - node.getBoundingClientRect().left;
    const found = drawn.findIndex(({ right }) => at <= right);
    show(found < 0 ? drawn.length - 1 : found);
  });
  node.addEventListener("pointerleave", gone);
  node.addEventListener("blur", gone);
  node.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: (place ?? drawn.length) - 1, ArrowRight: (place ?? -1) + 1, Home: 0, End: drawn.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      show(to);
      write(document.getElementById("said"), read.innerText.replaceAll("\n", ", "));
    } else if (event.key === "Escape") gone();
  });
  new ResizeObserver(() => draw(bins)).observe(node);
  return { node, draw };
}

function make(bins, width, height) {
  const ranges = bins.filter(isRange);
  const others = bins.filter((bin) => !isRange(bin));
  const right = width - EDGE.right - others.length * ASIDE * 1.3;
  let out = laidOut(ranges, NARROWEST / (right - 4));
  const labelled = out.even;
  const left = labelled ? LABELS : 4;
  out = labelled ? out : laidOut(ranges, NARROWEST / (right - left));
  const x = linear(0, 1, left, right);
  const floor = height - EDGE.bottom;
  const bars = ranges.map((bin, n) => ({ bin, left: x(out.places[n][0]), right: x(out.places[n][1]) }));
  // Bars that are no range stand at the right, as wide as an average one for the same height.
  others.forEach((bin, n) => bars.push({ bin, left: right + (n * 1.3 + 0.3) * ASIDE, right: right + (n + 1) * 1.3 * ASIDE, aside: true }));
  const average = (right - left) / Math.max(ranges.length, 1);
  const tall = (share, bar) => (out.even ? share : (share * average) / (bar.aside ? average : bar.right - bar.left));
  const most = Math.max(...bars.flatMap((bar) => [tall(bar.bin.now ?? 0, bar), tall(bar.bin.reference ?? 0, bar)]), 0.005);
  const top = ticks(most * 1.02, 3);
  const y = linear(0, labelled ? top.at(-1) : most * 1.06, floor, EDGE.top);
  const parts = [
    labelled && top.map((value) => [
      s("line", { class: "rule", x1: left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
      s("text", { x: left - 6, y: y(value) + 3.5, "text-anchor": "end" }, percent(value)),
    ]),
    s("rect", { class: "band", y: EDGE.top, height: floor - EDGE.top, visibility: "hidden" }),
    runs(bars).map((run) => one(run, floor, (bar, share) => y(tall(share, bar)))),
    s("line", { class: "base", x1: left, x2: right, y1: floor, y2: floor }),
    bars.filter((bar) => bar.aside).map((bar) => [
      s("line", { class: "base", x1: bar.left, x2: bar.right, y1: floor, y2: floor }),
      s("text", { x: (bar.left + bar.right) / 2, y: height - 8, "text-anchor": "middle" }, binName(bar.bin)),
    ]),
    labels(ranges, bars, height, left, right),
  ];
  return { parts: parts.flat(Infinity).filter(Boolean), bars };
}

/** The ranges as one outline; every other bar by itself. */
const runs = (bars) => [bars.filter((bar) => !bar.aside), ...bars.filter((bar) => bar.aside).map((bar) => [bar])].filter((run) => run.length);

function one(bars, floor, top) {
  const outline = (share) => bars.map((bar) => `L${bar.left} ${top(bar, share(bar.bin))}L${bar.right} ${top(bar, share(bar.bin))}`).join("");
  const closed = (share) => `M${bars[0].left} ${floor}${outline(share)}L${bars.at(-1).right} ${floor}`;
  const was = (bin) => bin.reference ?? 0;
  const now = (bin) => bin.now ?? 0;
  return [
    bars.some(({ bin }) => known(bin.reference)) && s("path", { class: "was", d: `${closed(was)}Z` }),
    s("path", { class: "area", d: `${closed(now)}Z` }),
    bars.filter(({ bin }) => bin.moved).map((bar) => {
      const [high, low] = [top(bar, now(bar.bin)), top(bar, was(bar.bin))].sort((a, b) => a - b);
      return s("rect", { class: bar.bin.moved > 0 ? "moved more" : "moved less", x: bar.left, width: Math.max(bar.right - bar.left, 1), y: high, height: Math.max(low - high, 1) });
    }),
    s("path", { class: "line now", d: closed(now) }),
    peaks(bars, (bar) => Math.min(top(bar, now(bar.bin)), top(bar, was(bar.bin)))).map(({ at, y, sign }) =>
      s("text", { class: "moved", x: at, y: y - 5, "text-anchor": "middle" }, sign > 0 ? "▲" : "▼")),
  ];
}

/** One mark for each stretch of bins that moved the same way, over its highest bar. */
function peaks(bars, heightOf) {
  const found = [];
  let before = 0;
  for (const bar of bars) {
    const sign = bar.bin.moved ?? 0;
    const mark_ = { at: (bar.left + bar.right) / 2, y: heightOf(bar), sign };
    if (sign && sign !== before) found.push(mark_);
    else if (sign && mark_.y < found.at(-1).y) found[found.length - 1] = mark_;
    before = sign;
  }
  return found;
}

/** Bounds between the ranges, those that have room; single values stand under their bar. */
function labels(ranges, bars, height, left, right) {
  const found = [];
  let last = -Infinity;
  const add = (at, text) => {
    const half = text.length * 3.3;
    if (at - half < Math.max(last + 8, left - 24) || at + half > right + 4) return;
    found.push(s("text", { x: at, y: height - 8, "text-anchor": "middle" }, text));
    last = at + half;
  };
  ranges.forEach((bin, n) => {
    const bar = bars[n];
    if (bin.low === bin.high) add((bar.left + bar.right) / 2, number(bin.low, 6));
    else if (n < ranges.length - 1 && known(bin.high)) add(bar.right, bound(bin.high, known(bin.low) ? bin.high - bin.low : (ranges[n + 1].high ?? Infinity) - bin.high));
  });
  return found;
}
