// Small pieces that several views are made of.

import { h, put, set } from "./dom.js";
import { NONE } from "./format.js";

/** The head of a view: its title, and what stands beside it. */
export function heading(title, ...beside) {
  return h("div", { class: "heading" }, h("h1", { id: "title" }, title), h("div", { class: "beside" }, ...beside));
}

/** A part of a view with a title of its own. */
export function panel(title, ...children) {
  const name = `p-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("section", { class: "panel", "aria-labelledby": name }, h("h2", { id: name }, title), ...children);
}

/** A state in a word, with its mark: what the colour says, the word says too. */
export function state(word, tone) {
  return h("span", { class: "state", "data-tone": tone }, h("i", { "aria-hidden": "true" }), h("span", {}, word));
}

export const tag = (text, title) => h("span", { class: "tag", title }, text);

/** Pairs of a name and a value; a null value is left out. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(Boolean).filter(([, value]) => value !== null && value !== undefined).map(
    ([name, value]) => h("div", {}, h("dt", {}, name), put(h("dd"), value))));
}

/** Rows of a table; cells may be nodes. `columns`: `[title, is a figure, only where there is room]`. */
export function table(columns, rows, label) {
  const kinds = columns.map(([, figure, roomy]) => [figure && "figure", roomy && "roomy"].filter(Boolean).join(" ") || null);
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    h("table", { class: "data" },
      h("thead", {}, h("tr", {}, columns.map(([title], n) => h("th", { scope: "col", class: kinds[n] }, title)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, n) =>
        put(h(n ? "td" : "th", { class: kinds[n], scope: n ? null : "row" }), cell ?? NONE)))))));
}

/** Nothing to show: why, and what to do. */
export function empty(title, text, ...more) {
  return h("div", { class: "empty" }, h("h2", {}, title), text && h("p", {}, text), ...more);
}

/** Shows a refusal where data would stand, once; what stood there before stays. */
export function failed(place, error, again) {
  const text = error.status === 0 ? "Connection lost, trying again." : error.message;
  if (place.dataset.failed === text) return;
  set(place, empty(text, error.remedy, again && h("button", { type: "button", on: { click: again } }, "Try now")));
  place.dataset.failed = text;
}

/** Takes a refusal away, where one is shown. */
export function well(place) {
  if (place.dataset.failed === undefined) return;
  delete place.dataset.failed;
  set(place);
}

/** What to bear in mind, folded: it is true all the time, and seldom news. */
export function caveats(texts) {
  if (!texts?.length) return null;
  const title = texts.length === 1 ? "One thing to bear in mind" : `${texts.length} things to bear in mind`;
  return h("details", { class: "caveats" }, h("summary", {}, title), h("ul", {}, texts.map((text) => h("li", {}, text))));
}

/** A search field. `changed(text)` is called as it is typed. */
export function search(label, value, changed) {
  const field = h("input", { type: "search", "aria-label": label, placeholder: `${label}  ( / )`, autocomplete: "off", spellcheck: "false" });
  field.value = value ?? "";
  field.addEventListener("input", () => changed(field.value));
  return field;
}

/** A choice of a few words, one of which holds. `options`: `[value, label]`. */
export function choice(label, options, value, changed) {
  const buttons = options.map(([key, text]) => h("button", { type: "button", "data-key": key, "aria-pressed": String(key === value) }, text));
  const node = h("div", { class: "choice", role: "group", "aria-label": label }, buttons);
  node.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) changed(button.dataset.key);
  });
  return { node, show: (now) => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.key === now))) };
}

/** A select. `options`: `[value, label]`; the chosen one stays if it is still there. */
export function select(label, changed) {
  const node = h("select", { "aria-label": label });
  node.addEventListener("change", () => changed(node.value));
  return {
    node,
    show(options, value) {
      const now = JSON.stringify(options);
      if (node.dataset.options !== now) {
        set(node, options.map(([key, text]) => h("option", { value: key }, text)));
        node.dataset.options = now;
      }
      node.value = value;
    },
  };
}

