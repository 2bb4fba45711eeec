// Alarms: what an operator must know, the worst and newest first.
import { clock, duration, sentence } from "./format.js";
import { html } from "./html.js";

const RANK = { critical: 0, warning: 1 };

export function AlarmList({ board, level = "h2" }) {
  const alarms = [...board.alarms].sort((a, b) => RANK[a.severity] - RANK[b.severity] || b.since_utc_ms - a.since_utc_ms);
  return html`<section class="panel" aria-label="Alarms">
    <header>${level === "h1" ? html`<h1>Alarms</h1>` : html`<h2>Alarms</h2>`}
      <span class="aside">${alarms.length || "none"}</span></header>
    <ul class="alarms" aria-live="polite">${alarms.map((alarm) => html`<li key=${alarm.key}
      class=${alarm.severity === "critical" ? "bad" : "warn"}>
      <span class=${`dot ${alarm.severity === "critical" ? "bad" : "warn"}`}></span>
      <span class="text"><span class="unseen">${alarm.severity}: </span>${sentence(alarm.text)}</span>
      <span class="muted nowrap"
        title=${`since ${clock(alarm.since_utc_ms)}`}>${duration(board.now_utc_ms() - alarm.since_utc_ms)}</span>
    </li>`)}</ul>
    ${alarms.length === 0 && html`<p class="calm"><span class="dot good"></span>Nothing needs you.</p>`}
  </section>`;
}

export function AlarmsPage({ board }) {
  return html`<${AlarmList} board=${board} level="h1" />`;
}
