// Data of a page that is not on the board: asked for when the page opens, and again when it should be fresh.
import { Problem, get } from "./api.js";
import { sentence } from "./format.js";
import { html, useCallback, useEffect, useRef, useState } from "./html.js";

/**
 * What `GET path` says: {data, problem, reload}. A null path asks nothing. `every_ms` asks again and again while the
 * page is in view; what was there stays while it is asked for.
 */
export function useLoad(path, every_ms = 0) {
  const [state, set_state] = useState({ path, data: null, problem: null });
  const asked = useRef(null);
  const reload = useCallback(async () => {
    if (!path) return;
    asked.current?.abort();
    const control = new AbortController();
    asked.current = control;
    try {
      const data = await get(path, { signal: control.signal });
      set_state({ path, data, problem: null });
    } catch (problem) {
      if (problem instanceof Problem) set_state((before) => ({ path, data: before.path === path ? before.data : null, problem }));
      else if (problem.name !== "AbortError") throw problem;
    }
  }, [path]);
  useEffect(() => {
    reload();
    const timer = every_ms ? setInterval(() => document.hidden || reload(), every_ms) : 0;
    return () => {
      clearInterval(timer);
      asked.current?.abort();
    };
  }, [path, every_ms]);
  const fresh = state.path === path ? state : { data: null, problem: null };
  return { data: fresh.data, problem: fresh.problem, reload };
}

/** What to show while there is nothing to show: a wait, or why there is nothing. */
export function Waiting({ problem, what }) {
  if (!problem) return html`<p class="empty">Loading ${what} …</p>`;
  const text = problem.status === 404 && problem.code === "not_found" && problem.message === "Not Found"
    ? `This server keeps no ${what}.`
    : `${sentence(what)}: ${problem.message}`;
  return html`<p class="empty" role="alert">${text}</p>`;
}
