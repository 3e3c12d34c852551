// Configuration as it is in force. Secrets come hidden from the sidecar; they never reach this page.

import { get, repeat } from "./api.js";
import { copier, fresh, h, mark, set, write } from "./dom.js";
import { count, number, span } from "./format.js";
import { caveats, empty, failed, heading, panel, search, table, tag, well } from "./parts.js";
import { href, replace } from "./router.js";

const EVERY = 30;
const HIDDEN = "***";
const ALONE = "general";

export const names = () => "Configuration";

export function open(root, first) {
  let query = first.query;
  let config = null;
  const summary = h("span", { class: "soft" });
  const field = search("Search settings", query.q, (q) => replace(href("config", { q })));
  const trouble = h("div");
  const notes = h("div");
  const sections = h("div", { class: "settings" });
  const processes = h("div");
  const running = panel("Processes", processes);
  const copy = copier(() => JSON.stringify(config, null, 2), "Copy as JSON");
  root.append(heading("Configuration", summary, copy), h("div", { class: "filters" }, field), notes, trouble, sections, running);

  function draw() {
    if (!config) return;
    const all = flat(config);
    const shown = all.filter((one) => fits(one, query.q ?? ""));
    write(summary, shown.length < all.length ? `${number(shown.length)} of ${count(all.length, "setting")}` : count(all.length, "setting"));
    const groups = Map.groupBy ? Map.groupBy(shown, (one) => one.group) : grouped(shown);
    set(sections, [...groups].map(([group, items]) => panel(group, h("dl", {}, items.map(setting)))));
    set(trouble, shown.length ? null : empty("No setting fits", "Names, values and variables are searched.", h("a", { href: href("config") }, "Show all")));
  }

  const asking = repeat(async () => {
    try {
      const status = await get("status");
      well(trouble);
      if (JSON.stringify(config) !== JSON.stringify(status.config)) {
        config = status.config;
        draw();
      }
      fresh(notes, status.caveats, caveats);
      set(processes, table([["Process"], ["Pid", true], ["Restarts", true], ["Connections", true], ["Model server"]], status.processes.map((one) => [
        one.role === "worker" ? `worker ${one.number}` : one.role, one.pid, number(one.restarts), number(one.connections),
        one.role === "worker" ? (one.upstream_up ? "reached" : "not reached") : "–"]), "Processes"),
      h("p", { class: "soft" }, `Outrider ${status.version}, up ${span(status.uptime_seconds)}`));
    } catch (error) {
      if (!config) failed(trouble, error, () => asking.now());
    }
    running.hidden = !config;
    mark(copy, "hidden", config ? null : true);
  }, EVERY);
  return {
    change(at) {
      query = at.query;
      if (document.activeElement !== field) field.value = query.q ?? "";
      draw();
      return true;
    },
    close: () => asking.end(),
  };
}

/** The tree as settings with a path each; empty lists and maps are settings too. */
function flat(tree, path = []) {
  return Object.entries(tree).flatMap(([name, value]) => {
    const here = [...path, name];
    const branch = value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length;
    return branch ? flat(value, here) : [{ path: here, value, group: here.length > 1 ? here[0] : ALONE }];
  });
}

function grouped(items) {
  const found = new Map();
  for (const one of items) found.set(one.group, [...(found.get(one.group) ?? []), one]);
  return found;
}

const variable = (path) => `OUTRIDER_${path.join("__").toUpperCase()}`;

function fits({ path, value }, text) {
  const wanted = text.toLowerCase();
  return !wanted || [path.join("."), variable(path), JSON.stringify(value)].some((one) => one.toLowerCase().includes(wanted));
}

function setting({ path, value, group }) {
  const name = (group === ALONE ? path : path.slice(1)).join(".");
  return h("div", {}, h("dt", { title: variable(path) }, name), h("dd", { class: "mono" }, shown(value)));
}

function shown(value) {
  if (value === HIDDEN) return tag("hidden");
  if (value === null) return h("span", { class: "soft" }, "not set");
  if (Array.isArray(value) && !value.length) return h("span", { class: "soft" }, "none");
  if (typeof value === "object" && !Array.isArray(value)) return h("span", { class: "soft" }, "none");
  if (Array.isArray(value)) return value.map((item) => (typeof item === "object" ? JSON.stringify(item, null, 1) : String(item))).join("\n");
  return String(value);
}
