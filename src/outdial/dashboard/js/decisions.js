// The last predictive decisions of a group, with what they rested on.
import { clock, percent, tenths } from "./format.js";
import { html } from "./html.js";
import { useLoad } from "./load.js";

const FRESH_MS = 2000;
const ROWS = 12;

export function Decisions({ group }) {
  const { data } = useLoad(`/groups/${group.dbid}/decisions`, FRESH_MS);
  if (!data || data.decisions.length === 0) return null;
  return html`<section class="panel" aria-label="Predictive decisions"><header><h2>Predictive decisions</h2>
    <span class="aside">${data.pacing}</span></header>
    <div class="scroll" tabindex="0" role="group" aria-label="Table of decisions"><table class="data compact">
      <thead><tr><th scope="col">At</th><th scope="col" class="number">Started</th>
        <th scope="col" class="number">Free agents</th><th scope="col" class="number">Expected</th>
        <th scope="col" class="number">Calls out</th><th scope="col" class="number">Persons</th>
          <th scope="col" class="number">Risk</th><th scope="col" class="number">Allowed</th>
          <th scope="col">Why not more</th></tr></thead>
      <tbody>${data.decisions.slice(-ROWS).reverse().map((each, n) => html`<tr key=${`${each.utc_ms}-${n}`}>
        <td class="muted">${clock(each.utc_ms)}</td><td class="number"><b>${each.started_calls}</b></td>
          <td class="number">${each.available_agents}</td>
        <td class="number">${tenths(each.agents_expected)}</td><td class="number">${each.pending_calls}</td>
          <td class="number">${tenths(each.persons_expected)}</td>
        <td class="number">${percent(each.risk)}</td><td class="number">${percent(each.threshold)}</td>
          <td class="muted nowrap">${each.why_not_more}</td></tr>`)}</tbody></table></div></section>`;
}
