// Overview: is it well, what is it doing, how was the day, who is there.

import { alerts, untold } from "./alerts.js";
import { repeat } from "./api.js";
import { copier, fresh, h, set } from "./dom.js";
import { bytes, count, ms, named, NONE, number, percent, rate, short, span, us, words } from "./format.js";
import { history } from "./history.js";
import { lineChart } from "./line.js";
import { listen } from "./live.js";
import { facts, failed, heading, panel, state, table, well } from "./parts.js";
import { drifting } from "./ranking.js";
import { href } from "./router.js";
import { tile } from "./tiles.js";
import { when } from "./times.js";

const EVERY = 30;
const REFUSED = 0.2;
const SOME = 5;
const UNSEEN = 0.05;

export const names = () => "Overview";

export function open(root) {
  const verdict = h("div", { class: "verdict" });
  const next = h("div", { hidden: true });
  const unread = h("div", { class: "grid", hidden: true });
  const trouble = h("div");
  const tiles = {
    rate: tile("Requests"), errors: tile("Server errors"), p50: tile("Latency p50"), p90: tile("Latency p90"),
    p99: tile("Latency p99"), overhead: tile("Overhead p99"),
  };
  const charts = {
    requests: lineChart({ title: "Requests a second", show: rate, axis: short }),
    errors: lineChart({ title: "Errors, share of requests", show: percent, least: 0.01, top: 1 }),
    latency: lineChart({ title: "Latency", show: ms }),
    overhead: lineChart({ title: "Outrider's own overhead", show: us }),
  };
  const place = { models: h("div"), findings: h("div"), alerts: h("div"), routes: h("div"), sinks: h("div"), load: h("div", { class: "grid" }), host: h("div", { class: "grid" }), events: h("div") };
  const findings = panel("Findings", place.findings);
  const sent = panel("Alerts", place.alerts);
  const chartsNode = h("div", { class: "grid halves" }, Object.values(charts).map((chart) => h("section", { class: "panel" }, chart.node)));
  const day = h("div");
  root.append(
    heading("Overview"), verdict, next, unread, trouble,
    h("section", { class: "tiles", "aria-label": "Now" }, Object.values(tiles).map((one) => one.node)),
    day, chartsNode,
    panel("Models", place.models), findings,
    h("div", { class: "grid halves tops" },
      h("div", { class: "grid" }, panel("Routes", place.routes), sent, place.load),
      h("div", { class: "grid" }, panel("Sinks and processes", place.sinks), place.host)),
    panel("What happened", place.events),
  );

  let begun = 0;
  const asking = repeat(async () => {
    try {
      const day_ = await history(1);
      well(day);
      chartsNode.hidden = false;
      chartsNode.dataset.drawn = "yes";
      lines(charts, tiles, day_, begun);
      fresh(place.events, day_.events, events);
    } catch (error) {
      if (!chartsNode.dataset.drawn) chartsNode.hidden = true;
      if (error.status !== 0) failed(day, error, () => asking.now());
    }
  }, EVERY);
  const end = listen((data) => {
    if (!begun) asking.now();
    begun = data.at - data.uptime_seconds;
    well(trouble);
    set(verdict, told(data));
    nextStep(next, data.next_step);
    unread.hidden = data.next_step?.kind === "not_decoded" || !data.unread?.length;
    fresh(unread, data.unread ?? [], (routes) => routes.map(toRead));
    figures(tiles, data);
    fresh(place.models, data.models, models);
    findings.hidden = !data.findings?.length;
    fresh(place.findings, data.findings ?? [], found);
    sent.hidden = !data.alerts;
    fresh(place.alerts, data.alerts ?? null, (told) => told && alerts(told));
    fresh(place.routes, data.routes, routes);
    fresh(place.sinks, [data.sinks, data.processes, data.shed], ([sinks, processes, shed]) => outlets(sinks, processes, shed));
    fresh(place.load, data.load, (load) => own("Load on the model", load));
    fresh(place.host, data.host, (host) => own("Host and model server", host));
  });
  return {
    close() {
      end();
      asking.end();
    },
  };
}

function told(data) {
  const drifted = data.models.filter((model) => model.drifted + model.derived_drifted > 0);
  const lines = [];
  if (data.upstream && !data.upstream.up) lines.push(["bad", "The model server cannot be reached", `at ${data.upstream.url}: start it, or give its address by --upstream`]);
  if ((data.now?.error_ratio ?? 0) >= 0.01) {
    lines.push(["bad", `${percent(data.now.error_ratio)} of the requests of the last minute failed`, ""]);
  }
  if ((data.now?.client_error_ratio ?? 0) >= REFUSED && data.now.requests >= SOME) {
    lines.push(["warn", `${percent(data.now.client_error_ratio)} of the requests of the last minute were refused (4xx)`, "", href("requests", { status: "4xx" }), "See them"]);
  }
  for (const model of drifted.slice(0, 3)) {
    lines.push(["bad", `${named(model)} drifts`, `in ${drifting(model)}`, href("drift"), "See the columns"]);
  }
  const unseen = data.models.filter(({ phase, unseen }) => phase !== "unwatched" && unseen?.share > UNSEEN && unseen.rows >= SOME);
  for (const model of unseen.slice(0, 3)) {
    lines.push(["warn", `${named(model)}: ${percent(model.unseen.share)} of the recent rows are in no verdict`, `rows left out: ${model.unseen.told}`, href("drift", { model: model.model, version: model.version }), "See the columns"]);
  }
  for (const finding of (data.findings ?? []).slice(0, 3)) {
    lines.push(["warn", `${finding.model ? `${finding.model}: ` : ""}${finding.text}`, ""]);
  }
  const reads = data.next_step?.kind === "not_decoded" ? [] : data.unread ?? [];
  for (const route of reads) lines.push(["warn", unreadOf(route), route.why && `the last one: ${route.why}`, href("requests", { route: route.route }), "See them"]);
  if (data.shed && data.shed !== "nothing") lines.push(["warn", `Under load, leaves out: ${data.shed}`, "counts stay exact"]);
  const away = data.sinks.filter((sink) => sink.away);
  if (away.length) lines.push(["warn", `${away.map((sink) => sink.name).join(", ")} cannot be reached`, "records wait"]);
  const silent = untold(data.alerts);
  if (silent) lines.push(["warn", `${silent} cannot be told of alerts`, "they are told later"]);
  if (data.next_step?.kind === "not_decoded") lines.push(["warn", "Requests pass, but none is understood", "so there is no drift to see yet"]);
  if (!lines.length) {
    const quiet = !data.now?.requests;
    const learning = data.models.some((model) => model.phase === "learning");
    lines.push(["good", quiet ? "Ready; no request in the last minute" : "All is well", learning ? "the reference is still being learned" : quiet ? "" : "no drift, no findings, every sink takes what it gets"]);
  }
  return lines.map(([tone, text, more, to, what]) =>
    h("p", {}, state(text, tone), more && h("span", { class: "soft" }, ` ${more}`), to && [" ", h("a", { href: to }, what)]));
}

function nextStep(element, step) {
  element.hidden = !step;
  fresh(element, step ?? null, (now) => now && h("section", { class: "panel next", "aria-labelledby": "next" },
    h("h2", { id: "next" }, now.title), prose(now.text),
    now.kind === "learning" && progress(now.evidence),
    now.kind === "not_decoded" && now.evidence && evidence(now.evidence)));
}

const unreadOf = ({ route, part, unread, of }) => `${route}: ${number(unread)} of ${number(of)} ${part} could not be read`;

/** What to do about a route of which little is read. */
function toRead(route, n) {
  const id = `unread-${n}`;
  return h("section", { class: "panel next", "aria-labelledby": id },
    h("h2", { id }, unreadOf(route)), route.why && h("p", {}, `The last one: ${route.why}.`), prose(route.text), evidence(route.evidence));
}

/** Lines of text; those that are settings (indented) or commands (by their name) can be copied. */
function prose(text) {
  const parts = [];
  for (const line of String(text).split("\n").filter(Boolean)) {
    const kind = /^ {2}/.test(line) ? "settings" : /^(curl|outrider|pip) /.test(line) ? "command" : "text";
    const last = parts.at(-1);
    if (last && kind !== "text" && last.kind === kind) last.text += `\n${line}`;
    else parts.push({ kind, text: line });
  }
  return parts.map((part) => {
    const code = part.text.replace(/^ {2}/gm, "");
    return part.kind === "text" ? h("p", {}, part.text) : h("div", { class: "command" }, h("code", {}, code), copier(() => code));
  });
}

function progress({ rows, of }) {
  return h("progress", { max: of, value: rows, "aria-label": "Rows learned from" });
}

/** What was seen of the last payload: plain values as facts, its shape as it came. */
function evidence(seen) {
  const known = Object.entries(seen).filter(([, value]) => value !== null && value !== "" && Object.keys(Object(value)).length + (typeof value !== "object"));
  const plain = (value) => typeof value !== "object" || Object.values(value).every((one) => typeof one !== "object");
  const written = (value) => (Array.isArray(value) ? value.join(", ") : typeof value === "object" ? Object.entries(value).map((pair) => pair.join(": ")).join(", ") : value);
  return h("details", { open: true }, h("summary", {}, "What was seen"), h("div", { class: "grid" },
    facts(known.filter(([, value]) => plain(value)).map(([name, value]) => [words(name), name === "at" ? when(value) : united(name, written(value))])),
    known.filter(([, value]) => !plain(value)).map(([name, value]) => [
      h("h3", {}, words(name)), h("pre", { tabindex: 0, "aria-label": words(name) }, JSON.stringify(value, null, 2))])));
}

function figures(tiles, { now, day }) {
  const over = (value) => `${value} over ${day ? span(day.seconds) : "the day"}`;
  const bad = (now?.error_ratio ?? 0) >= 0.01 ? "bad" : null;
  tiles.rate.show(rate(now?.rate), over(rate(day?.rate)), { note: `${count(now?.requests, "request")} in the last ${span(now?.seconds)}` });
  tiles.errors.show(percent(now?.error_ratio), over(percent(day?.error_ratio)), { tone: bad, note: `client errors: ${percent(now?.client_error_ratio)}` });
  for (const name of ["p50", "p90", "p99"]) tiles[name].show(ms(now?.[`${name}_ms`]), over(ms(day?.[`${name}_ms`])));
  tiles.overhead.show(us(now?.overhead_p99_us), over(us(day?.overhead_p99_us)));
}

function lines(charts, tiles, history_, begun) {
  const { at, traffic, step } = settled(history_);
  const share = (name) => traffic.requests.map((all, n) => (all ? (traffic[name][n] ?? 0) / all : all === null ? null : 0));
  const first = traffic.requests.findIndex((all) => all !== null);
  const persecond = traffic.requests.map((all, n) => (all === null ? null : all / lasted(at[n], step, n === first ? begun : 0)));
  charts.requests.draw({ at, step, series: [{ name: "requests", values: persecond, tone: "t1", area: true }] });
  charts.errors.draw({ at, step, series: [{ name: "5xx", values: share("server_errors"), tone: "bad", area: true }, { name: "4xx", values: share("client_errors"), tone: "t3" }] });
  charts.latency.draw({ at, step, series: [
    { name: "p99", values: traffic.p99_ms, tone: "t1" }, { name: "p90", values: traffic.p90_ms, tone: "t2" }, { name: "p50", values: traffic.p50_ms, tone: "t3" }] });
  charts.overhead.draw({ at, step, series: [{ name: "p99", values: traffic.overhead_p99_us, tone: "t1" }, { name: "p50", values: traffic.overhead_p50_us, tone: "t3" }] });
  tiles.rate.line(persecond);
  tiles.errors.line(share("server_errors"), "bad");
  for (const name of ["p50", "p90", "p99"]) tiles[name].line(traffic[`${name}_ms`]);
  tiles.overhead.line(traffic.overhead_p99_us);
}

/** Without the step that goes on, while so little of it is over that its figures jump. */
function settled(history_) {
  if (Date.now() / 1000 - history_.at.at(-1) >= history_.step / 3 || history_.at.length < 2) return history_;
  const traffic = Object.entries(history_.traffic).map(([name, values]) => [name, values.slice(0, -1)]);
  return { ...history_, at: history_.at.slice(0, -1), traffic: Object.fromEntries(traffic) };
}

/** Seconds of a step that were seen: the first began late, the last is still going on. */
function lasted(at, step, begun) {
  const from = begun < at + step ? Math.max(at, begun) : at;
  return Math.max(1, Math.min(at + step, Date.now() / 1000) - from);
}

const PHASES = { learning: ["learning", "wait"], unwatched: ["not watched", "warn"] };

function stateOf(model) {
  if (PHASES[model.phase]) return PHASES[model.phase];
  if (model.state === "drift") return ["drift", "bad"];
  return model.state === "stable" ? ["stable", "good"] : [model.state ?? "unknown", "wait"];
}

function models(list) {
  if (!list.length) return h("p", { class: "soft" }, "None seen yet.");
  return table([["Model"], ["State"], ["Reference", false, true], ["Drifting", true], ["Last seen", true]], list.map((model) => [
    h("a", { href: href("drift", { model: model.model, version: model.version }) }, named(model)),
    [state(...stateOf(model)), model.learning && h("span", { class: "soft" }, ` ${number(model.learning.rows)} of ${number(model.learning.of)} rows`)],
    model.reference ? `${model.reference.source ?? ""} ${model.reference.hash ?? ""} (${number(model.reference.rows)} rows)`.trim() : NONE,
    model.phase === "watching" ? [`${number(model.drifted)} of ${number(model.columns)}`, model.derived > 0 && h("span", { class: "roomy" }, `, ${number(model.derived_drifted)} of ${number(model.derived)} derived`)] : NONE,
    model.last_seen ? when(model.last_seen) : NONE,
  ]), "Models");
}

function found(list) {
  return h("ul", { class: "plain" }, list.map((one) => h("li", {},
    state(one.text, "warn"), " ", h("span", { class: "soft" }, [one.model, one.output ?? one.column].filter(Boolean).join(", "), one.since ? [" since ", when(one.since)] : ""))));
}

function routes(list) {
  if (!list.length) return h("p", { class: "soft" }, "No requests yet.");
  return table([["Route"], ["Requests", true], ["5xx", true], ["Read", true], ["p50", true, true], ["p99", true]], list.map((route) => [
    h("a", { href: href("requests", { route: route.route }), class: "path" }, route.route),
    number(route.requests), percent(route.error_ratio), readOf(route), ms(route.p50_ms), ms(route.p99_ms)]), "Routes");
}

/** The share that became rows; that of the answers too where it is another. */
function readOf({ decoded, answers_decoded }) {
  return decoded === answers_decoded ? percent(decoded) : `${percent(decoded)}, answers ${percent(answers_decoded)}`;
}

function outlets(sinks, processes, shed) {
  return [
    sinks.length
      ? table([["Sink"], ["State"], ["Waiting", true], ["Lost", true]], sinks.map((sink) => [
        sink.kind === sink.name ? sink.name : `${sink.name} (${sink.kind})`, sink.away ? state(String(sink.away), "bad") : state("well", "good"),
        number(sink.waiting), number((sink.dropped ?? 0) + (sink.failed ?? 0))]), "Sinks")
      : h("p", { class: "soft" }, "No sinks are configured."),
    facts([
      ["Workers", number(processes?.workers)], ["Restarts of workers", number(processes?.restarts)],
      ["Restarts of the observer", number(processes?.observer_restarts)], ["Left out under load", shed ?? NONE],
    ]),
  ];
}

/** What has no fixed form: names become words, units come from their ends; lists are one part each. */
function own(title, values) {
  const all = Object.entries(values ?? {}).filter(([name, value]) => name !== "of" && value !== null && value !== "");
  const pairs = all.filter(([, value]) => typeof value !== "object");
  const lists = all.filter(([, value]) => Array.isArray(value)).flatMap(([name, value]) => value.map((one, n) => own(`${words(name.replace(/s$/, ""))} ${n + 1}`, one)));
  return [
    pairs.length ? panel(title, facts(pairs.map(([name, value]) => [words(name.replace(/_(bytes|ratio|seconds|ms|us)$/, "")), united(name, value)]))) : null,
    ...lists,
  ];
}

function united(name, value) {
  if (typeof value !== "number") return String(value);
  if (/modified$|_at$/.test(name)) return when(value);
  if (name.endsWith("_bytes")) return bytes(value);
  if (/(_ratio|utilization|saturation)$/.test(name)) return percent(value);
  if (/age_seconds$|uptime/.test(name)) return span(value);
  if (/seconds/.test(name)) return ms(value * 1000);
  if (name.endsWith("_ms")) return ms(value);
  return number(value);
}

const TONES = { drift: "bad", finding: "warn", restart: "warn", version: "wait", reference: "wait" };

function events(list) {
  if (!list.length) return h("p", { class: "soft" }, "Nothing out of the ordinary in what is known of the last day.");
  return h("ul", { class: "events", tabindex: 0, "aria-label": "What happened" }, list.map((event) =>
    h("li", {}, when(event.at), state(event.kind, TONES[event.kind] ?? "wait"), h("span", {}, event.text))));
}
