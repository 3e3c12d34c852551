// Keys: `/` searches, `?` helps, `g` and a letter goes to a view; in lists the arrows move.

import { h, set } from "./dom.js";

const PLACES = { o: "#/overview", d: "#/drift", p: "#/predictions", r: "#/requests", c: "#/config" };
const HELP = [
  ["/", "search or filter this view"],
  ["?", "this help"],
  ["↑ ↓", "move in a list; Home and End go to its ends"],
  ["Enter", "open what is chosen"],
  ["Esc", "close what is open"],
  ["← →", "read a chart that has the focus"],
  ["g then o d p r c", "Overview, Drift, Predictions, Requests, Configuration"],
];
const WAIT = 1200;

export function keys(button, dialog) {
  let leader = 0;
  const help = () => {
    set(dialog,
      h("h2", { id: "keys-title" }, "Keys"),
      h("dl", { class: "keys" }, HELP.map(([key, text]) => [
        h("dt", {}, key.split(" ").map((part) => (part === "then" ? " then " : [h("kbd", {}, part), " "]))),
        h("dd", {}, text)])),
      h("form", { method: "dialog" }, h("button", { autofocus: true, on: { click: (event) => (event.preventDefault(), dialog.close()) } }, "Close")));
    dialog.showModal();
  };
  button.addEventListener("click", help);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (event.target.closest?.("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (Date.now() - leader < WAIT && PLACES[event.key]) {
      location.hash = PLACES[event.key];
      leader = 0;
      event.preventDefault();
    } else if (event.key === "g") {
      leader = Date.now();
    } else if (event.key === "?") {
      help();
    } else if (event.key === "/") {
      const field = document.querySelector("main input[type=search]");
      if (!field) return;
      field.focus();
      field.select();
      event.preventDefault();
    } else if (event.key === "Escape") {
      document.querySelector("main [data-closes]")?.click();
    }
  });
}

/**
 * One tab stop for a whole list, whose items (`selector`) the arrow keys move through.
 */
export function roving(list, selector) {
  const items = () => [...list.querySelectorAll(selector)].filter((item) => !item.closest("[hidden]"));
  const choose = (item) => {
    for (const other of list.querySelectorAll(`${selector}[tabindex="0"]`)) if (other !== item) other.tabIndex = -1;
    if (item) item.tabIndex = 0;
  };
  list.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item) choose(item);
  });
  list.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement?.closest(selector));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1, PageDown: at + 10, PageUp: at - 10 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const item = all[Math.max(0, Math.min(all.length - 1, to))];
    choose(item);
    item.focus();
  });
  return () => {
    const all = items();
    if (!all.some((item) => item.tabIndex === 0)) choose(all[0]);
  };
}
