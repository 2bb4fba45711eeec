// The records of a list, page by page, and adding one.
import { get, may, new_key, post } from "./api.js";
import { Refusal, say } from "./controls.js";
import { count, stamp, words } from "./format.js";
import { html, useEffect, useState } from "./html.js";
import { Waiting } from "./load.js";

const LIMIT = 50;

export function RecordTable({ dbid }) {
  const [records, set_records] = useState(null);
  const [cursor, set_cursor] = useState(null);
  const [problem, set_problem] = useState(null);

  async function more(from, before) {
    try {
      const page = await get(`/lists/${dbid}/records?limit=${LIMIT}${from ? `&cursor=${encodeURIComponent(from)}` : ""}`);
      set_records([...before, ...page.records]);
      set_cursor(page.next_cursor);
    } catch (refused) {
      set_problem(refused);
    }
  }
  useEffect(() => {
    more(null, []);
  }, [dbid]);

  return html`<section class="panel" aria-label="Records"><header><h2>Records</h2>
    <span class="aside">${records && `first ${count(records.length)}`}</span></header>
    ${may("operate") && html`<${NewRecord} dbid=${dbid} added=${() => more(null, [])} />`}
    ${!records ? html`<${Waiting} problem=${problem} what="records" />` : html`<div class="scroll" tabindex="0"
      role="group" aria-label="Table of records"><table class="data dense">
      <thead><tr><th scope="col">Record</th><th scope="col">Number</th><th scope="col">Status</th>
        <th scope="col" class="number">Attempts</th><th scope="col">Last result</th><th scope="col">Last attempt</th>
        <th scope="col">Due</th></tr></thead>
      <tbody>${records.map((each) => html`<tr key=${each.record_id}>
        <td><a href=${`#/lists/${dbid}/records/${each.record_id}`}>${each.record_id}</a></td>
          <td class="nowrap">${each.number}</td>
        <td><span class=${`chip ${each.claimed ? "accent" : ""}`}>${words(each.status)}</span></td>
          <td class="number">${count(each.attempts)}</td>
        <td class="nowrap">${each.call_result ? words(each.call_result) : "–"}</td>
          <td class="muted nowrap">${stamp(each.last_attempt_utc_ms)}</td>
        <td class="muted nowrap">${each.due_utc_ms ? stamp(each.due_utc_ms) : each.due_utc_ms === 0 ? "now" : "–"}</td>
          </tr>`)}</tbody></table></div>
      ${records.length === 0 && html`<p class="empty">The list is empty.</p>`}
      ${cursor && html`<p class="more"><button type="button"
        onClick=${() => more(cursor, records)}>More records</button></p>`}
      <${Refusal} problem=${problem} />`}
  </section>`;
}

function NewRecord({ dbid, added }) {
  const [problem, set_problem] = useState(null);
  const [key, set_key] = useState(new_key());
  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    set_problem(null);
    try {
      const fresh = await post(`/lists/${dbid}/records`, { phone: form.elements.phone.value.trim() }, { key });
      const forbidden = fresh.do_not_call.length ? `; it is on do-not-call list ${fresh.do_not_call.join(", ")}` : "";
      say(`Record ${fresh.record_id} is added${forbidden}`);
      form.reset();
      set_key(new_key());
      added();
    } catch (refused) {
      set_problem(refused);
      set_key(new_key());
    }
  }
  return html`<form class="body row" onSubmit=${submit}>
    <label class="unseen" for="phone">Telephone number of a new record</label>
    <input class="short" id="phone" name="phone" inputmode="tel" placeholder="+1 212 555 0123" required
      maxlength="40" />
    <button>Add a record</button>
    <${Refusal} problem=${problem} />
  </form>`;
}
