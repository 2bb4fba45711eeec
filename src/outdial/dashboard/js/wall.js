// The wall: every campaign group in a row, with the reason whenever it does not dial.
import { may, post } from "./api.js";
import { Action } from "./controls.js";
import { count, mode_name, percent, tenths } from "./format.js";
import { html } from "./html.js";

export const STATE_KINDS = { running: "good", stopping: "warn", stopped: "", paused: "warn" };

/** Start or stop a group; what is offered depends on its state. */
export function StartStop({ group, kind = "small" }) {
  if (!may("operate")) return null;
  const send = (what) => () => post(`/groups/${group.dbid}/${what}`);
  if (group.state === "running" || group.state === "paused") {
    return html`<${Action} key="stop" kind=${kind} label="Stop" sure="Stop it?" name=${group.name}
      what=${`Stop ${group.name}`} run=${send("stop")} done=${`${group.name} stops: calls in progress end by themselves`} />`;
  }
  return html`<${Action} key="start" kind=${kind} label="Start" name=${group.name} what=${`Start ${group.name}`}
    run=${send("start")} done=${`${group.name} is started`} />`;
}

/** Pause a group that dials, resume one that is paused. */
export function PauseResume({ group }) {
  if (!may("operate")) return null;
  const send = (what) => () => post(`/groups/${group.dbid}/${what}`);
  if (group.state === "running") {
    return html`<${Action} key="pause" label="Pause" name=${group.name} what=${`Pause ${group.name}`}
      run=${send("pause")}
      done=${`${group.name} dials nothing new; calls in progress go on`} />`;
  }
  if (group.state !== "paused") return null;
  return html`<${Action} key="resume" kind="main" label="Resume" name=${group.name} what=${`Resume ${group.name}`}
    run=${send("resume")} done=${`${group.name} dials again`} />`;
}

/** Abandoned calls of one window of the campaign's ledger. */
export function window_of(group, name) {
  return group.abandonment.windows.find((each) => each.window === name) ?? null;
}

/** How near a rate is to its limit: a kind of colour. */
export function rate_kind(ratio, limit) {
  if (ratio === null || ratio === undefined || !limit) return "";
  return ratio > limit ? "bad" : ratio > 0.8 * limit ? "warn" : "good";
}

/** Agents by state, as a bar with its numbers. */
export function AgentBar({ agents }) {
  const { logged_in, ready, busy } = agents;
  const away = Math.max(0, logged_in - ready - busy);
  const part = (value) => ({ width: `${logged_in ? (100 * value) / logged_in : 0}%` });
  return html`<span class="bar-text">
    <b>${count(busy)}</b> busy · <b>${count(ready)}</b> ready${away > 0 && html` · ${count(away)} away`}</span>
    <span class="meter" aria-hidden="true">
      <i class="busy" style=${part(busy)}></i><i class="ready" style=${part(ready)}></i>
    </span>`;
}

/** Ports in use out of the maximum, with a mark where the demand is. */
export function PortBar({ ports, pool_ports }) {
  const maximum = ports.maximum ?? pool_ports;
  const scale = Math.max(maximum, ports.used, ports.need, 1);
  const at = (value) => `${(100 * Math.min(value, scale)) / scale}%`;
  return html`<span class="bar-text">
    <b>${count(ports.used)}</b> of ${ports.maximum === null ? "pool" : count(maximum)} · demand ${tenths(ports.need)}</span>
    <span class="ports-bar" aria-hidden="true" title=${ports.reason}>
      <i class="room" style=${{ width: at(maximum) }}></i><i class="used" style=${{ width: at(ports.used) }}></i>
      <i class="need" style=${{ left: at(ports.need) }}></i>
    </span>`;
}

function Abandonment({ group }) {
  const { limit, recent, windows } = group.abandonment;
  const rate = (ratio) => html`<b class=${rate_kind(ratio, limit)}>${percent(ratio)}</b>`;
  const of_window = (name) => {
    const found = window_of(group, name);
    return rate(found?.calls ? found.ratio : null);
  };
  if (!windows.length) {
    return html`<span class="bar-text">lately ${rate(group.totals.answered ? recent : null)}</span>
      <span class="small muted">limit ${percent(limit)}</span>`;
  }
  return html`<span class="bar-text">today ${of_window("day")}</span>
    <span class="small muted">30 d ${of_window("30-days")} of ${percent(limit)}</span>`;
}

function Figure({ name, kind = "", children }) {
  return html`<div class=${`figure ${kind}`}><dt>${name}</dt><dd>${children}</dd></div>`;
}

/** Why a group does not dial more. The line is always there: reasons come and go many times a minute. */
function Why({ group }) {
  const is_held = group.holds.length > 0;
  const unheld = { stopped: "not started", stopping: "its last calls end" }[group.state] ?? "nothing holds it back";
  return html`<p class=${`wall-why ${is_held ? "held" : ""}`}>
    <span class="unseen">Held back by: </span>${is_held ? group.holds.join(" · ") : unheld}</p>`;
}

function Row({ board, group }) {
  const pool = board.pools.find((each) => each.dialer === group.dialer);
  const { calls, rates } = group;
  const is_quiet = group.state === "stopped";
  return html`<li class=${`wall-row ${board.hue(group.dbid)} ${is_quiet ? "quiet" : ""}`}>
    <div class="wall-name">
      <h3><span class="swatch"></span><a href=${`#/groups/${group.dbid}`}>${group.name}</a></h3>
      <p><span class=${`chip ${STATE_KINDS[group.state] ?? ""}`}>${group.state}</span> <span
        class="muted">${mode_name(group.mode)}</span></p>
    </div>
    <dl>
      <${Figure} name="Agents" kind="wide"><${AgentBar} agents=${group.agents} /><//>
      <${Figure} name="Ports" kind="wide"><${PortBar} ports=${group.ports} pool_ports=${pool?.ports ?? 0} /><//>
      <${Figure} name="Dialing" kind="number">${count(calls.dialing)}<//>
      <${Figure} name="Ringing" kind="number">${count(calls.ringing)}<//>
      <${Figure} name="Answered" kind="number">${count(calls.answered + calls.waiting)}<//>
      <${Figure} name="Connected" kind="number">${count(calls.connected)}<//>
      <${Figure} name="Abandoned" kind="wide"><${Abandonment} group=${group} /><//>
      <${Figure} name="Hit ratio" kind="number">${percent(rates.hit_ratio)}<//>
      <${Figure} name="Calls/agent·h" kind="number">${tenths(rates.calls_per_agent_hour)}<//>
    </dl>
    <div class="wall-action"><${StartStop} group=${group} /></div>
    <${Why} group=${group} />
  </li>`;
}

/** The wall. Its columns have a heading of their own; on a phone every figure carries its name. */
export function Wall({ board }) {
  const heads = ["Campaign group", "Agents", "Ports", "Dialing", "Ringing", "Answered", "Connected", "Abandoned", "Hit ratio", "Calls/agent·h", ""];
  const numbers = new Set(["Dialing", "Ringing", "Answered", "Connected", "Hit ratio", "Calls/agent·h"]);
  return html`<section class="panel" aria-label="Campaign groups">
    <div class="wall-head" aria-hidden="true">${heads.map((head) => html`<span
      class=${numbers.has(head) ? "number" : ""}>${head}</span>`)}</div>
    <ul class="wall">${board.groups.map((group) => html`<${Row} key=${group.dbid} board=${board}
      group=${group} />`)}</ul>
    ${board.groups.length === 0 && html`<p
      class="empty">No campaign group is configured, or none that you may see.</p>`}
  </section>`;
}

