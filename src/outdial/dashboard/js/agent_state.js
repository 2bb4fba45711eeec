// What the agent does: signed in with a phone, ready or not and why, records on offer, when they leave.
import { Action, Refusal } from "./controls.js";
import { words } from "./format.js";
import { html, useState } from "./html.js";
import { Elapsed, PhoneNumber, Record } from "./agent_record.js";

const SAYS = {
  "logged out": ["Signed out", ""],
  "not ready": ["Not ready", "warn"],
  ready: ["Ready", "good"],
  reserved: ["Reserved", "accent"],
  talking: ["In a call", "accent"],
  "after-call work": ["After-call work", "warn"],
};

/** Where the agent stands, in words and by colour. */
export function StatePanel({ desk, become_ready }) {
  const { state, reason, since_utc_ms, ends_utc_ms, next_state, next_reason, notice } = desk.desk;
  const [text, kind] = SAYS[state] ?? [words(state), ""];
  const is_later = ["reserved", "talking"].includes(state) && next_state !== "ready";
  return html`<section class=${`panel state ${kind}`} aria-labelledby="state">
    <div class="body">
      <div class="now" role="status"><h2 id="state">${text}</h2>${reason && html`<span class="reason">${reason}</span>`}
        ${is_later && html`<span class="reason">then ${next_state}${next_reason && `: ${next_reason}`}</span>`}</div>
      <div class="since"><${Elapsed} desk=${desk} since=${since_utc_ms} />
        ${ends_utc_ms && html`<span class="muted">ends in <${Elapsed} desk=${desk} until=${ends_utc_ms} /></span>`}</div>
      ${notice && html`<p class="message warn" role="status">${notice.text}</p>`}
      <${PhoneWarning} desk=${desk.desk} />
      <div class="row acts">
        ${desk.may("ready") && html`<button type="button" class="main big" onClick=${become_ready}>Ready <kbd aria-hidden="true">R</kbd></button>`}
        <${NotReady} desk=${desk} />
      </div>
    </div>
  </section>`;
}

/** Calls come only to a phone that is idle: say so before somebody wonders why none comes. */
function PhoneWarning({ desk }) {
  if (desk.state !== "ready" || desk.phone_state === "idle") return null;
  const why = { unknown: "its state is not known", unreachable: "it cannot be reached", busy: "it is busy", ringing: "it rings" };
  return html`<p class="message bad" role="alert">No calls come to phone ${desk.phone}: ${why[desk.phone_state] ?? desk.phone_state}.</p>`;
}

function NotReady({ desk }) {
  const { reason, state, next_state, next_reason } = desk.desk;
  const current = state === "not ready" ? reason : next_state === "not ready" ? next_reason : "";
  const is_busy = ["reserved", "talking"].includes(state);
  return html`<div class="reasons" role="group" aria-labelledby="not-ready">
    <span id="not-ready" class="muted">${is_busy ? "Not ready after this:" : "Not ready:"}</span>
    ${desk.choices.not_ready_reasons.map((each) => html`<span key=${each} class=${each === current ? "chosen" : ""}>
      <${Action} label=${each} name="not ready" what="Not ready" run=${() => desk.ask("not-ready", { reason: each })} /></span>`)}
  </div>`;
}

/** Signing in with a phone. */
export function LogIn({ desk }) {
  const [problem, set_problem] = useState(null);
  const [is_busy, set_busy] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const phone = new FormData(event.target).get("phone").trim();
    set_busy(true);
    set_problem(null);
    try {
      await desk.ask("login", { phone: phone || null });
    } catch (refused) {
      set_problem(refused);
      set_busy(false);
    }
  }

  return html`<form class="panel log-in" onSubmit=${submit} aria-labelledby="log-in">
    <div class="body stack">
      <h2 id="log-in">Sign in with a phone</h2>
      <div class="field"><label for="phone">Phone</label>
        <input id="phone" name="phone" defaultValue=${desk.desk.phone} autocomplete="off" autocapitalize="none" spellcheck=${false}
          maxlength="64" required /><span class="hint">Where calls are brought to.</span></div>
      <${Refusal} problem=${problem} />
      <div class="row"><button class="main big" disabled=${is_busy}>Sign in</button></div>
    </div>
  </form>`;
}

/** A record that the agent may have called. */
export function Offer({ desk, accept, decline }) {
  const { group, until_utc_ms, record } = desk.desk.offer;
  return html`<section class="panel call offer" aria-labelledby="offer">
    <header><h2 id="offer">Call this one?</h2><span class="chip accent">${group.name}</span>
      ${until_utc_ms && html`<span class="aside">decide within <${Elapsed} desk=${desk} until=${until_utc_ms} /></span>`}</header>
    <div class="body">
      <p class="who-is-it"><${PhoneNumber} number=${record.number} /></p>
      <${Record} record=${record} />
      <div class="row acts">
        <button type="button" class="main big" onClick=${accept}>Call <kbd aria-hidden="true">C</kbd></button>
        <button type="button" onClick=${decline}>Not this one <kbd aria-hidden="true">X</kbd></button>
        <${Action} label="Nobody is to call it" sure="Sure? Nobody" what="Cancelling the record"
          run=${() => desk.ask("preview/reject", { cancel_record: true })} />
      </div>
    </div>
  </section>`;
}

/** Campaign groups that the agent works for; in Preview mode one asks for records. */
export function Groups({ desk }) {
  const { groups } = desk.desk;
  const wants = (group) => desk.may("preview") && group.mode === "preview" && group.state === "running";
  return html`<section class="panel" aria-labelledby="groups"><header><h2 id="groups">You work for</h2></header>
    <ul class="groups">${groups.map((group) => html`<li key=${group.dbid}>
      <span><b>${group.name}</b> <span class="muted">${words(group.mode)}</span></span>
      <span class="row"><span class=${`chip ${group.state === "running" ? "good" : ""}`}>${group.state}</span>
        ${wants(group) && html`<${Action} label="Next record" name=${`of ${group.name}`} kind="main" what="Next record"
          run=${() => desk.ask("preview", { group: group.dbid })} />`}</span></li>`)}
      ${groups.length === 0 && html`<li class="muted">No campaign group has your agent group.</li>`}</ul>
  </section>`;
}

/** When the agent leaves: no call is started for somebody who will be gone. */
export function Leave({ desk }) {
  const leaves = desk.desk.leaves_at_utc_ms;
  const minutes = [5, 15, 30];
  return html`<div class="leave row">
    ${leaves
      ? html`<span>You leave in <${Elapsed} desk=${desk} until=${leaves} /></span>
        <${Action} label="I stay" what="Staying" run=${() => desk.ask("leave", { at_utc_ms: null })} />`
      : html`<span class="muted">Leaving in</span>${minutes.map((each) => html`<${Action} key=${each} kind="small" label=${`${each} min`}
          name="leaving" what="Leaving" run=${() => desk.ask("leave", { at_utc_ms: Math.round(desk.now() + each * 60e3) })} />`)}`}
  </div>`;
}
