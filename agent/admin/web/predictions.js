// Predictions: how values, labels and confidence are spread now, a version beside the other.

import { get, repeat } from "./api.js";
import { binTable, histogram } from "./bars.js";
import { h, keyed, set, write } from "./dom.js";
import { count, named, NONE, number } from "./format.js";
import { empty, facts, failed, heading, tag, well } from "./parts.js";

const EVERY = 5;
const PLACES = { p05: "5 %", p25: "25 %", p50: "Median", p75: "75 %", p95: "95 %" };
const TITLES = { value: "values", label: "labels", confidence: "confidence", margin: "margin between the first two", entropy: "entropy" };

export const names = () => "Predictions";

export function open(root) {
  let data = null;
  const summary = h("span", { class: "soft" });
  const trouble = h("div");
  const models = h("div", { class: "grid" });
  root.append(heading("Predictions", summary), trouble, models);
  const asking = repeat(async () => {
    try {
      data = await get("predictions");
      well(trouble);
      draw();
    } catch (error) {
      if (!data) failed(trouble, error, () => asking.now());
    }
  }, EVERY);

  function draw() {
    const groups = grouped(data.outputs);
    write(summary, data.outputs.length ? `${count(groups.length, "output")} of ${count(new Set(data.outputs.map(named)).size, "version")}` : "");
    set(trouble, data.outputs.length ? null : empty("No prediction was read yet", "Values and labels appear once answers with columns come; confidence once they carry probabilities. The overview says why a body could not be read.", h("a", { href: "#/overview" }, "To the overview")));
    keyed(models, groups, (group) => group.key, () => section());
  }
  return { close: () => asking.end() };
}

/** Outputs that are the same thing in several versions. */
function grouped(outputs) {
  const found = new Map();
  for (const one of outputs) {
    const key = [one.model, one.output, one.kind].join("\n");
    const group = found.get(key) ?? { key, model: one.model, output: one.output, kind: one.kind, versions: [] };
    group.versions.push(one);
    found.set(key, group);
  }
  return [...found.values()].sort((a, b) => a.model.localeCompare(b.model) || rank(a) - rank(b) || a.output.localeCompare(b.output));
}

const rank = ({ kind }) => Object.keys(TITLES).indexOf(kind);

function section() {
  const title = h("h2");
  const model = h("span", { class: "soft" });
  const versions = h("div", { class: "grid halves" });
  return {
    node: h("section", { class: "grid" }, h("div", { class: "group" }, title, model), versions),
    show(group) {
      write(title, group.output === group.kind ? group.output : `${group.output || group.model}: ${TITLES[group.kind] ?? group.kind}`);
      write(model, group.model);
      keyed(versions, group.versions, (one) => one.version ?? "", () => card());
    },
  };
}

function card() {
  const about = h("div", { class: "row" });
  const bars = histogram("Share of the predictions", { height: 180 });
  const figures = h("div", { class: "tight" });
  const exact = h("details", {}, h("summary", {}, "As a table"), h("div"));
  return {
    node: h("section", { class: "panel" }, about, bars.node, figures, exact),
    show(one) {
      set(about, h("b", {}, named(one)), tag(one.rows ? count(one.rows, "row") : "no row lately"));
      bars.node.hidden = exact.hidden = !one.rows;
      bars.draw(one.bins);
      set(figures, facts([["Mean", number(one.mean)], ...Object.entries(one.quantiles ?? {}).map(([name, value]) => [PLACES[name] ?? name, number(value, 4)])]
        .filter(([, value]) => value !== NONE)));
      figures.hidden = !figures.querySelector("dd");
      set(exact.lastChild, binTable(one.bins));
    },
  };
}
