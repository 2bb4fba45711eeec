// Abandoned calls against their limits, do-not-call lists, and the reports that the rules ask for.
import { get, may, post } from "./api.js";
import { Refusal, say } from "./controls.js";
import { count, percent, stamp } from "./format.js";
import { html, useState } from "./html.js";
import { Waiting, useLoad } from "./load.js";
import { rate_kind } from "./wall.js";

const FRESH_MS = 5000;
const WINDOWS = { day: "today", "24h": "last 24 hours", "24-hours": "last 24 hours", "30-days": "last 30 days", life: "all time" };

export function CompliancePage() {
  return html`<h1 class="unseen">Compliance</h1>
    <div class="columns">
      <div class="stack"><${Budgets} /></div>
      <div class="stack"><${DoNotCall} /><${Report} /></div>
    </div>`;
}

function Budgets() {
  const { data, problem } = useLoad("/compliance/budget", FRESH_MS);
  if (!data) return html`<section class="panel"><header><h2>Abandoned calls</h2></header>
    <${Waiting} problem=${problem} what="budget of abandoned calls" /></section>`;
  return html`${data.budgets.map((budget) => html`<${Budget} key=${`${budget.kind} ${budget.name}`}
    budget=${budget} />`)}
    ${data.budgets.length === 0 && html`<section class="panel"><header><h2>Abandoned calls</h2></header>
      <p class="empty">No campaign has a budget.</p></section>`}`;
}

function Budget({ budget }) {
  return html`<section class="panel" aria-label=${`Abandoned calls of ${budget.name}`}>
    <header><h2>Abandoned calls of ${budget.name}</h2><span
      class="aside">${budget.kind} · counted as ${budget.method} · days of ${budget.time_zone}</span></header>
    <div class="scroll" tabindex="0" role="group" aria-label=${`Table of ${budget.name}`}><table class="data">
      <thead><tr><th scope="col">Window</th><th scope="col">Share against the limit</th>
        <th scope="col" class="number">Abandoned</th><th scope="col" class="number">Calls</th>
        <th scope="col" class="number">May still be abandoned</th></tr></thead>
      <tbody>${budget.windows.map((each) => html`<tr key=${each.window}>
        <th scope="row" class="ink">${WINDOWS[each.window] ?? each.window}${!each.is_limited && html` <span
          class="chip">told only</span>`}</th>
        <td class="status-cell"><${LimitBar} rate=${each.calls ? each.rate : 0} limit=${each.limit} />
          <span class="small"><b class=${each.calls ? rate_kind(each.rate, each.limit) : ""}>${percent(each.calls ? each.rate : null)}</b> <span
            class="muted">of ${percent(each.limit)}</span></span></td>
        <td class="number">${count(each.abandoned)}</td><td class="number">${count(each.calls)}</td>
        <td class="number">${each.may_be_abandoned > 0 ? count(each.may_be_abandoned) : each.served_needed ? html`<span
          class="warn-text">${count(each.served_needed)} to be served first</span>` : "0"}</td>
      </tr>`)}</tbody></table></div></section>`;
}

/** A rate on a scale that ends a third above its limit. */
function LimitBar({ rate, limit }) {
  const scale = Math.max(limit * 1.33, rate, 0.0001);
  return html`<span class=${`ports-bar limit ${rate_kind(rate, limit)}`} aria-hidden="true">
    <i class="used" style=${{ width: `${(100 * rate) / scale}%` }}></i>
      <i class="need" style=${{ left: `${(100 * limit) / scale}%` }}></i></span>`;
}

function DoNotCall() {
  const { data, problem, reload } = useLoad("/dnc");
  return html`<section class="panel" aria-label="Do-not-call lists"><header><h2>Do-not-call lists</h2></header>
    ${!data ? html`<${Waiting} problem=${problem} what="do-not-call lists" />` : html`
      ${data.notes.map((note) => html`<p class="message warn" key=${note}>${note}</p>`)}
      <table class="data compact"><thead><tr><th scope="col">List</th><th scope="col" class="number">Numbers</th>
        <th scope="col" class="number">Age</th></tr></thead><tbody>
        ${data.lists.map((each) => html`<tr key=${each.name}>
          <td>${each.name}${each.too_old && html` <span class="chip bad">too old</span>`}</td>
          <td class="number">${count(each.numbers)}</td><td class="number muted">${count(each.age_days)} d</td></tr>`)}
        <tr><td class="muted">in the configuration</td><td class="number">${count(data.in_configuration)}</td><td></td>
          </tr></tbody></table>
      <${CheckNumber} lists=${data.lists.map((each) => each.name)} changed=${reload} />`}
  </section>`;
}

const entry_text = (entry) => `${entry.list_name}: ${entry.on ? "since" : "was on it from"} ${stamp(entry.added_utc_ms)}, `
  + `by ${entry.added_by}${entry.reason ? `, ${entry.reason}` : ""}`;

function CheckNumber({ lists, changed }) {
  const [seen, set_seen] = useState(null);
  const [problem, set_problem] = useState(null);
  const check = async (number) => set_seen((await get(`/dnc/check?number=${encodeURIComponent(number)}`)).numbers[0]);

  async function submit(event) {
    event.preventDefault();
    set_problem(null);
    const form = event.target;
    const number = form.elements.check.value.trim();
    try {
      if (event.submitter?.name === "forbid") {
        const name = form.elements.list?.value || "internal";
        await post(`/dnc/${encodeURIComponent(name)}/numbers`, { numbers: [number], reason: "asked at the dashboard" });
        say(`${number} will not be called any more`);
        changed();
      }
      await check(number);
    } catch (refused) {
      set_problem(refused);
      set_seen(null);
    }
  }

  return html`<form class="body stack tight" onSubmit=${submit}>
    <div class="field"><label for="check">Is a number on a list?</label>
      <div class="row nowrap-row"><input id="check" name="check" inputmode="tel" placeholder="+1 212 555 0123" required
        maxlength="120" /><button name="look">Check</button></div></div>
    ${seen && html`<p class=${`message ${seen.on_a_list ? "bad" : "good"}`}
      role="status">${seen.number}: ${seen.on_a_list ? "on a list, not called" : "on no list"}
      ${seen.entries.length > 0 && html`<ul>${seen.entries.map((each, n) => html`<li
        key=${n}>${entry_text(each)}</li>`)}</ul>`}</p>`}
    <${Refusal} problem=${problem} />
    ${may("operate") && html`<div class="row"><label for="list">Put it on</label>
      <input class="short" id="list" name="list" list="dnc-lists" defaultValue=${lists[0] ?? "internal"}
        maxlength="200" />
      <datalist id="dnc-lists">${lists.map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>
      <button name="forbid">Never call it</button></div>`}
  </form>`;
}

const day = (utc_ms) => new Date(utc_ms).toISOString().slice(0, 10);

function Report() {
  const now = Date.now();
  const [form, set_form] = useState("safe-harbour");
  const [from, set_from] = useState(day(now - 29 * 86400000));
  const [till, set_till] = useState(day(now));
  const address = `/v1/compliance/report?${new URLSearchParams({ form, period: `${from}..${till}`, format: "csv" })}`;
  return html`<section class="panel" aria-label="Report on abandoned calls"><header><h2>Report on abandoned calls</h2>
    </header><div class="body stack tight">
    <div class="field"><label for="form">Rules</label><select id="form" value=${form}
      onChange=${(event) => set_form(event.target.value)}>
      <option value="safe-harbour">United States: 16 CFR 310.4(b)(4)</option>
        <option value="uk">United Kingdom: Ofcom</option></select></div>
    <div class="fields narrow"><div class="field"><label for="from">First day</label>
      <input id="from" type="date" required value=${from} max=${till}
      onInput=${(event) => set_from(event.target.value)} /></div>
      <div class="field"><label for="till">Last day</label><input id="till" type="date" required value=${till}
        min=${from} onInput=${(event) => set_till(event.target.value)} /></div></div>
    <div class="row"><a class="button" href=${address} download>Download CSV</a></div></div></section>`;
}
