// One record: what it is, what waits, its customer's other numbers, and every attempt with what decided it.
import { may, post } from "./api.js";
import { Action } from "./controls.js";
import { count, duration, mode_name, stamp, words } from "./format.js";
import { html } from "./html.js";
import { Waiting, useLoad } from "./load.js";

const OUTCOMES = { cancelled: "is cancelled", claimed: "will be cancelled: a server has it", over: "was finished before" };

export function RecordPage({ list, record }) {
  const { data, problem, reload } = useLoad(`/lists/${list}/records/${record}`);
  if (!data) return html`<${Waiting} problem=${problem} what="record" />`;
  const { record: it, chain, made, said = [] } = data;
  const cancel = async () => {
    const { outcome, in_a_call } = await post(`/lists/${list}/records/${record}/cancel`);
    await reload();
    return { text: `Record ${record} ${OUTCOMES[outcome] ?? outcome}${in_a_call ? "; its call goes on" : ""}` };
  };
  return html`<div class="head"><a class="back" href=${`#/lists/${list}`} aria-label=${`To list ${it.list_name}`}>‹</a>
      <h1>Record ${it.record_id}</h1><span class="mono">${it.number}</span>
      <span class=${`chip ${it.claimed ? "accent" : ""}`}>${words(it.status)}</span>
        <span class="muted">list ${it.list_name}</span>
      ${may("operate") && html`<span class="aside"><${Action} label="Do not call any more" sure="Cancel it?"
        name=${`record ${record}`} what="Cancel the record" run=${cancel} /></span>`}</div>
    <div class="columns">
      <div class="stack"><${Attempts} made=${made} said=${said} /></div>
      <div class="stack"><${Facts} it=${it} /><${Chain} chain=${chain} it=${it} /></div>
    </div>`;
}

function Facts({ it }) {
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const hours = (seconds) => (seconds === null ? null : `${two(seconds / 3600)}:${two((seconds / 60) % 60)}`);
  const facts = {
    Status: words(it.status),
    Attempts: count(it.attempts),
    "Last result": it.call_result && words(it.call_result),
    "Last attempt": it.last_attempt_utc_ms && stamp(it.last_attempt_utc_ms),
    Due: it.due_utc_ms === 0 ? "now" : it.due_utc_ms && stamp(it.due_utc_ms),
    "Time zone": it.time_zone,
    "Its own hours": it.daily_from_s !== null ? `${hours(it.daily_from_s)} – ${hours(it.daily_till_s)}` : null,
    Type: words(it.record_type),
    "Only for group": it.group,
    "Waits for agent": it.callback_agent,
    "Callback to": it.callback_number,
    Consent: it.consent && `${it.consent}${it.consent_utc_ms ? `, ${stamp(it.consent_utc_ms)}` : ""}`,
    Customer: it.customer_id,
    Agent: it.agent,
    ...it.fields,
  };
  return html`<section class="panel"><header><h2>Record</h2></header><dl class="pairs">
    ${Object.entries(facts).filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => html`<div
      key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl></section>`;
}

function Chain({ chain, it }) {
  if (chain.length < 2) return null;
  return html`<section class="panel"><header><h2>Numbers of this customer</h2></header>
    <ul class="holds plain-list">${chain.map((each) => html`<li key=${each.record_id}>
    ${each.record_id === it.record_id ? html`<b>${each.number}</b>` : html`<a
      href=${`#/lists/${each.list_dbid}/records/${each.record_id}`}>${each.number}</a>`}
    <span class="muted"> ${words(each.status)}${each.call_result ? `, ${words(each.call_result)}` : ""}</span>
      </li>`)}</ul></section>`;
}

function Attempts({ made, said }) {
  const about = (attempt) => said.filter((word) => word.epoch === attempt.epoch && word.call_id === attempt.call_id);
  return html`<section class="panel" aria-label="Attempts"><header><h2>Attempts</h2>
    <span class="aside">${count(made.length)}</span></header>
    ${made.length === 0 && html`<p class="empty">It has not been dialed yet.</p>`}
    <ol class="attempts">${[...made].reverse().map((each) => html`<${Attempt} key=${`${each.epoch}-${each.call_id}`}
      each=${each} said=${about(each)} />`)}</ol>
  </section>`;
}

function Attempt({ each, said }) {
  const where = [`attempt ${each.attempt_n}`, each.number,
    `group ${each.group}${each.dialing_mode ? ` (${mode_name(each.dialing_mode)})` : ""}`, `node ${each.node}`,
    each.agent && `agent ${each.agent}`];
  const signs = [`rang ${duration(each.ring_ms)}`, `waited ${duration(each.wait_ms)}`, `talked ${duration(each.talk_ms)}`,
    each.fault && `fault ${words(each.fault)}`, each.verdict && `heard ${words(each.verdict)}`,
    each.sip_status && `SIP ${each.sip_status}`, each.q850_cause && `Q.850 ${each.q850_cause}`];
  return html`<li>
    <div class="row"><b>${each.call_result ? words(each.call_result) : "in progress"}</b>
      ${each.disposition && html`<span class="chip">${words(each.disposition)}</span>`}
      <span class="end muted">${stamp(each.dialed_utc_ms)}</span></div>
    <p class="muted">${where.filter(Boolean).join(" · ")}</p>
    <p class="muted">${signs.filter(Boolean).join(" · ")}</p>
    ${each.not_before_utc_ms !== null && each.not_before_utc_ms > 0 && html`<p
      class="muted">not to be dialed again before ${stamp(each.not_before_utc_ms)}</p>`}
    ${said.map((word) => html`<${Word} key=${word.given_utc_ms} word=${word} />`)}
    ${each.evidence && html`<details><summary>What allowed the call</summary><${Evidence} value=${each.evidence} />
      </details>`}
  </li>`;
}

/** What an agent has said of a call. */
function Word({ word }) {
  const followed = [words(word.disposition), word.callback_number && `callback to ${word.callback_number}`,
    word.not_before_utc_ms && `not before ${stamp(word.not_before_utc_ms)}`];
  return html`<p>agent ${word.agent} said <b>${words(word.call_result)}</b>: ${followed.filter(Boolean).join(", ")}
    ${word.note && html`<span class="small muted">${word.note}</span>`}</p>`;
}

/** Evidence as it was written down, as nested pairs. */
function Evidence({ value }) {
  if (value === null || typeof value !== "object") return String(value);
  const entries = Object.entries(value);
  if (entries.length === 0) return "none";
  return html`<dl class="evidence">${entries.map(([name, each]) => html`<div key=${name}><dt>${words(name)}</dt>
    <dd>${name.endsWith("utc_ms") && typeof each === "number" ? stamp(each) : html`<${Evidence} value=${each} />`}</dd>
    </div>`)}</dl>`;
}
