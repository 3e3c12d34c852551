// Alerts that the sidecar sends by itself: what fires, and whether those are told who must know.

import { h } from "./dom.js";
import { count } from "./format.js";
import { state, table } from "./parts.js";
import { when } from "./times.js";

/** What stands in the panel. */
export function alerts(told) {
  return h("div", { class: "grid" },
    told.firing.length
      ? h("ul", { class: "plain" }, told.firing.map((one) => h("li", {},
        state(one.summary, one.severity === "critical" ? "bad" : "warn"),
        h("p", { class: "soft" }, `${one.name}, since `, when(one.since)))))
      : h("p", { class: "soft" }, "None fires."),
    told.more ? h("p", { class: "soft" }, `And ${count(told.more, "more", "more")}.`) : null,
    table([["Told"], ["State"], ["Held back", true, true]], told.destinations.map((one) => [
      `${one.name} (${one.type})`, one.away ? state(one.away, "bad") : state("well", "good"), String(one.suppressed)]), "Destinations"));
}

/** The destinations that take nothing, as a sentence. */
export function untold(told) {
  return (told?.destinations ?? []).filter((one) => one.away).map((one) => one.name).join(", ");
}
