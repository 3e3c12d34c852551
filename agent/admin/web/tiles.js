// A figure that matters: what it is now, what it was over the day, its line.

import { h, mark, write } from "./dom.js";
import { spark } from "./spark.js";

/** Gives `{node, show(now, day, {values, tone, note})}`; both are texts. */
export function tile(title) {
  const now = h("strong");
  const day = h("span", { class: "soft" });
  const line = spark();
  const node = h("div", { class: "tile" }, h("span", { class: "name" }, title), now, day, line.node);
  return {
    node,
    show(value, before, options = {}) {
      write(now, value);
      write(day, before);
      mark(node, "data-tone", options.tone ?? null);
      mark(node, "title", options.note ?? null);
    },
    line: (values, tone) => line.draw(values, { tone }),
  };
}
