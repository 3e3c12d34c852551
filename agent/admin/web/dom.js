// Elements. Rule: text is only ever text. There is no way here to make markup of a string, so what
// a client of the model sent can be shown as it came.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `properties` are attributes, but `on` (handlers by event) and `text`. */
export function h(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** The same of SVG. */
export function s(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    } else if (name === "text") {
      element.textContent = value;
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  put(element, ...children);
  return element;
}

/** Appends; what is null or false is left out, what is no node becomes text. */
export function put(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Replaces all that is in it. */
export function set(element, ...children) {
  element.replaceChildren();
  return put(element, ...children);
}

/** Fills it with what `made(data)` gives, but only where the data changed: selections, open parts and
 * scroll places stay. */
export function fresh(element, data, made) {
  const now = JSON.stringify(data ?? null);
  if (element.outriderData === now) return;
  element.outriderData = now;
  set(element, made(data));
}

/** Sets a text only where it changed, so that screen readers and selections are left alone. */
export function write(element, text) {
  const value = text ?? "";
  if (element.textContent !== value) element.textContent = value;
}

/** Sets an attribute only where it changed; null takes it away. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/**
 * Makes the children of `parent` those of `items`, in their order, keeping what is there by key:
 * focus, selection and place survive new data. `make(item)` gives `{node, show(item)}`.
 */
export function keyed(parent, items, key, make) {
  const had = (parent.outriderItems ??= new Map());
  const now = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    if (now.has(name)) continue;
    const made = had.get(name) ?? make(item);
    made.show?.(item);
    now.set(name, made);
    if (made.node === place) place = place.nextSibling;
    else parent.insertBefore(made.node, place);
  }
  for (const [name, made] of had) if (!now.has(name)) made.node.remove();
  parent.outriderItems = now;
}

/** Says something to those who do not see it. */
export function say(text) {
  write(document.getElementById("said"), text);
}

/** A button that copies what `text()` gives. */
export function copier(text, label = "Copy") {
  const button = h("button", { type: "button", class: "small" }, label);
  button.addEventListener("click", async () => {
    const done = await copied(text());
    button.textContent = done ? "Copied" : "Select it and copy";
    say(button.textContent);
    setTimeout(() => (button.textContent = label), 1600);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Only pages of https and of this machine have a clipboard; elsewhere the old way.
    const area = h("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
