// One column: what it was made for, what comes now, how far apart, since when, for example which.

import { get, repeat } from "./api.js";
import { binTable, histogram } from "./bars.js";
import { fresh, h, put, set } from "./dom.js";
import { count, named, NONE, number, percent, span } from "./format.js";
import { columnHistory } from "./history.js";
import { lineChart } from "./line.js";
import { facts, failed, panel, state, table, tag, well } from "./parts.js";
import { columnsOf, judged, moved, ranked, ratio, times } from "./ranking.js";
import { traceAt, traceLink } from "./request.js";
import { columnAt, href } from "./router.js";
import { when } from "./times.js";

const EVERY = 5;
const HISTORY_EVERY = 30;

export const names = (at) => `${at.query.name ?? "Column"}, drift`;

export function open(root, at) {
  const of = { model: at.query.model ?? "", version: at.query.version ?? "", side: at.query.side ?? "input", name: at.query.name ?? "" };
  const trouble = h("div");
  const verdict = h("div", { class: "verdict" });
  const tags = h("span", { class: "row" });
  const others = h("div", { class: "beside" });
  const bins = histogram("Reference against now");
  const exact = h("details", {}, h("summary", {}, "As a table"));
  const binsPanel = h("section", { class: "panel" }, bins.node, exact);
  const score = lineChart({ title: "Score over threshold, the last day", show: (value) => (value === null ? NONE : `${number(value, 2)}×`), height: 180 });
  const missing = lineChart({ title: "Missing values, the last day", show: percent, height: 120, least: 0.01, top: 1 });
  const figures = h("div");
  const spread = h("div");
  const change = h("div");
  const examples = h("div");
  let link = "";
  const past_ = h("section", { class: "panel", hidden: true }, score.node, missing.node);
  const spreadPanel = panel("Quantiles", spread);
  const movedPanel = panel("Bins that moved most", change);
  root.append(
    h("p", { class: "crumb" }, h("a", { href: href("drift"), "data-closes": true }, "← Drift"), h("span", { class: "soft" }, ` · ${named(of)}`)),
    h("div", { class: "heading" }, h("h1", { id: "title" }, of.name), tags, others), verdict, trouble,
    h("div", { class: "grid halves tops" },
      h("div", { class: "grid" }, binsPanel, panel("Figures", figures)),
      h("div", { class: "grid" }, past_, movedPanel, spreadPanel, panel("Examples", examples))));

  const asking = repeat(async () => {
    let opened = null;
    const [listed, drawn, links] = await Promise.allSettled([get("drift"), get("drift/column", of), traceLink()]);
    link = links.value ?? "";
    if (drawn.status === "fulfilled") {
      well(trouble);
      opened = drawn.value;
      picture(opened);
    }
    if (listed.status === "fulfilled") {
      const model = listed.value.models.find((one) => one.model === of.model && (one.version ?? "") === of.version);
      const column = model && columnsOf(model).find((one) => one.name === of.name && one.side === of.side);
      around(model, column);
      if (column) told(model, { ...column, ...opened?.column }, opened);
    }
    if (drawn.status === "rejected" && !binsPanel.dataset.drawn) {
      binsPanel.hidden = true;
      failed(trouble, drawn.reason, () => asking.now());
    }
  }, EVERY);

  function picture(opened) {
    binsPanel.hidden = false;
    binsPanel.dataset.drawn = "yes";
    bins.draw(opened.bins);
    if (exact.lastChild.nodeName === "TABLE") exact.lastChild.remove();
    exact.append(binTable(opened.bins));
    const { quantiles } = opened;
    spreadPanel.hidden = !quantiles;
    if (quantiles) {
      const place = ["p05", "p25", "p50", "p75", "p95"];
      set(spread, table([["Below which lie"], ...["5 %", "25 %", "50 %", "75 %", "95 %"].map((text) => [text, true])],
        [["reference", ...place.map((name) => number(quantiles.reference?.[name], 4))], ["now", ...place.map((name) => number(quantiles.now?.[name], 4))]], "Quantiles"));
    }
  }

  function told(model, column, opened) {
    const [word, tone] = judged(column);
    const far = ratio(column);
    fresh(verdict, column, () => [h("p", {}, state(word, tone), put(h("span", { class: "soft" }), moved(column) && ` ${moved(column)}`, far !== null && `, ${times(far)}`, column.since && column.state === "drift" ? [", since ", when(column.since)] : "")),
      column.finding && h("p", {}, column.finding),
      column.reason && !column.suspended && h("p", { class: "soft" }, column.reason),
      column.acknowledged && h("p", { class: "soft" }, `Acknowledged${column.acknowledged.by ? ` by ${column.acknowledged.by}` : ""}${column.acknowledged.note ? `: ${column.acknowledged.note}` : ""}`),
      column.renewed && h("p", { class: "soft" }, `Its reference was renewed${column.renewed.by ? ` by ${column.renewed.by}` : ""}`, column.renewed.at ? [" ", when(column.renewed.at)] : "")]);
    set(tags, tag(column.side), tag(column.kind), column.derived && tag("of whole rows"), column.hashed && tag("categories are hashed"));
    set(figures, facts([
      ["Score", number(column.score)], ["Threshold", number(column.threshold)],
      ["Question", column.test || NONE], ["p-value", column.p_value === null || column.p_value === undefined ? null : column.p_value < 1e-12 ? "< 1e-12" : number(column.p_value)],
      ["Effect", typeof column.effect === "number" ? `${number(column.effect, 2)} sd` : null],
      ["Shift of the values", typeof column.shift === "number" ? `${number(column.shift, 2)} sd` : null],
      ["PSI", number(column.psi)], ["Jensen-Shannon distance", number(column.js)],
      ["Missing", missingOf(column, opened)], ["Invalid", percent(column.invalid)], ["Unseen categories", unseen(opened)],
      ["Rows judged", number(column.rows)], ["Span", typeof column.span === "number" ? count(column.span, "window") : null],
      ["Last judged", column.evaluated ? when(column.evaluated) : NONE],
      ["Rows drawn", opened ? `${number(opened.now_rows)} (${opened.now_of})` : null],
      ["Window", `${number(model.window.of_rows)} rows or ${span(model.window.of_seconds)}`],
    ]));
    movedPanel.hidden = !column.moved?.length;
    fresh(change, column.moved, () => table([["Bin"], ["Reference", true], ["Now", true]], (column.moved ?? []).map((bin) => [bin.bin, percent(bin.reference), percent(bin.now)]), "Bins that moved most"));
    fresh(examples, [column.examples ?? [], link], ([list, to]) => sample(list, to));
  }

  function around(model, column) {
    if (!model) return;
    const all = ranked(columnsOf(model));
    const here = column ? all.findIndex((one) => one.name === of.name && one.side === of.side) : -1;
    const link = (one, text) => one && h("a", { href: columnAt(model, one), title: one.name }, text);
    const now = `${here}:${all[here - 1]?.name}:${all[here + 1]?.name}`;
    if (others.dataset.now === now) return;
    others.dataset.now = now;
    set(others, link(all[here - 1], "← further beyond"), link(all[here + 1], "less far →"),
      here >= 0 && h("span", { class: "soft" }, `${number(here + 1)} of ${number(all.length)}`));
  }

  const lining = repeat(async () => {
    try {
      const found = await columnHistory(of);
      past_.hidden = !found;
      if (!found) return;
      const { at: times_, step } = found;
      score.draw({ at: times_, step, threshold: 1, series: [{ name: "score", values: found.ratio, tone: "t1", area: true }] });
      missing.draw({ at: times_, step, series: [{ name: "missing", values: found.missing, tone: "t1", area: true }] });
    } catch {
      // The rest of the view says that the sidecar does not answer.
    }
  }, () => (past_.hidden ? EVERY : HISTORY_EVERY));
  return {
    close() {
      asking.end();
      lining.end();
    },
  };
}

function missingOf(column, opened) {
  const was = opened?.missing?.reference;
  return typeof was === "number" ? `${percent(opened.missing.now)}, was ${percent(was)}` : percent(column.missing);
}

/** The share of values that the reference never had. */
function unseen(opened) {
  const bin = opened?.bins.find((one) => one.kind === "unseen" || (one.kind === "other" && one.reference === 0));
  return bin ? percent(bin.now) : null;
}

/** Requests: to what is kept of each here, which may be gone, and to its trace, which outlives it. */
function sample(list, link) {
  if (!list.length) return h("p", { class: "soft" }, "None. Once a column drifts, requests in the bins that grew most are named here.");
  return h("ul", { class: "plain" }, list.map((one) => {
    const { request_id: id, ...more } = typeof one === "string" ? { request_id: one } : one;
    const trace = more.trace_id && traceAt(link, more.trace_id);
    return h("li", {}, h("a", { class: "mono", href: href(["requests", id]) }, id), more.bin ? h("span", { class: "soft" }, ` ${more.bin} `) : null,
      trace && h("a", { href: trace, target: "_blank", rel: "noopener noreferrer" }, "Trace"));
  }));
}

