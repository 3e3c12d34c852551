// A small line without an axis, beside what it is of.

import { mark, s } from "./dom.js";
import { area, linear, path, thinned } from "./scale.js";

const WIDTH = 120;
const HEIGHT = 28;
const FEWEST = 3;

/** Gives `{node, draw(values, {limit, tone})}`; `limit` is drawn across, and always in sight. */
export function spark() {
  const fill = s("path", { class: "area" });
  const line = s("path", { class: "line" });
  const limit = s("line", { class: "limit", x1: 0, x2: WIDTH });
  const node = s("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, fill, limit, line);
  return {
    node,
    draw(values, options = {}) {
      const thin = thinned(values ?? [], WIDTH / 2);
      const seen = thin.filter((value) => value !== null && value !== undefined);
      mark(node, "visibility", seen.length < FEWEST ? "hidden" : null);
      const top = Math.max(options.limit ? options.limit * 1.15 : 0, ...seen) || 1;
      const x = linear(0, Math.max(thin.length - 1, 1), 1, WIDTH - 1);
      const y = linear(0, top, HEIGHT - 1, 2);
      const points = thin.map((value, n) => (value === null || value === undefined ? null : [x(n), y(value)]));
      mark(fill, "d", area(points, HEIGHT));
      mark(line, "d", path(points));
      mark(node, "data-tone", options.tone ?? null);
      mark(limit, "visibility", options.limit ? null : "hidden");
      if (options.limit) {
        mark(limit, "y1", y(options.limit));
        mark(limit, "y2", y(options.limit));
      }
    },
  };
}
