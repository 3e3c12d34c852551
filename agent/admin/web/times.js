// Times on the page, which stay true while it is open: "3 min ago" becomes "4 min ago" by itself.

import { h, mark, write } from "./dom.js";
import { absolute, ago, NONE, seconds } from "./format.js";

/** A time, relative; the exact one stands in its title. `at`: seconds or an ISO text. */
export function when(at) {
  const element = h("time");
  at_(element, at);
  return element;
}

/** Gives a `when` another time. */
export function at_(element, at) {
  const value = seconds(at);
  if (value === null) {
    element.removeAttribute("datetime");
    write(element, NONE);
    return;
  }
  mark(element, "datetime", new Date(value * 1000).toISOString());
  mark(element, "title", absolute(value));
  write(element, ago(value));
}

setInterval(() => {
  for (const element of document.querySelectorAll("time[datetime]")) {
    if (!element.dataset.fixed) write(element, ago(Date.parse(element.dateTime) / 1000));
  }
}, 5000);
