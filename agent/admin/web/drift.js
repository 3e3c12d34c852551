// Drift: every column, the furthest beyond its threshold first. One opened is `column.js`.

import { get, repeat } from "./api.js";
import * as column from "./column.js";
import { fresh, h, keyed, mark, set, write } from "./dom.js";
import { count, named, number, percent, span } from "./format.js";
import { usualHistory } from "./history.js";
import { roving } from "./keys.js";
import { caveats, choice, empty, failed, heading, search, state, tag, well } from "./parts.js";
import { columnsOf, drifting, judged, moved, ranked, ratio, tally, times } from "./ranking.js";
import { columnAt, href, replace } from "./router.js";
import { spark } from "./spark.js";
import { at_, when } from "./times.js";

const EVERY = 5;
const HISTORY_EVERY = 60;
const NAMED = 12;

export const names = (at) => (at.rest[0] === "column" ? column.names(at) : "Drift");

export function open(root, at) {
  return at.rest[0] === "column" ? column.open(root, at) : list(root, at);
}

function list(root, first) {
  let query = first.query;
  let data = null;
  let lines = new Map();
  const go = (more) => replace(href("drift", { ...query, ...more }));
  const show = choice("Which columns", [["", "All"], ["drift", "Drifting"], ["input", "Inputs"], ["output", "Outputs"]], query.show ?? "", (key) => go({ show: key }));
  const field = search("Search columns", query.q, (text) => go({ q: text }));
  const trouble = h("div");
  const notes = h("div");
  const groups = h("div", { class: "grid" });
  const summary = h("span", { class: "soft" });
  root.append(heading("Drift", summary), h("div", { class: "filters" }, field, show.node), notes, trouble, groups);

  function draw() {
    if (!data) return;
    show.show(query.show ?? "");
    const models = data.models.filter((model) => (!query.model || model.model === query.model) && (!query.version || model.version === query.version));
    const all = models.flatMap(columnsOf);
    write(summary, all.length ? `drift in ${drifting(tally(all))}` : "");
    fresh(notes, data.caveats, caveats);
    set(trouble, query.model && h("p", {}, `Only ${query.model}. `, h("a", { href: href("drift", { q: query.q, show: query.show }) }, "Show all models")));
    if (!models.length) {
      set(groups, empty("No model seen yet", "Columns appear with the first request whose body can be read. The overview says what to do next.", h("a", { href: "#/overview" }, "To the overview")));
      groups.outriderItems = null;
      return;
    }
    if (groups.querySelector(":scope > .empty")) set(groups);
    keyed(groups, models, (model) => `${model.model}\n${model.version}`, () => group(() => query, () => lines));
  }

  const asking = repeat(async () => {
    try {
      data = await get("drift");
      well(groups);
      draw();
    } catch (error) {
      if (!data) failed(groups, error, () => asking.now());
    }
  }, EVERY);
  const lining = repeat(async () => {
    try {
      const { drift } = await usualHistory();
      lines = new Map(drift.map((one) => [key(one, one), one.ratio]));
      draw();
    } catch {
      // Without a history there are no small lines; the rest says it all.
    }
  }, () => (lines.size ? HISTORY_EVERY : EVERY));
  return {
    change(at) {
      if (at.rest[0] === "column") return false;
      query = at.query;
      if (field.value !== (query.q ?? "") && document.activeElement !== field) field.value = query.q ?? "";
      draw();
      return true;
    },
    close() {
      asking.end();
      lining.end();
    },
  };
}

const key = (model, one) => [model.model, model.version, one.side, one.name].join("\n");

/** One model in one version. */
function group(query, lines) {
  const title = h("h2");
  const about = h("span", { class: "row" });
  const notes = h("div");
  const rows = h("ul", { class: "list columns" });
  const none = h("p", { class: "soft" });
  const ready = roving(rows, "a");
  const node = h("section", { class: "grid" }, h("div", { class: "group" }, title, about), notes, rows, none);
  return {
    node,
    show(model) {
      write(title, named(model));
      set(about, facts(model));
      fresh(notes, model.caveats, caveats);
      const shown = ranked(columnsOf(model)).filter((one) => wanted(one, query()));
      keyed(rows, shown, (one) => `${one.side}\n${one.name}`, () => line(model));
      for (const one of shown) rows.outriderItems.get(`${one.side}\n${one.name}`).lines(lines().get(key(model, one)));
      rows.hidden = !shown.length;
      write(none, shown.length ? "" : learning(model));
      none.hidden = Boolean(shown.length);
      ready();
    },
  };
}

function wanted(one, { q = "", show = "" }) {
  if (q && !one.name.toLowerCase().includes(q.toLowerCase())) return false;
  if (show === "drift") return one.state === "drift";
  return !show || one.side === show;
}

function learning(model) {
  if (model.phase !== "learning") return "No column fits the search.";
  const { rows, of, columns } = model.learning;
  return `The reference is being learned: ${number(rows)} of ${number(of)} rows, of ${listed(columns)}. A better one is made of the training data: outrider profile build train.csv -o reference.json`;
}

/** Names of columns in a sentence; of many the first. */
function listed(columns) {
  const names = columns.slice(0, NAMED).map((one) => one.name).join(", ");
  return columns.length > NAMED ? `${names} and ${number(columns.length - NAMED)} more` : names || "no column yet";
}

function facts(model) {
  const { reference, window: open } = model;
  const tone = { drift: "bad", stable: "good" }[model.state] ?? "wait";
  return [
    state(model.phase === "watching" ? model.state : model.phase === "unwatched" ? `not watched: ${model.reason}` : model.phase, model.phase === "unwatched" ? "warn" : tone),
    reference && h("span", { class: "soft" }, `reference ${reference.hash} of ${count(reference.rows, "row")}`),
    model.phase === "watching" && h("span", { class: "soft" }, `${count(model.windows_judged, "window")} judged, ${number(open.rows)} of ${number(open.of_rows)} rows in the next (at most ${span(open.of_seconds)})`),
    model.unseen?.share > 0 && h("span", { class: "soft" }, `${percent(model.unseen.share)} of the rows not looked at`),
    model.unexpected?.length ? tag(`${count(model.unexpected.length, "column")} not in the reference`, model.unexpected.map((one) => one.name).join(", ")) : null,
  ].filter(Boolean);
}

/** One column. */
function line(model) {
  const name = h("b");
  const kind = h("span", { class: "soft" });
  const bar = h("i");
  const far = h("span");
  const gauge = h("span", { class: "gauge" }, h("span", { class: "track", "aria-hidden": "true" }, bar), far);
  const small = spark();
  const said = h("span", { class: "said" });
  const since = when(null);
  const place = h("span", { class: "at" }, "since ", since);
  const link = h("a", { tabindex: -1 }, h("span", { class: "who" }, name, kind), gauge, small.node, said, place);
  const node = h("li", {}, link);
  let drawn = null;
  return {
    node,
    show(one) {
      const far_ = ratio(one);
      mark(link, "href", columnAt(model, one));
      write(name, one.name);
      mark(name, "title", one.name);
      write(kind, [one.side, one.kind, one.derived && "of whole rows", one.hashed && "hashed"].filter(Boolean).join(", "));
      bar.style.setProperty("width", `${Math.min((far_ ?? 0) * 50, 100)}%`);
      mark(gauge, "data-tone", one.state === "drift" ? "bad" : far_ > 0.8 ? "near" : null);
      write(far, times(far_));
      const [word, tone] = judged(one);
      fresh(said, [word, tone, moved(one)], () => [state(word, tone), h("span", { class: "soft", title: moved(one) }, moved(one))]);
      at_(since, one.state === "drift" ? one.since : null);
      place.hidden = one.state !== "drift";
    },
    lines(values) {
      if (values === drawn) return;
      drawn = values;
      small.draw(values, { limit: 1, tone: values && (values.at(-1) ?? 0) > 1 ? "bad" : null });
    },
  };
}
