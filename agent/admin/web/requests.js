// Requests: recent ones and kept examples, filtered by the address; one opened beside the list.

import { get, repeat } from "./api.js";
import { h, keyed, mark, set, write } from "./dom.js";
import { count, ms, named, number } from "./format.js";
import { roving } from "./keys.js";
import { choice, empty, failed, heading, search, select, tag, well } from "./parts.js";
import { detail } from "./request.js";
import { href, replace } from "./router.js";
import { at_, when } from "./times.js";

const EVERY = 5;
const LIMIT = 300;
const KINDS = [["", "All"], ["2xx", "2xx"], ["4xx", "4xx"], ["5xx", "5xx"], ["slow", "Slow"], ["outlier", "Outliers"]];

export const names = () => "Requests";

export function open(root, first) {
  let at = first;
  let data = null;
  const go = (more) => replace(href(["requests", ...at.rest], { ...at.query, ...more }));
  const kinds = choice("Which requests", KINDS, kindOf(at.query), (key) => go(queryOf(key)));
  const routes = select("Route", (route) => go({ route }));
  const field = search("Search requests", at.query.q, (q) => go({ q }));
  const summary = h("span", { class: "soft" });
  const trouble = h("div");
  const rows = h("ul", { class: "list requests" });
  const side = h("section", { class: "panel detail", "aria-label": "Request", tabindex: 0, hidden: true });
  const split = h("div", { class: "split" }, h("div", { class: "main grid" }, trouble, rows), side);
  const ready = roving(rows, "a");
  root.append(heading("Requests", summary), h("div", { class: "filters" }, field, kinds.node, routes.node), split);

  function draw() {
    if (!data) return;
    kinds.show(kindOf(at.query));
    const known = [...new Set([...Object.keys(data.slow_ms), ...data.exchanges.map((one) => one.route)])].filter(Boolean).sort();
    if (at.query.route && !known.includes(at.query.route)) known.push(at.query.route);
    routes.show([["", "All routes"], ...known.map((route) => [route, route])], at.query.route ?? "");
    const shown = data.exchanges.filter((one) => fits(one, at.query.q ?? ""));
    keyed(rows, shown, (one) => `${one.request_id}${one.at}`, () => line(() => at));
    for (const link of rows.querySelectorAll("a")) mark(link, "aria-current", link.dataset.id === at.rest[0] ? "true" : null);
    rows.hidden = !shown.length;
    const filtered = Object.keys(at.query).length > 0;
    write(summary, `${count(data.matched, "request")}${shown.length < data.matched ? `, ${number(shown.length)} shown` : ""}`);
    if (!shown.length) {
      set(trouble, filtered
        ? empty("No request fits", "The newest 200 are kept, and 50 each of errors, slow ones and outliers.", h("a", { href: href("requests") }, "Show all"))
        : empty("No requests yet", "They appear here as soon as one has passed. The overview says where to send the first.", h("a", { href: "#/overview" }, "To the overview")));
    } else set(trouble);
    ready();
  }

  function side_() {
    const [id] = at.rest;
    split.classList.toggle("open", Boolean(id));
    side.hidden = !id;
    if (id) detail(side, id, href("requests", at.query));
    else set(side);
  }

  const asking = repeat(async () => {
    const { q: _, ...asked } = at.query;
    try {
      data = await get("exchanges", { ...asked, limit: LIMIT });
      well(trouble);
      draw();
    } catch (error) {
      if (!data || error.status === 400) {
        rows.hidden = true;
        failed(trouble, error, () => asking.now());
      }
    }
  }, EVERY);
  side_();
  return {
    change(next) {
      const asked = JSON.stringify({ ...next.query, q: "" }) !== JSON.stringify({ ...at.query, q: "" });
      const other = next.rest[0] !== at.rest[0];
      const closed = other && !next.rest[0] && at.rest[0];
      at = next;
      if (document.activeElement !== field) field.value = at.query.q ?? "";
      draw();
      if (other) side_();
      if (closed) [...rows.querySelectorAll("a")].find((link) => link.dataset.id === closed)?.focus();
      if (asked) asking.now();
      return true;
    },
    close() {
      asking.end();
    },
  };
}

const kindOf = (query) => (query.slow ? "slow" : query.reason === "outlier" ? "outlier" : query.status ?? "");

function queryOf(key) {
  const none = { status: "", slow: "", reason: "" };
  if (key === "slow") return { ...none, slow: "true" };
  return key === "outlier" ? { ...none, reason: key } : { ...none, status: key };
}

function fits(one, text) {
  if (!text) return true;
  const wanted = text.toLowerCase();
  return [one.request_id, one.trace_id, one.path, one.model, one.version, one.error, one.dialect].some((value) => value?.toLowerCase().includes(wanted));
}

/** One request of the list. */
function line(at) {
  const status = h("span", { class: "status" });
  const where = h("span", { class: "where" });
  const who = h("span", { class: "who soft" });
  const why = h("span", { class: "kinds" });
  const took = h("span", { class: "took" });
  const time = when(null);
  const link = h("a", { tabindex: -1 }, status, where, who, why, took, h("span", { class: "at" }, time));
  return {
    node: h("li", {}, link),
    show(one) {
      link.dataset.id = one.request_id;
      mark(link, "href", href(["requests", one.request_id], at().query));
      mark(status, "data-class", Math.floor(one.status / 100));
      write(status, one.status ? String(one.status) : "none");
      if (where.dataset.path !== one.path) {
        where.dataset.path = one.path;
        set(where, h("span", { class: "soft" }, `${one.method} `), h("span", { class: "mono" }, one.path));
        mark(where, "title", one.path);
      }
      write(who, one.model ? named(one) : "");
      set(why, one.reasons.map((reason) => tag(reason)), one.error && tag(one.error));
      write(took, ms(one.duration_ms));
      at_(time, one.at);
    },
  };
}
