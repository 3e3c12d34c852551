// Two histograms in one: the reference behind, what is now before it, moved bins marked.

import { binName, difference, isRange, known } from "./bins.js";
import { h, set } from "./dom.js";
import { percent } from "./format.js";
import { upright } from "./upright.js";

const HEIGHT = 220;

/** Gives `{node, draw(bins)}`: columns for ranges of numbers, rows for categories. */
export function histogram(title, { height = HEIGHT } = {}) {
  const body = h("div", {});
  const legend = h("div", { class: "legend" });
  const node = h("figure", { class: "chart bars" }, h("figcaption", {}, h("span", { class: "name" }, title), legend), body);
  let drawn = null;
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
      if (bins.some(isRange)) {
        drawn ??= upright(title, height);
        if (drawn.node.parentNode !== body) set(body, drawn.node);
        drawn.draw(bins);
      } else {
        drawn = null;
        set(body, rows(bins));
      }
    },
  };
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
        bin.moved ? [h("b", { "aria-hidden": "true" }, bin.moved > 0 ? "▲" : "▼"), h("span", { class: "unseen" }, bin.moved > 0 ? "more: " : "less: ")] : null,
        h("span", {}, percent(bin.now)),
        known(bin.reference) && h("span", { class: "soft" }, ` was ${percent(bin.reference)}`)),
    );
  }));
}
