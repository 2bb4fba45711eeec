// Keys that do something anywhere on the page, unless somebody writes. They can be switched off (WCAG 2.1.4).
const SWITCH = "outdial.agent.keys";
let actions = new Map();
let is_on = localStorage.getItem(SWITCH) !== "off";

export function keys_are_on() {
  return is_on;
}

export function switch_keys(on) {
  is_on = on;
  localStorage.setItem(SWITCH, on ? "on" : "off");
}

/** What keys do now. Shape: Map of a key to a function. */
export function set_keys(next) {
  actions = next;
}

function writes(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.closest("dialog") || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

addEventListener("keydown", (event) => {
  if (!is_on || event.ctrlKey || event.altKey || event.metaKey || event.repeat || writes(event.target)) return;
  const action = actions.get(event.key.toLowerCase());
  if (!action) return;
  event.preventDefault();
  action();
});
