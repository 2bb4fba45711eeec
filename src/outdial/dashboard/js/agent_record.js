// Who is called: the call or the record on offer, the columns of its file, and what was said on earlier calls.
import { Action } from "./controls.js";
import { clock, duration, stamp, words } from "./format.js";
import { html, useEffect, useState } from "./html.js";

/** Time since an instant of the server's clock, or until it. */
export function Elapsed({ desk, since, until }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return html`<time role="timer">${duration(until === undefined ? desk.now() - since : until - desk.now())}</time>`;
}

/** The number with its spaces, which makes it easier to read out: by threes from the end, as nobody knows its plan. */
export function PhoneNumber({ number }) {
  const american = /^(\+1)(\d{3})(\d{3})(\d{4})$/.exec(number);
  return html`<span class="phone-number">${american ? american.slice(1).join(" ") : number.replace(/\B(?=(\d{3})+$)/g, " ")}</span>`;
}

export function Record({ record }) {
  const fields = Object.entries(record.fields ?? {}).filter(([, value]) => value !== "");
  return html`<dl class="record">
    ${fields.map(([name, value]) => html`<div key=${name}><dt>${words(name)}</dt><dd>${value}</dd></div>`)}
    ${record.fields === null && html`<div class="quiet"><dt>Details</dt><dd>not there yet</dd></div>`}
    <div class="quiet"><dt>List</dt><dd>${record.list}</dd></div>
    <div class="quiet"><dt>Calls before</dt><dd>${record.attempts}</dd></div>
    ${record.type !== "general" && html`<div class="quiet"><dt>Kind</dt><dd>${record.type}</dd></div>`}
    ${record.due_utc_ms && html`<div class="quiet"><dt>Wanted at</dt><dd>${stamp(record.due_utc_ms)}</dd></div>`}
  </dl>
  ${record.said.length > 0 && html`<section class="said" aria-label="Said on earlier calls"><h3>Earlier</h3>
    <ul>${record.said.map((word) => html`<li key=${word.given_utc_ms}><${Word} word=${word} /></li>`)}</ul></section>`}`;
}

/** What an agent has said of a call. */
export function Word({ word }) {
  return html`<span class="word">
    ${word.given_utc_ms && html`<span class="muted">${stamp(word.given_utc_ms)} ${word.agent}</span>`}
    <b>${word.callback_at_utc_ms ? `Callback ${stamp(word.callback_at_utc_ms)}` : result_label(word.call_result)}</b>
    ${word.callback_number && html`<span>to ${word.callback_number}</span>`}
    ${word.note && html`<q>${word.note}</q>`}
  </span>`;
}

/** `WRONG_PARTY` as `Wrong party` */
export function result_label(name) {
  const text = words((name ?? "").toLowerCase());
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const PHASES = {
  dialing: "Dialing …",
  ringing: "Ringing …",
  answered: "Answered",
  connecting: "Your phone rings",
  connected: "Connected",
  ending: "Ending",
  lost: "The server is lost; the call may go on",
};

/** The call that is going on. */
export function Call({ desk, call }) {
  const since = call.connected_utc_ms ?? call.dialed_utc_ms;
  return html`<section class=${`panel call ${call.phase}`} aria-labelledby="call">
    <header><h2 id="call">${PHASES[call.phase] ?? call.phase}</h2><span class="chip accent">${call.group.name}</span>
      <span class="aside"><${Elapsed} desk=${desk} since=${since} /></span></header>
    <div class="body">
      <p class="who-is-it"><${PhoneNumber} number=${call.record.number} />
        ${desk.may("hang-up") && html`<${Action} label="Hang up" kind="hang-up"
          run=${() => desk.ask("hang-up", { call_id: call.call_id })} />`}</p>
      <${Record} record=${call.record} />
    </div>
  </section>`;
}

/** The call that ended last. */
export function LastCall({ call }) {
  const talked = call.talk_ms === null ? "" : `, ${duration(call.talk_ms)}`;
  return html`<section class="panel call ended" aria-labelledby="last">
    <header><h2 id="last">Last call</h2><span class="chip">${call.group.name}</span>
      <span class="aside">${result_label(call.call_result)}${talked}, ended ${clock(call.ended_utc_ms)}</span></header>
    <div class="body">
      <p class="who-is-it"><${PhoneNumber} number=${call.record.number} /></p>
      <${Record} record=${call.record} />
    </div>
  </section>`;
}
