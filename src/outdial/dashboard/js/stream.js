// Server-sent events that survive a lost connection. While the browser's own EventSource reconnects, it names the last
// event that it saw and the server sends what was missed; when it has given up, we begin anew with a whole snapshot.
import { resume_session } from "./api.js";

const AGAIN_MS_MIN = 1000;
const AGAIN_MS_MAX = 15000;

/**
 * Listen to a stream of the API.
 *
 * `handlers` maps names of events to functions that take the event's data. `on_state` hears `connecting`, `live` and
 * `lost`. Returns a function that ends it.
 */
export function listen(path, handlers, on_state = () => {}) {
  let source = null;
  let timer = null;
  let wait_ms = AGAIN_MS_MIN;
  let is_over = false;

  function open() {
    on_state("connecting");
    source = new EventSource(`/v1${path}`);
    source.onopen = () => {
      wait_ms = AGAIN_MS_MIN;
      on_state("live");
    };
    source.onerror = () => {
      on_state("lost");
      if (source.readyState === EventSource.CLOSED) later();
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
  }

  function later() {
    source.close();
    if (is_over) return;
    timer = setTimeout(async () => {
      wait_ms = Math.min(2 * wait_ms, AGAIN_MS_MAX);
      try {
        if ((await resume_session()) === null) return; // the page of whoever is signed out has no stream
      } catch {
        // the server is away: try again
      }
      if (!is_over) open();
    }, wait_ms);
  }

  open();
  return () => {
    is_over = true;
    clearTimeout(timer);
    source.close();
  };
}
