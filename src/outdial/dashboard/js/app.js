// The frame of every page: sign-in, live data, navigation by the address's fragment, alarms.
import { Account } from "./account.js";
import { AlarmsPage } from "./alarms.js";
import { Problem, current_session, get, resume_session, sign_in, watch_session } from "./api.js";
import { Board } from "./board.js";
import { BoardPage } from "./board_page.js";
import { Toasts, say_problem } from "./controls.js";
import { clock, sentence } from "./format.js";
import { History } from "./history.js";
import { html, render, useEffect, useReducer, useRef, useState } from "./html.js";
import { NodesPage } from "./node_map.js";
import { SignIn } from "./sign_in.js";
import { listen } from "./stream.js";

const board = new Board();
const history = new History();

/**
 * Pages by the first word of the fragment. `name` is in the navigation; a page without one is reached by links. Those
 * with `load` are fetched when somebody opens them.
 */
const PAGES = {
  "": { name: "Board", title: "Board", page: BoardPage },
  groups: { title: "Campaign group", load: async () => (await import("./group_page.js")).GroupPage },
  alarms: { name: "Alarms", title: "Alarms", page: AlarmsPage },
  nodes: { name: "Nodes", title: "Nodes", page: NodesPage },
  agents: { name: "Agents", title: "Agents", load: async () => (await import("./agents_page.js")).AgentsPage },
  lists: { name: "Lists", title: "Calling lists", load: async () => (await import("./lists_page.js")).ListsPage },
  compliance: { name: "Compliance", title: "Compliance", load: async () => (await import("./compliance_page.js")).CompliancePage },
};

/** `#/lists/2/records/7` → {name: "lists", path: ["2", "records", "7"]} */
function route_of(fragment) {
  const [name, ...path] = fragment.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { name: name in PAGES ? name : "", path };
}

/** A page that is fetched first. */
function Later({ load, ...rest }) {
  const [page, set_page] = useState(null);
  useEffect(() => {
    const failed = () => say_problem(new Problem(0, "unreachable", "the server does not answer"), "Opening the page");
    load().then((found) => set_page(() => found), failed);
  }, [load]);
  return page ? html`<${page} ...${rest} />` : html`<p class="opening">Opening …</p>`;
}

/** The one-time key of the address, which is taken out of it at once. */
function take_key() {
  const found = /^#key=([\w.~-]+)$/.exec(location.hash);
  if (found) globalThis.history.replaceState(null, "", location.pathname);
  return found?.[1] ?? null;
}

async function open_session() {
  const key = take_key();
  if (key) {
    try {
      return await sign_in({ key });
    } catch (problem) {
      // the key has been used: perhaps by this browser, whose cookie then says who it is
      const session = await resume_session();
      if (!session) say_problem(problem, "The key of this address");
      return session;
    }
  }
  return resume_session();
}

/** Asked for before anybody knows who asks: most are signed in already, and see the board a round trip earlier. */
const early = location.hash.startsWith("#key=") ? null : get("/snapshot", { may_sign_out: false }).catch(() => null);

function follow_board() {
  const show = (data) => data && !board.is_known && board.replace(data);
  early?.then(show);
  return listen("/stream", {
    snapshot: (data) => board.replace(data),
    change: (data) => board.apply(data),
  }, (state) => board.set_link(state));
}

function Frame() {
  const [session, set_session] = useState(current_session());
  const [is_open, set_open] = useState(false);
  const [route, set_route] = useState(route_of(location.hash));
  const [, redraw] = useReducer((n) => n + 1, 0);

  useEffect(() => watch_session(set_session), []);
  useEffect(() => {
    open_session().catch((problem) => say_problem(problem, "Signing in")).finally(() => set_open(true));
    const on_route = () => set_route(route_of(location.hash));
    addEventListener("hashchange", on_route);
    return () => removeEventListener("hashchange", on_route);
  }, []);
  useEffect(() => board.watch(() => {
    history.look(board);
    if (board.is_known) history.recall(board).catch(() => {}); // without it, the charts begin now
    redraw();
  }), []);
  useEffect(() => (session ? follow_board() : undefined), [session?.name]);
  const here = `${route.name}/${route.path.join("/")}`;
  const last = useRef(here);
  useEffect(() => {
    if (last.current !== here) document.getElementById("main")?.focus({ preventScroll: true });
    if (last.current !== here) scrollTo(0, 0);
    last.current = here;
  }, [here]);

  const is_ready = session !== null && board.is_known;
  useEffect(() => {
    if (!is_ready) return;
    performance.mark("board-ready");
    document.documentElement.dataset.board = "ready";
  }, [is_ready]);

  const { title, page = Later, load } = PAGES[route.name];
  useEffect(() => {
    const alarms = board.alarms.length ? `(${board.alarms.length}) ` : "";
    document.title = session ? `${alarms}${title} · outdial` : "Sign in · outdial";
  });

  if (!is_open) return null;
  if (!session) return html`<main id="main" tabindex="-1"><${SignIn} /></main><${Toasts} />`;
  return html`<${Top} session=${session} route=${route} />
    <main id="main" tabindex="-1">
      ${board.stops.map((stop) => html`<p class="banner" role="alert" key=${stop}>${sentence(stop)}</p>`)}
      ${board.is_known
        ? html`<${page} key=${here} load=${load} board=${board} history=${history} path=${route.path} />`
        : html`<p class="opening">Opening the board …</p>`}
    </main><${Toasts} />`;
}

const LINKS = { live: ["good", "live"], connecting: ["warn", "connecting"], lost: ["bad", "connection lost"] };

function Top({ session, route }) {
  const [kind, text] = LINKS[board.link];
  const alarms = board.alarms.length;
  const worst = board.alarms.some((alarm) => alarm.severity === "critical") ? "bad" : "warn";
  const is_here = (name) => (name === route.name || (name === "" && route.name === "groups") ? "page" : undefined);
  return html`<header class="top">
    <a class="brand" href="#/"><img src="assets/icon.svg" alt="" />outdial</a>
    <nav aria-label="Pages"><ul>${Object.entries(PAGES).filter(([, each]) => each.name).map(([name, each]) => html`<li
      key=${name}>
      <a href=${`#/${name}`} aria-current=${is_here(name)}>${each.name}${name === "alarms" && alarms > 0 && html` <span
        class=${`badge ${worst}`}>${alarms}</span>`}</a>
    </li>`)}</ul></nav>
    <div class="who">
      <span class="link" title=${`Server: ${text}`}><span class=${`dot ${kind}`}></span>
        <span class="unseen">${text}</span>${clock(board.utc_ms || null)}</span>
      <${Account} session=${session} end="Sign out" />
    </div>
  </header>`;
}

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${Frame} />`, place);
