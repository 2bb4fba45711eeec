// Ports of a pool over time: what each group holds, on top of each other, under the size of the pool.
import { Chart } from "./chart.js";
import { count } from "./format.js";
import { html, useMemo } from "./html.js";

const hue_variable = (board, dbid) => `--group-${board.hue(dbid).slice(1)}`;

export function PoolChart({ board, history, pool }) {
  const groups = board.groups.filter((group) => group.dialer === pool.dialer);
  const latest = history.samples.at(-1)?.t;
  const rows = useMemo(() => history.rows(
    ...groups.map((group) => (sample) => sample.groups[group.dbid]?.[0] ?? 0),
    (sample) => sample.pools[pool.dialer],
  ), [latest, groups.length]);
  const lines = [
    ...groups.map((group) => ({ name: group.name, hue: hue_variable(board, group.dbid), is_stacked: true })),
    { name: "pool", hue: "--muted", is_dashed: true },
  ];
  const label = `Ports of ${pool.name}: ${pool.used} of ${pool.ports} in use; `
    + groups.map((group) => `${group.name} ${group.ports.used}`).join(", ");
  return html`<section class="panel" aria-label=${`Ports of ${pool.name}`}>
    <header><h2>Ports of ${pool.name}</h2>
      ${pool.shortage && html`<span class="chip warn">shortage</span>`}
      <span class="aside">${count(pool.used)} of ${count(pool.ports)} in use${pool.reserved > 0 && ` · ${count(pool.reserved)} reserved`}</span>
    </header>
    <div class="body">
      <${Chart} rows=${rows} lines=${lines} label=${label} text=${count} />
      ${pool.note && html`<p class="message warn">${pool.note}</p>`}
    </div>
  </section>`;
}

/** Ports of one group over time: used, the maximum, the demand. */
export function GroupChart({ history, group }) {
  const latest = history.samples.at(-1)?.t;
  const of = (n) => (sample) => sample.groups[group.dbid]?.[n];
  const rows = useMemo(() => history.rows(of(0), of(1), of(2)), [latest]);
  const lines = [
    { name: "used", hue: "--accent", is_stacked: true },
    { name: "maximum", hue: "--ink" },
    { name: "demand", hue: "--group-3", is_dashed: true },
  ];
  const { used, maximum, need } = group.ports;
  const label = `Ports of ${group.name}: ${used} in use, maximum ${maximum ?? "as the pool"}, demand ${need.toFixed(1)}`;
  return html`<${Chart} rows=${rows} lines=${lines} label=${label} height=${200}
    text=${(value) => (Number.isInteger(value) ? count(value) : value.toFixed(1))} />`;
}
