// The switch between the system's colours, light and dark. `early.js` applies what is kept here.

import { mark, say } from "./dom.js";

const KEY = "outrider.theme";
const NEXT = { "": "light", light: "dark", dark: "" };
const SIGNS = { "": "◐", light: "☀", dark: "☾" };
const WORDS = { "": "as the system", light: "light", dark: "dark" };

export function themes(button) {
  const root = document.documentElement;
  const show = () => {
    const now = root.dataset.theme ?? "";
    button.textContent = SIGNS[now];
    mark(button, "aria-label", `Colours: ${WORDS[now]}`);
    mark(button, "title", `Colours: ${WORDS[now]}`);
  };
  button.addEventListener("click", () => {
    const now = NEXT[root.dataset.theme ?? ""];
    if (now) root.dataset.theme = now;
    else delete root.dataset.theme;
    try {
      if (now) localStorage.setItem(KEY, now);
      else localStorage.removeItem(KEY);
    } catch {
      // Not kept, then.
    }
    show();
    say(`Colours: ${WORDS[now]}`);
  });
  show();
}
