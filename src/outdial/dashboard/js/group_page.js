// One campaign group: figures, controls, why it does not dial more, ports over time, what became of its calls.
import { may, post } from "./api.js";
import { Refusal, say } from "./controls.js";
import { clock, count, mode_name, percent, tenths, words } from "./format.js";
import { html, useState } from "./html.js";
import { GroupChart } from "./pool_chart.js";
import { Decisions } from "./decisions.js";
import { useLoad } from "./load.js";
import { SettingsForm } from "./settings_form.js";
import { AgentBar, PauseResume, PortBar, STATE_KINDS, StartStop, rate_kind } from "./wall.js";

const MODES = ["progressive", "predictive", "progressive-with-seizing", "predictive-with-seizing", "progressive-gvp",
  "predictive-gvp", "power-gvp", "preview", "push-preview"];
const WINDOWS = { day: "today", "24-hours": "24 hours", "30-days": "30 days", life: "all time" };
const family = (mode) => mode.replace(/^(progressive|predictive)/, "");

/** Modes that a group may change to now: any while it is stopped, else the other form of its family. */
function modes_for(group) {
  if (group.state === "stopped") return MODES;
  return MODES.filter((mode) => mode === group.mode
    || (/^pr(ogressive|edictive)/.test(mode) && /^pr(ogressive|edictive)/.test(group.mode) && family(mode) === family(group.mode)));
}

function ModeForm({ group }) {
  const [chosen, set_chosen] = useState(null);
  const [problem, set_problem] = useState(null);
  const modes = modes_for(group);
  const mode = chosen ?? group.mode;

  async function submit(event) {
    event.preventDefault();
    set_problem(null);
    try {
      await post(`/groups/${group.dbid}/mode`, { mode });
      set_chosen(null);
      say(`${group.name} dials ${mode_name(mode)}`);
    } catch (refused) {
      set_problem(refused);
    }
  }

  return html`<form class="stack" onSubmit=${submit}>
    <div class="field"><label for="mode">Dialing mode</label>
      <div class="row nowrap-row">
        <select id="mode" value=${mode} aria-describedby="mode-hint"
          onChange=${(event) => set_chosen(event.target.value)}>
          ${modes.map((each) => html`<option key=${each} value=${each}>${mode_name(each)}</option>`)}
        </select>
        <button class="main" disabled=${mode === group.mode}>Change mode</button>
      </div>
      <span class="hint" id="mode-hint">${group.state === "stopped"
        ? "Takes effect at the next start."
        : "While it runs: between the progressive and the predictive form. Others need a stop."}</span>
    </div>
    <${Refusal} problem=${problem} />
  </form>`;
}

/** Numbers with what they count, in one line. */
function counts(...pairs) {
  return pairs.map(([number, what], n) => html`${n > 0 && " · "}<b>${count(number)}</b> ${what}`);
}

function Figures({ board, group }) {
  const pool = board.pools.find((each) => each.dialer === group.dialer);
  const node = group.node === null ? null : board.by.nodes.get(group.node);
  const { calls, rates, totals, ports } = group;
  const item = (name, value) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<dl class="facts">
    ${item("Agents", html`<${AgentBar} agents=${group.agents} />`)}
    ${item("Ports", html`<${PortBar} ports=${ports} pool_ports=${pool?.ports ?? 0} />`)}
    ${item("Calls now", counts([calls.dialing, "dialing"], [calls.ringing, "ringing"], [calls.answered, "detecting"],
      [calls.waiting, "waiting"], [calls.connected, "connected"]))}
    ${item("Rates", [html`hit ratio <b>${percent(rates.hit_ratio)}</b> · `,
      html`<b>${tenths(rates.calls_per_agent_hour)}</b> calls per agent and hour · `,
      html`<b>${count(rates.attempts_per_hour)}</b> attempts per hour`])}
    ${item("Since start", counts([totals.attempts, "attempts"], [totals.answered, "persons"],
      [totals.connected, "connected"], [totals.abandoned + totals.dropped, "lost waiting"]))}
    ${item("Dials", [pool?.name ?? group.dialer, node ? `, node ${node.name}` : ", all nodes in turn",
      ` · ${group.pacing} · ${count(group.buffered_records)} records at hand`])}
  </dl>`;
}

function Abandonment({ group }) {
  const { limit, recent, windows } = group.abandonment;
  const row = (name, ratio, note) => html`<tr key=${name}><th scope="row">${name}</th>
    <td class="number"><b class=${rate_kind(ratio, limit)}>${percent(ratio)}</b></td>
      <td class="number muted">${note}</td></tr>`;
  return html`<section class="panel"><header><h2>Abandoned calls</h2><span class="aside">limit ${percent(limit)}</span>
    </header>
    <table class="data compact"><thead class="unseen"><tr><th>Window</th><th>Share</th><th>Calls</th></tr></thead>
      <tbody>
      ${row("this group, lately", recent, "")}
      ${windows.map(({ window, calls, abandoned, ratio }) =>
        row(WINDOWS[window] ?? window, calls ? ratio : null, `${count(abandoned)} of ${count(calls)}`))}
    </tbody></table>
    ${windows.length === 0 && html`<p class="empty">The ledger of ${group.campaign.name} is not known yet.</p>`}
  </section>`;
}

function Results({ totals }) {
  const rows = Object.entries(totals.results).filter(([, number]) => number > 0).sort((a, b) => b[1] - a[1]);
  const most = rows[0]?.[1] ?? 1;
  return html`<section class="panel"><header><h2>Call results</h2>
    <span class="aside">${count(totals.attempts)} attempts</span></header>
    ${rows.length === 0 && html`<p class="empty">No attempt has ended yet.</p>`}
    <ul class="bars">${rows.map(([name, number]) => html`<li key=${name}>
      <span>${words(name)}</span><span class="meter" aria-hidden="true">
        <i class="busy" style=${{ width: `${(100 * number) / most}%` }}></i></span>
      <span class="number">${count(number)}</span><span class="number muted">${percent(number / totals.attempts)}</span>
    </li>`)}</ul>
  </section>`;
}

function Why({ group }) {
  // a new hold is a new question; between them, every few seconds
  const { data } = useLoad(`/why?group=${group.dbid}`, 3000);
  const told = data?.subjects[0]?.reasons ?? null;
  const reasons = told ?? group.holds.map((hold) => ({ text: hold }));
  return html`<section class="panel" aria-label="Why it does not dial more"><header><h2>Why it does not dial more</h2>
    </header>
    ${reasons.length === 0
      ? html`<p class="calm"><span class="dot good"></span>Nothing holds it back.</p>`
      : html`<ul class="holds">${reasons.map((reason, n) => html`<li key=${reason.code ?? n}>${reason.text}
          ${reason.ends_when && html`<span
            class="small muted">until ${reason.ends_when}${reason.since_utc_ms ? `; since ${clock(reason.since_utc_ms)}` : ""}</span>`}</li>`)}</ul>`}
    <p class="body muted">Ports: ${group.ports.reason}, since ${clock(group.ports.since_utc_ms)}.</p>
  </section>`;
}

export function GroupPage({ board, history, path }) {
  const group = board.group(Number(path[0]));
  if (!group) return html`<p class="empty">There is no campaign group ${path[0]}, or none that you may see. <a
    href="#/">To the board</a></p>`;
  return html`<div class=${`head ${board.hue(group.dbid)}`}>
      <a class="back" href="#/" aria-label="To the board">‹</a>
      <span class="swatch"></span><h1 tabindex="-1">${group.name}</h1>
      <span class=${`chip ${STATE_KINDS[group.state] ?? ""}`}>${group.state}</span>
      <span class="muted">${mode_name(group.mode)} · campaign ${group.campaign.name}</span>
      <span class="aside"><${PauseResume} group=${group} /><${StartStop} group=${group} kind="" /></span>
    </div>
    <div class="columns">
      <div class="stack">
        <section class="panel" aria-label="Figures"><${Figures} board=${board} group=${group} /></section>
        <section class="panel"><header><h2>Ports</h2><span class="aside">${group.ports.rule}</span></header>
          <div class="body"><${GroupChart} history=${history} group=${group} /></div></section>
        <${Decisions} group=${group} />
        <${Results} totals=${group.totals} />
      </div>
      <div class="stack">
        <${Why} group=${group} />
        ${may("operate") && html`<section class="panel"><header><h2>Controls</h2></header><div class="body">
          <${ModeForm} group=${group} /></div></section>`}
        <${Abandonment} group=${group} />
        ${may("operate") && html`<${SettingsForm} key=${group.dbid} dbid=${group.dbid} />`}
      </div>
    </div>`;
}
