// The agent page: one agent's desk, live. An agent has their own; operators choose one by the address's fragment (#/41).
import { Account } from "./account.js";
import { AgentDesk } from "./agent_desk.js";
import { keys_are_on, set_keys, switch_keys } from "./agent_keys.js";
import { Call, LastCall } from "./agent_record.js";
import { KEYS, plain_results, SayPanel } from "./agent_say.js";
import { Groups, Leave, LogIn, Offer, StatePanel } from "./agent_state.js";
import { current_session, get, resume_session, sign_in, watch_session } from "./api.js";
import { Action, Refusal, Toasts, say_problem } from "./controls.js";
import { clock } from "./format.js";
import { html, render, useEffect, useReducer, useState } from "./html.js";
import { SignIn } from "./sign_in.js";

const LINKS = { live: ["good", "live"], connecting: ["warn", "connecting"], lost: ["bad", "connection lost"] };

/** The agent that the address names, or null. */
function agent_of(fragment) {
  const found = /^#\/(\d{1,10})$/.exec(fragment);
  return found ? Number(found[1]) : null;
}

/** The one-time key of the address, which is taken out of it at once. */
async function open_session() {
  const found = /^#key=([\w.~-]+)$/.exec(location.hash);
  if (!found) return resume_session();
  history.replaceState(null, "", location.pathname);
  try {
    return await sign_in({ key: found[1] });
  } catch {
    return resume_session(); // the key has been used: perhaps by this browser, whose cookie then says who it is
  }
}

function Frame() {
  const [session, set_session] = useState(current_session());
  const [is_open, set_open] = useState(false);
  const [dbid, set_dbid] = useState(agent_of(location.hash));

  useEffect(() => watch_session(set_session), []);
  useEffect(() => {
    open_session().catch((problem) => say_problem(problem, "Signing in")).finally(() => set_open(true));
    const on_route = () => set_dbid(agent_of(location.hash));
    addEventListener("hashchange", on_route);
    return () => removeEventListener("hashchange", on_route);
  }, []);

  if (!is_open) return null;
  if (!session) return html`<main id="main" tabindex="-1"><${SignIn} /></main><${Toasts} />`;
  const whose = session.agent_id ?? dbid;
  if (whose === null) return html`<${Choose} session=${session} /><${Toasts} />`;
  return html`<${DeskPage} key=${whose} dbid=${whose} session=${session} /><${Toasts} />`;
}

function Top({ session, name, link, children }) {
  const [kind, text] = LINKS[link] ?? ["", ""];
  return html`<header class="top">
    <span class="brand"><img src="assets/icon.svg" alt="" />${name}</span>
    <div class="spring">${children}</div>
    <div class="who">
      ${link && html`<span class="link" title=${`Server: ${text}`}><span class=${`dot ${kind}`}></span><span class="unseen">${text}</span></span>`}
      <${Account} session=${session} end="End session" />
    </div>
  </header>`;
}

/** Operators: whose desk? */
function Choose({ session }) {
  const [desks, set_desks] = useState(null);
  const [problem, set_problem] = useState(null);
  useEffect(() => {
    document.title = "Agents · outdial";
    get("/desks").then((found) => set_desks(found.desks), set_problem);
  }, []);
  return html`<${Top} session=${session} name="outdial" />
    <main id="main" tabindex="-1"><section class="panel choose" aria-labelledby="choose">
      <header><h1 id="choose">Whose desktop?</h1></header>
      <${Refusal} problem=${problem} />
      ${desks?.length === 0 && html`<p class="empty">No agent has a desktop: agent groups need sign-in = "desktop".</p>`}
      <ul class="groups">${desks?.map((desk) => html`<li key=${desk.dbid}><a href=${`#/${desk.dbid}`}>${desk.login}</a>
        <span class="chip">${desk.state}</span></li>`)}</ul>
    </section></main>`;
}

function DeskPage({ dbid, session }) {
  const [desk] = useState(() => new AgentDesk(dbid));
  const [problem, set_problem] = useState(null);
  const [, redraw] = useReducer((n) => n + 1, 0);
  useEffect(() => desk.watch(redraw), []);
  useEffect(() => {
    let end = null;
    let is_over = false;
    desk.open().then((close) => (is_over ? close() : (end = close)), set_problem);
    return () => {
      is_over = true;
      end?.();
    };
  }, []);
  if (problem) {
    return html`<${Top} session=${session} name="outdial" />
      <main id="main" tabindex="-1"><${Refusal} problem=${problem} /><p><a href="#/">Another desktop</a></p></main>`;
  }
  if (!desk.desk) return html`<main id="main" tabindex="-1"><p class="opening">Opening the desktop …</p></main>`;
  return html`<${DeskView} desk=${desk} session=${session} />`;
}

/** The call that something may be said of: the one that is going on, else the last one until another comes. */
function call_in_question({ call, last_call, offer, state }) {
  if (state === "talking" && call) return call;
  return call || offer ? null : last_call;
}

function DeskView({ desk, session }) {
  const { login, state, phone, phone_state, call, last_call, offer } = desk.desk;
  const [note, set_note] = useState("");
  const about = call_in_question(desk.desk);
  useEffect(() => set_note(""), [about?.call_id]);
  useEffect(() => {
    const what = call ? "In a call" : state.charAt(0).toUpperCase() + state.slice(1);
    document.title = `${what} · ${login} · outdial`;
    document.documentElement.dataset.desk = state;
  }, [state, call?.call_id]);

  const quietly = (what, act) => () => act().catch((problem) => say_problem(problem, what));
  const become_ready = quietly("Ready", () => desk.ask("ready"));
  const accept = quietly("Calling", () => desk.ask("preview/accept"));
  const decline = quietly("Declining", () => desk.ask("preview/reject"));
  const give = (result) => quietly("Result", async () => {
    await desk.ask("disposition", { result, note, call_id: about.call_id });
  })();
  const may_say = desk.may("disposition") && about;

  useEffect(() => {
    const keys = new Map();
    if (desk.may("ready")) keys.set("r", become_ready);
    if (offer) keys.set("c", accept).set("x", decline);
    if (may_say) plain_results(desk.choices).slice(0, KEYS.length).forEach((result, place) => keys.set(KEYS[place], () => give(result.name)));
    set_keys(keys);
    return () => set_keys(new Map());
  });

  if (state === "logged out") {
    return html`<${Top} session=${session} name=${login} link=${desk.link} />
      <main id="main" tabindex="-1"><h1 class="unseen">Desktop of ${login}</h1><div class="narrow stack">
        <${LogIn} desk=${desk} />
      </div></main>`;
  }
  const shows_last = !call && !offer && last_call;
  return html`<${Top} session=${session} name=${login} link=${desk.link}>
      <span class=${`chip ${phone_state === "idle" || call ? "" : "bad"}`}>Phone ${phone}: ${phone_state}</span><//>
    <main id="main" tabindex="-1"><h1 class="unseen">Desktop of ${login}</h1>
      <div class="desk">
        <div class="stack">
          <${StatePanel} desk=${desk} become_ready=${become_ready} />
          ${call && html`<${Call} desk=${desk} call=${call} />`}
          ${offer && html`<${Offer} desk=${desk} accept=${accept} decline=${decline} />`}
          ${shows_last && html`<${LastCall} call=${last_call} />`}
        </div>
        <div class="stack">
          ${may_say && html`<${SayPanel} key=${about.call_id} desk=${desk} call=${about} note=${note} set_note=${set_note} give=${give} />`}
          <${Groups} desk=${desk} />
          <section class="panel" aria-label="The rest of the day"><div class="body stack">
            <${Leave} desk=${desk} />
            <div class="roomy"><${KeySwitch} /></div>
            <div class="row"><${Action} label="Sign out" sure="Sure? Sign out" what="Signing out" run=${() => desk.ask("logout")} />
              <span class="muted">${clock(desk.now())}</span></div>
          </div></section>
        </div>
      </div>
    </main>`;
}

function KeySwitch() {
  const [is_on, set_on] = useState(keys_are_on());
  return html`<label class="check"><input type="checkbox" checked=${is_on} onChange=${(event) => {
    switch_keys(event.target.checked);
    set_on(event.target.checked);
  }} /> Keys of one character, as shown on buttons</label>`;
}

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${Frame} />`, place);
