// Every agent: state, since when, and for which group.
import { count, duration } from "./format.js";
import { html, useState } from "./html.js";

const KINDS = { ready: "good", reserved: "accent", talking: "accent", "after-call work": "warn", "not ready": "", "logged out": "" };
/** Rows that are drawn at most; the filter reaches the others. */
const ROWS_MAX = 300;

export function AgentsPage({ board }) {
  const [state, set_state] = useState("");
  const [text, set_text] = useState("");
  const agents = board.agents;
  const counts = new Map();
  for (const agent of agents) counts.set(agent.state, (counts.get(agent.state) ?? 0) + 1);
  const wanted = text.trim().toLowerCase();
  const found = agents.filter((agent) => (!state || agent.state === state)
    && (!wanted || agent.login.toLowerCase().includes(wanted) || agent.phone.includes(wanted)));
  const now = board.now_utc_ms();
  return html`<section class="panel" aria-label="Agents">
    <header><h1>Agents</h1><span class="aside">${count(found.length)} of ${count(agents.length)}</span></header>
    <div class="body row">
      <div class="tabs" role="group" aria-label="State">
        <button type="button" aria-pressed=${state === ""} onClick=${() => set_state("")}>all <span
          class="badge">${agents.length}</span></button>
        ${Object.keys(KINDS).filter((each) => counts.has(each)).map((each) => html`<button type="button" key=${each}
          aria-pressed=${state === each}
          onClick=${() => set_state(each)}>${each} <span class="badge">${counts.get(each)}</span></button>`)}
      </div>
      <div class="search"><label class="unseen" for="agent-search">Login or phone</label>
        <input id="agent-search" type="search" placeholder="Login or phone" value=${text}
          onInput=${(event) => set_text(event.target.value)} /></div>
    </div>
    <div class="scroll" tabindex="0" role="group" aria-label="Table of agents"><table class="data">
      <thead><tr><th scope="col">Agent</th><th scope="col">State</th><th scope="col" class="number">Since</th>
        <th scope="col">Phone</th><th scope="col">Group</th></tr></thead>
      <tbody>${found.slice(0, ROWS_MAX).map((agent) => html`<tr key=${agent.dbid}>
        <td>${agent.login}</td>
        <td><span class=${`chip ${KINDS[agent.state] ?? ""}`}>${agent.state}</span>${agent.engaged && html` <span
          class="chip">engaged</span>`}</td>
        <td class="number">${duration(now - agent.since_utc_ms)}</td>
        <td>${agent.phone} <span class="muted roomy">${agent.phone_state}</span></td>
        <td>${agent.group !== null && html`<a
          href=${`#/groups/${agent.group}`}>${board.group(agent.group)?.name ?? agent.group}</a>`}</td>
      </tr>`)}</tbody>
    </table></div>
    ${found.length > ROWS_MAX && html`<p
      class="empty">The first ${ROWS_MAX} of ${count(found.length)}: name more of the login.</p>`}
    ${found.length === 0 && html`<p class="empty">No agent is like that.</p>`}
  </section>`;
}
