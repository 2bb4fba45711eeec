// Buttons that do something on the server, and the messages about what came of it.
import { Problem } from "./api.js";
import { html, useEffect, useRef, useState } from "./html.js";

const TOAST_MS = 6000;
const SURE_MS = 3000;

let toasts = [];
let toast_n = 0;
const watchers = new Set();

function tell() {
  for (const callback of watchers) callback(toasts);
}

function drop(n) {
  toasts = toasts.filter((toast) => toast.n !== n);
  tell();
}

/** Show a message for a while; a refusal stays until it is dismissed. */
export function say(text, kind = "good", mistakes = []) {
  toast_n += 1;
  const n = toast_n;
  toasts = [...toasts.slice(-3), { n, text, kind, mistakes }];
  tell();
  if (kind === "good") setTimeout(() => drop(n), TOAST_MS);
}

/** Show why something failed. */
export function say_problem(error, what) {
  if (!(error instanceof Problem)) throw error;
  say(`${what}: ${error.message}`, "bad", error.mistakes);
}

export function Toasts() {
  const [shown, set_shown] = useState(toasts);
  useEffect(() => {
    watchers.add(set_shown);
    return () => watchers.delete(set_shown);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map(({ n, text, kind, mistakes }) => html`<div key=${n} class=${`message ${kind}`}>
      <div>${text}${mistakes.length > 0 && html`<ul>${mistakes.map((each) => html`<li>${each}</li>`)}</ul>`}</div>
      <button class="plain" aria-label="Dismiss" onClick=${() => drop(n)}>×</button>
    </div>`)}
  </div>`;
}

/**
 * A button that sends a request. With `sure` it asks once more, in place: the first press turns it into that question.
 * `name` says to whom it is done, for those who do not see the row. What `run` returns as {text} is told instead of `done`.
 */
export function Action({ label, sure, name, what, run, done, kind = "", disabled = false }) {
  const [state, set_state] = useState("idle");
  const timer = useRef(null);
  const is_here = useRef(true);
  useEffect(() => () => {
    is_here.current = false;
    clearTimeout(timer.current);
  }, []);

  async function press() {
    clearTimeout(timer.current);
    if (sure && state === "idle") {
      set_state("sure");
      timer.current = setTimeout(() => set_state("idle"), SURE_MS);
      return;
    }
    set_state("busy");
    try {
      const told = await run();
      if (told?.text ?? done) say(told?.text ?? done);
    } catch (error) {
      say_problem(error, what ?? label);
    } finally {
      if (is_here.current) set_state("idle");
    }
  }

  const text = state === "sure" ? sure : label;
  return html`<button type="button" class=${state === "sure" ? `${kind} sure` : kind} onClick=${press}
    disabled=${disabled || state === "busy"} aria-busy=${state === "busy"}
    >${text}${name && html`<span class="unseen"> ${name}</span>`}</button>`;
}

/** What a request refused, beside the form that sent it. */
export function Refusal({ problem }) {
  if (!problem) return null;
  return html`<div class="message bad" role="alert">${problem.message}
    ${problem.mistakes?.length > 0 && html`<ul>${problem.mistakes.map((each) => html`<li>${each}</li>`)}</ul>`}
  </div>`;
}
