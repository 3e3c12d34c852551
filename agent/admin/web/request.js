// One request: its phases as a waterfall, what was read of it, its trace.

import { get } from "./api.js";
import { copier, h, set } from "./dom.js";
import { absolute, bytes, ms, named, NONE, number, seconds } from "./format.js";
import { empty, facts, failed, tag } from "./parts.js";
import { when } from "./times.js";

const LEAST = 0.0005;
let template;

/** Fills `place` with the request of this id; `back` is the address of the list. */
export async function detail(place, id, back) {
  place.dataset.wanted = id;
  set(place, bar(back, h("h2", { class: "mono" }, id)), h("p", { class: "soft" }, "Asking the sidecar…"));
  try {
    const [found, links] = await Promise.all([get("exchanges", { request_id: id }), traceLink()]);
    if (place.dataset.wanted !== id) return;
    const [one] = found.exchanges;
    set(place, one ? whole(one, links, back) : [bar(back, h("h2", { class: "mono" }, id)), empty("This request is not kept any more", "The newest 200 are kept, and 50 each of errors, slow ones and outliers. The log has a record of each request.")]);
  } catch (error) {
    if (place.dataset.wanted === id) failed(place, error, () => (delete place.dataset.failed, detail(place, id, back)));
  }
}

function bar(back, title) {
  return h("div", { class: "between" }, title, h("a", { href: back, "data-closes": true, "aria-label": "Close the request" }, "Close"));
}

/** `links.trace` of the settings; asked for once. */
export async function traceLink() {
  template ??= (await get("status")).config?.links?.trace ?? "";
  return template;
}

/** The address of a trace, where the template makes one of http or https. */
export function traceAt(link, id) {
  try {
    const url = new URL(link.replaceAll("{trace_id}", encodeURIComponent(id)));
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

function whole(one, link, back) {
  const trace = one.trace_id && traceAt(link, one.trace_id);
  return [
    bar(back, h("h2", {}, h("span", { class: "status", "data-class": Math.floor(one.status / 100) }, one.status || "no status"), ` ${one.method} `, h("span", { class: "mono" }, one.path))),
    h("div", { class: "row" }, one.reasons.map((reason) => tag(reason)), one.error && h("span", { class: "tag bad" }, one.error)),
    h("p", { class: "soft" }, when(one.at), `, ${absolute(seconds(one.at))}, took ${ms(one.duration_ms)}`),
    waterfall(one),
    one.outlier?.length ? h("div", { class: "grid" }, h("h2", {}, "Out of the ordinary"), h("ul", { class: "plain" }, one.outlier.map((odd) => h("li", {}, h("b", {}, odd.column), ` ${odd.is}`)))) : null,
    h("h2", {}, "Read as"),
    facts([
      ["Model", one.model ? named(one) : NONE], ["Dialect", one.dialect ?? NONE], ["Outcome", one.outcome ?? NONE],
      ["Why", one.why || null], ["Route", h("span", { class: "path" }, one.route)],
      ["Request", bytes(one.request_bytes)], ["Response", bytes(one.response_bytes)],
      one.stream && ["First event", ms(one.stream.first_event_ms)], one.stream && ["Longest gap", ms(one.stream.largest_gap_ms)],
      one.stream && ["Pieces", number(one.stream.pieces)], one.stream?.aborted_by && ["Aborted by", one.stream.aborted_by],
    ]),
    h("h2", {}, "Trace and request"),
    ids("Trace", one.trace_id, trace && h("a", { href: trace, target: "_blank", rel: "noopener noreferrer" }, "Open the trace")),
    !trace && one.trace_id && h("p", { class: "soft" }, "Set links.trace to have a link here, for example https://jaeger.example/trace/{trace_id}"),
    !one.trace_id && h("p", { class: "soft" }, "It has no trace here: spans are exported where OTEL_EXPORTER_OTLP_ENDPOINT is set."),
    ids("Request", one.request_id),
    ...bodies(one),
  ];
}

function ids(name, id, more) {
  return h("div", { class: "row" }, h("span", { class: "soft" }, name), h("span", { class: "mono" }, id ?? NONE), id && copier(() => id), more);
}

function bodies(one) {
  const kept = ["input", "output"].filter((name) => one[name] !== undefined && one[name] !== null);
  if (!kept.length) return [h("h2", {}, "Payload"), h("p", { class: "soft" }, "Bodies are not kept. capture.payload_log: true keeps them, redacted, in the log and here.")];
  return kept.flatMap((name) => [h("h2", {}, name === "input" ? "Request's body, redacted" : "Response's body, redacted"),
    h("pre", { tabindex: 0, "aria-label": name }, pretty(one[name]))]);
}

function pretty(value) {
  try {
    return JSON.stringify(typeof value === "string" ? JSON.parse(value) : value, null, 2);
  } catch {
    return String(value);
  }
}

/** The phases, one under the other: `[name, from, to, whether it is Outrider's or the client's]`. */
function phases({ phases: p, duration_ms: all, stream }) {
  const end = p.end ?? all ?? 0;
  const found = [];
  const add = (name, from, to, own = false) => {
    if (from !== null && to !== null && from !== undefined && to !== undefined && to - from >= LEAST) found.push([name, from, Math.min(to, end), own]);
  };
  const connected = p.upstream_began !== null && p.connect_took !== null ? p.upstream_began + p.connect_took : p.upstream_began;
  add("Before the model", 0, p.upstream_began, true);
  if (p.connect_took) add("Connect", p.upstream_began, connected);
  add("Send the request", connected, p.request_sent ?? p.head_sent);
  add("Model works", p.request_sent ?? p.head_sent, p.first_byte);
  if (stream && p.first_piece !== null) {
    add("First event", p.first_byte, p.first_piece);
    add("Stream", p.first_piece, p.last_byte);
  } else add("Response", p.first_byte, p.last_byte);
  add("After the response", p.last_byte, end, true);
  if (!found.length) add("In Outrider alone", 0, end, true);
  return found;
}

function waterfall(one) {
  const all = Math.max(one.phases.end ?? one.duration_ms ?? 0, 0.001);
  return h("div", { class: "grid" },
    h("h2", {}, "Phases"),
    h("ul", { class: "fall" }, phases(one).map(([name, from, to, own]) => {
      const bar_ = h("i");
      bar_.style.setProperty("left", `${(100 * from) / all}%`);
      bar_.style.setProperty("width", `${(100 * (to - from)) / all}%`);
      return h("li", { class: own ? "own" : null }, h("span", {}, name), h("span", { class: "track", "aria-hidden": "true" }, bar_), h("span", { class: "figure" }, ms(to - from)));
    })),
    h("p", { class: "soft" }, `Outrider's own overhead: ${ms(one.phases.overhead_took)}`));
}
