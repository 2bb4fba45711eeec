// Who of a campaign group's customers may be called, and what keeps the others, if nobody is called.
import { get } from "./api.js";
import { Refusal } from "./controls.js";
import { clock, count, words } from "./format.js";
import { html, useState } from "./html.js";

const LATER = { later_today: "Later today", tomorrow: "Tomorrow", later: "After that", never: "Never" };
const reasons_text = (reasons) =>
  Object.entries(reasons).map(([reason, number]) => `${count(number)} ${words(reason)}`).join(" · ");
const total = (reasons) => Object.values(reasons).reduce((sum, number) => sum + number, 0);

export function Preflight({ group }) {
  const [seen, set_seen] = useState(null);
  const [problem, set_problem] = useState(null);
  const [is_busy, set_busy] = useState(false);

  async function look() {
    set_busy(true);
    set_problem(null);
    try {
      set_seen(await get(`/groups/${group.dbid}/preflight`));
    } catch (refused) {
      set_problem(refused);
    } finally {
      set_busy(false);
    }
  }

  return html`<section class="panel" aria-label=${`Preflight of ${group.name}`}>
    <header><h2>Preflight of ${group.name}</h2>${seen && html`<span
      class="aside">at ${clock(seen.at_utc_ms)}</span>`}</header>
    <div class="body stack tight">
      ${!seen && html`<p class="muted">Looks at every record that the group may dial: who may be called now, who later, and why.</p>`}
      <${Refusal} problem=${problem} />
      ${seen && html`<dl class="preflight">
        <div><dt>May be called now</dt><dd><b class=${seen.now ? "good" : "warn"}>${count(seen.now)}</b></dd></div>
        ${Object.entries(LATER).filter(([key]) => total(seen[key]) > 0).map(([key, name]) => html`<div key=${key}>
          <dt>${name}</dt><dd><b>${count(total(seen[key]))}</b>
          <span class="small muted">${reasons_text(seen[key])}</span></dd></div>`)}
        <div><dt>In memory or in a call</dt><dd>${count(seen.claimed)}</dd></div>
        <div><dt>Behind another number</dt><dd>${count(seen.behind)}</dd></div>
        <div><dt>Finished</dt><dd>${count(seen.finished)}</dd></div>
      </dl>`}
      <div class="row"><button type="button" onClick=${look} disabled=${is_busy}
        aria-busy=${is_busy}>${seen ? "Look again" : "Who may be called?"}</button></div>
    </div></section>`;
}
