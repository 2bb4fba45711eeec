// Calling lists: what they hold, importing files with their progress and rejected lines, who may be called, records.
import { get, may, post, upload } from "./api.js";
import { Action, Refusal, say } from "./controls.js";
import { count, counted, duration, percent, stamp, words } from "./format.js";
import { html, useState } from "./html.js";
import { Waiting, useLoad } from "./load.js";
import { Preflight } from "./preflight.js";
import { RecordPage } from "./record_page.js";
import { RecordTable } from "./record_table.js";

const FRESH_MS = 5000;
const PROGRESS_MS = 1000;
const ACTIVE = new Set(["queued", "reading"]);
const STATE_KINDS = { queued: "", reading: "accent", finished: "good", failed: "bad", cancelled: "warn" };
const STATUS_HUES = {
  ready: "g2", retrieved: "g7", updated: "g1", cancelled: "g8", "chain-updated": "g6", "agent-error": "g5",
  "missed-callback": "g3",
};

/** `/lists`, `/lists/1`, `/lists/1/records/42` */
export function ListsPage({ board, path }) {
  if (path[1] === "records" && path[2]) return html`<${RecordPage} list=${path[0]} record=${path[2]} />`;
  if (path[0]) return html`<${ListPage} board=${board} dbid=${path[0]} />`;
  return html`<${AllLists} />`;
}

/** Records by status as one bar; its meaning stands in words beside or below it. */
function StatusBar({ by_status, records }) {
  return html`<span class="meter" aria-hidden="true">${Object.entries(by_status).map(([status, number]) => html`<i
    key=${status}
    class=${`hued ${STATUS_HUES[status] ?? "g8"}`} style=${{ width: `${(100 * number) / Math.max(records, 1)}%` }}>
      </i>`)}</span>`;
}

function AllLists() {
  const { data, problem } = useLoad("/lists", FRESH_MS);
  return html`<section class="panel" aria-label="Calling lists">
    <header><h1>Calling lists</h1><${NumberSearch} /></header>
    ${!data ? html`<${Waiting} problem=${problem} what="calling lists" />` : html`<div class="scroll" tabindex="0"
      role="group" aria-label="Table of lists"><table class="data">
      <thead><tr><th scope="col">List</th><th scope="col">Campaigns</th><th scope="col" class="number">Records</th>
        <th scope="col">By status</th>
        <th scope="col" class="number">Due now</th><th scope="col" class="number">Waiting</th>
          <th scope="col">Next due</th></tr></thead>
      <tbody>${data.lists.map((each) => html`<tr key=${each.dbid}>
        <td><a href=${`#/lists/${each.dbid}`}><b>${each.name}</b></a></td>
        <td class="muted">${each.campaigns.join(", ")}</td>
        <td class="number">${count(each.records)}</td>
        <td class="status-cell"><${StatusBar} ...${each} /><span
          class="small muted">${statuses_text(each.by_status)}</span></td>
        <td class="number">${count(each.due)}</td>
        <td class="number">${count(each.waiting)}</td>
        <td class="muted nowrap">${stamp(each.next_due_utc_ms)}</td>
      </tr>`)}</tbody></table></div>
      ${data.lists.length === 0 && html`<p
        class="empty">No calling list is configured, or none that you may see.</p>`}`}
  </section>`;
}

const statuses_text = (by_status) =>
  Object.entries(by_status).map(([status, number]) => `${count(number)} ${words(status)}`).join(" · ") || "empty";

/** Finds the records of a telephone number, in whatever list they are. */
function NumberSearch() {
  const [problem, set_problem] = useState(null);
  const [found, set_found] = useState(null);
  async function submit(event) {
    event.preventDefault();
    set_problem(null);
    try {
      const { records } = await get(`/records?number=${encodeURIComponent(new FormData(event.target).get("number").trim())}`);
      if (records.length === 1) location.hash = `#/lists/${records[0].list_dbid}/records/${records[0].record_id}`;
      set_found(records);
    } catch (refused) {
      set_problem(refused);
    }
  }
  return html`<form class="row search-form" onSubmit=${submit} role="search">
      <label class="unseen" for="number">Telephone number</label>
      <input id="number" name="number" type="search" placeholder="Telephone number" required maxlength="40" />
      <button class="small">Find records</button>
    </form>
    <div class="found"><${Refusal} problem=${problem} />
      ${found && (found.length === 0
        ? html`<p class="message" role="status">No record has this number.</p>`
        : html`<p class="message" role="status">${found.map((each) => html`<a key=${each.record_id}
          href=${`#/lists/${each.list_dbid}/records/${each.record_id}`}>${each.list_name} ${each.record_id}</a> `)}</p>`)}
    </div>`;
}

function ListPage({ board, dbid }) {
  const list = useLoad(`/lists/${dbid}`, FRESH_MS);
  const [is_active, set_active] = useState(false);
  const jobs = useLoad("/imports", is_active ? PROGRESS_MS : FRESH_MS);
  const mine = (jobs.data?.imports ?? []).filter((job) => job.list_dbid === Number(dbid));
  const works = mine.some((job) => ACTIVE.has(job.state));
  if (works !== is_active) set_active(works);
  if (!list.data) return html`<${Waiting} problem=${list.problem} what="calling list" />`;
  const each = list.data;
  const groups = board.groups.filter((group) => each.campaigns.includes(group.campaign.name));
  const fact = (name, value) => html`<div class="tile"><dt>${name}</dt><dd><b>${value}</b></dd></div>`;
  return html`<div class="head"><a class="back" href="#/lists" aria-label="To all lists">‹</a><h1>${each.name}</h1>
      <span class="muted">calling list · ${each.campaigns.join(", ") || "no campaign dials it"}</span>
      <span class="aside"><a class="button" href=${`/v1/lists/${dbid}/export`} download>Export CSV</a></span></div>
    <dl class="tiles five">${fact("Records", count(each.records))}${fact("Due now", count(each.due))}
      ${fact("Due later", count(each.waiting))}
      ${fact("In memory or in a call", count(each.claimed))}${fact("Next due", html`<span
        class="plain-text">${stamp(each.next_due_utc_ms)}</span>`)}</dl>
    <div class="columns">
      <div class="stack">
        <section class="panel"><header><h2>Records by status</h2>
          <span class="aside">counted ${stamp(each.counted_utc_ms)}</span></header>
          <div class="body stack tight"><${StatusBar} ...${each} />
          <ul class="legend">${Object.entries(each.by_status).map(([status, number]) => html`<li key=${status}>
            <span class=${`swatch ${STATUS_HUES[status] ?? "g8"}`}></span>${words(status)} <b>${count(number)}</b>
              </li>`)}</ul></div></section>
        <${RecordTable} dbid=${dbid} />
      </div>
      <div class="stack">
        ${may("operate") && html`<${ImportForm} dbid=${dbid} begun=${() => { set_active(true); jobs.reload(); }} />`}
        <${Jobs} jobs=${mine} reload=${jobs.reload} />
        ${groups.map((group) => html`<${Preflight} key=${group.dbid} group=${group} />`)}
        <${Files} files=${each.files} />
      </div>
    </div>`;
}

const PARQUET = "application/vnd.apache.parquet";

function ImportForm({ dbid, begun }) {
  const [problem, set_problem] = useState(null);
  const [share, set_share] = useState(null);

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    const { file, region, columns, dry_run } = form.elements;
    const query = new URLSearchParams({ name: file.files[0].name, dry_run: String(dry_run.checked) });
    if (region.value) query.set("default_region", region.value.trim().toUpperCase());
    for (const pair of columns.value.split(/[\n,]/).map((each) => each.trim()).filter(Boolean)) query.append("map", pair);
    set_problem(null);
    set_share(0);
    try {
      const is_parquet = /\.parquet$/i.test(file.files[0].name);
      await upload(`/lists/${dbid}/imports?${query}`, file.files[0], is_parquet ? PARQUET : "text/csv", set_share);
      say(`${file.files[0].name} is here and will be read`);
      form.reset();
      begun();
    } catch (refused) {
      set_problem(refused);
    } finally {
      set_share(null);
    }
  }

  return html`<section class="panel"><header><h2>Import a file</h2></header>
    <form class="body stack tight" onSubmit=${submit}>
      <div class="field"><label for="file">CSV or Parquet file</label>
        <input id="file" name="file" type="file" accept=".csv,.txt,.parquet" required /></div>
      <details><summary>Columns and numbers</summary><div class="stack tight">
        <div class="field"><label for="region">Region of numbers without +</label>
          <input id="region" name="region" maxlength="2"
            pattern="[A-Za-z]{2}" placeholder="as the list says" aria-describedby="region-hint" />
          <span class="hint" id="region-hint">Two letters, for example DE</span></div>
        <div class="field"><label for="columns">Names of columns</label>
          <textarea id="columns" name="columns" rows="2" placeholder="Mobile=phone" aria-describedby="columns-hint">
            </textarea>
          <span class="hint" id="columns-hint">COLUMN=OURS, one a line</span></div></div></details>
      <label class="row check"><input type="checkbox" name="dry_run" /> Only look: say what would be read</label>
      <${Refusal} problem=${problem} />
      ${share !== null && html`<progress value=${share} max="1" aria-label="Sending the file"></progress>`}
      <div class="row"><button class="main" disabled=${share !== null}>Import</button></div>
    </form></section>`;
}

function Jobs({ jobs, reload }) {
  if (!jobs.length) return null;
  return html`<section class="panel" aria-label="Imports"><header><h2>Imports</h2></header>
    <ul class="jobs">${jobs.slice(0, 10).map((job) => html`<${Job} key=${job.id} job=${job} reload=${reload} />`)}</ul>
    </section>`;
}

function Job({ job, reload }) {
  const is_active = ACTIVE.has(job.state);
  const share = job.bytes ? job.bytes_read / job.bytes : 0;
  const what = job.consents ? "consents added" : job.dry_run ? "would be in the list" : "in the list";
  const cancel = async () => {
    await post(`/imports/${job.id}/cancel`);
    reload();
  };
  return html`<li>
    <div class="row"><b class="cut">${job.file}</b><span
      class=${`chip ${STATE_KINDS[job.state] ?? ""}`}>${job.state}</span>
      ${job.dry_run && html`<span class="chip">only looked at</span>`}
      ${job.consents && html`<span class="chip">consents</span>`}
      <span class="end muted">${is_active ? percent(share) : duration((job.ended_utc_ms ?? job.created_utc_ms) - job.created_utc_ms)}</span>
        </div>
    ${is_active && html`<progress value=${share} max="1" aria-label=${`Reading ${job.file}`}></progress>`}
    <p class="muted"><b class="ink">${count(job.consents ? job.added : job.accepted)}</b> ${what} · <b
      class=${job.rejected ? "bad" : "ink"}>${count(job.rejected)}</b> rejected of ${counted(job.rows_read, "line")}</p>
    ${job.error && html`<p class="message bad">${job.error}</p>`}
    ${job.notes.map((note) => html`<p class="message warn" key=${note}>${note}</p>`)}
    ${Object.keys(job.reasons).length > 0 && html`<ul
      class="reasons">${Object.entries(job.reasons).map(([reason, number]) => html`<li key=${reason}>
      <span>${reason}</span><b>${count(number)}</b></li>`)}</ul>`}
    ${job.examples.length > 0 && html`<details><summary>First rejected lines</summary>
      <ul class="mono examples">${job.examples.map((line, n) => html`<li key=${n}>${line}</li>`)}</ul></details>`}
    <div class="row">
      ${job.has_rejects && html`<a href=${`/v1/imports/${job.id}/rejects`} download>All rejected lines (CSV)</a>`}
      ${is_active && may("operate") && html`<${Action} kind="small" label="Cancel" sure="End it?" name=${job.file}
        run=${cancel} />`}
    </div>
  </li>`;
}

function Files({ files }) {
  if (!files.length) return null;
  return html`<section class="panel"><header><h2>Files read</h2></header><div class="scroll">
    <table class="data compact"><thead><tr><th scope="col">File</th><th scope="col" class="number">Records</th>
    <th scope="col">Finished</th></tr></thead>
    <tbody>${files.map((each, n) => html`<tr key=${n}><td>${each.file || "without a file"}</td>
      <td class="number">${count(each.records)} of ${count(each.lines)}</td>
      <td class="muted nowrap">${stamp(each.finished_utc_ms)}</td></tr>`)}</tbody></table></div></section>`;
}
