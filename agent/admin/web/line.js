// A chart over time: lines or an area, an axis, a readout that pointer and arrow keys move.

import { h, mark, put, s, set, write } from "./dom.js";
import { absolute, clock } from "./format.js";
import { area, linear, path, thinned, ticks, times } from "./scale.js";

const HEIGHT = 150;
const EDGE = { left: 50, right: 8, top: 8, bottom: 20 };

/**
 * `title` names it, `show(value)` writes a value, `axis(value)` one of the axis, which ends at `least` or above, at `top` at most.
 * Gives `{node, draw({at, step, series, threshold})}`; `series`: `{name, values, tone, area}`.
 */
export function lineChart({ title, show, axis = show, height = HEIGHT, least = 0, top = Infinity }) {
  const svg = s("svg", { "aria-hidden": "true", height });
  const read = h("div", { class: "readout", hidden: true });
  const legend = h("div", { class: "legend" });
  const plot = h("div", { class: "plot", tabindex: 0, role: "img", "aria-label": title }, svg, read);
  const node = h("figure", { class: "chart" }, h("figcaption", {}, h("span", { class: "name" }, title), legend), plot);
  let data = null;
  let drawn = null;

  function draw(given) {
    data = given;
    const width = plot.clientWidth;
    if (!width || !data) return;
    drawn = layout(data, width, height, [least, top], show);
    set(svg, picture(drawn, axis));
    mark(svg, "width", width);
    mark(svg, "viewBox", `0 0 ${width} ${height}`);
    names(legend, data);
    mark(plot, "aria-label", `${title}. ${told(data, show)} Arrow keys read it.`);
  }

  reading(plot, svg, read, () => drawn, show);
  new ResizeObserver(() => draw(data)).observe(plot);
  return { node, draw };
}

function layout({ at, series, threshold, step = 60 }, width, height, [least, highest], show) {
  const most = Math.max(40, Math.floor(width / 2));
  const thin = at.length > most;
  const places = thin ? thinned(at, most) : at;
  const lines = series.map((line) => ({ ...line, values: thin ? thinned(line.values, most) : line.values }));
  const seen = lines.flatMap((line) => line.values).filter((value) => value !== null && value !== undefined);
  const top = ticks(Math.min(Math.max(least, threshold ?? 0, ...seen) * 1.04, highest), 3);
  const from = places[0] ?? 0;
  const to = Math.max(places.at(-1) ?? 1, from + step);
  const left = 12 + Math.max(...top.map((value) => show(value).length)) * 6.2;
  const x = linear(from, to, Math.min(left, EDGE.left * 1.6), width - EDGE.right);
  const y = linear(0, top.at(-1), height - EDGE.bottom, EDGE.top);
  return { places, lines, threshold, top, from, to, x, y, width, height, empty: !seen.length };
}

function picture({ places, lines, threshold, top, from, to, x, y, width, height, empty }, axis) {
  const floor = height - EDGE.bottom;
  const grid = top.map((value) => [
    s("line", { class: "rule", x1: x(from), x2: width - EDGE.right, y1: y(value), y2: y(value) }),
    s("text", { x: x(from) - 6, y: y(value) + 3.5, "text-anchor": "end" }, axis(value)),
  ]);
  const marks = times(from, to, Math.max(2, Math.floor(width / 90))).map((at) => [
    s("line", { class: "tick", x1: x(at), x2: x(at), y1: floor, y2: floor + 4 }),
    s("text", { x: x(at), y: height - 3, "text-anchor": x(at) > width - 24 ? "end" : "middle" }, to - from < 300 ? absolute(at).slice(-8) : clock(at)),
  ]);
  const drawn = lines.map((line) => {
    const points = line.values.map((value, n) => (value === null || value === undefined ? null : [x(places[n]), y(value)]));
    return [
      line.area && s("path", { class: `area ${line.tone}`, d: area(points, floor) }),
      s("path", { class: `line ${line.tone}`, d: path(points) }),
    ];
  });
  const limit = threshold !== undefined && threshold !== null && [
    s("line", { class: "limit", x1: x(from), x2: width - EDGE.right, y1: y(threshold), y2: y(threshold) }),
    s("text", { class: "limit", x: width - EDGE.right - 2, y: y(threshold) - 4, "text-anchor": "end" }, "threshold"),
  ];
  const nothing = empty && s("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "nothing known yet");
  return put(s("g"), grid, marks, drawn, limit, nothing, s("line", { class: "cursor", y1: EDGE.top, y2: floor, visibility: "hidden" }));
}

function names(legend, { series }) {
  if (series.length < 2 && !series[0]?.named) return set(legend);
  return set(legend, series.map((line) => h("span", { class: `key ${line.tone}` }, h("i", { "aria-hidden": "true" }), line.name)));
}

function told({ series }, show) {
  return series
    .map((line) => {
      const seen = line.values.filter((value) => value !== null && value !== undefined);
      if (!seen.length) return `${line.name}: nothing known.`;
      return `${line.name}: last ${show(seen.at(-1))}, most ${show(Math.max(...seen))}.`;
    })
    .join(" ");
}

/** Lets pointer and arrow keys move the readout. */
function reading(plot, svg, read, drawn, show) {
  let place = null;

  function put_(n) {
    const now = drawn();
    if (!now || now.empty || !now.places.length) return;
    place = Math.max(0, Math.min(now.places.length - 1, n));
    const at = now.places[place];
    const cursor = svg.querySelector(".cursor");
    mark(cursor, "x1", now.x(at));
    mark(cursor, "x2", now.x(at));
    mark(cursor, "visibility", "visible");
    set(
      read,
      h("b", {}, absolute(at)),
      now.lines.map((line) => h("span", { class: `key ${line.tone}` }, h("i", { "aria-hidden": "true" }), `${line.name} ${show(line.values[place])}`)),
    );
    read.hidden = false;
    const left = Math.min(Math.max(now.x(at) - read.offsetWidth / 2, 0), now.width - read.offsetWidth);
    read.style.setProperty("left", `${left}px`);
  }

  function gone() {
    place = null;
    read.hidden = true;
    const cursor = svg.querySelector(".cursor");
    if (cursor) mark(cursor, "visibility", "hidden");
  }

  plot.addEventListener("pointermove", (event) => {
    const now = drawn();
    if (!now) return;
    const at = event.clientX - plot.getBoundingClientRect().left;
    let best = 0;
    now.places.forEach((time, n) => {
      if (Math.abs(now.x(time) - at) < Math.abs(now.x(now.places[best]) - at)) best = n;
    });
    put_(best);
  });
  plot.addEventListener("pointerleave", gone);
  plot.addEventListener("blur", gone);
  plot.addEventListener("keydown", (event) => {
    const now = drawn();
    if (!now) return;
    const last = now.places.length - 1;
    const to = { ArrowLeft: (place ?? last + 1) - 1, ArrowRight: (place ?? last - 1) + 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      put_(to);
      write(document.getElementById("said"), read.innerText.replaceAll("\n", ", "));
    } else if (event.key === "Escape") gone();
  });
}
