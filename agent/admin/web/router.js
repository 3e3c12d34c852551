// Where the page is: the part of the address behind `#`. Every view, column and request has one.

/** `#/drift/column?name=age` as `{view: "drift", rest: ["column"], query: {name: "age"}}`. */
export function parse(hash) {
  const [path, search = ""] = split(hash.replace(/^#\/?/, ""));
  const parts = path.split("/").filter(Boolean).map(decoded);
  return {
    view: parts[0] ?? "overview",
    rest: parts.slice(1),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

/** The address of a place; empty values are left out. */
export function href(parts, query = {}) {
  const path = [].concat(parts).map(encodeURIComponent).join("/");
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const search = new URLSearchParams(kept).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** Goes there without a new entry in the history: for filters, which change with every key. */
export function replace(address) {
  if (address === location.hash) return;
  history.replaceState(null, "", address);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The address of a column's view. */
export function columnAt(model, column) {
  const { name, side } = column;
  return href(["drift", "column"], { model: model.model, version: model.version, side, name });
}

function split(text) {
  const at = text.indexOf("?");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
